//! What is logged, and that nobody writes into it.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod operation_support;
mod relay_support;
mod tls_support;

use operation_support::Operated;
use relay_support::Client;
use tls_support::Identity;
use turn::stun::{Method, attribute as attr};

const SOFTWARE: u16 = 0x8022;

/// Whether it is a line as we write them: a time, a level, and nothing that moves a cursor.
fn is_whole(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let time = words.next().unwrap_or_default();
    let level = words.next().unwrap_or_default();
    time.len() > 20
        && time.starts_with("20")
        && ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level)
        && !line.chars().any(char::is_control)
}

#[test]
fn lines_stay_whole_whatever_clients_are_called() {
    let relay = Operated::start("secret = \"north\"\n");
    let hostile: [&[u8]; 7] = [
        b"%n%s%x",
        b"\"; x=\"y",
        b"a\r\n2026-01-01T00:00:00Z ERROR all is lost",
        b"a\0b",
        b"\x1b[2J\x1b]0;x\x07",
        b"\xff\xfe\xc0\xaf",
        &[b'x'; 10_000],
    ];
    for name in hostile {
        let mut stranger = Client::new(relay.address(), "alice", "wonder");
        for kind in [attr::USERNAME, attr::REALM, SOFTWARE] {
            let attributes = [
                (kind, name.to_vec()),
                (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]),
            ];
            let request = stranger.bare(Method::ALLOCATE, &attributes);
            stranger.send(&request);
        }
    }
    for name in hostile {
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        // Somebody whose credential is good, though his name is not.
        let minted = protocol::relay::mint(b"north", &name[..name.len().min(100)], 4_000_000_000);
        Client::new(relay.address(), &minted.username, &minted.password).allocate();
        let escaped: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = format!("/allocations?user={}", &escaped[..escaped.len().min(6000)]);
        assert_eq!(relay.ask("DELETE", &path).status, 200);
        relay.ask("GET", "/allocations").json();
    }
    let lines = "deny_peer = \"a\\r\\nb\"\nuser_quota = \"%n\\u001b[2J\"\n\"a\\r\\nb\" = 1\n";
    relay.reload(lines, "Nothing was reloaded");
    relay.reload_well("secret = \"north\"\n");
    let log = relay.log();
    assert!(log.lines().count() > 10, "{log}");
    for line in log.lines() {
        assert!(is_whole(line), "{line:?}");
        assert!(line.len() < 1000, "{line:?}");
    }
    for secret in ["north", "wonder", operation_support::TOKEN] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_file_of_secrets_that_everybody_reads_is_complained_about() {
    use std::os::unix::fs::PermissionsExt;
    const WORDS: &str = "everybody on this machine can read it";
    for (mode, is_said) in [(0o644, true), (0o640, false)] {
        let relay = Operated::start_with_mode("", PermissionsExt::from_mode(mode));
        relay.await_log("The relay is ready");
        assert_eq!(relay.log().contains(WORDS), is_said, "{}", relay.log());
    }
}

#[test]
fn so_is_every_other_file_with_a_secret_in_it() {
    use std::os::unix::fs::PermissionsExt;
    const WORDS: &str = "has secrets in it, and everybody on this machine can read it";
    let identity = Identity::new();
    let (cert, key) = (identity.cert(), identity.key());
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "north\n").unwrap();
    let secret = secret.to_str().unwrap();
    let lines = format!(
        "tls = \"127.0.0.1:0\"\ncert = \"{cert}\"\nkey = \"{key}\"\nsecret_file = \"{secret}\"\n"
    );
    for mode in [0o644, 0o600] {
        for file in [key.as_str(), secret] {
            std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
        }
        let relay = Operated::start(&lines);
        relay.await_log("The relay is ready");
        let log = relay.log();
        for file in [key.as_str(), secret] {
            let is_said = log.contains(&format!("{file} {WORDS}"));
            assert_eq!(is_said, mode == 0o644, "{file}: {log}");
        }
        assert!(!log.contains(&format!("{cert} {WORDS}")), "{log}");
    }
}
