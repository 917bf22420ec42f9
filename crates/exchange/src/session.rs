//! A session: the edge where one connected device is known, numbered, limited and resumed.
//!
//! A session never decides about calls. It turns frames into [`Routed`] requests and messages
//! for its client into numbered frames, and keeps those until they are acknowledged.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use protocol::close::CloseCode;
use protocol::frame;
use protocol::id::{CallId, DeviceId, ResumeToken};
use protocol::limits;
use protocol::message::*;
use protocol::text::Token;
use protocol::time::Tick;

use crate::answers::{Answers, Seen};
use crate::call::{self, Request};
use crate::outbox::Outbox;
use crate::{Output, SocketId};

/// Pings that may stay unanswered before the socket is taken for dead.
const UNANSWERED_PINGS: u8 = 2;

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) device: DeviceId,
    pub(crate) calls: BTreeSet<CallId>,
    socket: Option<SocketId>,
    unanswered_pings: u8,
    outbox: Outbox,
    /// More was missed than is kept: this session cannot be resumed any more.
    overflowed: bool,
    answers: Answers,
    tokens: Tokens,
    /// The page said that it is being unloaded.
    closing: bool,
}

/// The newest resume token and, until the client has shown that it knows it, the one before.
#[derive(Debug)]
struct Tokens {
    newest: ResumeToken,
    previous: Option<ResumeToken>,
}

/// A request on its way to a call.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) to: Target,
    pub(crate) re: Option<Token>,
    pub(crate) request: Request,
}

/// Which call a request is for.
#[derive(Debug)]
pub(crate) enum Target {
    /// The call of this request's room, or a new one.
    Room,
    /// This call.
    Call(CallId),
}

impl Session {
    pub(crate) fn new(device: DeviceId, token: ResumeToken, socket: SocketId) -> Session {
        Session {
            device,
            calls: BTreeSet::new(),
            socket: Some(socket),
            unanswered_pings: 0,
            outbox: Outbox::default(),
            overflowed: false,
            answers: Answers::default(),
            tokens: Tokens {
                newest: token,
                previous: None,
            },
            closing: false,
        }
    }

