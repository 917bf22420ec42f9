//! The configuration of `dialtone turn`, as the binary reads it.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::path::PathBuf;

use relay_support::{bare_command, output};

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        std::fs::write(folder.file(), text).unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("relay.toml")
    }
}

#[test]
fn check_prints_what_counts_and_keeps_secrets_to_itself() {
    let folder = Folder::with("[turn]\nrealm = \"file\"\nsecret = \"s3cr3t\"\nuser_quota = 9\n");
    let mut command = bare_command();
    command
        .arg("--check")
        .args(["--relay-ip", "127.0.0.1"])
        .env("DIALTONE_CONFIG", folder.file())
        .env("DIALTONE_TURN_REALM", "variable")
        .env("DIALTONE_TURN_USER", "alice:wonder bob:builder");
    let output = output(&mut command);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "realm = \"variable\" # DIALTONE_TURN_REALM",
        "relay_ip = [\"127.0.0.1\"] # a flag",
        "user = [\"***\", \"***\"] # DIALTONE_TURN_USER",
        "max_lifetime = \"1h\" # default",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
    assert!(text.contains("user_quota = 9 # "), "{text}");
    assert!(
        !text.contains("s3cr3t") && !text.contains("wonder"),
        "{text}"
    );
}

#[test]
fn a_wrong_file_starts_nothing_and_is_explained() {
    let folder = Folder::with("[turn]\nsecret = \"s3cr3t\"\nuser_qouta = 9\nlisten = \"x\"\n");
    for check in [&["--check"][..], &[]] {
        let mut command = bare_command();
        let output = output(command.arg("--config").arg(folder.file()).args(check));
        assert!(!output.status.success() && output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("relay.toml, line 3: \"user_qouta\" is no key"),
            "{error}"
        );
        assert!(error.contains("`user_quota`"), "{error}");
        assert!(error.contains("relay.toml, line 4: `listen`: "), "{error}");
    }
}
