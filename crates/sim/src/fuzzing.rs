//! Entry points for fuzz targets. They panic when a promise is broken; that anything a client
//! sends makes them panic would be a bug of ours.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exchange::records::Person;
use exchange::{Bearer, Input, Shutdown, SocketId};
use protocol::frame;
use protocol::id::{LoginId, UserId};
use protocol::limits;
use serde_json::{Value, json};

use crate::keep::Mood;
use crate::switchboard::{Switchboard, sign};

/// Longer than any error should be.
const ERROR_BYTES: usize = 2_000;
const MAX_STEPS: usize = 512;
/// A ring is remembered for longer, even when some time has passed in one step.
const REMEMBERED: Duration = Duration::from_millis(limits::LEAVE_MESSAGE_MS - 80_000);
/// A device of Ada's, two of Ben's, and one of Eve's; each may also come as a guest.
const DEVICES: [&str; 4] = ["ada", "ben.phone", "ben.laptop", "eve"];
const USERS: [u8; 4] = [0, 1, 1, 2];

/// What is read of a frame must be what is written again, and errors stay short.
pub fn client_frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let read = match frame::parse(text) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.to_string().len() < ERROR_BYTES);
            return;
        }
    };
    assert!(text.len() <= limits::FRAME_BYTES);
    let mut again = serde_json::to_value(&read.message).expect("messages are JSON");
    again["id"] = json!(read.id);
    again["ack"] = json!(read.ack);
    if let Value::Object(fields) = &mut again {
        fields.retain(|_, value| !value.is_null());
    }
    let again = again.to_string();
    // Defaults that were left out are written out; then it may just not fit any more.
    if again.len() <= limits::FRAME_BYTES {
        assert_eq!(frame::parse(&again), Ok(read));
    }
}

/// An exchange under a sequence of inputs. Each step is an operation byte and an argument byte,
/// and frames are made of what their sender knows, so that a fuzzer need not guess ids.
pub fn exchange(bytes: &[u8]) {
    let mut world = World {
        board: Switchboard::new(0),
        restored: 0,
        restored_rings: 0,
        passed: Duration::ZERO,
        pages: [0, 1, 2, 3].map(Page::new),
    };
    for number in 0..3 {
        world.board.set_person(user(number), person(number, 0));
    }
    let mut rest = bytes;
    for step in 0..MAX_STEPS {
        let Some(([operation, argument], tail)) = rest.split_first_chunk::<2>() else {
            break;
        };
        rest = world.step(step, *operation, *argument, tail);
        world.listen();
    }
    world.end();
}

struct World {
    board: Switchboard,
    /// Calls that the present exchange was given at its start.
    restored: u64,
    /// Rings as well.
    restored_rings: u64,
    passed: Duration,
    pages: [Page; 4],
}

/// What one page knows.
#[derive(Default)]
struct Page {
    device: &'static str,
    place: u8,
    /// It comes with a member's tickets.
    member: bool,
    socket: Option<SocketId>,
    session: Value,
    last_seq: u64,
    /// The newest connection it was told of.
    connection: Value,
    /// The newest call it has joined.
    call: Value,
    /// The newest ring it was told of.
    ring: Value,
    /// Rings it was told the end of.
    over: BTreeSet<String>,
}

impl World {
    /// One input; returns the bytes it left.
    fn step<'a>(&mut self, step: usize, operation: u8, argument: u8, tail: &'a [u8]) -> &'a [u8] {
        let who = usize::from(operation >> 6);
        let (page, board) = (&mut self.pages[who], &mut self.board);
        match operation & 63 {
            0..2 => page.hello(board, false),
            2..4 => page.hello(board, true),
            4..8 => page.resume(board, argument),
            8..10 => page.cut(board),
            10 => page.socket = Some(board.open()),
            11 => page.administrate(board, argument),
            12..14 => self.pass(Duration::from_millis(1 << (argument % 17))),
            14 => board.set_mood(match argument % 3 {
                0 => Mood::Prompt,
                1 => Mood::Slow,
                _ => Mood::Failing,
            }),
            15 if argument == 0 => board.fail(),
            15 => board.store(usize::from(argument)),
            16 => {
                board.restart(u64::from(argument));
                self.restored = board.exchange().live_calls() as u64;
                self.restored_rings = board.exchange().live_rings() as u64;
            }
            17 if argument == 0 => board.shut_down(Shutdown::Restart),
            17 if argument == 1 => board.shut_down(Shutdown::Stop),
            18 => {
                let (text, tail) = tail.split_at(tail.len().min(usize::from(argument)));
                page.send_text(board, &String::from_utf8_lossy(text));
                return tail;
            }
            operation => {
                let mut frame = page.frame(operation, argument);
                // Some requests are repeats, some ask for no answer.
                match argument >> 5 {
                    0 => {}
                    1 => frame["id"] = "same".into(),
                    _ => frame["id"] = step.to_string().into(),
                }
                page.send_text(board, &frame.to_string());
            }
        }
        tail
    }

    fn pass(&mut self, span: Duration) {
        self.board.advance(span);
        self.passed += span;
        // The id of a ring that is forgotten may be that of another one.
        if self.passed > REMEMBERED {
            self.passed = Duration::ZERO;
            for page in &mut self.pages {
                page.over.clear();
            }
        }
    }

    fn listen(&mut self) {
        for page in &mut self.pages {
            page.listen(&mut self.board);
        }
        let counters = self.board.exchange().counters();
        assert!(self.board.exchange().live_sessions() as u64 <= counters.sessions_opened);
        assert!(self.board.exchange().live_calls() as u64 <= counters.calls_opened + self.restored);
        assert!(counters.rings_answered <= counters.rings_begun + self.restored_rings);
    }

    /// Nothing lives for ever.
    fn end(&mut self) {
        for page in &mut self.pages {
            page.cut(&mut self.board);
        }
        self.board.set_mood(Mood::Prompt);
        self.board
            .advance(Duration::from_millis(limits::LEAVE_MESSAGE_MS) + Duration::from_secs(120));
        let exchange = self.board.exchange();
        assert_eq!(exchange.live_sessions(), 0, "sessions");
        assert_eq!(exchange.live_calls(), 0, "calls");
        assert_eq!(exchange.live_rings(), 0, "rings");
        assert_eq!(exchange.poll_timeout(), None, "timers");
        let keep = self.board.keep();
        assert!(keep.calls.values().all(|call| call.ended.is_some()));
        assert!(keep.rings.values().all(|ring| ring.ended.is_some()));
    }
}

