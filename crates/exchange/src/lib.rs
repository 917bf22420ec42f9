//! The telephone exchange: who is connected, who is in which call, and what passes between them.
//!
//! [`Exchange`] is a pure state machine. It reads no clock, opens no socket and draws no random
//! numbers of its own; a driver does the world's part:
//!
//! 1. hand in what happened with [`Exchange::handle`], or [`Exchange::handle_timeout`] when the
//!    deadline of [`Exchange::poll_timeout`] has passed;
//! 2. take out every [`Output`] with [`Exchange::poll_output`] and carry it out, in order;
//! 3. sleep until the next input or [`Exchange::poll_timeout`], which may have changed.
//!
//! After an [`Output::Close`] the driver hands in [`Input::Closed`] as for any other loss.
//!
//! Inside, machines of three kinds are joined only by messages: a session is the edge where a
//! device's frames come and go, a call is the home that decides who sits in it, a ring decides who
//! answers it. They could live on two nodes.
//!
//! What an answer promises is kept before the answer leaves. The exchange decides at once, asks
//! for records with [`Output::Record`], and holds back the frames that tell of them until
//! [`Input::Stored`] has come; [`records`] says what they are.

#![forbid(unsafe_code)]

mod answers;
mod call;
mod chat;
mod connection;
mod hello;
mod ids;
mod ledger;
mod members;
mod outbox;
mod people;
pub mod records;
mod ring;
mod ringing;
mod rings;
mod routing;
mod session;
mod tickets;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use protocol::close::CloseCode;
use protocol::frame::{self, FrameError};
use protocol::id::*;
use protocol::limits;
use protocol::message::*;
use protocol::text::{Name, Token};
use protocol::time::{Now, Tick};

use call::{Call, CallInput};
use ids::Ids;
use ledger::Ledger;
use people::People;
use records::{Entry, Person, Restored, RingOutcome, WriteId};
use rings::Rings;
use session::Session;
use tickets::Tickets;
pub use tickets::{Bearer, Visitor};
use timers::{Timer, Timers};

/// A socket, as the driver names it. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// A WebSocket was opened.
    Opened(SocketId),
    /// A frame came in, understood or not.
    Frame(SocketId, Result<ClientFrame, FrameError>),
    /// The WebSocket is gone, whoever closed it.
    Closed(SocketId),
    /// Every record up to this one is stored.
    Stored(WriteId),
    /// The store could not keep the records up to this one: those that
    /// [can be refused](records::Record::can_be_refused) were dropped, the others are being tried
    /// again. Calls that go on do not wait for them, and new ones are refused until `Stored`.
    NotStored(WriteId),
    /// A person is new or has changed, as the store has them now; `None`: the account is closed.
    Person(UserId, Option<Box<Person>>),
    /// A sign-in was revoked: what came of it ends.
    Revoked(LoginId),
    /// An administrator ends a call and closes its room: nobody comes back by its link.
    Kick(CallId),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Store this. Records come in order; [`Input::Stored`] or [`Input::NotStored`] answers.
    Record(Entry),
    /// Reach a person's devices that are not connected.
    Push(PushNotice),
    /// The relay has to take back a participant's credentials: their seat was taken away.
    RevokeRelay {
        /// For whom they were made.
        participant: ParticipantId,
        /// The last of them expires then, in seconds since the Unix epoch.
        until: u64,
    },
    /// Send a text frame.
    Send {
        /// Where to.
        socket: SocketId,
        /// The frame.
        text: String,
    },
    /// Close a socket once what was sent before is out.
    Close {
        /// Which one.
        socket: SocketId,
        /// Why.
        code: CloseCode,
    },
}

/// What a person's sleeping devices are to show.
#[derive(Clone, Debug, PartialEq)]
pub struct PushNotice {
    /// Who is called.
    pub user: UserId,
    /// The ring; a later notice of it replaces an earlier one.
    pub ring: RingId,
    /// The call it asks into.
    pub call: CallId,
    /// Who calls.
    pub from: Caller,
    /// What the caller sends.
    pub media: MediaState,
    /// What happened.
    pub kind: PushKind,
    /// Sign-ins whose devices know already.
    pub except: BTreeSet<LoginId>,
}

/// What happened to a ring that devices are told of by push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushKind {
    /// It rings.
    Ringing {
        /// For how long still.
        ttl: Duration,
    },
    /// It is over.
    Over(RingOutcome),
}

