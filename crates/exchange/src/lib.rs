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
//! Inside, two kinds of machines are joined only by messages: a session is the edge where a
//! device's frames come and go, a call is the home that decides. They could live on two nodes.

#![forbid(unsafe_code)]

mod answers;
mod call;
mod chat;
mod connection;
mod hello;
mod ids;
mod outbox;
pub mod records;
mod session;
mod tickets;
mod timers;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use protocol::close::CloseCode;
use protocol::frame::{self, FrameError};
use protocol::id::*;
use protocol::limits;
use protocol::message::*;
use protocol::text::Token;
use protocol::time::{Now, Tick};

use call::{Call, CallInput, CallOutput, Context, Request};
use ids::Ids;

use session::{Routed, Session, Target};
use tickets::Tickets;
use timers::{Timer, Timers};

/// A socket, as the driver names it. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A WebSocket was opened.
    Opened(SocketId),
    /// A frame came in, understood or not.
    Frame(SocketId, Result<ClientFrame, FrameError>),
    /// The WebSocket is gone, whoever closed it.
    Closed(SocketId),
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
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
    /// Frames that were refused.
    pub frames_refused: u64,
}

/// The telephone exchange. See the crate's documentation for how to drive it.
#[derive(Debug)]
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
    timers: Timers,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Exchange {
    /// An exchange in a new epoch. Everything unguessable is drawn from `seed`.
    pub fn new(config: Config, seed: [u8; 32]) -> Exchange {
        let mut ids = Ids::new(seed);
        Exchange {
            config,
            epoch: Epoch::from_bytes(ids.fresh()),
            ids,
            tickets: Tickets::default(),
            sockets: BTreeMap::new(),
            sessions: BTreeMap::new(),
            calls: BTreeMap::new(),
            rooms: BTreeMap::new(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// A ticket for one socket; `None` when too many are waiting to be used.
    pub fn issue_ticket(&mut self, now: Now) -> Option<Ticket> {
        self.tickets.issue(now.tick, &mut self.ids)
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Opened(socket) => self.handle_opened(now, socket),
            Input::Frame(socket, frame) => self.handle_frame(now, socket, frame),
            Input::Closed(socket) => self.handle_closed(now, socket),
        }
    }

    /// When to call [`Exchange::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.timers.next()
    }

    /// Does everything whose time has come. Calling it too early does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop_due(now.tick) {
            self.handle_timer(now, timer);
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
                self.tell_call(now, call, CallInput::Stop);
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
        for session in self.sessions.values_mut() {
            session.push(None, &go_away.clone().into(), &mut self.outputs);
        }
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
        match bound.and_then(|id| self.sessions.get_mut(&id)) {
            Some(session) => {
                session.push(re.as_ref(), &call::error(code, &message), &mut self.outputs);
            }
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

    // ---- from sessions to calls and back ----

    fn route(&mut self, now: Now, session: SessionId, routed: Routed) {
        let Routed { to, re, request } = routed;
        let call = match (&to, &request) {
            (Target::Call(call), _) => Some(*call),
            (Target::Room, Request::Join { join, .. }) => self.call_of_room(session, join),
            (Target::Room, _) => None,
        };
        let mine = |call: &CallId| match to {
            Target::Room => true,
            Target::Call(_) => self
                .calls
                .get(call)
                .is_some_and(|call| call.seats_session(session)),
        };
        match call.filter(mine) {
            Some(call) => self.tell_call(
                now,
                call,
                CallInput::Request {
                    session,
                    re,
                    request,
                },
            ),
            None => self.answer(session, re.as_ref(), refusal(&to, &request)),
        }
    }

    /// The call of the room, opened if there is none; `None` if the session sits in too many.
    fn call_of_room(&mut self, session: SessionId, join: &Join) -> Option<CallId> {
        let seats = &self.sessions.get(&session)?.calls;
        let current = self.rooms.get(&join.room).copied();
        let has_seat = current.is_some_and(|call| seats.contains(&call));
        if seats.len() >= limits::CALLS_PER_SESSION && !has_seat {
            return None;
        }
        Some(current.unwrap_or_else(|| self.open_call(join)))
    }

    fn open_call(&mut self, join: &Join) -> CallId {
        // An id that is taken belongs to another room. It is not the asker's business which.
        let taken = self.calls.contains_key(&join.call);
        let id = if taken {
            CallId::from_bytes(self.ids.fresh())
        } else {
            join.call
        };
        self.calls.insert(id, Call::new(id, join.room));
        self.rooms.insert(join.room, id);
        self.counters.calls_opened += 1;
        id
    }

    fn tell_calls_of(&mut self, now: Now, session: SessionId, input: impl Fn() -> CallInput) {
        let calls = self
            .sessions
            .get(&session)
            .map(|session| session.calls.clone());
        for call in calls.into_iter().flatten() {
            self.tell_call(now, call, input());
        }
    }

    fn tell_call(&mut self, now: Now, id: CallId, input: CallInput) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let mut out = Vec::new();
        let mut context = Context {
            now,
            ids: &mut self.ids,
            relay: &self.config.relay,
            out: &mut out,
        };
        call.handle(input, &mut context);
        for output in out {
            self.carry_out(now, id, output);
        }
    }

    fn carry_out(&mut self, now: Now, call: CallId, output: CallOutput) {
        match output {
            CallOutput::Tell { session, message } => {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.push(None, &message, &mut self.outputs);
                }
            }
            CallOutput::Answer {
                session,
                re,
                answer,
            } => {
                self.answer(session, re.as_ref(), answer);
            }
            CallOutput::Seated(session) => self.set_seat(now, session, call, true),
            CallOutput::Unseated(session) => self.set_seat(now, session, call, false),
            CallOutput::ConnectionTimer(connection, at) => {
                self.set_timer(Timer::Connection(call, connection), at);
            }
            CallOutput::RenewTimer(at) => self.set_timer(Timer::Renew(call), at),
            CallOutput::Connected => self.counters.connections_up += 1,
            CallOutput::Over => {
                if let Some(call) = self.calls.remove(&call) {
                    self.rooms.remove(&call.room());
                }
            }
        }
    }

    fn answer(&mut self, session: SessionId, re: Option<&Token>, answer: ServerMessage) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.answer(re, answer, &mut self.outputs);
        }
    }

    fn set_seat(&mut self, now: Now, id: SessionId, call: CallId, seated: bool) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let was_idle = session.calls.is_empty();
        if seated {
            session.calls.insert(call);
        } else {
            session.calls.remove(&call);
        }
        if was_idle && seated && session.socket().is_some() {
            self.schedule_ping(now, id);
        }
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
                self.tell_calls_of(now, id, || CallInput::Gone {
                    session: id,
                    closing,
                });
                self.sessions.remove(&id);
            }
            Timer::Connection(call, connection) => {
                self.tell_call(now, call, CallInput::ConnectionDeadline(connection));
            }
            Timer::Renew(call) => self.tell_call(now, call, CallInput::Renew),
        }
    }

    fn schedule_ping(&mut self, now: Now, id: SessionId) {
        if let Some(session) = self.sessions.get(&id) {
            self.timers
                .set(Timer::Ping(id), now.tick + session.ping_interval());
        }
    }

    fn set_timer(&mut self, timer: Timer, at: Option<Tick>) {
        match at {
            Some(at) => self.timers.set(timer, at),
            None => self.timers.clear(timer),
        }
    }
}

/// The answer to a request that reaches no call.
fn refusal(to: &Target, request: &Request) -> ServerMessage {
    match (to, request) {
        (Target::Room, _) => call::error(
            ErrorCode::Limit,
            "You are in as many calls as one session can be.",
        ),
        // Hanging up twice is no mistake.
        (Target::Call(_), Request::Hangup) => Done {}.into(),
        (Target::Call(_), _) => call::not_found(),
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
