//! A client as `docs/protocol.md` describes it: it numbers its requests, repeats what was not
//! answered, acknowledges what it has handled, resumes, and announces its calls after a reset.

use std::collections::VecDeque;

use exchange::SocketId;
use protocol::close::CloseCode;
use serde_json::{Value, json};

use crate::switchboard::{Switchboard, sign};

/// One device.
#[derive(Debug)]
pub struct Client {
    device: String,
    socket: Option<SocketId>,
    session: Option<Session>,
    /// Whether the socket has been welcomed.
    online: bool,
    last_seq: u64,
    next_request: u64,
    unanswered: VecDeque<Value>,
    seat: Option<Seat>,
    /// What the calls it was in have told it.
    pub heard: Heard,
}

#[derive(Clone, Debug)]
struct Session {
    id: Value,
    epoch: Value,
    token: Value,
}

/// The call a client is in, as it would announce it.
#[derive(Clone, Debug)]
struct Seat {
    room: String,
    call: String,
    /// Whether the server has said so since the last reset.
    joined: bool,
    connection: Option<Value>,
}

/// What a client has noticed.
#[derive(Debug, Default)]
pub struct Heard {
    /// Call and body of chat messages from others, in the order they were shown.
    pub chat: Vec<(String, String)>,
    /// Chat ids that were shown.
    chat_ids: Vec<Value>,
    /// Why its calls ended.
    pub ended: Vec<String>,
    /// Codes of errors it was answered with.
    pub errors: Vec<String>,
    /// Bodies of descriptions it was sent.
    pub descriptions: Vec<String>,
}

impl Client {
    /// A device that has never connected.
    pub fn new(device: &str) -> Client {
        Client {
            device: device.to_owned(),
            socket: None,
            session: None,
            online: false,
            last_seq: 0,
            next_request: 0,
            unanswered: VecDeque::new(),
            seat: None,
            heard: Heard::default(),
        }
    }

    /// The socket it has, if any.
    pub fn socket(&self) -> Option<SocketId> {
        self.socket
    }

    /// Whether its session is open and its socket lives.
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// Whether it takes itself for somebody in a call.
    pub fn in_call(&self) -> bool {
        self.seat.is_some()
    }

    /// The call it was told it is in, if any.
    pub fn call(&self) -> Option<&str> {
        let seat = self.seat.as_ref().filter(|seat| seat.joined)?;
        Some(&seat.call)
    }

    /// The connection it has, if any.
    pub fn connection(&self) -> Option<&str> {
        self.seat.as_ref()?.connection.as_ref()?["connection"].as_str()
    }

    /// Opens a socket and says hello, or resumes.
    pub fn connect(&mut self, board: &mut Switchboard) {
        let ticket = board.ticket();
        let socket = board.open();
        self.socket = Some(socket);
        let id = self.fresh_request();
        let client = json!({ "name": "sim", "version": "1" });
        let first = match &self.session {
            None => json!({
                "t": "hello", "id": id, "ticket": ticket, "client": client, "features": [],
                "device": sign(&self.device, &format!("dialtone hello\n{ticket}")),
            }),
            Some(session) => {
                let of = session.id.as_str().unwrap_or_default();
                json!({
                    "t": "resume", "id": id, "ticket": ticket, "session": session.id,
                    "epoch": session.epoch, "resume_token": session.token,
                    "last_seq": self.last_seq,
                    "device": sign(&self.device, &format!("dialtone resume\n{ticket}\n{of}")),
                })
            }
        };
        board.send(socket, &first);
    }

    /// Loses its socket.
    pub fn cut(&mut self, board: &mut Switchboard) {
        self.online = false;
        if let Some(socket) = self.socket.take() {
            board.cut(socket);
        }
    }

    /// The page is loaded again: the device is the same, everything else is forgotten.
    pub fn reload(&mut self, board: &mut Switchboard) {
        self.cut(board);
        let device = std::mem::take(&mut self.device);
        let heard = std::mem::take(&mut self.heard);
        *self = Client {
            heard,
            ..Client::new(&device)
        };
    }

