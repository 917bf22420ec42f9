//! Calls and rings against those who cheat, race, replay and guess, through the running server.
//!
//! What is tried at signaling and calls, and where, for a reader who looks for one of them:
//!
//! | attempt | test |
//! | --- | --- |
//! | the caller answers for the callee; offers, candidates, video while it rings | [`nothing_of_the_callee_reaches_the_caller_before_the_answer`] |
//! | accepts and cancels at the same instant | [`of_accepts_and_a_cancel_at_once_one_wins`]; every order: `crates/sim/tests/exploration.rs` |
//! | replayed invite and accept | [`what_is_sent_again_rings_nobody_again`] |
//! | invites without end, from one and from many; blocked callers | [`one_caller_rings_so_often_and_not_more`], [`many_callers_ring_one_person_so_often_and_the_blocked_never`] |
//! | calls one is not in, guessed ids | [`what_is_not_ones_own_looks_as_if_it_were_not_there`], `web_accounts` |
//! | forged senders | [`who_somebody_is_the_server_says`] |
//! | broken, duplicate, deep, huge, compressed frames | `web_frames`, [`compression_is_not_spoken`] |
//! | stolen, guessed, old resume token; a cut between resume and answer | [`a_stolen_resume_token_opens_nothing`], [`an_answer_that_is_lost_locks_nobody_out`] |
//! | foreign Origin, CSRF, foreign Host | `web_requests`, `web_account_attacks`, [`every_door_of_the_api_withstands_rubbish`] |
//! | the callee's camera and microphone before the answer | `crates/lab/tests/ringing.rs` |
//! | the relay as a proxy for anybody | [`who_is_alone_gets_no_relay`], `relay_strangers` |
//! | push endpoints and webhooks that point inside | `web_push`, `web_webhooks`, `outgoing` (unit) |
//! | no hello, half-open TLS, slow readers, floods | `web_frames`, `web_https`, `web_floods`, `web_requests` |
//! | who was kicked or signed out resumes | [`who_was_sent_away_stays_away`], `web_account_calls` |
//! | script in names, chat, messages | [`script_stays_text`], `web_accounts` |
//! | path traversal, oversized bodies, redirects | [`no_path_of_the_api_leads_elsewhere`], [`every_door_of_the_api_withstands_rubbish`], `web_requests` |
//! | guessing passwords and passkeys, who exists | `web_account_attacks`, `web_passkeys` |
//!
//! What a page does by itself with a link, swapped DTLS fingerprints, and devices that a server adds
//! are for the clients to notice.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use account_support::*;
use protocol::limits;
use serde_json::{Value, json};
use web_support::*;

// ---- what they say ----

/// An id nobody has used.
fn fresh(kind: char) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{kind}{:A>20}A", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn media(video: bool) -> Value {
    json!({ "audio": true, "video": video })
}

fn join(room: &str, call: &str) -> Value {
    json!({ "t": "join", "room": room, "call": call, "name": "-", "media": media(false) })
}

fn ring(ring: &str, call: &str, to: &str) -> Value {
    json!({ "t": "invite", "ring": ring, "call": call, "to": to, "media": media(false) })
}

fn accept(ring: &str) -> Value {
    json!({ "t": "accept", "ring": ring, "media": media(false) })
}

fn about(t: &str, ring: &str) -> Value {
    json!({ "t": t, "ring": ring })
}

/// Everything one can say about a call.
fn about_call(call: &str, to: &str) -> Vec<Value> {
    let mut all = about_connection(call);
    all.push(json!({ "t": "media", "call": call, "media": media(true) }));
    all.push(json!({ "t": "chat", "call": call, "chat": fresh('M'), "body": "x" }));
    all.push(ring(&fresh('R'), call, to));
    all
}

/// Everything one can say about a connection, with a guessed one.
fn about_connection(call: &str) -> Vec<Value> {
    let connection = fresh('N');
    vec![
        json!({ "t": "description", "call": call, "connection": connection, "generation": 0,
            "body": "{\"type\":\"offer\"}" }),
        json!({ "t": "candidates", "call": call, "connection": connection, "generation": 0,
            "candidates": ["{}"], "end": false }),
        json!({ "t": "connection_state", "call": call, "connection": connection,
            "generation": 0, "state": "connected" }),
    ]
}

/// Everything one can say about a ring.
fn about_ring(id: &str) -> Vec<Value> {
    vec![
        about("ringing", id),
        accept(id),
        about("decline", id),
        about("ignore", id),
        about("busy", id),
        about("cancel", id),
        json!({ "t": "leave_message", "ring": id, "chat": fresh('M'), "body": "x" }),
    ]
}

// ---- how they say it ----

fn ticket_of(server: &Server, browser: &Browser) -> String {
    let mut browser = browser.clone();
    let shown = browser.good(server, "POST", "/api/v1/tickets", Value::Null);
    shown["ticket"].as_str().unwrap().to_owned()
}

/// A socket of a browser. What it is told at first is read.
async fn connect(server: &Server, browser: &Browser, device: u8) -> Client {
    let client = Client::open(server).await;
    let ticket = ticket_of(server, browser);
    let mut client = client.into_session_with(&ticket, device).await;
    news(&mut client).await;
    client
}

/// The answer, and what came before it.
async fn ask(client: &mut Client, mut frame: Value) -> (Value, Vec<Value>) {
    let id = fresh('q');
    frame["id"] = id.clone().into();
    client.send(frame).await;
    let mut before = Vec::new();
    loop {
        let frame = client.next().await.expect("the socket was closed");
        if frame["re"] == id.as_str() {
            return (frame, before);
        }
        if frame["t"] != "ping" {
            before.push(frame);
        }
    }
}

