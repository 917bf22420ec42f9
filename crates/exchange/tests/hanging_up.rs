//! One who hangs up ends it for both.
#![allow(missing_docs)]

mod support;

use exchange::Input;
use serde_json::{from_value, json};
use support::*;

#[test]
fn it_ends_for_both_and_may_be_said_twice() {
    let mut pair = Pair::up();
    for _ in 0..2 {
        let hangup = json!({ "t": "hangup", "call": CALL });
        assert_eq!(pair.ada.outcome(&mut pair.board, hangup), "ok");
    }
    assert_eq!(pair.ended(), (vec![], vec![json!("hangup")]));
    assert_eq!(pair.board.exchange().live_calls(), 0);
}

#[test]
fn one_who_is_away_hears_of_it_later() {
    let mut pair = Pair::up();
    pair.board.cut(pair.ben.socket);
    pair.ada
        .ask(&mut pair.board, json!({ "t": "hangup", "call": CALL }));
    pair.ben.resume(&mut pair.board);
    assert_eq!(pair.ended().1, [json!("hangup")]);
}

#[test]
fn both_at_once_is_fine() {
    let mut pair = Pair::up();
    let hangup = json!({ "t": "hangup", "call": CALL });
    assert_eq!(pair.ada.outcome(&mut pair.board, hangup.clone()), "ok");
    assert_eq!(pair.ben.outcome(&mut pair.board, hangup), "ok");
}

#[test]
fn the_room_can_be_used_again() {
    let mut pair = Pair::up();
    pair.ada
        .ask(&mut pair.board, json!({ "t": "hangup", "call": CALL }));
    let mut eve = Person::new(&mut pair.board, "eve");
    let joined = eve.join_as(&mut pair.board, ROOM, OTHER_CALL, json!([]));
    assert_eq!(joined["call"], OTHER_CALL);
    assert_eq!(
        (&joined["participants"], &joined["chat"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn a_call_that_an_administrator_ends_is_no_call_any_more() {
    let mut pair = Pair::up();
    let kick = Input::Kick(from_value(json!(CALL)).unwrap());
    pair.board.input(kick.clone());
    assert_eq!(pair.ended(), (vec![json!("kicked")], vec![json!("kicked")]));
    pair.board.input(kick);
    let living = announced(&pair.adas, "connected");
    for run in 1..3 {
        for (call, connections) in [
            (CALL, &json!([])),
            (OTHER_CALL, &json!([])),
            (CALL, &living),
        ] {
            let connections = connections.clone();
            let refused = pair.ada.join_as(&mut pair.board, ROOM, call, connections);
            assert_eq!(refused["code"], "gone", "in run {run}: {refused}");
        }
        pair.board.restart(run + 1);
        pair.ada.resume(&mut pair.board);
    }
    let joined = pair
        .ada
        .join_as(&mut pair.board, OTHER_ROOM, CALL, json!([]));
    assert_eq!(joined["t"], "joined");
}
