use std::collections::BTreeSet;

use exchange::records::{Entry, Record, Ring, RingOutcome, WriteId};
use protocol::id::{CallId, DeviceId, ParticipantId, RingId, RoomId, UserId};
use protocol::message::{EndReason, MediaState};

use super::on_both;
use crate::store::writer::{Group, Keep as _};
use crate::store::{Attempt, Delivery, NewWebhook, Store, WebhookChange, args};
use crate::webhooks::{EventKind, Part, WebhookId};

const CALL: CallId = CallId::from_bytes([1; 16]);
const RING: RingId = RingId::from_bytes([2; 16]);
const ADA: UserId = UserId::from_bytes([3; 16]);
const BEN: UserId = UserId::from_bytes([4; 16]);
const HOOK: WebhookId = WebhookId([5; 16]);
const OTHER: WebhookId = WebhookId([6; 16]);

async fn people(store: &Store) {
    for (user, name) in [(ADA, "Ada"), (BEN, "Ben")] {
        let sql = "INSERT INTO users (id, login, login_key, name, name_key, role, created_ms)
                   VALUES ($1, $2, $2, $2, $2, 'admin', 1)";
        store.execute(sql, args![user, name]).await.unwrap();
    }
}

async fn hook(store: &Store, id: WebhookId, events: &[EventKind]) {
    let new = NewWebhook {
        id,
        url: "https://hook.example.org/".into(),
        secret: "first".into(),
        events: BTreeSet::from_iter(events.iter().copied()),
    };
    assert!(store.add_webhook(1, ADA, &new).await.unwrap());
}

async fn told(store: &Store, records: &[(u64, Record)]) {
    let entry = |(at_ms, record): &(u64, Record)| Entry {
        id: WriteId(1),
        at_ms: *at_ms,
        record: record.clone(),
    };
    let group = Group {
        entries: records.iter().map(entry).collect(),
        ..Group::default()
    };
    store.keep(&group).await.unwrap();
}

/// A call of Ada and a guest, from 1000 to 9000, connected at 2000, into which Ben is rung.
fn story(hidden: bool, outcome: RingOutcome) -> Vec<(u64, Record)> {
    let seated = |n: u8, user, name: &str| Record::Seated {
        call: CALL,
        participant: ParticipantId::from_bytes([n; 16]),
        device: DeviceId::from_bytes([n; 16]),
        user,
        name: name.to_owned().try_into().unwrap(),
        rung: false,
    };
    let ring = Ring {
        ring: RING,
        call: CALL,
        caller: ADA,
        caller_device: DeviceId::from_bytes([1; 16]),
        callee: BEN,
        media: MediaState {
            audio: true,
            video: true,
            screen: false,
            held: false,
            paused: false,
        },
        hidden,
    };
    let room = RoomId::from_bytes([9; 16]);
    vec![
        (1000, Record::CallOpened { call: CALL, room }),
        (1000, seated(1, Some(ADA), "Ada")),
        (1100, Record::Rung(ring)),
        (1200, Record::Ringing { ring: RING }),
        (1500, seated(2, None, "Guest")),
        (2000, Record::CallConnected { call: CALL }),
        (
            8000,
            Record::RingEnded {
                ring: RING,
                outcome,
            },
        ),
        (
            9000,
            Record::CallEnded {
                call: CALL,
                reason: EndReason::Hangup,
            },
        ),
    ]
}

async fn due(store: &Store, now_ms: u64) -> Vec<Delivery> {
    store.deliveries_due(HOOK, now_ms, 10).await.unwrap()
}

fn failed(next_ms: Option<u64>, switch_off: bool) -> Attempt {
    Attempt {
        status: Some(500),
        error: Some("it answered 500".into()),
        next_ms,
        switch_off,
    }
}

const DONE: Attempt = Attempt {
    status: Some(204),
    error: None,
    next_ms: None,
    switch_off: false,
};

