//! Every key of coturn 4.6 (and some of newer and older versions), and what it is here. The table of
//! `docs/coming-from-coturn.md` is this one.

/// A key of turnserver.conf.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What becomes of it.
    pub fate: Fate,
    /// More about that, as a sentence without its period.
    pub text: &'static str,
}

/// What becomes of a key of coturn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is carried over to these keys of ours.
    To(&'static [&'static str]),
    /// There is nothing to carry over: it is so here anyway.
    So,
    /// There is no counterpart, which whoever set it has to know.
    Left,
}

// Said of several keys.
const ALTERNATIVE: &str = "only NAT behaviour discovery needs it, see `no-rfc5780`";
const CLI: &str = "there is no telnet console; `admin` lists allocations and ends them, by HTTP";
const DATABASE: &str = "there is no database of users; list them in a `user_file`, or mint expiring credentials under a `secret`";
const DH: &str = "there is no finite-field Diffie-Hellman";
const ELSEWHERE: &str =
    "clients are sent elsewhere only while this server drains: `drain` and `drain_to`";
const FAMILY: &str = "RFC 8656 says IPv4 unless the client asks for another";
const LOG: &str = "the log goes to standard error; under systemd the journal has it";
const RFC3489: &str = "clients of RFC 3489 get no answer";
const SOFTWARE: &str = "no answer names the software";
const TLS: &str = "TLS 1.2 and 1.3 are all there is";
const TOGETHER: &str = "UDP and TCP share their ports here; close it in the firewall";
const WEB: &str = "there is no web console; `admin` lists allocations and ends them, by HTTP";

