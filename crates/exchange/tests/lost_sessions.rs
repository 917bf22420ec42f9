//! Signaling may be lost while media flows, and media may be lost with it.
#![allow(missing_docs)]

mod support;

use serde_json::json;
use support::*;

#[test]
fn a_connection_that_is_up_keeps_the_seat_of_one_who_is_gone() {
    let mut pair = Pair::up();
    pair.board.cut(pair.ada.socket);
    live(&mut pair.board, &mut pair.ben, seconds(120));
    assert_eq!(pair.board.exchange().live_sessions(), 1);
    assert!(pair.ben.take(&mut pair.board, "call_ended").is_empty());
    let mut eve = Person::new(&mut pair.board, "eve");
    assert_eq!(eve.join(&mut pair.board)["code"], "call_full");
    // The one who was gone comes back to what still lives.
    assert_eq!(
        pair.ada.resume(&mut pair.board)["reason"],
        "unknown_session"
    );
    let living = announced(&pair.adas, "connected");
    let joined = pair.ada.join_as(&mut pair.board, ROOM, CALL, living);
    assert_eq!(
        joined["connections"][0]["connection"],
        pair.adas["connection"]
    );
    assert!(pair.ben.take(&mut pair.board, "connection").is_empty());
}

#[test]
fn one_that_is_not_up_ends_with_the_session() {
    for state in ["connecting", "reconnecting"] {
        let mut pair = Pair::new();
        if state == "reconnecting" {
            pair.report("connected");
            pair.ben.report(&mut pair.board, &pair.bens, state);
            pair.live(seconds(1));
        }
        pair.board.cut(pair.ada.socket);
        live(&mut pair.board, &mut pair.ben, seconds(30));
        assert_eq!(pair.ended().1, [json!("connection_lost")], "{state}");
        assert_eq!(pair.board.exchange().live_calls(), 0);
    }
}

#[test]
fn one_that_was_still_connecting_begins_anew_with_a_session_that_is_lost() {
    let mut pair = Pair::new();
    pair.board.cut(pair.ben.socket);
    let candidate = json!({ "t": "candidates", "candidates": ["a candidate"] });
    let candidate = Person::about(&pair.adas, candidate);
    assert_eq!(pair.ada.outcome(&mut pair.board, candidate), "ok");
    pair.ben.session["resume_token"] = NOBODY.into();
    assert_eq!(
        pair.ben.resume(&mut pair.board)["reason"],
        "unknown_session"
    );
    let joined = pair.ben.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.bens, "connecting"),
    );
    let anew = &joined["connections"][0]["connection"];
    assert_ne!(anew, &pair.bens["connection"]);
    let told = pair.ada.take(&mut pair.board, "connection");
    assert_eq!(&told[0]["connection"], anew);
    assert!(pair.ben.take(&mut pair.board, "candidates").is_empty());
}

#[test]
fn nothing_is_kept_when_both_are_gone() {
    let mut pair = Pair::up();
    pair.board.cut(pair.ada.socket);
    pair.board.cut(pair.ben.socket);
    pair.board.advance(seconds(30));
    assert_eq!(pair.board.exchange().live_calls(), 0);
    assert_eq!(pair.board.exchange().live_sessions(), 0);
    assert_eq!(pair.board.exchange().poll_timeout(), None);
}

#[test]
fn a_reload_of_the_other_frees_the_seat_of_one_who_is_gone() {
    let mut pair = Pair::up();
    pair.board.cut(pair.ada.socket);
    live(&mut pair.board, &mut pair.ben, seconds(31));
    pair.ben.reload(&mut pair.board);
    let joined = pair.ben.join(&mut pair.board);
    assert_eq!(
        (&joined["participants"], &joined["connections"]),
        (&json!([]), &json!([]))
    );
    let mut eve = Person::new(&mut pair.board, "eve");
    assert_eq!(eve.join(&mut pair.board)["t"], "joined");
}

#[test]
fn others_see_who_is_online() {
    let mut pair = Pair::up();
    let online = |pair: &mut Pair| {
        let news = pair.ben.take(&mut pair.board, "participant");
        news.iter()
            .map(|n| n["participant"]["online"].clone())
            .collect::<Vec<_>>()
    };
    pair.board.cut(pair.ada.socket);
    assert_eq!(online(&mut pair), [json!(false)]);
    pair.ada.resume(&mut pair.board);
    assert_eq!(online(&mut pair), [json!(true)]);
    pair.ada.resume(&mut pair.board); // Never away in between.
    assert!(!online(&mut pair).contains(&json!(false)));
}

#[test]
fn a_page_that_closes_leaves_sooner() {
    let mut pair = Pair::up();
    pair.ada.send(&mut pair.board, json!({ "t": "closing" }));
    pair.board.cut(pair.ada.socket);
    pair.board.advance(millis(7_999));
    assert_eq!(pair.ended().1, [] as [serde_json::Value; 0]);
    pair.board.advance(millis(1));
    assert_eq!(pair.ended().1, [json!("left")]);
}

#[test]
fn a_page_that_closes_and_comes_back_stays() {
    let mut pair = Pair::up();
    pair.ada.send(&mut pair.board, json!({ "t": "closing" }));
    pair.ada.reload(&mut pair.board);
    assert_eq!(pair.ada.join(&mut pair.board)["t"], "joined");
    // Resumed from the page cache: the window is the usual one again.
    pair.ada.send(&mut pair.board, json!({ "t": "closing" }));
    pair.board.cut(pair.ada.socket);
    assert_eq!(pair.ada.resume(&mut pair.board)["t"], "resumed");
    pair.board.cut(pair.ada.socket);
    live(&mut pair.board, &mut pair.ben, seconds(29));
    assert_eq!(pair.ended().1, [] as [serde_json::Value; 0]);
}
