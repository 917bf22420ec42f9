use exchange::records::RingOutcome;

use super::super::{Store, args};
use super::on_both;
use super::story::*;

async fn webhook(store: &Store, n: u8, events: &str) {
    let sql = "INSERT INTO webhooks (id, url, secret, events, created_ms)
               VALUES ($1, 'https://example.org/hook', 'secret', $2, 1)";
    let id = [n; 16];
    store.execute(sql, args![&id[..], events]).await.unwrap();
}

async fn due(store: &Store, n: u8) -> Vec<(String, Vec<u8>, bool)> {
    let sql = "SELECT event, subject, of_ring FROM webhook_deliveries
               WHERE webhook_id = $1 AND next_ms <= 99000 ORDER BY position";
    let id = [n; 16];
    let rows = store.rows(sql, args![&id[..]]).await.unwrap();
    let of = |row: &super::super::Row| {
        (
            row.get("event").unwrap(),
            row.get("subject").unwrap(),
            row.get("of_ring").unwrap(),
        )
    };
    rows.iter().map(of).collect()
}

#[test]
fn webhooks_are_told_of_the_events_they_want_once() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let all = " call.started call.ringing call.answered call.missed call.declined call.ended ";
        webhook(store, 1, all).await;
        webhook(store, 2, " call.missed ").await;
        webhook(store, 3, all).await;
        let disable = "UPDATE webhooks SET disabled_ms = 1 WHERE id = $1";
        let third = [3; 16];
        store.execute(disable, args![&third[..]]).await.unwrap();

        let story = Story::default()
            .opened(1)
            .rung(1, 1, 2)
            .ringing(1)
            .ring_ended(1, RingOutcome::Accepted)
            .ended(1)
            .rung(2, 1, 2)
            .ring_ended(2, RingOutcome::Busy);
        story.keep(store).await;
        story.keep_slowly(store).await;
        let of_call = |event: &str, n| (event.to_owned(), call(n).as_bytes().to_vec(), false);
        let of_ring = |event: &str, n| (event.to_owned(), ring(n).as_bytes().to_vec(), true);
        let expected = [
            of_call("call.started", 1),
            of_ring("call.ringing", 1),
            of_ring("call.answered", 1),
            of_call("call.ended", 1),
            of_ring("call.missed", 2),
        ];
        assert_eq!(due(store, 1).await, expected);
        assert_eq!(due(store, 2).await, [of_ring("call.missed", 2)]);
        assert!(due(store, 3).await.is_empty());
    });
}

#[test]
fn a_hidden_ring_is_not_told_of() {
    on_both(async |fresh| {
        let store = &fresh.store;
        webhook(store, 1, " call.missed ").await;
        let story = Story::default().rung_as(1, 1, 1, 2, true);
        story.ring_ended(1, RingOutcome::NoAnswer).keep(store).await;
        assert!(due(store, 1).await.is_empty());
    });
}
