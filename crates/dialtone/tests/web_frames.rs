//! Frames that are not of the protocol, over a real socket.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod web_support;

use protocol::limits;
use serde_json::json;
use web_support::{Client, Message, Server};

const BAD_FRAME: u16 = 4002;

fn bad_messages() -> Vec<Message> {
    let nested = format!(
        r#"{{"t":"ping","x":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let long = format!(
        r#"{{"t":"ping","x":"{}"}}"#,
        "x".repeat(limits::FRAME_BYTES)
    );
    vec![
        Message::text("not JSON"),
        Message::text(""),
        Message::text("[]"),
        Message::text(r#"{"t":"closing","t":"ping"}"#),
        Message::text(r#"{"t":"ping"}{"t":"ping"}"#),
        Message::text(nested),
        Message::text(long),
        Message::binary(&br#"{"t":"ping"}"#[..]),
    ]
}

#[tokio::test]
async fn they_close_the_socket_with_a_code_and_have_no_effect() {
    let server = Server::start();
    let mut ben = Client::hello(&server, 2).await;
    ben.join().await;
    for message in bad_messages() {
        let name = format!("{message:.40?}");
        let mut ada = Client::hello(&server, 1).await;
        ada.join().await;
        let _ = ada.try_send(message).await;
        // What comes after is not heard.
        let hangup = json!({ "t": "hangup", "call": web_support::CALL });
        let _ = ada.try_send(Message::text(hangup.to_string())).await;
        assert_eq!(ada.closed().await, BAD_FRAME, "{name}");
    }
    assert_eq!(ben.ask(json!({ "t": "ping" })).await["t"], "pong");
    let media = json!({ "t": "media", "call": web_support::CALL,
        "media": { "audio": true, "video": true } });
    assert_eq!(ben.ask(media).await["t"], "ok", "the call goes on");
}

#[tokio::test]
async fn one_that_is_far_too_long_is_not_read_to_its_end() {
    let server = Server::start();
    let before = server.resident();
    let mut client = Client::hello(&server, 1).await;
    let _ = client.try_send(Message::text("x".repeat(50_000_000))).await;
    // The code is lost when TCP resets first.
    assert!([BAD_FRAME, 0].contains(&client.closed().await));
    assert!(server.resident() - before < 8_000);
    // Nor one in many pieces.
    let mut client = Client::hello(&server, 1).await;
    let _ = client
        .try_send(Message::binary(vec![0; limits::FRAME_BYTES * 3]))
        .await;
    assert!([BAD_FRAME, 0].contains(&client.closed().await));
}

#[tokio::test]
async fn bytes_that_are_no_websocket_end_the_socket() {
    use tokio::io::AsyncWriteExt as _;
    let server = Server::start();
    for bytes in [
        &b"\xff\xff\xff\xff"[..],
        b"\x81\x03abc",
        b"\x81\xfe\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut client = Client::hello(&server, 1).await;
        client.ws.get_mut().write_all(bytes).await.unwrap();
        client.ws.get_mut().shutdown().await.unwrap();
        assert!([BAD_FRAME, 1002, 0].contains(&client.closed().await));
    }
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[tokio::test]
async fn what_is_unknown_or_wrong_inside_is_answered() {
    let server = Server::start();
    let mut client = Client::hello(&server, 1).await;
    let unknown = client
        .ask(json!({ "t": "teleport", "to": "the moon" }))
        .await;
    assert_eq!(unknown["code"], "unknown_type");
    let wrong = client.ask(json!({ "t": "join", "room": 7 })).await;
    assert_eq!(wrong["code"], "malformed");
    assert_eq!(
        client.ask(json!({ "t": "ping", "later": true })).await["t"],
        "pong"
    );
}

#[tokio::test]
async fn one_who_says_no_hello_or_a_false_one_is_closed() {
    let server = Server::start();
    let mut silent = Client::open(&server).await;
    let mut forged = Client::open(&server).await;
    let mut hello = forged.hello_frame(&server.ticket());
    hello["device"]["signature"] = forged.hello_frame("other")["device"]["signature"].clone();
    forged.send(hello).await;
    assert_eq!(forged.closed().await, 4001);
    let mut early = Client::open(&server).await;
    assert_eq!(early.ask(json!({ "t": "ping" })).await["code"], "bad_state");
    assert_eq!(silent.closed().await, 4000);
    assert_eq!(early.closed().await, 4000);
    assert_eq!(server.sessions(), 0);
}

#[tokio::test]
async fn a_polite_close_is_answered() {
    let server = Server::start();
    let mut client = Client::hello(&server, 1).await;
    client.ws.close(None).await.unwrap();
    use futures_util::StreamExt as _;
    while let Some(message) = client.ws.next().await {
        assert!(message.is_ok(), "{message:?}");
    }
}

#[tokio::test]
async fn a_flood_of_them_takes_no_memory() {
    let server = Server::start();
    async fn flood(server: &Server, times: usize) {
        for n in 0..times {
            let mut client = Client::open(server).await;
            let messages = bad_messages();
            let _ = client.try_send(messages[n % messages.len()].clone()).await;
            assert_eq!(client.closed().await, BAD_FRAME);
        }
    }
    flood(&server, 100).await;
    let before = server.resident();
    flood(&server, 1_000).await;
    let grown = server.resident() - before;
    assert!(grown < 4_000, "{grown} KB");
}
