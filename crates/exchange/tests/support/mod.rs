//! People with a browser, as the exchange sees them: sockets, frames, and what came back.

// Every test file uses another part of this.
#![allow(dead_code)]

use std::time::Duration;

use exchange::SocketId;
use protocol::close::CloseCode;
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
    inbox: Vec<Value>,
    next_request: u32,
}

impl Person {
    /// Opens a socket and says hello.
    pub fn new(board: &mut Switchboard, device: &'static str) -> Person {
        let ticket = board.ticket();
        let socket = board.open();
        board.send(socket, &hello_frame(&ticket, device));
        let welcome = board.receive(socket).remove(0);
        assert_eq!(welcome["t"], "welcome", "{welcome}");
        Person {
            device,
            socket,
            session: welcome,
            last_seq: 0,
            inbox: Vec::new(),
            next_request: 0,
        }
    }

    /// The page is loaded again: the same device, and nothing else is left.
    pub fn reload(&mut self, board: &mut Switchboard) {
        board.cut(self.socket);
        *self = Person::new(board, self.device);
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
        let ticket = board.ticket();
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

    pub fn report(&mut self, board: &mut Switchboard, connection: &Value, state: &str) -> String {
        let frame = json!({ "t": "connection_state", "state": state });
        self.outcome(board, Person::about(connection, frame))
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
