// Generated from crates/protocol by `cargo xtask gen`. Do not edit.

/* eslint-disable */

export type RoomId = string;

export type CallId = string;

export type ParticipantId = string;

export type ConnectionId = string;

export type ChatId = string;

export type RingId = string;

export type UserId = string;

export type SessionId = string;

export type DeviceId = string;

export type Epoch = string;

export type Ticket = string;

export type ResumeToken = string;

export type Name = string;

export type Token = string;

export type ClientMessage = { "t": "hello" } & Hello | { "t": "resume" } & Resume | { "t": "ack" } & Ack | { "t": "ping" } & Ping | { "t": "pong" } & Pong | { "t": "join" } & Join | { "t": "hangup" } & Hangup | { "t": "closing" } & Closing | { "t": "media" } & Media | { "t": "chat" } & Chat | { "t": "description" } & Description | { "t": "candidates" } & Candidates | { "t": "connection_state" } & ConnectionReport | { "t": "invite" } & Invite | { "t": "ringing" } & Ringing | { "t": "accept" } & Accept | { "t": "decline" } & Decline | { "t": "ignore" } & Ignore | { "t": "busy" } & Busy | { "t": "cancel" } & Cancel | { "t": "leave_message" } & LeaveMessage;

export type ServerMessage = { "t": "welcome" } & Welcome | { "t": "resumed" } & Resumed | { "t": "reset" } & Reset | { "t": "ok" } & Done | { "t": "error" } & ErrorBody | { "t": "ping" } & Ping | { "t": "pong" } & Pong | { "t": "joined" } & Joined | { "t": "participant" } & ParticipantChange | { "t": "connection" } & ConnectionOpened | { "t": "connection_restart" } & ConnectionRestart | { "t": "description" } & DescriptionFrom | { "t": "candidates" } & CandidatesFrom | { "t": "chat" } & ChatFrom | { "t": "call_ended" } & CallEnded | { "t": "relay_credentials" } & RelayCredentials | { "t": "people" } & People | { "t": "presence" } & PresenceChange | { "t": "changed" } & Changed | { "t": "ring" } & RingOffer | { "t": "ring_state" } & RingState | { "t": "ring_ended" } & RingEnded | { "t": "go_away" } & GoAway;

export type Hello = { 
/**
 * From `POST /api/v1/tickets`, single use.
 */
ticket: Ticket, 
/**
 * Which device this is, and proof of it.
 */
device: DeviceProof, 
/**
 * Which program this is.
 */
client: ClientInfo, 
/**
 * Optional parts of the protocol the client knows.
 */
features: Array<string>, };

export type DeviceProof = { 
/**
 * P-256 public key, uncompressed point (65 bytes), base64url without padding.
 */
key: string, 
/**
 * ECDSA with SHA-256, `r` and `s` (64 bytes), base64url without padding.
 */
signature: string, };

export type ClientInfo = { 
/**
 * For instance `web`.
 */
name: Token, 
/**
 * For instance `0.1.0`.
 */
version: Token, };

export type Resume = { 
/**
 * A fresh ticket.
 */
ticket: Ticket, 
/**
 * Proof by the device that opened the session.
 */
device: DeviceProof, 
/**
 * The session.
 */
session: SessionId, 
/**
 * The epoch it was opened in.
 */
epoch: Epoch, 
/**
 * The newest token the client has.
 */
resume_token: ResumeToken, 
/**
 * The highest `seq` the client has handled.
 */
last_seq: number, };

export type Ack = Record<symbol, never>;

export type Ping = Record<symbol, never>;

export type Pong = Record<symbol, never>;

export type Welcome = { 
/**
 * The session.
 */
session: SessionId, 
/**
 * This run of the server.
 */
epoch: Epoch, 
/**
 * What resuming needs; replaced at every resume.
 */
resume_token: ResumeToken, 
/**
 * How long the session outlives its socket, in milliseconds.
 */
window_ms: number, 
/**
 * The longest pause between two pings of the server, in milliseconds.
 */
ping_ms: number, 
/**
 * Who the server takes the client for.
 */
you: You, 
/**
 * The features both sides know.
 */
features: Array<Token>, };

export type You = { 
/**
 * The device, derived from its key.
 */
device: DeviceId, 
/**
 * The account, when the ticket was a member's; a guest has none.
 */
account?: Account, };

