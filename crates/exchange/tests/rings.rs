//! A person is called: all their devices ring, one answers, and everybody knows how it ended.
#![allow(missing_docs)]

mod support;

use exchange::PushKind;
use exchange::records::RingOutcome;
use serde_json::json;
use sim::keep::Mood;
use support::*;

#[test]
fn all_devices_ring_one_answers_and_the_others_stop() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::ringing();
    assert_eq!(phone.say(&mut board, "ringing", RING), "ok");
    assert_eq!(laptop.say(&mut board, "ringing", RING), "ok");
    let states = ada.take(&mut board, "ring_state");
    assert_eq!(states.len(), 1, "heard of once");
    assert_eq!(states[0]["phase"], "ringing");

    let joined = phone.ask(&mut board, ring_frame("accept", RING));
    assert_eq!(joined["t"], "joined");
    assert_eq!(joined["participants"][0]["user"], user("ada").to_string());
    assert_eq!(joined["connections"][0]["polite"], true);
    assert_eq!(joined["connections"][0]["relay_only"], false);
    assert_eq!(laptop.ring_ended(&mut board), ["answered_elsewhere"]);
    assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
    assert_eq!(ada.take(&mut board, "connection").len(), 1);
    assert!(phone.ring_ended(&mut board).is_empty());
    assert_eq!(laptop.say(&mut board, "accept", RING), "gone");
    assert_eq!(board.exchange().live_rings(), 0);
    let kept = board.keep().rings.values().next().unwrap();
    assert_eq!(kept.ended.unwrap().0, RingOutcome::Accepted);
}

#[test]
fn who_is_rung_and_comes_by_the_link_has_answered() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::ringing();
    assert_eq!(phone.join(&mut board)["t"], "joined");
    assert_eq!(laptop.ring_ended(&mut board), ["answered_elsewhere"]);
    assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
    assert_eq!(phone.ring_ended(&mut board), ["answered_elsewhere"]);
    assert_eq!(board.exchange().live_rings(), 0);
    let kept = board.keep().rings.values().next().unwrap();
    assert_eq!(kept.ended.unwrap().0, RingOutcome::Accepted);
    let again = phone.ask(&mut board, ring_frame("accept", RING));
    assert_eq!(again["t"], "joined", "both at once");
    assert_eq!(laptop.say(&mut board, "accept", RING), "gone");
}

#[test]
fn who_has_come_by_the_link_before_the_ring_was_kept_is_not_rung() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::new();
    board.set_mood(Mood::Slow);
    ada.send(&mut board, invite_frame(RING, CALL, "ben"));
    let join = json!({
        "t": "join", "room": ROOM, "call": CALL, "name": "Ben",
        "media": { "audio": true, "video": true },
    });
    phone.send(&mut board, join);
    board.set_mood(Mood::Prompt);
    board.store(10);
    assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
    assert_eq!(phone.offers(&mut board) + laptop.offers(&mut board), 0);
    assert_eq!(board.exchange().live_rings(), 0);
}

#[test]
fn every_ending_is_told_to_everybody_once() {
    let endings = [
        (
            "decline",
            "ok",
            "declined",
            "declined_elsewhere",
            RingOutcome::Declined,
        ),
        (
            "cancel",
            "ok",
            "cancelled",
            "cancelled",
            RingOutcome::Cancelled,
        ),
        (
            "wait",
            "ok",
            "no_answer",
            "no_answer",
            RingOutcome::NoAnswer,
        ),
    ];
    for (what, answer, at_caller, at_others, outcome) in endings {
        let mut home = Household::ringing();
        match what {
            "decline" => assert_eq!(home.phone.say(&mut home.board, what, RING), answer),
            "cancel" => assert_eq!(home.ada.say(&mut home.board, what, RING), answer),
            _ => home.live(seconds(45)),
        }
        let Household {
            mut board,
            mut ada,
            mut phone,
            mut laptop,
            mut eve,
        } = home;
        assert_eq!(ada.ring_ended(&mut board), [at_caller], "{what}");
        assert_eq!(laptop.ring_ended(&mut board), [at_others], "{what}");
        let told = if what == "decline" {
            vec![]
        } else {
            vec![at_others]
        };
        assert_eq!(phone.ring_ended(&mut board), told, "{what}");
        for person in [&mut ada, &mut phone, &mut laptop] {
            assert_eq!(person.take(&mut board, "changed").len(), 1, "{what}");
        }
        for kind in ["ring", "ring_state", "ring_ended", "changed"] {
            assert!(
                eve.take(&mut board, kind).is_empty(),
                "none of her business"
            );
        }
        let kept = board.keep().rings.values().next().unwrap();
        assert_eq!(kept.ended.unwrap().0, outcome);
        assert_eq!(phone.say(&mut board, "accept", RING), "gone");
        let repeated = ada.say(&mut board, "cancel", RING);
        assert_eq!(repeated, "ok", "giving up twice is no mistake");
    }
}

