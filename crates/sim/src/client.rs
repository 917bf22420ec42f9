//! A client as `docs/protocol.md` describes it, as a pure state machine: what its person does and
//! what it hears go in, frames come out.
//!
//! It numbers its requests and repeats those that were not answered, says how far it has read,
//! resumes, joins its calls again and repeats its invites after a reset, and lets nothing ring
//! before it has read what it missed.

mod hearing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exchange::Bearer;
use protocol::id::*;
use protocol::limits;
use protocol::message::*;
use protocol::text::{Body, Name, Token};
use protocol::time::Tick;
use serde::Deserialize;

/// A frame from the server.
#[derive(Clone, Debug, Hash, Deserialize)]
pub struct ServerFrame {
    /// Its number, unless it is not repeated.
    pub seq: Option<u64>,
    /// The request it answers.
    pub re: Option<Token>,
    /// What it says.
    #[serde(flatten)]
    pub message: ServerMessage,
}

/// One page of one device.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    device: String,
    id: DeviceId,
    /// Whose tickets it gets.
    pub bearer: Bearer,
    session: Option<Keys>,
    online: bool,
    last_seq: u64,
    /// Nothing rings before this number has been read.
    backlog: u64,
    requests: u32,
    unanswered: VecDeque<Request>,
    seats: Vec<Seat>,
    dials: Vec<Dial>,
    rings: BTreeMap<RingId, Incoming>,
    /// Rings of its own that are over without an answer, and may get a message.
    missed: BTreeSet<RingId>,
    out: VecDeque<ClientFrame>,
    heard: Heard,
}

#[derive(Clone, Debug, Hash)]
struct Keys {
    session: SessionId,
    epoch: Epoch,
    token: ResumeToken,
}

/// A request that was not answered yet.
#[derive(Clone, Debug, Hash)]
struct Request {
    id: Token,
    message: ClientMessage,
}

/// A call it takes itself to be in.
#[derive(Clone, Debug, Hash)]
pub struct Seat {
    /// Its room.
    pub room: RoomId,
    /// The call.
    pub call: CallId,
    /// Its own seat, once the server has said so since the last reset.
    pub me: Option<ParticipantId>,
    /// Its connection, as it would announce it.
    pub connection: Option<AnnouncedConnection>,
    /// It joins this call again, after a reset.
    pub again: bool,
}

/// Somebody it is calling.
#[derive(Clone, Debug, Hash)]
pub struct Dial {
    /// What it asked for.
    pub invite: Invite,
    /// The server has taken it.
    pub taken: bool,
    /// A device of theirs rings.
    pub ringing: bool,
    /// When it was asked for.
    since: Tick,
}

/// A ring at this device.
#[derive(Clone, Debug, Hash)]
pub struct Incoming {
    /// The call it asks into.
    pub call: CallId,
    /// Who calls.
    pub from: UserId,
    /// What its person does about it.
    pub mood: Reaction,
}

/// What a person does about a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Nothing yet.
    None,
    /// They have been alerted.
    Alerted,
    /// They do not want to hear it here.
    Silenced,
    /// They answer it.
    Answering,
}

/// What it has noticed, for those who watch.
#[derive(Clone, Debug, Default, Hash)]
pub struct Heard {
    /// Chat messages from others, in the order they were shown.
    pub chat: Vec<ChatFrom>,
    /// The connections and generations of which candidates reached it.
    pub candidates: BTreeSet<(ConnectionId, u32)>,
}

/// The server ends every ring before that.
const LONGEST_DIAL: Duration = Duration::from_millis(2 * limits::RING_MS + 10_000);

const VOICE: MediaState = MediaState {
    audio: true,
    video: false,
    screen: false,
    held: false,
    paused: false,
};

impl Client {
    /// A page of a device that has never connected.
    pub fn new(device: &str, bearer: Bearer) -> Client {
        Client {
            device: device.to_owned(),
            id: DeviceId::of(device.as_bytes()),
            bearer,
            session: None,
            online: false,
            last_seq: 0,
            backlog: 0,
            requests: 0,
            unanswered: VecDeque::new(),
            seats: Vec::new(),
            dials: Vec::new(),
            rings: BTreeMap::new(),
            missed: BTreeSet::new(),
            out: VecDeque::new(),
            heard: Heard::default(),
        }
    }

    // ---- what others may see ----

    /// The device's id.
    pub fn device(&self) -> DeviceId {
        self.id
    }

    /// Whose it is, unless a guest's.
    pub fn user(&self) -> Option<UserId> {
        match self.bearer {
            Bearer::Guest | Bearer::Visitor(_) => None,
            Bearer::Member { user, .. } => Some(user),
        }
    }

    /// Whether its session is open and its socket lives.
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// The number of the newest frame it has read.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The calls it takes itself to be in.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Whom it is calling.
    pub fn dials(&self) -> &[Dial] {
        &self.dials
    }

