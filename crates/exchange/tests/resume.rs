//! A session goes on on another socket, whole or not at all.
#![allow(missing_docs)]

mod support;

use protocol::close::CloseCode;
use protocol::limits;
use serde_json::json;
use support::*;

fn say(pair: &mut Pair, number: usize, body: &str) {
    let chat = format!("{number:021}A");
    let frame = json!({ "t": "chat", "call": CALL, "chat": chat, "body": body });
    assert_eq!(pair.ben.outcome(&mut pair.board, frame), "ok");
}

#[test]
fn every_missed_frame_comes_once_in_order() {
    let mut pair = Pair::new();
    pair.board.cut(pair.ada.socket);
    for number in 0..50 {
        say(&mut pair, number, &number.to_string());
    }
    let answer = pair.ada.resume(&mut pair.board);
    assert_eq!((&answer["t"], answer.get("seq")), (&json!("resumed"), None));
    // `listen` holds that numbers come without gaps.
    let chat = pair.ada.take(&mut pair.board, "chat");
    let bodies: Vec<String> = chat
        .iter()
        .map(|c| c["body"].as_str().unwrap().into())
        .collect();
    assert_eq!(bodies, (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_was_lost_on_the_way_comes_again() {
    let mut pair = Pair::new();
    say(&mut pair, 1, "lost");
    pair.board.cut(pair.ada.socket); // Before it was received.
    pair.ada.resume(&mut pair.board);
    assert_eq!(pair.ada.take(&mut pair.board, "chat").len(), 1);
    pair.board.cut(pair.ada.socket);
    pair.ada.resume(&mut pair.board);
    assert_eq!(pair.ada.take(&mut pair.board, "chat").len(), 0);
}

#[test]
fn the_token_changes_and_the_one_before_is_good_until_the_first_acknowledgement() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let first = ada.session["resume_token"].clone();
    // The answer is lost, twice.
    for _ in 0..2 {
        ada.session["resume_token"] = first.clone();
        assert_eq!(ada.resume(&mut board)["t"], "resumed");
        board.cut(ada.socket);
    }
    let second = ada.session["resume_token"].clone();
    assert_ne!(first, second);
    assert_eq!(ada.resume(&mut board)["t"], "resumed");
    ada.send(&mut board, json!({ "t": "ack", "ack": 0 }));
    let third = ada.session["resume_token"].clone();
    for stale in [first, second] {
        ada.session["resume_token"] = stale;
        let ticket = board.ticket();
        let frame = ada.resume_frame(&ticket);
        let socket = board.open();
        board.send(socket, &frame);
        assert_eq!(board.receive_first(socket)["reason"], "unknown_session");
    }
    ada.session["resume_token"] = third;
    assert_eq!(ada.resume(&mut board)["t"], "resumed");
}

#[test]
fn a_stolen_token_is_of_no_use_without_the_key_and_its_owner_stays() {
    let mut pair = Pair::new();
    let ticket = pair.board.ticket();
    let mut stolen = pair.ada.resume_frame(&ticket);
    // With a proof of the thief's own device: a session, and not this one.
    let session = pair.ada.session["session"].as_str().unwrap();
    stolen["device"] = sign("eve", &format!("dialtone resume\n{ticket}\n{session}"));
    let socket = pair.board.open();
    pair.board.send(socket, &stolen);
    let reset = pair.board.receive_first(socket);
    assert_eq!(reset["reason"], "unknown_session");
    assert_ne!(reset["you"]["device"], pair.ada.session["you"]["device"]);
    // With a signature that was overheard: it was for another ticket.
    let mut replayed = pair.ada.resume_frame(&ticket);
    replayed["ticket"] = pair.board.ticket().into();
    let socket = pair.board.open();
    pair.board.send(socket, &replayed);
    assert_closed(&pair.board, socket, CloseCode::Unauthorized);

    assert_eq!(pair.board.closed(pair.ada.socket), None);
    say(&mut pair, 1, "still there");
    assert_eq!(pair.ada.take(&mut pair.board, "chat").len(), 1);
}

#[test]
fn a_number_that_was_never_sent_or_is_no_longer_kept_is_a_reset() {
    for wrong in ["ahead", "behind"] {
        let mut pair = Pair::new();
        say(&mut pair, 1, "kept until it is acknowledged");
        pair.ada.listen(&mut pair.board);
        let ack = pair.ada.last_seq;
        pair.ada
            .send(&mut pair.board, json!({ "t": "ack", "ack": ack }));
        pair.ada.last_seq = if wrong == "ahead" { ack + 1 } else { ack - 1 };
        let reset = pair.ada.resume(&mut pair.board);
        assert_eq!(
            (&reset["t"], &reset["reason"]),
            (&json!("reset"), &json!("overflow"))
        );
        pair.ada.join(&mut pair.board);
    }
}

#[test]
fn more_than_is_kept_is_a_reset_and_the_seat_is_taken_back() {
    let mut pair = Pair::up();
    pair.board.cut(pair.ada.socket);
    let body = "x".repeat(limits::CHAT_BYTES);
    for number in 0..=limits::OUTBOX_BYTES / limits::CHAT_BYTES {
        say(&mut pair, number, &body);
    }
    assert_eq!(pair.ada.resume(&mut pair.board)["reason"], "overflow");
    let living = announced(&pair.adas, "connected");
    let joined = pair.ada.join_as(&mut pair.board, ROOM, CALL, living);
    assert_eq!(
        joined["connections"][0]["connection"],
        pair.adas["connection"]
    );
    assert_eq!(joined["chat"].as_array().unwrap().len(), 3);
}

#[test]
fn after_the_window_there_is_nothing_to_resume() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    board.cut(ada.socket);
    board.advance(millis(29_999));
    assert_eq!(ada.resume(&mut board)["t"], "resumed");
    board.cut(ada.socket);
    board.advance(seconds(30));
    assert_eq!(board.exchange().live_sessions(), 0);
    let reset = ada.resume(&mut board);
    assert_eq!(reset["reason"], "unknown_session");
    assert_ne!(reset["session"], json!(null));
}

#[test]
fn another_epoch_is_a_reset() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let old = ada.session.clone();
    board.restart(2);
    let reset = ada.resume(&mut board);
    assert_eq!(
        (&reset["t"], &reset["reason"]),
        (&json!("reset"), &json!("new_epoch"))
    );
    assert_ne!(reset["epoch"], old["epoch"]);
    assert_eq!(reset["you"], old["you"]);
    let joined = ada.join(&mut board);
    assert_eq!(joined["seq"], 1, "numbers start again");
}

#[test]
fn the_newest_socket_wins() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    let older = ada.socket;
    assert_eq!(ada.resume(&mut board)["t"], "resumed");
    assert_closed(&board, older, CloseCode::Replaced);
    assert_eq!(board.exchange().live_sessions(), 1);
    assert_eq!(ada.join(&mut board)["t"], "joined");
}
