//! The messages. Each variant is one value of a frame's `t`; its fields stand beside `t`.
//!
//! What a client sends is parsed into types that cannot hold an over-long name or body, so
//! nothing behind the parser checks sizes again. The meaning of each message, and the order they
//! may come in, is in `docs/protocol.md`, whose examples are parsed by this crate's tests.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::id::{
    CallId, ChatId, ConnectionId, DeviceId, Epoch, ParticipantId, ResumeToken, RoomId, SessionId,
    Ticket, UserId,
};
use crate::limits;
use crate::text::{Body, List, Name, Token};

/// Declares a message enum together with the list of its types, so that the two cannot differ.
macro_rules! messages {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $t:literal => $variant:ident($body:ty),)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
        #[serde(tag = "t")]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $t)] $variant($body),)*
        }

        impl $name {
            /// Every value of `t` there is.
            pub const TYPES: &[&str] = &[$($t),*];

            /// This message's `t`.
            pub fn message_type(&self) -> &'static str {
                match self { $($name::$variant(_) => $t,)* }
            }
        }

        $(impl From<$body> for $name {
            fn from(body: $body) -> Self {
                $name::$variant(body)
            }
        })*
    };
}

/// Declares a set of words with their meanings, and a list of both for the documents.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $meaning:literal])+ $word:literal => $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        pub enum $name {
            $($(#[doc = $meaning])+ #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every word and its meaning.
            pub const ALL: &[(&str, &str)] = &[$(($word, concat!($($meaning),+))),*];
        }
    };
}

mod ringing;

pub use ringing::*;

messages! {
    /// What a client sends.
    ClientMessage {
        /// Opens a session on a new socket.
        "hello" => Hello(Hello),
        /// Takes a session over to a new socket.
        "resume" => Resume(Resume),
        /// Acknowledges server frames when there is nothing else to say (`ack` is in the frame).
        "ack" => Ack(Ack),
        /// Asks whether the server is there; answered by `pong`.
        "ping" => Ping(Ping),
        /// Answers the server's `ping`.
        "pong" => Pong(Pong),
        /// Takes a seat in the call of a room, or takes it back.
        "join" => Join(Box<Join>),
        /// Ends the sender's part in a call.
        "hangup" => Hangup(Hangup),
        /// Says that the page is being unloaded: a reload comes back at once, or nobody does.
        "closing" => Closing(Closing),
        /// Says what the sender sends: microphone, camera.
        "media" => Media(Media),
        /// Sends a chat message to the call.
        "chat" => Chat(Chat),
        /// Passes a session description to the other end of a connection.
        "description" => Description(Description),
        /// Passes candidates to the other end of a connection.
        "candidates" => Candidates(Candidates),
        /// Reports how a connection is.
        "connection_state" => ConnectionState(ConnectionReport),
        /// Asks a person into the call: all their devices ring.
        "invite" => Invite(Invite),
        /// Says that this device alerts its person.
        "ringing" => Ringing(Ringing),
        /// Answers a ring; the first to do so takes a seat in the call.
        "accept" => Accept(Accept),
        /// Declines a ring, on every device.
        "decline" => Decline(Decline),
        /// Silences a ring, on this device.
        "ignore" => Ignore(Ignore),
        /// Says that this device cannot take the call.
        "busy" => Busy(Busy),
        /// Gives a ring up.
        "cancel" => Cancel(Cancel),
        /// Leaves a message after a ring that was not answered.
        "leave_message" => LeaveMessage(Box<LeaveMessage>),
    }
}

messages! {
    /// What the server sends.
    ServerMessage {
        /// Answers `hello`: the session is open.
        "welcome" => Welcome(Box<Welcome>),
        /// Answers `resume`: the session goes on; every missed frame follows, in order.
        "resumed" => Resumed(Resumed),
        /// Answers `resume`: that session is lost, here is a new one; announce your calls again.
        "reset" => Reset(Box<Reset>),
        /// Answers a request that needs no more than this.
        "ok" => Ok(Done),
        /// Answers a request that had no effect, or a frame that could not be read.
        "error" => Error(ErrorBody),
        /// Asks whether the client is there; answered by `pong`.
        "ping" => Ping(Ping),
        /// Answers the client's `ping`.
        "pong" => Pong(Pong),
        /// Answers `join`: the whole call as it is now.
        "joined" => Joined(Box<Joined>),
        /// Somebody took a seat, or their name, media or presence changed.
        "participant" => Participant(ParticipantChange),
        /// Names the connection to another participant; negotiation begins.
        "connection" => Connection(Box<ConnectionOpened>),
        /// Asks for a new generation of a connection, relay only.
        "connection_restart" => ConnectionRestart(ConnectionRestart),
        /// A session description from the other end of a connection.
        "description" => Description(DescriptionFrom),
        /// Candidates from the other end of a connection.
        "candidates" => Candidates(CandidatesFrom),
        /// A chat message of the call.
        "chat" => Chat(ChatFrom),
        /// The call is over for the receiver.
        "call_ended" => CallEnded(CallEnded),
        /// New relay credentials, before the old ones expire.
        "relay_credentials" => RelayCredentials(RelayCredentials),
        /// Who the receiver knows and what rings: the whole.
        "people" => People(Box<People>),
        /// A contact came, went, or changed.
        "presence" => Presence(PresenceChange),
        /// Something the API serves has changed.
        "changed" => Changed(Changed),
        /// Somebody calls.
        "ring" => Ring(Box<RingOffer>),
        /// How a ring of this device goes.
        "ring_state" => RingState(RingState),
        /// A ring is over.
        "ring_ended" => RingEnded(RingEnded),
        /// The server is about to stop.
        "go_away" => GoAway(GoAway),
    }
}

