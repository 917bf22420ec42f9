//! A session: the edge where one connected device is known, numbered, limited and resumed.
//!
//! A session never decides about calls. It turns frames into [`Routed`] requests and messages
//! for its client into numbered frames, and keeps those until they are acknowledged. A frame
//! leaves when everything it tells of is stored ([`Session::flush`]).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use protocol::close::CloseCode;
use protocol::frame;
use protocol::id::{CallId, DeviceId, LoginId, ResumeToken, RingId, UserId};
use protocol::limits;
use protocol::message::*;
use protocol::text::Token;
use protocol::time::Tick;

use crate::answers::{Answers, Seen};
use crate::call::{self, Request};
use crate::outbox::Outbox;
use crate::records::WriteId;
use crate::ring::LegAction;
use crate::{Bearer, Output, SocketId, Visitor};

/// Pings that may stay unanswered before the socket is taken for dead.
const UNANSWERED_PINGS: u8 = 2;

#[derive(Clone, Debug, Hash)]
pub(crate) struct Session {
    pub(crate) device: DeviceId,
    bearer: Bearer,
    pub(crate) calls: BTreeSet<CallId>,
    socket: Option<SocketId>,
    unanswered_pings: u8,
    outbox: Outbox,
    /// Number of the newest frame that has left on this socket.
    sent: u64,
    /// Number of the first frame that was added since the last flush.
    fresh: Option<u64>,
    /// Frames from this number on wait for this record.
    holds: VecDeque<(u64, WriteId)>,
    /// More was missed than is kept: this session cannot be resumed any more.
    overflowed: bool,
    /// The client has been told so.
    dismissed: bool,
    answers: Answers,
    tokens: Tokens,
    /// The page said that it is being unloaded.
    closing: bool,
}

/// The newest resume token and, until the client has shown that it knows it, the one before.
#[derive(Clone, Debug, Hash)]
struct Tokens {
    newest: ResumeToken,
    previous: Option<ResumeToken>,
}

/// A request on its way to who decides about it.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) to: Target,
    pub(crate) re: Option<Token>,
}

/// Who decides about a request.
#[derive(Debug)]
pub(crate) enum Target {
    /// The call of this room, or a new one.
    Room(Box<Join>),
    /// This call.
    Call(CallId, Request),
    /// A ring that is to begin.
    Invite(Invite),
    /// This ring, on the callee's side.
    Leg(RingId, LegAction),
    /// This ring, which its caller gives up.
    Cancel(RingId),
    /// This ring, which was not answered.
    Message(Box<LeaveMessage>),
}

