//! Push messages: a device that is not connected is woken, and told when it is over.
//!
//! What arrives is checked with nothing of the code that made it: RFC 8291 and 8292 are written out
//! here once more.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod endpoint_support;
mod tls_support;
mod web_support;

use std::time::Duration;

use account_support::{Browser, admin, id, member};
use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use endpoint_support::{Endpoint, Posted, server};
use hkdf::Hkdf;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use sha2::Sha256;
use tls_support::Identity;
use web_support::{Client, Server};

const AUTH: [u8; 16] = [7; 16];
/// The pause before a device is woken.
const WAIT: Duration = Duration::from_millis(protocol::limits::PUSH_AFTER_MS);

/// The key of a browser's subscription.
struct Keys(SecretKey);

impl Keys {
    fn of(n: u8) -> Keys {
        Keys(SecretKey::from_slice(&[n; 32]).unwrap())
    }

    fn public(&self) -> Vec<u8> {
        self.0.public_key().to_sec1_point(false).as_bytes().to_vec()
    }

    fn subscription(&self, endpoint: &str) -> Value {
        let keys = json!({ "p256dh": base64(&self.public()), "auth": base64(&AUTH) });
        json!({ "endpoint": endpoint, "keys": keys })
    }

    /// RFC 8291, section 3, and RFC 8188, section 2: one record.
    fn open(&self, body: &[u8]) -> Value {
        let (salt, rest) = body.split_at(16);
        let (record_size, rest) = rest.split_at(4);
        let (&[id_len], rest) = rest.split_at(1) else {
            unreachable!()
        };
        let (sender, sealed) = rest.split_at(id_len.into());
        let record_size = u32::from_be_bytes(record_size.try_into().unwrap());
        assert!(sealed.len() <= record_size as usize, "one record");
        assert!(body.len() <= 4096, "what push services have to take");
        let sender_key = PublicKey::from_sec1_bytes(sender).unwrap();
        let shared =
            p256::ecdh::diffie_hellman(&self.0.to_nonzero_scalar(), sender_key.as_affine());
        let mut key_info = b"WebPush: info\0".to_vec();
        key_info.extend_from_slice(&self.public());
        key_info.extend_from_slice(sender);
        let ikm: [u8; 32] = expand(&AUTH, shared.raw_secret_bytes(), &key_info);
        let key: [u8; 16] = expand(salt, &ikm, b"Content-Encoding: aes128gcm\0");
        let nonce: [u8; 12] = expand(salt, &ikm, b"Content-Encoding: nonce\0");
        let cipher = Aes128Gcm::new(&key.into());
        let text = cipher.decrypt(&Nonce::from(nonce), sealed).unwrap();
        let end = text.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(text[end], 2, "the delimiter of the last record");
        serde_json::from_slice(&text[..end]).unwrap()
    }
}

fn expand<const N: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let hkdf = Hkdf::<Sha256>::new(Some(salt), secret);
    hkdf.expand(info, &mut out).unwrap();
    out
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// RFC 8292: a token that is signed by the key that browsers were told.
fn assert_is_from(posted: &Posted, origin: &str, key: &str) {
    let value = posted
        .header("authorization")
        .strip_prefix("vapid ")
        .unwrap();
    let parts: Vec<&str> = value.split(", ").collect();
    let token = parts[0].strip_prefix("t=").unwrap();
    assert_eq!(parts[1], format!("k={key}"));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let verifier = VerifyingKey::from_sec1_bytes(&decode(key)).unwrap();
    let signature = Signature::from_slice(&decode(signature)).unwrap();
    verifier.verify(signed.as_bytes(), &signature).unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let json = |text| serde_json::from_slice::<Value>(&decode(text)).unwrap();
    assert_eq!(json(head), json!({ "typ": "JWT", "alg": "ES256" }));
    let claims = json(claims);
    assert_eq!(claims["aud"], origin);
    assert_eq!(claims["sub"], "mailto:ada@example.org");
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let left = claims["exp"].as_u64().unwrap() - now;
    assert!((3600..=24 * 3600).contains(&left), "{left} s");
}

/// Ada, who calls, and Ben, whose browser sleeps.
struct Scene {
    server: Server,
    endpoint: Endpoint,
    ada: Browser,
    ben: Browser,
    keys: Keys,
    key: String,
}

