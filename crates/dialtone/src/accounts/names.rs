//! What people sign in with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const MAX_CHARS: usize = 32;

/// The name somebody signs in with: 1 to 32 of `a-z 0-9 . _ -`. Capitals are taken as small
/// letters: nobody can be mistaken for another by them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9._-]+$", example = "ada")]
pub struct LoginName(String);

/// The text is not a login name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A login name has 1 to {MAX_CHARS} of these characters: a-z 0-9 . _ -")]
pub struct LoginNameError;

impl LoginName {
    /// As it is kept: in small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LoginName {
    type Err = LoginNameError;

    fn from_str(text: &str) -> Result<LoginName, LoginNameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if text.is_empty() || text.len() > MAX_CHARS || !text.bytes().all(allowed) {
            return Err(LoginNameError);
        }
        Ok(LoginName(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for LoginName {
    type Error = LoginNameError;

    fn try_from(text: String) -> Result<LoginName, LoginNameError> {
        text.parse()
    }
}

impl From<LoginName> for String {
    fn from(name: LoginName) -> String {
        name.0
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_make_no_other_name() {
        assert_eq!("Ada.L-1_x".parse(), "ada.l-1_X".parse::<LoginName>());
        assert!("x".repeat(32).parse::<LoginName>().is_ok());
    }

    #[test]
    fn nothing_else_is_taken() {
        for bad in [
            "",
            "a b",
            "ada\0",
            "é",
            "ада",
            "a'--",
            "<b>",
            "a/b",
            "a@b",
            &"x".repeat(33),
        ] {
            assert_eq!(bad.parse::<LoginName>(), Err(LoginNameError), "{bad:?}");
        }
    }
}
