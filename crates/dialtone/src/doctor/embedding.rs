//! Pages of other sites that may show calls in theirs.

use super::{Finding, Plan};
use crate::http::EmbedOrigin;

const CHECK: &str = "embedding";

pub fn examine(plan: &Plan) -> Vec<Finding> {
    plan.embed_origins.iter().map(look_at).collect()
}

/// A frame counts as secure only if every page around it does (W3C Secure Contexts, section 3.1).
fn look_at(origin: &EmbedOrigin) -> Finding {
    let text = origin.as_str();
    let host = text.split_once("://").map_or(text, |(_, host)| host);
    let is_local = host.starts_with("localhost") || host.starts_with("127.");
    if text.starts_with("https://") || is_local {
        return Finding::good(CHECK, format!("Pages of {text} may show calls in theirs."));
    }
    Finding::warning(
        CHECK,
        format!(
            "Pages of {text} may show calls in theirs, but come by plain HTTP: browsers give no camera \
             and no microphone there."
        ),
        "serve those pages by HTTPS, and name the origin with https://",
    )
}