#[test]
fn what_happens_is_told_once_to_those_who_asked() {
    on_both(async |fresh| {
        let store = fresh.store;
        people(&store).await;
        hook(&store, HOOK, &EventKind::ALL).await;
        hook(&store, OTHER, &[EventKind::Missed]).await;
        told(&store, &story(false, RingOutcome::NoAnswer)).await;
        told(&store, &story(false, RingOutcome::NoAnswer)).await;
        let events: Vec<_> = due(&store, 9000)
            .await
            .iter()
            .map(|it| (it.event, it.at_ms))
            .collect();
        let expected = [
            (EventKind::Started, 1000),
            (EventKind::Ringing, 1200),
            (EventKind::Missed, 8000),
            (EventKind::Ended, 9000),
        ];
        assert_eq!(events, expected);
        assert_eq!(due(&store, 8999).await.len(), 3);
    });
}

#[test]
fn events_say_who_and_why() {
    on_both(async |fresh| {
        let store = fresh.store;
        people(&store).await;
        hook(&store, HOOK, &EventKind::ALL).await;
        told(&store, &story(false, RingOutcome::NoAnswer)).await;
        let mut events = Vec::new();
        for delivery in due(&store, 9000).await {
            events.push(store.event(&delivery).await.unwrap().unwrap());
        }
        let names = |at: usize| -> Vec<(&str, Part)> {
            let people = events[at].people.iter();
            people.map(|it| (it.name.as_str(), it.role)).collect()
        };
        assert_eq!(names(0), [("Ada", Part::Participant)]);
        assert_eq!(names(1), [("Ada", Part::Caller), ("Ben", Part::Callee)]);
        assert_eq!(
            names(3),
            [("Ada", Part::Participant), ("Guest", Part::Participant)]
        );
        assert_eq!(events[3].people[1].user, None);
        assert_eq!((events[1].ring, events[1].video), (Some(RING), Some(true)));
        assert_eq!(events[2].reason.as_deref(), Some("no_answer"));
        assert_eq!(events[3].reason.as_deref(), Some("hangup"));
        assert_eq!(events[3].duration_ms, Some(7000));
        let again = store
            .event(&due(&store, 9000).await[3])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(again, events[3]);
    });
}

#[test]
fn of_a_ring_nobody_is_to_learn_of_nobody_does() {
    on_both(async |fresh| {
        let store = fresh.store;
        people(&store).await;
        hook(&store, HOOK, &[EventKind::Ringing, EventKind::Missed]).await;
        told(&store, &story(true, RingOutcome::NoAnswer)).await;
        assert!(due(&store, 9000).await.is_empty());
    });
}

#[test]
fn a_delivery_is_due_until_it_is_done_or_given_up() {
    on_both(async |fresh| {
        let store = fresh.store;
        people(&store).await;
        hook(&store, HOOK, &[EventKind::Started, EventKind::Answered]).await;
        told(&store, &story(false, RingOutcome::Accepted)).await;
        let [first, second] = due(&store, 9000).await.try_into().unwrap();
        store
            .attempted(9000, HOOK, first.position, &failed(Some(9500), false))
            .await
            .unwrap();
        store
            .attempted(9000, HOOK, second.position, &failed(None, false))
            .await
            .unwrap();
        assert!(due(&store, 9499).await.is_empty());
        assert_eq!(store.next_delivery_ms().await.unwrap(), Some(9500));
        assert_eq!(store.webhooks_due(9499).await.unwrap().len(), 0);
        let target = &store.webhooks_due(9500).await.unwrap()[0];
        assert_eq!(target.failing_ms, Some(9000));
        assert_eq!(due(&store, 9500).await[0].attempts, 1);
        store
            .attempted(9600, HOOK, first.position, &DONE)
            .await
            .unwrap();
        assert_eq!(store.webhook(HOOK).await.unwrap().unwrap().failing_ms, None);
        assert_eq!(store.next_delivery_ms().await.unwrap(), None);
        let listed = store.deliveries(HOOK).await.unwrap();
        let states: Vec<_> = listed
            .iter()
            .map(|it| (it.delivered_ms, it.status, it.delivery.attempts))
            .collect();
        assert_eq!(states, [(None, Some(500), 1), (Some(9600), Some(204), 2)]);
        assert_eq!(listed[0].error.as_deref(), Some("it answered 500"));
        store.forget_deliveries(1001).await.unwrap();
        assert_eq!(store.deliveries(HOOK).await.unwrap().len(), 1);
    });
}

