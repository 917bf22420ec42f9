//! What an answer promises is kept before the answer leaves; a store that fails harms no call.
#![allow(missing_docs)]

mod support;

use exchange::Input;
use serde_json::json;
use sim::keep::Mood;
use support::*;

fn send_chat(pair: &mut Pair, id: &str) {
    let chat = json!({ "t": "chat", "id": id, "call": CALL, "chat": NOBODY, "body": "hello" });
    pair.ada.send(&mut pair.board, chat);
}

#[test]
fn a_chat_message_is_answered_and_passed_on_when_it_is_kept() {
    let mut pair = Pair::up();
    pair.board.set_mood(Mood::Slow);
    send_chat(&mut pair, "c1");
    assert!(pair.ada.listen(&mut pair.board).is_empty());
    assert!(pair.ben.take(&mut pair.board, "chat").is_empty());
    pair.board.store(10);
    assert_eq!(pair.ada.take(&mut pair.board, "ok").len(), 1);
    assert_eq!(pair.ben.take(&mut pair.board, "chat").len(), 1);
    assert_eq!(
        pair.board.keep().calls.values().next().unwrap().chat.len(),
        1
    );
}

#[test]
fn what_cannot_be_kept_is_refused_and_heard_by_nobody() {
    let mut pair = Pair::up();
    pair.board.set_mood(Mood::Failing);
    send_chat(&mut pair, "c1");
    assert_eq!(
        pair.ada.take(&mut pair.board, "error")[0]["code"],
        "unavailable"
    );
    assert!(pair.ben.take(&mut pair.board, "chat").is_empty());
    // The same message again, once the store is well.
    pair.board.set_mood(Mood::Prompt);
    send_chat(&mut pair, "c2");
    assert_eq!(pair.ada.take(&mut pair.board, "ok").len(), 1);
    assert_eq!(pair.ben.take(&mut pair.board, "chat").len(), 1);
}

#[test]
fn hanging_up_is_answered_when_the_end_of_the_call_is_kept() {
    let mut pair = Pair::up();
    pair.ada.reload(&mut pair.board);
    pair.board.set_mood(Mood::Slow);
    // Over before Ada, who has another session now, hangs up.
    let call = pair.board.exchange().calls().next().unwrap().call;
    pair.board.input(Input::Kick(call));
    let hangup = json!({ "t": "hangup", "id": "h", "call": CALL });
    pair.ada.send(&mut pair.board, hangup);
    assert!(pair.ada.take(&mut pair.board, "ok").is_empty());
    pair.board.store(10);
    assert_eq!(pair.ada.take(&mut pair.board, "ok").len(), 1);
}

#[test]
fn what_was_said_in_a_call_that_is_over_is_not_said_in_the_next_one() {
    let mut pair = Pair::up();
    pair.board.set_mood(Mood::Slow);
    send_chat(&mut pair, "c1");
    let hangup = json!({ "t": "hangup", "call": CALL });
    pair.ada.send(&mut pair.board, hangup.clone());
    pair.ben.send(&mut pair.board, hangup);
    // The same call again, as after a reset. Nothing is left of the first one.
    let again = json!({
        "t": "join", "room": ROOM, "call": CALL, "name": "ada", "connections": [],
        "media": { "audio": true, "video": true },
    });
    pair.ada.send(&mut pair.board, again);
    pair.board.set_mood(Mood::Prompt);
    assert_eq!(pair.ada.take(&mut pair.board, "ok").len(), 1);
    let joined = pair.ben.join(&mut pair.board);
    assert_eq!(joined["call"], CALL);
    assert_eq!(joined["chat"], json!([]));
}

