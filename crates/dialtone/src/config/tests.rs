use std::path::Path;

use super::given::environment;
use super::*;

/// What a file gives, with nothing else around it.
fn from_file(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.toml");
    std::fs::write(&path, text).unwrap();
    let sources = Sources {
        flags: Flags::default(),
        file: Some(path.clone()),
    };
    let brief = |problems: Problems| {
        let text = problems.to_string();
        text.replace(&path.display().to_string(), "relay.toml")
    };
    let settings = sources.read().map_err(brief)?;
    settings.resolve().map(|_| settings).map_err(brief)
}

fn wrong(text: &str) -> String {
    from_file(text).expect_err(text)
}

fn flags(arguments: &[&str]) -> Flags {
    let words = std::iter::once(&"turn").chain(arguments);
    let matches = keys::command().try_get_matches_from(words).unwrap();
    Flags::from_arg_matches(&matches).unwrap()
}

fn variables(pairs: &[(&str, &str)]) -> (Vec<Given>, Vec<String>) {
    let mut problems = Vec::new();
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    let given = environment(pairs, &mut problems);
    (given, problems.iter().map(Problem::to_string).collect())
}

#[test]
fn a_file_sets_what_it_names_and_leaves_the_rest() {
    let settings = from_file(
        r#"
        [turn]
        listen = "192.0.2.1:3478"      # one needs no list
        relay_ip = ["10.0.0.5=198.51.100.5"]
        realm = "example.org"
        user = ["alice:wonder", "bob:a:b"]
        deny_peer = ["198.51.100.0/24"]
        user_quota = 1_000
        max_lifetime = "30m"
        "#,
    )
    .unwrap();
    let keys = &settings.keys;
    assert_eq!(keys.listen, ["192.0.2.1:3478".parse().unwrap()]);
    assert_eq!(keys.relay_ip, ["10.0.0.5=198.51.100.5".parse().unwrap()]);
    assert_eq!(keys.realm, "example.org");
    assert_eq!(keys.user[1].password, "a:b");
    assert_eq!(keys.user_quota, 1000);
    assert_eq!(keys.max_lifetime, "1800".parse().unwrap());
    assert_eq!(keys.max_allocation_age, "1d".parse().unwrap());
    assert_eq!(keys.relay_ports, "49152-65535".parse().unwrap());
    assert_eq!(settings.resolve().unwrap().relay.deny_peers, keys.deny_peer);
}

