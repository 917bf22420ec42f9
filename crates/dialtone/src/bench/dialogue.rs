//! One client's side of a TURN conversation: writes requests, answers challenges, reads outcomes.
//! No socket and no clock.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use turn::stun::{
    Class, Integrity, Key, Message, Method, TransactionId, Writer, attribute as attr,
};

/// The first wait for an answer; it doubles with every repetition (RFC 8489 section 6.2.1).
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How often a request is sent at most (Rc of the same section).
const ATTEMPTS: u32 = 7;
/// The only wait on a reliable transport (Ti, section 6.2.2).
const ONLY_WAIT: Duration = Duration::from_millis(39_500);
/// How often a server may ask for other credentials. A 401 brings realm and nonce, a 438 a fresh
/// nonce; more is a refusal.
const CHALLENGES: u32 = 2;
/// Room for any request of ours: the longest name, realm and nonce that RFC 8489 allows.
const MAX_REQUEST: usize = 4096;

/// Who asks.
#[derive(Clone)]
pub struct Credential {
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: String,
}

/// Passwords stay out of logs.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// An allocation with a relayed address of the IPv6 or IPv4 family.
    Allocate { ipv6: bool },
    /// A channel to a peer.
    Bind { number: u16, peer: SocketAddr },
    /// The end of the allocation.
    Release,
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error code.
    pub code: u16,
    /// What the server calls it.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a server says is not ours: no control characters to a terminal.
        write!(f, "{} {}", self.code, self.reason.escape_debug())
    }
}

/// What a message meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Not the answer to the request that is open.
    Ignored,
    /// The server wants (other) credentials: send [`Dialogue::request`], it has them now.
    Again,
    /// Granted, with the relayed address if it was an allocation.
    Granted(Option<SocketAddr>),
    /// Refused.
    Refused(Refusal),
}

/// One client.
#[derive(Debug)]
pub struct Dialogue {
    credential: Arc<Credential>,
    is_reliable: bool,
    realm: String,
    nonce: Vec<u8>,
    key: Option<Key>,
    open: Option<Open>,
}

/// The request that waits for its answer.
#[derive(Debug)]
struct Open {
    request: Request,
    transaction: TransactionId,
    bytes: Vec<u8>,
    attempts: u32,
    challenges: u32,
    retry_at: Instant,
}

impl Request {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Request::Allocate { .. } => "Allocate",
            Request::Bind { .. } => "ChannelBind",
            Request::Release => "Refresh",
        }
    }

    fn method(self) -> Method {
        match self {
            Request::Allocate { .. } => Method::ALLOCATE,
            Request::Bind { .. } => Method::CHANNEL_BIND,
            Request::Release => Method::REFRESH,
        }
    }

    fn write(self, writer: &mut Writer<'_>) {
        match self {
            Request::Allocate { ipv6 } => {
                writer.attribute(attr::REQUESTED_TRANSPORT, &[attr::TRANSPORT_UDP, 0, 0, 0]);
                if ipv6 {
                    writer.attribute(
                        attr::REQUESTED_ADDRESS_FAMILY,
                        &[attr::FAMILY_IPV6, 0, 0, 0],
                    );
                }
            }
            Request::Bind { number, peer } => {
                let [high, low] = number.to_be_bytes();
                writer
                    .attribute(attr::CHANNEL_NUMBER, &[high, low, 0, 0])
                    .xor_address(attr::XOR_PEER_ADDRESS, peer);
            }
            Request::Release => {
                writer.attribute(attr::LIFETIME, &[0; 4]);
            }
        }
    }
}

impl Dialogue {
    /// A client that has not asked for anything yet. On a reliable transport nothing is ever sent
    /// again.
    pub fn new(credential: Arc<Credential>, is_reliable: bool) -> Dialogue {
        Dialogue {
            credential,
            is_reliable,
            realm: String::new(),
            nonce: Vec::new(),
            key: None,
            open: None,
        }
    }

    /// Opens a request; [`Dialogue::request`] is what to send.
    pub fn ask(&mut self, request: Request, transaction: TransactionId, now: Instant) {
        self.open = Some(Open {
            request,
            transaction,
            bytes: self.write(request, transaction),
            attempts: if self.is_reliable { ATTEMPTS } else { 1 },
            challenges: 0,
            retry_at: now
                + match self.is_reliable {
                    true => ONLY_WAIT,
                    false => FIRST_WAIT,
                },
        });
    }

