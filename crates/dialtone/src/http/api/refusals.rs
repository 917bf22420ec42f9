//! Which refusals a request can meet, for the document. They come in groups: whoever has to be
//! signed in can be signed out, whoever sends a body can send a bad one.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// Of everything that is asked of the store.
pub struct Always;
/// Of what changes something.
pub struct Changes;
/// Of what takes a body.
pub struct TakesBody;
/// Of what needs an account.
pub struct NeedsAccount;
/// Of what needs an account with a role, or a token with a scope.
pub struct NeedsRight;
/// Of what names something.
pub struct Names;
/// Of what can be asked without an account, and not too often.
pub struct Limited;

type Responses = BTreeMap<String, RefOr<Response>>;

fn refusals(list: &[(u16, &str)]) -> Responses {
    let refusal = |(status, text): &(u16, &str)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error")));
        let response = ResponseBuilder::new()
            .description(*text)
            .content("application/json", content.build());
        (status.to_string(), response.build().into())
    };
    list.iter().map(refusal).collect()
}

macro_rules! group {
    ($($name:ident: $($status:literal $text:literal),+;)*) => {$(
        impl IntoResponses for $name {
            fn responses() -> Responses {
                refusals(&[$(($status, $text)),+])
            }
        }
    )*};
}

group! {
    Always:
        421 "`unknown_host`: the server has not the name in the request's `Host`",
        503 "`unavailable`: the server is busy, or its store does not answer";
    Changes:
        403 "`foreign_origin`: a page of another site asks";
    TakesBody:
        400 "`bad_request`: the body or a field in it is not as described",
        413 "`too_large`: the body has more than 16 KiB",
        415 "`not_json`: the content type is not `application/json`";
    NeedsAccount:
        401 "`signed_out`: no cookie and no token, or one that is not good any more; `unknown_token`: the API token is not known";
    NeedsRight:
        403 "`forbidden`: the account, or the API token, may not do this; `foreign_origin`: a page of another site asks";
    Names:
        404 "`not_found`: there is nothing of this name, or it is not yours";
    Limited:
        429 "`limit`: too often from this address; `Retry-After` says when again";
}
