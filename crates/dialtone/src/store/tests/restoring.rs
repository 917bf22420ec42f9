use exchange::records::{Person, Record, RingOutcome};
use protocol::limits;
use protocol::message::RingPhase;

use super::super::args;
use super::on_both;
use super::story::*;

#[test]
fn a_call_that_was_not_over_is_given_back_as_it_was() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let story = Story::default()
            .opened(1)
            .seated(1, 1, Some(user(1)), "Ada")
            .seated(1, 2, None, "A guest")
            .connected(1)
            .said(1, 1, 1)
            .said(1, 2, 2)
            .opened(2)
            .seated(2, 1, Some(user(1)), "Ada")
            .said(2, 1, 3)
            .ended(2)
            .opened(3)
            .seated(3, 3, None, "Gone")
            .seated(3, 4, None, "Back")
            .unseated(3, 3)
            .unseated(3, 4)
            .seated(3, 4, None, "Back again");
        story.keep(store).await;
        let calls = store.restore(99_000).await.unwrap().calls;
        assert_eq!(calls.len(), 2);

        let first = &calls[0];
        assert_eq!((first.call, first.room), (call(1), room(1)));
        assert!(first.connected);
        let seats: Vec<_> = first.seats.iter().map(|s| (s.device, s.user)).collect();
        assert_eq!(seats, [(device(1), Some(user(1))), (device(2), None)]);
        let said: Vec<_> = first.chat.iter().map(|said| said.chat.chat).collect();
        assert_eq!(said, [chat_id(1), chat_id(2)]);
        assert_eq!(&*first.chat[0].chat.body, "words 1");

        let third = &calls[1];
        assert!(!third.connected);
        let names: Vec<_> = third.seats.iter().map(|s| &*s.name).collect();
        assert_eq!(names, ["Back again"]);
    });
}

#[test]
fn of_a_call_opened_again_under_its_old_id_nothing_is_left() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let story = Story::default()
            .opened(1)
            .seated(1, 1, None, "Ada")
            .seated(1, 2, None, "Ben")
            .said(1, 1, 1)
            .ended(1);
        story.keep(store).await;
        assert!(store.restore(0).await.unwrap().calls.is_empty());
        let again = story.clone().opened(1).seated(1, 1, None, "Ada");
        again.keep(store).await;
        let calls = store.restore(0).await.unwrap().calls;
        let names: Vec<_> = calls[0].seats.iter().map(|seat| &*seat.name).collect();
        assert_eq!((calls.len(), names), (1, vec!["Ada"]));
        assert!(calls[0].chat.is_empty());
    });
}

#[test]
fn rooms_that_were_closed_are_given_back() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let closed = Record::RoomClosed { room: room(1) };
        let story = Story::default().opened(1).then(closed.clone()).then(closed);
        story.keep(store).await;
        // The call may begin again elsewhere, by its old id.
        story.opened(1).keep(store).await;
        assert_eq!(store.restore(0).await.unwrap().closed, [room(1)]);
    });
}

#[test]
fn of_a_long_chat_the_newest_is_given_back() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let story = Story::default().opened(1);
        let story = (0..200).fold(story, |story, n| story.said(1, 1, n));
        story.keep(store).await;
        let chat = store.restore(0).await.unwrap().calls.remove(0).chat;
        assert_eq!(chat.len(), limits::CHAT_BACKLOG);
        assert_eq!(chat.last().unwrap().chat.chat, chat_id(199));
        let first = 200 - limits::CHAT_BACKLOG as u8;
        assert_eq!(chat[0].chat.chat, chat_id(first));
    });
}

#[test]
fn rings_that_go_on_or_were_a_short_time_ago_are_given_back() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let story = Story::default()
            .rung(1, 1, 2)
            .ring_ended(1, RingOutcome::Declined)
            .message(1)
            .rung(2, 1, 2)
            .rung_as(3, 3, 1, 2, true)
            .ringing(2)
            .rung(4, 2, 1)
            .ring_ended(4, RingOutcome::NoAnswer);
        story.keep(store).await;
        // The first ended in the second second, the last in the eighth.
        let now = limits::LEAVE_MESSAGE_MS + 2_000;
        let rings = store.restore(now).await.unwrap().rings;
        let found: Vec<_> = rings.iter().map(|r| (r.ring.ring, r.phase)).collect();
        use RingPhase::{Offered, Ringing};
        let expected = [(2, Ringing), (3, Offered), (4, Offered)];
        assert_eq!(found, expected.map(|(n, phase)| (ring(n), phase)));
        assert_eq!(rings[2].ended, Some((RingOutcome::NoAnswer, 8_000)));
        assert!(rings[1].ring.hidden && !rings[0].ring.hidden);
        assert_eq!(rings[0].ended, None);

        let rings = store.restore(2_000).await.unwrap().rings;
        assert!(rings[0].message.is_some() && rings[3].message.is_none());
    });
}

#[test]
fn people_are_given_back_with_whom_they_know() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let (ada, ben, cem) = (
            account(store, 1, "Ada").await,
            account(store, 2, "Ben").await,
            account(store, 3, "Cem").await,
        );
        for sql in [
            "INSERT INTO contacts (user_id, contact_id, created_ms) VALUES ($1, $2, 1)",
            "INSERT INTO blocks (user_id, blocked_id, created_ms) VALUES ($2, $1, 1)",
        ] {
            store.execute(sql, args![ada, ben]).await.unwrap();
        }
        let sql = "UPDATE users SET closed_ms = 1 WHERE id = $1";
        store.execute(sql, args![cem]).await.unwrap();
        let expected = Person {
            name: name("Ada"),
            contacts: [ben].into(),
            blocked: [].into(),
            do_not_disturb: false,
            call_waiting: true,
        };
        let people = store.restore(0).await.unwrap().people;
        assert_eq!(people.len(), 2);
        assert_eq!(people[0], (ada, expected.clone()));
        assert_eq!(people[1].1.blocked, [ada].into());
        assert_eq!(store.person(ada).await.unwrap(), Some(expected));
        assert_eq!(store.person(ben).await.unwrap(), Some(people[1].1.clone()));
        assert_eq!(store.person(cem).await.unwrap(), None);
    });
}