impl Scene {
    fn new(heads: &[&str]) -> Scene {
        let identity = Identity::new();
        let endpoint = Endpoint::start(&identity, heads);
        let server = server(&identity);
        let mut ada = admin(&server);
        let mut ben = member(&server, &mut ada, "ben");
        let key = ben.good(&server, "GET", "/api/v1/push/key", Value::Null);
        let keys = Keys::of(1);
        let body = keys.subscription(&endpoint.url("/ben"));
        ben.good(&server, "PUT", "/api/v1/push/subscription", body);
        Scene {
            key: key["key"].as_str().unwrap().to_owned(),
            server,
            endpoint,
            ada,
            ben,
            keys,
        }
    }

    /// Ada's device rings Ben with video.
    async fn ring(&mut self) -> (Client, String) {
        let callee = id(&self.server, &mut self.ben);
        let ticket = self
            .ada
            .good(&self.server, "POST", "/api/v1/tickets", json!({}));
        let mut client = Client::open(&self.server).await;
        let hello = client.hello_frame(ticket["ticket"].as_str().unwrap());
        assert_eq!(client.ask(hello).await["t"], "welcome");
        client.join().await;
        let ring = base64(&[9; 16]);
        let invite = json!({
            "t": "invite", "ring": ring, "call": web_support::CALL, "to": callee,
            "media": { "audio": true, "video": true },
        });
        assert_eq!(client.ask(invite).await["t"], "ok");
        (client, ring)
    }

    /// A device of Ben's that is connected.
    async fn awake(&mut self, device: u8) -> Client {
        let ticket = self
            .ben
            .good(&self.server, "POST", "/api/v1/tickets", json!({}));
        let client = Client::open(&self.server).await;
        client
            .into_session_with(ticket["ticket"].as_str().unwrap(), device)
            .await
    }