export type Resumed = { 
/**
 * Replaces the old token, which stays valid until the first `ack` on this socket.
 */
resume_token: ResumeToken, 
/**
 * Number of the last frame that was missed. What came until then may be over already: read
 * all of it before anything rings.
 */
up_to: number, };

export type Reset = { 
/**
 * Why.
 */
reason: ResetReason, 
/**
 * The session.
 */
session: SessionId, 
/**
 * This run of the server.
 */
epoch: Epoch, 
/**
 * What resuming needs; replaced at every resume.
 */
resume_token: ResumeToken, 
/**
 * How long the session outlives its socket, in milliseconds.
 */
window_ms: number, 
/**
 * The longest pause between two pings of the server, in milliseconds.
 */
ping_ms: number, 
/**
 * Who the server takes the client for.
 */
you: You, 
/**
 * The features both sides know.
 */
features: Array<Token>, };

export type ResetReason = "new_epoch" | "unknown_session" | "overflow";

export type GoAway = { 
/**
 * What the client should do.
 */
action: GoAwayAction, 
/**
 * How long to wait before it, in milliseconds.
 */
after_ms: number, 
/**
 * Spread of a random addition to that wait, in milliseconds.
 */
jitter_ms: number, };

export type GoAwayAction = "resume" | "rejoin" | "stop";

export type Done = Record<symbol, never>;

export type ErrorBody = { 
/**
 * For programs.
 */
code: ErrorCode, 
/**
 * For people: what happened and what to do.
 */
message: string, };

export type ErrorCode = "malformed" | "unknown_type" | "bad_state" | "not_found" | "gone" | "unauthorized" | "call_full" | "limit" | "rate_limited" | "forbidden" | "bad_direction" | "unavailable";

export type Join = { 
/**
 * The room of the link.
 */
room: RoomId, 
/**
 * The call the client was in, or a new id to open one under. If the room has a call
 * already, that one is joined and named in the answer.
 */
call: CallId, 
/**
 * The name others see.
 */
name: Name, 
/**
 * What the client is going to send.
 */
media: MediaState, 
/**
 * Connections of this call that are alive in the client: after a `reset` they are taken up
 * again, and the media never notices.
 */
connections: Array<AnnouncedConnection>, };

export type AnnouncedConnection = { 
/**
 * The connection.
 */
connection: ConnectionId, 
/**
 * Its newest generation.
 */
generation: number, 
/**
 * Who is at the other end; their seat is kept for them.
 */
peer: ParticipantId, 
/**
 * The name they had.
 */
peer_name: Name, 
/**
 * Whether the client is its polite end.
 */
polite: boolean, 
/**
 * How it is.
 */
state: ConnectionState, };

export type Hangup = { 
/**
 * The call.
 */
call: CallId, };

export type Closing = Record<symbol, never>;

export type Media = { 
/**
 * The call.
 */
call: CallId, 
/**
 * Microphone and camera.
 */
media: MediaState, };

export type MediaState = { 
/**
 * The microphone is on.
 */
audio: boolean, 
/**
 * The camera is on.
 */
video: boolean, 
/**
 * A screen is shown beside the camera.
 */
screen?: boolean, 
/**
 * The other side is on hold: neither is heard or seen, and the call goes on.
 */
held?: boolean, 
/**
 * The way out is too narrow for a picture beside the sound: camera and screen are on, and none is
 * sent at present.
 */
paused?: boolean, };

export type Chat = { 
/**
 * The call.
 */
call: CallId, 
/**
 * Made by the sender; a repeat with the same id is not shown twice.
 */
chat: ChatId, 
/**
 * Opaque to the server.
 */
body: string, };

export type Description = { 
/**
 * The call.
 */
call: CallId, 
/**
 * The connection.
 */
connection: ConnectionId, 
/**
 * 0 at first; one more with each ICE restart.
 */
generation: number, 
/**
 * Opaque to the server. The web app puts JSON of an `RTCSessionDescription` here.
 */
body: string, };

export type Candidates = { 
/**
 * The call.
 */
call: CallId, 
/**
 * The connection.
 */
connection: ConnectionId, 
/**
 * The generation they belong to.
 */
generation: number, 
/**
 * Opaque to the server, in the order they were found.
 */
candidates: Array<string>, 
/**
 * No more will follow in this generation.
 */
end: boolean, };