/// The table, in the order of coturn's own example.
pub const KEYS: &[Key] = &[
    // Where clients send to.
    to("listening-port", &["listen"], "the port of every address"),
    to(
        "tls-listening-port",
        &["tls"],
        "the port of every address, if `cert` and `pkey` are given",
    ),
    to(
        "listening-ip",
        &["listen"],
        "each with `listening-port`; without `relay-ip` also what allocations are made on",
    ),
    left(
        "listening-device",
        "sockets are bound to addresses, not to devices; name the addresses of the device in `listen`",
    ),
    left("alt-listening-port", ALTERNATIVE),
    left("alt-tls-listening-port", ALTERNATIVE),
    to(
        "aux-server",
        &["listen"],
        "one more address; all of them are equals",
    ),
    so(
        "udp-self-balance",
        "the kernel spreads clients over the threads",
    ),
    left(
        "tcp-proxy-port",
        "any port takes PROXY headers from whom `proxy_from` names: name the load balancer there, and its port in `listen` or `tls`",
    ),
    left("no-udp", TOGETHER),
    left("no-tcp", TOGETHER),
    so(
        "no-tls",
        "TLS is spoken only where `tls` says so; `cert` and `pkey` are then not carried over",
    ),
    so("no-dtls", "DTLS is not offered"),
    // Where allocations are made.
    left(
        "relay-device",
        "sockets are bound to addresses, not to devices; name the address of the device in `relay_ip`",
    ),
    to("relay-ip", &["relay_ip"], "BIND"),
    to(
        "external-ip",
        &["relay_ip"],
        "BIND=ANNOUNCED, so that peers and clients are told the outer address; nothing depends on hairpinning",
    ),
    to("min-port", &["relay_ports"], "the first"),
    to("max-port", &["relay_ports"], "the last"),
    to(
        "relay-threads",
        &["threads"],
        "one for each processor unless it is given",
    ),
    left("no-udp-relay", "relaying UDP is what this is for"),
    so(
        "no-tcp-relay",
        "relaying TCP (RFC 6062) is off unless `tcp_relay` switches it on",
    ),
    left(
        "server-relay",
        "it lets any stranger's packet in; permissions are always checked here",
    ),
    left("keep-address-family", FAMILY),
    left("allocation-default-address-family", FAMILY),
    // Who may allocate.
    so(
        "lt-cred-mech",
        "long-term credentials are the only mechanism",
    ),
    left(
        "no-auth",
        "an open relay is an invitation to attack others through it; give `user` or `secret`",
    ),
    so(
        "use-auth-secret",
        "credentials under a `secret` and static users count beside each other",
    ),
    to("static-auth-secret", &["secret"], "several count at once"),
    to(
        "user",
        &["user"],
        "a password; a key (`0x…`) cannot be used, for it knows only MD5: give the password",
    ),
    to("realm", &["realm"], "one for all users"),
    left("server-name", "only OAuth needs it, which is not offered"),
    left(
        "oauth",
        "third-party authorization (RFC 7635) is not offered; mint expiring credentials under a `secret`",
    ),
    left(
        "rest-api-separator",
        "it is always the colon; have the minting side use it",
    ),
    so(
        "secret-ts-exp-time",
        "it has no effect in coturn either; the expiry is part of the username",
    ),
    left(
        "secure-stun",
        "Binding stays open to all, with the smallest answers there are",
    ),
    left("userdb", DATABASE),
    left("db", DATABASE),
    left("psql-userdb", DATABASE),
    left("sql-userdb", DATABASE),
    left("mysql-userdb", DATABASE),
    left("mongo-userdb", DATABASE),
    left("redis-userdb", DATABASE),
    left(
        "redis-statsdb",
        "allocations and counters are not written to a database",
    ),
    left(
        "secret-key-file",
        "there is no database whose password it could protect",
    ),
    so("no-auth-pings", "there is no database to ping"),
    so(
        "no-dynamic-ip-list",
        "there is no database to read them from; reload the file instead",
    ),
    so("no-dynamic-realms", "there is one realm"),
    left(
        "check-origin-consistency",
        "ORIGIN is not looked at: any client can send any",
    ),
    // Limits.
    to(
        "user-quota",
        &["user_quota"],
        "counted behind the expiry of an expiring username; 0, no limit, is not to be had",
    ),
    left(
        "total-quota",
        "the ports of `relay_ports` are the limit; make the range smaller",
    ),
    to(
        "max-bps",
        &["bandwidth"],
        "twice the number, for it counts both directions together; 0, no limit, is not to be had",
    ),
    to(
        "bps-capacity",
        &["total_bandwidth"],
        "twice the number, for it counts both directions together",
    ),
    to(
        "stale-nonce",
        &["nonce_lifetime"],
        "0, for ever, is not to be had",
    ),
    to(
        "max-allocate-lifetime",
        &["max_lifetime"],
        "600 seconds at least, as RFC 8656 wants it",
    ),
    left("channel-lifetime", "RFC 8656 says 600 seconds"),
    left("permission-lifetime", "RFC 8656 says 300 seconds"),
    so(
        "max-allocate-timeout",
        "an allocation is made at once or not at all",
    ),
    // Which peers may be reached.
    to(
        "denied-peer-ip",
        &["deny_peer"],
        "as networks; what `allowed-peer-ip` names is cut out, for here `deny_peer` wins",
    ),
    to(
        "allowed-peer-ip",
        &["allow_peer"],
        "as networks; public addresses need no mention",
    ),
    to(
        "allow-loopback-peers",
        &["allow_peer"],
        "127.0.0.0/8 and ::1; for trying things out only",
    ),
    so(
        "no-loopback-peers",
        "private, loopback and all other special addresses are refused unless `allow_peer` names them",
    ),
    so(
        "no-multicast-peers",
        "private, multicast and all other special addresses are refused unless `allow_peer` names them",
    ),
    // TLS.
    to("cert", &["cert"], "with all certificates of its chain"),
    to("pkey", &["key"], "without a password"),
    left(
        "pkey-pwd",
        "the key file has to be readable without a password: `openssl pkey -in OLD -out NEW` takes it off",
    ),
    left("CA-file", "clients are not asked for certificates"),
    so(
        "cipher-list",
        "only the safe ones of TLS 1.2 and 1.3 are offered",
    ),
    so("ec-curve-name", "only safe groups are offered"),
    so("dh566", DH),
    so("dh1066", DH),
    so("dh2066", DH),
    so("dh-file", DH),
    so("no-sslv2", TLS),
    so("no-sslv3", TLS),
    so("no-tlsv1", TLS),
    so("no-tlsv1_1", TLS),
    left("no-tlsv1_2", "TLS 1.2 is always offered beside 1.3"),
    // What is said, and how.
    so(
        "fingerprint",
        "an answer has a FINGERPRINT if its request has one",
    ),
    so("no-software-attribute", SOFTWARE),
    so("prod", SOFTWARE),
    left("software-attribute", SOFTWARE),
    so("no-stun-backward-compatibility", RFC3489),
    left("stun-backward-compatibility", RFC3489),
    so(
        "response-origin-only-with-rfc5780",
        "Binding is answered as shortly as can be",
    ),
    so(
        "no-rfc5780",
        "NAT behaviour discovery is off unless it is asked for",
    ),
    left(
        "rfc5780",
        "NAT behaviour discovery is off; `discovery` names the two addresses it needs",
    ),
    to(
        "stun-only",
        &["stun_only"],
        "Allocate is answered 440, or 401 first",
    ),
    left("no-stun", "Binding is always answered"),
    left("alternate-server", ELSEWHERE),
    left("tls-alternate-server", ELSEWHERE),
    to("mobility", &["mobility"], "on unless it is switched off"),
    // Logs.
    left(
        "verbose",
        "DIALTONE_LOG=info in the environment, where coturn had this",
    ),
    left("Verbose", "DIALTONE_LOG=debug in the environment, or trace"),
    left(
        "log-file",
        "the log goes to standard error; let the service manager keep it",
    ),
    left("syslog", LOG),
    left("syslog-facility", LOG),
    so(
        "no-stdout-log",
        "standard output has one line, when the relay is ready",
    ),
    so("simple-log", "there is no log file"),
    so("new-log-timestamp", "every line has one, in ISO 8601"),
    left("new-log-timestamp-format", "timestamps are in ISO 8601"),
    so(
        "log-binding",
        "single packets are logged at the level trace only",
    ),
    // Running and watching it.
    to(
        "prometheus",
        &["admin", "admin_token_file"],
        "only this machine is answered, and only with the token, which is made in the file: `authorization: { credentials_file: … }` in the scrape configuration",
    ),
    to("prometheus-port", &["admin"], "the port"),
    to("prometheus-address", &["admin"], "the address"),
    left("prometheus-path", "metrics are at /metrics"),
    left(
        "prometheus-username-labels",
        "user names are no labels: anyone could fill the memory with them",
    ),
    so("no-cli", CLI),
    left("cli-ip", CLI),
    left("cli-port", CLI),
    left("cli-password", CLI),
    left("cli-max-output-sessions", CLI),
    left("web-admin", WEB),
    left("web-admin-ip", WEB),
    left("web-admin-port", WEB),
    left("web-admin-listen-on-workers", WEB),
    left(
        "acme-redirect",
        "plain HTTP is not spoken on these ports; let the ACME client listen on port 80",
    ),
    so(
        "daemon",
        "it stays in the foreground, as service managers want it",
    ),
    left(
        "pidfile",
        "it stays in the foreground; the service manager knows its process",
    ),
    left(
        "proc-user",
        "start it as that user: `User=` in the systemd unit",
    ),
    left(
        "proc-group",
        "start it as that group: `Group=` in the systemd unit",
    ),
    so("ne", "there is one way to talk to the network"),
];

const fn to(name: &'static str, keys: &'static [&'static str], text: &'static str) -> Key {
    Key {
        name,
        fate: Fate::To(keys),
        text,
    }
}

const fn so(name: &'static str, text: &'static str) -> Key {
    Key {
        name,
        fate: Fate::So,
        text,
    }
}

const fn left(name: &'static str, text: &'static str) -> Key {
    Key {
        name,
        fate: Fate::Left,
        text,
    }
}

/// A key by its name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