#[test]
fn ignoring_is_nobodys_business_and_can_be_taken_back() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::ringing();
    assert_eq!(phone.say(&mut board, "ignore", RING), "ok");
    assert!(ada.listen(&mut board).is_empty());
    assert!(laptop.listen(&mut board).is_empty());
    assert_eq!(
        phone.ask(&mut board, ring_frame("accept", RING))["t"],
        "joined"
    );
}

#[test]
fn it_is_busy_when_every_device_says_so() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::ringing();
    assert_eq!(phone.say(&mut board, "busy", RING), "ok");
    assert!(ada.ring_ended(&mut board).is_empty());
    assert_eq!(laptop.say(&mut board, "busy", RING), "ok");
    assert_eq!(ada.ring_ended(&mut board), ["busy"]);
}

#[test]
fn who_does_not_want_to_be_disturbed_is_busy_and_has_a_missed_call() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::new();
    let mut ben = account("Ben", &["ada"]);
    ben.do_not_disturb = true;
    board.set_person(user("ben"), ben);
    phone.take(&mut board, "people");
    assert_eq!(ada.invite(&mut board, RING, "ben"), "ok");
    assert_eq!(ada.ring_ended(&mut board), ["busy"]);
    assert_eq!(phone.offers(&mut board), 0);
    assert_eq!(phone.take(&mut board, "changed").len(), 1);
    let kept = board.keep().rings.values().next().unwrap();
    assert_eq!(kept.ended.unwrap().0, RingOutcome::DoNotDisturb);
}

#[test]
fn a_second_call_waits_or_is_busy_as_the_person_likes() {
    for call_waiting in [true, false] {
        let Household {
            mut board,
            mut ada,
            mut phone,
            mut eve,
            ..
        } = Household::ringing();
        assert_eq!(
            phone.ask(&mut board, ring_frame("accept", RING))["t"],
            "joined"
        );
        let mut ben = account("Ben", &["ada"]);
        ben.call_waiting = call_waiting;
        board.set_person(user("ben"), ben);
        eve.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
        let frame = invite_frame(OTHER_RING, OTHER_CALL, "ben");
        assert_eq!(eve.outcome(&mut board, frame), "ok");
        let rings = phone.take(&mut board, "ring");
        if call_waiting {
            assert_eq!(rings[0]["waiting"], true);
            assert_eq!(rings[0]["from"]["contact"], false);
            let joined = phone.ask(&mut board, ring_frame("accept", OTHER_RING));
            assert_eq!(joined["call"], OTHER_CALL);
            assert!(
                ada.take(&mut board, "call_ended").is_empty(),
                "the first goes on"
            );
        } else {
            assert!(rings.is_empty());
            assert_eq!(eve.ring_ended(&mut board), ["busy"]);
            let mut ended = board.keep().rings.values().map(|kept| kept.ended);
            assert!(ended.any(|end| end.unwrap().0 == RingOutcome::Busy));
        }
    }
}

#[test]
fn the_blocked_hear_what_they_would_hear_if_nobody_answered() {
    let mut home = Household::new();
    let mut ben = account("Ben", &["ada"]);
    ben.blocked.insert(user("eve"));
    home.board.set_person(user("ben"), ben);
    home.eve
        .join_as(&mut home.board, OTHER_ROOM, OTHER_CALL, json!([]));
    home.forget_what_came();
    let frame = invite_frame(RING, OTHER_CALL, "ben");
    assert_eq!(home.eve.outcome(&mut home.board, frame), "ok");
    // Somebody who does not exist is no different.
    let nobody = invite_frame(OTHER_RING, CALL, "nobody");
    assert_eq!(home.ada.outcome(&mut home.board, nobody), "ok");
    home.live(seconds(45));
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        mut eve,
    } = home;
    assert_eq!(eve.ring_ended(&mut board), ["no_answer"]);
    assert_eq!(ada.ring_ended(&mut board), ["no_answer"]);
    for person in [&mut phone, &mut laptop] {
        for kind in ["ring", "ring_ended", "changed"] {
            assert!(person.take(&mut board, kind).is_empty());
        }
        assert_eq!(person.say(&mut board, "accept", RING), "not_found");
    }
    assert!(board.take_pushed().is_empty());
    assert_eq!(ada.say(&mut board, "leave_message", OTHER_RING), "ok");
    assert!(phone.take(&mut board, "changed").is_empty());
}