export type ConnectionReport = { 
/**
 * The call.
 */
call: CallId, 
/**
 * The connection.
 */
connection: ConnectionId, 
/**
 * The generation it speaks of.
 */
generation: number, 
/**
 * The state.
 */
state: ConnectionState, 
/**
 * How the media travels, once connected.
 */
path?: Path, };

export type ConnectionState = "connecting" | "connected" | "reconnecting";

export type Path = "direct" | "relay";

export type Joined = { 
/**
 * The call.
 */
call: CallId, 
/**
 * Its room.
 */
room: RoomId, 
/**
 * The receiver's own seat.
 */
you: ParticipantId, 
/**
 * The others.
 */
participants: Array<Participant>, 
/**
 * The receiver's connections. One that was announced and is missing here is to be closed.
 */
connections: Array<ConnectionOpened>, 
/**
 * What was said so far, as far as it is kept.
 */
chat: Array<ChatFrom>, };

export type Participant = { 
/**
 * Their seat.
 */
participant: ParticipantId, 
/**
 * Their name; the account's, if they have one.
 */
name: Name, 
/**
 * Their account, if they have one: who has none may call themselves anything.
 */
user?: UserId, 
/**
 * What they send.
 */
media: MediaState, 
/**
 * Whether their signaling is connected. Media may flow even if not.
 */
online: boolean, };

export type ParticipantChange = { 
/**
 * The call.
 */
call: CallId, 
/**
 * Who, as they are now.
 */
participant: Participant, };

export type ConnectionOpened = { 
/**
 * The call.
 */
call: CallId, 
/**
 * The connection. Another connection to the same peer is replaced by this one.
 */
connection: ConnectionId, 
/**
 * Who is at the other end.
 */
peer: ParticipantId, 
/**
 * Perfect negotiation: the polite end gives way when two offers cross. It is the one who
 * joined later; the other one makes the first offer.
 */
polite: boolean, 
/**
 * The newest generation the server knows.
 */
generation: number, 
/**
 * Use relayed candidates only: the other one is not a contact, and is not to learn the
 * receiver's addresses.
 */
relay_only: boolean, 
/**
 * STUN and TURN servers with credentials for this call.
 */
relay: RelayTerms, };

export type RelayTerms = { 
/**
 * In the shape of `RTCConfiguration.iceServers`.
 */
ice_servers: Array<IceServer>, 
/**
 * Milliseconds until the credentials expire.
 */
expires_in_ms: number, };

export type IceServer = { 
/**
 * `stun:` and `turn:` URLs.
 */
urls: Array<string>, 
/**
 * For `turn:` URLs.
 */
username?: string, 
/**
 * For `turn:` URLs.
 */
credential?: string, };

export type RelayCredentials = { 
/**
 * The call.
 */
call: CallId, 
/**
 * To be used from the next ICE restart on.
 */
relay: RelayTerms, };

export type ConnectionRestart = { 
/**
 * The call.
 */
call: CallId, 
/**
 * The connection.
 */
connection: ConnectionId, 
/**
 * The generation to begin. Its impolite end makes the offer.
 */
generation: number, };

export type DescriptionFrom = { 
/**
 * Filled in by the server.
 */
from: ParticipantId, 
/**
 * The call.
 */
call: CallId, 
/**
 * The connection.
 */
connection: ConnectionId, 
/**
 * 0 at first; one more with each ICE restart.
 */
generation: number, 
/**
 * Opaque to the server. The web app puts JSON of an `RTCSessionDescription` here.
 */
body: string, };

export type CandidatesFrom = { 
/**
 * Filled in by the server.
 */
from: ParticipantId, 
/**
 * The call.
 */
call: CallId, 
/**
 * The connection.
 */
connection: ConnectionId, 
/**
 * The generation they belong to.
 */
generation: number, 
/**
 * Opaque to the server, in the order they were found.
 */
candidates: Array<string>, 
/**
 * No more will follow in this generation.
 */
end: boolean, };