    pub(crate) fn socket(&self) -> Option<SocketId> {
        self.socket
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// How long the session is kept without a socket.
    pub(crate) fn window(&self) -> Duration {
        let millis = if self.closing {
            limits::CLOSING_MS
        } else {
            limits::WINDOW_MS
        };
        Duration::from_millis(millis)
    }

    /// How long until the next ping.
    pub(crate) fn ping_interval(&self) -> Duration {
        let idle = self.calls.is_empty();
        Duration::from_millis(if idle {
            limits::PING_IDLE_MS
        } else {
            limits::PING_IN_CALL_MS
        })
    }

    // ---- resume ----

    /// Whether this client may take the session over and nothing it missed is lost.
    pub(crate) fn can_resume(&self, resume: &Resume, device: DeviceId) -> Result<(), ResetReason> {
        let token = resume.resume_token;
        let known = token == self.tokens.newest || Some(token) == self.tokens.previous;
        if !known || device != self.device {
            return Err(ResetReason::UnknownSession);
        }
        if self.overflowed || self.outbox.after(resume.last_seq).is_none() {
            return Err(ResetReason::Overflow);
        }
        Ok(())
    }

    /// Moves to a new socket and sends what was missed. Ask [`Session::can_resume`] first.
    pub(crate) fn resume(
        &mut self,
        socket: SocketId,
        re: Option<&Token>,
        resume: &Resume,
        token: ResumeToken,
        out: &mut VecDeque<Output>,
    ) {
        if let Some(older) = self.socket.replace(socket) {
            out.push_back(Output::Close {
                socket: older,
                code: CloseCode::Replaced,
            });
        }
        // The token the client used stays valid: the answer with the new one may be lost.
        self.tokens = Tokens {
            newest: token,
            previous: Some(resume.resume_token),
        };
        self.unanswered_pings = 0;
        self.closing = false;
        let resumed = Resumed {
            resume_token: token,
            up_to: self.outbox.next_seq() - 1,
        };
        self.send_unnumbered(re, &resumed.into(), out);
        self.outbox.acknowledge(resume.last_seq);
        for text in self.outbox.after(resume.last_seq).into_iter().flatten() {
            out.push_back(Output::Send {
                socket,
                text: text.clone(),
            });
        }
    }

    /// The socket is gone.
    pub(crate) fn detach(&mut self) {
        self.socket = None;
    }

    // ---- frames from the client ----

    /// Handles a frame of an open session, and returns what a call has to decide.
    pub(crate) fn handle(
        &mut self,
        now: Tick,
        frame: ClientFrame,
        out: &mut VecDeque<Output>,
    ) -> Option<Routed> {
        self.heard(frame.ack);
        match frame.message {
            ClientMessage::Ack(_) | ClientMessage::Pong(_) => None,
            ClientMessage::Ping(_) => {
                self.send_unnumbered(frame.id.as_ref(), &Pong {}.into(), out);
                None
            }
            ClientMessage::Closing(_) => {
                self.closing = true;
                None
            }
            request => self.handle_request(now, frame.id, request, out),
        }
    }

    /// Handles what is answered, once; a repeat is only answered again.
    fn handle_request(
        &mut self,
        now: Tick,
        re: Option<Token>,
        message: ClientMessage,
        out: &mut VecDeque<Output>,
    ) -> Option<Routed> {
        let seen = match &re {
            Some(id) => self.answers.begin(now, id),
            None => Seen::New,
        };
        match seen {
            Seen::New => self.route(re, message, out),
            Seen::Pending => None,
            Seen::Answered(answer) => {
                self.push(re.as_ref(), &answer, out);
                None
            }
            Seen::Joined(call) => Some(Routed {
                to: Target::Call(call),
                re,
                request: Request::Look,
            }),
        }
    }

    fn route(
        &mut self,
        re: Option<Token>,
        message: ClientMessage,
        out: &mut VecDeque<Output>,
    ) -> Option<Routed> {
        let (to, request) = match message {
            ClientMessage::Ack(_)
            | ClientMessage::Ping(_)
            | ClientMessage::Pong(_)
            | ClientMessage::Closing(_) => return None, // Nothing answers these.
            ClientMessage::Hello(_) | ClientMessage::Resume(_) => {
                let text = "This socket has a session already.";
                self.answer(re.as_ref(), call::error(ErrorCode::BadState, text), out);
                return None;
            }
            ClientMessage::Join(join) => (
                Target::Room,
                Request::Join {
                    device: self.device,
                    join,
                },
            ),
            ClientMessage::Hangup(body) => (Target::Call(body.call), Request::Hangup),
            ClientMessage::Media(body) => (Target::Call(body.call), Request::Media(body.media)),
            ClientMessage::Chat(body) => (Target::Call(body.call), Request::Chat(body)),
            ClientMessage::Description(body) => {
                (Target::Call(body.call), Request::Description(body))
            }
            ClientMessage::Candidates(body) => (Target::Call(body.call), Request::Candidates(body)),
            ClientMessage::ConnectionState(body) => {
                (Target::Call(body.call), Request::Report(body))
            }
            ClientMessage::Invite(_)
            | ClientMessage::Ringing(_)
            | ClientMessage::Accept(_)
            | ClientMessage::Decline(_)
            | ClientMessage::Ignore(_)
            | ClientMessage::Busy(_)
            | ClientMessage::Cancel(_)
            | ClientMessage::LeaveMessage(_) => {
                let text = "Only people with an account ring and are rung. Sign in first.";
                self.answer(re.as_ref(), call::error(ErrorCode::Forbidden, text), out);
                return None;
            }
        };
        Some(Routed { to, re, request })
    }

    fn heard(&mut self, ack: Option<u64>) {
        self.unanswered_pings = 0;
        if let Some(ack) = ack {
            self.outbox.acknowledge(ack);
            self.tokens.previous = None;
        }
    }

    // ---- frames to the client ----

    /// Answers a request and remembers the answer. A request without an id only hears of errors.
    pub(crate) fn answer(
        &mut self,
        re: Option<&Token>,
        answer: ServerMessage,
        out: &mut VecDeque<Output>,
    ) {
        match re {
            Some(id) => self.answers.finish(id, &answer),
            None if matches!(answer, ServerMessage::Ok(_)) => return,
            None => {}
        }
        self.push(re, &answer, out);
    }

    /// Sends a message that must arrive: at once, or after a resume.
    pub(crate) fn push(
        &mut self,
        re: Option<&Token>,
        message: &ServerMessage,
        out: &mut VecDeque<Output>,
    ) {
        if self.overflowed {
            return;
        }
        let text = frame::encode(Some(self.outbox.next_seq()), re, message);
        if let Some(socket) = self.socket {
            out.push_back(Output::Send {
                socket,
                text: text.clone(),
            });
        }
        if self.outbox.push(text) {
            return;
        }
        self.overflowed = true;
        if let Some(socket) = self.socket {
            out.push_back(Output::Close {
                socket,
                code: CloseCode::SlowReader,
            });
        }
    }

    /// Sends a message that is of no use later.
    pub(crate) fn send_unnumbered(
        &self,
        re: Option<&Token>,
        message: &ServerMessage,
        out: &mut VecDeque<Output>,
    ) {
        if let Some(socket) = self.socket {
            out.push_back(Output::Send {
                socket,
                text: frame::encode(None, re, message),
            });
        }
    }

    /// It is time for a ping, or to take the socket for dead. `true` if there will be another.
    pub(crate) fn ping(&mut self, out: &mut VecDeque<Output>) -> bool {
        let Some(socket) = self.socket else {
            return false;
        };
        if self.unanswered_pings >= UNANSWERED_PINGS {
            out.push_back(Output::Close {
                socket,
                code: CloseCode::PingTimeout,
            });
            return false;
        }
        self.unanswered_pings += 1;
        self.send_unnumbered(None, &Ping {}.into(), out);
        true
    }
}
