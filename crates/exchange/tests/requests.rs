//! A request is done once, however often it is sent.
#![allow(missing_docs)]

mod support;

use protocol::close::CloseCode;
use serde_json::json;
use support::*;

#[test]
fn a_repeat_is_answered_from_memory() {
    let mut pair = Pair::new();
    let frame = json!({
        "t": "description", "id": "same", "call": CALL,
        "connection": pair.adas["connection"], "generation": 0, "body": "an offer",
    });
    for _ in 0..3 {
        assert_eq!(pair.ada.outcome(&mut pair.board, frame.clone()), "ok");
    }
    assert_eq!(pair.ben.take(&mut pair.board, "description").len(), 1);
}

#[test]
fn an_error_is_repeated_as_well() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let media = json!({ "audio": true, "video": true });
    let frame = json!({ "t": "media", "id": "same", "call": CALL, "media": media });
    assert_eq!(ada.outcome(&mut board, frame.clone()), "not_found");
    ada.join(&mut board);
    assert_eq!(ada.outcome(&mut board, frame), "not_found");
}

#[test]
fn it_is_forgotten_after_a_minute() {
    let mut pair = Pair::up();
    let frame = json!({ "t": "media", "id": "same", "call": CALL,
        "media": { "audio": false, "video": false } });
    assert_eq!(pair.ada.outcome(&mut pair.board, frame.clone()), "ok");
    pair.live(seconds(59));
    pair.ada.outcome(&mut pair.board, frame.clone());
    assert_eq!(pair.ben.take(&mut pair.board, "participant").len(), 1);
    pair.live(seconds(1));
    pair.ada.outcome(&mut pair.board, frame);
    assert_eq!(pair.ben.take(&mut pair.board, "participant").len(), 1);
}

#[test]
fn a_repeated_join_tells_how_the_call_is_now() {
    let mut board = Switchboard::new(1);
    let (mut ada, mut ben) = (
        Person::new(&mut board, "ada"),
        Person::new(&mut board, "ben"),
    );
    let join = json!({ "t": "join", "id": "same", "room": ROOM, "call": CALL, "name": "ada",
        "media": { "audio": true, "video": true } });
    let alone = ada.ask(&mut board, join.clone());
    assert_eq!(alone["connections"], json!([]));
    let bens = ben.join(&mut board)["connections"][0].clone();
    let joined = ada.ask(&mut board, join.clone());
    assert_eq!(joined["connections"][0]["connection"], bens["connection"]);
    assert!(
        ben.take(&mut board, "connection").is_empty(),
        "nothing was done again"
    );
    // When it is over, the repeat does not open it again.
    ben.ask(&mut board, json!({ "t": "hangup", "call": CALL }));
    assert_eq!(ada.outcome(&mut board, join), "not_found");
    assert_eq!(board.exchange().live_calls(), 0);
}

#[test]
fn a_repeated_ping_is_answered_every_time() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    for _ in 0..3 {
        let pong = ada.ask(&mut board, json!({ "t": "ping", "id": "same" }));
        assert_eq!((&pong["t"], pong.get("seq")), (&json!("pong"), None));
    }
}

#[test]
fn without_an_id_only_errors_are_answered() {
    let mut pair = Pair::new();
    pair.ada.listen(&mut pair.board);
    let media = json!({ "audio": false, "video": true });
    pair.ada.send(
        &mut pair.board,
        json!({ "t": "media", "call": CALL, "media": media }),
    );
    assert!(pair.ada.take(&mut pair.board, "ok").is_empty());
    assert_eq!(pair.ben.take(&mut pair.board, "participant").len(), 1);
    pair.ada.send(
        &mut pair.board,
        json!({ "t": "media", "call": NOBODY, "media": media }),
    );
    let errors = pair.ada.take(&mut pair.board, "error");
    assert_eq!(errors[0]["code"], "not_found");
    assert_eq!(errors[0].get("re"), None);
}

#[test]
fn what_is_not_understood_is_answered_and_what_is_no_frame_ends_the_socket() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    assert_eq!(
        ada.outcome(&mut board, json!({ "t": "teleport" })),
        "unknown_type"
    );
    assert_eq!(ada.outcome(&mut board, json!({ "t": "join" })), "malformed");
    assert_eq!(board.closed(ada.socket), None);
    board.send_text(ada.socket, r#"{"t":"ping","t":"pong"}"#);
    assert_eq!(ada.take(&mut board, "error")[0]["code"], "malformed");
    assert_closed(&board, ada.socket, CloseCode::BadFrame);
    assert_eq!(
        ada.resume(&mut board)["t"],
        "resumed",
        "the session is not lost for it"
    );
}