export type ChatFrom = { 
/**
 * Filled in by the server.
 */
from: ParticipantId, 
/**
 * The name they had then.
 */
name: Name, 
/**
 * When the server took it, in milliseconds since the Unix epoch.
 */
at_ms: number, 
/**
 * The call.
 */
call: CallId, 
/**
 * Made by the sender; a repeat with the same id is not shown twice.
 */
chat: ChatId, 
/**
 * Opaque to the server.
 */
body: string, };

export type CallEnded = { 
/**
 * The call.
 */
call: CallId, 
/**
 * Why.
 */
reason: EndReason, };

export type EndReason = "hangup" | "left" | "connect_failed" | "connection_lost" | "replaced" | "server_stopped" | "kicked" | "glare";

export type Account = { 
/**
 * Who it is.
 */
user: UserId, 
/**
 * The name others see.
 */
name: Name, 
/**
 * Nobody's call rings here.
 */
do_not_disturb: boolean, 
/**
 * A second call rings while the first goes on; otherwise the caller hears that it is busy.
 */
call_waiting: boolean, };

export type People = { 
/**
 * The receiver.
 */
me: Account, 
/**
 * Whom the receiver has added.
 */
contacts: Array<Contact>, 
/**
 * What rings for the receiver now.
 */
incoming: Array<RingOffer>, 
/**
 * Whom this device is calling now.
 */
outgoing: Array<RingState>, };

export type Contact = { 
/**
 * Who.
 */
user: UserId, 
/**
 * Their name.
 */
name: Name, 
/**
 * Whether they can be reached. `offline` for those who do not know the receiver, too.
 */
presence: Availability, };

export type Availability = "offline" | "available" | "busy" | "do_not_disturb";

export type PresenceChange = { 
/**
 * The contact as it is now.
 */
contact: Contact, };

export type Changed = { 
/**
 * What.
 */
what: ChangedPart, };

export type ChangedPart = "history";

export type Invite = { 
/**
 * Made by the caller: a repeat rings nobody twice, not even after a restart of the server.
 */
ring: RingId, 
/**
 * The call.
 */
call: CallId, 
/**
 * The person.
 */
to: UserId, 
/**
 * What the caller sends: a voice call or a video call.
 */
media: MediaState, };

export type Ringing = { 
/**
 * The ring.
 */
ring: RingId, };

export type Accept = { 
/**
 * The ring.
 */
ring: RingId, 
/**
 * What the callee sends. Video only when the person chose it.
 */
media: MediaState, };

export type Decline = { 
/**
 * The ring.
 */
ring: RingId, };

export type Ignore = { 
/**
 * The ring.
 */
ring: RingId, };

export type Busy = { 
/**
 * The ring.
 */
ring: RingId, };

export type Cancel = { 
/**
 * The ring.
 */
ring: RingId, };

export type LeaveMessage = { 
/**
 * The ring that was not answered.
 */
ring: RingId, 
/**
 * Made by the sender.
 */
chat: ChatId, 
/**
 * Opaque to the server. Between web apps it is JSON with `text`, as in a chat.
 */
body: string, };

export type RingOffer = { 
/**
 * The ring.
 */
ring: RingId, 
/**
 * The call it asks into.
 */
call: CallId, 
/**
 * Who calls.
 */
from: Caller, 
/**
 * What the caller sends.
 */
media: MediaState, 
/**
 * The receiver's person is in another call.
 */
waiting: boolean, 
/**
 * How long it will ring, in milliseconds.
 */
expires_in_ms: number, };

export type Caller = { 
/**
 * Who.
 */
user: UserId, 
/**
 * Their name.
 */
name: Name, 
/**
 * Whether the receiver has added them. With others, the receiver's address is kept from
 * them: the connection is relay-only at the receiver's end.
 */
contact: boolean, };

export type RingState = { 
/**
 * The ring.
 */
ring: RingId, 
/**
 * The call it asks into.
 */
call: CallId, 
/**
 * Who is called.
 */
to: UserId, 
/**
 * How it stands.
 */
phase: RingPhase, };

export type RingPhase = "offered" | "ringing";

export type RingEnded = { 
/**
 * The ring.
 */
ring: RingId, 
/**
 * Why.
 */
reason: RingEndReason, };

export type RingEndReason = "accepted" | "answered_elsewhere" | "declined" | "declined_elsewhere" | "busy" | "no_answer" | "cancelled";

/** A frame as a client sends it. */
export type ClientFrame = ClientMessage & { id?: string; ack?: number };