#[test]
fn the_caller_cannot_answer_for_the_callee() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        mut eve,
    } = Household::ringing();
    for what in ["accept", "decline", "ignore", "busy", "ringing"] {
        assert_eq!(ada.say(&mut board, what, RING), "bad_direction");
        assert_eq!(eve.say(&mut board, what, RING), "not_found");
        assert_eq!(eve.say(&mut board, what, OTHER_RING), "not_found");
    }
    assert_eq!(phone.say(&mut board, "cancel", RING), "bad_direction");
    assert_eq!(eve.say(&mut board, "cancel", RING), "not_found");
    assert!(phone.listen(&mut board).is_empty());
    assert!(laptop.listen(&mut board).is_empty());
    assert_eq!(board.exchange().live_rings(), 1);
}

#[test]
fn nothing_of_the_callee_crosses_before_the_accept() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::ringing();
    phone.say(&mut board, "ringing", RING);
    ada.listen(&mut board);
    let connection = json!({ "call": CALL, "connection": NOBODY, "generation": 0 });
    for frame in [
        json!({ "t": "description", "body": "offer" }),
        json!({ "t": "candidates", "candidates": ["c"] }),
        json!({ "t": "connection_state", "state": "connected" }),
    ] {
        let frame = Person::about(&connection, frame);
        assert_eq!(ada.outcome(&mut board, frame.clone()), "gone");
        assert_eq!(
            phone.outcome(&mut board, frame),
            "not_found",
            "no seat, no voice"
        );
    }
    assert!(phone.listen(&mut board).is_empty());
    let look = json!({ "t": "media", "call": CALL, "media": { "audio": true, "video": true } });
    assert_eq!(ada.outcome(&mut board, look), "ok");
    assert!(phone.listen(&mut board).is_empty());
}

#[test]
fn a_replayed_invite_rings_once() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut eve,
        ..
    } = Household::ringing();
    assert_eq!(ada.invite(&mut board, RING, "ben"), "ok");
    assert_eq!(phone.offers(&mut board), 0);
    assert_eq!(ada.take(&mut board, "ring_state").len(), 1, "how it stands");
    assert_eq!(eve.invite(&mut board, RING, "ben"), "bad_state");
    phone.say(&mut board, "decline", RING);
    ada.ring_ended(&mut board);
    assert_eq!(ada.invite(&mut board, RING, "ben"), "ok");
    assert_eq!(ada.ring_ended(&mut board), ["declined"]);
    assert_eq!(phone.offers(&mut board), 0);
}

#[test]
fn who_may_not_invite_is_told_why() {
    let Household {
        mut board,
        mut ada,
        mut eve,
        ..
    } = Household::new();
    let mut guest = Person::new(&mut board, "guest");
    assert_eq!(guest.invite(&mut board, RING, "ben"), "forbidden");
    assert_eq!(
        eve.invite(&mut board, RING, "ben"),
        "not_found",
        "not her call"
    );
    assert_eq!(ada.invite(&mut board, RING, "ada"), "bad_state");
    assert_eq!(ada.invite(&mut board, RING, "ben"), "ok");
    assert_eq!(ada.invite(&mut board, OTHER_RING, "eve"), "bad_state");
    ada.say(&mut board, "cancel", RING);
    guest.join(&mut board);
    assert_eq!(ada.invite(&mut board, OTHER_RING, "ben"), "call_full");
}

