//! Calls outlive the server: their clients announce them again.
#![allow(missing_docs)]

mod support;

use serde_json::json;
use support::*;

/// Both in a call whose connection is up, and a server that was started again.
fn restarted() -> Pair {
    let mut pair = Pair::up();
    pair.board.restart(2);
    pair
}

/// The same, and the server knows nothing of the call any more.
fn forgotten() -> Pair {
    let mut pair = Pair::up();
    pair.board.restart_without_store(2);
    pair
}

#[test]
fn the_connection_is_taken_up_as_it_is() {
    let mut pair = restarted();
    assert_eq!(pair.ada.resume(&mut pair.board)["reason"], "new_epoch");
    let joined = pair.ada.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.adas, "connected"),
    );
    let kept = &joined["connections"][0];
    assert_eq!(kept["connection"], pair.adas["connection"]);
    assert_eq!(
        (&kept["polite"], &kept["peer"]),
        (&json!(false), &pair.adas["peer"])
    );
    assert_eq!(joined["participants"][0]["name"], "ben");
    assert_eq!(joined["participants"][0]["online"], false);

    pair.ben.resume(&mut pair.board);
    let joined = pair.ben.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.bens, "connected"),
    );
    assert_eq!(
        joined["connections"][0]["connection"],
        pair.bens["connection"]
    );
    assert_eq!(joined["connections"][0]["polite"], true);
    assert!(pair.ada.take(&mut pair.board, "connection").is_empty());
    assert_eq!(
        pair.ada.take(&mut pair.board, "participant")[0]["participant"]["name"],
        "ben"
    );
    pair.live(seconds(120));
    assert_eq!(pair.ended(), (vec![], vec![]));
}

#[test]
fn a_stranger_who_is_there_first_gets_nobodys_seat() {
    let mut pair = restarted();
    let mut eve = Person::new(&mut pair.board, "eve");
    assert_eq!(eve.join(&mut pair.board)["code"], "call_full");
    for (person, connection) in [(&mut pair.ada, &pair.adas), (&mut pair.ben, &pair.bens)] {
        person.resume(&mut pair.board);
        let living = announced(connection, "connected");
        let joined = person.join_as(&mut pair.board, ROOM, CALL, living);
        let kept = &joined["connections"][0]["connection"];
        assert_eq!(kept, &connection["connection"]);
    }
}

#[test]
fn one_who_has_lost_the_page_as_well_gets_the_seat_back() {
    let mut pair = restarted();
    pair.ada.reload(&mut pair.board);
    let joined = pair.ada.join(&mut pair.board);
    assert_eq!(joined["connections"], json!([]), "the other one is awaited");
    let mut eve = Person::new(&mut pair.board, "eve");
    assert_eq!(eve.join(&mut pair.board)["code"], "call_full");
    pair.ben.resume(&mut pair.board);
    let living = announced(&pair.bens, "connected");
    let joined = pair.ben.join_as(&mut pair.board, ROOM, CALL, living);
    let connection = &joined["connections"][0]["connection"];
    assert_ne!(
        connection, &pair.bens["connection"],
        "that one has no other end"
    );
    let told = pair.ada.take(&mut pair.board, "connection");
    assert_eq!(&told[0]["connection"], connection);
}

#[test]
fn a_call_to_which_nobody_comes_back_is_over() {
    let mut pair = restarted();
    assert_eq!(pair.board.exchange().live_calls(), 1);
    pair.board.advance(seconds(30));
    assert_eq!(pair.board.exchange().live_calls(), 0);
    let calls = &pair.board.keep().calls;
    assert!(calls.values().all(|call| call.ended.is_some()));
}

#[test]
fn the_seat_of_the_other_end_is_kept_against_a_stranger() {
    let mut pair = forgotten();
    pair.ada.resume(&mut pair.board);
    pair.ada.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.adas, "connected"),
    );
    let mut eve = Person::new(&mut pair.board, "eve");
    assert_eq!(eve.join(&mut pair.board)["code"], "call_full");
    // Also when the other end has nothing left but its key.
    pair.ben.reload(&mut pair.board);
    let joined = pair.ben.join(&mut pair.board);
    assert_ne!(
        joined["connections"][0]["connection"],
        pair.bens["connection"]
    );
    assert_eq!(joined["connections"][0]["polite"], true);
}

