//! What they who attack say, and how.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::account_support::*;
use crate::web_support::frames::{accept, id_of, invite, media};
use crate::web_support::*;

/// An id nobody has used.
pub fn fresh(kind: char) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    id_of(kind, NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn about(t: &str, ring: &str) -> Value {
    json!({ "t": t, "ring": ring })
}

/// Everything one can say about a call.
pub fn about_call(call: &str, to: &str) -> Vec<Value> {
    let mut all = about_connection(call);
    all.push(json!({ "t": "media", "call": call, "media": media(true) }));
    all.push(json!({ "t": "chat", "call": call, "chat": fresh('M'), "body": "x" }));
    all.push(invite(&fresh('R'), call, to));
    all
}

/// Everything one can say about a connection, with a guessed one.
pub fn about_connection(call: &str) -> Vec<Value> {
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
pub fn about_ring(id: &str) -> Vec<Value> {
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

// ---- how it is said ----

/// A socket of a browser. What it is told at first is read.
pub async fn connect(server: &Server, browser: &Browser, device: u8) -> Client {
    let mut client = browser.clone().connect(server, device).await;
    news(&mut client).await;
    client
}

/// The answer, and what came before it.
pub async fn ask(client: &mut Client, mut frame: Value) -> (Value, Vec<Value>) {
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
pub async fn news(client: &mut Client) -> Vec<Value> {
    // Numbered answers come in order, behind everything that was before them.
    let hangup = json!({ "t": "hangup", "call": fresh('N') });
    let (answer, before) = ask(client, hangup).await;
    assert_eq!(answer["t"], "ok");
    before
}

pub fn types(frames: &[Value]) -> Vec<&str> {
    let types = frames.iter().map(|frame| frame["t"].as_str().unwrap());
    types.filter(|t| *t != "changed").collect()
}

/// The reasons for which they were told that this ring is over.
pub fn ends(frames: &[Value], ring: &str) -> Vec<String> {
    let ends = frames
        .iter()
        .filter(|f| f["t"] == "ring_ended" && f["ring"] == ring);
    ends.map(|frame| frame["reason"].as_str().unwrap().to_owned())
        .collect()
}

/// An answer without what numbers it.
pub fn bare(mut answer: Value) -> String {
    let fields = answer.as_object_mut().unwrap();
    fields.remove("re");
    fields.remove("seq");
    answer.to_string()
}

pub async fn good(client: &mut Client, frame: Value, t: &str) -> Value {
    let (answer, _) = ask(client, frame.clone()).await;
    assert_eq!(answer["t"], t, "{frame} {answer}");
    answer
}