#[test]
fn too_many_rings_are_refused_and_heard_by_nobody() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::new();
    let mut outcomes = Vec::new();
    for n in 0..1000_u64 {
        let mut ring = [9; 16];
        ring[..8].copy_from_slice(&n.to_le_bytes());
        let ring = protocol::id::RingId::from_bytes(ring).to_string();
        outcomes.push(ada.invite(&mut board, &ring, "ben"));
        ada.say(&mut board, "cancel", &ring);
        ada.listen(&mut board);
        phone.listen(&mut board);
        keep_alive(&mut board, &mut ada);
        keep_alive(&mut board, &mut phone);
    }
    let ok = outcomes.iter().filter(|outcome| *outcome == "ok").count();
    assert_eq!(ok, protocol::limits::INVITES_BURST as usize);
    assert!(
        outcomes[ok..]
            .iter()
            .all(|outcome| outcome == "rate_limited")
    );
    assert_eq!(phone.offers(&mut board), ok);
}

#[test]
fn two_who_call_each_other_talk() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        mut laptop,
        ..
    } = Household::ringing();
    phone.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    let joined = phone.ask(&mut board, invite_frame(OTHER_RING, OTHER_CALL, "ada"));
    assert_eq!(
        (&joined["t"], &joined["call"]),
        (&json!("joined"), &json!(CALL))
    );
    assert_eq!(ada.ring_ended(&mut board), ["accepted"]);
    assert_eq!(ada.offers(&mut board), 0);
    assert_eq!(laptop.ring_ended(&mut board), ["answered_elsewhere"]);
    let ended = phone.take(&mut board, "call_ended");
    assert_eq!(
        (&ended[0]["call"], &ended[0]["reason"]),
        (&json!(OTHER_CALL), &json!("glare"))
    );
    assert_eq!(board.exchange().live_calls(), 1);
    assert_eq!(board.exchange().live_rings(), 0);
}

#[test]
fn one_who_dialled_and_is_gone_answers_nothing() {
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
    // Signed out before the ring that theirs has crossed is kept.
    board.revoke(login("ben.phone"));
    board.set_mood(Mood::Prompt);
    assert!(ada.ring_ended(&mut board).is_empty(), "nobody has answered");
    assert_eq!(laptop.offers(&mut board), 1);
    let accepted = laptop.ask(&mut board, ring_frame("accept", RING));
    assert_eq!(accepted["t"], "joined");
}

#[test]
fn who_could_not_join_the_one_who_called_them_calls_after_all() {
    let Household {
        mut board,
        mut ada,
        mut phone,
        ..
    } = Household::new();
    let mut takes_one = account("Ben", &["ada"]);
    takes_one.call_waiting = false;
    board.set_person(user("ben"), takes_one);
    phone.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    board.set_mood(Mood::Slow);
    ada.send(&mut board, invite_frame(RING, CALL, "ben"));
    let mut back = invite_frame(OTHER_RING, OTHER_CALL, "ada");
    back["id"] = "back".into();
    phone.send(&mut board, back);
    // Somebody comes by the link before the ring that theirs has crossed is kept.
    let mut guest = Person::new(&mut board, "guest");
    let join = json!({
        "t": "join", "room": ROOM, "call": CALL, "name": "guest", "connections": [],
        "media": { "audio": true, "video": true },
    });
    guest.send(&mut board, join);
    board.set_mood(Mood::Prompt);
    assert_eq!(ada.ring_ended(&mut board), ["busy"]);
    assert_eq!(phone.take(&mut board, "ok").len(), 1);
    assert_eq!(ada.offers(&mut board), 1);
}

#[test]
fn a_device_that_connects_rings_as_well() {
    let Household { mut board, .. } = Household::ringing();
    let mut tablet = Person::member(&mut board, "ben.tablet");
    let people = tablet.take(&mut board, "people").remove(0);
    assert_eq!(people["incoming"][0]["ring"], RING);
    assert_eq!(tablet.offers(&mut board), 0, "said once");
    let accepted = tablet.ask(&mut board, ring_frame("accept", RING));
    assert_eq!(accepted["t"], "joined");
    let mut stranger = Person::new(&mut board, "ben.none");
    assert!(stranger.listen(&mut board).is_empty());
}

#[test]
fn the_ring_starts_again_when_a_device_rings_and_does_not_last_for_ever() {
    let mut home = Household::ringing();
    home.live(seconds(40));
    home.phone.say(&mut home.board, "ringing", RING);
    home.live(seconds(44));
    assert_eq!(home.board.exchange().live_rings(), 1);
    home.laptop.say(&mut home.board, "ringing", RING);
    home.live(seconds(1));
    assert_eq!(home.ada.ring_ended(&mut home.board), ["no_answer"]);
    assert_eq!(home.phone.say(&mut home.board, "accept", RING), "gone");
}