    /// What rings here, or would if its person had not silenced it.
    pub fn rings(&self) -> &BTreeMap<RingId, Incoming> {
        &self.rings
    }

    /// Rings of its own to which its person may leave a message.
    pub fn missed(&self) -> impl Iterator<Item = RingId> {
        self.missed.iter().copied()
    }

    /// Whether a frame changes what its person can do: others are read and forgotten.
    pub fn minds(message: &ServerMessage) -> bool {
        !matches!(
            message,
            ServerMessage::Presence(_)
                | ServerMessage::Changed(_)
                | ServerMessage::Participant(_)
                | ServerMessage::Description(_)
                | ServerMessage::RelayCredentials(_)
        )
    }

    /// What makes a noise now.
    pub fn alerts(&self) -> impl Iterator<Item = RingId> {
        let caught_up = self.online && self.last_seq >= self.backlog;
        let rings = self.rings.iter().filter(move |(_, ring)| {
            caught_up && matches!(ring.mood, Reaction::None | Reaction::Alerted)
        });
        rings.map(|(id, _)| *id)
    }

    /// What it has noticed.
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Requests that were not answered.
    pub fn unanswered(&self) -> impl Iterator<Item = &ClientMessage> {
        self.unanswered.iter().map(|request| &request.message)
    }

    /// What it asked for with this request, if it still waits for the answer.
    pub fn asked(&self, id: &Token) -> Option<&ClientMessage> {
        let request = self.unanswered.iter().find(|request| request.id == *id)?;
        Some(&request.message)
    }

    // ---- sockets ----

    /// The first frame on a new socket.
    pub fn connect(&mut self, ticket: Ticket) -> ClientFrame {
        self.lose();
        let message = match &self.session {
            None => Hello {
                ticket,
                device: self.proof(&format!("dialtone hello\n{ticket}")),
                client: ClientInfo {
                    name: token("sim"),
                    version: token("1"),
                },
                features: Default::default(),
            }
            .into(),
            Some(keys) => Resume {
                ticket,
                device: self.proof(&format!("dialtone resume\n{ticket}\n{}", keys.session)),
                session: keys.session,
                epoch: keys.epoch,
                resume_token: keys.token,
                last_seq: self.last_seq,
            }
            .into(),
        };
        ClientFrame {
            id: Some(token("first")),
            ack: None,
            message,
        }
    }

    /// The socket is lost, with whatever had not left.
    pub fn lose(&mut self) {
        self.online = false;
        self.out.clear();
    }

    /// The page is loaded again: the device is the same, everything else is forgotten.
    pub fn reload(&mut self) {
        *self = Client {
            heard: std::mem::take(&mut self.heard),
            ..Client::new(&self.device, self.bearer.clone())
        };
    }

    /// The next frame to be sent.
    pub fn poll(&mut self) -> Option<ClientFrame> {
        self.out.pop_front()
    }

    fn proof(&self, text: &str) -> DeviceProof {
        DeviceProof {
            key: body(URL_SAFE_NO_PAD.encode(&self.device)),
            signature: body(URL_SAFE_NO_PAD.encode([&self.device, text].concat())),
        }
    }

    // ---- what its person does ----

    /// Joins the call of a room.
    pub fn join(&mut self, room: RoomId, call: CallId) {
        if self.seats.iter().any(|seat| seat.room == room) {
            return;
        }
        let seat = Seat {
            room,
            call,
            me: None,
            connection: None,
            again: false,
        };
        let join = self.join_of(&seat);
        self.seats.push(seat);
        self.request(join);
    }

    /// Asks somebody into a call it is in.
    pub fn dial(&mut self, ring: RingId, call: CallId, to: UserId, now: Tick) {
        let invite = Invite {
            ring,
            call,
            to,
            media: VOICE,
        };
        self.dials.push(Dial {
            invite,
            taken: false,
            ringing: false,
            since: now,
        });
        self.request(invite);
    }

    /// Makes its noise.
    pub fn alert(&mut self, ring: RingId) {
        self.react(ring, Reaction::Alerted, Ringing { ring });
    }

    /// Answers.
    pub fn accept(&mut self, ring: RingId) {
        let media = VOICE;
        self.react(ring, Reaction::Answering, Accept { ring, media });
    }

    /// Does not want to talk.
    pub fn decline(&mut self, ring: RingId) {
        self.react(ring, Reaction::Silenced, Decline { ring });
    }

    /// Does not want to hear it here.
    pub fn ignore(&mut self, ring: RingId) {
        self.react(ring, Reaction::Silenced, Ignore { ring });
    }

    /// Cannot take it here.
    pub fn busy(&mut self, ring: RingId) {
        self.react(ring, Reaction::Silenced, Busy { ring });
    }

    fn react(&mut self, ring: RingId, mood: Reaction, message: impl Into<ClientMessage>) {
        if let Some(incoming) = self.rings.get_mut(&ring) {
            incoming.mood = mood;
            self.request(message);
        }
    }