/// What somebody has been told since they were asked last.
async fn news(client: &mut Client) -> Vec<Value> {
    // Numbered answers come in order, behind everything that was before them.
    let hangup = json!({ "t": "hangup", "call": fresh('N') });
    let (answer, before) = ask(client, hangup).await;
    assert_eq!(answer["t"], "ok");
    before
}

fn types(frames: &[Value]) -> Vec<&str> {
    let types = frames.iter().map(|frame| frame["t"].as_str().unwrap());
    types.filter(|t| *t != "changed").collect()
}

/// The reasons for which they were told that this ring is over.
fn ends(frames: &[Value], ring: &str) -> Vec<String> {
    let ends = frames
        .iter()
        .filter(|f| f["t"] == "ring_ended" && f["ring"] == ring);
    ends.map(|frame| frame["reason"].as_str().unwrap().to_owned())
        .collect()
}

/// An answer without what numbers it.
fn bare(mut answer: Value) -> String {
    let fields = answer.as_object_mut().unwrap();
    fields.remove("re");
    fields.remove("seq");
    answer.to_string()
}

async fn good(client: &mut Client, frame: Value, t: &str) -> Value {
    let (answer, _) = ask(client, frame.clone()).await;
    assert_eq!(answer["t"], t, "{frame} {answer}");
    answer
}

// ---- rings ----

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_callee_reaches_the_caller_before_the_answer() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let ben_id = id(&server, &mut ben);
    let mut caller = connect(&server, &ada, 1).await;
    let mut tablet = connect(&server, &ada, 2).await;
    let mut phone = connect(&server, &ben, 3).await;
    let (call, id) = (fresh('C'), fresh('R'));
    good(&mut caller, join(ROOM, &call), "joined").await;
    good(&mut caller, ring(&id, &call, &ben_id), "ok").await;
    phone.until_type("ring").await;

    // She cannot answer for him, by whichever of her devices.
    for device in [&mut caller, &mut tablet] {
        for frame in about_ring(&id).into_iter().take(5) {
            let answer = device.ask(frame.clone()).await;
            assert_eq!(answer["code"], "bad_direction", "{frame}");
        }
    }
    // There is nothing yet that she could describe or that could be connected.
    for frame in about_connection(&call) {
        let answer = caller.ask(frame.clone()).await;
        assert_eq!(answer["code"], "gone", "{frame}");
    }
    let video = json!({ "t": "media", "call": call, "media": media(true) });
    good(&mut caller, video, "ok").await;
    assert_eq!(types(&news(&mut phone).await), [""; 0], "he hears of none");

    // What he might say too early does not reach her either.
    for frame in about_call(&call, &ben_id) {
        let answer = phone.ask(frame.clone()).await;
        assert_eq!(answer["code"], "not_found", "{frame}");
    }
    let answer = phone.ask(about("cancel", &id)).await;
    assert_eq!(answer["code"], "bad_direction");
    let elsewhere = good(&mut phone, join(&fresh('O'), &call), "joined").await;
    assert_ne!(elsewhere["call"], call.as_str(), "a call's id is no door");
    let hangup = json!({ "t": "hangup", "call": elsewhere["call"] });
    good(&mut phone, hangup, "ok").await;
    good(&mut phone, about("ringing", &id), "ok").await;
    assert_eq!(types(&news(&mut caller).await), ["ring_state"]);

    let joined = good(&mut phone, accept(&id), "joined").await;
    assert_eq!(joined["connections"][0]["relay_only"], true);
    let told = news(&mut caller).await;
    assert!(types(&told).contains(&"connection"), "{told:?}");
    assert_eq!(ends(&told, &id), ["accepted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_accepts_and_a_cancel_at_once_one_wins() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let callers = [
        member(&server, &mut ada, "cid"),
        member(&server, &mut ada, "dan"),
        ada,
    ];
    let ben_id = id(&server, &mut ben);
    let mut phone = connect(&server, &ben, 1).await;
    let mut laptop = connect(&server, &ben, 2).await;
    // Who of the three hurries, and by how much: sometimes by nothing.
    let orders = [
        [0, 0, 0],
        [0, 1, 2],
        [2, 0, 1],
        [1, 2, 0],
        [2, 1, 0],
        [1, 0, 0],
    ];
    let mut orders = orders.iter().cycle();
    let mut cancelled = 0;
    for (n, browser) in (10..).zip(&callers) {
        let mut caller = connect(&server, browser, n).await;
        for _ in 0..limits::INVITES_BURST {
            let (call, id) = (fresh('C'), fresh('R'));
            good(&mut caller, join(&fresh('O'), &call), "joined").await;
            good(&mut caller, ring(&id, &call, &ben_id), "ok").await;
            for device in [&mut phone, &mut laptop] {
                device
                    .until(|f| f["t"] == "ring" && f["ring"] == id.as_str())
                    .await;
            }
            let [first, second, third] = orders.next().unwrap().map(|n| n * 300);
            let ((by_phone, mut at_phone), (by_laptop, mut at_laptop), (gave_up, mut at_caller)) = tokio::join!(
                later(first, &mut phone, accept(&id)),
                later(second, &mut laptop, accept(&id)),
                later(third, &mut caller, about("cancel", &id)),
            );
            assert_eq!(gave_up["t"], "ok", "giving up late is no mistake");
            at_caller.extend(news(&mut caller).await);
            at_phone.extend(news(&mut phone).await);
            at_laptop.extend(news(&mut laptop).await);
            let devices = [(&by_phone, &at_phone), (&by_laptop, &at_laptop)];
            let winners = devices.iter().filter(|(answer, _)| answer["t"] == "joined");
            let (caller_hears, others_hear) = match winners.count() {
                0 => ("cancelled", "cancelled"),
                1 => ("accepted", "answered_elsewhere"),
                _ => panic!("two have answered"),
            };
            cancelled += usize::from(caller_hears == "cancelled");
            assert_eq!(ends(&at_caller, &id), [caller_hears]);
            for (answer, heard) in devices {
                if answer["t"] == "joined" {
                    assert_eq!(ends(heard, &id), [""; 0]);
                    assert_eq!(answer["call"], call.as_str());
                } else {
                    assert_eq!(answer["code"], "gone");
                    assert_eq!(ends(heard, &id), [others_hear]);
                }
            }
            let connections = at_caller.iter().filter(|f| f["t"] == "connection").count();
            assert_eq!(connections, usize::from(caller_hears == "accepted"));
            good(&mut caller, json!({ "t": "hangup", "call": call }), "ok").await;
        }
    }
    println!("{cancelled} of 30 cancelled");
    let history = ben.good(&server, "GET", "/api/v1/history?limit=100", Value::Null);
    let entries = history["entries"].as_array().unwrap();
    let rings: BTreeSet<_> = entries.iter().map(|e| e["ring"].to_string()).collect();
    assert_eq!((entries.len(), rings.len()), (30, 30), "each once");
    let missed = entries.iter().filter(|entry| entry["outcome"] == "missed");
    assert_eq!(missed.count(), cancelled);
}

