//! Rings: answered for others, raced, replayed, without end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use protocol::limits;
use serde_json::{Value, json};

use crate::account_support::*;
use crate::speech::*;
use crate::web_support::frames::{accept, invite, join, media};
use crate::web_support::*;

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
    good(&mut caller, invite(&id, &call, &ben_id), "ok").await;
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
            good(&mut caller, invite(&id, &call, &ben_id), "ok").await;
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
    let mut sent = invite(&id, &call, &ben_id);
    for name in ["once", "once", "again"] {
        sent["id"] = name.into();
        caller.send(sent.clone()).await;
        let answer = caller.until(|frame| frame["re"] == name).await;
        assert_eq!(answer["t"], "ok", "{name}");
    }
    for device in [&mut phone, &mut laptop] {
        assert_eq!(types(&news(device).await), ["ring"]);
    }
    // The id is taken: for somebody else as well as for another call of hers.
    let other = fresh('C');
    good(&mut stranger, join(&fresh('O'), &other), "joined").await;
    let answer = stranger.ask(invite(&id, &other, &ben_id)).await;
    assert_eq!(answer["code"], "bad_state");
    let answer = caller.ask(invite(&id, &call, &cid_id)).await;
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
    sent["id"] = "late".into();
    caller.send(sent).await;
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
        let answer = caller.ask(invite(&id, &call, to)).await;
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
