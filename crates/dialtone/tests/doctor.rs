//! `dialtone doctor`: what it finds, and that it finds nothing where nothing is wrong.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod tls_support;
mod web_support;

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;
use tls_support::{Identity, NAME};
use web_support::{Server, output};

/// What a doctor said, and how it ended.
struct Said {
    ok: bool,
    findings: Vec<Value>,
}

impl Said {
    /// Of these arguments behind `dialtone doctor`.
    fn of(arguments: &[&str]) -> Said {
        Said::by(Command::new(env!("CARGO_BIN_EXE_dialtone")), arguments)
    }

    fn by(mut command: Command, arguments: &[&str]) -> Said {
        command.args(["doctor", "--json"]).args(arguments);
        let command = command
            .env_remove("DIALTONE_LOG")
            .env_remove("DIALTONE_STORE")
            .env_remove("DIALTONE_CONFIG")
            .stdin(Stdio::null());
        let output = output(command);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let ok = report["ok"].as_bool().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(!ok)), "{report}");
        let findings = report["findings"].as_array().unwrap().clone();
        for finding in &findings {
            let has_remedy = finding["remedy"].is_string();
            assert_eq!(has_remedy, finding["level"] != "good", "{finding}");
        }
        Said { ok, findings }
    }

    /// Of `dialtone dev` on ports the system chooses, with this folder.
    fn of_dev(data: &Path, more: &[&str]) -> Said {
        let data = data.to_str().unwrap();
        let usual = ["dev", "--http", "127.0.0.1:0", "--turn", "127.0.0.1:0"];
        Said::of(&[&usual[..], &["--data", data], more].concat())
    }

    /// The first finding of that kind and level.
    fn find(&self, check: &str, level: &str) -> &Value {
        let is_it = |it: &&Value| it["check"] == check && it["level"] == level;
        let found = self.findings.iter().find(is_it);
        found.unwrap_or_else(|| panic!("no {level} {check}: {:#?}", self.findings))
    }

    fn says(&self, check: &str, level: &str, words: &str) {
        let finding = self.find(check, level);
        let text = format!("{} {}", finding["message"], finding["remedy"]);
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
}

/// A data folder that is not there yet, in a folder that is.
fn nowhere() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    (folder, data)
}

fn allow(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A certificate whose key is nobody else's to read.
fn identity(first: i32, last: i32) -> Identity {
    let identity = Identity::in_years(first, last);
    allow(identity.key(), 0o600);
    identity
}

fn running_turn(server: &Server) -> SocketAddr {
    let line = server
        .greeting
        .lines()
        .find(|it| it.contains("STUN and TURN on"));
    let words = line.unwrap().split([' ', ',']);
    words.filter_map(|word| word.parse().ok()).next().unwrap()
}

/// A doctor beside a running server, with its flags.
fn beside(server: &Server, more: &[&str]) -> Said {
    let (http, turn) = (server.http.to_string(), running_turn(server).to_string());
    let data = server.data().to_str().unwrap();
    let usual = ["dev", "--http", &http, "--turn", &turn, "--data", data];
    Said::of(&[&usual[..], more].concat())
}

#[test]
fn where_nothing_runs_it_finds_no_problem_and_leaves_nothing_behind() {
    let (_folder, data) = nowhere();
    let said = Said::of_dev(&data, &[]);
    assert!(said.ok, "{:#?}", said.findings);
    for check in [
        "clock",
        "open_files",
        "store",
        "port",
        "relay_udp",
        "relay_tcp",
    ] {
        said.find(check, "good");
    }
    said.says("data_folder", "good", "the first start makes it");
    assert!(!data.exists());
}

#[test]
fn beside_a_running_server_it_asks_that_one() {
    let server = Server::start();
    let said = beside(&server, &[]);
    assert!(said.ok, "{:#?}", said.findings);
    said.says("port", "good", "is Dialtone's (process");
    said.says("relay_udp", "good", &running_turn(&server).to_string());
    said.find("relay_tcp", "good");
    said.says("store", "good", "its schema is ours");
    said.says("secrets", "good", "nobody else");
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[test]
fn the_text_says_the_same_and_how_it_ends() {
    let (_folder, data) = nowhere();
    let run = |turn: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dialtone"));
        command.args([
            "doctor",
            "dev",
            "--http",
            "127.0.0.1:0",
            "--turn",
            turn,
            "--data",
        ]);
        let output = output(command.arg(&data).stdin(Stdio::null()));
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text)
    };
    let (code, text) = run("127.0.0.1:0");
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("No problems. Warnings: ") && text.contains("         → "),
        "{text}"
    );
    let busy = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (code, text) = run(&busy.local_addr().unwrap().to_string());
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("PROBLEM  UDP port") && text.contains("Problems: 1"),
        "{text}"
    );
}

