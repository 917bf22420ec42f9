//! People call each other through the running server: rings, and what becomes of them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use account_support::*;
use serde_json::{Value, json};
use web_support::frames::{accept, id_of, invite, join};
use web_support::*;

/// Ada, who administrates, and Ben.
struct Two {
    server: Server,
    ada: Browser,
    ben: Browser,
}

impl Two {
    fn new(arguments: &[&str]) -> Two {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let server = Server::start_with(&arguments);
        let mut ada = admin(&server);
        let ben = member(&server, &mut ada, "ben");
        Two { server, ada, ben }
    }

    fn id_of_ben(&mut self) -> String {
        id(&self.server, &mut self.ben)
    }

    fn history(&mut self, of_ben: bool) -> Vec<Value> {
        let browser = if of_ben { &mut self.ben } else { &mut self.ada };
        let page = browser.good(&self.server, "GET", "/api/v1/history", Value::Null);
        page["entries"].as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_the_ring_to_both_histories() {
    let mut two = Two::new(&[]);
    let ben_id = two.id_of_ben();
    let mut ada = two.ada.connect(&two.server, 1).await;
    let mut phone = two.ben.connect(&two.server, 2).await;
    let mut laptop = two.ben.connect(&two.server, 3).await;
    let ring = id_of('R', 1);
    assert_eq!(ada.ask(join(ROOM, CALL)).await["t"], "joined");
    assert_eq!(ada.ask(invite(&ring, CALL, &ben_id)).await["t"], "ok");
    for device in [&mut phone, &mut laptop] {
        let offer = device.until_type("ring").await;
        assert_eq!(offer["from"]["name"], "Ada");
        assert_eq!(offer["from"]["contact"], false);
        device.ask(json!({ "t": "ringing", "ring": ring })).await;
    }
    assert_eq!(ada.until_type("ring_state").await["phase"], "ringing");
    let joined = phone.ask(accept(&ring)).await;
    assert_eq!(joined["participants"][0]["name"], "Ada");
    assert_eq!(
        joined["connections"][0]["relay_only"], true,
        "she is no contact of his"
    );
    assert_eq!(
        laptop.until_type("ring_ended").await["reason"],
        "answered_elsewhere"
    );
    let connection = ada.until_type("connection").await;
    assert_eq!(ada.until_type("ring_ended").await["reason"], "accepted");
    for client in [&mut ada, &mut phone] {
        let report = json!({
            "t": "connection_state", "call": CALL, "state": "connected",
            "connection": connection["connection"], "generation": 0,
        });
        assert_eq!(client.ask(report).await["t"], "ok");
    }
    assert_eq!(
        ada.ask(json!({ "t": "hangup", "call": CALL })).await["t"],
        "ok"
    );
    assert_eq!(phone.until_type("call_ended").await["reason"], "hangup");
    for (of_ben, direction, peer) in [(false, "outgoing", "Ben"), (true, "incoming", "Ada")] {
        let entries = two.history(of_ben);
        assert_eq!(entries.len(), 1, "{entries:?}");
        let entry = &entries[0];
        assert_eq!(entry["direction"], direction);
        assert_eq!(entry["outcome"], "answered");
        assert_eq!(entry["peer"]["name"], peer);
        assert!(entry["duration_ms"].is_u64(), "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_call_and_the_message_left_after_it() {
    let mut two = Two::new(&[]);
    let ben_id = two.id_of_ben();
    let mut ada = two.ada.connect(&two.server, 1).await;
    let ring = id_of('R', 1);
    ada.ask(join(ROOM, CALL)).await;
    ada.ask(invite(&ring, CALL, &ben_id)).await;
    assert_eq!(
        ada.ask(json!({ "t": "cancel", "ring": ring })).await["t"],
        "ok"
    );
    let message = json!({
        "t": "leave_message", "ring": ring, "chat": id_of('M', 1),
        "body": json!({ "text": "<b>call me</b>" }).to_string(),
    });
    assert_eq!(ada.ask(message.clone()).await["t"], "ok");
    assert_eq!(ada.ask(message.clone()).await["t"], "ok", "the same again");
    let mut another = message;
    another["chat"] = id_of('M', 2).into();
    assert_eq!(ada.ask(another).await["code"], "bad_state");
    let entries = two.history(true);
    assert_eq!(entries[0]["outcome"], "missed");
    assert_eq!(entries[0]["seen"], false);
    assert_eq!(
        entries[0]["message"]["body"],
        "{\"text\":\"<b>call me</b>\"}"
    );
    assert_eq!(two.history(false)[0]["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_and_blocks_count_at_once() {
    let mut two = Two::new(&[]);
    let (ada_id, ben_id) = (id(&two.server, &mut two.ada), two.id_of_ben());
    let mut ada = two.ada.connect(&two.server, 1).await;
    let mut ben = two.ben.connect(&two.server, 2).await;
    let contact = format!("/api/v1/contacts/{ben_id}");
    two.ada.good(&two.server, "PUT", &contact, json!({}));
    let people = ada
        .until(|f| f["t"] == "people" && f["contacts"][0].is_object())
        .await;
    assert_eq!(
        people["contacts"][0]["presence"], "offline",
        "he does not know her"
    );
    let contact = format!("/api/v1/contacts/{ada_id}");
    two.ben.good(&two.server, "PUT", &contact, json!({}));
    let available = |f: &Value| f["t"] == "presence" && f["contact"]["presence"] == "available";
    ada.until(available).await;
    let block = format!("/api/v1/blocks/{ada_id}");
    two.ben.good(&two.server, "PUT", &block, json!({}));
    ada.until(|f| f["t"] == "presence" && f["contact"]["presence"] == "offline")
        .await;
    ada.ask(join(ROOM, CALL)).await;
    assert_eq!(
        ada.ask(invite(&id_of('R', 1), CALL, &ben_id)).await["t"],
        "ok"
    );
    ada.ask(json!({ "t": "cancel", "ring": id_of('R', 1) }))
        .await;
    let marker = ben.ask(json!({ "t": "join", "room": ROOM })).await;
    assert_eq!(marker["code"], "malformed", "and no ring before it");
    assert!(two.history(true).is_empty(), "the blocked leave no trace");
    assert_eq!(two.history(false).len(), 1);
}
