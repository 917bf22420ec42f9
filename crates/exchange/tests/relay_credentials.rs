//! The relay is for people in a call with somebody.
#![allow(missing_docs)]

mod support;

use exchange::Input;
use protocol::id::ParticipantId;
use protocol::limits;
use serde_json::{Value, from_value, json};
use support::*;

fn turn(relay: &Value) -> &Value {
    let servers = relay["ice_servers"].as_array().unwrap();
    servers
        .iter()
        .find(|server| server["credential"].is_string())
        .unwrap()
}

#[test]
fn nobody_gets_any_alone() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    assert!(!ada.session.to_string().contains("credential"));
    assert!(!ada.join(&mut board).to_string().contains("ice_servers"));
    live(&mut board, &mut ada, seconds(3 * 3600));
    assert!(ada.take(&mut board, "relay_credentials").is_empty());
}

/// What a client says that it has counts for the call, and not for the relay.
#[test]
fn a_connection_that_is_only_announced_gets_none_until_the_other_end_is_there() {
    let mut pair = Pair::up();
    pair.board.restart_without_store(2);
    pair.ada.resume(&mut pair.board);
    let living = announced(&pair.adas, "connected");
    let joined = pair.ada.join_as(&mut pair.board, ROOM, CALL, living);
    assert_eq!(joined["connections"].as_array().unwrap().len(), 1);
    assert!(!joined.to_string().contains("credential"), "{joined}");
    assert!(
        pair.ada
            .take(&mut pair.board, "relay_credentials")
            .is_empty()
    );
    pair.ben.resume(&mut pair.board);
    let living = announced(&pair.bens, "connected");
    let joined = pair.ben.join_as(&mut pair.board, ROOM, CALL, living);
    turn(&joined["connections"][0]["relay"]);
    let [renewed, back] = ["relay_credentials", "participant"]
        .map(|news| pair.ada.take(&mut pair.board, news).remove(0));
    turn(&renewed["relay"]);
    assert!(
        renewed["seq"].as_u64() < back["seq"].as_u64(),
        "who hears of the return restarts with them"
    );
}

#[test]
fn they_are_bound_to_the_participant_and_expire() {
    let pair = Pair::new();
    let expires = pair.board.unix_seconds() + limits::RELAY_CREDENTIALS_MS / 1000;
    for (mine, theirs) in [(&pair.adas, &pair.bens), (&pair.bens, &pair.adas)] {
        let server = turn(&mine["relay"]);
        let seat = theirs["peer"].as_str().unwrap();
        let minted = protocol::relay::mint(b"secret", seat, expires);
        assert_eq!(server["username"], minted.username);
        assert_eq!(server["credential"], minted.password);
        assert_eq!(mine["relay"]["expires_in_ms"], limits::RELAY_CREDENTIALS_MS);
    }
}

#[test]
fn they_are_renewed_before_they_expire() {
    let mut pair = Pair::up();
    let mut valid_until = pair.board.unix_seconds() + limits::RELAY_CREDENTIALS_MS / 1000;
    for _ in 0..3 {
        pair.live(seconds(limits::RELAY_CREDENTIALS_MS / 1000 / 4 * 3));
        assert!(pair.board.unix_seconds() < valid_until);
        let news = [&mut pair.ada, &mut pair.ben]
            .map(|person| person.take(&mut pair.board, "relay_credentials"));
        for news in &news {
            assert_eq!(news.len(), 1);
            let username = turn(&news[0]["relay"])["username"].as_str().unwrap();
            valid_until = protocol::relay::expiry(username).unwrap();
            assert!(valid_until > pair.board.unix_seconds() + 3000);
        }
    }
}

#[test]
fn a_call_that_is_over_gets_no_more() {
    let mut pair = Pair::up();
    let hangup = json!({ "t": "hangup", "call": CALL });
    pair.ada.ask(&mut pair.board, hangup);
    pair.live(seconds(3600));
    assert!(
        pair.ben
            .take(&mut pair.board, "relay_credentials")
            .is_empty()
    );
}

/// Who sits in the usual call.
fn participant(value: &Value) -> ParticipantId {
    from_value(value.clone()).unwrap()
}

#[test]
fn whoever_is_kicked_has_none_any_more() {
    let mut pair = Pair::up();
    let until = pair.board.unix_seconds() + limits::RELAY_CREDENTIALS_MS / 1000;
    let kick = Input::Kick(from_value(json!(CALL)).unwrap());
    pair.board.input(kick);
    let both = [&pair.bens["peer"], &pair.adas["peer"]].map(|it| (participant(it), until));
    assert_eq!(pair.board.take_revoked(), both);
}

#[test]
fn whoever_is_signed_out_has_none_any_more_and_who_hangs_up_may_let_them_expire() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::ringing();
    let joined = phone.ask(&mut board, ring_frame("accept", RING));
    let until = board.unix_seconds() + limits::RELAY_CREDENTIALS_MS / 1000;
    board.revoke(login("ben.phone"));
    assert_eq!(ada.take(&mut board, "call_ended").len(), 1);
    let gone = (participant(&joined["you"]), until);
    assert_eq!(board.take_revoked(), [gone]);
    let mut pair = Pair::up();
    let hangup = json!({ "t": "hangup", "call": CALL });
    pair.ada.ask(&mut pair.board, hangup);
    assert!(pair.board.take_revoked().is_empty());
}
