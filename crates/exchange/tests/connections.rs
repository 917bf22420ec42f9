//! What passes between the two ends, and how long they may take.
#![allow(missing_docs)]

mod support;

use protocol::limits;
use serde_json::{Value, json};
use support::*;

fn candidates(connection: &Value, generation: u32, count: usize) -> Value {
    let list = vec!["candidate"; count];
    let frame = json!({ "t": "candidates", "generation": generation, "candidates": list });
    Person::about(connection, frame)
}

#[test]
fn bodies_pass_unchanged_and_only_to_the_other_end() {
    let mut pair = Pair::new();
    let body = "v=0\r\n\u{0}\"\\ é \u{1f4de}";
    let frame = Person::about(&pair.adas, json!({ "t": "description", "body": body }));
    assert_eq!(pair.ada.outcome(&mut pair.board, frame), "ok");
    assert_eq!(
        pair.ben.take(&mut pair.board, "description")[0]["body"],
        body
    );
    assert!(pair.ada.take(&mut pair.board, "description").is_empty());
}

#[test]
fn candidates_may_come_before_any_description() {
    let mut pair = Pair::new();
    let frame = candidates(&pair.bens, 0, 2);
    assert_eq!(pair.ben.outcome(&mut pair.board, frame), "ok");
    let got = pair.ada.take(&mut pair.board, "candidates").remove(0);
    assert_eq!(got["candidates"].as_array().unwrap().len(), 2);
}

#[test]
fn an_older_generation_is_late() {
    let mut pair = Pair::new();
    let restart = json!({ "t": "description", "generation": 1, "body": "an offer" });
    let frame = Person::about(&pair.adas, restart);
    assert_eq!(pair.ada.outcome(&mut pair.board, frame), "ok");
    pair.ben.take(&mut pair.board, "description");
    for frame in [
        json!({ "t": "description", "body": "an answer" }),
        json!({ "t": "candidates", "candidates": [] }),
        json!({ "t": "connection_state", "state": "connected" }),
    ] {
        let frame = Person::about(&pair.bens, frame);
        assert_eq!(pair.ben.outcome(&mut pair.board, frame), "gone");
    }
    assert!(pair.ada.take(&mut pair.board, "description").is_empty());
}

#[test]
fn candidates_are_limited_for_each_end_and_generation() {
    let mut pair = Pair::new();
    for (generation, count, outcome) in [
        (0, limits::CANDIDATES, "ok"),
        (0, 1, "limit"),
        (0, 0, "ok"),
        (1, 1, "ok"),
        (1, limits::CANDIDATES, "limit"),
        (1, limits::CANDIDATES - 1, "ok"),
        (1, limits::CANDIDATES + 1, "malformed"),
    ] {
        let frame = candidates(&pair.adas, generation, count);
        let got = pair.ada.outcome(&mut pair.board, frame);
        assert_eq!(got, outcome, "{count} in generation {generation}");
    }
    let frame = candidates(&pair.bens, 1, limits::CANDIDATES);
    assert_eq!(
        pair.ben.outcome(&mut pair.board, frame),
        "ok",
        "the other end has its own"
    );
}

#[test]
fn one_that_does_not_come_up_tries_the_relay_and_then_fails() {
    let mut pair = Pair::new();
    assert_eq!(
        pair.ada.report(&mut pair.board, &pair.adas, "connected"),
        "ok"
    );
    pair.live(seconds(19));
    assert!(
        pair.ada
            .take(&mut pair.board, "connection_restart")
            .is_empty()
    );
    pair.live(seconds(1));
    for person in [&mut pair.ada, &mut pair.ben] {
        let restart = person.take(&mut pair.board, "connection_restart").remove(0);
        assert_eq!(
            (&restart["generation"], restart["seq"].is_u64()),
            (&json!(1), true)
        );
    }
    assert_eq!(
        pair.ada.report(&mut pair.board, &pair.adas, "connected"),
        "gone"
    );
    pair.live(seconds(19));
    assert_eq!(pair.ended(), (vec![], vec![]));
    pair.live(seconds(1));
    let failed = vec![json!("connect_failed")];
    assert_eq!(pair.ended(), (failed.clone(), failed));
    assert_eq!(pair.board.exchange().live_calls(), 0);
}

#[test]
fn the_relay_may_be_what_helps() {
    let mut pair = Pair::new();
    pair.live(seconds(20));
    for connection in [&mut pair.adas, &mut pair.bens] {
        connection["generation"] = 1.into();
    }
    pair.report("connected");
    pair.live(seconds(60));
    assert_eq!(pair.ended(), (vec![], vec![]));
    assert_eq!(pair.board.exchange().counters().connections_up, 1);
}

#[test]
fn one_that_is_lost_has_thirty_seconds_to_come_back() {
    let mut pair = Pair::up();
    pair.ben.report(&mut pair.board, &pair.bens, "reconnecting");
    pair.live(seconds(29));
    pair.ben.report(&mut pair.board, &pair.bens, "connected");
    pair.live(seconds(60));
    assert_eq!(pair.ended(), (vec![], vec![]));
    pair.ben.report(&mut pair.board, &pair.bens, "reconnecting");
    pair.live(seconds(30));
    let lost = vec![json!("connection_lost")];
    assert_eq!(pair.ended(), (lost.clone(), lost));
}

#[test]
fn only_one_end_saying_connected_is_not_enough() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.ada.report(&mut pair.board, &pair.adas, "connected");
    }
    pair.live(seconds(40));
    assert_eq!(pair.ended().1, [json!("connect_failed")]);
}
