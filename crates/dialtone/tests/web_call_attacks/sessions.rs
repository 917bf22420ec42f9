//! Sessions: stolen, cut, sent away, and the relay for who is alone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::account_support::*;
use crate::speech::*;
use crate::web_support::frames::{accept, invite, join, media};
use crate::web_support::*;

/// A session and its welcome.
async fn open(server: &Server, browser: &Browser) -> (Client, Value) {
    let mut client = Client::open(server).await;
    let hello = client.hello_frame(&browser.clone().ticket(server));
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
    let ticket = |browser: &Browser| browser.clone().ticket(&server);
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
    let ticket = || ada.clone().ticket(&server);
    let (mut owner, welcome) = open(&server, &ada).await;
    good(&mut owner, join(ROOM, CALL), "joined").await;
    for _ in 0..5 {
        // Cut before the answer, wherever the server was with it.
        let mut cut = Client::open(&server).await;
        let frame = cut.resume_frame(&ticket(), &welcome);
        cut.send(frame).await;
        drop(cut);
        let thief = owner.resume_frame(&Browser::new().ticket(&server), &welcome);
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
    good(&mut caller, invite(&id, &call, &ben_id), "ok").await;
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
        phone.resume_frame(&ben.clone().ticket(&server), &welcome),
    )
    .await;
    assert_eq!(resumed["t"], "resumed");
    let chat = json!({ "t": "chat", "call": CALL, "chat": fresh('M'), "body": "x" });
    assert_eq!(ask(&mut again, chat).await.0["code"], "not_found");
    for client in [&mut again, &mut guest] {
        let back = join(ROOM, &fresh('C'));
        assert_eq!(ask(client, back).await.0["code"], "gone", "by its link");
    }

    // Out of the server, in a second, and what was asked for before is of no use.
    let mut newest = welcome.clone();
    newest["resume_token"] = resumed["resume_token"].clone();
    let frames = [
        again.resume_frame(&ben.clone().ticket(&server), &newest),
        again.hello_frame(&ben.clone().ticket(&server)),
        again.resume_frame(&Browser::new().ticket(&server), &newest),
    ];
    let elsewhere = fresh('R');
    good(&mut again, join(&elsewhere, &fresh('C')), "joined").await;
    good(&mut guest, join(&elsewhere, &fresh('C')), "joined").await;
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
