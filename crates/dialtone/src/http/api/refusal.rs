//! Why a request was not done, in a form for programs and one for people.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::{passkeys, passwords};
use crate::store;

/// Every error has this body.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct Body {
    /// A word for programs.
    #[schema(example = "not_found")]
    code: &'static str,
    /// A sentence for people: what happened, and what helps.
    #[schema(example = "There is nothing at this address.")]
    message: Cow<'static, str>,
}

/// A request that is not done.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    body: Body,
    retry_after: Option<Duration>,
    cookie: Option<HeaderValue>,
}

impl Refusal {
    /// With this status, word and sentence.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Refusal {
        Refusal {
            status,
            body: Body {
                code,
                message: message.into(),
            },
            retry_after: None,
            cookie: None,
        }
    }

    /// What was asked for makes no sense.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// It is not there, or not for the one who asks.
    pub fn not_found(message: &'static str) -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// It cannot be, as things are.
    pub fn conflict(code: &'static str, message: &'static str) -> Refusal {
        Refusal::new(StatusCode::CONFLICT, code, message)
    }

    /// Not by this one.
    pub fn forbidden(message: &'static str) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// Too often.
    pub fn limit(wait: Duration, message: &'static str) -> Refusal {
        let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "limit", message);
        refusal.retry_after = Some(wait);
        refusal
    }

    /// Not now.
    pub fn busy() -> Refusal {
        let text = "The server is busy. Try again in a moment.";
        let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text);
        refusal.retry_after = Some(Duration::from_secs(4));
        refusal
    }

    /// The server could not find out.
    pub fn is_unavailable(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// With a cookie to be set.
    pub fn with_cookie(mut self, cookie: HeaderValue) -> Refusal {
        self.cookie = Some(cookie);
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, (wait.as_secs() + 1).into());
        }
        if let Some(cookie) = self.cookie {
            headers.insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Refusal {
        tracing::error!("A request cannot be served: {error}");
        Refusal::busy()
    }
}

impl From<getrandom::Error> for Refusal {
    fn from(error: getrandom::Error) -> Refusal {
        tracing::error!("The system has no randomness to give: {error}");
        Refusal::busy()
    }
}

impl From<passwords::Failure> for Refusal {
    fn from(_: passwords::Failure) -> Refusal {
        Refusal::busy()
    }
}

impl From<passwords::Unsuitable> for Refusal {
    fn from(reason: passwords::Unsuitable) -> Refusal {
        let text = reason.to_string();
        Refusal::new(StatusCode::BAD_REQUEST, "unsuitable_password", text)
    }
}

impl From<passkeys::Failure> for Refusal {
    fn from(failure: passkeys::Failure) -> Refusal {
        let text = failure.to_string();
        match failure {
            passkeys::Failure::Busy | passkeys::Failure::Internal => Refusal::busy(),
            passkeys::Failure::Over => Refusal::new(StatusCode::GONE, "ceremony_over", text),
            passkeys::Failure::Refused => {
                Refusal::new(StatusCode::FORBIDDEN, "passkey_refused", text)
            }
        }
    }
}