    /// Gives up calling somebody.
    pub fn cancel(&mut self, ring: RingId) {
        self.dials.retain(|dial| dial.invite.ring != ring);
        self.unanswered.retain(|request| {
            !matches!(&request.message, ClientMessage::Invite(invite) if invite.ring == ring)
        });
        self.request(Cancel { ring });
    }

    /// Gives up whom it has been calling for longer than a ring can last.
    pub fn give_up(&mut self, now: Tick) {
        let too_long = |dial: &&Dial| now.saturating_since(dial.since) > LONGEST_DIAL;
        let rings = self.dials.iter().filter(too_long);
        let rings: Vec<_> = rings.map(|dial| dial.invite.ring).collect();
        for ring in rings {
            self.cancel(ring);
        }
    }

    /// Leaves a message after a ring that was not answered.
    pub fn leave_message(&mut self, ring: RingId, chat: ChatId) {
        let body = body("call me".to_owned());
        self.missed.remove(&ring);
        self.request(Box::new(LeaveMessage { ring, chat, body }));
    }

    /// Hangs up. What it asked of that call is not asked again, and no answer that still comes
    /// takes it back there.
    pub fn hang_up(&mut self, call: CallId) {
        self.leave(call);
        self.rings.retain(|_, ring| ring.call != call);
        self.unanswered.retain(|request| match &request.message {
            ClientMessage::Join(join) => join.call != call,
            ClientMessage::Invite(invite) => invite.call != call,
            _ => true,
        });
        self.request(Hangup { call });
    }

    /// Says something.
    pub fn say(&mut self, call: CallId, chat: ChatId) {
        let body = body("hello".to_owned());
        self.request(Chat { call, chat, body });
    }

    /// Says what it sends.
    pub fn set_media(&mut self, call: CallId, media: MediaState) {
        self.request(Media { call, media });
    }

    /// Sends a description and a candidate on the connection of a call.
    pub fn negotiate(&mut self, call: CallId) {
        let Some((connection, generation)) = self.connection(call) else {
            return;
        };
        self.request(Description {
            call,
            connection,
            generation,
            body: body("an offer".to_owned()),
        });
        self.request(Candidates {
            call,
            connection,
            generation,
            candidates: vec![body("a candidate".to_owned())]
                .try_into()
                .expect("one is not too many"),
            end: false,
        });
    }

    /// Reports how the connection of a call is.
    pub fn report(&mut self, call: CallId, state: ConnectionState) {
        let Some((connection, generation)) = self.connection(call) else {
            return;
        };
        let seat = self.seats.iter_mut().find(|seat| seat.call == call);
        if let Some(announced) = seat.and_then(|seat| seat.connection.as_mut()) {
            announced.state = state;
        }
        self.request(ConnectionReport {
            call,
            connection,
            generation,
            state,
            path: None,
        });
    }

    /// The page is being unloaded.
    pub fn close(&mut self) {
        self.send(None, Closing {}.into());
    }

    /// Says how far it has read.
    pub fn acknowledge(&mut self) {
        self.send(None, Ack {}.into());
    }

    /// Sends the oldest request that was not answered once more.
    pub fn repeat_oldest(&mut self) {
        if let Some(request) = self.unanswered.front().cloned() {
            self.send(Some(request.id), request.message);
        }
    }

    /// Sends a request, now or when there is a session again, until it is answered.
    fn request(&mut self, message: impl Into<ClientMessage>) {
        let request = self.number(message.into());
        self.unanswered.push_back(request.clone());
        self.send(Some(request.id), request.message);
    }

    fn number(&mut self, message: ClientMessage) -> Request {
        self.requests += 1;
        Request {
            id: token(&self.requests.to_string()),
            message,
        }
    }

    fn send(&mut self, id: Option<Token>, message: ClientMessage) {
        if self.online {
            self.out.push_back(ClientFrame {
                id,
                ack: Some(self.last_seq),
                message,
            });
        }
    }

    fn connection(&self, call: CallId) -> Option<(ConnectionId, u32)> {
        let seat = self.seats.iter().find(|seat| seat.call == call)?;
        let mine = seat.connection.as_ref()?;
        Some((mine.connection, mine.generation))
    }

    fn join_of(&self, seat: &Seat) -> Box<Join> {
        let connections: Vec<_> = seat.connection.iter().cloned().collect();
        Box::new(Join {
            room: seat.room,
            call: seat.call,
            name: name(&self.device),
            media: VOICE,
            connections: connections.try_into().expect("one is not too many"),
        })
    }
}

fn token(text: &str) -> Token {
    text.to_owned().try_into().expect("a short word")
}

fn name(text: &str) -> Name {
    text.to_owned().try_into().expect("a short name")
}

fn body<const MAX: usize>(text: String) -> Body<MAX> {
    text.try_into().expect("a short text")
}
