//! What is said, and what is shown of the others.
#![allow(missing_docs)]

mod support;

use protocol::limits;
use serde_json::{Value, json};
use support::*;

fn chat(number: usize, body: &str) -> Value {
    json!({ "t": "chat", "call": CALL, "chat": format!("{number:021}A"), "body": body })
}

#[test]
fn a_message_is_passed_on_once() {
    let mut pair = Pair::new();
    for _ in 0..2 {
        // Another request with the same chat id, as after a restart.
        assert_eq!(pair.ada.outcome(&mut pair.board, chat(1, "hello")), "ok");
    }
    let got = pair.ben.take(&mut pair.board, "chat");
    assert_eq!(got.len(), 1);
    assert_eq!(
        (&got[0]["name"], &got[0]["body"]),
        (&json!("ada"), &json!("hello"))
    );
    assert_eq!(
        got[0]["at_ms"].as_u64().unwrap() / 1000,
        pair.board.unix_seconds()
    );
}

#[test]
fn a_reload_does_not_lose_the_conversation() {
    let mut pair = Pair::new();
    for number in 0..limits::CHAT_BACKLOG + 10 {
        pair.ada.ask(&mut pair.board, chat(number, "x"));
        keep_alive(&mut pair.board, &mut pair.ben);
    }
    pair.ben.reload(&mut pair.board);
    let joined = pair.ben.join(&mut pair.board);
    let kept = joined["chat"].as_array().unwrap();
    assert_eq!(
        kept.last().unwrap()["chat"],
        format!("{:021}A", limits::CHAT_BACKLOG + 9)
    );
    assert!(kept.len() > limits::CHAT_BACKLOG / 2 && kept.len() <= limits::CHAT_BACKLOG);
}

#[test]
fn the_conversation_fits_into_a_frame_whatever_was_said() {
    for (count, body) in [
        (limits::CHAT_BACKLOG, "\u{1}".repeat(256)),
        (8, "\u{1}".repeat(limits::CHAT_BYTES)),
        (8, "x".repeat(limits::CHAT_BYTES)),
    ] {
        let mut pair = Pair::new();
        for number in 0..count {
            pair.ada.ask(&mut pair.board, chat(number, &body));
            keep_alive(&mut pair.board, &mut pair.ben);
        }
        pair.ben.reload(&mut pair.board);
        let joined = pair.ben.join(&mut pair.board);
        assert!(joined.to_string().len() < limits::FRAME_BYTES);
        assert!(!joined["chat"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let mut pair = Pair::new();
    let frame = chat(1, &"x".repeat(limits::CHAT_BYTES + 1));
    assert_eq!(pair.ada.outcome(&mut pair.board, frame), "malformed");
    assert!(pair.ben.take(&mut pair.board, "chat").is_empty());
}

#[test]
fn the_others_see_what_is_muted() {
    let mut pair = Pair::new();
    let media = json!({ "audio": false, "video": true });
    let frame = json!({ "t": "media", "call": CALL, "media": media });
    assert_eq!(pair.ada.outcome(&mut pair.board, frame), "ok");
    let news = pair.ben.take(&mut pair.board, "participant").remove(0);
    assert_eq!(news["participant"]["media"], media);
    pair.ben.reload(&mut pair.board);
    assert_eq!(
        pair.ben.join(&mut pair.board)["participants"][0]["media"],
        media
    );
}
