//! `dialtone backup` and `dialtone restore` beside servers that run.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod postgres_support;
mod web_support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use web_support::{Server, output};

fn command(name: &str, file: &Path, data: &Path, rest: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialtone"));
    command
        .env_remove("DIALTONE_STORE")
        .arg(name)
        .arg(file)
        .arg("--data")
        .arg(data);
    command.args(rest);
    command
}

fn success(mut command: Command) {
    let output = output(&mut command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}

fn failure(mut command: Command, words: &str) {
    let output = output(&mut command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(words), "{said}");
}

#[test]
fn a_server_is_backed_up_while_it_runs_and_restored_elsewhere() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dialtone.backup");
    success(command("backup", &file, server.data(), &[]));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Nothing is overwritten by accident.
    let again = || command("backup", &file, server.data(), &[]);
    failure(again(), "--overwrite");
    let mut overwrite = again();
    overwrite.arg("--overwrite");
    success(overwrite);

    let restored = folder.path().join("restored");
    success(command("restore", &file, &restored, &[]));
    let secret = |data: &Path| std::fs::read(data.join("relay.secret")).unwrap();
    assert_eq!(secret(&restored), secret(server.data()));

    // A server that runs is not pulled away from under its calls.
    failure(
        command("restore", &file, server.data(), &["--replace"]),
        "Another server uses the data folder",
    );
}

#[test]
fn a_server_moves_from_one_database_to_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dialtone.backup");
    let url = postgres_support::fresh_database();
    let server = Server::start();
    success(command("backup", &file, server.data(), &[]));

    let moved = folder.path().join("moved");
    let store = ["--store", url.as_str()];
    success(command("restore", &file, &moved, &store));
    assert!(!moved.join("dialtone.db").exists());
    let back = folder.path().join("back.backup");
    success(command("backup", &back, &moved, &store));
    let arguments = store.map(str::to_owned);
    let server = Server::start_with(&arguments);
    // The database belongs to that server, whatever its data folder.
    failure(
        command("restore", &back, &moved, &["--store", &url, "--replace"]),
        "belongs to another server",
    );
    drop(server);
}

#[test]
fn where_no_store_is_none_is_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dialtone.backup");
    let nowhere = folder.path().join("nowhere");
    failure(command("backup", &file, &nowhere, &[]), "There is no store");
    assert!(!nowhere.exists() && !file.exists());

    let url = postgres_support::fresh_database();
    failure(
        command("backup", &file, &nowhere, &["--store", &url]),
        "No server has used it yet",
    );
    assert!(!file.exists());
}
