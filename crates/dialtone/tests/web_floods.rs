//! One client that takes too much, and the others who should not notice.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod web_support;

use std::io::Read as _;
use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use protocol::limits;
use serde_json::{Value, json};
use web_support::{CALL, Client, Message, Server};

fn description(connection: &Value, bytes: usize) -> Value {
    json!({ "t": "description", "call": CALL, "connection": connection["connection"],
        "generation": connection["generation"], "body": "x".repeat(bytes) })
}

#[tokio::test]
async fn many_frames_slow_down_who_sends_them_and_nobody_else() {
    let server = Server::start();
    let mut loud = Client::hello(&server, 1).await;
    let mut quiet = Client::hello(&server, 2).await;
    let begun = Instant::now();
    for _ in 0..2 * limits::FRAMES_BURST {
        loud.send(json!({ "t": "ping" })).await;
    }
    loud.send(json!({ "t": "ping", "id": "last" })).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(quiet.ask(json!({ "t": "ping" })).await["t"], "pong");
        slowest = slowest.max(asked.elapsed());
    }
    loud.until(|frame| frame["re"] == "last").await;
    assert!(
        slowest * 2 < begun.elapsed(),
        "{slowest:?} of {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn websocket_pings_are_not_free_either() {
    let server = Server::start();
    let mut loud = Client::hello(&server, 1).await;
    for _ in 0..limits::FRAMES_BURST + 2 * limits::FRAMES_PER_SECOND {
        loud.ws
            .send(Message::Ping(Default::default()))
            .await
            .unwrap();
    }
    let begun = Instant::now();
    loud.send(json!({ "t": "ping", "id": "last" })).await;
    use futures_util::StreamExt as _;
    while let Some(Ok(message)) = loud.ws.next().await {
        if message.is_text() && message.to_text().unwrap().contains("last") {
            break;
        }
    }
    assert!(begun.elapsed() > Duration::from_secs(1));
}

/// One who does not read is cut off, also when it claims to have got everything.
#[tokio::test]
async fn a_slow_reader_is_not_waited_for() {
    let server = Server::start();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(server.http).await.unwrap();
    let mut slow = Client::open_on(&server, stream)
        .await
        .into_session(&server, 1)
        .await;
    let mut ben = Client::hello(&server, 2).await;
    slow.join().await;
    let connection = ben.join().await["connections"][0].clone();
    let before = server.resident();
    let mut most = 0;
    let begun = Instant::now();
    let lying = json!({ "t": "ack", "ack": u64::MAX }).to_string();
    let offline = loop {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it is waited for"
        );
        ben.send(description(&connection, 30_000)).await;
        let _ = slow.try_send(Message::text(&*lying)).await;
        most = most.max(server.resident() - before);
        ben.send(json!({ "t": "ping", "id": "done", "ack": ben.last_seq }))
            .await;
        let frame = ben
            .until(|f| f["re"] == "done" || f["t"] == "participant")
            .await;
        if frame["t"] == "participant" {
            break frame;
        }
    };
    assert_eq!(offline["participant"]["online"], false);
    assert!(most < 8_000, "{most} KB");
}

#[tokio::test]
async fn many_sockets_leave_the_calls_that_go_on_alone() {
    let server = Server::start();
    let mut ada = Client::hello(&server, 1).await;
    let mut ben = Client::hello(&server, 2).await;
    ada.join().await;
    let connection = ben.join().await["connections"][0].clone();
    let before = server.resident();
    let flood: Vec<_> = (0..600).map(|_| server.connect()).collect();
    ben.ask(description(&connection, 1000)).await;
    ada.until_type("description").await;
    // Those beyond what one address may have are closed at once.
    let closed = |mut stream: &std::net::TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        matches!(stream.read(&mut [0]), Ok(0) | Err(_)) && is_closed(stream)
    };
    assert!(flood.iter().rev().take(50).all(closed));
    let grown = server.resident() - before;
    assert!(grown < 16_000, "{grown} KB");
    drop(flood);
    let begun = Instant::now();
    while server
        .raw(b"GET /api/v1/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        .status
        != 200
    {
        assert!(
            begun.elapsed() < web_support::PATIENCE,
            "nobody gets in any more"
        );
    }
}

fn is_closed(stream: &std::net::TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.peek(&mut [0]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