    fn next(&self) -> (Posted, Value) {
        let posted = self.endpoint.next();
        let message = self.keys.open(&posted.body);
        (posted, message)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeping_device_is_woken_and_told_when_it_is_over() {
    let mut scene = Scene::new(&[]);
    let begun = std::time::Instant::now();
    let (mut caller, ring) = scene.ring().await;
    let (posted, message) = scene.next();
    assert!(posted.at - begun >= WAIT, "connected devices come first");
    assert_eq!(posted.path, "/ben");
    assert_is_from(&posted, &scene.endpoint.url(""), &scene.key);
    assert_eq!(posted.header("content-encoding"), "aes128gcm");
    assert_eq!(posted.header("urgency"), "high");
    let ttl: u64 = posted.header("ttl").parse().unwrap();
    assert!((1..=45).contains(&ttl), "the rest of the ring: {ttl}");
    let topic = posted.header("topic").to_owned();
    assert!(topic.len() <= 32 && topic != ring);
    assert_eq!(message["kind"], "ring");
    assert_eq!(message["ring"], ring.as_str());
    assert_eq!(message["name"], "Ada");
    assert_eq!(message["video"], true);
    let length = posted.body.len();

    let cancelled = caller.ask(json!({ "t": "cancel", "ring": ring })).await;
    assert_eq!(cancelled["t"], "ok");
    let (posted, message) = scene.next();
    assert_eq!(posted.header("topic"), topic, "it replaces what waits");
    assert_eq!(posted.body.len(), length, "the length says nothing");
    assert_ne!(posted.header("ttl"), "0");
    let expected = json!({ "kind": "over", "ring": ring, "name": "Ada", "reason": "missed" });
    assert_eq!(message, expected);
    scene.endpoint.is_silent_for(WAIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_elsewhere_is_told_to_those_who_were_woken() {
    let mut scene = Scene::new(&[]);
    let (_caller, ring) = scene.ring().await;
    assert_eq!(scene.next().1["kind"], "ring");
    // Another browser of Ben's, which wakes up and answers.
    let phone = scene.ben.clone();
    let mut laptop = Browser::new();
    laptop.login(&scene.server, "ben", account_support::PASSWORD);
    scene.ben = laptop;
    let mut answering = scene.awake(5).await;
    let people = answering.until_type("people").await;
    assert_eq!(people["incoming"][0]["ring"], ring.as_str());
    let accept = json!({ "t": "accept", "ring": ring, "media": { "audio": true, "video": false } });
    assert_eq!(answering.ask(accept).await["t"], "joined");
    let (_, message) = scene.next();
    assert_eq!(message["reason"], "answered_elsewhere");
    scene.ben = phone;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_rings_already_is_not_woken() {
    let mut scene = Scene::new(&[]);
    let mut awake = scene.awake(5).await;
    let (mut caller, ring) = scene.ring().await;
    awake.until_type("ring").await;
    let ringing = awake.ask(json!({ "t": "ringing", "ring": ring })).await;
    assert_eq!(ringing["t"], "ok");
    scene.endpoint.is_silent_for(2 * WAIT);
    caller.ask(json!({ "t": "cancel", "ring": ring })).await;
    scene.endpoint.is_silent_for(WAIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_gone_is_forgotten() {
    let mut scene = Scene::new(&["410 Gone"]);
    let (mut caller, ring) = scene.ring().await;
    assert_eq!(scene.next().1["kind"], "ring");
    caller.ask(json!({ "t": "cancel", "ring": ring })).await;
    scene.endpoint.is_silent_for(WAIT);
    let invite = json!({
        "t": "invite", "ring": base64(&[8; 16]), "call": web_support::CALL,
        "to": id(&scene.server, &mut scene.ben), "media": { "audio": true, "video": false },
    });
    assert_eq!(caller.ask(invite).await["t"], "ok");
    scene.endpoint.is_silent_for(2 * WAIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_service_that_is_busy_is_asked_again_when_it_says() {
    let mut scene = Scene::new(&["429 Too Many\r\nRetry-After: 3", "503 Down"]);
    let _caller = scene.ring().await;
    let (first, _) = scene.next();
    let (second, _) = scene.next();
    assert!(second.at - first.at >= Duration::from_secs(3));
    let (third, message) = scene.next();
    assert!(third.at - second.at >= Duration::from_secs(1));
    assert_eq!(message["kind"], "ring");
    let ttl = |posted: &Posted| posted.header("ttl").parse::<u64>().unwrap();
    assert!(ttl(&third) < ttl(&first), "what is left of the ring");
    scene.endpoint.is_silent_for(WAIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_has_ended_is_not_woken() {
    let mut scene = Scene::new(&[]);
    let callee = id(&scene.server, &mut scene.ben);
    scene
        .ben
        .good(&scene.server, "POST", "/api/v1/logout", json!({}));
    let mut again = Browser::new();
    again.login(&scene.server, "ben", account_support::PASSWORD);
    assert_eq!(id(&scene.server, &mut again), callee);
    scene.ben = again;
    let _caller = scene.ring().await;
    scene.endpoint.is_silent_for(2 * WAIT);
}

#[test]
fn what_is_no_subscription_is_refused() {
    let scene = Scene::new(&[]);
    let (server, mut ben) = (&scene.server, scene.ben.clone());
    let good = scene.keys.subscription("https://push.example.org/1");
    let with = |pointer: &str, value: &str| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value.into();
        body
    };
    for bad in [
        with("/endpoint", "http://push.example.org/1"),
        with("/endpoint", "https://10.0.0.1/1"),
        with("/endpoint", "https://[::1]/1"),
        with("/endpoint", "https://169.254.169.254/latest"),
        with("/endpoint", "https://me:you@push.example.org/1"),
        with("/endpoint", ""),
        with("/keys/p256dh", ""),
        with("/keys/p256dh", &base64(&[4; 65])),
        with("/keys/p256dh", &base64(&scene.keys.public()[..33])),
        with("/keys/auth", &base64(&[1; 15])),
        with("/keys/auth", "!"),
    ] {
        let answer = ben.put(server, "/api/v1/push/subscription", bad.clone());
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
        assert_eq!(answer.json()["code"], "bad_subscription", "{bad}");
    }
    let answer = Browser::new().put(server, "/api/v1/push/subscription", good.clone());
    assert_eq!(answer.status, 401);
    ben.good(server, "PUT", "/api/v1/push/subscription", good.clone());
    let forget = json!({ "endpoint": good["endpoint"] });
    ben.good(server, "DELETE", "/api/v1/push/subscription", forget);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_the_same_after_a_restart() {
    let server = Server::start();
    let mut ada = admin(&server);
    let key = ada.good(&server, "GET", "/api/v1/push/key", Value::Null);
    assert_eq!(key["key"].as_str().unwrap().len(), 87);
    let server = server.start_again();
    let again = ada.good(&server, "GET", "/api/v1/push/key", Value::Null);
    assert_eq!(key, again);
}