    /// Joins the call of a room.
    pub fn join(&mut self, board: &mut Switchboard, room: &str, call: &str) {
        let seat = Seat {
            room: room.to_owned(),
            call: call.to_owned(),
            joined: false,
            connection: None,
        };
        self.seat = Some(seat.clone());
        let join = self.join_request(&seat);
        self.request(board, join);
    }

    /// Hangs up.
    pub fn hang_up(&mut self, board: &mut Switchboard) {
        if let Some(seat) = self.seat.take() {
            self.request(board, json!({ "t": "hangup", "call": seat.call }));
        }
    }

    /// Says something.
    pub fn say(&mut self, board: &mut Switchboard, chat: &str, body: &str) {
        if let Some(seat) = &self.seat {
            let call = seat.call.clone();
            let message = json!({ "t": "chat", "call": call, "chat": chat, "body": body });
            self.request(board, message);
        }
    }

    /// Sends a description on its connection.
    pub fn describe(&mut self, board: &mut Switchboard, body: &str) {
        self.on_connection(board, json!({ "t": "description", "body": body }));
    }

    /// Reports how its connection is.
    pub fn report(&mut self, board: &mut Switchboard, state: &str) {
        if let Some(connection) = self.seat.as_mut().and_then(|seat| seat.connection.as_mut()) {
            connection["state"] = state.into();
        }
        self.on_connection(board, json!({ "t": "connection_state", "state": state }));
    }

    /// Sends a request, now or when there is a session again, until it is answered.
    pub fn request(&mut self, board: &mut Switchboard, mut message: Value) {
        message["id"] = self.fresh_request().into();
        self.unanswered.push_back(message.clone());
        if self.online {
            self.send(board, message);
        }
    }

    /// Handles what has arrived.
    pub fn poll(&mut self, board: &mut Switchboard) {
        let Some(socket) = self.socket else { return };
        for frame in board.receive(socket) {
            self.handle(board, &frame);
        }
        if let Some(code) = board.closed(socket) {
            assert_ne!(
                code,
                CloseCode::BadFrame,
                "the simulated client speaks the protocol"
            );
            self.cut(board);
        }
    }

    /// Says how far it has come.
    pub fn acknowledge(&mut self, board: &mut Switchboard) {
        if self.online {
            self.send(board, json!({ "t": "ack" }));
        }
    }

    fn handle(&mut self, board: &mut Switchboard, frame: &Value) {
        if let Some(seq) = frame["seq"].as_u64() {
            assert_eq!(
                seq,
                self.last_seq + 1,
                "no frame is lost and none comes twice"
            );
            self.last_seq = seq;
        }
        self.unanswered
            .retain(|request| request["id"] != frame["re"]);
        match frame["t"].as_str().unwrap_or_default() {
            "welcome" => self.open(frame),
            "reset" => self.reset(board, frame),
            "resumed" => self.resumed(board, frame),
            "ping" => self.send(board, json!({ "t": "pong" })),
            "joined" => self.joined(board, frame),
            "connection" if self.sits_in(&frame["call"]) => self.set_connection(Some(frame)),
            "chat" if self.sits_in(&frame["call"]) => self.show(frame),
            "description" => self.heard.descriptions.push(text(&frame["body"])),
            "call_ended" => self.ended(frame),
            "error" => self.heard.errors.push(text(&frame["code"])),
            _ => {}
        }
    }

    fn open(&mut self, welcome: &Value) {
        self.session = Some(Session {
            id: welcome["session"].clone(),
            epoch: welcome["epoch"].clone(),
            token: welcome["resume_token"].clone(),
        });
        self.online = true;
    }