/** A frame as the server sends it. */
export type ServerFrame = ServerMessage & { seq?: number; re?: string };

export const SUBPROTOCOL = "dialtone.v1";

export const limits = {
  /** Bytes of one WebSocket message from a client; the server's are at most 1 KiB longer. */
  frame_bytes: 65536,
  /** Levels of nesting in a frame; no message of ours needs more than five. */
  frame_depth: 8,
  /** Bytes of a session description's body. */
  description_bytes: 32768,
  /** Bytes of one candidate's body. */
  candidate_bytes: 1024,
  /** Candidates one side may send for one generation of a connection. */
  candidates: 64,
  /** Bytes of a chat message's body. */
  chat_bytes: 8192,
  /** Chat messages a call keeps for people who reload or come later. */
  chat_backlog: 128,
  /** Bytes the chat backlog of a call may hold, counted as they are sent. */
  chat_backlog_bytes: 32768,
  /** Bytes of a message that is left after a ring. */
  message_bytes: 4096,
  /** Characters of a participant's name. */
  name_chars: 64,
  /** Bytes of a client's name or version, of a feature's name, of a request id. */
  token_bytes: 32,
  /** Features a client may offer. */
  features: 32,
  /** Connections a client may announce when it joins. */
  announced: 4,
  /** Calls one session may sit in at a time. */
  calls_per_session: 4,
  /** Participants of a call, for now. */
  participants: 2,
  /** Frames a second a client may send in the long run; beyond it the server reads more slowly. */
  frames_per_second: 20,
  /** Frames a client may send at once after a pause. */
  frames_burst: 60,
  /** Frames the server keeps for a client until they are acknowledged. */
  outbox_frames: 512,
  /** Bytes of frames the server keeps for a client until they are acknowledged. */
  outbox_bytes: 262144,
  /** Answers the server remembers per session, to repeat them for a repeated request. */
  answers: 256,
  /** How long it remembers them, in milliseconds. */
  answer_ms: 60000,
  /** How long a ticket is valid, in milliseconds. */
  ticket_ms: 30000,
  /** How long a new WebSocket may wait before its hello, in milliseconds. */
  hello_ms: 2000,
  /** How long a session outlives its socket, in milliseconds. */
  window_ms: 30000,
  /** How long a seat outlives a page that said `closing`, in milliseconds: enough for a reload. */
  closing_ms: 8000,
  /** Pause between the server's pings outside calls, in milliseconds. */
  ping_idle_ms: 25000,
  /** Pause between the server's pings in a call, in milliseconds. */
  ping_in_call_ms: 5000,
  /** How long a connection may take to come up before the relay-only retry, and again after it. */
  connect_ms: 20000,
  /** How long a connection may be lost before it is closed, in milliseconds. */
  reconnect_ms: 30000,
  /** How long a ring lasts from the first device that rings, in milliseconds, and at most twice as long in all. */
  ring_ms: 45000,
  /** How long a device may take to say that it rings before a push message wakes it. */
  push_after_ms: 1000,
  /** How long after a ring a message can be left, in milliseconds. */
  leave_message_ms: 600000,
  /** Rings a person may start at once after a pause. */
  invites_burst: 10,
  /** Rings a person may start in a minute in the long run. */
  invites_per_minute: 10,
  /** Rings a person may get in a minute, from everybody together. */
  rings_per_minute: 30,
  /** Rings that may be going on for one person at a time. */
  rings_at_once: 8,
  /** Contacts a person may have, and people they may block. */
  contacts: 1000,
  /** How long relay credentials are valid, in milliseconds; renewed before they expire. */
  relay_credentials_ms: 3600000,
} as const;

export const closeCodes = {
  /** no hello within 2 s */
  HelloTimeout: 4000,
  /** the ticket or the device's proof is not valid */
  Unauthorized: 4001,
  /** a frame that is not of this protocol */
  BadFrame: 4002,
  /** the session goes on on a newer socket */
  Replaced: 4003,
  /** too much was left unread or unacknowledged */
  SlowReader: 4004,
  /** pings were not answered */
  PingTimeout: 4005,
  /** the server is stopping */
  GoingAway: 4006,
  /** too many connections */
  TooMany: 4007,
  /** signed out */
  SignedOut: 4008,
} as const;
