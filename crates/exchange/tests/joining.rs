//! Who gets a seat, and what the others are told.
#![allow(missing_docs)]

mod support;

use protocol::id::{CallId, DeviceId, ParticipantId};
use protocol::limits;
use serde_json::json;
use support::*;

#[test]
fn the_second_one_finds_the_first_and_gives_way_when_offers_cross() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let mut ben = Person::new(&mut board, "ben");
    let alone = ada.join(&mut board);
    assert_eq!(
        (&alone["participants"], &alone["connections"]),
        (&json!([]), &json!([]))
    );
    let joined = ben.join_as(&mut board, ROOM, OTHER_CALL, json!([]));
    assert_eq!(
        joined["call"], CALL,
        "the call of the room, not the one proposed"
    );
    assert_eq!(joined["participants"][0]["name"], "ada");
    let (bens, adas) = (
        &joined["connections"][0],
        ada.take(&mut board, "connection").remove(0),
    );
    assert_eq!(adas["connection"], bens["connection"]);
    assert_eq!(
        (&adas["polite"], &bens["polite"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&adas["peer"], &bens["peer"]),
        (&joined["you"], &alone["you"])
    );
    let news = ada.take(&mut board, "participant").remove(0);
    assert_eq!(news["participant"]["name"], "ben");
    assert_eq!(news["participant"]["online"], true);
}

#[test]
fn a_seat_is_derived_from_call_and_device() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let call: CallId = CALL.parse().unwrap();
    let seat = ParticipantId::of(call, DeviceId::of(b"ada"));
    assert_eq!(ada.join(&mut board)["you"], seat.to_string());
}

#[test]
fn a_third_is_refused_and_learns_nothing() {
    let mut pair = Pair::new();
    let mut eve = Person::new(&mut pair.board, "eve");
    let refused = eve.join(&mut pair.board);
    assert_eq!(refused["code"], "call_full");
    assert!(refused.get("call").is_none() && refused.get("participants").is_none());
    assert_eq!(pair.ada.listen(&mut pair.board).len(), 0);
}

#[test]
fn a_reload_takes_its_own_seat_back_at_once() {
    for who_reloads in ["ada", "ben"] {
        let mut pair = Pair::up();
        let board = &mut pair.board;
        let (back, there, old) = match who_reloads {
            "ada" => (&mut pair.ada, &mut pair.ben, &pair.adas),
            _ => (&mut pair.ben, &mut pair.ada, &pair.bens),
        };
        there.take(board, "participant");
        back.reload(board);
        let joined = back.join(board);
        let mine = &joined["connections"][0];
        assert_ne!(mine["connection"], old["connection"]);
        assert_eq!(
            (&mine["polite"], &mine["generation"]),
            (&json!(true), &json!(0))
        );
        let theirs = there.take(board, "connection").remove(0);
        assert_eq!(theirs["connection"], mine["connection"]);
        assert_eq!(theirs["polite"], false);
        // What belongs to the connection before is late.
        assert_eq!(there.report(board, old, "connected"), "gone");
        assert_eq!(pair.board.exchange().live_calls(), 1);
    }
}

#[test]
fn the_same_device_in_another_page_replaces_the_first() {
    let mut pair = Pair::new();
    let mut again = Person::new(&mut pair.board, "ada");
    assert_eq!(again.join(&mut pair.board)["t"], "joined");
    let (ada, ben) = pair.ended();
    assert_eq!((ada, ben), (vec![json!("replaced")], vec![]));
    let hangup = json!({ "t": "hangup", "call": CALL });
    assert_eq!(pair.ada.outcome(&mut pair.board, hangup), "ok");
    assert_eq!(
        pair.board.exchange().live_calls(),
        1,
        "it was not in it any more"
    );
}

#[test]
fn the_id_of_another_rooms_call_cannot_be_taken() {
    let mut pair = Pair::new();
    let mut eve = Person::new(&mut pair.board, "eve");
    let joined = eve.join_as(&mut pair.board, OTHER_ROOM, CALL, json!([]));
    assert_ne!(joined["call"], CALL);
    assert_eq!(joined["participants"], json!([]));
}

#[test]
fn a_session_sits_in_a_few_calls_and_no_more() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let id = |kind: char, n: usize| format!("{kind}{n:020}A");
    for n in 0..limits::CALLS_PER_SESSION {
        let joined = ada.join_as(&mut board, &id('R', n), &id('C', n), json!([]));
        assert_eq!(joined["t"], "joined");
    }
    let n = limits::CALLS_PER_SESSION;
    let refused = ada.join_as(&mut board, &id('R', n), &id('C', n), json!([]));
    assert_eq!(refused["code"], "limit");
    // One it sits in may be joined again, and one it leaves makes room.
    assert_eq!(
        ada.join_as(&mut board, &id('R', 0), &id('C', 0), json!([]))["t"],
        "joined"
    );
    ada.ask(&mut board, json!({ "t": "hangup", "call": id('C', 0) }));
    assert_eq!(
        ada.join_as(&mut board, &id('R', n), &id('C', n), json!([]))["t"],
        "joined"
    );
}

#[test]
fn beyond_the_sessions_it_can_take_the_server_asks_to_wait() {
    let mut board = Switchboard::with_sessions(1, 2);
    let _ada = Person::new(&mut board, "ada");
    let ben = Person::new(&mut board, "ben");
    let ticket = board.ticket();
    let socket = board.open();
    board.send(socket, &hello_frame(&ticket, "eve"));
    assert_eq!(board.receive_first(socket)["code"], "unavailable");
    assert_closed(&board, socket, protocol::close::CloseCode::TooMany);
    board.cut(ben.socket);
    board.advance(seconds(30));
    Person::new(&mut board, "eve");
}