    fn reset(&mut self, board: &mut Switchboard, frame: &Value) {
        self.open(frame);
        self.last_seq = 0;
        if let Some(seat) = &mut self.seat {
            seat.joined = false;
            let seat = seat.clone();
            // Anything else makes sense to the server only after this, except leaving calls from
            // before: it may have kept them.
            let mut join = self.join_request(&seat);
            join["id"] = self.fresh_request().into();
            self.unanswered.retain(|request| request["t"] != "join");
            let (mut hangups, others): (VecDeque<_>, VecDeque<_>) = self
                .unanswered
                .drain(..)
                .partition(|request| request["t"] == "hangup");
            hangups.push_back(join);
            hangups.extend(others);
            self.unanswered = hangups;
        }
        self.repeat(board);
    }

    fn resumed(&mut self, board: &mut Switchboard, frame: &Value) {
        if let Some(session) = &mut self.session {
            session.token = frame["resume_token"].clone();
        }
        self.online = true;
        self.repeat(board);
    }

    fn repeat(&mut self, board: &mut Switchboard) {
        for request in self.unanswered.clone() {
            self.send(board, request);
        }
    }

    fn joined(&mut self, board: &mut Switchboard, frame: &Value) {
        let in_room = |seat: &&mut Seat| frame["room"] == seat.room.as_str();
        let Some(seat) = self.seat.as_mut().filter(in_room) else {
            // It has hung up meanwhile.
            self.request(board, json!({ "t": "hangup", "call": frame["call"] }));
            return;
        };
        seat.call = text(&frame["call"]);
        seat.joined = true;
        let connection = frame["connections"].get(0).cloned();
        self.set_connection(connection.as_ref());
        for message in frame["chat"].as_array().into_iter().flatten() {
            self.show(message);
        }
    }

    fn set_connection(&mut self, opened: Option<&Value>) {
        let Some(seat) = &mut self.seat else { return };
        let same = |old: &Value| opened.is_some_and(|new| old["connection"] == new["connection"]);
        if seat.connection.as_ref().is_some_and(same) {
            return;
        }
        seat.connection = opened.map(|opened| {
            json!({
                "connection": opened["connection"], "peer": opened["peer"],
                "polite": opened["polite"], "generation": opened["generation"],
                "peer_name": "somebody", "state": "connecting",
            })
        });
    }

    fn show(&mut self, message: &Value) {
        let mine = text(&message["name"]) == self.device;
        if !mine && !self.heard.chat_ids.contains(&message["chat"]) {
            self.heard.chat_ids.push(message["chat"].clone());
            self.heard
                .chat
                .push((text(&message["call"]), text(&message["body"])));
        }
    }

    fn ended(&mut self, frame: &Value) {
        if self
            .seat
            .as_ref()
            .is_some_and(|seat| frame["call"] == seat.call.as_str())
        {
            self.seat = None;
            self.unanswered.clear();
        }
        self.heard.ended.push(text(&frame["reason"]));
    }

    fn sits_in(&self, call: &Value) -> bool {
        self.seat
            .as_ref()
            .is_some_and(|seat| *call == seat.call.as_str())
    }

    fn on_connection(&mut self, board: &mut Switchboard, mut message: Value) {
        let Some(seat) = &self.seat else { return };
        let Some(connection) = &seat.connection else {
            return;
        };
        message["call"] = seat.call.clone().into();
        message["connection"] = connection["connection"].clone();
        message["generation"] = connection["generation"].clone();
        self.request(board, message);
    }

    fn join_request(&self, seat: &Seat) -> Value {
        json!({
            "t": "join", "room": seat.room, "call": seat.call, "name": self.device,
            "media": { "audio": true, "video": true },
            "connections": seat.connection.iter().collect::<Vec<_>>(),
        })
    }

    fn send(&mut self, board: &mut Switchboard, mut frame: Value) {
        frame["ack"] = self.last_seq.into();
        if let Some(socket) = self.socket {
            board.send(socket, &frame);
        }
    }

    fn fresh_request(&mut self) -> String {
        self.next_request += 1;
        self.next_request.to_string()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