#[test]
fn a_ring_is_heard_of_when_it_is_kept() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::new();
    board.set_mood(Mood::Slow);
    let mut frame = invite_frame(RING, CALL, "ben");
    frame["id"] = "i".into();
    ada.send(&mut board, frame);
    assert_eq!(phone.offers(&mut board), 0);
    assert!(ada.listen(&mut board).is_empty());
    assert_eq!(phone.say(&mut board, "accept", RING), "not_found");
    board.store(1);
    assert_eq!(ada.take(&mut board, "ok").len(), 1);
    assert_eq!(phone.offers(&mut board), 1);
    // Answered, and not kept yet: nobody hears of it, and a crash forgets it.
    let mut accept = ring_frame("accept", RING);
    accept["id"] = "a".into();
    phone.send(&mut board, accept);
    assert!(phone.take(&mut board, "joined").is_empty());
    assert!(ada.ring_ended(&mut board).is_empty());
    board.store(10);
    assert_eq!(phone.take(&mut board, "joined").len(), 1);
    assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
}

#[test]
fn whoever_asks_again_about_a_ring_that_is_over_hears_of_it_when_that_is_kept() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::ringing();
    board.set_mood(Mood::Slow);
    phone.send(&mut board, ring_frame("decline", RING));
    let mut cancel = ring_frame("cancel", RING);
    cancel["id"] = "c".into();
    ada.send(&mut board, cancel);
    let mut invite = invite_frame(RING, CALL, "ben");
    invite["id"] = "i".into();
    ada.send(&mut board, invite);
    assert!(ada.take(&mut board, "ok").is_empty());
    assert!(ada.ring_ended(&mut board).is_empty());
    board.store(1);
    assert_eq!(ada.take(&mut board, "ok").len(), 2);
    assert_eq!(ada.ring_ended(&mut board), ["declined", "declined"]);
}

#[test]
fn a_message_is_not_left_after_a_ring_that_is_not_kept_yet() {
    let Household {
        mut board, mut ada, ..
    } = Household::new();
    board.set_mood(Mood::Slow);
    ada.send(&mut board, invite_frame(RING, CALL, "ben"));
    ada.send(&mut board, ring_frame("cancel", RING));
    let mut message = ring_frame("leave_message", RING);
    message["id"] = "m".into();
    ada.send(&mut board, message);
    board.store(1);
    board.fail();
    assert_eq!(ada.take(&mut board, "error")[0]["code"], "bad_state");
    assert!(ada.take(&mut board, "ok").is_empty());
}

#[test]
fn a_ring_that_cannot_be_kept_never_was() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::new();
    board.set_mood(Mood::Failing);
    assert_eq!(ada.invite(&mut board, RING, "ben"), "unavailable");
    assert_eq!(phone.offers(&mut board), 0);
    assert_eq!(board.exchange().live_rings(), 0);
    board.set_mood(Mood::Prompt);
    assert_eq!(ada.invite(&mut board, RING, "ben"), "ok");
    assert_eq!(phone.offers(&mut board), 1);
}

#[test]
fn calls_that_go_on_do_not_wait_for_a_store_that_fails() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut eve,
        ..
    } = Household::ringing();
    board.set_mood(Mood::Failing);
    assert_eq!(
        phone.ask(&mut board, ring_frame("accept", RING))["t"],
        "joined"
    );
    assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
    let refused = eve.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    assert_eq!(refused["code"], "unavailable", "what is new has to wait");
    let hangup = json!({ "t": "hangup", "call": CALL });
    assert_eq!(phone.outcome(&mut board, hangup), "ok");
    // It is not forgotten when the store is well again.
    board.set_mood(Mood::Prompt);
    let ring = board.keep().rings.values().next().unwrap();
    assert!(ring.ended.is_some());
    assert!(board.keep().calls.values().all(|call| call.ended.is_some()));
}

