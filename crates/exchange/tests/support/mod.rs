//! People with a browser, as the exchange sees them: sockets, frames, and what came back.

// Every test file uses another part of this.
#![allow(dead_code)]

use std::time::Duration;

use exchange::records::Person as Account;
use exchange::{Bearer, SocketId};
use protocol::close::CloseCode;
use protocol::id::{LoginId, UserId};
use serde_json::{Value, json};
pub use sim::switchboard::{Switchboard, sign};

pub const ROOM: &str = "RRRRRRRRRRRRRRRRRRRRRA";
pub const OTHER_ROOM: &str = "SSSSSSSSSSSSSSSSSSSSSA";
pub const CALL: &str = "CCCCCCCCCCCCCCCCCCCCCA";
pub const OTHER_CALL: &str = "DDDDDDDDDDDDDDDDDDDDDA";
/// An id that nobody has.
pub const NOBODY: &str = "NNNNNNNNNNNNNNNNNNNNNA";

pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A frame that opens a session.
pub fn hello_frame(ticket: &str, device: &str) -> Value {
    json!({
        "t": "hello", "id": "hello", "ticket": ticket, "features": [],
        "client": { "name": "test", "version": "1" },
        "device": sign(device, &format!("dialtone hello\n{ticket}")),
    })
}

/// A device with a session.
#[derive(Debug)]
pub struct Person {
    pub device: &'static str,
    pub socket: SocketId,
    /// What `welcome` or `reset` said.
    pub session: Value,
    pub last_seq: u64,
    bearer: Bearer,
    inbox: Vec<Value>,
    next_request: u32,
}

/// The user of this name.
pub fn user(name: &str) -> UserId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    UserId::from_bytes(bytes)
}

/// The sign-in of a device.
pub fn login(device: &str) -> LoginId {
    LoginId::from_bytes(*user(device).as_bytes())
}

/// An account with contacts.
pub fn account(name: &str, contacts: &[&str]) -> Account {
    Account {
        name: name.to_owned().try_into().unwrap(),
        contacts: contacts.iter().map(|name| user(name)).collect(),
        blocked: Default::default(),
        do_not_disturb: false,
        call_waiting: true,
    }
}

impl Person {
    /// Opens a socket and says hello.
    pub fn new(board: &mut Switchboard, device: &'static str) -> Person {
        Person::with(board, device, Bearer::Guest)
    }

    /// The same, signed in. The device's name begins with the user's: `ada.phone`.
    pub fn member(board: &mut Switchboard, device: &'static str) -> Person {
        let name = device.split('.').next().unwrap();
        let bearer = Bearer::Member {
            user: user(name),
            login: login(device),
        };
        Person::with(board, device, bearer)
    }

    /// The same with this ticket.
    pub fn with(board: &mut Switchboard, device: &'static str, bearer: Bearer) -> Person {
        let ticket = board.ticket_for(bearer.clone());
        let socket = board.open();
        board.send(socket, &hello_frame(&ticket, device));
        let welcome = board.receive_first(socket);
        assert_eq!(welcome["t"], "welcome", "{welcome}");
        Person {
            device,
            socket,
            session: welcome,
            last_seq: 0,
            bearer,
            inbox: Vec::new(),
            next_request: 0,
        }
    }

    /// The page is loaded again: the same device, and nothing else is left.
    pub fn reload(&mut self, board: &mut Switchboard) {
        board.cut(self.socket);
        *self = Person::with(board, self.device, self.bearer.clone());
    }

    pub fn send(&mut self, board: &mut Switchboard, frame: Value) {
        board.send(self.socket, &frame);
    }

    /// Sends a request and returns its answer; the rest goes to the inbox.
    pub fn ask(&mut self, board: &mut Switchboard, mut frame: Value) -> Value {
        if frame.get("id").is_none() {
            self.next_request += 1;
            frame["id"] = format!("r{}", self.next_request).into();
        }
        board.send(self.socket, &frame);
        self.listen(board);
        let answers = |got: &Value| got["re"] == frame["id"];
        let at = self.inbox.iter().position(answers);
        self.inbox
            .remove(at.unwrap_or_else(|| panic!("no answer to {frame}")))
    }

    /// The answer's error code, or its type.
    pub fn outcome(&mut self, board: &mut Switchboard, frame: Value) -> String {
        let answer = self.ask(board, frame);
        let code = answer.get("code").unwrap_or(&answer["t"]);
        code.as_str().unwrap().to_owned()
    }

    /// Everything that has come and was not taken yet.
    pub fn listen(&mut self, board: &mut Switchboard) -> &[Value] {
        for frame in board.receive(self.socket) {
            if let Some(seq) = frame["seq"].as_u64() {
                assert_eq!(seq, self.last_seq + 1, "in order, without gaps: {frame}");
                self.last_seq = seq;
            }
            self.inbox.push(frame);
        }
        &self.inbox
    }

