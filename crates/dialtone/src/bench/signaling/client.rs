//! One client: its connection, its session, and what it has not been answered yet.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use protocol::id::{Epoch, ResumeToken, SessionId, Ticket};
use protocol::message::*;
use protocol::text::{List, Token};
use serde::Serialize;

use super::device::Device;
use super::heard::{Heard, Opening};
use super::socket::Socket;
use super::{Event, Kind, Note, Stamp};

/// Frames after which a client says what it has heard, also when it has nothing else to say.
const ACK_EVERY: u64 = 16;

/// One client.
#[derive(Debug)]
pub struct Client {
    pub device: Device,
    /// Where it connects from.
    pub from: Option<IpAddr>,
    /// An API token of its person; guests have none.
    pub bearer: Option<String>,
    pub way: Way,
    /// Since when it tries to get in.
    pub trying_since: Instant,
    session: Option<Session>,
    last_id: u64,
    unanswered: VecDeque<(u64, ClientMessage)>,
    heard: Sequence,
    acknowledged: u64,
}

/// How far a client has come on its way to an open session.
#[derive(Debug)]
pub enum Way {
    Outside,
    /// Connecting to ask for a ticket, or waiting for it.
    Ticket(Socket, Connected),
    /// The same for a WebSocket.
    Upgrade(Socket, Connected, Ticket),
    /// It has said hello, or wants to resume.
    Hello(Socket),
    Open(Socket),
}

/// Whether a connection has come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected(pub bool);

/// What resuming needs.
#[derive(Clone, Copy, Debug)]
struct Session {
    id: SessionId,
    epoch: Epoch,
    token: ResumeToken,
}

/// The numbers of the frames that came: each one more than the last, or something went wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequence {
    pub last: u64,
    /// Frames that are missing.
    pub lost: u64,
    /// Frames that came before.
    pub doubled: u64,
}

#[derive(Serialize)]
struct Frame<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<u64>,
    #[serde(flatten)]
    message: &'a ClientMessage,
}

impl Client {
    /// One that has not connected yet.
    pub fn new(device: Device, from: Option<IpAddr>, bearer: Option<String>) -> Client {
        Client {
            device,
            from,
            bearer,
            way: Way::Outside,
            trying_since: Instant::now(),
            session: None,
            last_id: 0,
            unanswered: VecDeque::new(),
            heard: Sequence::default(),
            acknowledged: 0,
        }
    }

    /// Its connection, if it has one.
    pub fn socket(&mut self) -> Option<&mut Socket> {
        match &mut self.way {
            Way::Outside => None,
            Way::Ticket(socket, _)
            | Way::Upgrade(socket, _, _)
            | Way::Hello(socket)
            | Way::Open(socket) => Some(socket),
        }
    }

    /// Whether its session is open.
    pub fn is_open(&self) -> bool {
        matches!(self.way, Way::Open(_))
    }

