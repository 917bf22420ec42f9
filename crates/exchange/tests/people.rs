//! People with accounts: who is there, what ends with a sign-in.
#![allow(missing_docs)]

mod support;

use protocol::close::CloseCode;
use serde_json::{Value, json};
use support::*;

fn presence(board: &mut Switchboard, person: &mut Person) -> Vec<Value> {
    let frames = person.take(board, "presence").into_iter();
    frames
        .map(|frame| frame["contact"]["presence"].clone())
        .collect()
}

#[test]
fn a_member_is_told_who_they_are_and_whom_they_know() {
    let Household { mut board, .. } = Household::new();
    let mut tablet = Person::member(&mut board, "ada.tablet");
    assert_eq!(tablet.session["you"]["account"]["name"], "Ada");
    let people = tablet.take(&mut board, "people").remove(0);
    assert_eq!(people["contacts"][0]["name"], "Ben");
    assert_eq!(people["contacts"][0]["presence"], "available");
    let guest = Person::new(&mut board, "guest");
    assert_eq!(guest.session["you"].get("account"), None);
}

#[test]
fn contacts_see_each_other_come_and_go() {
    let mut home = Household::new();
    home.board.cut(home.laptop.socket);
    home.board.cut(home.phone.socket);
    assert!(
        presence(&mut home.board, &mut home.ada).is_empty(),
        "may be back at once"
    );
    for _ in 0..30 {
        home.board.advance(seconds(1));
        keep_alive(&mut home.board, &mut home.ada);
        keep_alive(&mut home.board, &mut home.eve);
    }
    assert_eq!(presence(&mut home.board, &mut home.ada), ["offline"]);
    let mut phone = Person::member(&mut home.board, "ben.phone");
    assert_eq!(presence(&mut home.board, &mut home.ada), ["available"]);
    phone.join_as(&mut home.board, OTHER_ROOM, OTHER_CALL, json!([]));
    assert_eq!(presence(&mut home.board, &mut home.ada), ["busy"]);
    // Eve has added Ben, and Ben has not added her: she is not even told that there is no news.
    assert!(presence(&mut home.board, &mut home.eve).is_empty());
}

#[test]
fn who_is_shut_out_is_told_once_and_then_nothing() {
    let mut home = Household::new();
    let ben = |blocked: &[&str], do_not_disturb| {
        let mut ben = account("Ben", &["ada"]);
        ben.blocked = blocked.iter().map(|name| user(name)).collect();
        ben.do_not_disturb = do_not_disturb;
        ben
    };
    home.board.set_person(user("ben"), ben(&["ada"], false));
    assert_eq!(presence(&mut home.board, &mut home.ada), ["offline"]);
    home.board.set_person(user("ben"), ben(&["ada"], true));
    home.board.set_person(user("ben"), ben(&["ada"], false));
    home.phone
        .join_as(&mut home.board, OTHER_ROOM, OTHER_CALL, json!([]));
    assert!(presence(&mut home.board, &mut home.ada).is_empty());
    home.board.set_person(user("ben"), ben(&[], false));
    assert_eq!(presence(&mut home.board, &mut home.ada), ["busy"]);
}

#[test]
fn a_change_of_contacts_is_told_whole() {
    let Household {
        mut board, mut ada, ..
    } = Household::new();
    board.set_person(user("ada"), account("Ada L.", &["eve"]));
    let people = ada.take(&mut board, "people").remove(0);
    assert_eq!(people["me"]["name"], "Ada L.");
    assert_eq!(people["contacts"][0]["name"], "Eve");
    assert_eq!(people["contacts"][0]["presence"], "available");
}

#[test]
fn a_revoked_sign_in_ends_at_once_with_its_calls_and_cannot_resume() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::ringing();
    phone.ask(&mut board, ring_frame("accept", RING));
    ada.listen(&mut board);
    board.revoke(login("ben.phone"));
    assert_closed(&board, phone.socket, CloseCode::SignedOut);
    assert_eq!(ada.take(&mut board, "call_ended")[0]["reason"], "left");
    assert!(board.closed(laptop.socket).is_none(), "another sign-in");
    let ticket = board.ticket();
    let frame = phone.resume_frame(&ticket);
    let socket = board.open();
    board.send(socket, &frame);
    let answer = board.receive_first(socket);
    assert_eq!(answer["reason"], "unknown_session");
    assert_eq!(answer["you"].get("account"), None, "a guest like any other");
    laptop.listen(&mut board);
}

#[test]
fn a_session_is_not_resumed_with_somebody_elses_ticket() {
    let Household {
        mut board, phone, ..
    } = Household::new();
    board.cut(phone.socket);
    let ticket = board.ticket();
    let frame = phone.resume_frame(&ticket);
    let socket = board.open();
    board.send(socket, &frame);
    assert_eq!(board.receive_first(socket)["reason"], "unknown_session");
}

#[test]
fn a_closed_account_is_gone_everywhere() {
    let Household {
        mut board,
        mut ada,
        phone,
        laptop,
        ..
    } = Household::ringing();
    board.remove_person(user("ben"));
    assert_closed(&board, phone.socket, CloseCode::SignedOut);
    assert_closed(&board, laptop.socket, CloseCode::SignedOut);
    for _ in 0..45 {
        board.advance(seconds(1));
        keep_alive(&mut board, &mut ada);
    }
    assert_eq!(ada.ring_ended(&mut board), ["no_answer"]);
}

#[test]
fn those_who_know_somebody_whose_account_is_closed_see_them_go() {
    let Household {
        mut board, mut ada, ..
    } = Household::new();
    board.remove_person(user("ben"));
    let news = ada.take(&mut board, "presence");
    assert_eq!(news.last().unwrap()["contact"]["presence"], "offline");
}
