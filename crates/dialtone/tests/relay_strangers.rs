//! Those who try to be somebody: nonces, passwords, names.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::io::Read as _;
use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;

use relay_support::{Client, REALM, Relay, Response};
use turn::stun::Class;
use turn::stun::{Integrity, Key, Method, TransactionId, Writer, attribute as attr};

/// Answers to guesses that one network gets at once, before it is throttled.
const GUESSES: usize = 100;

/// From this address of this machine; networks of these have buckets of their own.
fn client_at(ip: &str, server: SocketAddr, user: &str, password: &str) -> Client {
    Client::at(UdpSocket::bind((ip, 0)).unwrap(), server, user, password)
}

#[test]
fn a_bad_nonce_is_438_with_the_password_and_401_without() {
    let relay = Relay::start(&["--nonce-lifetime", "2s"]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let mut guesser = alice.as_another("alice", "guess");
    let elsewhere = Client::new(relay.address(), "alice", "wonder").nonce;
    let own = alice.nonce.clone();
    let edited = |at: usize| {
        let mut nonce = own.clone();
        nonce[at] = if nonce[at] == b'A' { b'B' } else { b'A' };
        nonce
    };
    let last = own.len() - 1;
    let forged = [
        elsewhere,
        b"forged".to_vec(),
        vec![b'x'; 700],
        own[..last].to_vec(),
    ];
    // Every part of it is covered: its time, its features, its hash.
    let edits = (0..own.len()).map(edited);
    for nonce in forged.into_iter().chain(edits) {
        for (who, code) in [(&mut alice, 438), (&mut guesser, 401)] {
            who.nonce = nonce.clone();
            let response = who.allocate();
            assert_eq!(
                response.code(),
                code,
                "{:?}",
                String::from_utf8_lossy(&nonce)
            );
            assert_eq!(response.first(attr::REALM), Some(REALM.into()));
            assert!(
                response
                    .first(attr::NONCE)
                    .is_some_and(|fresh| fresh != nonce)
            );
        }
    }
    alice.nonce = alice.allocate().first(attr::NONCE).unwrap();
    assert_eq!(alice.allocate().code(), 0);
    while alice.refresh(600).code() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let stale = alice.refresh(600);
    assert_eq!(stale.code(), 438);
    guesser.nonce = alice.nonce.clone();
    assert_eq!(guesser.refresh(600).code(), 401);
    alice.nonce = stale.first(attr::NONCE).unwrap();
    assert_eq!(alice.refresh(600).code(), 0);
}

#[test]
fn guesses_are_throttled_by_network_and_lock_nobody_out() {
    let relay = Relay::start(&[]);
    let address = relay.address();
    let mut alice = client_at("127.0.1.1", address, "alice", "wonder");
    let mut guesser = client_at("127.0.1.2", address, "alice", "guess");
    let mut answered = 0;
    for _ in 0..4 * GUESSES {
        let request = guesser.allocate_request();
        guesser.send(&request);
        answered += usize::from(guesser.receive_soon().is_some());
        if answered > GUESSES && guesser.receive_soon().is_none() {
            break;
        }
    }
    // A few more than the burst: the bucket leaks while this goes on.
    assert!((GUESSES..2 * GUESSES).contains(&answered), "{answered}");
    // Whose name it was, and who lives next door, is served as ever, and never throttled.
    for _ in 0..4 * GUESSES {
        let request = alice.allocate_request();
        alice.send(&request);
        let code = Response(alice.receive()).code();
        assert!(matches!(code, 0 | 437), "{code}");
    }
    let mut elsewhere = client_at("127.0.2.1", address, "alice", "guess");
    assert_eq!(
        elsewhere.allocate().code(),
        401,
        "another network has its own bucket"
    );
}

#[test]
fn an_answer_does_not_say_which_part_was_wrong() {
    let relay = Relay::start(&[]);
    let client = Client::new(relay.address(), "alice", "wonder");
    let mut answers = Vec::new();
    for (user, realm, password) in [
        ("alice", REALM, "guess"),
        ("mallory", REALM, "wonder"),
        ("alice", "elsewhere", "wonder"),
        ("4000000000:alice", REALM, "wonder"),
        ("1:alice", REALM, "wonder"),
    ] {
        let response = signed(&client, user.as_bytes(), realm.as_bytes(), password);
        assert_eq!(response.code(), 401, "{user} {realm}");
        let nonce = response.first(attr::NONCE).unwrap();
        let text = response
            .0
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>();
        answers.push(text.replace(&String::from_utf8(nonce).unwrap(), ""));
    }
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
}

/// An Allocate of this user, and what it is answered.
fn signed(client: &Client, user: &[u8], realm: &[u8], password: &str) -> Response {
    client.exchange(&sign(client, user, realm, password, &[]))
}

fn sign(
    client: &Client,
    user: &[u8],
    realm: &[u8],
    password: &str,
    more: &[(u16, &[u8])],
) -> Vec<u8> {
    let mut buffer = vec![0; 60_000];
    let key = Key::long_term(
        &String::from_utf8_lossy(user),
        &String::from_utf8_lossy(realm),
        password,
    );
    let id = TransactionId([0x77; 12]);
    let mut writer = Writer::new(&mut buffer, Class::Request, Method::ALLOCATE, id);
    writer
        .attribute(attr::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
        .attribute(attr::USERNAME, user)
        .attribute(attr::REALM, realm)
        .attribute(attr::NONCE, &client.nonce);
    for (kind, value) in more {
        writer.attribute(*kind, value);
    }
    writer.integrity(Integrity::Sha1, &key);
    let len = writer.finish().unwrap();
    buffer.truncate(len);
    buffer
}

const SOFTWARE: u16 = 0x8022;
const ORIGIN: u16 = 0x802f;

/// What has broken logs, C strings and shells.
fn odd_texts() -> Vec<Vec<u8>> {
    let mut texts = vec![
        b"%n%n%s%x%1000d".to_vec(),
        b"\"quoted\" 'twice' `thrice` \\".to_vec(),
        b"line\r\nFORGED line".to_vec(),
        b"line\nFORGED\n".to_vec(),
        b"nul\0FORGED".to_vec(),
        b"\x1b[31mFORGED\x1b[2J".to_vec(),
        "\u{2028}FORGED\u{85}FORGED\u{202e}".as_bytes().to_vec(),
        vec![0xff, 0xfe, 0x80],
        Vec::new(),
    ];
    texts.push(vec![b'A'; 10_000]);
    texts
}

#[test]
fn odd_names_are_refused_and_the_log_stays_whole() {
    let mut command = relay_support::command();
    command
        .env("DIALTONE_LOG", "trace")
        .stderr(Stdio::piped())
        .args(["--listen", "127.0.0.1:0", "--relay-ip", "127.0.0.1"])
        .args(["--user", "alice:wonder", "--secret", "north"]);
    let (mut relay, stderr) = Relay::started(&mut command);
    let mut stderr = stderr.unwrap();
    let log = std::thread::spawn(move || {
        let mut log = Vec::new();
        stderr.read_to_end(&mut log).map(|_| log)
    });
    for text in odd_texts() {
        let client = Client::new(relay.address(), "alice", "wonder");
        let code = signed(&client, &text, REALM.as_bytes(), "wonder").code();
        assert!(matches!(code, 400 | 401), "{code}");
        let code = signed(&client, b"alice", &text, "wonder").code();
        assert!(matches!(code, 400 | 401), "{code}");
        // Nobody needs these two to make sense.
        let request = sign(
            &client,
            b"alice",
            REALM.as_bytes(),
            "wonder",
            &[(SOFTWARE, &text), (ORIGIN, &text)],
        );
        assert_eq!(client.exchange(&request).code(), 0);
        // Someone the secret vouches for may be called anything that is text.
        let Ok(name) = String::from_utf8(text) else {
            continue;
        };
        let minted = protocol::relay::mint(b"north", &name, 4_000_000_000);
        let client = Client::new(relay.address(), "alice", "wonder");
        let code = signed(
            &client,
            minted.username.as_bytes(),
            REALM.as_bytes(),
            &minted.password,
        )
        .code();
        assert_eq!(code, if name.len() > 500 { 401 } else { 0 });
    }
    assert!(relay.end_with("-TERM").success());
    let log = log.join().unwrap().unwrap();
    let log = String::from_utf8(log).expect("a log is text");
    for line in log.lines() {
        assert!(!line.starts_with("FORGED"), "{line:?}");
        assert!(
            line.starts_with(|first: char| first.is_ascii_digit()),
            "no time: {line:?}"
        );
        assert!(line.len() < 2_000, "{} bytes in a line", line.len());
        assert!(
            !line.contains(['\0', '\r', '\u{85}', '\u{2028}', '\u{202e}']),
            "{line:?}"
        );
    }
}