    /// Takes all frames of a type that have come.
    pub fn take(&mut self, board: &mut Switchboard, kind: &str) -> Vec<Value> {
        self.listen(board);
        let (taken, rest) = std::mem::take(&mut self.inbox)
            .into_iter()
            .partition(|frame| frame["t"] == kind);
        self.inbox = rest;
        taken
    }

    /// Joins the usual room.
    pub fn join(&mut self, board: &mut Switchboard) -> Value {
        self.join_as(board, ROOM, CALL, json!([]))
    }

    pub fn join_as(
        &mut self,
        board: &mut Switchboard,
        room: &str,
        call: &str,
        connections: Value,
    ) -> Value {
        let frame = json!({
            "t": "join", "room": room, "call": call, "name": self.device,
            "media": { "audio": true, "video": true }, "connections": connections,
        });
        self.ask(board, frame)
    }

    pub fn resume_frame(&self, ticket: &str) -> Value {
        let session = self.session["session"].as_str().unwrap();
        json!({
            "t": "resume", "id": "resume", "ticket": ticket, "session": session,
            "epoch": self.session["epoch"], "resume_token": self.session["resume_token"],
            "last_seq": self.last_seq,
            "device": sign(self.device, &format!("dialtone resume\n{ticket}\n{session}")),
        })
    }

    /// Resumes on a new socket and returns the answer.
    pub fn resume(&mut self, board: &mut Switchboard) -> Value {
        let ticket = board.ticket_for(self.bearer.clone());
        let frame = self.resume_frame(&ticket);
        self.socket = board.open();
        board.send(self.socket, &frame);
        let answer = board.receive_first(self.socket);
        match answer["t"].as_str() {
            Some("resumed") => self.session["resume_token"] = answer["resume_token"].clone(),
            Some("reset") => {
                self.session = answer.clone();
                self.last_seq = 0;
            }
            _ => {}
        }
        answer
    }

    /// A message about a connection.
    pub fn about(connection: &Value, frame: Value) -> Value {
        let mut frame = frame;
        for field in ["call", "connection", "generation"] {
            if frame.get(field).is_none() {
                frame[field] = connection[field].clone();
            }
        }
        frame
    }

    /// Asks somebody into the usual call.
    pub fn invite(&mut self, board: &mut Switchboard, ring: &str, to: &str) -> String {
        let frame = invite_frame(ring, CALL, to);
        self.outcome(board, frame)
    }

    /// Says something about a ring; the answer's error code, or its type.
    pub fn say(&mut self, board: &mut Switchboard, what: &str, ring: &str) -> String {
        self.outcome(board, ring_frame(what, ring))
    }

    /// Why rings ended for this device.
    pub fn ring_ended(&mut self, board: &mut Switchboard) -> Vec<String> {
        let frames = self.take(board, "ring_ended").into_iter();
        frames
            .map(|f| f["reason"].as_str().unwrap().to_owned())
            .collect()
    }

    /// How many rings this device was told of.
    pub fn offers(&mut self, board: &mut Switchboard) -> usize {
        self.take(board, "ring").len()
    }

    pub fn report(&mut self, board: &mut Switchboard, connection: &Value, state: &str) -> String {
        let frame = json!({ "t": "connection_state", "state": state });
        self.outcome(board, Person::about(connection, frame))
    }
}

pub const RING: &str = "EEEEEEEEEEEEEEEEEEEEEA";
pub const OTHER_RING: &str = "FFFFFFFFFFFFFFFFFFFFFA";

pub fn invite_frame(ring: &str, call: &str, to: &str) -> Value {
    json!({
        "t": "invite", "ring": ring, "call": call, "to": user(to).to_string(),
        "media": { "audio": true, "video": true },
    })
}

pub fn ring_frame(what: &str, ring: &str) -> Value {
    match what {
        "accept" => json!({
            "t": what, "ring": ring, "media": { "audio": true, "video": false },
        }),
        "leave_message" => json!({
            "t": what, "ring": ring, "chat": NOBODY, "body": "call me",
        }),
        _ => json!({ "t": what, "ring": ring }),
    }
}

/// Another message after the usual ring.
pub fn another_message() -> Value {
    let mut frame = ring_frame("leave_message", RING);
    frame["chat"] = json!(OTHER_RING);
    frame
}

/// Ada and Ben have accounts and know each other; Eve has one and knows them. Ada has one
/// device, in the usual call; Ben has two.
pub struct Household {
    pub board: Switchboard,
    pub ada: Person,
    pub phone: Person,
    pub laptop: Person,
    pub eve: Person,
}

