use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::guard::Lookup;
use super::*;

const NAME: &str = "hook.example.org";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// Only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate for `NAME` and 127.0.0.1.
struct Identity {
    roots: RootCertStore,
    acceptor: TlsAcceptor,
}

fn identity() -> Identity {
    crate::certificates::install_cryptography();
    let params = CertificateParams::new([NAME.to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate: CertificateDer<'static> = params.self_signed(&key).unwrap().der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Identity {
        roots,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    }
}

/// What a server does once it has read the head of a request.
#[derive(Clone, Copy)]
enum Manner {
    Says(&'static str),
    Redirects(SocketAddr),
    Hangs,
    NeverEnds,
}

/// A server on the loopback, and how many connections came to it.
struct Host {
    at: SocketAddr,
    came: watch::Receiver<usize>,
}

impl Host {
    async fn start(identity: &Identity, ip: Ipv4Addr, port: u16, manner: Manner) -> Host {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let (count, came) = watch::channel(0);
        let acceptor = identity.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                let acceptor = acceptor.clone();
                tokio::spawn(serve(acceptor, stream, manner));
            }
        });
        Host { at, came }
    }

    fn came(&self) -> usize {
        *self.came.borrow()
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, manner: Manner) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    read_head(&mut stream).await?;
    match manner {
        Manner::Says(text) => stream.write_all(text.as_bytes()).await?,
        Manner::Redirects(to) => {
            let head = "HTTP/1.1 307 Elsewhere\r\nContent-Length: 0\r\n";
            let text = format!("{head}Location: https://{to}/\r\n\r\n");
            stream.write_all(text.as_bytes()).await?;
        }
        Manner::Hangs => std::future::pending().await,
        Manner::NeverEnds => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 1000]).await?;
            }
        }
    }
    stream.flush().await?;
    std::future::pending().await
}

async fn read_head(stream: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(())
}

/// Answers with the first of these, then the second, and so on; the last one stays.
fn answers(list: &[&[&str]]) -> (Lookup, Arc<AtomicUsize>) {
    let list: Vec<Vec<IpAddr>> = list
        .iter()
        .map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect())
        .collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let lookup: Lookup = Arc::new(move |_name| {
        let at = count.fetch_add(1, Ordering::Relaxed).min(list.len() - 1);
        let found = list[at].clone();
        Box::pin(async move { Ok(found) })
    });
    (lookup, asked)
}

fn client(identity: &Identity, allow: &[&str], lookup: Lookup) -> Outgoing {
    patient(identity, allow, lookup, PATIENCE)
}

fn patient(identity: &Identity, allow: &[&str], lookup: Lookup, exchange: Duration) -> Outgoing {
    let allow = allow.iter().map(|range| range.parse().unwrap()).collect();
    Outgoing::with(Guard::new(allow, lookup), identity.roots.clone(), exchange).unwrap()
}

async fn post(client: &Outgoing, url: &str) -> Result<Answer, NoAnswer> {
    let address = client.address(url).unwrap();
    client
        .post(&address, HeaderMap::new(), b"{}".to_vec())
        .await
}

fn by_name(host: &Host) -> String {
    format!("https://{NAME}:{}/hook", host.at.port())
}

