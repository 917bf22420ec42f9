//! Who comes by a join token: into one room, by one name, from one device.
#![allow(missing_docs)]

mod support;

use exchange::{Bearer, Visitor};
use protocol::close::CloseCode;
use protocol::id::DeviceId;
use serde_json::json;
use support::*;

/// A token for [`ROOM`], used by this device.
fn pass(device: &str) -> Bearer {
    Bearer::Visitor(Box::new(Visitor {
        login: login(device),
        device: DeviceId::of(device.as_bytes()),
        room: ROOM.parse().unwrap(),
        name: "Patient".to_owned().try_into().unwrap(),
    }))
}

#[test]
fn a_visitor_comes_in_by_the_name_in_the_token() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    ada.join_as(&mut board, ROOM, CALL, json!([]));
    let mut eve = Person::with(&mut board, "eve", pass("eve"));
    let joined = eve.join_as(&mut board, ROOM, CALL, json!([]));
    assert_eq!(joined["t"], "joined");
    let seen = ada.take(&mut board, "participant");
    assert_eq!(seen[0]["participant"]["name"], "Patient");
    assert!(seen[0]["participant"].get("user").is_none());
}

#[test]
fn another_room_looks_like_one_that_is_not_there() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    ada.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    let mut eve = Person::with(&mut board, "eve", pass("eve"));
    for room in [OTHER_ROOM, NOBODY] {
        let answer = eve.join_as(&mut board, room, CALL, json!([]));
        assert_eq!(answer["code"], "not_found", "{answer}");
    }
    assert!(ada.listen(&mut board).is_empty());
}

#[test]
fn the_ticket_of_a_visitor_is_of_no_use_on_another_device() {
    let mut board = Switchboard::new(1);
    let ticket = board.ticket_for(pass("eve"));
    let socket = board.open();
    board.send(socket, &hello_frame(&ticket, "mallory"));
    assert_eq!(board.receive_first(socket)["code"], "unauthorized");
    // And it is used up.
    let socket = board.open();
    board.send(socket, &hello_frame(&ticket, "eve"));
    assert_eq!(board.receive_first(socket)["code"], "unauthorized");
}

#[test]
fn a_visitor_resumes_by_the_same_token_and_by_no_other_ticket() {
    let mut board = Switchboard::new(1);
    let mut eve = Person::with(&mut board, "eve", pass("eve"));
    eve.join_as(&mut board, ROOM, CALL, json!([]));
    board.cut(eve.socket);
    assert_eq!(eve.resume(&mut board)["t"], "resumed");
    let ticket = board.ticket();
    let socket = board.open();
    board.send(socket, &eve.resume_frame(&ticket));
    assert_eq!(board.receive_first(socket)["reason"], "unknown_session");
}

#[test]
fn a_token_that_is_taken_back_ends_what_came_of_it() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    ada.join_as(&mut board, ROOM, CALL, json!([]));
    let mut eve = Person::with(&mut board, "eve", pass("eve"));
    eve.join_as(&mut board, ROOM, CALL, json!([]));
    ada.listen(&mut board);
    board.revoke(login("eve"));
    assert_eq!(board.closed(eve.socket), Some(CloseCode::SignedOut));
    assert_eq!(ada.take(&mut board, "call_ended")[0]["reason"], "left");
}