impl Page {
    fn new(place: usize) -> Page {
        Page {
            device: DEVICES[place],
            place: place as u8,
            ..Page::default()
        }
    }

    fn bearer(&self) -> Bearer {
        match self.member {
            false => Bearer::Guest,
            true => Bearer::Member {
                user: self.user(),
                login: self.login(),
            },
        }
    }

    fn user(&self) -> UserId {
        user(USERS[usize::from(self.place)])
    }

    fn login(&self) -> LoginId {
        LoginId::from_bytes([self.place; 16])
    }

    /// What an administrator does, or the person themselves elsewhere.
    fn administrate(&self, board: &mut Switchboard, argument: u8) {
        let number = USERS[usize::from(self.place)];
        match argument & 7 {
            0 => board.revoke(self.login()),
            1 => board.remove_person(self.user()),
            2 => {
                let calls: Vec<_> = board.exchange().calls().map(|it| it.call).collect();
                if let Some(call) = calls.get(usize::from(argument >> 3)) {
                    board.input(Input::Kick(*call));
                }
            }
            _ => board.set_person(self.user(), person(number, argument)),
        }
    }

    fn hello(&mut self, board: &mut Switchboard, member: bool) {
        self.cut(board);
        self.member = member;
        self.socket = Some(board.open());
        let ticket = board.ticket_for(self.bearer());
        let device = sign(self.device, &format!("dialtone hello\n{ticket}"));
        let frame = json!({
            "t": "hello", "ticket": ticket, "device": device,
            "client": { "name": "fuzz", "version": "1" },
        });
        self.send_text(board, &frame.to_string());
    }

    /// Resumes, with one thing wrong if the argument says so.
    fn resume(&mut self, board: &mut Switchboard, argument: u8) {
        let Some(session) = self.session["session"].as_str() else {
            return;
        };
        let ticket = board.ticket_for(self.bearer());
        let device = sign(
            self.device,
            &format!("dialtone resume\n{ticket}\n{session}"),
        );
        let mut frame = json!({
            "t": "resume", "ticket": ticket, "device": device, "session": session,
            "epoch": self.session["epoch"], "resume_token": self.session["resume_token"],
            "last_seq": self.last_seq,
        });
        match argument {
            0 => frame["resume_token"] = id(0).into(),
            1 => frame["last_seq"] = u64::MAX.into(),
            2 => frame["device"] = sign("mallory", ""),
            3 => frame["epoch"] = id(0).into(),
            _ => {}
        }
        let socket = board.open();
        if argument != 2 {
            self.socket = Some(socket);
        }
        board.send(socket, &frame);
    }

    fn cut(&mut self, board: &mut Switchboard) {
        if let Some(socket) = self.socket.take() {
            board.cut(socket);
        }
    }

