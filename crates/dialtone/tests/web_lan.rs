//! `dialtone dev --lan`: an authority that vouches for private addresses only, HTTPS with what it
//! signs, and the page on plain HTTP that says how to trust it.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod tls_support;
mod web_support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tls_support::{Tls, converse};
use web_support::{PATIENCE, Server, command, output};

const FILE: &str = "lan-authority.pem";

/// What it may vouch for, and what it may not.
const ITS_OWN: [&str; 7] = [
    "192.168.7.7",
    "10.1.2.3",
    "172.31.255.1",
    "127.0.0.1",
    "fd12::7",
    "fe80::7",
    "localhost",
];
const NOT_ITS: [&str; 8] = [
    "8.8.8.8",
    "192.169.0.1",
    "172.32.0.1",
    "100.64.0.1",
    "2001:db8::7",
    "example.com",
    "router.local",
    "localhost.example.com",
];

fn start() -> Server {
    let arguments = ["--lan", "--https", "127.0.0.1:0"].map(str::to_owned);
    Server::start_with(&arguments)
}

/// The authority as it is in the data folder, in the hands of a thief.
struct Stolen {
    root: CertificateDer<'static>,
    issuer: CertificateDer<'static>,
    pem: Vec<u8>,
}

impl Stolen {
    fn from(data: &Path) -> Stolen {
        let pem = std::fs::read(data.join(FILE)).unwrap();
        let mut all = CertificateDer::pem_slice_iter(&pem).map(Result::unwrap);
        let (root, issuer) = (all.next().unwrap(), all.next().unwrap());
        Stolen { root, issuer, pem }
    }

    fn signer(&self) -> Issuer<'static, KeyPair> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(&self.pem).unwrap();
        let key = KeyPair::try_from(&key).unwrap();
        Issuer::from_ca_cert_der(&self.issuer, key).unwrap()
    }

    fn leaf(&self, host: &str) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let leaf = params(host).signed_by(&key, &self.signer()).unwrap();
        leaf.der().clone()
    }

    /// Whether a client with these roots would take it.
    fn is_taken(
        &self,
        roots: RootCertStore,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &str,
    ) -> bool {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        let verifier = verifier.build().unwrap();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let taken = verifier.verify_server_cert(leaf, between, &name, &[], UnixTime::now());
        taken.is_ok()
    }

    /// Roots of a client that holds our root to its constraints, and of one that does not look.
    fn roots(&self) -> [RootCertStore; 2] {
        let mut strict = RootCertStore::empty();
        strict.add(self.root.clone()).unwrap();
        let mut loose = strict.clone();
        assert!(loose.roots[0].name_constraints.is_some());
        loose.roots[0].name_constraints = None;
        [strict, loose]
    }
}

fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![match host.parse() {
        Ok(ip) => SanType::IpAddress(ip),
        Err(_) => SanType::DnsName(host.try_into().unwrap()),
    }];
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    params
}

fn openssl(arguments: &[&str]) -> Output {
    let output = Command::new("openssl").args(arguments).output();
    output.expect("openssl, from the package of that name")
}

fn write_pem(path: &Path, der: &CertificateDer<'_>) {
    let (der_path, out) = (path.with_extension("der"), path.to_str().unwrap());
    std::fs::write(&der_path, der).unwrap();
    let der_path = der_path.to_str().unwrap();
    let made = openssl(&["x509", "-inform", "DER", "-in", der_path, "-out", out]);
    assert!(made.status.success(), "{made:?}");
}

