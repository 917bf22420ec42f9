//! Nobody reaches into a call they are not in, or speaks for somebody else.
#![allow(missing_docs)]

mod support;

use serde_json::{Value, json};
use support::*;

/// Every request that names a call.
fn requests(connection: &Value) -> Vec<Value> {
    vec![
        json!({ "t": "media", "media": { "audio": true, "video": true } }),
        json!({ "t": "chat", "chat": NOBODY, "body": "hi" }),
        Person::about(
            connection,
            json!({ "t": "description", "body": "an offer" }),
        ),
        Person::about(
            connection,
            json!({ "t": "candidates", "candidates": ["c"] }),
        ),
        Person::about(
            connection,
            json!({ "t": "connection_state", "state": "connected" }),
        ),
    ]
}

#[test]
fn a_call_one_is_not_in_looks_like_one_that_is_not() {
    let mut pair = Pair::new();
    let mut eve = Person::new(&mut pair.board, "eve");
    eve.join_as(&mut pair.board, OTHER_ROOM, OTHER_CALL, json!([]));
    for mut request in requests(&pair.adas) {
        let mut answers = [CALL, NOBODY].map(|call| {
            request["call"] = call.into();
            eve.ask(&mut pair.board, request.clone())
        });
        assert_eq!(answers[0]["code"], "not_found");
        for answer in &mut answers {
            answer["re"] = json!(null);
            answer["seq"] = json!(null);
        }
        assert_eq!(answers[0], answers[1]);
    }
    for call in [CALL, NOBODY] {
        let hangup = json!({ "t": "hangup", "call": call });
        assert_eq!(eve.outcome(&mut pair.board, hangup), "ok");
    }
    assert!(pair.ada.listen(&mut pair.board).is_empty());
    assert!(pair.ben.listen(&mut pair.board).is_empty());
}

#[test]
fn a_connection_of_another_call_is_none_in_ones_own() {
    let mut pair = Pair::new();
    let mut eve = Person::new(&mut pair.board, "eve");
    eve.join_as(&mut pair.board, OTHER_ROOM, OTHER_CALL, json!([]));
    for mut request in requests(&pair.adas).into_iter().skip(2) {
        request["call"] = OTHER_CALL.into();
        assert_eq!(eve.outcome(&mut pair.board, request), "gone");
    }
    assert!(pair.ada.listen(&mut pair.board).is_empty());
}

#[test]
fn the_server_says_who_sent_a_message() {
    let mut pair = Pair::new();
    for mut request in requests(&pair.bens).into_iter().skip(1).take(3) {
        request["call"] = CALL.into();
        request["from"] = pair.bens["peer"].clone();
        request["name"] = "ada".into();
        request["seq"] = 1.into();
        assert_eq!(pair.ben.outcome(&mut pair.board, request.clone()), "ok");
        let kind = request["t"].as_str().unwrap();
        let got = pair.ada.take(&mut pair.board, kind).remove(0);
        assert_eq!(got["from"], pair.adas["peer"]);
        assert_eq!(got.get("name").unwrap_or(&json!("ben")), "ben");
    }
}

#[test]
fn one_who_has_left_is_a_stranger() {
    let mut pair = Pair::new();
    let hangup = json!({ "t": "hangup", "call": CALL });
    assert_eq!(pair.ben.outcome(&mut pair.board, hangup), "ok");
    for mut request in requests(&pair.bens) {
        request["call"] = CALL.into();
        assert_eq!(pair.ben.outcome(&mut pair.board, request), "not_found");
    }
}