#[test]
fn who_has_a_port_is_named() {
    let (_folder, data) = nowhere();
    let pid = format!("(process {})", std::process::id());
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let (turn, http) = (
        udp.local_addr().unwrap().to_string(),
        tcp.local_addr().unwrap().to_string(),
    );
    let data = data.to_str().unwrap();
    let said = Said::of(&["dev", "--http", &http, "--turn", &turn, "--data", data]);
    assert!(!said.ok);
    let taken: Vec<_> = said
        .findings
        .iter()
        .filter(|it| it["check"] == "port" && it["level"] == "problem")
        .map(|it| it["message"].as_str().unwrap())
        .collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert!(taken.iter().all(|it| it.contains(&pid)), "{taken:?}");
    said.says("relay", "warning", "was not asked");
}

#[test]
fn a_port_of_another_machine_is_named() {
    let (_folder, data) = nowhere();
    let data = data.to_str().unwrap();
    let said = Said::of(&[
        "dev",
        "--http",
        "198.51.100.5:8080",
        "--turn",
        "127.0.0.1:0",
        "--data",
        data,
    ]);
    said.says(
        "port",
        "problem",
        "198.51.100.5 is not an address of this machine",
    );
}

#[test]
fn addresses_that_nobody_reaches_are_named() {
    let (_folder, data) = nowhere();
    let said = Said::of_dev(&data, &["--relay-ip", "198.51.100.7"]);
    assert!(!said.ok);
    said.says(
        "address",
        "problem",
        "198.51.100.7 is not an address of this machine",
    );
    said.says("relay", "problem", "does not start");
    let said = Said::of_dev(&data, &[]);
    said.says("address", "warning", "which only this machine reaches");
}

/// 127.9.9.9 stands for a router that lets nothing in: nobody listens there.
#[test]
fn a_router_that_sends_nothing_back_is_noticed_and_a_stun_server_says_more() {
    let (_folder, data) = nowhere();
    let outside = Server::start();
    let stun = running_turn(&outside).to_string();
    let behind = ["--relay-ip", "127.0.0.1=127.9.9.9", "--stun", &stun];
    let said = Said::of_dev(&data, &behind);
    said.says("relay_udp", "warning", "no hairpinning");
    said.says("relay_tcp", "warning", "no hairpinning");
    said.says(
        "outside_address",
        "problem",
        "--relay-ip 127.0.0.1=127.0.0.1",
    );
    assert!(!said.ok);
    let said = Said::of_dev(&data, &["--stun", &stun]);
    said.says("outside_address", "good", "127.0.0.1, as clients are told");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let said = Said::of_dev(&data, &["--stun", &silent]);
    said.says("outside_address", "warning", "did not say how it sees");
}

