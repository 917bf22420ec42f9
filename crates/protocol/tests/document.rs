//! `docs/protocol.md` and the code say the same.
#![allow(clippy::disallowed_methods, missing_docs)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use protocol::message::{ClientMessage, ServerMessage};
use serde_json::{Map, Value};

fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    std::fs::read_to_string(path).expect("docs/protocol.md is there")
}

/// The examples behind fences of this kind, for instance "```json client".
fn examples(kind: &str) -> Vec<String> {
    let fence = format!("```json {kind}\n");
    let document = document();
    let blocks = document.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

fn object(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}")) {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

/// What the parsed message says when it is written again must hold every field of the example,
/// and the other way round: then neither side has a field the other does not know.
fn assert_same_fields(example: &Map<String, Value>, parsed: Value) {
    let mut written = match parsed {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    };
    written.retain(|_, value| !value.is_null());
    let envelope = ["id", "ack", "seq", "re"];
    let mut expected = example.clone();
    expected.retain(|key, _| !envelope.contains(&key.as_str()));
    assert_eq!(expected, written);
}

#[test]
fn every_client_message_has_an_example_that_parses() {
    let mut seen = BTreeSet::new();
    for text in examples("client") {
        let frame = protocol::frame::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_same_fields(
            &object(&text),
            serde_json::to_value(&frame.message).unwrap(),
        );
        seen.insert(frame.message.message_type());
    }
    assert_eq!(seen, ClientMessage::TYPES.iter().copied().collect());
}

#[test]
fn every_server_message_has_an_example_that_parses() {
    let mut seen = BTreeSet::new();
    for text in examples("server") {
        let message: ServerMessage =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_same_fields(&object(&text), serde_json::to_value(&message).unwrap());
        seen.insert(message.message_type());
    }
    assert_eq!(seen, ServerMessage::TYPES.iter().copied().collect());
}

#[test]
fn the_tables_are_fresh() {
    let document = document();
    let filled = protocol::generate::fill_tables(&document).unwrap();
    assert!(
        document == filled,
        "docs/protocol.md is stale: run `cargo xtask gen`"
    );
}

#[test]
fn the_web_types_are_fresh() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../web/src/rtc/protocol.gen.ts");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == protocol::generate::typescript(),
        "web/src/rtc/protocol.gen.ts is stale: run `cargo xtask gen`"
    );
}

/// The example's proofs are of the lengths the text gives, so that they can be copied from.
#[test]
fn the_proofs_in_the_examples_have_the_right_shape() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut seen = 0;
    for text in examples("client") {
        let Some(device) = object(&text).remove("device") else {
            continue;
        };
        let length = |field: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(device[field].as_str().unwrap());
            bytes
                .unwrap_or_else(|error| panic!("{field}: {error}"))
                .len()
        };
        assert_eq!((length("key"), length("signature")), (65, 64));
        seen += 1;
    }
    assert_eq!(seen, 2, "hello and resume");
}