#[test]
fn a_caller_who_is_gone_stops_the_ringing() {
    let mut home = Household::ringing();
    let hangup = json!({ "t": "hangup", "call": CALL });
    assert_eq!(home.ada.outcome(&mut home.board, hangup), "ok");
    assert_eq!(home.phone.ring_ended(&mut home.board), ["cancelled"]);

    let mut home = Household::ringing();
    home.board.cut(home.ada.socket);
    for _ in 0..30 {
        home.board.advance(seconds(1));
        keep_alive(&mut home.board, &mut home.phone);
    }
    assert_eq!(home.phone.ring_ended(&mut home.board), ["cancelled"]);
}

#[test]
fn sleeping_devices_are_woken_and_told_the_end() {
    let mut home = Household::ringing();
    home.phone.say(&mut home.board, "ringing", RING);
    home.live(seconds(2));
    let pushed = home.board.take_pushed();
    assert_eq!(pushed.len(), 1);
    assert_eq!(pushed[0].user, user("ben"));
    assert!(matches!(pushed[0].kind, PushKind::Ringing { ttl } if ttl > seconds(40)));
    assert_eq!(pushed[0].except, [login("ben.phone")].into());
    home.ada.say(&mut home.board, "cancel", RING);
    let pushed = home.board.take_pushed();
    assert_eq!(pushed[0].kind, PushKind::Over(RingOutcome::Cancelled));
    // Over before anybody was woken: nothing to take back.
    let mut home = Household::ringing();
    home.ada.say(&mut home.board, "cancel", RING);
    home.live(seconds(2));
    assert!(home.board.take_pushed().is_empty());
}

#[test]
fn a_message_can_be_left_once_and_not_for_ever() {
    let mut home = Household::ringing();
    let (board, ada) = (&mut home.board, &mut home.ada);
    assert_eq!(
        ada.say(board, "leave_message", RING),
        "bad_state",
        "it still rings"
    );
    home.phone.say(board, "decline", RING);
    home.phone.take(board, "changed");
    assert_eq!(home.eve.say(board, "leave_message", RING), "not_found");
    assert_eq!(home.phone.say(board, "leave_message", RING), "not_found");
    assert_eq!(ada.say(board, "leave_message", RING), "ok");
    assert_eq!(home.phone.take(board, "changed").len(), 1);
    assert_eq!(ada.outcome(board, another_message()), "bad_state");
    // As after a reset: the same message is no second one.
    assert_eq!(ada.say(board, "leave_message", RING), "ok");
    assert!(home.phone.take(board, "changed").is_empty());
    board.restart(2);
    ada.resume(board);
    assert_eq!(ada.say(board, "leave_message", RING), "ok");
    assert_eq!(ada.outcome(board, another_message()), "bad_state");

    let mut home = Household::ringing();
    home.phone.say(&mut home.board, "decline", RING);
    home.live(seconds(600));
    assert_eq!(
        home.ada.say(&mut home.board, "leave_message", RING),
        "not_found"
    );
}

#[test]
fn strangers_are_not_shown_the_callees_addresses() {
    let Household {
        mut board,
        mut phone,
        mut eve,
        ..
    } = Household::new();
    eve.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    let frame = invite_frame(RING, OTHER_CALL, "ben");
    assert_eq!(eve.outcome(&mut board, frame), "ok");
    let joined = phone.ask(&mut board, ring_frame("accept", RING));
    assert_eq!(joined["connections"][0]["relay_only"], true);
    assert_eq!(eve.take(&mut board, "connection")[0]["relay_only"], false);
    // A page that is loaded again came by the ring all the same.
    phone.reload(&mut board);
    let joined = phone.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    assert_eq!(joined["connections"][0]["relay_only"], true);
    board.set_person(user("ben"), account("Ben", &["eve"]));
    phone.reload(&mut board);
    let joined = phone.join_as(&mut board, OTHER_ROOM, OTHER_CALL, json!([]));
    assert_eq!(joined["connections"][0]["relay_only"], false);
}

#[test]
fn a_member_has_the_name_of_the_account_everywhere() {
    let Household { mut board, .. } = Household::new();
    let mut guest = Person::new(&mut board, "Ada");
    let joined = guest.join(&mut board);
    let ada = &joined["participants"][0];
    assert_eq!(
        (&ada["name"], &ada["user"]),
        (&json!("Ada"), &json!(user("ada").to_string()))
    );
}
