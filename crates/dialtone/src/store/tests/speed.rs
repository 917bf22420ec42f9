//! How many records a second. By hand, alone on the machine:
//! `taskset -c 0 cargo test --release --bin dialtone store::tests::speed -- --ignored --nocapture`

use std::time::Instant;

use exchange::records::{Entry, Record, RingOutcome, WriteId};
use protocol::id::*;

use super::super::writer::{Outcome, Patience, Writer};
use super::on_both;
use super::story::Story;

const CALLS: u64 = 25_000;
/// Records that wait for their commit at a time: a tenth of a second's worth at 2,000 calls.
const WAITING: u64 = 2_000;

/// The records of one call to a person, with ids as random as those of clients.
fn call() -> Vec<Entry> {
    fn drawn() -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).unwrap();
        bytes
    }
    let user = |n| Some(super::story::user(n));
    let mut story = Story::default()
        .opened(1)
        .seated(1, 1, user(1), "Ada")
        .rung(1, 1, 2)
        .ringing(1)
        .seated(1, 2, user(2), "Ben")
        .ring_ended(1, RingOutcome::Accepted)
        .connected(1)
        .ended(1);
    let (id, of_ring) = (CallId::from_bytes(drawn()), RingId::from_bytes(drawn()));
    for entry in &mut story.entries {
        match &mut entry.record {
            Record::CallOpened { call, .. }
            | Record::CallConnected { call }
            | Record::CallEnded { call, .. } => *call = id,
            Record::Seated {
                call, participant, ..
            } => {
                *call = id;
                *participant = ParticipantId::from_bytes(drawn());
            }
            Record::Rung(rung) => (rung.ring, rung.call) = (of_ring, id),
            Record::Ringing { ring } | Record::RingEnded { ring, .. } => *ring = of_ring,
            _ => {}
        }
    }
    story.entries
}

#[test]
#[ignore = "a measurement"]
fn records_a_second() {
    on_both(async |fresh| {
        // Calls that go on at the same time: each record of one waits for the one before.
        let mut records = Vec::new();
        let mut calls = (0..CALLS).map(|_| call());
        loop {
            let some: Vec<_> = calls.by_ref().take(WAITING as usize).collect();
            if some.is_empty() {
                break;
            }
            for step in 0..some[0].len() {
                records.extend(some.iter().map(|call| call[step].clone()));
            }
        }
        let count = records.len() as u64;
        let (writer, mut outcomes) = Writer::start(fresh.store.clone(), Patience::default());
        let begun = Instant::now();
        let (mut stored, mut groups) = (0, 0);
        for (record, id) in records.iter_mut().zip(1..) {
            record.id = WriteId(id);
            while id > stored + WAITING {
                stored = next(&mut outcomes).await;
                groups += 1;
            }
            writer.write(record.clone());
        }
        while stored < count {
            stored = next(&mut outcomes).await;
            groups += 1;
        }
        let took = begun.elapsed();
        println!(
            "{:.0} records/s, {:.0} calls/s, {:.0} records in a group, {:.1} ms each",
            count as f64 / took.as_secs_f64(),
            CALLS as f64 / took.as_secs_f64(),
            count as f64 / groups as f64,
            took.as_secs_f64() * 1e3 / groups as f64,
        );
    });
}

async fn next(outcomes: &mut tokio::sync::mpsc::UnboundedReceiver<Outcome>) -> u64 {
    match outcomes.recv().await {
        Some(Outcome::Stored(WriteId(id))) => id,
        other => panic!("{other:?}"),
    }
}