    /// The open request as it is sent, also again.
    pub fn request(&self) -> &[u8] {
        self.open.as_ref().map_or(&[], |open| &open.bytes)
    }

    /// What is asked for, until it is answered.
    pub fn open_request(&self) -> Option<Request> {
        self.open.as_ref().map(|open| open.request)
    }

    /// Whether it is time to send the request again; `None` if it was sent often enough.
    pub fn is_overdue(&mut self, now: Instant) -> Option<bool> {
        let Some(open) = self.open.as_mut().filter(|open| now >= open.retry_at) else {
            return Some(false);
        };
        if open.attempts == ATTEMPTS {
            return None;
        }
        open.retry_at = now + FIRST_WAIT * 2_u32.pow(open.attempts);
        open.attempts += 1;
        Some(true)
    }

    /// Reads what came. A challenge is answered under the transaction id `next`.
    pub fn handle(&mut self, bytes: &[u8], next: TransactionId, now: Instant) -> Step {
        let Ok(message) = Message::parse(bytes) else {
            return Step::Ignored;
        };
        let Some(open) = &self.open else {
            return Step::Ignored;
        };
        if message.transaction() != open.transaction || message.method() != open.request.method() {
            return Step::Ignored;
        }
        match message.class() {
            Class::Success => self.granted(&message),
            Class::Error => self.refused(&message, next, now),
            Class::Request | Class::Indication => Step::Ignored,
        }
    }

    fn granted(&mut self, message: &Message<'_>) -> Step {
        // Without a key there was no challenge: this server lets everyone in.
        if self.key.as_ref().is_some_and(|key| !message.verify(key)) {
            return Step::Ignored; // Anybody could have written it (RFC 8489 section 9.2.5).
        }
        self.open = None;
        let relayed = message.first(attr::XOR_RELAYED_ADDRESS);
        Step::Granted(
            relayed.and_then(|value| attr::read_xor_address(value, &message.transaction())),
        )
    }

    fn refused(&mut self, message: &Message<'_>, next: TransactionId, now: Instant) -> Step {
        let refusal = read_refusal(message);
        let Some(open) = &self.open else {
            return Step::Ignored;
        };
        let (request, challenges) = (open.request, open.challenges);
        let is_challenge = match refusal.code {
            401 => self.key.is_none(),
            438 => challenges < CHALLENGES,
            _ => false,
        };
        if !is_challenge || !self.take_challenge(message) {
            self.open = None;
            return Step::Refused(refusal);
        }
        self.ask(request, next, now);
        if let Some(open) = &mut self.open {
            open.challenges = challenges + 1;
        }
        Step::Again
    }

    /// Takes over realm and nonce, if they are there.
    fn take_challenge(&mut self, message: &Message<'_>) -> bool {
        let (Some(realm), Some(nonce)) = (message.first(attr::REALM), message.first(attr::NONCE))
        else {
            return false;
        };
        let Ok(realm) = std::str::from_utf8(realm) else {
            return false;
        };
        let Credential { username, password } = &*self.credential;
        if self.key.is_none() || self.realm != realm {
            self.key = Some(Key::long_term(username, realm, password));
            self.realm = realm.to_owned();
        }
        self.nonce = nonce.to_owned();
        true
    }

    fn write(&self, request: Request, transaction: TransactionId) -> Vec<u8> {
        let mut buffer = [0; MAX_REQUEST];
        let mut writer = Writer::new(&mut buffer, Class::Request, request.method(), transaction);
        request.write(&mut writer);
        if let Some(key) = &self.key {
            writer
                .attribute(attr::USERNAME, self.credential.username.as_bytes())
                .attribute(attr::REALM, self.realm.as_bytes())
                .attribute(attr::NONCE, &self.nonce)
                .integrity(Integrity::Sha1, key);
        }
        // What does not fit is no request: the server stays silent, and that is said.
        let len = writer.finish().unwrap_or(0);
        buffer[..len].to_vec()
    }
}