#[test]
fn a_webhook_that_is_off_is_told_nothing_until_it_is_on_again() {
    on_both(async |fresh| {
        let store = fresh.store;
        people(&store).await;
        hook(&store, HOOK, &[EventKind::Started]).await;
        told(&store, &story(false, RingOutcome::Accepted)).await;
        let [delivery] = due(&store, 9000).await.try_into().unwrap();
        let last = failed(Some(9500), true);
        store
            .attempted(9000, HOOK, delivery.position, &last)
            .await
            .unwrap();
        assert_eq!(
            store.webhook(HOOK).await.unwrap().unwrap().disabled_ms,
            Some(9000)
        );
        assert!(store.webhooks_due(9999).await.unwrap().is_empty());
        assert_eq!(store.next_delivery_ms().await.unwrap(), None);
        let on = WebhookChange {
            enabled: Some(true),
            ..WebhookChange::default()
        };
        assert!(store.change_webhook(9999, HOOK, &on).await.unwrap());
        let webhook = store.webhook(HOOK).await.unwrap().unwrap();
        assert_eq!((webhook.disabled_ms, webhook.failing_ms), (None, None));
        assert_eq!(store.webhooks_due(9999).await.unwrap().len(), 1);
        let off = WebhookChange {
            enabled: Some(false),
            ..WebhookChange::default()
        };
        assert!(store.change_webhook(10_000, HOOK, &off).await.unwrap());
        assert!(store.webhooks_due(10_000).await.unwrap().is_empty());
    });
}

#[test]
fn a_secret_that_was_replaced_signs_for_a_time() {
    on_both(async |fresh| {
        let store = fresh.store;
        people(&store).await;
        hook(&store, HOOK, &[EventKind::Started]).await;
        told(&store, &story(false, RingOutcome::Accepted)).await;
        assert!(store.rotate_webhook(HOOK, "second", 10_000).await.unwrap());
        let secrets = async |now| store.webhooks_due(now).await.unwrap()[0].secrets.clone();
        assert_eq!(secrets(9_999).await, ["second", "first"]);
        assert_eq!(secrets(10_000).await, ["second"]);
        assert!(!store.rotate_webhook(OTHER, "x", 1).await.unwrap());
    });
}

#[test]
fn webhooks_are_changed_dropped_and_not_too_many() {
    on_both(async |fresh| {
        let store = fresh.store;
        people(&store).await;
        hook(&store, HOOK, &[EventKind::Started]).await;
        let change = WebhookChange {
            url: Some("https://other.example.org/".into()),
            events: Some(BTreeSet::from([EventKind::Ended])),
            enabled: None,
        };
        assert!(store.change_webhook(2, HOOK, &change).await.unwrap());
        assert!(!store.change_webhook(2, OTHER, &change).await.unwrap());
        let webhook = store.webhook(HOOK).await.unwrap().unwrap();
        assert_eq!(webhook.url, "https://other.example.org/");
        assert_eq!(webhook.events, BTreeSet::from([EventKind::Ended]));
        assert!(store.drop_webhook(HOOK).await.unwrap());
        assert!(!store.drop_webhook(HOOK).await.unwrap());
        for number in 0..20 {
            hook(&store, WebhookId([number; 16]), &[EventKind::Ended]).await;
        }
        let new = NewWebhook {
            id: WebhookId([99; 16]),
            url: "https://hook.example.org/".into(),
            secret: "s".into(),
            events: BTreeSet::new(),
        };
        assert!(!store.add_webhook(1, ADA, &new).await.unwrap());
        assert_eq!(store.webhooks().await.unwrap().len(), 20);
    });
}
