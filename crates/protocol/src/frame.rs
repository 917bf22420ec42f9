//! From bytes to frames and back.
//!
//! Reading is strict where a lenient reader and a strict one could disagree about what was said:
//! a duplicate key, deep nesting or a second value after the first is refused outright. Unknown
//! fields are ignored, so that a newer client can talk to an older server.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits;
use crate::message::{ClientFrame, ClientMessage, ServerMessage};
use crate::text::Token;

/// Characters of an error's reason; parsers quote what they did not like, however long it is.
const REASON_CHARS: usize = 200;

/// Why a frame was not understood. A frame that was not understood has no effect.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FrameError {
    /// Not a JSON object, or one that two readers could understand differently. The client is
    /// broken or hostile: the socket is closed.
    #[error("not a frame: {0}")]
    NotAFrame(String),
    /// A frame of a type the server does not know. Answered; newer clients will send such.
    #[error("this server does not know messages of type {t:?}")]
    UnknownType {
        /// The request's id, if it had a good one.
        id: Option<Token>,
        /// The type, shortened.
        t: String,
    },
    /// A known type whose body is wrong. Answered.
    #[error("the body of {t} is wrong: {reason}")]
    Malformed {
        /// The request's id, if it had a good one.
        id: Option<Token>,
        /// The type.
        t: &'static str,
        /// What was wrong with it.
        reason: String,
    },
}

/// Reads one client frame.
pub fn parse(text: &str) -> Result<ClientFrame, FrameError> {
    let mut fields = parse_object(text)?;
    let id = take_field::<Token>(&mut fields, "id")?;
    let ack = take_field::<u64>(&mut fields, "ack")?;
    let message = parse_message(fields, id.clone())?;
    Ok(ClientFrame { id, ack, message })
}

/// Writes one server frame. `seq` numbers it for replay; `re` is the request it answers.
pub fn encode(seq: Option<u64>, re: Option<&Token>, message: &ServerMessage) -> String {
    let frame = ServerFrame { seq, re, message };
    serde_json::to_string(&frame).expect("messages have string keys and no failing serializers")
}

#[derive(Serialize)]
struct ServerFrame<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    re: Option<&'a Token>,
    #[serde(flatten)]
    message: &'a ServerMessage,
}

fn parse_object(text: &str) -> Result<Map<String, Value>, FrameError> {
    if text.len() > limits::FRAME_BYTES {
        return Err(FrameError::NotAFrame(format!(
            "{} bytes; at most {} are allowed",
            text.len(),
            limits::FRAME_BYTES
        )));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = StrictValue { depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| FrameError::NotAFrame(shortened(&error)))?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(FrameError::NotAFrame("not a JSON object".to_owned())),
    }
}

fn take_field<T: for<'de> Deserialize<'de>>(
    fields: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, FrameError> {
    let Some(value) = fields.remove(name) else {
        return Ok(None);
    };
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| FrameError::NotAFrame(format!("{name}: {}", shortened(&error))))
}

fn parse_message(
    fields: Map<String, Value>,
    id: Option<Token>,
) -> Result<ClientMessage, FrameError> {
    let Some(Value::String(t)) = fields.get("t") else {
        return Err(FrameError::NotAFrame("t is missing".to_owned()));
    };
    let Some(t) = ClientMessage::TYPES.iter().find(|known| *known == t) else {
        let t = t.chars().take(limits::TOKEN_BYTES).collect();
        return Err(FrameError::UnknownType { id, t });
    };
    serde_json::from_value(Value::Object(fields)).map_err(|error| FrameError::Malformed {
        id,
        t,
        reason: shortened(&error),
    })
}

fn shortened(error: &serde_json::Error) -> String {
    error.to_string().chars().take(REASON_CHARS).collect()
}

/// Reads a JSON value, refusing duplicate keys and nesting beyond [`limits::FRAME_DEPTH`].
struct StrictValue {
    depth: usize,
}

impl StrictValue {
    fn deeper<E: serde::de::Error>(&self) -> Result<StrictValue, E> {
        if self.depth >= limits::FRAME_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        Ok(StrictValue {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(self.deeper()?)? {
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.deeper()?)?;
            if fields.insert(key, value).is_some() {
                return Err(A::Error::custom("a key appears twice"));
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Done, Pong};

    #[test]
    fn a_frame_is_a_message_with_an_id_and_an_acknowledgement() {
        let frame = parse(r#"{"t":"pong","id":"a1","ack":7,"later":{"unknown":[1]}}"#).unwrap();
        assert_eq!(frame.id.as_deref(), Some("a1"));
        assert_eq!(frame.ack, Some(7));
        assert_eq!(frame.message, ClientMessage::Pong(Pong {}));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_not_a_frame() {
        let deep = format!(
            r#"{{"t":"pong","x":{}{}}}"#,
            "[".repeat(9_999),
            "]".repeat(9_999)
        );
        let long = format!(
            r#"{{"t":"pong","x":"{}"}}"#,
            "x".repeat(limits::FRAME_BYTES)
        );
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"t":7}"#,
            r#"{"t":"pong"} {"t":"ping"}"#,
            r#"{"t":"pong","t":"ping"}"#,
            r#"{"t":"pong","x":{"a":1,"a":2}}"#,
            r#"{"t":"pong","ack":-1}"#,
            r#"{"t":"pong","id":"with space"}"#,
            "{\"t\":\"pong\",\"x\":\"\u{0}\"}",
            &deep,
            &long,
        ] {
            assert!(
                matches!(parse(text), Err(FrameError::NotAFrame(_))),
                "{text:.60}"
            );
        }
    }

    #[test]
    fn an_unknown_type_keeps_its_id_for_the_answer() {
        let error = parse(r#"{"t":"teleport","id":"q"}"#).unwrap_err();
        let FrameError::UnknownType { id, t } = error else {
            panic!("{error}")
        };
        assert_eq!((id.as_deref(), &*t), (Some("q"), "teleport"));
    }

    #[test]
    fn a_wrong_body_says_what_is_wrong() {
        let error = parse(r#"{"t":"hangup","id":"q","call":"short"}"#).unwrap_err();
        let FrameError::Malformed { id, t, reason } = error else {
            panic!("{error}")
        };
        assert_eq!((id.as_deref(), t), (Some("q"), "hangup"));
        assert!(reason.contains("22 characters"), "{reason}");
    }

    #[test]
    fn a_reason_does_not_quote_more_than_a_line() {
        let long = "\u{ad}".repeat(30_000);
        for text in [
            format!(r#"{{"t":"media","call":"AAAAAAAAAAAAAAAAAAAAAA","media":"{long}"}}"#),
            format!(r#"{{"t":"pong","ack":"{long}"}}"#),
            format!(r#"{{"t":"{long}"}}"#),
        ] {
            assert!(parse(&text).unwrap_err().to_string().len() < 1000);
        }
    }

    #[test]
    fn an_answer_names_its_request() {
        let re = Token::try_from("q".to_owned()).unwrap();
        let text = encode(Some(3), Some(&re), &Done {}.into());
        assert_eq!(text, r#"{"seq":3,"re":"q","t":"ok"}"#);
    }
}