#[test]
fn a_ring_given_up_before_it_was_kept_is_never_heard() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::new();
    board.set_mood(Mood::Slow);
    let mut frame = invite_frame(RING, CALL, "ben");
    frame["id"] = "i".into();
    ada.send(&mut board, frame);
    let mut cancel = ring_frame("cancel", RING);
    cancel["id"] = "c".into();
    ada.send(&mut board, cancel);
    board.store(10);
    assert_eq!(ada.take(&mut board, "ok").len(), 2);
    assert_eq!(phone.offers(&mut board), 0);
    assert_eq!(board.exchange().live_rings(), 0);
}

#[test]
fn a_ring_survives_a_restart() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::ringing();
    board.restart(2);
    ada.resume(&mut board);
    let people = ada.take(&mut board, "people").remove(0);
    assert_eq!(people["outgoing"][0]["ring"], RING);
    assert_eq!(ada.join(&mut board)["t"], "joined");
    assert_eq!(ada.invite(&mut board, RING, "ben"), "ok", "the same ring");
    phone.resume(&mut board);
    let people = phone.take(&mut board, "people").remove(0);
    assert_eq!(people["incoming"][0]["ring"], RING);
    assert_eq!(
        phone.ask(&mut board, ring_frame("accept", RING))["t"],
        "joined"
    );
    assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
    assert_eq!(ada.take(&mut board, "connection").len(), 1);
}

#[test]
fn who_crosses_a_ring_that_is_not_kept_yet_answers_it_when_it_is() {
    for (kept, given_up) in [(true, false), (true, true), (false, false)] {
        let Household {
            mut board,
            mut ada,
            mut phone,
            ..
        } = Household::new();
        phone.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
        board.set_mood(Mood::Slow);
        for (person, ring, call, to) in [
            (&mut ada, RING, CALL, "ben"),
            (&mut phone, OTHER_RING, OTHER_CALL, "ada"),
        ] {
            let mut frame = invite_frame(ring, call, to);
            frame["id"] = "i".into();
            person.send(&mut board, frame);
        }
        if given_up {
            ada.send(&mut board, ring_frame("cancel", RING));
        }
        if kept {
            board.store(10);
            board.set_mood(Mood::Prompt);
            if given_up {
                assert_eq!(phone.take(&mut board, "ok").len(), 1);
                assert_eq!(ada.offers(&mut board), 1, "so it is Ben who calls");
            } else {
                assert_eq!(phone.take(&mut board, "joined")[0]["call"], CALL);
                assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
            }
        } else {
            board.fail();
            for person in [&mut ada, &mut phone] {
                assert_eq!(person.take(&mut board, "error")[0]["code"], "unavailable");
            }
            assert_eq!(board.exchange().live_rings(), 0);
        }
    }
}

#[test]
fn an_accept_whose_answer_was_lost_with_the_server_is_answered_when_it_is_repeated() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::ringing();
    phone.send(&mut board, ring_frame("accept", RING));
    board.restart(2);
    for person in [&mut ada, &mut phone, &mut laptop] {
        person.resume(&mut board);
    }
    ada.join(&mut board);
    assert_eq!(laptop.say(&mut board, "accept", RING), "gone");
    let joined = phone.ask(&mut board, ring_frame("accept", RING));
    assert_eq!(
        (&joined["t"], &joined["call"]),
        (&json!("joined"), &json!(CALL))
    );
    let connection = joined["connections"][0]["connection"].clone();
    let told = ada.take(&mut board, "connection");
    assert_eq!(told[0]["connection"], connection);
    // And once more, which changes nothing.
    let joined = phone.ask(&mut board, ring_frame("accept", RING));
    assert_eq!(joined["connections"][0]["connection"], connection);
}

#[test]
fn who_dialled_and_is_gone_answers_nothing() {
    for hung_up in [true, false] {
        let Household {
            mut board,
            mut ada,
            mut phone,
            mut laptop,
            ..
        } = Household::new();
        phone.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
        board.set_mood(Mood::Slow);
        ada.send(&mut board, invite_frame(RING, CALL, "ben"));
        phone.send(&mut board, invite_frame(OTHER_RING, OTHER_CALL, "ada"));
        if hung_up {
            phone.send(&mut board, json!({ "t": "hangup", "call": OTHER_CALL }));
        } else {
            board.revoke(login("ben.phone"));
        }
        board.store(10);
        assert_eq!(laptop.offers(&mut board), 1, "it rings as any other");
        assert_eq!(board.exchange().live_rings(), 1);
        assert!(ada.ring_ended(&mut board).is_empty());
    }
}