async fn later(micros: u64, client: &mut Client, frame: Value) -> (Value, Vec<Value>) {
    if micros > 0 {
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
    ask(client, frame).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_rings_nobody_again() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let mut cid = member(&server, &mut ada, "cid");
    let (ben_id, cid_id) = (id(&server, &mut ben), id(&server, &mut cid));
    let mut caller = connect(&server, &ada, 1).await;
    let mut phone = connect(&server, &ben, 2).await;
    let mut laptop = connect(&server, &ben, 3).await;
    let mut stranger = connect(&server, &cid, 4).await;
    let (call, id) = (fresh('C'), fresh('R'));
    good(&mut caller, join(ROOM, &call), "joined").await;
    let mut invite = ring(&id, &call, &ben_id);
    for name in ["once", "once", "again"] {
        invite["id"] = name.into();
        caller.send(invite.clone()).await;
        let answer = caller.until(|frame| frame["re"] == name).await;
        assert_eq!(answer["t"], "ok", "{name}");
    }
    for device in [&mut phone, &mut laptop] {
        assert_eq!(types(&news(device).await), ["ring"]);
    }
    // The id is taken: for somebody else as well as for another call of hers.
    let other = fresh('C');
    good(&mut stranger, join(&fresh('O'), &other), "joined").await;
    let answer = stranger.ask(ring(&id, &other, &ben_id)).await;
    assert_eq!(answer["code"], "bad_state");
    let answer = caller.ask(ring(&id, &call, &cid_id)).await;
    assert_eq!(answer["code"], "bad_state");
    assert_eq!(types(&news(&mut stranger).await), [""; 0]);

    let mut accept = accept(&id);
    accept["id"] = "mine".into();
    let mut seats = Vec::new();
    for _ in 0..2 {
        phone.send(accept.clone()).await;
        let joined = phone.until(|frame| frame["re"] == "mine").await;
        seats.push((joined["t"].clone(), joined["you"].clone()));
    }
    assert_eq!(seats[0], seats[1]);
    assert_eq!(seats[0].0, "joined");
    // Also under another name: who has won has one seat, however often it asks.
    let again = good(&mut phone, accept.clone(), "joined").await;
    assert_eq!(again["you"], seats[0].1);
    assert_eq!(laptop.ask(accept.clone()).await["code"], "gone");
    assert_eq!(types(&news(&mut laptop).await), [""; 0], "told before");
    let told = news(&mut caller).await;
    let connections = told.iter().filter(|f| f["t"] == "connection").count();
    assert_eq!(connections, 1, "{told:?}");

    // And when all is over.
    good(&mut caller, json!({ "t": "hangup", "call": call }), "ok").await;
    phone.until_type("call_ended").await;
    invite["id"] = "late".into();
    caller.send(invite).await;
    let late = caller.until(|frame| frame["re"] == "late").await;
    assert_eq!(late["t"], "ok", "the same answer");
    assert_eq!(caller.until_type("ring_ended").await["reason"], "accepted");
    phone.send(accept).await;
    let answer = phone.until(|frame| frame["re"] == "mine").await;
    assert_eq!(answer["code"], "not_found");
    for device in [&mut phone, &mut laptop] {
        assert_eq!(types(&news(device).await), [""; 0]);
    }
}

/// Rings and gives up, so often; how often it was let.
async fn pester(caller: &mut Client, to: &str, times: u32) -> u32 {
    let call = fresh('C');
    good(caller, join(&fresh('O'), &call), "joined").await;
    let mut rung = 0;
    for _ in 0..times {
        let id = fresh('R');
        let answer = caller.ask(ring(&id, &call, to)).await;
        if answer["t"] == "ok" {
            rung += 1;
            good(caller, about("cancel", &id), "ok").await;
        } else {
            assert_eq!(answer["code"], "rate_limited");
        }
    }
    good(caller, json!({ "t": "hangup", "call": call }), "ok").await;
    rung
}

/// What an allowance has let through at most since then.
fn most(burst: u32, per_minute: u32, since: Instant) -> u32 {
    let refilled = since.elapsed().as_secs_f64() * f64::from(per_minute) / 60.0;
    burst + refilled.ceil() as u32
}

async fn rings_heard(client: &mut Client) -> u32 {
    let heard = news(client).await;
    let rings = heard.iter().filter(|frame| frame["t"] == "ring");
    rings.count().try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_rings_so_often_and_not_more() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let ben_id = id(&server, &mut ben);
    let mut caller = connect(&server, &ada, 1).await;
    let mut phone = connect(&server, &ben, 2).await;
    let begun = Instant::now();
    let rung = pester(&mut caller, &ben_id, 60).await;
    let most = most(limits::INVITES_BURST, limits::INVITES_PER_MINUTE, begun);
    assert!((limits::INVITES_BURST..=most).contains(&rung), "{rung}");
    assert_eq!(
        rings_heard(&mut phone).await,
        rung,
        "of the rest nobody hears"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_ring_one_person_so_often_and_the_blocked_never() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let mut mallory = member(&server, &mut ada, "mallory");
    let mut callers = ["cid", "dan", "eve"]
        .map(|name| member(&server, &mut ada, name))
        .to_vec();
    callers.push(ada);
    let (ben_id, mallory_id) = (id(&server, &mut ben), id(&server, &mut mallory));
    let block = format!("/api/v1/blocks/{mallory_id}");
    ben.good(&server, "PUT", &block, json!({}));
    let mut phone = connect(&server, &ben, 1).await;
    let mut blocked = connect(&server, &mallory, 2).await;
    let rung = pester(&mut blocked, &ben_id, limits::INVITES_BURST).await;
    assert_eq!(rung, limits::INVITES_BURST, "she cannot tell");
    assert_eq!(types(&news(&mut phone).await), [""; 0]);
    let (begun, mut rung) = (Instant::now(), 0);
    for (n, browser) in (10..).zip(&callers) {
        let mut caller = connect(&server, browser, n).await;
        rung += pester(&mut caller, &ben_id, limits::INVITES_BURST).await;
    }
    // Had the blocked one taken from it, there would be fewer.
    let most = most(limits::RINGS_PER_MINUTE, limits::RINGS_PER_MINUTE, begun);
    assert!((limits::RINGS_PER_MINUTE..=most).contains(&rung), "{rung}");
    assert_eq!(rings_heard(&mut phone).await, rung);
    let page = ben.good(&server, "GET", "/api/v1/history?limit=100", Value::Null);
    assert!(!page.to_string().contains(&mallory_id), "no trace of her");
}

// ---- what is not one's own ----

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ones_own_looks_as_if_it_were_not_there() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let cid = member(&server, &mut ada, "cid");
    let mut dan = member(&server, &mut ada, "dan");
    let (ada_id, ben_id, dan_id) = (
        id(&server, &mut ada),
        id(&server, &mut ben),
        id(&server, &mut dan),
    );
    let block = format!("/api/v1/blocks/{ada_id}");
    dan.good(&server, "PUT", &block, json!({}));
    let mut caller = connect(&server, &ada, 1).await;
    let mut stranger = connect(&server, &cid, 2).await;
    let mut guest = connect(&server, &Browser::new(), 3).await;
    let mut blocker = connect(&server, &dan, 4).await;
    let (call, id) = (fresh('C'), fresh('R'));
    let (hidden_call, hidden) = (fresh('C'), fresh('R'));
    good(&mut caller, join(ROOM, &call), "joined").await;
    good(&mut caller, ring(&id, &call, &ben_id), "ok").await;
    good(&mut caller, join(&fresh('O'), &hidden_call), "joined").await;
    good(&mut caller, ring(&hidden, &hidden_call, &dan_id), "ok").await;

    for client in [&mut stranger, &mut guest, &mut blocker] {
        let foreign = about_call(&call, &ben_id);
        let absent = about_call(&fresh('C'), &ben_id);
        for (foreign, absent) in foreign.into_iter().zip(absent) {
            let what = foreign.to_string();
            let (foreign, absent) = (client.ask(foreign).await, client.ask(absent).await);
            assert_eq!(foreign["t"], "error", "{what}");
            assert_eq!(bare(foreign), bare(absent), "{what}");
        }
        let hangup = json!({ "t": "hangup", "call": call });
        good(client, hangup, "ok").await;
        for ring in [&id, &hidden] {
            for (foreign, absent) in about_ring(ring).into_iter().zip(about_ring(&fresh('R'))) {
                let what = foreign.to_string();
                let (foreign, absent) = (client.ask(foreign).await, client.ask(absent).await);
                assert_eq!(foreign["code"], "not_found", "{what}");
                assert_eq!(bare(foreign), bare(absent), "{what}");
            }
        }
        assert_eq!(types(&news(client).await), [""; 0]);
    }
    assert_eq!(
        types(&news(&mut caller).await),
        [""; 0],
        "nothing came of it"
    );
    good(&mut caller, about("cancel", &id), "ok").await;

    // The same by the API: Ada's things, tried by Ben.
    let made = json!({ "name": "bot", "scopes": ["calls"] });
    let token = ada.good(&server, "POST", "/api/v1/tokens", made)["id"].clone();
    let device = ada.me(&server)["this_device"].clone();
    let page = ada.good(&server, "GET", "/api/v1/history", Value::Null);
    let entry = page["entries"][0]["id"].clone();
    let nothing = json!(fresh('A'));
    for (path, own, absent) in [
        ("/api/v1/tokens", token, &nothing),
        ("/api/v1/me/devices", device, &nothing),
        ("/api/v1/history", entry, &json!("999999")),
    ] {
        let mut delete = |id: &Value| {
            let answer = ben.delete(&server, &format!("{path}/{}", id.as_str().unwrap()));
            (answer.status, answer.body)
        };
        assert_eq!(delete(&own), delete(absent), "{path}");
        assert_eq!(delete(&own).0, 404, "{path}");
    }
    let left = ada.good(&server, "GET", "/api/v1/history", Value::Null);
    assert_eq!(
        left["entries"].as_array().unwrap().len(),
        page["entries"].as_array().unwrap().len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_somebody_is_the_server_says() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let (ada_id, ben_id) = (id(&server, &mut ada), id(&server, &mut ben));
    let mut caller = connect(&server, &ada, 1).await;
    let mut eve = connect(&server, &Browser::new(), 2).await;
    let mut false_name = join(ROOM, CALL);
    false_name["name"] = "The bank".into();
    let adas = good(&mut caller, false_name, "joined").await["you"].clone();
    let mut as_ada = join(ROOM, CALL);
    for (field, value) in [
        ("name", json!("Ada")),
        ("user", json!(ada_id)),
        ("you", adas.clone()),
        ("from", adas.clone()),
        ("participant", adas.clone()),
        ("account", json!({ "user": ada_id, "name": "Ada" })),
    ] {
        as_ada[field] = value;
    }
    let joined = good(&mut eve, as_ada, "joined").await;
    assert_eq!(
        joined["participants"][0]["name"], "Ada",
        "not what she says"
    );
    assert_eq!(joined["participants"][0]["user"], ada_id.as_str());
    assert_ne!(joined["you"], adas);
    let seen = caller.until_type("participant").await;
    assert!(
        seen["participant"]["user"].is_null(),
        "a guest is nobody: {seen}"
    );
    assert_eq!(seen["participant"]["participant"], joined["you"]);
    let connection = &joined["connections"][0]["connection"];
    for mut frame in [
        json!({ "t": "chat", "call": CALL, "chat": fresh('M'), "body": "x" }),
        json!({ "t": "description", "call": CALL, "connection": connection, "generation": 0, "body": "x" }),
        json!({ "t": "candidates", "call": CALL, "connection": connection, "generation": 0,
            "candidates": ["x"], "end": true }),
    ] {
        frame["from"] = adas.clone();
        frame["name"] = "The bank".into();
        frame["at_ms"] = 1.into();
        frame["seq"] = 999.into();
        let t = frame["t"].as_str().unwrap().to_owned();
        good(&mut eve, frame, "ok").await;
        let got = caller.until_type(&t).await;
        assert_eq!(got["from"], joined["you"], "{got}");
        assert_ne!(got["name"], "The bank");
        assert_ne!(got["at_ms"], 1);
        assert_ne!(got["seq"], 999);
    }
    // Who rings is who has signed in.
    let mut phone = connect(&server, &ben, 3).await;
    let mut invite = ring(&fresh('R'), CALL, &ada_id);
    let call = fresh('C');
    good(&mut phone, join(&fresh('O'), &call), "joined").await;
    invite["call"] = call.into();
    invite["from"] = json!({ "user": ada_id, "name": "The bank", "contact": true });
    invite["caller"] = json!(ada_id);
    good(&mut phone, invite, "ok").await;
    let offer = caller.until_type("ring").await;
    let from = json!({ "user": ben_id, "name": "Ben", "contact": false });
    assert_eq!(offer["from"], from);
}

// ---- sessions ----

/// A session and its welcome.
async fn open(server: &Server, browser: &Browser) -> (Client, Value) {
    let mut client = Client::open(server).await;
    let hello = client.hello_frame(&ticket_of(server, browser));
    let welcome = client.ask(hello).await;
    assert_eq!(welcome["t"], "welcome", "{welcome}");
    (client, welcome)
}

/// What this first frame is answered with, and the socket.
async fn first(server: &Server, frame: Value) -> (Client, Value) {
    let mut client = Client::open(server).await;
    client.send(frame).await;
    let answer = client.next().await.unwrap();
    (client, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_resume_token_opens_nothing() {
    let server = Server::start();
    let mut ada = admin(&server);
    let ben = member(&server, &mut ada, "ben");
    let mut elsewhere = Browser::new();
    elsewhere.login(&server, "ada", PASSWORD);
    let (mut owner, welcome) = open(&server, &ada).await;
    good(&mut owner, join(ROOM, CALL), "joined").await;
    // Another device, which has its own key.
    let thief = Client::hello(&server, 9).await;
    let ticket = |browser: &Browser| ticket_of(&server, browser);
    let mut guessed = welcome.clone();
    guessed["resume_token"] = fresh('T').into();
    let mut old_epoch = welcome.clone();
    old_epoch["epoch"] = fresh('E').into();
    let used = ticket(&ada);
    drop(first(&server, owner.hello_frame(&used)).await);
    let mut other_session = owner.resume_frame(&ticket(&ada), &welcome);
    other_session["session"] = fresh('S').into();
    let guest = Browser::new();
    for (who, frame, t) in [
        (
            "a guest, with the key",
            owner.resume_frame(&ticket(&guest), &welcome),
            "reset",
        ),
        (
            "another member, with the key",
            owner.resume_frame(&ticket(&ben), &welcome),
            "reset",
        ),
        (
            "another sign-in, with the key",
            owner.resume_frame(&ticket(&elsewhere), &welcome),
            "reset",
        ),
        (
            "the sign-in, without the key",
            thief.resume_frame(&ticket(&ada), &welcome),
            "reset",
        ),
        (
            "a guest, without anything",
            thief.resume_frame(&ticket(&guest), &welcome),
            "reset",
        ),
        (
            "a guess",
            owner.resume_frame(&ticket(&ada), &guessed),
            "reset",
        ),
        (
            "from before a restart",
            owner.resume_frame(&ticket(&ada), &old_epoch),
            "reset",
        ),
        (
            "a used ticket",
            owner.resume_frame(&used, &welcome),
            "error",
        ),
        ("signed for another session", other_session, "error"),
    ] {
        let (mut stolen, answer) = first(&server, frame).await;
        assert_eq!(answer["t"], t, "{who}: {answer}");
        if t == "reset" {
            assert_ne!(answer["session"], welcome["session"], "{who}");
            let chat = json!({ "t": "chat", "call": CALL, "chat": fresh('M'), "body": "x" });
            assert_eq!(stolen.ask(chat).await["code"], "not_found", "{who}");
        } else {
            assert_eq!(answer["code"], "unauthorized", "{who}");
            assert_eq!(stolen.closed().await, 4001, "{who}");
        }
        // The owner notices nothing, and sits in the call as before.
        let still = json!({ "t": "media", "call": CALL, "media": media(false) });
        good(&mut owner, still, "ok").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_locks_nobody_out() {
    let server = Server::start();
    let ada = admin(&server);
    let ticket = || ticket_of(&server, &ada);
    let (mut owner, welcome) = open(&server, &ada).await;
    good(&mut owner, join(ROOM, CALL), "joined").await;
    for _ in 0..5 {
        // Cut before the answer, wherever the server was with it.
        let mut cut = Client::open(&server).await;
        let frame = cut.resume_frame(&ticket(), &welcome);
        cut.send(frame).await;
        drop(cut);
        let thief = owner.resume_frame(&ticket_of(&server, &Browser::new()), &welcome);
        assert_eq!(first(&server, thief).await.1["t"], "reset");
    }
    let (mut second, resumed) = first(&server, owner.resume_frame(&ticket(), &welcome)).await;
    assert_eq!(resumed["t"], "resumed", "{resumed}");
    assert_eq!(owner.closed().await, 4003, "the newest wins");
    // Whoever shows the new token is through; from the first acknowledgement the old one is nothing.
    second.until_type("joined").await;
    let ack = json!({ "t": "ping", "ack": second.last_seq });
    assert_eq!(second.ask(ack).await["t"], "pong");
    let (_, answer) = first(&server, owner.resume_frame(&ticket(), &welcome)).await;
    assert_eq!(
        (&answer["t"], &answer["reason"]),
        (&json!("reset"), &json!("unknown_session"))
    );
    let mut newest = welcome.clone();
    newest["resume_token"] = resumed["resume_token"].clone();
    let mut frame = owner.resume_frame(&ticket(), &newest);
    frame["last_seq"] = second.last_seq.into();
    let (mut third, answer) = first(&server, frame).await;
    assert_eq!(answer["t"], "resumed", "{answer}");
    assert_eq!(second.closed().await, 4003);
    let still = json!({ "t": "media", "call": CALL, "media": media(false) });
    good(&mut third, still, "ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_alone_gets_no_relay() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let ben_id = id(&server, &mut ben);
    let gives = |frame: &Value| {
        let text = frame.to_string();
        text.contains("credential\"") || text.contains("turn:")
    };
    let (mut guest, welcome) = open(&server, &Browser::new()).await;
    assert!(!gives(&welcome), "{welcome}");
    let joined = good(&mut guest, join(ROOM, CALL), "joined").await;
    assert!(!gives(&joined), "{joined}");
    // Nor for a connection that somebody only says to have, to somebody only they have seen.
    let mut announced = join(&fresh('O'), &fresh('C'));
    announced["connections"] = json!([{
        "connection": fresh('N'), "generation": 0, "peer": fresh('P'), "peer_name": "Ada",
        "polite": true, "state": "connected",
    }]);
    let joined = good(&mut guest, announced, "joined").await;
    assert!(!gives(&joined), "{joined}");
    // Nor while it rings.
    let mut caller = connect(&server, &ada, 2).await;
    let mut phone = connect(&server, &ben, 3).await;
    let (call, id) = (fresh('C'), fresh('R'));
    let joined = good(&mut caller, join(&fresh('O'), &call), "joined").await;
    assert!(!gives(&joined), "{joined}");
    good(&mut caller, ring(&id, &call, &ben_id), "ok").await;
    assert!(!gives(&phone.until_type("ring").await));
    good(&mut phone, about("ringing", &id), "ok").await;
    assert!(!news(&mut caller).await.iter().any(gives));
    // Two who have met do get it.
    let joined = good(&mut phone, accept(&id), "joined").await;
    assert!(gives(&joined), "{joined}");
    assert!(news(&mut caller).await.iter().any(gives));
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_is_not_spoken() {
    use tokio::io::AsyncWriteExt as _;
    let server = Server::start();
    let answer = server.request(
        "GET",
        "/api/v1/ws",
        &[
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", "dialtone.v1"),
            (
                "Sec-WebSocket-Extensions",
                "permessage-deflate; client_max_window_bits",
            ),
        ],
    );
    assert_eq!(answer.status, 101, "{answer:?}");
    assert_eq!(answer.header("sec-websocket-extensions"), None);
    // A compressed message all the same: 1 MB of blanks in a few bytes would be.
    let mut client = Client::hello(&server, 1).await;
    let stream = client.ws.get_mut();
    let frame = b"\xc1\x88\0\0\0\0\xec\xc1\x01\x01\0\0\0\x80";
    stream.write_all(frame).await.unwrap();
    assert!([4002, 1002, 0].contains(&client.closed().await));
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xec\xc1\x01\x01\0\0\0\x80";
    let headers = [
        ("Host", server.http.to_string()),
        ("Content-Type", "application/json".to_owned()),
        ("Content-Encoding", "gzip".to_owned()),
    ];
    let answer = send(&server, "POST", "/api/v1/login", &headers, gzip);
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_sent_away_stays_away() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let ben_id = id(&server, &mut ben);
    let (mut phone, welcome) = open(&server, &ben).await;
    let mut guest = connect(&server, &Browser::new(), 2).await;
    good(&mut phone, join(ROOM, CALL), "joined").await;
    good(&mut guest, join(ROOM, CALL), "joined").await;
    // Out of a call: that one is over, also for who comes back with the session.
    let kick = format!("/api/v1/admin/calls/{CALL}");
    ada.good(&server, "DELETE", &kick, Value::Null);
    for client in [&mut phone, &mut guest] {
        assert_eq!(client.until_type("call_ended").await["reason"], "kicked");
    }
    let (mut again, resumed) = first(
        &server,
        phone.resume_frame(&ticket_of(&server, &ben), &welcome),
    )
    .await;
    assert_eq!(resumed["t"], "resumed");
    let chat = json!({ "t": "chat", "call": CALL, "chat": fresh('M'), "body": "x" });
    assert_eq!(ask(&mut again, chat).await.0["code"], "not_found");

    // Out of the server, in a second, and what was asked for before is of no use.
    let mut newest = welcome.clone();
    newest["resume_token"] = resumed["resume_token"].clone();
    let frames = [
        again.resume_frame(&ticket_of(&server, &ben), &newest),
        again.hello_frame(&ticket_of(&server, &ben)),
        again.resume_frame(&ticket_of(&server, &Browser::new()), &newest),
    ];
    good(&mut again, join(ROOM, &fresh('C')), "joined").await;
    good(&mut guest, join(ROOM, &fresh('C')), "joined").await;
    let asked = Instant::now();
    ada.me(&server);
    let busy = asked.elapsed();
    let user = format!("/api/v1/admin/users/{ben_id}");
    let begun = Instant::now();
    ada.good(&server, "PATCH", &user, json!({ "closed": true }));
    assert_eq!(again.closed().await, 4008);
    let took = begun.elapsed();
    // A busy machine does everything more slowly.
    assert!(
        took < Duration::from_secs(1) + 50 * busy,
        "{took:?} {busy:?}"
    );
    assert_eq!(guest.until_type("call_ended").await["reason"], "left");
    assert_eq!(ben.post(&server, "/api/v1/tickets", json!({})).status, 401);
    let mut answers = Vec::new();
    for frame in frames {
        let (_, answer) = first(&server, frame).await;
        answers.push((answer["t"].clone(), answer["reason"].clone()));
    }
    let error = (json!("error"), Value::Null);
    let reset = (json!("reset"), json!("unknown_session"));
    assert_eq!(answers, [error.clone(), error, reset]);
}

// ---- text and paths ----

#[tokio::test(flavor = "multi_thread")]
async fn script_stays_text() {
    const SCRIPT: &str = "</script><img src=//evil.example/x onerror=alert(1)>'\"\u{202e}";
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let ben_id = id(&server, &mut ben);
    let name = &SCRIPT[..40];
    ada.good(&server, "PATCH", "/api/v1/me", json!({ "name": name }));
    let mut caller = connect(&server, &ada, 1).await;
    let mut phone = connect(&server, &ben, 2).await;
    let (call, id) = (fresh('C'), fresh('R'));
    good(&mut caller, join(ROOM, &call), "joined").await;
    good(&mut caller, ring(&id, &call, &ben_id), "ok").await;
    assert_eq!(phone.until_type("ring").await["from"]["name"], name);
    good(&mut caller, about("cancel", &id), "ok").await;
    let left = json!({ "t": "leave_message", "ring": id, "chat": fresh('M'), "body": SCRIPT });
    good(&mut caller, left, "ok").await;
    // A guest with such a name, and what is said.
    let mut guest = connect(&server, &Browser::new(), 3).await;
    let mut coming = join(ROOM, &call);
    coming["name"] = name.into();
    good(&mut guest, coming, "joined").await;
    let seen = caller.until_type("participant").await;
    assert_eq!(seen["participant"]["name"], name);
    let chat = json!({ "t": "chat", "call": call, "chat": fresh('M'), "body": SCRIPT });
    good(&mut guest, chat, "ok").await;
    let got = caller.until_type("chat").await;
    assert_eq!((&got["body"], &got["name"]), (&json!(SCRIPT), &json!(name)));
    // A device that calls itself so, a token.
    let mut headers = vec![("Host", format!("localhost:{}", server.http.port()))];
    headers.push(("Content-Type", "application/json".to_owned()));
    headers.push(("User-Agent", format!("Firefox/1 Linux {}", &SCRIPT[..30])));
    let login = json!({ "name": "ada", "password": PASSWORD }).to_string();
    let answer = send(&server, "POST", "/api/v1/login", &headers, login.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let made = json!({ "name": name, "scopes": ["calls"] });
    ada.good(&server, "POST", "/api/v1/tokens", made);
    for (browser, path, place, text) in [
        (&ben, "/api/v1/people", "/0/name", name),
        (&ben, "/api/v1/history", "/entries/0/peer/name", name),
        (&ben, "/api/v1/history", "/entries/0/message/body", SCRIPT),
        (&ada, "/api/v1/me", "/name", name),
        (&ada, "/api/v1/tokens", "/0/name", name),
        (&ada, "/api/v1/me/devices", "/0/name", "Firefox on Linux"),
        (&ada, "/api/v1/admin/users", "/0/name", name),
        (&ada, "/api/v1/admin/calls", "/0/participants/0/name", name),
    ] {
        let answer = browser.clone().get(&server, path);
        assert_eq!(answer.json().pointer(place), Some(&json!(text)), "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json"),
            "{path}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[test]
fn no_path_of_the_api_leads_elsewhere() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let page = server.get("/").body;
    for path in [
        "/api/v1/../v1/admin/users",
        "/api/v1/me/devices/../../admin/users",
        "/api/v1/me/devices/..%2f..%2fadmin%2fusers",
        "/api/v1/%61dmin/users",
        "/api/v1/admin%2fusers",
        "/api/v1//admin/users",
        "/api/v1/./admin/users",
        "/api/v1/admin/users/",
        "/api/v1/admin/users;x=1",
        "/api/v1/admin/users%00",
        "/api/v1/admin/users?%00=\u{1}",
        "/API/v1/admin/users",
        "//api/v1/admin/users",
        "/api\\v1\\admin\\users",
        "/api/v1/people?query=%ff",
        "/api/v1/people?query=x&query=y",
        "/api/v1/history?before=-1",
        "/api/v1/history?before=18446744073709551615&limit=4294967295",
        "/api/v1/history?before=18446744073709551616",
        "/api/v1/history?limit=0",
    ] {
        let answer = ben.get(&server, path);
        assert!(
            answer.status < 500 || answer.body == page,
            "{path}: {answer:?}"
        );
        assert!(!(300..400).contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.body.contains("\"role\""), "{path}: {answer:?}");
        assert_eq!(answer.header("location"), None, "{path}");
    }
    for path in [
        "/api/v1/contacts/..%2f..%2fme",
        "/api/v1/contacts/%00",
        "/api/v1/blocks/AAAAAAAAAAAAAAAAAAAAAB",
        "/api/v1/blocks/%ff",
        "/api/v1/contacts/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = ben.put(&server, path, json!({}));
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    for path in [
        "/api/v1/history/18446744073709551615",
        "/api/v1/history/-1",
        "/api/v1/history/1%27%20OR%201=1",
        "/api/v1/me/passkeys/%00",
        "/api/v1/me/passkeys/A",
        "/api/v1/tokens/..",
        "/api/v1/me/devices/%2e%2e",
    ] {
        let answer = ben.delete(&server, path);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    assert_eq!(ben.me(&server)["login"], "ben");
}

/// A request whose body is announced with another length than it has.
fn speak(
    server: &Server,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    length: usize,
    body: &[u8],
) -> Answer {
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n",
        server.http.port()
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    server.raw(&[text.as_bytes(), b"\r\n", body].concat())
}

#[test]
fn every_door_of_the_api_withstands_rubbish() {
    let server = Server::start();
    let mut ada = admin(&server);
    let cookie = ada.cookie.clone().unwrap();
    let own = format!("http://localhost:{}", server.http.port());
    let document = server.get("/api/v1/openapi.json").json();
    let before = server.resident();
    let fields = [
        "token",
        "login",
        "name",
        "password",
        "old",
        "new",
        "role",
        "guests",
        "scopes",
        "ceremony",
        "credential",
        "passkey_name",
        "closed",
        "do_not_disturb",
        "call_waiting",
        "expires_in_h",
    ];
    let wrong: Value = fields
        .iter()
        .map(|f| ((*f).to_owned(), json!([7])))
        .collect();
    let (wrong, deep) = (wrong.to_string(), "[".repeat(10_000));
    let null = format!("{{\"{}\":null", fields.join("\":null,\""));
    let mut doors = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            if method == "GET" {
                continue;
            }
            doors += 1;
            let parts = path.split('/').map(|part| match part.starts_with('{') {
                true => "AAAAAAAAAAAAAAAAAAAAAA",
                false => part,
            });
            let path = parts.collect::<Vec<_>>().join("/");
            let takes = operation["requestBody"].is_object();
            // She would be gone.
            let cookie = if path.ends_with("/logout") {
                "x=y"
            } else {
                &*cookie
            };
            let json = ("Content-Type", "application/json");
            let ask = |headers: &[(&str, &str)], length: usize, body: &[u8]| {
                let headers = [&[("Cookie", cookie)], headers].concat();
                speak(&server, (&method, &path), &headers, length, body)
            };
            let what = format!("{method} {path}");
            for foreign in [
                ("Origin", "http://evil.example"),
                ("Origin", "null"),
                ("Origin", ""),
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Site", "same-site"),
            ] {
                let answer = ask(&[json, foreign], 2, b"{}");
                assert_eq!(answer.status, 403, "{what} {foreign:?}");
                assert_eq!(answer.json()["code"], "foreign_origin", "{what}");
            }
            // A program need not say where it comes from, and a page of ours does.
            for origin in [("X-None", "1"), ("Origin", &*own)] {
                let plain = ask(&[("Content-Type", "text/plain"), origin], 2, b"{}");
                let none = ask(&[origin], 2, b"{}");
                // Only the beginning is sent: nobody waits for the rest.
                let huge = ask(&[json, origin], 10_000_000, &[b' '; 17_000]);
                let bodies: [&[u8]; 8] = [
                    b"",
                    b"[]",
                    b"7",
                    b"\"\xff\"",
                    b"{\"a\":\0}",
                    deep.as_bytes(),
                    wrong.as_bytes(),
                    null.as_bytes(),
                ];
                let bad = bodies.map(|body| ask(&[json, origin], body.len(), body));
                for answer in bad.iter().chain([&plain, &none, &huge]) {
                    let refused = (400..500).contains(&answer.status);
                    let unread = !takes && [0, 200, 204].contains(&answer.status);
                    assert!(refused || unread, "{what} {answer:?}");
                }
                if takes {
                    assert!([404, 415].contains(&plain.status), "{what} {plain:?}");
                    assert!([404, 415].contains(&none.status), "{what} {none:?}");
                    assert!([404, 413].contains(&huge.status), "{what} {huge:?}");
                }
            }
        }
    }
    assert!(doors > 20, "{doors}");
    let grown = server.resident() - before;
    assert!(grown < 16_000, "{grown} KB");
    assert_eq!(ada.me(&server)["name"], "Ada");
}
