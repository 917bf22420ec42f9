//! The server is killed at random moments of calls, on SQLite and on PostgreSQL. Nothing that was
//! answered is lost, no call hangs, and the histories are right.
//!
//! `DIALTONE_SEED=N` repeats a run's moments, as far as a real process can be repeated.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod postgres_support;
mod web_support;

use std::collections::BTreeMap;
use std::time::Duration;

use account_support::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use web_support::frames::{id_of, join};
use web_support::*;

const CRASHES: u32 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answered_is_lost_on_sqlite() {
    crash_again_and_again(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answered_is_lost_on_postgres() {
    let url = postgres_support::fresh_database();
    crash_again_and_again(&["--store".to_owned(), url]).await;
}

async fn crash_again_and_again(arguments: &[String]) {
    let seed = std::env::var("DIALTONE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| std::process::id().into());
    println!("DIALTONE_SEED={seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut server = Server::start_with(arguments);
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let mut story = Story {
        ben_id: id(&server, &mut ben),
        ..Story::default()
    };
    for crash in 0..CRASHES {
        // Long enough for some calls, and over in the middle of one of them.
        let span = Duration::from_millis(20 + random.next_u64() % 400);
        let living = story.live(&server, &mut ada, &mut ben, &mut random);
        assert!(
            timeout(span, living).await.is_err(),
            "it goes on until it is stopped"
        );
        server = server.crash();
        story.settle(&server, &mut ada, &mut ben).await;
        story.check(&server, &mut ada, &mut ben);
        println!(
            "crash {}: after {span:?}, {} calls so far",
            crash + 1,
            story.calls.len()
        );
    }
    let answered = story.calls.values().filter(|call| call.accepted).count();
    assert!(answered > 0, "nothing was tried: {:?}", story.calls);
}

/// What the clients were told.
#[derive(Debug, Default)]
struct Story {
    ben_id: String,
    /// By ring, in order.
    calls: BTreeMap<u32, Told>,
    next: u32,
}

/// What was answered about one call. What was asked and not answered may have happened or not.
#[derive(Debug, Default)]
struct Told {
    rung: bool,
    accepted: bool,
    declined: bool,
    cancelled: bool,
    /// Ada asked for it, and may not have been answered.
    hanging_up: bool,
    hung_up: bool,
    /// Messages that were answered.
    said: Vec<String>,
    /// It was given up after a crash.
    settled: bool,
}

impl Story {
    /// Ada calls Ben, again and again; he answers, or does not.
    async fn live(
        &mut self,
        server: &Server,
        ada: &mut Browser,
        ben: &mut Browser,
        random: &mut ChaCha8Rng,
    ) {
        let mut ada = ada.connect(server, 1).await;
        let mut ben = ben.connect(server, 2).await;
        // Beyond that the server refuses more rings for a while.
        for _ in 0..protocol::limits::INVITES_BURST {
            self.next += 1;
            let n = self.next;
            let told = self.calls.entry(n).or_default();
            let (call, ring) = (id_of('C', n), id_of('R', n));
            assert_eq!(
                ada.ask(join(&id_of('O', n), &id_of('C', n))).await["t"],
                "joined"
            );
            let invite = json!({
                "t": "invite", "ring": ring, "call": call, "to": self.ben_id,
                "media": { "audio": true, "video": false },
            });
            assert_eq!(ada.ask(invite).await["t"], "ok");
            told.rung = true;
            ben.until(|frame| frame["t"] == "ring" && frame["ring"] == ring.as_str())
                .await;
            ben.ask(json!({ "t": "ringing", "ring": ring })).await;
            match random.next_u64() % 4 {
                0 => {
                    ben.ask(json!({ "t": "decline", "ring": ring })).await;
                    told.declined = true;
                }
                1 => {
                    ada.ask(json!({ "t": "cancel", "ring": ring })).await;
                    told.cancelled = true;
                }
                _ => {
                    let media = json!({ "audio": true, "video": false });
                    let accept = json!({ "t": "accept", "ring": ring, "media": media });
                    assert_eq!(ben.ask(accept).await["t"], "joined");
                    told.accepted = true;
                    for m in 0..3 {
                        let chat = id_of('M', n * 10 + m);
                        let say =
                            json!({ "t": "chat", "call": call, "chat": chat, "body": "hello" });
                        assert_eq!(ada.ask(say).await["t"], "ok");
                        told.said.push(chat);
                    }
                }
            }
            told.hanging_up = true;
            ada.ask(json!({ "t": "hangup", "call": call })).await;
            told.hung_up = true;
            sleep(Duration::from_millis(1)).await;
        }
        std::future::pending::<()>().await;
    }

    /// Both come back to the last call, as clients do after a reset, see that it is as they were
    /// told, and end it.
    async fn settle(&mut self, server: &Server, ada: &mut Browser, ben: &mut Browser) {
        let mut ada = ada.connect(server, 1).await;
        let mut ben = ben.connect(server, 2).await;
        let n = self.next;
        let Some(told) = self.calls.get_mut(&n) else {
            return;
        };
        let joined = ada.ask(join(&id_of('O', n), &id_of('C', n))).await;
        assert_eq!(joined["t"], "joined", "{joined}");
        if told.accepted && !told.hung_up {
            let joined = ben.ask(join(&id_of('O', n), &id_of('C', n))).await;
            let said: Vec<_> = joined["chat"].as_array().unwrap().iter().collect();
            // Where the end was kept and its answer did not get out, this is another call, in which
            // nothing was said.
            let over = told.hanging_up && said.is_empty();
            for chat in told.said.iter().filter(|_| !over) {
                assert!(
                    said.iter().any(|said| said["chat"] == chat.as_str()),
                    "{chat} is lost: {told:?}"
                );
            }
        }
        let hangup = json!({ "t": "hangup", "call": joined["call"] });
        assert_eq!(ada.ask(hangup).await["t"], "ok");
        told.settled = true;
        // Older ones that were cut before their hang-up was answered end by themselves, or are
        // over: nothing goes on any more.
        assert_eq!(server.get("/api/v1/health").json()["calls"], 0);
    }

    /// Each ring has one entry in each history, with the outcome that was answered.
    fn check(&self, server: &Server, ada: &mut Browser, ben: &mut Browser) {
        for (browser, incoming) in [(ada, false), (ben, true)] {
            let entries = history(server, browser);
            for (n, told) in &self.calls {
                let ring = id_of('R', *n);
                let mine: Vec<_> = entries
                    .iter()
                    .filter(|entry| entry["ring"] == ring.as_str())
                    .collect();
                assert!(mine.len() <= 1, "{n}: {mine:?}");
                let Some(entry) = mine.first() else {
                    assert!(!told.rung, "{n} was rung and is in no history: {told:?}");
                    continue;
                };
                let outcome = entry["outcome"].as_str().unwrap();
                if told.accepted {
                    assert_eq!(outcome, "answered", "{n}: {told:?}");
                } else if told.declined {
                    assert_eq!(outcome, "declined", "{n}: {told:?}");
                } else if told.cancelled {
                    let missed = if incoming { "missed" } else { "cancelled" };
                    assert_eq!(outcome, missed, "{n}: {told:?}");
                }
            }
        }
    }
}

fn history(server: &Server, browser: &mut Browser) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let before = all
            .last()
            .map(|entry| format!("&before={}", entry["id"].as_str().unwrap()));
        let path = format!("/api/v1/history?limit=100{}", before.unwrap_or_default());
        let page = browser.good(server, "GET", &path, Value::Null);
        all.extend(page["entries"].as_array().unwrap().clone());
        if page["more"] != true {
            return all;
        }
    }
}
