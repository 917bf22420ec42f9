//! The way in: a ticket, a signature, in time.
#![allow(missing_docs)]

mod support;

use protocol::close::CloseCode;
use protocol::id::DeviceId;
use serde_json::{Value, json};
use support::*;

fn answer(board: &mut Switchboard, frame: &Value) -> (Value, Option<CloseCode>) {
    let socket = board.open();
    board.send(socket, frame);
    (board.receive_first(socket), board.closed(socket))
}

#[test]
fn a_ticket_and_a_signature_open_a_session() {
    let mut board = Switchboard::new(1);
    let ticket = board.ticket();
    let (welcome, closed) = answer(&mut board, &hello_frame(&ticket, "ada"));
    assert_eq!(
        (&welcome["t"], &welcome["re"]),
        (&json!("welcome"), &json!("hello"))
    );
    assert_eq!(welcome["you"]["device"], DeviceId::of(b"ada").to_string());
    assert_eq!(welcome.get("seq"), None);
    assert_eq!(closed, None);
}

#[test]
fn a_ticket_is_good_once() {
    let mut board = Switchboard::new(1);
    let ticket = board.ticket();
    assert_eq!(answer(&mut board, &hello_frame(&ticket, "ada")).1, None);
    let (error, closed) = answer(&mut board, &hello_frame(&ticket, "ada"));
    assert_eq!(error["code"], "unauthorized");
    assert_eq!(closed, Some(CloseCode::Unauthorized));
}

#[test]
fn a_wrong_signature_uses_the_ticket_up() {
    let mut board = Switchboard::new(1);
    let ticket = board.ticket();
    let mut forged = hello_frame(&ticket, "ada");
    forged["device"]["key"] = sign("ben", "")["key"].clone();
    assert_eq!(answer(&mut board, &forged).1, Some(CloseCode::Unauthorized));
    let late = answer(&mut board, &hello_frame(&ticket, "ada"));
    assert_eq!(late.1, Some(CloseCode::Unauthorized));
    assert_eq!(board.exchange().live_sessions(), 0);
}

#[test]
fn a_ticket_expires_and_one_that_was_never_issued_is_as_bad() {
    let mut board = Switchboard::new(1);
    let ticket = board.ticket();
    board.advance(seconds(30));
    for ticket in [&*ticket, NOBODY] {
        let (_, closed) = answer(&mut board, &hello_frame(ticket, "ada"));
        assert_eq!(closed, Some(CloseCode::Unauthorized));
    }
}

#[test]
fn a_signature_for_resuming_does_not_open_a_session() {
    let mut board = Switchboard::new(1);
    let ticket = board.ticket();
    let mut frame = hello_frame(&ticket, "ada");
    frame["device"] = sign("ada", &format!("dialtone resume\n{ticket}\n{NOBODY}"));
    assert_eq!(answer(&mut board, &frame).1, Some(CloseCode::Unauthorized));
}

#[test]
fn nothing_else_is_heard_before_it() {
    let mut board = Switchboard::new(1);
    let socket = board.open();
    for t in ["ping", "pong", "ack", "closing"] {
        board.send(socket, &json!({ "t": t, "id": "1" }));
        let error = board.receive_first(socket);
        assert_eq!(
            (&error["code"], &error["re"]),
            (&json!("bad_state"), &json!("1"))
        );
    }
    board.send(socket, &json!({ "t": "hangup", "call": CALL }));
    assert_eq!(board.receive_first(socket)["code"], "bad_state");
    // It is still in time to say it.
    let ticket = board.ticket();
    board.send(socket, &hello_frame(&ticket, "ada"));
    assert_eq!(board.receive_first(socket)["t"], "welcome");
}

#[test]
fn it_has_to_be_said_within_two_seconds() {
    let mut board = Switchboard::new(1);
    let socket = board.open();
    board.advance(millis(1_999));
    board.send(socket, &json!({ "t": "ping" }));
    assert_eq!(board.closed(socket), None);
    board.advance(millis(1));
    assert_closed(&board, socket, CloseCode::HelloTimeout);
    assert_eq!(board.exchange().poll_timeout(), None);
}

#[test]
fn a_second_one_on_the_same_socket_changes_nothing() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let ticket = board.ticket();
    assert_eq!(
        ada.outcome(&mut board, hello_frame(&ticket, "ben")),
        "bad_state"
    );
    assert_eq!(board.exchange().live_sessions(), 1);
}
