//! Strings and lists that cannot be longer than the protocol allows: parsed once, trusted after.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::limits;

/// An opaque body of at most `MAX` bytes. The server passes it on and never reads it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Body<const MAX: usize>(String);

impl<const MAX: usize> TryFrom<String> for Body<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > MAX {
            return Err(format!(
                "a body of {} bytes; at most {MAX} are allowed",
                text.len()
            ));
        }
        Ok(Body(text))
    }
}

impl<const MAX: usize> From<Body<MAX>> for String {
    fn from(body: Body<MAX>) -> String {
        body.0
    }
}

impl<const MAX: usize> Deref for Body<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Body<MAX> {
    /// Bodies are private: a log line says how long one is, not what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// A participant's name as others see it: 1 to 64 characters, trimmed, none of them a control
/// character or one that turns the direction of text around.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim();
        let count = text.chars().count();
        if count == 0 || count > limits::NAME_CHARS {
            return Err(format!(
                "a name of {count} characters; 1 to {} are allowed",
                limits::NAME_CHARS
            ));
        }
        if text.chars().any(is_invisible_control) {
            return Err("a name with control characters".to_owned());
        }
        Ok(Name(text.to_owned()))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn is_invisible_control(c: char) -> bool {
    let turns_direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns_direction || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A short machine-readable word: 1 to 32 of `A–Z a–z 0–9 . _ -`. Request ids, features, versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct Token(String);

impl TryFrom<String> for Token {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if text.is_empty() || text.len() > limits::TOKEN_BYTES || !text.bytes().all(allowed) {
            return Err(format!(
                "1 to {} of A-Z a-z 0-9 . _ - are allowed here",
                limits::TOKEN_BYTES
            ));
        }
        Ok(Token(text))
    }
}

impl From<Token> for String {
    fn from(token: Token) -> String {
        token.0
    }
}

impl Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A list of at most `MAX` entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    try_from = "Vec<T>",
    into = "Vec<T>",
    bound(serialize = "T: Clone + Serialize")
)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for List<T, MAX> {
    type Error = String;

    fn try_from(entries: Vec<T>) -> Result<Self, String> {
        if entries.len() > MAX {
            return Err(format!(
                "a list of {} entries; at most {MAX} are allowed",
                entries.len()
            ));
        }
        Ok(List(entries))
    }
}

impl<T, const MAX: usize> From<List<T, MAX>> for Vec<T> {
    fn from(list: List<T, MAX>) -> Vec<T> {
        list.0
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(&*Name::try_from("  Ada  ".to_owned()).unwrap(), "Ada");
        assert!(Name::try_from("é".repeat(64)).is_ok());
        for bad in ["", "   ", &"x".repeat(65), "a\nb", "a\u{202e}b", "a\0"] {
            assert!(Name::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_body_of_exactly_the_limit_is_taken() {
        assert!(Body::<4>::try_from("abcd".to_owned()).is_ok());
        assert!(Body::<4>::try_from("abcde".to_owned()).is_err());
    }

    #[test]
    fn a_token_has_no_space_and_no_quote() {
        assert!(Token::try_from("web-0.1_x".to_owned()).is_ok());
        for bad in ["", "a b", "\"", "é", &"x".repeat(33)] {
            assert!(Token::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