/// A frame from a client: a message and what surrounds it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct ClientFrame {
    /// Names a request; its answer carries it in `re`. Repeats within 60 s get the same answer.
    pub id: Option<Token>,
    /// The highest `seq` the client has handled.
    pub ack: Option<u64>,
    /// The message.
    pub message: ClientMessage,
}

// ---- session ----

/// Opens a session. The first frame on a socket, within 2 s.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Hello {
    /// From `POST /api/v1/tickets`, single use.
    pub ticket: Ticket,
    /// Which device this is, and proof of it.
    pub device: DeviceProof,
    /// Which program this is.
    pub client: ClientInfo,
    /// Optional parts of the protocol the client knows.
    #[serde(default)]
    #[ts(type = "Array<string>")]
    pub features: List<Token, { limits::FEATURES }>,
}

/// A device's public key and its signature over the text that names the request:
/// `dialtone hello` LF ticket, or `dialtone resume` LF ticket LF session.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct DeviceProof {
    /// P-256 public key, uncompressed point (65 bytes), base64url without padding.
    #[ts(type = "string")]
    pub key: Body<128>,
    /// ECDSA with SHA-256, `r` and `s` (64 bytes), base64url without padding.
    #[ts(type = "string")]
    pub signature: Body<128>,
}

/// The program at the other end.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct ClientInfo {
    /// For instance `web`.
    pub name: Token,
    /// For instance `0.1.0`.
    pub version: Token,
}

/// Takes a session over to a new socket.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Resume {
    /// A fresh ticket.
    pub ticket: Ticket,
    /// Proof by the device that opened the session.
    pub device: DeviceProof,
    /// The session.
    pub session: SessionId,
    /// The epoch it was opened in.
    pub epoch: Epoch,
    /// The newest token the client has.
    pub resume_token: ResumeToken,
    /// The highest `seq` the client has handled.
    pub last_seq: u64,
}

/// Nothing but the frame's `ack`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Ack {}

/// Are you there?
#[derive(Clone, Copy, Debug, Default, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Ping {}

/// I am.
#[derive(Clone, Copy, Debug, Default, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Pong {}

/// A session is open.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Welcome {
    /// The session.
    pub session: SessionId,
    /// This run of the server.
    pub epoch: Epoch,
    /// What resuming needs; replaced at every resume.
    pub resume_token: ResumeToken,
    /// How long the session outlives its socket, in milliseconds.
    pub window_ms: u64,
    /// The longest pause between two pings of the server, in milliseconds.
    pub ping_ms: u64,
    /// Who the server takes the client for.
    pub you: You,
    /// The features both sides know.
    pub features: Vec<Token>,
}

/// Who a session belongs to.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct You {
    /// The device, derived from its key.
    pub device: DeviceId,
    /// The account, when the ticket was a member's; a guest has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub account: Option<Account>,
}

/// The session goes on.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Resumed {
    /// Replaces the old token, which stays valid until the first `ack` on this socket.
    pub resume_token: ResumeToken,
    /// Number of the last frame that was missed. What came until then may be over already: read
    /// all of it before anything rings.
    pub up_to: u64,
}

/// The session could not be resumed; a new one is open in its place.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
    /// The new session, as after a `hello`.
    #[serde(flatten)]
    pub welcome: Welcome,
}

/// Why a session could not be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The server has been restarted.
    NewEpoch,
    /// The window has passed, or there never was such a session of this device with this token.
    UnknownSession,
    /// More was missed than the server keeps.
    Overflow,
}

/// The server is about to stop.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct GoAway {
    /// What the client should do.
    pub action: GoAwayAction,
    /// How long to wait before it, in milliseconds.
    pub after_ms: u64,
    /// Spread of a random addition to that wait, in milliseconds.
    pub jitter_ms: u64,
}