#[test]
fn an_answer_that_was_given_up_does_not_answer() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::new();
    phone.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    board.set_mood(Mood::Slow);
    ada.send(&mut board, invite_frame(RING, CALL, "ben"));
    phone.send(&mut board, invite_frame(OTHER_RING, OTHER_CALL, "ada"));
    assert_eq!(phone.say(&mut board, "cancel", OTHER_RING), "ok");
    board.store(10);
    assert_eq!(phone.offers(&mut board), 1, "it rings, and is not answered");
    assert!(ada.ring_ended(&mut board).is_empty());
}

#[test]
fn one_message_is_left_however_slow_the_store_is() {
    let mut home = Household::ringing();
    let (board, ada) = (&mut home.board, &mut home.ada);
    home.phone.say(board, "decline", RING);
    board.set_mood(Mood::Slow);
    ada.send(board, ring_frame("leave_message", RING));
    ada.send(board, ring_frame("leave_message", RING));
    assert_eq!(ada.outcome(board, another_message()), "bad_state");
    assert!(ada.take(board, "error").is_empty());
    board.fail();
    // It could not be kept, so there is none.
    assert_eq!(ada.take(board, "error").len(), 2, "whoever asks is told");
    board.set_mood(Mood::Prompt);
    assert_eq!(ada.say(board, "leave_message", RING), "ok");
}

#[test]
fn an_answer_whose_reply_was_lost_with_the_server_is_given_again() {
    // As many records of the answer are kept as the server had time for.
    for kept in 0..4 {
        let mut home = Household::ringing();
        let (board, ada, phone) = (&mut home.board, &mut home.ada, &mut home.phone);
        board.set_mood(Mood::Slow);
        phone.send(board, ring_frame("accept", RING));
        board.store(kept);
        board.restart(2);
        board.set_mood(Mood::Prompt);
        phone.resume(board);
        ada.resume(board);
        assert_eq!(phone.ask(board, ring_frame("accept", RING))["t"], "joined");
        assert_eq!(ada.join(board)["participants"].as_array().unwrap().len(), 1);
        let end = board.keep().rings.values().next().unwrap().ended.unwrap().0;
        assert_eq!(end, exchange::records::RingOutcome::Accepted);
    }
}

#[test]
fn a_call_that_died_before_its_first_seat_has_an_end() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    board.set_mood(Mood::Slow);
    ada.send(
        &mut board,
        json!({
            "t": "join", "room": ROOM, "call": CALL, "name": "Ada",
            "media": { "audio": true, "video": true },
        }),
    );
    board.store(1);
    board.restart(2);
    board.set_mood(Mood::Prompt);
    board.advance(seconds(30));
    assert!(board.keep().calls.values().all(|call| call.ended.is_some()));
    assert_eq!(board.exchange().live_calls(), 0);
}

#[test]
fn a_seat_that_is_not_kept_yet_is_promised_to_no_later_session_either() {
    let mut board = Switchboard::new(1);
    let mut ada = Person::new(&mut board, "ada");
    board.set_mood(Mood::Slow);
    let join = json!({
        "t": "join", "id": "j", "room": ROOM, "call": CALL, "name": "Ada",
        "media": { "audio": true, "video": true },
    });
    ada.send(&mut board, join.clone());
    ada.reload(&mut board);
    ada.send(&mut board, join);
    assert!(ada.take(&mut board, "joined").is_empty());
    board.store(10);
    assert_eq!(ada.take(&mut board, "joined").len(), 1);
}
