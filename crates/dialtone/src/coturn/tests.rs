use proptest::prelude::*;

use super::table::{Fate, KEYS};
use super::*;
use crate::config::{Problems, Settings, from_text, key_names};

const ALL: &str = include_str!("all-keys.conf");

const REST: &str = "\
listening-port=443
tls-listening-port=5349
listening-ip=10.0.0.5
external-ip=198.51.100.5/10.0.0.5
min-port=50000
max-port=59999
fingerprint
lt-cred-mech
use-auth-secret
static-auth-secret=n0rth \"and\" south
realm=turn.example.org
user-quota=12
max-bps=640000
stale-nonce
no-multicast-peers
denied-peer-ip=10.0.0.0-10.255.255.255
allowed-peer-ip=10.0.0.7
cert=/etc/ssl/turn.pem
pkey=/etc/ssl/turn.key
no-tlsv1
no-cli
prometheus
prometheus-port=9000
relay-threads=2
mobility=off
";

fn settings(imported: &Imported) -> Result<Settings, Problems> {
    from_text(&imported.toml)
}

fn notes(text: &str) -> Vec<String> {
    import(text).notes.iter().map(Note::to_string).collect()
}

#[test]
fn a_typical_configuration_is_carried_over_whole() {
    let imported = import(REST);
    assert_eq!(imported.notes, []);
    for line in [
        r#"listen = ["10.0.0.5:443"]"#,
        r#"tls = ["10.0.0.5:5349"]"#,
        r#"cert = "/etc/ssl/turn.pem""#,
        r#"key = "/etc/ssl/turn.key""#,
        r#"relay_ip = ["10.0.0.5=198.51.100.5"]"#,
        r#"relay_ports = "50000-59999""#,
        r#"secret = ["n0rth \"and\" south"]"#,
        r#"realm = "turn.example.org""#,
        r#"admin = "127.0.0.1:9000""#,
        r#"admin_token_file = "admin.token""#,
        "threads = 2",
        "mobility = false",
        r#"user_quota = 12"#,
        r#"bandwidth = 1280000"#,
        r#"nonce_lifetime = "600s""#,
        r#"allow_peer = ["10.0.0.7/32"]"#,
    ] {
        assert!(
            imported.toml.lines().any(|it| it == line),
            "{line}: {}",
            imported.toml
        );
    }
    let settings = settings(&imported).unwrap();
    let denies = |ip: &str| {
        let ip = ip.parse().unwrap();
        settings
            .keys
            .deny_peer
            .iter()
            .any(|range| range.contains(ip))
    };
    assert!(denies("10.0.0.6") && denies("10.0.0.8") && denies("10.255.255.255"));
    assert!(!denies("10.0.0.7") && !denies("11.0.0.0"));
}

#[test]
fn debians_example_with_everything_taken_out_of_comments_is_understood() {
    let imported = import(ALL);
    let settings = settings(&imported).unwrap();
    settings.resolve().unwrap();
    assert_eq!(settings.keys.listen.len(), 5);
    assert_eq!(settings.keys.user.len(), 5);
    // Everything is carried over, is so anyway, or is named.
    for entry in reader::read(ALL) {
        let key = table::find(&entry.key).unwrap_or_else(|| panic!("{entry:?}"));
        let is_named = imported.notes.iter().any(|note| note.key == entry.key);
        let says_nothing = ["0", "600", "300", ":", "ipv4"].contains(&entry.value.as_str());
        let expected = key.fate == Fate::Left && !says_nothing;
        assert!(is_named || !expected, "{entry:?}");
    }
    for note in &imported.notes {
        assert!(imported.toml.contains(&format!("# - {note}\n")), "{note}");
    }
}