/// What to do when the server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum GoAwayAction {
    /// Connect again and resume.
    Resume,
    /// Connect again; calls go on and are announced again.
    Rejoin,
    /// The server will not come back; calls have been ended.
    Stop,
}

/// A request was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Done {}

/// A request had no effect.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct ErrorBody {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what happened and what to do.
    pub message: String,
}

// ---- calls ----

/// Takes a seat in the call of a room. Opens the call if there is none.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Join {
    /// The room of the link.
    pub room: RoomId,
    /// The call the client was in, or a new id to open one under. If the room has a call
    /// already, that one is joined and named in the answer.
    pub call: CallId,
    /// The name others see.
    pub name: Name,
    /// What the client is going to send.
    pub media: MediaState,
    /// Connections of this call that are alive in the client: after a `reset` they are taken up
    /// again, and the media never notices.
    #[serde(default)]
    #[ts(type = "Array<AnnouncedConnection>")]
    pub connections: List<AnnouncedConnection, { limits::ANNOUNCED }>,
}

/// A connection that lives on in a client.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct AnnouncedConnection {
    /// The connection.
    pub connection: ConnectionId,
    /// Its newest generation.
    pub generation: u32,
    /// Who is at the other end; their seat is kept for them.
    pub peer: ParticipantId,
    /// The name they had.
    pub peer_name: Name,
    /// Whether the client is its polite end.
    pub polite: bool,
    /// How it is.
    pub state: ConnectionState,
}

/// Ends the sender's part in a call.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Hangup {
    /// The call.
    pub call: CallId,
}

/// The page is being unloaded. Applies to all calls of the session; nothing answers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Closing {}

/// What the sender sends from now on.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Media {
    /// The call.
    pub call: CallId,
    /// Microphone and camera.
    pub media: MediaState,
}

/// What a participant sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub struct MediaState {
    /// The microphone is on.
    pub audio: bool,
    /// The camera is on.
    pub video: bool,
    /// A screen is shown beside the camera.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub screen: bool,
    /// The other side is on hold: neither is heard or seen, and the call goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub held: bool,
    /// The way out is too narrow for a picture beside the sound: camera and screen are on, and none is
    /// sent at present.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub paused: bool,
}

/// A chat message.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Chat {
    /// The call.
    pub call: CallId,
    /// Made by the sender; a repeat with the same id is not shown twice.
    pub chat: ChatId,
    /// Opaque to the server.
    #[ts(type = "string")]
    pub body: Body<{ limits::CHAT_BYTES }>,
}

/// A session description for the other end.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Description {
    /// The call.
    pub call: CallId,
    /// The connection.
    pub connection: ConnectionId,
    /// 0 at first; one more with each ICE restart.
    pub generation: u32,
    /// Opaque to the server. The web app puts JSON of an `RTCSessionDescription` here.
    #[ts(type = "string")]
    pub body: Body<{ limits::DESCRIPTION_BYTES }>,
}

/// Candidates for the other end, batched.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Candidates {
    /// The call.
    pub call: CallId,
    /// The connection.
    pub connection: ConnectionId,
    /// The generation they belong to.
    pub generation: u32,
    /// Opaque to the server, in the order they were found.
    #[ts(type = "Array<string>")]
    pub candidates: List<Body<{ limits::CANDIDATE_BYTES }>, { limits::CANDIDATES }>,
    /// No more will follow in this generation.
    #[serde(default)]
    pub end: bool,
}

/// How a connection is, as one end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct ConnectionReport {
    /// The call.
    pub call: CallId,
    /// The connection.
    pub connection: ConnectionId,
    /// The generation it speaks of.
    pub generation: u32,
    /// The state.
    pub state: ConnectionState,
    /// How the media travels, once connected.
    #[serde(default)]
    #[ts(optional)]
    pub path: Option<Path>,
}

/// The state of a connection at one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Looking for a path.
    Connecting,
    /// Media can flow.
    Connected,
    /// It was connected, and the path is lost.
    Reconnecting,
}

/// How media travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// From one participant to the other.
    Direct,
    /// Through a relay at either end.
    Relay,
}

/// The whole call as it is now.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Joined {
    /// The call.
    pub call: CallId,
    /// Its room.
    pub room: RoomId,
    /// The receiver's own seat.
    pub you: ParticipantId,
    /// The others.
    pub participants: Vec<Participant>,
    /// The receiver's connections. One that was announced and is missing here is to be closed.
    pub connections: Vec<ConnectionOpened>,
    /// What was said so far, as far as it is kept.
    pub chat: Vec<ChatFrom>,
}