impl Household {
    pub fn new() -> Household {
        let mut board = Switchboard::new(1);
        board.set_person(user("ada"), account("Ada", &["ben"]));
        board.set_person(user("ben"), account("Ben", &["ada"]));
        board.set_person(user("eve"), account("Eve", &["ada", "ben"]));
        let mut ada = Person::member(&mut board, "ada");
        let phone = Person::member(&mut board, "ben.phone");
        let laptop = Person::member(&mut board, "ben.laptop");
        let eve = Person::member(&mut board, "eve");
        ada.join(&mut board);
        let mut home = Household {
            board,
            ada,
            phone,
            laptop,
            eve,
        };
        home.forget_what_came();
        home
    }

    /// With Ada calling Ben.
    pub fn ringing() -> Household {
        let mut home = Household::new();
        assert_eq!(home.ada.invite(&mut home.board, RING, "ben"), "ok");
        assert_eq!(home.phone.offers(&mut home.board), 1);
        assert_eq!(home.laptop.offers(&mut home.board), 1);
        home
    }

    pub fn people(&mut self) -> [&mut Person; 4] {
        [
            &mut self.ada,
            &mut self.phone,
            &mut self.laptop,
            &mut self.eve,
        ]
    }

    pub fn forget_what_came(&mut self) {
        for person in [
            &mut self.ada,
            &mut self.phone,
            &mut self.laptop,
            &mut self.eve,
        ] {
            person.listen(&mut self.board);
            person.inbox.clear();
        }
    }

    /// Time passes while everybody is there and answers.
    pub fn live(&mut self, span: Duration) {
        for _ in 0..span.as_secs() {
            self.board.advance(seconds(1));
            for person in [
                &mut self.ada,
                &mut self.phone,
                &mut self.laptop,
                &mut self.eve,
            ] {
                keep_alive(&mut self.board, person);
            }
        }
    }
}

/// What a client announces of a connection after a reset.
pub fn announced(connection: &Value, state: &str) -> Value {
    json!([{
        "connection": connection["connection"], "generation": connection["generation"],
        "peer": connection["peer"], "peer_name": "somebody", "polite": connection["polite"],
        "state": state,
    }])
}

/// Ada and Ben in a call, and the connection as each of them was told.
pub struct Pair {
    pub board: Switchboard,
    pub ada: Person,
    pub ben: Person,
    pub adas: Value,
    pub bens: Value,
}

impl Pair {
    pub fn new() -> Pair {
        let mut board = Switchboard::new(1);
        let mut ada = Person::new(&mut board, "ada");
        let mut ben = Person::new(&mut board, "ben");
        ada.join(&mut board);
        let bens = ben.join(&mut board)["connections"][0].clone();
        let adas = ada.take(&mut board, "connection").remove(0);
        ada.take(&mut board, "participant");
        Pair {
            board,
            ada,
            ben,
            adas,
            bens,
        }
    }

    /// With the connection up.
    pub fn up() -> Pair {
        let mut pair = Pair::new();
        pair.report("connected");
        pair
    }

    /// Both say the same about the connection.
    pub fn report(&mut self, state: &str) {
        assert_eq!(self.ada.report(&mut self.board, &self.adas, state), "ok");
        assert_eq!(self.ben.report(&mut self.board, &self.bens, state), "ok");
    }

    /// Time passes while both are there and answer.
    pub fn live(&mut self, span: Duration) {
        for _ in 0..span.as_secs() {
            self.board.advance(seconds(1));
            for person in [&mut self.ada, &mut self.ben] {
                keep_alive(&mut self.board, person);
            }
        }
    }

    /// Why the call ended for each, if it did.
    pub fn ended(&mut self) -> (Vec<Value>, Vec<Value>) {
        let reasons = |frames: Vec<Value>| frames.into_iter().map(|f| f["reason"].clone());
        let ada = self.ada.take(&mut self.board, "call_ended");
        let ben = self.ben.take(&mut self.board, "call_ended");
        (reasons(ada).collect(), reasons(ben).collect())
    }
}

/// What a living client says in between.
pub fn keep_alive(board: &mut Switchboard, person: &mut Person) {
    person.listen(board);
    if board.closed(person.socket).is_none() {
        let ack = person.last_seq;
        board.send(person.socket, &json!({ "t": "pong", "ack": ack }));
    }
}

/// Time passes for one who is there.
pub fn live(board: &mut Switchboard, person: &mut Person, span: Duration) {
    for _ in 0..span.as_secs() {
        board.advance(seconds(1));
        keep_alive(board, person);
    }
}

/// Asserts why a socket was closed.
#[track_caller]
pub fn assert_closed(board: &Switchboard, socket: SocketId, code: CloseCode) {
    assert_eq!(board.closed(socket), Some(code));
}