#[test]
fn what_is_wrong_is_said_with_file_line_key_and_remedy() {
    for (text, words) in [
        (
            "[turn]\nsecret = \"s\"\nalow_peer = \"10.0.0.0/8\"",
            "relay.toml, line 3: \"alow_peer\" is no key; the nearest one is `allow_peer`",
        ),
        (
            "[turn]\nrelay-ip = \"10.0.0.5\"",
            "line 2: \"relay-ip\" is no key; the nearest one is `relay_ip`",
        ),
        (
            "[turn]\nallow_peer = [\n\"10.0.0.0/8\",\n\"10.0.0.0/33\",\n]",
            "relay.toml, line 4: `allow_peer`: `10.0.0.0/33`",
        ),
        (
            "[turn]\nlisten = \"3478\"",
            "line 2: `listen`: \"3478\" is not ADDRESS:PORT; write it like",
        ),
        ("[turn]\nuser_quota = 0", "line 2: `user_quota`: "),
        (
            "[turn]\nuser_quota = 1.5",
            "line 2: `user_quota`: a value is a string in quotes, a whole number",
        ),
        (
            "[turn]\nrealm = [\"a\", \"b\"]",
            "line 2: `realm`: it takes one value",
        ),
        (
            "[turn]\nsecret = \"s\"\nmax_lifetime = \"1m\"",
            "line 3: `max_lifetime`: RFC 8656",
        ),
        (
            "[turn]\nnonce_lifetime = \"1 fortnight\"",
            "line 2: `nonce_lifetime`: \"1 fortnight\" is no span of time; write it like 30s",
        ),
        (
            "[turn]\nrelay_ports = \"60000-50000\"",
            "line 2: `relay_ports`: \"60000-50000\" is no range of ports",
        ),
        ("[turn]\nsecret = \"\"", "line 2: `secret`: an empty secret"),
        (
            "[turn]\nsecret_file = \"absent\"",
            "line 2: `secret_file`: ",
        ),
        (
            "realm = \"a\"",
            "line 1: `realm`: it stands outside of its section",
        ),
        (
            "[tern]\nrealm = \"a\"",
            "line 1: \"tern\" is no section; the only one is [turn]",
        ),
        ("[turn]\nrealm = \"a\nuser = 1", "relay.toml, line 2: "),
        (
            "[turn]\nrealm = \"a\"\nrealm = \"b\"",
            "relay.toml, line 3: ",
        ),
        ("[turn]", "give --user NAME:PASSWORD or --secret S"),
    ] {
        let error = wrong(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let error = wrong("[turn]\nlisten = \"a\"\nrealm = \"\"\nfoo = 1");
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn a_flag_counts_before_the_environment_and_that_before_the_file() {
    let flags = flags(&["--realm", "flag", "--user", "a:b", "--user", "c:d"]);
    let (environment, problems) = variables(&[
        ("DIALTONE_TURN_REALM", "variable"),
        ("DIALTONE_TURN_ALLOW_PEER", " 10.0.0.0/8  192.168.0.0/16 "),
        ("DIALTONE_TURN_USER_QUOTA", ""),
        ("PATH", "/bin"),
    ]);
    assert!(problems.is_empty());
    let file = [
        ("realm", "file"),
        ("user", "x:y"),
        ("allow_peer", "fc00::/7"),
        ("user_quota", "7"),
    ];
    let file = file.map(|(key, value)| Given {
        key: key.to_owned(),
        value: value.to_owned(),
        place: Place::Line("f".into(), 1),
    });
    let winners = strongest(&[&flags.0, &environment, &file]);
    let settings = Settings::parse(&winners).unwrap();
    assert_eq!(settings.keys.realm, "flag");
    assert_eq!(settings.keys.user.len(), 2);
    assert_eq!(settings.keys.allow_peer.len(), 2);
    assert_eq!(settings.keys.user_quota, 7);
}

#[test]
fn a_mistyped_variable_is_an_error_and_those_of_kubernetes_are_none() {
    let (given, problems) = variables(&[
        ("DIALTONE_TURN_RELMA", "x"),
        ("DIALTONE_TURN_SERVICE_HOST", "10.0.0.1"),
        ("DIALTONE_TURN_PORT", "udp://10.0.0.1:3478"),
        ("DIALTONE_TURN_PORT_3478_UDP_ADDR", "10.0.0.1"),
        ("DIALTONE_TURN_SERVICE_PORT_TURN", "3478"),
    ]);
    assert!(given.is_empty());
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("the nearest one is `DIALTONE_TURN_REALM`"),
        "{problems:?}"
    );
}

#[test]
fn files_of_users_and_secrets_are_found_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "relay.toml",
        "[turn]\nuser_file = \"users\"\nsecret_file = [\"new\", \"old\"]\n",
    );
    write("users", "alice:wonder\r\n\n bob:builder\n");
    write("new", "north\n");
    write("old", "south");
    let sources = Sources {
        flags: Flags::default(),
        file: Some(folder.path().join("relay.toml")),
    };
    let read = || sources.read().unwrap().resolve();
    assert!(read().is_ok());
    write("users", "alice:wonder\nbob\n");
    let error = read().unwrap_err().to_string();
    assert!(
        error.ends_with("users, line 2: a user is written NAME:PASSWORD"),
        "{error}"
    );
}

#[test]
fn what_is_shown_can_be_read_again_and_has_no_secrets_in_it() {
    let text = r#"[turn]
        relay_ip = "10.0.0.5=198.51.100.5"
        realm = "back\\slash"
        user = "alice:wonder"
        secret = ["north"]
        user_quota = 5"#;
    let settings = from_file(text).unwrap();
    let shown = settings.show();
    assert!(
        !shown.contains("wonder") && !shown.contains("north"),
        "{shown}"
    );
    assert!(
        shown.contains("user_quota = 5 # ") && shown.contains("relay.toml, line 6"),
        "{shown}"
    );
    assert!(
        shown.contains("nonce_lifetime = \"1h\" # default"),
        "{shown}"
    );
    let again = from_file(&shown.replace("***", "a:b")).unwrap();
    assert_eq!(again.keys.realm, r"back\slash");
    assert_eq!(again.keys.relay_ip, settings.keys.relay_ip);
    assert_eq!(again.keys.listen, settings.keys.listen);
}

#[test]
fn the_defaults_are_those_of_the_core() {
    let settings = from_file("[turn]\nsecret = \"s\"").unwrap();
    let limits = settings.resolve().unwrap().relay.limits;
    assert_eq!(limits, turn::Limits::default());
}

#[test]
fn a_huge_file_is_refused() {
    let error = wrong(&"#".repeat(2 << 20));
    assert!(error.contains("is it the right file?"), "{error}");
    let absent = file::read_text(Path::new("/absent/file")).unwrap_err();
    assert!(absent.contains("cannot be read"), "{absent}");
}

const MANUAL: &str = include_str!("../../../../docs/operating.md");

#[test]
fn the_configuration_in_the_manual_is_a_good_one() {
    let (_, rest) = MANUAL.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let settings = from_text(example).unwrap();
    assert_eq!(settings.keys.drain, "60s".parse().unwrap());
}

#[test]
fn what_a_reload_takes_over_are_keys() {
    for key in keys::LIVE {
        assert!(key_names().contains(&(*key).to_owned()), "{key}");
    }
}
