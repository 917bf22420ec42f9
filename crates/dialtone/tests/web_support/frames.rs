//! What clients say, and the ids they make for it.

use serde_json::{Value, json};

/// An id of the 22 characters that ids have.
pub fn id_of(kind: char, n: u32) -> String {
    format!("{kind}{n:A>20}A")
}

/// What somebody sends.
pub fn media(video: bool) -> Value {
    json!({ "audio": true, "video": video })
}

pub fn join(room: &str, call: &str) -> Value {
    json!({ "t": "join", "room": room, "call": call, "name": "-", "media": media(false) })
}

pub fn invite(ring: &str, call: &str, to: &str) -> Value {
    json!({ "t": "invite", "ring": ring, "call": call, "to": to, "media": media(false) })
}

pub fn accept(ring: &str) -> Value {
    json!({ "t": "accept", "ring": ring, "media": media(false) })
}