#[test]
fn each_end_says_how_it_is_for_itself() {
    let mut pair = restarted();
    pair.ada.resume(&mut pair.board);
    pair.ada.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.adas, "reconnecting"),
    );
    pair.ben.resume(&mut pair.board);
    pair.ben.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.bens, "connected"),
    );
    // Ben has noticed nothing, and so has nothing more to say.
    assert_eq!(
        pair.ada.report(&mut pair.board, &pair.adas, "connected"),
        "ok"
    );
    pair.live(seconds(60));
    assert_eq!(pair.ended(), (vec![], vec![]));
}

#[test]
fn one_that_was_still_connecting_begins_anew() {
    for mut pair in [restarted(), forgotten()] {
        pair.ada.resume(&mut pair.board);
        let adas = announced(&pair.adas, "connecting");
        let joined = pair.ada.join_as(&mut pair.board, ROOM, CALL, adas);
        assert_eq!(joined["connections"], json!([]), "nobody is there yet");
        pair.ben.resume(&mut pair.board);
        let bens = announced(&pair.bens, "connecting");
        let joined = pair.ben.join_as(&mut pair.board, ROOM, CALL, bens);
        let anew = &joined["connections"][0]["connection"];
        assert_ne!(anew, &pair.bens["connection"]);
        let told = pair.ada.take(&mut pair.board, "connection");
        assert_eq!(&told[0]["connection"], anew);
    }
}

#[test]
fn a_connection_that_was_lost_meanwhile_is_not_kept_for_ever() {
    let mut pair = restarted();
    pair.ada.resume(&mut pair.board);
    pair.ada.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.adas, "reconnecting"),
    );
    pair.live(seconds(30));
    assert_eq!(pair.ended().0, [json!("connection_lost")]);
    assert_eq!(pair.board.exchange().live_calls(), 0);
}

#[test]
fn a_connection_of_another_call_is_not_taken_up() {
    let mut pair = forgotten();
    let mut eve = Person::new(&mut pair.board, "eve");
    eve.join_as(&mut pair.board, OTHER_ROOM, CALL, json!([]));
    pair.ada.resume(&mut pair.board);
    let living = announced(&pair.adas, "connected");
    let joined = pair.ada.join_as(&mut pair.board, ROOM, CALL, living);
    assert_ne!(joined["call"], CALL);
    assert_eq!(
        joined["participants"],
        json!([]),
        "no seat that nobody could take"
    );
    pair.ben.resume(&mut pair.board);
    let joined = pair.ben.join_as(
        &mut pair.board,
        ROOM,
        CALL,
        announced(&pair.bens, "connected"),
    );
    assert_eq!(joined["participants"][0]["name"], "ada");
}

#[test]
fn a_connection_cannot_be_announced_into_a_call_that_goes_on() {
    let mut pair = Pair::new();
    let mut eve = Person::new(&mut pair.board, "eve");
    let mut forged = announced(&pair.bens, "connected");
    forged[0]["peer"] = pair.bens["peer"].clone();
    assert_eq!(
        eve.join_as(&mut pair.board, ROOM, CALL, forged)["code"],
        "call_full"
    );
    assert!(pair.ada.listen(&mut pair.board).is_empty());
}

#[test]
fn a_hang_up_before_joining_again_is_no_mistake() {
    let mut pair = restarted();
    pair.ada.resume(&mut pair.board);
    let hangup = json!({ "t": "hangup", "call": CALL });
    assert_eq!(pair.ada.outcome(&mut pair.board, hangup), "ok");
}

#[test]
fn who_hung_up_meanwhile_need_not_come_back_first() {
    let mut pair = restarted();
    pair.ada.resume(&mut pair.board);
    let hangup = json!({ "t": "hangup", "call": CALL });
    assert_eq!(pair.ada.outcome(&mut pair.board, hangup), "ok");
    assert_eq!(pair.board.exchange().live_calls(), 0);
}