/// A call that is going on, for administrators.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveCall {
    /// The call.
    pub call: CallId,
    /// Its room.
    pub room: RoomId,
    /// Whether media has flowed.
    pub connected: bool,
    /// Who sits in it: the account, if there is one, and the name others see.
    pub people: Vec<(Option<UserId>, Name)>,
}

/// How the exchange is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Checks a signature: public key (P-256, uncompressed), signed text, signature (`r ‖ s`).
    pub verify: fn(&[u8], &[u8], &[u8]) -> bool,
    /// Where clients find STUN and TURN.
    pub relay: RelayConfig,
    /// Sessions at once. More take about 10 KiB each; beyond it new clients are asked to wait.
    pub max_sessions: usize,
}

/// Where clients find STUN and TURN, and what their credentials are made from.
#[derive(Clone, Debug, Default)]
pub struct RelayConfig {
    /// `stun:` URLs.
    pub stun_urls: Vec<String>,
    /// `turn:` URLs; none switches relaying off.
    pub turn_urls: Vec<String>,
    /// The secret shared with the relay.
    pub secret: Vec<u8>,
}

/// How the server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// For good: calls are ended.
    Stop,
    /// To come back: media goes on, clients are told to join again.
    Restart,
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sessions opened.
    pub sessions_opened: u64,
    /// Sessions resumed.
    pub sessions_resumed: u64,
    /// Calls opened.
    pub calls_opened: u64,
    /// Connections that came up, or came up again.
    pub connections_up: u64,
    /// Rings begun, also those that were over before a device heard of them.
    pub rings_begun: u64,
    /// Rings answered, at a device or by coming to the call.
    pub rings_answered: u64,
    /// Frames that were refused.
    pub frames_refused: u64,
}

/// The telephone exchange. See the crate's documentation for how to drive it.
///
/// A clone goes its own way from the same state; equal states have equal hashes.
#[derive(Clone, Debug)]
pub struct Exchange {
    config: Config,
    epoch: Epoch,
    ids: Ids,
    tickets: Tickets,
    /// Every open socket, and its session once it has one.
    sockets: BTreeMap<SocketId, Option<SessionId>>,
    sessions: BTreeMap<SessionId, Session>,
    calls: BTreeMap<CallId, Call>,
    rooms: BTreeMap<RoomId, CallId>,
    /// Rooms that an administrator has closed, for good.
    closed: BTreeSet<RoomId>,
    people: People,
    rings: Rings,
    ledger: Ledger,
    /// Sessions whose frames may leave once the input is handled.
    touched: BTreeSet<SessionId>,
    timers: Timers,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Hash for Exchange {
    /// What decides about everything to come: neither what was counted, nor the ids to be drawn.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.epoch.hash(state);
        self.tickets.hash(state);
        self.sockets.hash(state);
        self.sessions.hash(state);
        self.calls.hash(state);
        self.closed.hash(state);
        self.people.hash(state);
        self.rings.hash(state);
        self.ledger.hash(state);
        self.timers.hash(state);
    }
}

impl Exchange {
    /// An exchange in a new epoch, with what was going on when the last one ended. Everything
    /// unguessable is drawn from `seed`.
    pub fn new(config: Config, seed: [u8; 32], now: Now, restored: Restored) -> Exchange {
        let mut ids = Ids::new(seed);
        let mut exchange = Exchange {
            config,
            epoch: Epoch::from_bytes(ids.fresh()),
            ids,
            tickets: Tickets::default(),
            sockets: BTreeMap::new(),
            sessions: BTreeMap::new(),
            calls: BTreeMap::new(),
            rooms: BTreeMap::new(),
            closed: BTreeSet::new(),
            people: People::default(),
            rings: Rings::default(),
            ledger: Ledger::default(),
            touched: BTreeSet::new(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        };
        exchange.restore(now, restored);
        exchange
    }

    fn restore(&mut self, now: Now, restored: Restored) {
        self.closed.extend(restored.closed);
        for (user, person) in restored.people {
            self.people.put(user, person);
        }
        for call in restored.calls {
            let deadline = now.tick + millis(limits::WINDOW_MS);
            self.timers.set(Timer::Reclaim(call.call), deadline);
            self.rooms.insert(call.room, call.call);
            self.calls.insert(call.call, Call::restored(call));
        }
        for ring in restored.rings {
            self.restore_ring(now, ring);
        }
        self.settle();
    }

    /// Draws ids from another seed from now on. Who tries every order of some inputs gives each
    /// of them its own seed: orders that lead to the same state then have the same ids in it.
    pub fn reseed(&mut self, seed: [u8; 32]) {
        self.ids = Ids::new(seed);
    }

    /// A ticket for one socket; `None` when too many are waiting to be used.
    pub fn issue_ticket(&mut self, now: Now, bearer: Bearer) -> Option<Ticket> {
        self.tickets.issue(now.tick, bearer, &mut self.ids)
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Opened(socket) => self.handle_opened(now, socket),
            Input::Frame(socket, frame) => self.handle_frame(now, socket, frame),
            Input::Closed(socket) => self.handle_closed(now, socket),
            Input::Stored(id) => self.handle_stored(now, id),
            Input::NotStored(id) => self.handle_not_stored(id),
            Input::Person(user, person) => self.handle_person(now, user, person),
            Input::Revoked(login) => self.handle_revoked(now, login),
            Input::Kick(call) => self.kick(now, call),
        }
        self.settle();
    }