fn read_refusal(message: &Message<'_>) -> Refusal {
    let value = message.first(attr::ERROR_CODE).unwrap_or(&[]);
    match value {
        [_, _, class, number, reason @ ..] => Refusal {
            code: u16::from(class & 7) * 100 + u16::from(*number),
            reason: String::from_utf8_lossy(reason)
                .trim_end_matches('\0')
                .to_owned(),
        },
        _ => Refusal {
            code: 0,
            reason: "without an error code".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TransactionId = TransactionId([1; 12]);
    const NEXT: TransactionId = TransactionId([2; 12]);
    const ALLOCATE: Request = Request::Allocate { ipv6: false };

    fn dialogue() -> Dialogue {
        let credential = Credential {
            username: "u".to_owned(),
            password: "p".to_owned(),
        };
        Dialogue::new(Arc::new(credential), false)
    }

    fn respond(
        to: &[u8],
        class: Class,
        key: Option<&Key>,
        attributes: impl FnOnce(&mut Writer<'_>),
    ) -> Vec<u8> {
        let request = Message::parse(to).unwrap();
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer, class, request.method(), request.transaction());
        attributes(&mut writer);
        if let Some(key) = key {
            writer.integrity(Integrity::Sha1, key);
        }
        let len = writer.finish().unwrap();
        buffer[..len].to_vec()
    }

    fn refuse(dialogue: &Dialogue, code: u16, nonce: &[u8]) -> Vec<u8> {
        respond(dialogue.request(), Class::Error, None, |writer| {
            writer
                .error_code(code, "because")
                .attribute(attr::REALM, b"r")
                .attribute(attr::NONCE, nonce);
        })
    }

    #[test]
    fn a_challenge_is_answered_with_credentials_and_a_stale_nonce_with_the_fresh_one() {
        let now = Instant::now();
        let key = Key::long_term("u", "r", "p");
        let mut dialogue = dialogue();
        dialogue.ask(ALLOCATE, ID, now);
        for (code, nonce) in [(401, &b"one"[..]), (438, b"two")] {
            let challenge = refuse(&dialogue, code, nonce);
            assert_eq!(dialogue.handle(&challenge, NEXT, now), Step::Again);
            let request = Message::parse(dialogue.request()).unwrap();
            assert!(request.verify(&key));
            assert_eq!(request.first(attr::NONCE), Some(nonce));
        }
        let relayed: SocketAddr = "192.0.2.1:50000".parse().unwrap();
        let granted = respond(dialogue.request(), Class::Success, Some(&key), |writer| {
            writer.xor_address(attr::XOR_RELAYED_ADDRESS, relayed);
        });
        assert_eq!(
            dialogue.handle(&granted, NEXT, now),
            Step::Granted(Some(relayed))
        );
        assert_eq!(dialogue.handle(&granted, NEXT, now), Step::Ignored);
    }

    #[test]
    fn a_second_401_is_a_refusal() {
        let now = Instant::now();
        let mut dialogue = dialogue();
        dialogue.ask(ALLOCATE, ID, now);
        let challenge = refuse(&dialogue, 401, b"n");
        assert_eq!(dialogue.handle(&challenge, NEXT, now), Step::Again);
        let again = refuse(&dialogue, 401, b"n");
        let refusal = Refusal {
            code: 401,
            reason: "because".to_owned(),
        };
        assert_eq!(dialogue.handle(&again, NEXT, now), Step::Refused(refusal));
    }

    #[test]
    fn a_success_that_somebody_else_wrote_is_passed_over() {
        let now = Instant::now();
        let mut dialogue = dialogue();
        dialogue.ask(ALLOCATE, ID, now);
        let challenge = refuse(&dialogue, 401, b"n");
        dialogue.handle(&challenge, NEXT, now);
        for key in [None, Some(Key::long_term("u", "r", "guess"))] {
            let forged = respond(dialogue.request(), Class::Success, key.as_ref(), |_| {});
            assert_eq!(dialogue.handle(&forged, ID, now), Step::Ignored);
        }
    }

    #[test]
    fn silence_is_asked_again_ever_more_slowly_and_not_for_ever() {
        let mut now = Instant::now();
        let mut dialogue = dialogue();
        dialogue.ask(ALLOCATE, ID, now);
        let mut sent = 1;
        let begun = now;
        loop {
            now += Duration::from_millis(100);
            match dialogue.is_overdue(now) {
                Some(again) => sent += u32::from(again),
                None => break,
            }
        }
        assert_eq!(sent, ATTEMPTS);
        assert!((now - begun) > Duration::from_secs(60));
    }
}
