//! An exchange with a virtual clock and sockets that are queues.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exchange::records::{Person, Restored, WriteId};
use exchange::{
    Bearer, Config, Exchange, Input, Output, PushNotice, RelayConfig, Shutdown, SocketId,
};
use protocol::close::CloseCode;
use protocol::frame;
use protocol::id::{LoginId, ParticipantId, UserId};
use protocol::time::{Now, Tick};
use serde_json::{Value, json};

use crate::keep::{Keep, Mood};

/// 2026-01-01, so that credentials have a believable expiry.
const START_UNIX: Duration = Duration::from_secs(1_767_225_600);

/// An exchange, its clock and its sockets.
#[derive(Debug)]
pub struct Switchboard {
    exchange: Exchange,
    max_sessions: usize,
    now: Tick,
    next_socket: u64,
    sockets: BTreeMap<SocketId, Socket>,
    keep: Keep,
    mood: Mood,
    /// The newest record the failing store was asked to keep.
    failed: Option<WriteId>,
    pushed: Vec<PushNotice>,
    revoked: Vec<(ParticipantId, u64)>,
}

#[derive(Debug, Default)]
struct Socket {
    received: Vec<Value>,
    closed: Option<CloseCode>,
}

/// A signature as the switchboard's exchange believes it: the key, then the text. It proves
/// nothing, and costs nothing.
pub fn sign(device: &str, text: &str) -> Value {
    json!({
        "key": URL_SAFE_NO_PAD.encode(device),
        "signature": URL_SAFE_NO_PAD.encode([device, text].concat()),
    })
}

pub(crate) fn believe(key: &[u8], text: &[u8], signature: &[u8]) -> bool {
    signature == [key, text].concat()
}

fn exchange(seed: u64, max_sessions: usize, now: Now, restored: Restored) -> Exchange {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let relay = RelayConfig {
        stun_urls: vec!["stun:203.0.113.10:3478".to_owned()],
        turn_urls: vec!["turn:203.0.113.10:3478?transport=udp".to_owned()],
        secret: b"secret".to_vec(),
    };
    Exchange::new(
        Config {
            verify: believe,
            relay,
            max_sessions,
        },
        bytes,
        now,
        restored,
    )
}

pub(crate) const fn at(tick: Tick) -> Now {
    Now {
        tick,
        unix: START_UNIX.saturating_add(Duration::from_micros(tick.as_micros())),
    }
}

/// The moment of a record.
pub(crate) fn tick_of(unix_ms: u64) -> Tick {
    let start = u64::try_from(START_UNIX.as_millis()).unwrap_or(u64::MAX);
    Tick::default() + Duration::from_millis(unix_ms.saturating_sub(start))
}

impl Switchboard {
    /// An exchange whose ids follow from the seed.
    pub fn new(seed: u64) -> Switchboard {
        Switchboard::with_sessions(seed, 1000)
    }

    /// One that takes so many sessions and no more.
    pub fn with_sessions(seed: u64, max_sessions: usize) -> Switchboard {
        Switchboard {
            exchange: exchange(seed, max_sessions, at(Tick::default()), Restored::default()),
            max_sessions,
            now: Tick::default(),
            next_socket: 1,
            sockets: BTreeMap::new(),
            keep: Keep::default(),
            mood: Mood::Prompt,
            failed: None,
            pushed: Vec::new(),
            revoked: Vec::new(),
        }
    }

    /// The exchange itself, to look at.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The virtual time.
    pub fn tick(&self) -> Tick {
        self.now
    }

    /// The server dies and another one starts: every socket is lost, and what was not stored.
    pub fn restart(&mut self, seed: u64) {
        self.keep.crash();
        // Records are numbered anew.
        self.failed = None;
        let now = self.now();
        let restored = self.keep.restored(now.unix_millis());
        self.exchange = exchange(seed, self.max_sessions, now, restored);
        self.carry_out();
        for socket in self.sockets.values_mut() {
            socket.closed.get_or_insert(CloseCode::GoingAway);
        }
    }

    /// The same, and the store is lost as well: nothing is remembered but who has an account.
    pub fn restart_without_store(&mut self, seed: u64) {
        self.keep = Keep {
            people: std::mem::take(&mut self.keep.people),
            ..Keep::default()
        };
        self.restart(seed);
    }

    // ---- the store ----

    /// What is kept.
    pub fn keep(&self) -> &Keep {
        &self.keep
    }

    /// How the store behaves from now on. A prompt one catches up.
    pub fn set_mood(&mut self, mood: Mood) {
        self.mood = mood;
        self.attend_store();
    }

    /// Stores some of what waits in a slow store.
    pub fn store(&mut self, count: usize) {
        if let Some(id) = self.keep.store(count) {
            self.handle(Input::Stored(id));
        }
    }

    /// A slow store gives up on what waits.
    pub fn fail(&mut self) {
        if let Some(id) = self.keep.fail() {
            self.handle(Input::NotStored(id));
        }
    }

    fn attend_store(&mut self) {
        let input = match self.mood {
            Mood::Slow => None,
            Mood::Prompt => self.keep.store(usize::MAX).map(Input::Stored),
            // What is being tried again is not news.
            Mood::Failing
                if self
                    .keep
                    .waiting
                    .back()
                    .is_none_or(|e| Some(e.id) <= self.failed) =>
            {
                None
            }
            Mood::Failing => {
                self.failed = self.keep.waiting.back().map(|entry| entry.id);
                self.keep.fail().map(Input::NotStored)
            }
        };
        if let Some(input) = input {
            self.exchange.handle(self.now(), input);
            self.carry_out();
        }
    }