#[test]
fn only_plain_https_addresses_of_public_hosts_are_taken() {
    let client = client(&identity(), &[], answers(&[&[]]).0);
    for (text, why) in [
        ("", BadAddress::NotUrl),
        ("hook", BadAddress::NotUrl),
        ("https://", BadAddress::NotUrl),
        ("https://example.org:0/", BadAddress::NotUrl),
        ("https://example.org:65536/", BadAddress::NotUrl),
        ("http://example.org/", BadAddress::NotHttps),
        ("file:///etc/passwd", BadAddress::NotHttps),
        ("gopher://example.org/", BadAddress::NotHttps),
        ("https://me@example.org/", BadAddress::UserInfo),
        ("https://me:secret@example.org/", BadAddress::UserInfo),
        ("https://example.org@127.0.0.1/", BadAddress::UserInfo),
        ("https://127.0.0.1/", BadAddress::NotPublic),
        ("https://127.1/", BadAddress::NotPublic),
        ("https://0x7f.0.0.1/", BadAddress::NotPublic),
        ("https://2130706433/", BadAddress::NotPublic),
        ("https://0177.0.0.1/", BadAddress::NotPublic),
        ("https://0/", BadAddress::NotPublic),
        (
            "https://169.254.169.254/latest/meta-data",
            BadAddress::NotPublic,
        ),
        ("https://[::1]/", BadAddress::NotPublic),
        ("https://[::]/", BadAddress::NotPublic),
        ("https://[::ffff:10.0.0.1]/", BadAddress::NotPublic),
        ("https://[::ffff:8.8.8.8]/", BadAddress::NotPublic),
        ("https://[64:ff9b::7f00:1]/", BadAddress::NotPublic),
        ("https://[2002:7f00:1::]/", BadAddress::NotPublic),
        ("https://[2001:0:1::]/", BadAddress::NotPublic),
        ("https://[fe80::1]/", BadAddress::NotPublic),
        ("https://[ff02::1]/", BadAddress::NotPublic),
        ("https://203.0.113.7/", BadAddress::NotPublic),
    ] {
        assert_eq!(client.address(text).unwrap_err(), why, "{text}");
    }
    let long = format!("https://example.org/{}", "a".repeat(1024));
    assert_eq!(client.address(&long), Err(BadAddress::TooLong));
    for text in [
        "https://example.org/a?b#c",
        "https://example.org:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
    ] {
        assert!(client.address(text).is_ok(), "{text}");
    }
    let written = client.address("https://EXAMPLE.org:443/a?b#c").unwrap();
    assert_eq!(written.as_str(), "https://example.org/a?b");
    assert_eq!(written.origin(), "https://example.org");
    assert!(!format!("{written:?}").contains("a?b"));
}

#[tokio::test]
async fn an_answer_has_its_status_and_the_wait_it_asks_for() {
    let identity = identity();
    let text = "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait";
    let host = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Says(text)).await;
    let client = client(&identity, &["127.0.0.1"], answers(&[&["127.0.0.1"]]).0);
    for url in [by_name(&host), format!("https://{}/", host.at)] {
        let answer = post(&client, &url).await.unwrap();
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(answer.text, "wait");
    }
}

#[tokio::test]
async fn a_name_that_leads_into_the_machine_is_not_followed() {
    let identity = identity();
    let host = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Says(OK)).await;
    for ip in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "64:ff9b::7f00:1",
    ] {
        let client = client(&identity, &[], answers(&[&[ip]]).0);
        let refused = post(&client, &by_name(&host)).await.unwrap_err();
        assert!(matches!(refused, NoAnswer::Refused(_)), "{ip}: {refused:?}");
    }
    // Nor one that the system resolves.
    let client = client(&identity, &[], guard::system());
    let refused = post(&client, &format!("https://localhost:{}/", host.at.port())).await;
    assert!(matches!(refused, Err(NoAnswer::Refused(_))), "{refused:?}");
    assert_eq!(host.came(), 0);
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let identity = identity();
    let allowed = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Says(OK)).await;
    let other = Ipv4Addr::new(127, 0, 0, 2);
    let private = Host::start(&identity, other, allowed.at.port(), Manner::Says(OK)).await;
    // The name resolves to something else each time it is asked for.
    let (lookup, asked) = answers(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let rebinding = client(&identity, &["127.0.0.1"], lookup);
    assert!(post(&rebinding, &by_name(&allowed)).await.is_ok());
    assert_eq!(asked.load(Ordering::Relaxed), 1, "checked and used at once");
    // One answer among others that may be used.
    let (lookup, _) = answers(&[&["127.0.0.2", "127.0.0.1"]]);
    let mixed = client(&identity, &["127.0.0.1"], lookup);
    assert!(post(&mixed, &by_name(&allowed)).await.is_ok());
    // The second answer, for a client that has no connection yet.
    let (lookup, _) = answers(&[&["127.0.0.2"]]);
    let late = client(&identity, &["127.0.0.1"], lookup);
    assert!(post(&late, &by_name(&allowed)).await.is_err());
    assert_eq!((allowed.came(), private.came()), (2, 0));
}

