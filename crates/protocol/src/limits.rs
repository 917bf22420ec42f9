//! What both sides keep. A frame beyond a limit is refused with an error and has no effect.
//!
//! They are generous for two people in a call and small enough that one client cannot take a
//! noticeable share of the server. `docs/protocol.md` and the web app get them from here.

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[doc = $doc])+ pub const $name: $type = $value;)*

        /// Every limit as name, value and meaning, for the generated documents.
        pub const ALL: &[(&str, u64, &str)] =
            &[$((stringify!($name), $value as u64, concat!($($doc),+))),*];
    };
}

limits! {
    /// Bytes of one WebSocket message from a client; the server's are at most 1 KiB longer.
    FRAME_BYTES: usize = 64 * 1024;
    /// Levels of nesting in a frame; no message of ours needs more than five.
    FRAME_DEPTH: usize = 8;
    /// Bytes of a session description's body.
    DESCRIPTION_BYTES: usize = 32 * 1024;
    /// Bytes of one candidate's body.
    CANDIDATE_BYTES: usize = 1024;
    /// Candidates one side may send for one generation of a connection.
    CANDIDATES: usize = 64;
    /// Bytes of a chat message's body.
    CHAT_BYTES: usize = 8 * 1024;
    /// Chat messages a call keeps for people who reload or come later.
    CHAT_BACKLOG: usize = 128;
    /// Bytes the chat backlog of a call may hold, counted as they are sent.
    CHAT_BACKLOG_BYTES: usize = 32 * 1024;
    /// Bytes of a message that is left after a ring.
    MESSAGE_BYTES: usize = 4 * 1024;
    /// Characters of a participant's name.
    NAME_CHARS: usize = 64;
    /// Bytes of a client's name or version, of a feature's name, of a request id.
    TOKEN_BYTES: usize = 32;
    /// Features a client may offer.
    FEATURES: usize = 32;
    /// Connections a client may announce when it joins.
    ANNOUNCED: usize = 4;
    /// Calls one session may sit in at a time.
    CALLS_PER_SESSION: usize = 4;
    /// Participants of a call, for now.
    PARTICIPANTS: usize = 2;
    /// Frames a second a client may send in the long run; beyond it the server reads more slowly.
    FRAMES_PER_SECOND: u32 = 20;
    /// Frames a client may send at once after a pause.
    FRAMES_BURST: u32 = 60;
    /// Frames the server keeps for a client until they are acknowledged.
    OUTBOX_FRAMES: usize = 512;
    /// Bytes of frames the server keeps for a client until they are acknowledged.
    OUTBOX_BYTES: usize = 256 * 1024;
    /// Answers the server remembers per session, to repeat them for a repeated request.
    ANSWERS: usize = 256;
    /// How long it remembers them, in milliseconds.
    ANSWER_MS: u64 = 60_000;
    /// How long a ticket is valid, in milliseconds.
    TICKET_MS: u64 = 30_000;
    /// How long a new WebSocket may wait before its hello, in milliseconds.
    HELLO_MS: u64 = 2_000;
    /// How long a session outlives its socket, in milliseconds.
    WINDOW_MS: u64 = 30_000;
    /// How long a seat outlives a page that said `closing`, in milliseconds: enough for a reload.
    CLOSING_MS: u64 = 8_000;
    /// Pause between the server's pings outside calls, in milliseconds.
    PING_IDLE_MS: u64 = 25_000;
    /// Pause between the server's pings in a call, in milliseconds.
    PING_IN_CALL_MS: u64 = 5_000;
    /// How long a connection may take to come up before the relay-only retry, and again after it.
    CONNECT_MS: u64 = 20_000;
    /// How long a connection may be lost before it is closed, in milliseconds.
    RECONNECT_MS: u64 = 30_000;
    /// How long a ring lasts from the first device that rings, in milliseconds, and at most twice
    /// as long in all.
    RING_MS: u64 = 45_000;
    /// How long a device may take to say that it rings before a push message wakes it.
    PUSH_AFTER_MS: u64 = 1_000;
    /// How long after a ring a message can be left, in milliseconds.
    LEAVE_MESSAGE_MS: u64 = 600_000;
    /// Rings a person may start at once after a pause.
    INVITES_BURST: u32 = 10;
    /// Rings a person may start in a minute in the long run.
    INVITES_PER_MINUTE: u32 = 10;
    /// Rings a person may get in a minute, from everybody together.
    RINGS_PER_MINUTE: u32 = 30;
    /// Rings that may be going on for one person at a time.
    RINGS_AT_ONCE: usize = 8;
    /// Contacts a person may have, and people they may block.
    CONTACTS: usize = 1_000;
    /// How long relay credentials are valid, in milliseconds; renewed before they expire.
    RELAY_CREDENTIALS_MS: u64 = 3_600_000;
}