    // ---- people ----

    /// Somebody has an account, or has changed it.
    pub fn set_person(&mut self, user: UserId, person: Person) {
        self.keep.people.insert(user, person.clone());
        self.handle(Input::Person(user, Some(Box::new(person))));
    }

    /// Somebody's account is closed.
    pub fn remove_person(&mut self, user: UserId) {
        self.keep.people.remove(&user);
        self.handle(Input::Person(user, None));
    }

    /// A sign-in is revoked.
    pub fn revoke(&mut self, login: LoginId) {
        self.handle(Input::Revoked(login));
    }

    /// Takes what was sent to sleeping devices.
    pub fn take_pushed(&mut self) -> Vec<PushNotice> {
        std::mem::take(&mut self.pushed)
    }

    /// Takes whose relay credentials were taken back, and until when those expire.
    pub fn take_revoked(&mut self) -> Vec<(ParticipantId, u64)> {
        std::mem::take(&mut self.revoked)
    }

    /// Something else happens.
    pub fn input(&mut self, input: Input) {
        self.handle(input);
    }

    // ---- sockets ----

    /// Seconds since the Unix epoch, as the exchange is told.
    pub fn unix_seconds(&self) -> u64 {
        self.now().unix_seconds()
    }

    /// The server is stopped politely.
    pub fn shut_down(&mut self, how: Shutdown) {
        self.exchange.shut_down(self.now(), how);
        self.carry_out();
    }

    /// Opens a socket.
    pub fn open(&mut self) -> SocketId {
        let socket = SocketId(self.next_socket);
        self.next_socket += 1;
        self.sockets.insert(socket, Socket::default());
        self.handle(Input::Opened(socket));
        socket
    }

    /// A guest's ticket, as text.
    pub fn ticket(&mut self) -> String {
        self.ticket_for(Bearer::Guest)
    }

    /// Somebody's ticket, as text.
    pub fn ticket_for(&mut self, bearer: Bearer) -> String {
        let now = self.now();
        self.exchange
            .issue_ticket(now, bearer)
            .expect("tickets are not scarce here")
            .to_string()
    }

    /// Sends a frame on a socket, if it is open.
    pub fn send(&mut self, socket: SocketId, frame: &Value) {
        self.send_text(socket, &frame.to_string());
    }

    /// Sends any text on a socket, if it is open.
    pub fn send_text(&mut self, socket: SocketId, text: &str) {
        if self.closed(socket).is_none() {
            self.handle(Input::Frame(socket, frame::parse(text)));
        }
    }

    /// Takes what has arrived on a socket.
    pub fn receive(&mut self, socket: SocketId) -> Vec<Value> {
        self.sockets
            .get_mut(&socket)
            .map(|s| std::mem::take(&mut s.received))
            .unwrap_or_default()
    }

    /// Takes the first frame that has arrived on a socket, and leaves the rest.
    pub fn receive_first(&mut self, socket: SocketId) -> Value {
        let socket = self.sockets.get_mut(&socket);
        match socket.filter(|socket| !socket.received.is_empty()) {
            Some(socket) => socket.received.remove(0),
            None => Value::Null,
        }
    }

    /// Why the server closed a socket, if it did.
    pub fn closed(&self, socket: SocketId) -> Option<CloseCode> {
        self.sockets.get(&socket)?.closed
    }

    /// The socket is lost, at both ends; what was on the way is lost with it.
    pub fn cut(&mut self, socket: SocketId) {
        if self
            .sockets
            .remove(&socket)
            .is_some_and(|socket| socket.closed.is_none())
        {
            self.handle(Input::Closed(socket));
        }
    }

    /// Lets time pass, doing what is due when it is due.
    pub fn advance(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.exchange.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.exchange.handle_timeout(self.now());
            self.carry_out();
        }
        self.now = end;
    }

    fn handle(&mut self, input: Input) {
        self.exchange.handle(self.now(), input);
        self.carry_out();
    }

    fn now(&self) -> Now {
        at(self.now)
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.exchange.poll_output() {
            match output {
                Output::Send { socket, text } => self.deliver(socket, &text),
                Output::Close { socket, code } => self.close(socket, code),
                Output::Record(entry) => self.keep.take(entry),
                Output::Push(notice) => self.pushed.push(notice),
                Output::RevokeRelay { participant, until } => {
                    self.revoked.push((participant, until));
                }
            }
        }
        if !self.keep.waiting.is_empty() {
            self.attend_store();
        }
    }

    fn deliver(&mut self, socket: SocketId, text: &str) {
        let frame = serde_json::from_str(text).expect("the server sends JSON");
        if let Some(socket) = self.sockets.get_mut(&socket).filter(|s| s.closed.is_none()) {
            socket.received.push(frame);
        }
    }

    fn close(&mut self, id: SocketId, code: CloseCode) {
        let open = self
            .sockets
            .get_mut(&id)
            .filter(|socket| socket.closed.is_none());
        if let Some(socket) = open {
            socket.closed = Some(code);
            self.exchange.handle(self.now(), Input::Closed(id));
        }
    }
}