#[tokio::test]
async fn redirects_are_answers_and_not_followed() {
    let identity = identity();
    let target = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Says(OK)).await;
    let manner = Manner::Redirects(target.at);
    let host = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, manner).await;
    let client = client(&identity, &["127.0.0.1"], answers(&[&["127.0.0.1"]]).0);
    let answer = post(&client, &by_name(&host)).await.unwrap();
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(target.came(), 0);
}

#[tokio::test]
async fn silence_is_not_waited_out() {
    let identity = identity();
    let (lookup, _) = answers(&[&["127.0.0.1"]]);
    let short = Duration::from_millis(300);
    let client = patient(&identity, &["127.0.0.1"], lookup, short);
    let hanging = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Hangs).await;
    let late = post(&client, &by_name(&hanging)).await;
    assert_eq!(late.unwrap_err(), NoAnswer::TimedOut);
    // Nor that of somebody who never begins with TLS.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", mute.local_addr().unwrap());
    assert_eq!(post(&client, &url).await.unwrap_err(), NoAnswer::TimedOut);
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let identity = identity();
    let host = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::NeverEnds).await;
    let client = client(&identity, &["127.0.0.1"], answers(&[&["127.0.0.1"]]).0);
    let answer = post(&client, &by_name(&host)).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text.len(), ANSWER_BYTES);
    let endless = "HTTP/1.1 200 OK\r\nX: 0123456789\r\nX: ";
    let head: &'static str = Box::leak(endless.repeat(100_000).into_boxed_str());
    let host = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Says(head)).await;
    let broken = post(&client, &by_name(&host)).await;
    assert!(matches!(broken, Err(NoAnswer::NotReached(_))), "{broken:?}");
}

#[tokio::test]
async fn a_certificate_of_somebody_unknown_is_refused() {
    let (one, other) = (identity(), identity());
    let host = Host::start(&one, Ipv4Addr::LOCALHOST, 0, Manner::Says(OK)).await;
    let client = client(&other, &["127.0.0.1"], answers(&[&["127.0.0.1"]]).0);
    let refused = post(&client, &by_name(&host)).await;
    assert!(
        matches!(refused, Err(NoAnswer::NotReached(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_host_that_hangs_has_its_share_and_no_more() {
    let identity = identity();
    let mut hanging = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Hangs).await;
    let good = Host::start(&identity, Ipv4Addr::LOCALHOST, 0, Manner::Says(OK)).await;
    let client = Arc::new(client(
        &identity,
        &["127.0.0.1"],
        answers(&[&["127.0.0.1"]]).0,
    ));
    let tasks = Mutex::new(Vec::new());
    for _ in 0..2 * IN_ALL {
        let (client, url) = (client.clone(), by_name(&hanging));
        let task = tokio::spawn(async move { drop(post(&client, &url).await) });
        tasks.lock().unwrap().push(task);
    }
    hanging
        .came
        .wait_for(|came| *came == OF_ONE_HOST)
        .await
        .unwrap();
    // By its address, which is another host than the name.
    let answer = post(&client, &format!("https://{}/", good.at)).await;
    assert_eq!(answer.unwrap().status, StatusCode::OK);
    assert!(hanging.came.changed().now_or_never().is_none());
    for task in tasks.into_inner().unwrap() {
        task.abort();
    }
}

#[test]
fn the_wait_asked_for_is_seconds_or_a_date() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 90);
    let wait = |text: &str| {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        retry_after(&headers, now)
    };
    assert_eq!(wait("120"), Some(Duration::from_secs(120)));
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(wait(date), Some(Duration::from_secs(90)));
    assert_eq!(wait("Sun, 06 Nov 1983 08:49:37 GMT"), Some(Duration::ZERO));
    assert_eq!(wait("soon"), None);
    assert_eq!(wait("-1"), None);
}