#[test]
fn what_makes_no_sense_is_named_with_its_line() {
    for (text, words) in [
        (
            "user=a:b\nlistening-prot=1",
            "line 2, listening-prot: coturn 4.6 has no such key",
        ),
        (
            "user=a:b\nmin-port=70000",
            "line 2, min-port: its value \"70000\" is not carried over",
        ),
        (
            "user=a:b\nmin-port=60000\nmax-port=50000",
            "min-port: it is above max-port",
        ),
        (
            "user=a:0xbc807ee29df3c9ff",
            "line 1, user: the user \"a\" is not carried over",
        ),
        (
            "use-auth-secret",
            "line 1, use-auth-secret: the secret is not in this file",
        ),
        ("no-auth", "line 1, no-auth: an open relay"),
        ("realm=x", "user: nobody could use this relay"),
        (
            "user=a:b\nexternal-ip=turn.example.org",
            "line 2, external-ip: its value",
        ),
        (
            "user=a:b\nrelay-ip=10.0.0.1\nexternal-ip=192.0.2.1/10.0.0.2",
            "192.0.2.1 is not announced",
        ),
        ("user=a:b\nmax-allocate-lifetime=30", "its value \"30\""),
        ("user=a:b\ncert=x", "cert: without both"),
        ("user=a:b\nmax-bps=ten", "line 2, max-bps: its value"),
    ] {
        let notes = notes(text);
        assert!(
            notes.iter().any(|note| note.contains(words)),
            "{text}: {notes:?}"
        );
    }
    assert_eq!(
        notes("user=a:b\nweb-admin=off\nalt-listening-port=0"),
        [""; 0]
    );
}

#[test]
fn passwords_are_in_no_note() {
    let notes = notes(
        "user=:hunter2\nuser=a:0xhunter2\ncli-password=hunter2\npsql-userdb=\"password=hunter2\"",
    );
    assert!(
        !notes.is_empty() && !notes.concat().contains("hunter2"),
        "{notes:?}"
    );
}

#[test]
fn a_file_of_many_ranges_takes_no_time() {
    let text: String = (0..20_000)
        .map(|n| format!("denied-peer-ip=10.0.{}.{}\n", n / 256, n % 256))
        .collect();
    let imported = import(&format!(
        "{text}{}user=a:b\n",
        text.replace("denied", "allowed")
    ));
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.text.contains("too many"))
    );
    settings(&imported).unwrap();
}

#[test]
fn the_table_names_every_key_once_and_only_keys_we_have() {
    for (index, key) in KEYS.iter().enumerate() {
        assert!(
            KEYS[..index].iter().all(|other| other.name != key.name),
            "{}",
            key.name
        );
        assert!(
            !key.text.ends_with('.') && !key.text.is_empty(),
            "{}",
            key.name
        );
        if let Fate::To(ours) = key.fate {
            for name in ours {
                assert!(key_names().contains(&(*name).to_owned()), "{name}");
            }
        }
    }
}

/// `UPDATE_DOCS=1 cargo test -p dialtone coming_from_coturn` writes it.
#[test]
fn the_page_coming_from_coturn_has_this_table() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/coming-from-coturn.md"
    );
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- keys -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /keys -->\n").unwrap();
    let expected = format!("{before}<!-- keys -->\n{}<!-- /keys -->\n{after}", rows());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    } else {
        assert_eq!(
            page, expected,
            "stale: UPDATE_DOCS=1 cargo test -p dialtone coming_from_coturn"
        );
    }
}

fn rows() -> String {
    let mut rows = "| turnserver.conf | here | |\n| --- | --- | --- |\n".to_owned();
    for key in KEYS {
        let here = match key.fate {
            Fate::To(ours) => ours
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", "),
            Fate::So => "so anyway".to_owned(),
            Fate::Left => "–".to_owned(),
        };
        rows += &format!("| `{}` | {here} | {} |\n", key.name, key.text);
    }
    rows
}

fn line() -> impl Strategy<Value = String> {
    let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    let values = prop_oneof![
        "\\PC{0,20}",
        "[0-9]{1,6}",
        "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}",
        "10\\.0\\.0\\.[0-9](-10\\.0\\.[0-9]\\.9|/10\\.0\\.0\\.1)?",
        "[a-z]{0,3}:[\"\\\\a-z:]{0,4}",
        "::[0-9a-f]{0,4}(-ffff::)?",
    ];
    prop_oneof![
        (prop::sample::select(names), "[ =\t]{0,3}", values)
            .prop_map(|(name, by, value)| format!("{name}{by}{value}")),
        "\\PC{0,30}",
    ]
}

proptest! {
    #[test]
    fn whatever_it_is_given_it_writes_a_configuration_that_can_be_read(
        lines in prop::collection::vec(line(), 0..30),
    ) {
        let imported = import(&lines.join("\n"));
        if let Err(problems) = settings(&imported) {
            panic!("{problems}\n{}", imported.toml);
        }
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(text in any::<String>()) {
        settings(&import(&text)).unwrap();
    }
}