#[test]
fn certificates_are_judged() {
    let (_folder, data) = nowhere();
    let https = ["--https", "127.0.0.1:0"];
    let judge = |identity: &Identity, more: &[&str]| {
        let flags = identity.flags(&[&https, more].concat());
        Said::of_dev(&data, &flags.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let good = judge(&identity(2020, 4000), &[]);
    assert!(good.ok, "{:#?}", good.findings);
    good.says("certificate", "good", "days");
    good.says("certificate_name", "good", NAME);
    good.says("certificate_trust", "warning", "full chain");
    let expired = judge(&identity(2001, 2002), &[]);
    expired.says("certificate", "problem", "expired");
    let early = judge(&identity(3001, 3002), &[]);
    early.says("certificate", "problem", "begins in the future");
    let other = judge(&identity(2020, 4000), &["--name", "other.example.org"]);
    other.says(
        "certificate_name",
        "problem",
        "does not speak for other.example.org",
    );
    let missing = Said::of_dev(
        &data,
        &[
            &https[..],
            &["--cert", "/nowhere.pem", "--key", "/nowhere.key"],
        ]
        .concat(),
    );
    missing.says("certificate", "problem", "/nowhere.pem");
}

#[test]
fn a_server_that_shows_another_certificate_is_noticed() {
    let mut identity = identity(2020, 4000);
    let server = Server::start_with(&identity.flags(&["--https", "127.0.0.1:0"]));
    let at = server.https.unwrap().to_string();
    let flags = identity.flags(&["--https", &at]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let said = beside(&server, &flags);
    said.says("relay_tls", "good", &at);
    assert!(said.ok, "{:#?}", said.findings);
    identity.replace();
    let said = beside(&server, &flags);
    said.says("relay_tls", "problem", "another certificate");
}

#[test]
fn the_own_network_is_looked_after_as_well() {
    let arguments = ["--lan", "--https", "127.0.0.1:0"].map(str::to_owned);
    let server = Server::start_with(&arguments);
    let at = server.https.unwrap().to_string();
    let said = beside(&server, &["--lan", "--https", &at]);
    assert!(said.ok, "{:#?}", said.findings);
    said.says("relay_tls", "good", &at);
    said.says("certificate", "good", "The authority of --lan is Dialtone ");
    fs::write(server.data().join("lan-authority.pem"), "altered").unwrap();
    let said = beside(&server, &["--lan", "--https", &at]);
    said.says("certificate", "problem", "not as Dialtone made it");
    let said = beside(&server, &["--lan", "--https", "8.8.8.8:0"]);
    said.says("flags", "problem", "private addresses only");
}

#[test]
fn what_everybody_can_read_is_named() {
    let identity = Identity::new();
    let folder = Path::new(&identity.key()).parent().unwrap().to_owned();
    let (_folder, data) = nowhere();
    let flags = identity.flags(&["--https", "127.0.0.1:0"]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    allow(identity.key(), 0o644);
    allow(&folder, 0o700);
    // A closed folder above keeps it.
    Said::of_dev(&data, &flags).says("secrets", "good", "nobody else");
    allow(&folder, 0o755);
    Said::of_dev(&data, &flags).says("secrets", "problem", "chmod o-r");
    allow(identity.key(), 0o600);
    assert!(Said::of_dev(&data, &flags).ok);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let (folder, _data) = nowhere();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let said = Said::of_dev(&file, &[]);
    said.says("data_folder", "problem", "cannot be written");
}

#[tokio::test]
async fn a_store_of_another_version_is_named() {
    use sqlx::Connection as _;
    let mut server = Server::start();
    server.signal("-INT");
    server.wait();
    let path = server.data().join("dialtone.db");
    let change = async |sql: &'static str| {
        let url = format!("sqlite://{}", path.display());
        let mut store = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&mut store).await.unwrap();
        store.close().await.unwrap();
    };
    change("DELETE FROM migrations WHERE version > 1").await;
    let said = Said::of_dev(server.data(), &[]);
    said.says("store", "warning", "dialtone backup");
    change("INSERT INTO migrations (version, name) VALUES (999, 'later')").await;
    let said = Said::of_dev(server.data(), &[]);
    said.says("store", "problem", "schema version 999");
    fs::write(
        &path,
        "no database, but a text that is long enough to be looked at".repeat(99),
    )
    .unwrap();
    let said = Said::of_dev(server.data(), &[]);
    said.says("store", "problem", "restore a backup");
}

#[test]
fn a_clock_that_went_back_is_noticed() {
    let data = tempfile::tempdir().unwrap();
    let file = fs::File::create(data.path().join("written")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(86_400))
        .unwrap();
    Said::of_dev(data.path(), &[]).says("clock", "problem", "seconds behind");
}

#[test]
fn a_limit_of_open_files_below_the_connections_is_named() {
    let (_folder, data) = nowhere();
    let mut shell = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_dialtone");
    shell.args(["-c", "ulimit -n 700; exec \"$0\" \"$@\"", program]);
    let data = data.to_str().unwrap();
    let dev = [
        "dev",
        "--http",
        "127.0.0.1:0",
        "--turn",
        "127.0.0.1:0",
        "--data",
        data,
    ];
    let said = Said::by(shell, &[&dev[..], &["--max-connections", "600"]].concat());
    said.says("open_files", "problem", "Only 700 files");
    let said = Said::of_dev(Path::new(data), &["--max-connections", "60"]);
    said.find("open_files", "good");
}

#[test]
fn the_relay_alone_is_examined_by_its_own_keys() {
    let identity = identity(2020, 4000);
    let keys = [
        "turn",
        "--listen",
        "127.0.0.1:0",
        "--relay-ip",
        "127.0.0.1",
        "--user",
        "a:b",
    ];
    let flags = identity.flags(&[&keys[..], &["--tls", "127.0.0.1:0"]].concat());
    let said = Said::of(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.ok, "{:#?}", said.findings);
    for check in ["relay_udp", "relay_tcp", "relay_tls", "certificate_name"] {
        said.find(check, "good");
    }
}

#[test]
fn pages_that_embed_need_https() {
    let folder = TempDir::new().unwrap();
    let origins = [
        "--embed-origin",
        "https://a.example",
        "--embed-origin",
        "http://b.example",
    ];
    let said = Said::of_dev(folder.path(), &origins);
    let text = |level| {
        said.find("embedding", level)["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(text("good").contains("https://a.example"));
    assert!(text("warning").contains("http://b.example"));
}