    /// Whether everything it asked for has been answered.
    pub fn is_answered(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// The numbers of the frames that came.
    pub fn sequence(&self) -> Sequence {
        self.heard
    }

    /// The first frame on a new socket.
    pub fn greeting(&self, ticket: Ticket) -> String {
        let message = match self.session {
            Some(session) => ClientMessage::Resume(Resume {
                ticket,
                device: self.device.proof_of_resume(ticket, session.id),
                session: session.id,
                epoch: session.epoch,
                resume_token: session.token,
                last_seq: self.heard.last,
            }),
            None => ClientMessage::Hello(Hello {
                ticket,
                device: self.device.proof_of_hello(ticket),
                client: ClientInfo {
                    name: word("bench"),
                    version: word(env!("CARGO_PKG_VERSION")),
                },
                features: List::default(),
            }),
        };
        encode(Some("hello".to_owned()), None, &message)
    }

    /// What the answer to the greeting means.
    pub fn welcomed(&mut self, answer: &Opening<'_>) -> Result<Event, String> {
        let event = match &*answer.t {
            "welcome" => Event::Opened,
            "resumed" => Event::Resumed,
            "reset" => Event::Reset(answer.reason.unwrap_or(ResetReason::UnknownSession)),
            _ => return Err(answer.message.as_deref().unwrap_or("no welcome").to_owned()),
        };
        let token = answer.resume_token.ok_or("no resume token")?;
        let (id, epoch) = match (&event, self.session) {
            (Event::Resumed, Some(session)) => (session.id, session.epoch),
            _ => {
                self.heard.last = 0;
                self.acknowledged = 0;
                (
                    answer.session.ok_or("no session")?,
                    answer.epoch.ok_or("no epoch")?,
                )
            }
        };
        self.session = Some(Session { id, epoch, token });
        Ok(event)
    }

    /// A request as a frame. It is kept until it is answered.
    pub fn request(&mut self, message: ClientMessage) -> String {
        self.last_id += 1;
        let text = self.encode_request(self.last_id, &message);
        self.unanswered.push_back((self.last_id, message));
        text
    }

    /// Everything that was not answered, again.
    pub fn repeat(&mut self) -> Vec<String> {
        let again = std::mem::take(&mut self.unanswered);
        let texts = again
            .iter()
            .map(|(id, message)| self.encode_request(*id, message))
            .collect();
        self.unanswered = again;
        texts
    }

    /// Nobody answers any more what was asked in a session that is lost.
    pub fn forget_requests(&mut self) {
        self.unanswered.clear();
    }

    /// Something without an answer.
    pub fn say(&mut self, message: &ClientMessage) -> String {
        self.acknowledged = self.heard.last;
        encode(None, Some(self.heard.last), message)
    }

    /// Whether it is time to say what was heard: after so many frames, or (`by_time`) at all.
    pub fn owes_acknowledgement(&self, by_time: bool) -> bool {
        let owed = self.heard.last - self.acknowledged;
        owed >= ACK_EVERY || by_time && owed > 0
    }

    /// Takes in a frame of the open session; `None` if it was there before.
    pub fn hear(&mut self, heard: &Heard<'_>) -> Option<Note> {
        if let Some(seq) = heard.seq
            && !self.heard.take(seq)
        {
            return None;
        }
        if let Some(re) = heard.re.as_deref().and_then(|re| re.parse::<u64>().ok()) {
            self.unanswered.retain(|(id, _)| *id != re);
        }
        let body = heard.body.as_ref().or(heard.candidates.first());
        Some(Note {
            kind: Kind::of(&heard.t),
            connection: heard.connection,
            you: heard.you,
            ring: heard.ring,
            opened: heard.connections.first().copied(),
            stamp: body.and_then(|body| Stamp::read(body)),
            refusal: heard.code.as_deref().map(|code| {
                let message = heard.message.as_deref().unwrap_or_default();
                format!("{code}: {message}")
            }),
        })
    }

    fn encode_request(&mut self, id: u64, message: &ClientMessage) -> String {
        self.acknowledged = self.heard.last;
        let ack = (self.heard.last > 0).then_some(self.heard.last);
        encode(Some(id.to_string()), ack, message)
    }
}

impl Sequence {
    /// Counts a frame; whether it is new.
    fn take(&mut self, seq: u64) -> bool {
        if seq <= self.last {
            self.doubled += 1;
            return false;
        }
        self.lost += seq - self.last - 1;
        self.last = seq;
        true
    }
}

fn encode(id: Option<String>, ack: Option<u64>, message: &ClientMessage) -> String {
    serde_json::to_string(&Frame { id, ack, message }).expect("messages have string keys")
}

fn word(text: &str) -> Token {
    Token::try_from(text.to_owned()).expect("short and plain")
}

#[cfg(test)]
mod tests {
    use protocol::frame;

    use super::*;

    #[test]
    fn frames_are_what_the_server_reads() {
        let mut client = Client::new(Device::new().unwrap(), None, None);
        let ticket = Ticket::from_bytes([3; 16]);
        assert!(frame::parse(&client.greeting(ticket)).is_ok());
        let text = client.request(ClientMessage::Ping(Ping {}));
        let frame = frame::parse(&text).unwrap();
        assert_eq!(frame.id.as_deref(), Some("1"));
        assert_eq!(client.repeat(), [text]);
    }

    #[test]
    fn frames_that_are_missing_or_come_twice_are_counted() {
        let mut sequence = Sequence::default();
        let new: Vec<bool> = [1, 2, 5, 4, 6].map(|seq| sequence.take(seq)).into();
        assert_eq!(new, [true, true, true, false, true]);
        assert_eq!((sequence.lost, sequence.doubled), (2, 1));
    }
}