impl Session {
    pub(crate) fn new(
        device: DeviceId,
        bearer: Bearer,
        token: ResumeToken,
        socket: SocketId,
    ) -> Session {
        Session {
            device,
            bearer,
            calls: BTreeSet::new(),
            socket: Some(socket),
            unanswered_pings: 0,
            outbox: Outbox::default(),
            sent: 0,
            fresh: None,
            holds: VecDeque::new(),
            overflowed: false,
            dismissed: false,
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

    /// Whose session it is; `None` for one of somebody without an account.
    pub(crate) fn user(&self) -> Option<UserId> {
        match self.bearer {
            Bearer::Guest | Bearer::Visitor(_) => None,
            Bearer::Member { user, .. } => Some(user),
        }
    }

    /// The sign-in or join token it came of; `None` for a guest's.
    pub(crate) fn login(&self) -> Option<LoginId> {
        self.bearer.login()
    }

    /// Whom a join token has let in, and where.
    pub(crate) fn visitor(&self) -> Option<&Visitor> {
        match &self.bearer {
            Bearer::Visitor(visitor) => Some(visitor),
            _ => None,
        }
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
    pub(crate) fn can_resume(
        &self,
        resume: &Resume,
        device: DeviceId,
        bearer: &Bearer,
    ) -> Result<(), ResetReason> {
        let token = resume.resume_token;
        let known = token == self.tokens.newest || Some(token) == self.tokens.previous;
        if !known || device != self.device || *bearer != self.bearer {
            return Err(ResetReason::UnknownSession);
        }
        if self.overflowed || self.outbox.after(resume.last_seq).is_none() {
            return Err(ResetReason::Overflow);
        }
        Ok(())
    }

    /// Moves to a new socket; what was missed leaves with the next flush. Ask
    /// [`Session::can_resume`] first.
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
            up_to: self.outbox.last_seq(),
        };
        self.send_unnumbered(re, &resumed.into(), out);
        self.outbox.acknowledge(resume.last_seq);
        self.sent = resume.last_seq;
    }

    /// The socket is gone.
    pub(crate) fn detach(&mut self) {
        self.socket = None;
    }

    // ---- frames from the client ----

    /// Handles a frame of an open session, and returns what somebody else has to decide.
    pub(crate) fn handle(
        &mut self,
        now: Tick,
        frame: ClientFrame,
        out: &mut VecDeque<Output>,
    ) -> Option<Routed> {
        self.heard(frame.ack);
        let re = frame.id;
        let to = match frame.message {
            ClientMessage::Ack(_) | ClientMessage::Pong(_) => return None,
            ClientMessage::Ping(_) => {
                self.send_unnumbered(re.as_ref(), &Pong {}.into(), out);
                return None;
            }
            ClientMessage::Closing(_) => {
                self.closing = true;
                return None;
            }
            ClientMessage::Hello(_) | ClientMessage::Resume(_) => {
                let text = "This socket has a session already.";
                self.answer(re.as_ref(), call::error(ErrorCode::BadState, text));
                return None;
            }
            ClientMessage::Join(join) => Target::Room(join),
            ClientMessage::Hangup(body) => Target::Call(body.call, Request::Hangup(self.device)),
            ClientMessage::Media(body) => Target::Call(body.call, Request::Media(body.media)),
            ClientMessage::Chat(body) => Target::Call(body.call, Request::Chat(body)),
            ClientMessage::Description(body) => Target::Call(body.call, Request::Description(body)),
            ClientMessage::Candidates(body) => Target::Call(body.call, Request::Candidates(body)),
            ClientMessage::ConnectionState(body) => Target::Call(body.call, Request::Report(body)),
            ClientMessage::Invite(body) => Target::Invite(body),
            ClientMessage::Ringing(body) => Target::Leg(body.ring, LegAction::Ringing),
            ClientMessage::Accept(body) => Target::Leg(body.ring, LegAction::Accept(body.media)),
            ClientMessage::Decline(body) => Target::Leg(body.ring, LegAction::Decline),
            ClientMessage::Ignore(body) => Target::Leg(body.ring, LegAction::Ignore),
            ClientMessage::Busy(body) => Target::Leg(body.ring, LegAction::Busy),
            ClientMessage::Cancel(body) => Target::Cancel(body.ring),
            ClientMessage::LeaveMessage(body) => Target::Message(body),
        };
        self.once(now, re, to)
    }

    /// What is answered is done once; a repeat is only answered again.
    fn once(&mut self, now: Tick, re: Option<Token>, to: Target) -> Option<Routed> {
        let seen = match &re {
            Some(id) => self.answers.begin(now, id),
            None => Seen::New,
        };
        match seen {
            Seen::New => Some(Routed { to, re }),
            Seen::Pending => None,
            Seen::Answered(answer) => {
                self.push(re.as_ref(), &answer);
                None
            }
            Seen::Joined(call) => Some(Routed {
                to: Target::Call(call, Request::Look),
                re,
            }),
        }
    }

    fn heard(&mut self, ack: Option<u64>) {
        self.unanswered_pings = 0;
        if let Some(ack) = ack {
            // What has not left cannot have been handled.
            self.outbox.acknowledge(ack.min(self.sent));
            self.tokens.previous = None;
        }
    }

    // ---- frames to the client ----

    /// Answers a request and remembers the answer. A request without an id only hears of errors.
    pub(crate) fn answer(&mut self, re: Option<&Token>, answer: ServerMessage) {
        match re {
            Some(id) => self.answers.finish(id, &answer),
            None if matches!(answer, ServerMessage::Ok(_)) => return,
            None => {}
        }
        self.push(re, &answer);
    }

    /// Adds a message that must arrive: with the next flush, or after a resume.
    pub(crate) fn push(&mut self, re: Option<&Token>, message: &ServerMessage) {
        if self.overflowed {
            return;
        }
        let seq = self.outbox.next_seq();
        self.fresh.get_or_insert(seq);
        let text = frame::encode(Some(seq), re, message);
        self.overflowed = !self.outbox.push(text);
    }

    /// Sends what may leave. What was added since the last time waits for `barrier`, everything
    /// else for what it was told to wait for; all records up to `settled` need not be waited for.
    /// Returns whether something still waits.
    pub(crate) fn flush(
        &mut self,
        barrier: Option<WriteId>,
        settled: WriteId,
        out: &mut VecDeque<Output>,
    ) -> bool {
        if let (Some(seq), Some(barrier)) = (self.fresh.take(), barrier) {
            self.holds.push_back((seq, barrier));
        }
        while self.holds.front().is_some_and(|(_, hold)| *hold <= settled) {
            self.holds.pop_front();
        }
        let Some(socket) = self.socket else {
            return !self.holds.is_empty();
        };
        if self.overflowed {
            if !std::mem::replace(&mut self.dismissed, true) {
                let code = CloseCode::SlowReader;
                out.push_back(Output::Close { socket, code });
            }
            return false;
        }
        let held = self.holds.front().map(|(seq, _)| seq - 1);
        let last = held.unwrap_or(self.outbox.last_seq()).max(self.sent);
        let count = (last - self.sent) as usize;
        for text in self
            .outbox
            .after(self.sent)
            .into_iter()
            .flatten()
            .take(count)
        {
            let text = text.clone();
            out.push_back(Output::Send { socket, text });
        }
        self.sent = last;
        held.is_some()
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