    fn frame(&self, operation: u8, argument: u8) -> Value {
        let small = u32::from(argument % 4);
        let state = ["connecting", "connected", "reconnecting"][usize::from(argument % 3)];
        let media = json!({ "audio": small > 1, "video": true });
        let generation = self.connection["generation"].as_u64().unwrap_or(0) as u32;
        let generation = generation.saturating_add(if argument & 16 == 0 { 0 } else { small });
        let call = match self.connection["call"].as_str() {
            Some(call) if argument & 8 == 0 => call.to_owned(),
            _ => id(small),
        };
        let connection = self.connection["connection"]
            .as_str()
            .map_or(id(small), str::to_owned);
        // What was heard of, or what somebody may have dialled.
        let ring = match self.ring.as_str() {
            Some(ring) if argument & 8 == 0 => ring.to_owned(),
            _ => id(small),
        };
        match operation {
            19 => {
                let call = self.call.as_str().map_or(call, str::to_owned);
                let to = user(argument >> 2 & 3);
                return json!({
                    "t": "invite", "ring": id(small), "call": call, "to": to, "media": media,
                });
            }
            20 => return json!({ "t": "accept", "ring": ring, "media": media }),
            21 => {
                let what = ["ringing", "decline", "ignore", "busy"][usize::from(argument >> 3 & 3)];
                return json!({ "t": what, "ring": self.ring.as_str().unwrap_or(&ring) });
            }
            61 => return json!({ "t": "cancel", "ring": ring }),
            62 => {
                let chat = id(u32::from(argument));
                return json!({ "t": "leave_message", "ring": ring, "chat": chat, "body": "b" });
            }
            _ => {}
        }
        match operation {
            22..30 => json!({
                "t": "join", "room": id(small / 2), "call": call, "name": self.device,
                "media": media, "connections": self.announced(argument, state),
            }),
            30..33 => json!({ "t": "hangup", "call": call }),
            33..36 => json!({ "t": "media", "call": call, "media": media }),
            36..40 => json!({
                "t": "chat", "call": call, "chat": id(u32::from(argument)),
                "body": "\u{1}".repeat(1 << (argument % 14)),
            }),
            40..44 => json!({
                "t": "description", "call": call, "connection": connection,
                "generation": generation, "body": "x".repeat(1 << (argument % 16)),
            }),
            44..48 => json!({
                "t": "candidates", "call": call, "connection": connection,
                "generation": generation, "candidates": vec!["c"; usize::from(argument % 65)],
            }),
            48..54 => json!({
                "t": "connection_state", "call": call, "connection": connection,
                "generation": generation, "state": state,
            }),
            54..58 => json!({ "t": "ack", "ack": self.last_seq + u64::from(small / 3) }),
            58 => json!({ "t": "closing" }),
            59 => json!({ "t": "ping" }),
            60 => json!({ "t": "teleport" }),
            _ => json!({ "t": "pong", "ack": self.last_seq }),
        }
    }

    fn announced(&self, argument: u8, state: &str) -> Vec<Value> {
        if self.connection.is_null() || argument & 16 == 0 {
            return Vec::new();
        }
        vec![json!({
            "connection": self.connection["connection"], "peer": self.connection["peer"],
            "generation": self.connection["generation"], "polite": self.connection["polite"],
            "peer_name": "somebody", "state": state,
        })]
    }

    fn send_text(&self, board: &mut Switchboard, text: &str) {
        if let Some(socket) = self.socket {
            board.send_text(socket, text);
        }
    }

    fn listen(&mut self, board: &mut Switchboard) {
        let Some(socket) = self.socket else { return };
        for frame in board.receive(socket) {
            self.hear(&frame);
        }
        if board.closed(socket).is_some() {
            self.cut(board);
        }
    }

    fn hear(&mut self, frame: &Value) {
        assert!(frame.to_string().len() <= limits::FRAME_BYTES + 1024);
        if let Some(seq) = frame["seq"].as_u64() {
            assert_eq!(seq, self.last_seq + 1, "in order, without gaps");
            self.last_seq = seq;
        }
        match frame["t"].as_str().unwrap_or_default() {
            "welcome" | "reset" => {
                self.session = frame.clone();
                self.last_seq = 0;
                self.over.clear();
            }
            "resumed" => self.session["resume_token"] = frame["resume_token"].clone(),
            "ring" => {
                self.ring = frame["ring"].clone();
                assert_ne!(
                    frame["from"]["user"],
                    json!(self.user()),
                    "nobody rings at home"
                );
                let ring = self.ring.as_str().unwrap_or_default();
                assert!(!self.over.contains(ring), "what is over rings no more");
            }
            "people" => {
                if let Some(offer) = frame["incoming"].get(0) {
                    self.ring = offer["ring"].clone();
                }
            }
            "ring_ended" => {
                let ring = frame["ring"].as_str().unwrap_or_default();
                self.over.insert(ring.to_owned());
            }
            "joined" => {
                self.call = frame["call"].clone();
                let others = frame["participants"].as_array().map_or(0, Vec::len);
                assert!(others < limits::PARTICIPANTS);
                self.connection = frame["connections"][0].clone();
                assert!(self.connection.is_null() || self.connection["call"] == frame["call"]);
            }
            "connection" => self.connection = frame.clone(),
            _ => {}
        }
    }
}

fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

/// Somebody who knows everybody, and wants what the bits say.
fn person(number: u8, bits: u8) -> Person {
    let others = || (0..3).filter(move |other| *other != number).map(user);
    let blocks = bits & 64 != 0;
    Person {
        name: format!("User {number}").try_into().expect("a short name"),
        contacts: others().filter(|_| bits & 32 == 0).collect(),
        blocked: others().filter(|_| blocks).collect(),
        do_not_disturb: bits & 8 != 0,
        call_waiting: bits & 16 == 0,
    }
}

/// An id that follows from a small number.
fn id(number: u32) -> String {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}
