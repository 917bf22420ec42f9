//! Whether people can call here: looks at what the server would use, asks the relay as a client does,
//! and says for each finding what it means and what to do. It changes nothing, and asks nobody but the
//! server itself and the STUN server that the operator names.

mod ask;
mod certificate;
mod embedding;
mod holder;
mod machine;
mod network;
mod ports;
mod relay;
mod storage;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::http::EmbedOrigin;
use crate::net::relay::RelayConfig;
use crate::store::Place;

/// What a server would be started with.
pub struct Plan {
    /// Its relay.
    pub relay: RelayConfig,
    /// Where pages would be, and the flag that says so.
    pub pages: Vec<(SocketAddr, &'static str)>,
    /// Where HTTPS would be, and the host that clients use, if there is to be HTTPS.
    pub https: Option<(SocketAddr, String)>,
    /// The certificate of whatever does TLS.
    pub certificate: Option<Certificate>,
    /// Where state is kept, if any is.
    pub state: Option<State>,
    /// Files that nobody else should read.
    pub secrets: Vec<PathBuf>,
    /// Whose pages may show calls in theirs.
    pub embed_origins: Vec<EmbedOrigin>,
    /// What was asked for and cannot be had.
    pub troubles: Vec<String>,
    /// A STUN server by others, HOST:PORT, that may be asked how the internet sees us.
    pub stun: Option<String>,
}

/// Who vouches for the server.
#[derive(Clone, Debug)]
pub enum Certificate {
    /// An authority that clients know, or that their people have told them.
    Files {
        /// The chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Whom it has to speak for, if that is known.
        name: Option<String>,
    },
    /// An authority of our own, in this file once it is made.
    Own(PathBuf),
}

/// Where state is kept.
pub struct State {
    /// The data folder.
    pub folder: PathBuf,
    /// The store.
    pub store: Place,
}

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Good,
    /// Some will not be able to call, or not for ever.
    Warning,
    /// People cannot call.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, as a word for programs.
    pub check: &'static str,
    /// How it counts.
    pub level: Level,
    /// What was found, and what it means.
    pub message: String,
    /// What to do, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether there is no problem.
    pub ok: bool,
    /// In the order in which one would mend it.
    pub findings: Vec<Finding>,
}

impl Finding {
    fn good(check: &'static str, message: impl Into<String>) -> Finding {
        Finding {
            check,
            level: Level::Good,
            message: message.into(),
            remedy: None,
        }
    }

    fn warning(check: &'static str, message: impl Into<String>, remedy: &str) -> Finding {
        Finding {
            level: Level::Warning,
            remedy: Some(remedy.to_owned()),
            ..Finding::good(check, message)
        }
    }

    fn problem(check: &'static str, message: impl Into<String>, remedy: &str) -> Finding {
        Finding {
            level: Level::Problem,
            ..Finding::warning(check, message, remedy)
        }
    }
}

/// Looks at everything.
pub async fn examine(plan: &Plan) -> Report {
    let troubles = plan.troubles.iter();
    let troubles = troubles.map(|it| Finding::problem("flags", it, "give other flags"));
    let mut findings: Vec<Finding> = troubles.collect();
    findings.extend(machine::examine(plan));
    findings.extend(storage::examine(plan).await);
    findings.extend(certificate::examine(plan));
    findings.extend(embedding::examine(plan));
    findings.extend(network::examine(plan));
    let ports = ports::examine(plan);
    findings.extend(relay::examine(plan, &ports));
    findings.extend(ports.findings);
    Report::of(findings)
}

impl Report {
    fn of(findings: Vec<Finding>) -> Report {
        let ok = findings.iter().all(|it| it.level != Level::Problem);
        Report { ok, findings }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let mark = match finding.level {
                Level::Good => "ok     ",
                Level::Warning => "WARNING",
                Level::Problem => "PROBLEM",
            };
            let _ = writeln!(text, "{mark}  {}", finding.message);
            if let Some(remedy) = &finding.remedy {
                let _ = writeln!(text, "         → {remedy}");
            }
        }
        let count = |level| self.findings.iter().filter(|it| it.level == level).count();
        let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
        let _ = match (problems, warnings) {
            (0, 0) => writeln!(
                text,
                "\nPeople can call here, as far as it shows from inside."
            ),
            (0, n) => writeln!(text, "\nNo problems. Warnings: {n}."),
            (n, m) => writeln!(text, "\nProblems: {n}. Warnings: {m}."),
        };
        text
    }
}