/// Somebody in a call.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Participant {
    /// Their seat.
    pub participant: ParticipantId,
    /// Their name; the account's, if they have one.
    pub name: Name,
    /// Their account, if they have one: who has none may call themselves anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub user: Option<UserId>,
    /// What they send.
    pub media: MediaState,
    /// Whether their signaling is connected. Media may flow even if not.
    pub online: bool,
}

/// A participant came, or changed.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct ParticipantChange {
    /// The call.
    pub call: CallId,
    /// Who, as they are now.
    pub participant: Participant,
}

/// A connection to another participant.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct ConnectionOpened {
    /// The call.
    pub call: CallId,
    /// The connection. Another connection to the same peer is replaced by this one.
    pub connection: ConnectionId,
    /// Who is at the other end.
    pub peer: ParticipantId,
    /// Perfect negotiation: the polite end gives way when two offers cross. It is the one who
    /// joined later; the other one makes the first offer.
    pub polite: bool,
    /// The newest generation the server knows.
    pub generation: u32,
    /// Use relayed candidates only: the other one is not a contact, and is not to learn the
    /// receiver's addresses.
    pub relay_only: bool,
    /// STUN and TURN servers with credentials for this call.
    pub relay: RelayTerms,
}

/// STUN and TURN servers and how long their credentials last.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct RelayTerms {
    /// In the shape of `RTCConfiguration.iceServers`.
    pub ice_servers: Vec<IceServer>,
    /// Milliseconds until the credentials expire.
    pub expires_in_ms: u64,
}

/// One entry of `RTCConfiguration.iceServers`.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct IceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// For `turn:` URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub username: Option<String>,
    /// For `turn:` URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub credential: Option<String>,
}

/// New relay credentials for a call.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct RelayCredentials {
    /// The call.
    pub call: CallId,
    /// To be used from the next ICE restart on.
    pub relay: RelayTerms,
}

/// Start a new generation; only relayed candidates are worth trying.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct ConnectionRestart {
    /// The call.
    pub call: CallId,
    /// The connection.
    pub connection: ConnectionId,
    /// The generation to begin. Its impolite end makes the offer.
    pub generation: u32,
}

/// A description and who sent it.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct DescriptionFrom {
    /// Filled in by the server.
    pub from: ParticipantId,
    /// The description as it was sent.
    #[serde(flatten)]
    pub description: Description,
}

/// Candidates and who sent them.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct CandidatesFrom {
    /// Filled in by the server.
    pub from: ParticipantId,
    /// The candidates as they were sent.
    #[serde(flatten)]
    pub candidates: Candidates,
}

/// A chat message, who sent it and when.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct ChatFrom {
    /// Filled in by the server.
    pub from: ParticipantId,
    /// The name they had then.
    pub name: Name,
    /// When the server took it, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The message as it was sent.
    #[serde(flatten)]
    pub chat: Chat,
}

/// The call is over for the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct CallEnded {
    /// The call.
    pub call: CallId,
    /// Why.
    pub reason: EndReason,
}

codes! {
    /// Why a call ended.
    EndReason {
        /// Somebody hung up.
        "hangup" => Hangup,
        /// The other page was closed.
        "left" => Left,
        /// The connection could not be made, not even through the relay.
        "connect_failed" => ConnectFailed,
        /// The connection was lost and did not come back in time.
        "connection_lost" => ConnectionLost,
        /// The same device took the seat in another page.
        "replaced" => Replaced,
        /// The server was stopped.
        "server_stopped" => ServerStopped,
        /// An administrator ended the call.
        "kicked" => Kicked,
        /// The two called each other: they talk in the other call.
        "glare" => Glare,
    }
}

codes! {
    /// What was wrong with a request.
    ErrorCode {
        /// A body is not as this document says.
        "malformed" => Malformed,
        /// The server does not know this `t`.
        "unknown_type" => UnknownType,
        /// The message does not belong here or now.
        "bad_state" => BadState,
        /// No such call or connection for this session; absent and forbidden look the same.
        "not_found" => NotFound,
        /// It belongs to an older generation, or the connection is closed, the ring over, the room
        /// closed for good.
        "gone" => Gone,
        /// The ticket or the proof is not valid. Get a new ticket and say hello again.
        "unauthorized" => Unauthorized,
        /// The call has all the participants it can take.
        "call_full" => CallFull,
        /// More than a limit allows.
        "limit" => Limit,
        /// Too often in too short a time. Wait a moment.
        "rate_limited" => RateLimited,
        /// Only somebody with an account may do this.
        "forbidden" => Forbidden,
        /// It is for the other side to say this.
        "bad_direction" => BadDirection,
        /// The server cannot take more work now. Try again later.
        "unavailable" => Unavailable,
    }
}