    /// When to call [`Exchange::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.timers.next()
    }

    /// Does everything whose time has come. Calling it too early does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop_due(now.tick) {
            self.handle_timer(now, timer);
            self.settle();
        }
    }

    /// The next thing to do, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Tells every client that the server stops, and closes every socket.
    pub fn shut_down(&mut self, now: Now, how: Shutdown) {
        if how == Shutdown::Stop {
            for call in self.calls.keys().copied().collect::<Vec<_>>() {
                self.tell_call(now, call, CallInput::End(EndReason::ServerStopped));
            }
        }
        let go_away = match how {
            Shutdown::Stop => GoAway {
                action: GoAwayAction::Stop,
                after_ms: 0,
                jitter_ms: 0,
            },
            Shutdown::Restart => GoAway {
                action: GoAwayAction::Rejoin,
                after_ms: 250,
                jitter_ms: 500,
            },
        };
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.push(id, None, &go_away.clone().into());
        }
        // Nobody waits for the store any more: their sockets close now.
        self.ledger.take_current();
        self.settle();
        for socket in self.sockets.keys().copied() {
            self.outputs.push_back(Output::Close {
                socket,
                code: CloseCode::GoingAway,
            });
        }
    }

    /// What has happened since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Calls that are going on.
    pub fn live_calls(&self) -> usize {
        self.calls.len()
    }

    /// Sessions that are open or can be resumed.
    pub fn live_sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The calls that are going on.
    pub fn calls(&self) -> impl Iterator<Item = LiveCall> {
        self.calls.iter().map(|(id, call)| LiveCall {
            call: *id,
            room: call.room(),
            connected: call.was_connected(),
            people: call
                .occupants()
                .map(|(user, name)| (user, name.clone()))
                .collect(),
        })
    }

    /// The sign-ins of somebody that have a session now.
    pub fn online_logins(&self, user: UserId) -> BTreeSet<LoginId> {
        let sessions = self.people.sessions(user);
        let login = |id| self.sessions.get(&id).and_then(Session::login);
        sessions.filter_map(login).collect()
    }

    /// Rings that are not over.
    pub fn live_rings(&self) -> usize {
        self.rings.live()
    }

    /// Sends what may leave after an input: frames that tell of something new wait until it is
    /// stored, all others leave now.
    fn settle(&mut self) {
        let barrier = self.ledger.take_current();
        for id in std::mem::take(&mut self.touched) {
            self.flush(id, barrier);
        }
    }

    fn flush(&mut self, id: SessionId, barrier: Option<WriteId>) {
        let settled = self.ledger.settled();
        let session = self.sessions.get_mut(&id);
        if session.is_some_and(|session| session.flush(barrier, settled, &mut self.outputs)) {
            self.ledger.wait(id);
        }
    }

    /// Adds a message to what a session is sent.
    fn push(&mut self, id: SessionId, re: Option<&Token>, message: &ServerMessage) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.push(re, message);
            self.touched.insert(id);
        }
    }

    fn answer(&mut self, id: SessionId, re: Option<&Token>, answer: ServerMessage) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.answer(re, answer);
            self.touched.insert(id);
        }
    }

    // ---- sockets ----

    fn handle_opened(&mut self, now: Now, socket: SocketId) {
        self.sockets.insert(socket, None);
        self.timers
            .set(Timer::Hello(socket), now.tick + millis(limits::HELLO_MS));
    }

    fn handle_closed(&mut self, now: Now, socket: SocketId) {
        self.timers.clear(Timer::Hello(socket));
        let Some(Some(id)) = self.sockets.remove(&socket) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.socket() != Some(socket) {
            return; // It went on on a newer socket.
        }
        session.detach();
        self.timers
            .set(Timer::Window(id), now.tick + session.window());
        self.timers.clear(Timer::Ping(id));
        self.tell_calls_of(now, id, || CallInput::Detached(id));
    }

    fn handle_frame(&mut self, now: Now, socket: SocketId, frame: Result<ClientFrame, FrameError>) {
        let Some(bound) = self.sockets.get(&socket).copied() else {
            return;
        };
        let Some(id) = bound else {
            return match frame {
                Ok(frame) => self.handle_first_frame(now, socket, frame),
                Err(error) => self.refuse_frame(now, socket, None, error),
            };
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.socket() != Some(socket) {
            return; // An older socket that is being closed.
        }
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return self.refuse_frame(now, socket, bound, error),
        };
        self.touched.insert(id);
        if let Some(routed) = session.handle(now.tick, frame, &mut self.outputs) {
            self.route(now, id, routed);
        }
    }

    /// Says what was wrong with a frame. One that is no frame at all ends the socket.
    fn refuse_frame(
        &mut self,
        now: Now,
        socket: SocketId,
        bound: Option<SessionId>,
        error: FrameError,
    ) {
        self.counters.frames_refused += 1;
        let message = error.to_string();
        let (code, re) = match error {
            FrameError::NotAFrame(_) => {
                self.send_error(socket, None, ErrorCode::Malformed, &message);
                return self.close(now, socket, CloseCode::BadFrame);
            }
            FrameError::UnknownType { id, .. } => (ErrorCode::UnknownType, id),
            FrameError::Malformed { id, .. } => (ErrorCode::Malformed, id),
        };
        match bound {
            Some(id) => self.push(id, re.as_ref(), &call::error(code, &message)),
            None => self.send_error(socket, re.as_ref(), code, &message),
        }
    }

    /// Closes a socket. Whatever is still read from it has no effect.
    fn close(&mut self, now: Now, socket: SocketId, code: CloseCode) {
        self.outputs.push_back(Output::Close { socket, code });
        self.handle_closed(now, socket);
    }

    fn send_error(&mut self, socket: SocketId, re: Option<&Token>, code: ErrorCode, text: &str) {
        self.send(socket, re, &call::error(code, text));
    }

    fn send(&mut self, socket: SocketId, re: Option<&Token>, message: &ServerMessage) {
        self.outputs.push_back(Output::Send {
            socket,
            text: frame::encode(None, re, message),
        });
    }

    // ---- time ----

    fn handle_timer(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::Hello(socket) => self.close(now, socket, CloseCode::HelloTimeout),
            Timer::Ping(id) => {
                let session = self.sessions.get_mut(&id);
                if session.is_some_and(|session| session.ping(&mut self.outputs)) {
                    self.schedule_ping(now, id);
                }
            }
            Timer::Window(id) => {
                let closing = self.sessions.get(&id).is_some_and(Session::is_closing);
                self.end_session(now, id, closing);
            }
            Timer::Connection(call, connection) => {
                self.tell_call(now, call, CallInput::ConnectionDeadline(connection));
            }
            Timer::Renew(call) => self.tell_call(now, call, CallInput::Renew),
            Timer::Reclaim(call) => self.tell_call(now, call, CallInput::ReclaimDeadline),
            Timer::Ring(ring) => self.tell_ring(now, ring, |ring, out| ring.expire(out)),
            Timer::Push(ring) => self.tell_ring(now, ring, |ring, out| ring.push_is_due(out)),
            Timer::Forget(ring) => drop(self.rings.remove(ring)),
        }
    }

    /// A session is given up, with its part in calls and rings.
    fn end_session(&mut self, now: Now, id: SessionId, closing: bool) {
        self.tell_calls_of(now, id, || CallInput::Gone {
            session: id,
            closing,
        });
        let user = self.sessions.remove(&id).and_then(|session| session.user());
        self.timers.clear(Timer::Window(id));
        self.timers.clear(Timer::Ping(id));
        if let Some(user) = user {
            self.people.disconnect(user, id);
            self.remove_legs(now, id, user);
            self.refresh_presence(user);
        }
    }

    fn schedule_ping(&mut self, now: Now, id: SessionId) {
        if let Some(session) = self.sessions.get(&id) {
            self.timers
                .set(Timer::Ping(id), now.tick + session.ping_interval());
        }
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
