//! Dead sockets are noticed, slow readers are not waited for.
#![allow(missing_docs)]

mod support;

use protocol::close::CloseCode;
use protocol::limits;
use serde_json::json;
use support::*;

#[test]
fn pings_come_slowly_outside_calls_and_fast_inside() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    live(&mut board, &mut ada, seconds(100));
    let pings = ada.take(&mut board, "ping");
    assert_eq!(pings.len(), 4);
    assert!(pings.iter().all(|ping| ping.get("seq").is_none()));
    ada.join(&mut board);
    live(&mut board, &mut ada, seconds(100));
    assert_eq!(ada.take(&mut board, "ping").len(), 20);
    ada.ask(&mut board, json!({ "t": "hangup", "call": CALL }));
    live(&mut board, &mut ada, seconds(105));
    assert_eq!(ada.take(&mut board, "ping").len(), 5);
}

#[test]
fn two_that_stay_unanswered_end_the_socket_and_not_the_session() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    board.advance(millis(74_999));
    assert_eq!(board.closed(ada.socket), None);
    board.advance(millis(1));
    assert_closed(&board, ada.socket, CloseCode::PingTimeout);
    assert_eq!(ada.take(&mut board, "ping").len(), 2);
    assert_eq!(ada.resume(&mut board)["t"], "resumed");
    board.advance(seconds(26));
    assert_eq!(board.closed(ada.socket), None, "the count starts again");
}

#[test]
fn any_frame_is_a_sign_of_life() {
    let mut board = Switchboard::new(1);
    let ada = Person::new(&mut board, "ada");
    for _ in 0..10 {
        board.advance(seconds(40));
        board.send(ada.socket, &json!({ "t": "ack", "ack": 0 }));
    }
    assert_eq!(board.closed(ada.socket), None);
}

#[test]
fn one_who_never_acknowledges_is_cut_off_and_starts_afresh() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    for _ in 0..limits::OUTBOX_FRAMES {
        assert_eq!(board.closed(ada.socket), None);
        let hangup = json!({ "t": "hangup", "call": NOBODY });
        assert_eq!(ada.outcome(&mut board, hangup), "ok");
    }
    ada.send(
        &mut board,
        json!({ "t": "hangup", "id": "last", "call": NOBODY }),
    );
    assert_closed(&board, ada.socket, CloseCode::SlowReader);
    let reset = ada.resume(&mut board);
    assert_eq!(
        (&reset["t"], &reset["reason"]),
        (&json!("reset"), &json!("overflow"))
    );
}

#[test]
fn a_number_that_was_not_sent_acknowledges_nothing_more() {
    let mut pair = Pair::new();
    pair.ada
        .send(&mut pair.board, json!({ "t": "ack", "ack": u64::MAX }));
    let media = json!({ "t": "media", "call": CALL, "media": { "audio": false, "video": false } });
    pair.ben.ask(&mut pair.board, media);
    assert_eq!(pair.ada.take(&mut pair.board, "participant").len(), 1);
    pair.ada.resume(&mut pair.board);
    pair.ada.join(&mut pair.board);
}
