//! What is generated from the types: the web app's TypeScript and the tables of the protocol's
//! document. `cargo xtask gen` writes both; the tests fail when either is stale.

use std::fmt::Write as _;

use ts_rs::{Config, TS};

use crate::close::CloseCode;
use crate::id::*;
use crate::message::*;
use crate::text::{Name, Token};
use crate::{SUBPROTOCOL, limits};

const HEAD: &str = "\
// Generated from crates/protocol by `cargo xtask gen`. Do not edit.

/* eslint-disable */
";

/// The TypeScript of every type on the wire, of the limits and of the close codes.
pub fn typescript() -> String {
    let config = Config::default().with_large_int("number");
    let mut out = HEAD.to_owned();
    macro_rules! declare {
        ($($type:ty),* $(,)?) => {
            $(writeln!(out, "\nexport {}", <$type as TS>::decl(&config)).expect("writing to a string");)*
        };
    }
    declare!(
        RoomId,
        CallId,
        ParticipantId,
        ConnectionId,
        ChatId,
        RingId,
        UserId,
        SessionId,
        DeviceId,
        Epoch,
        Ticket,
        ResumeToken,
        Name,
        Token,
    );
    declare!(
        ClientMessage,
        ServerMessage,
        Hello,
        DeviceProof,
        ClientInfo,
        Resume,
        Ack,
        Ping,
        Pong,
        Welcome,
        You,
        Resumed,
        Reset,
        ResetReason,
        GoAway,
        GoAwayAction,
        Done,
        ErrorBody,
        ErrorCode,
        Join,
        AnnouncedConnection,
        Hangup,
        Closing,
        Media,
        MediaState,
        Chat,
        Description,
        Candidates,
        ConnectionReport,
        ConnectionState,
        Path,
        Joined,
        Participant,
        ParticipantChange,
        ConnectionOpened,
        RelayTerms,
        IceServer,
        RelayCredentials,
        ConnectionRestart,
        DescriptionFrom,
        CandidatesFrom,
        ChatFrom,
        CallEnded,
        EndReason,
    );
    declare!(
        Account,
        People,
        Contact,
        Availability,
        PresenceChange,
        Changed,
        ChangedPart,
        Invite,
        Ringing,
        Accept,
        Decline,
        Ignore,
        Busy,
        Cancel,
        LeaveMessage,
        RingOffer,
        Caller,
        RingState,
        RingPhase,
        RingEnded,
        RingEndReason,
    );
    out.push_str("\n/** A frame as a client sends it. */\n");
    out.push_str("export type ClientFrame = ClientMessage & { id?: string; ack?: number };\n");
    out.push_str("\n/** A frame as the server sends it. */\n");
    out.push_str("export type ServerFrame = ServerMessage & { seq?: number; re?: string };\n");
    writeln!(out, "\nexport const SUBPROTOCOL = {SUBPROTOCOL:?};").expect("writing to a string");
    out.push_str(&typescript_limits());
    out.push_str(&typescript_close_codes());
    out
}

fn typescript_limits() -> String {
    let mut out = "\nexport const limits = {\n".to_owned();
    for (name, value, meaning) in limits::ALL {
        let name = name.to_lowercase();
        writeln!(out, "  /**{meaning} */\n  {name}: {value},").expect("writing to a string");
    }
    out + "} as const;\n"
}

fn typescript_close_codes() -> String {
    let mut out = "\nexport const closeCodes = {\n".to_owned();
    for (code, number, reason, _) in CloseCode::ALL {
        writeln!(out, "  /** {reason} */\n  {code:?}: {number},").expect("writing to a string");
    }
    out + "} as const;\n"
}

/// The tables of `docs/protocol.md`, by the name of the marker they stand behind.
pub fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("limits", limits_table()),
        ("errors", words_table("code", ErrorCode::ALL)),
        ("end-reasons", words_table("reason", EndReason::ALL)),
        (
            "ring-end-reasons",
            words_table("reason", RingEndReason::ALL),
        ),
        ("close-codes", close_codes_table()),
    ]
}

fn limits_table() -> String {
    let mut out = "| limit | value | meaning |\n| --- | ---: | --- |\n".to_owned();
    for (name, value, meaning) in limits::ALL {
        writeln!(out, "| `{name}` | {value} | {} |", meaning.trim()).expect("writing to a string");
    }
    out
}

fn words_table(heading: &str, words: &[(&str, &str)]) -> String {
    let mut out = format!("| {heading} | meaning |\n| --- | --- |\n");
    for (word, meaning) in words {
        writeln!(out, "| `{word}` | {} |", meaning.trim()).expect("writing to a string");
    }
    out
}

fn close_codes_table() -> String {
    let mut out = "| code | reason | connect again |\n| ---: | --- | --- |\n".to_owned();
    for (_, number, reason, again) in CloseCode::ALL {
        let again = if *again { "yes" } else { "no" };
        writeln!(out, "| {number} | {reason} | {again} |").expect("writing to a string");
    }
    out
}

/// Puts each table between its markers, `<!-- generated: NAME -->` and `<!-- end -->`.
///
/// Fails with the name of a marker that is missing.
pub fn fill_tables(document: &str) -> Result<String, String> {
    let mut document = document.to_owned();
    for (name, table) in tables() {
        let open = format!("<!-- generated: {name} -->\n");
        let start = document.find(&open).ok_or(format!("no marker {open:?}"))? + open.len();
        let length = document[start..]
            .find("<!-- end -->")
            .ok_or(format!("no end of {name}"))?;
        document.replace_range(start..start + length, &table);
    }
    Ok(document)
}