fn client(root: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

fn connect(config: &Arc<ClientConfig>, at: SocketAddr, host: &str) -> std::io::Result<Tls> {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let tls = ClientConnection::new(config.clone(), name).unwrap();
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(tls, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The root as a device gets it: from the page.
fn downloaded(server: &Server) -> CertificateDer<'static> {
    let mut stream = server.connect();
    let host = server.http;
    let request =
        format!("GET /trust/dialtone.crt HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let at = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    CertificateDer::from(all.split_off(at + 4))
}

fn fingerprint(der: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(der);
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

#[test]
fn who_trusts_the_root_is_served_and_who_does_not_is_warned() {
    let server = start();
    let at = server.https.unwrap();
    let trusting = client(&downloaded(&server));
    let own_name = names_of(&server);
    for host in ["127.0.0.1", "localhost", &own_name] {
        let mut stream = connect(&trusting, at, host).unwrap();
        let request =
            format!("GET /api/v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = converse(&mut stream, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
    }
    assert!(connect(&trusting, at, "example.com").is_err());
    let stranger = start();
    let other = client(&downloaded(&stranger));
    assert!(connect(&other, at, "127.0.0.1").is_err());
}

/// The name that the server has in its network.
fn names_of(server: &Server) -> String {
    let root = Stolen::from(server.data()).root;
    let text = String::from_utf8_lossy(&root).into_owned();
    let at = text.find("dialtone-").unwrap();
    text[at..at + "dialtone-01020304.local".len()].to_owned()
}

#[test]
fn it_can_vouch_for_private_addresses_and_for_nothing_else() {
    let server = start();
    let stolen = Stolen::from(server.data());
    let between = [stolen.issuer.clone()];
    for roots in stolen.roots() {
        for host in ITS_OWN {
            let leaf = stolen.leaf(host);
            assert!(
                stolen.is_taken(roots.clone(), &leaf, &between, host),
                "{host}"
            );
        }
        for host in NOT_ITS {
            let leaf = stolen.leaf(host);
            assert!(
                !stolen.is_taken(roots.clone(), &leaf, &between, host),
                "{host}"
            );
        }
    }
}

#[test]
fn it_cannot_make_another_authority() {
    let server = start();
    let stolen = Stolen::from(server.data());
    let key = KeyPair::generate().unwrap();
    let mut below = CertificateParams::default();
    below.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    below.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    below.not_after = rcgen::date_time_ymd(2100, 1, 1);
    let certificate = below.signed_by(&key, &stolen.signer()).unwrap();
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = params("192.168.7.7");
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(below, key)).unwrap();
    let between = [certificate.der().clone(), stolen.issuer.clone()];
    for roots in stolen.roots() {
        assert!(!stolen.is_taken(roots, leaf.der(), &between, "192.168.7.7"));
    }
}

#[test]
fn openssl_holds_it_to_that_as_well() {
    let server = start();
    let stolen = Stolen::from(server.data());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_pem(&path("root.pem"), &stolen.root);
    write_pem(&path("issuer.pem"), &stolen.issuer);
    let [root, issuer, leaf] =
        ["root.pem", "issuer.pem", "leaf.pem"].map(|name| path(name).to_str().unwrap().to_owned());
    let verify = |host: &str| {
        write_pem(&path("leaf.pem"), &stolen.leaf(host));
        let flag = match host.parse::<std::net::IpAddr>() {
            Ok(_) => "-verify_ip",
            Err(_) => "-verify_hostname",
        };
        openssl(&[
            "verify",
            "-CAfile",
            &root,
            "-untrusted",
            &issuer,
            flag,
            host,
            &leaf,
        ])
    };
    for host in ITS_OWN {
        let output = verify(host);
        assert!(output.status.success(), "{host}: {output:?}");
    }
    for host in NOT_ITS {
        let output = verify(host);
        assert!(!output.status.success(), "{host}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            text.contains("permitted subtree violation"),
            "{host}: {text}"
        );
    }
    for (file, length) in [(&root, 1), (&issuer, 0)] {
        let text = openssl(&["x509", "-noout", "-text", "-in", file]).stdout;
        let text = String::from_utf8(text).unwrap();
        for part in [
            &format!("CA:TRUE, pathlen:{length}"),
            "X509v3 Name Constraints: critical",
            "X509v3 Key Usage: critical",
            "IP:192.168.0.0/255.255.0.0",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn the_greeting_leads_to_the_page_and_the_authority_is_kept() {
    let server = start();
    let root = downloaded(&server);
    let expected = fingerprint(&root);
    let port = server.http.port();
    let said = |server: &Server| server.greeting.replace("\n    ", "");
    assert!(
        server
            .greeting
            .contains(&format!("http://127.0.0.1:{port}/trust"))
    );
    assert!(said(&server).contains(&expected), "{}", server.greeting);
    assert!(server.greeting.contains('▀'), "{}", server.greeting);
    let again = server.start_again();
    assert!(said(&again).contains(&expected));
    assert_eq!(downloaded(&again), root);
}

#[test]
fn the_page_says_first_what_the_device_needs_and_asks_nobody_else() {
    let server = start();
    let page = |agent: &str| {
        let answer = server.request("GET", "/trust", &[("User-Agent", agent)]);
        assert_eq!(answer.status, 200, "{answer:?}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
        answer.body
    };
    for (agent, first) in [
        ("(iPhone; CPU iPhone OS 18_5 like Mac OS X)", "iPhone"),
        ("(Linux; Android 15; K)", "Android"),
        ("(Windows NT 10.0; Win64; x64)", "Windows"),
        ("(Macintosh; Intel Mac OS X 10_15_7)", "Mac"),
        ("(X11; Linux x86_64; rv:140.0)", "Linux"),
    ] {
        let page = page(agent);
        let open = page.find("<details open>").expect(agent);
        assert_eq!(page.find("<details"), Some(open), "{agent}");
        let summary = &page[open..][..60];
        assert!(summary.contains(&format!("<summary>{first}")), "{summary}");
        for other in ["iPhone", "Android", "Windows", "Mac", "Linux"] {
            assert!(
                page.contains(&format!("<summary>{other}")),
                "{agent}: {other}"
            );
        }
    }
    let page = page("");
    assert!(!page.contains("<details open>") && !page.contains("<script"));
    let https = format!("https://{}", server.https.unwrap());
    let mut links = page.split(['"', '\'']).filter(|it| it.contains("//"));
    assert!(links.clone().count() > 0);
    assert!(links.all(|link| link.starts_with(&https)), "{page}");
    let shown = page.replace("<br>", "");
    assert!(shown.contains(&fingerprint(&downloaded(&server))));
    let style = server.get("/trust/page.css");
    assert_eq!(style.status, 200);
    assert!(!style.body.contains("url(") && style.body.contains("prefers-color-scheme"));
}

#[test]
fn apples_profile_holds_the_root() {
    use base64::Engine as _;
    let server = start();
    let answer = server.get("/trust/dialtone.mobileconfig");
    let kind = answer.header("content-type").unwrap();
    assert_eq!(kind, "application/x-apple-aspen-config");
    let data = answer.body.split("<data>").nth(1).unwrap();
    let data = data.split("</data>").next().unwrap();
    let der = base64::engine::general_purpose::STANDARD.decode(data);
    assert_eq!(der.unwrap(), downloaded(&server).to_vec());
    assert!(answer.body.contains("com.apple.security.root"));
    assert_eq!(server.get("/trust/dialtone.mobileconfig").body, answer.body);
}

#[test]
fn everything_else_on_plain_http_leads_to_https_and_only_for_hosts_of_ours() {
    let server = start();
    let port = server.https.unwrap().port();
    let ask = |host: &str, path: &str| server.request("GET", path, &[("Host", host)]);
    for (host, path) in [
        ("127.0.0.1", "/"),
        ("localhost:1", "/RRRRRRRRRRRRRRRRRRRRRA"),
        ("[::1]:8080", "/api/v1/health?a=b"),
        ("127.0.0.1", "//evil.example/"),
    ] {
        if host == "[::1]:8080" && std::net::TcpListener::bind("[::1]:0").is_err() {
            continue; // This machine has no IPv6.
        }
        let answer = ask(host, path);
        assert_eq!(answer.status, 307, "{answer:?}");
        let bare = host.trim_end_matches(":8080").trim_end_matches(":1");
        // Heads are in lower case here.
        let expected = format!("https://{bare}:{port}{path}").to_lowercase();
        assert_eq!(answer.header("location"), Some(&*expected));
    }
    for host in ["evil.example", "8.8.8.8", "localhost.evil.example", ""] {
        for path in ["/", "/trust", "/trust/dialtone.crt"] {
            let answer = ask(host, path);
            assert!([400, 421].contains(&answer.status), "{host}: {answer:?}");
            assert_eq!(answer.header("location"), None);
        }
    }
    let ticket = server.request("POST", "/api/v1/tickets", &[("Content-Length", "0")]);
    assert_eq!(ticket.status, 403);
    let socket = [("Upgrade", "websocket"), ("Connection", "Upgrade, close")];
    assert_eq!(server.request("GET", "/api/v1/ws", &socket).status, 403);
}

#[test]
fn what_is_wrong_is_said_with_a_remedy() {
    let data = tempfile::tempdir().unwrap();
    let failure = |arguments: &[&str]| {
        let output = output(command(data.path()).args(arguments));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    };
    let lan = ["--lan", "--https", "127.0.0.1:0"];
    let path = data.path().join(FILE);
    std::fs::write(&path, "not one").unwrap();
    let text = failure(&lan);
    for part in [FILE, "not as Dialtone made it", "delete the file"] {
        assert!(text.contains(part), "{text}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let text = failure(&lan);
    assert!(
        text.contains("cannot be read") && text.contains("--data DIR"),
        "{text}"
    );
    std::fs::remove_dir(&path).unwrap();
    let text = failure(&["--lan", "--https", "8.8.8.8:0"]);
    assert!(text.contains("private addresses only"), "{text}");
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let text = failure(&["--lan", "--https", &address]);
    assert!(
        text.contains("taken by another program") && text.contains("--https"),
        "{text}"
    );
    // Not together: two would vouch for one server.
    let both = [
        "--lan",
        "--https",
        "127.0.0.1:0",
        "--cert",
        "a",
        "--key",
        "b",
    ];
    let output = output(command(data.path()).args(both));
    assert_eq!(output.status.code(), Some(2));
}
