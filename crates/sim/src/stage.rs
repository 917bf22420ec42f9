//! Where everything meets: one exchange, its store, clients, and what is between them.
//!
//! A [`Stage`] is a value. It can be copied, compared by its hash, and moved on by one [`Event`];
//! what decides which event comes next is not here: [`crate::explore`] tries all of them,
//! [`crate::world`] draws them from a seed. The rules are checked here, whoever directs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use exchange::records::{Person, Restored};
use exchange::{Bearer, Config, Exchange, Input, Output, RelayConfig, SocketId};
use protocol::close::CloseCode;
use protocol::id::*;
use protocol::limits;
use protocol::message::*;
use protocol::time::Tick;

use crate::client::{Client, ServerFrame};
use crate::keep::Keep;
use crate::rules::Watch;
use crate::switchboard::{at, believe};
use crate::tally::{Happening, Tally};

/// Everything there is.
#[derive(Clone)]
pub struct Stage {
    exchange: Exchange,
    keep: Keep,
    now: Tick,
    /// Who plays.
    pub clients: Vec<Client>,
    lines: Vec<Line>,
    /// Sockets that a client has given up and the server has not.
    abandoned: BTreeSet<SocketId>,
    restarts: u64,
    made: u64,
    /// How the stage is set.
    pub manners: Manners,
    /// Hears of every event before it happens, of every frame that leaves, and of every record.
    pub listener: Option<fn(&str)>,
    watch: Watch,
    tally: Tally,
    parsed: Parsed,
}

/// Frames as they were understood before: copies of a stage hear the same ones again and again.
#[derive(Clone, Default)]
struct Parsed(Rc<RefCell<HashMap<String, Rc<ServerFrame>>>>);

impl Parsed {
    const MOST: usize = 10_000;

    fn read(&self, text: &str) -> Rc<ServerFrame> {
        let mut known = self.0.borrow_mut();
        if let Some(frame) = known.get(text) {
            return frame.clone();
        }
        let frame: ServerFrame =
            serde_json::from_str(text).expect("the server speaks its protocol");
        let frame = Rc::new(frame);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(text.to_owned(), frame.clone());
        frame
    }
}

/// What is simple about this stage.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// What clients send arrives at once; otherwise with [`Event::Send`].
    pub quick_clients: bool,
    /// What a client has read is acknowledged, and a ping answered, at once.
    pub quick_acks: bool,
    /// The store keeps everything at once; otherwise with [`Event::Store`].
    pub quick_store: bool,
}

impl Manners {
    /// Nothing lets anybody wait.
    pub const QUICK: Manners = Manners {
        quick_clients: true,
        quick_acks: true,
        quick_store: true,
    };
}

/// What is between a client and the server.
#[derive(Clone, Debug, Default, Hash)]
struct Line {
    socket: Option<SocketId>,
    /// How many sockets it has opened.
    opened: u64,
    up: VecDeque<Rc<ClientFrame>>,
    down: VecDeque<Down>,
}

#[derive(Clone, Debug, Hash)]
enum Down {
    Frame(Rc<ServerFrame>),
    Close(CloseCode),
}

/// Something that happens. Clients are named by their place.
#[derive(Clone, Debug)]
pub enum Event {
    /// A person does something.
    Do(usize, Action),
    /// The oldest frame on its way from a client arrives.
    Send(usize),
    /// The oldest frame on its way to a client arrives.
    Hear(usize),
    /// A client opens a socket and resumes, or says hello.
    Connect(usize),
    /// A socket is lost with what was on its way, and both ends notice.
    Cut(usize),
    /// The same, and only the client notices.
    Fade(usize),
    /// The server notices that a socket is lost.
    Notice,
    /// A page is loaded again.
    Reload(usize),
    /// A client sends its oldest unanswered request once more.
    Again(usize),
    /// The store keeps the oldest record that waits.
    Store,
    /// The store fails with what waits.
    Fail,
    /// Time passes until something is due.
    Due,
    /// Time passes.
    Pass(Duration),
    /// The server dies, with what was not stored, and starts again.
    Restart,
    /// Somebody changes what they want, or whom they know.
    Change(UserId, Person),
    /// A device is signed out, and signs in again when it connects.
    Revoke(usize),
    /// An administrator ends a call.
    Kick(CallId),
}

/// What a person does at a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Joins the call of a room, opening this one if there is none.
    Join(RoomId, CallId),
    /// Calls somebody, in a call they sit in.
    Dial(RingId, CallId, UserId),
    /// Is alerted.
    Alert(RingId),
    /// Answers.
    Accept(RingId),
    /// Declines.
    Decline(RingId),
    /// Silences this device.
    Ignore(RingId),
    /// Cannot take it.
    Busy(RingId),
    /// Gives up.
    Cancel(RingId),
    /// Leaves a message.
    Message(RingId, ChatId),
    /// Hangs up.
    HangUp(CallId),
    /// Says something.
    Say(CallId, ChatId),
    /// Mutes, or holds.
    Media(CallId, MediaState),
    /// Sends a description and a candidate.
    Negotiate(CallId),
    /// Reports on the connection.
    Report(CallId, ConnectionState),
    /// Closes the page, or begins to.
    Close,
    /// Says how far it has read.
    Acknowledge,
}

impl Hash for Stage {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.exchange.hash(state);
        self.keep.hash(state);
        self.clients.hash(state);
        self.lines.hash(state);
        self.abandoned.hash(state);
        self.watch.hash(state);
    }
}

impl Stage {
    /// Nobody is connected yet.
    pub fn new(people: BTreeMap<UserId, Person>, clients: Vec<Client>, manners: Manners) -> Stage {
        let keep = Keep {
            people,
            ..Keep::default()
        };
        let mut stage = Stage {
            exchange: exchange(0, Tick::default(), Restored::default()),
            keep,
            now: Tick::default(),
            lines: vec![Line::default(); clients.len()],
            clients,
            abandoned: BTreeSet::new(),
            restarts: 0,
            made: 0,
            manners,
            listener: None,
            watch: Watch::default(),
            tally: Tally::default(),
            parsed: Parsed::default(),
        };
        stage.start_exchange();
        stage
    }

    /// The time.
    pub fn now(&self) -> Tick {
        self.now
    }

    /// The exchange, to look at.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The store.
    pub fn keep(&self) -> &Keep {
        &self.keep
    }

    /// What has happened.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// An id nobody has used.
    pub fn fresh_id(&mut self) -> [u8; 16] {
        self.made += 1;
        name_of(&[u64::MAX, self.made])[..16]
            .try_into()
            .expect("of 32 bytes")
    }

    /// Whether a client has a socket.
    pub fn has_line(&self, who: usize) -> bool {
        self.lines[who].socket.is_some()
    }

    /// Whether frames are on their way from, and to, a client.
    pub fn under_way(&self, who: usize) -> (bool, bool) {
        let line = &self.lines[who];
        (!line.up.is_empty(), !line.down.is_empty())
    }

    /// How many frames are on their way to a client, and the first of them.
    pub fn to_be_heard(&self, who: usize) -> (usize, Option<&ServerFrame>) {
        let down = &self.lines[who].down;
        match down.front() {
            Some(Down::Frame(frame)) => (down.len(), Some(frame)),
            Some(Down::Close(_)) | None => (down.len(), None),
        }
    }

    /// Everything a person could find out at one of their devices.
    pub fn seen_at(&self, who: usize) -> impl Hash + fmt::Debug {
        (&self.clients[who], &self.lines[who])
    }

    /// Whether a half-open socket is left that the server could notice.
    pub fn has_abandoned(&self) -> bool {
        !self.abandoned.is_empty()
    }

    /// Makes something happen. Panics where a rule is broken.
    pub fn apply(&mut self, event: &Event) {
        if let Some(listener) = self.listener {
            listener(&format!("{event:?}"));
        }
        match event {
            Event::Do(who, action) => self.act(*who, action),
            Event::Send(who) => self.arrive(*who),
            Event::Hear(who) => self.hear(*who),
            Event::Connect(who) => self.connect(*who),
            Event::Cut(who) => {
                if let Some(socket) = self.lose(*who) {
                    self.handle(Input::Closed(socket));
                }
            }
            Event::Fade(who) => {
                let socket = self.lose(*who);
                self.abandoned.extend(socket);
            }
            Event::Notice => {
                if let Some(socket) = self.abandoned.pop_first() {
                    self.handle(Input::Closed(socket));
                }
            }
            Event::Reload(who) => {
                let socket = self.lose(*who);
                self.clients[*who].reload();
                self.lines[*who].opened += 1000;
                if let Some(socket) = socket {
                    self.handle(Input::Closed(socket));
                }
            }
            Event::Again(who) => {
                self.clients[*who].repeat_oldest();
                self.send_all(*who);
            }
            Event::Store => self.store(1),
            Event::Fail => self.fail(),
            Event::Due => self.wait_for_news(),
            Event::Pass(span) => self.pass(*span),
            Event::Restart => self.restart(),
            Event::Change(user, person) => {
                self.keep.people.insert(*user, person.clone());
                self.handle(Input::Person(*user, Some(Box::new(person.clone()))));
            }
            Event::Revoke(who) => self.revoke(*who),
            Event::Kick(call) => self.handle(Input::Kick(*call)),
        }
        self.watch.look_around(&self.exchange, &self.clients);
    }

    // ---- clients ----

    fn act(&mut self, who: usize, action: &Action) {
        let now = self.now;
        self.watch.consent(who, &self.clients[who], action);
        let client = &mut self.clients[who];
        match *action {
            Action::Join(room, call) => client.join(room, call),
            Action::Dial(ring, call, to) => client.dial(ring, call, to, now),
            Action::Alert(ring) => client.alert(ring),
            Action::Accept(ring) => client.accept(ring),
            Action::Decline(ring) => client.decline(ring),
            Action::Ignore(ring) => client.ignore(ring),
            Action::Busy(ring) => client.busy(ring),
            Action::Cancel(ring) => client.cancel(ring),
            Action::Message(ring, chat) => client.leave_message(ring, chat),
            Action::HangUp(call) => client.hang_up(call),
            Action::Say(call, chat) => client.say(call, chat),
            Action::Media(call, media) => client.set_media(call, media),
            Action::Negotiate(call) => client.negotiate(call),
            Action::Report(call, state) => client.report(call, state),
            Action::Close => client.close(),
            Action::Acknowledge => client.acknowledge(),
        }
        self.send_all(who);
    }

    fn send_all(&mut self, who: usize) {
        let Some(socket) = self.lines[who].socket else {
            return;
        };
        while let Some(frame) = self.clients[who].poll() {
            if self.manners.quick_clients {
                self.take(who, socket, &frame);
            } else {
                self.lines[who].up.push_back(Rc::new(frame));
            }
        }
    }

    fn arrive(&mut self, who: usize) {
        let line = &mut self.lines[who];
        if let (Some(socket), Some(frame)) = (line.socket, line.up.pop_front()) {
            self.take(who, socket, &frame);
        }
    }

    fn take(&mut self, who: usize, socket: SocketId, frame: &ClientFrame) {
        let request = frame.id.as_ref().map_or(0, |id| id.parse().unwrap_or(0));
        self.draw_for(&[1, who as u64, self.lines[who].opened, request]);
        self.handle(Input::Frame(socket, Ok(frame.clone())));
    }

    fn connect(&mut self, who: usize) {
        self.lose(who);
        let line = &mut self.lines[who];
        line.opened += 1;
        let socket = SocketId(line.opened * CLIENTS + who as u64);
        line.socket = Some(socket);
        self.draw_for(&[2, who as u64, self.lines[who].opened, 0]);
        let now = at(self.now);
        let ticket = self
            .exchange
            .issue_ticket(now, self.clients[who].bearer.clone());
        let first = self.clients[who].connect(ticket.expect("tickets are not scarce here"));
        self.watch.connected(who);
        self.handle(Input::Opened(socket));
        self.handle(Input::Frame(socket, Ok(first)));
    }

    /// The client has no socket any more. Returns the one it had.
    fn lose(&mut self, who: usize) -> Option<SocketId> {
        let line = &mut self.lines[who];
        line.up.clear();
        line.down.clear();
        self.clients[who].lose();
        line.socket.take()
    }

    fn hear(&mut self, who: usize) {
        match self.lines[who].down.pop_front() {
            None => {}
            Some(Down::Close(code)) => {
                self.lose(who);
                assert_ne!(code, CloseCode::BadFrame, "clients speak the protocol");
            }
            Some(Down::Frame(frame)) => {
                self.clients[who].hear(&frame);
                let pong = matches!(frame.message, ServerMessage::Ping(_));
                if self.manners.quick_acks && (frame.seq.is_some() || pong) {
                    self.acknowledge(who);
                }
                self.send_all(who);
            }
        }
    }

    /// Without waiting for anything that is on its way.
    fn acknowledge(&mut self, who: usize) {
        let online = self.clients[who].is_online();
        if let Some(socket) = self.lines[who].socket.filter(|_| online) {
            let frame = ClientFrame {
                id: None,
                ack: Some(self.clients[who].last_seq()),
                message: Ack {}.into(),
            };
            self.handle(Input::Frame(socket, Ok(frame)));
        }
    }

    fn revoke(&mut self, who: usize) {
        let Bearer::Member { user, login } = self.clients[who].bearer else {
            return;
        };
        if self.clients[who].is_online() {
            self.tally.add(Happening::Revoked);
        }
        self.handle(Input::Revoked(login));
        let login = LoginId::from_bytes(self.fresh_id());
        self.clients[who].bearer = Bearer::Member { user, login };
        // Who signs in anew has nothing left of what was.
        self.lose(who);
        self.clients[who].reload();
        self.lines[who].opened += 1000;
    }

    // ---- the store ----

    /// Keeps some of what waits.
    pub fn store(&mut self, count: usize) {
        if let Some(id) = self.keep.store(count) {
            if self.keep.waiting.is_empty() {
                self.watch.store_works();
            }
            self.draw_for(&[3, id.0, self.restarts, 0]);
            self.handle(Input::Stored(id));
        }
    }

    fn fail(&mut self) {
        if let Some(id) = self.keep.fail() {
            if self.exchange.live_rings() > 0 {
                self.tally.add(Happening::FailedInRing);
            }
            self.watch.store_fails();
            self.handle(Input::NotStored(id));
        }
    }

    fn restart(&mut self) {
        self.restarts += 1;
        self.tally.add(Happening::Restarted);
        if self.exchange.live_rings() > 0 {
            self.tally.add(Happening::RestartedInRing);
        }
        self.keep.crash();
        self.abandoned.clear();
        for who in 0..self.clients.len() {
            self.lose(who);
        }
        self.watch.restarted(&self.keep);
        self.start_exchange();
    }

    fn start_exchange(&mut self) {
        let restored = self.keep.restored(at(self.now).unix_millis());
        self.exchange = exchange(self.restarts, self.now, restored);
        self.carry_out();
    }

    // ---- time ----

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.next_due().is_some_and(|due| due <= end) {
            self.step_in_time();
        }
        self.now = end;
        self.give_up();
    }

    /// Nobody tries for ever: a ring is remembered for ten minutes after its end, and who repeated
    /// an invite after that would ring a second time.
    fn give_up(&mut self) {
        for who in 0..self.clients.len() {
            self.clients[who].give_up(self.now);
            self.send_all(who);
        }
    }

    fn next_due(&self) -> Option<Tick> {
        self.exchange.poll_timeout()
    }

    fn step_in_time(&mut self) {
        if let Some(due) = self.next_due() {
            self.now = self.now.max(due);
            self.draw_for(&[4, self.now.as_micros(), 0, 0]);
            self.exchange.handle_timeout(at(self.now));
            self.carry_out();
        }
    }

    /// Until something else happens than a ping, which a client with a line answers at once.
    fn wait_for_news(&mut self) {
        let end = self.now + LONGEST_WAIT;
        while self.next_due().is_some_and(|due| due <= end) {
            let before: Vec<usize> = self.lines.iter().map(|line| line.down.len()).collect();
            self.step_in_time();
            let mut only_pings = false;
            for (who, before) in before.into_iter().enumerate() {
                let line = &mut self.lines[who];
                let came = line.down.len() - before.min(line.down.len());
                let is_ping = |down: &Down| matches!(down, Down::Frame(frame) if matches!(frame.message, ServerMessage::Ping(_)));
                if came == 1 && line.down.back().is_some_and(is_ping) {
                    line.down.pop_back();
                    self.acknowledge(who);
                    only_pings = true;
                } else if came > 0 {
                    only_pings = false;
                    break;
                }
            }
            if !only_pings {
                break;
            }
        }
        self.give_up();
    }

    // ---- the exchange ----

    fn draw_for(&mut self, what: &[u64]) {
        self.exchange.reseed(name_of(what));
    }

    fn handle(&mut self, input: Input) {
        self.exchange.handle(at(self.now), input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.exchange.poll_output() {
            match output {
                Output::Send { socket, text } => self.sent(socket, &text),
                Output::Close { socket, code } => self.closed(socket, code),
                Output::Record(entry) => {
                    if let Some(listener) = self.listener {
                        listener(&format!("    to the store: {entry:?}"));
                    }
                    self.tally.record(&entry);
                    self.watch.record(&entry);
                    self.keep.take(entry);
                }
                Output::Push(notice) => self.watch.push(&notice),
                // There is no relay here.
                Output::RevokeRelay { .. } => {}
            }
        }
        self.watch.one_input_is_done();
        if self.manners.quick_store && !self.keep.waiting.is_empty() {
            self.store(usize::MAX);
        }
    }

    fn sent(&mut self, socket: SocketId, text: &str) {
        let frame = self.parsed.read(text);
        let who = (socket.0 % CLIENTS) as usize;
        if self.lines.get(who).and_then(|line| line.socket) != Some(socket) {
            return;
        }
        if let Some(listener) = self.listener {
            listener(&format!("    to {who}: {frame:?}"));
        }
        self.tally.sent(&frame.message, &self.clients[who]);
        self.watch.sent(who, &frame, &self.clients, &self.keep);
        self.lines[who].down.push_back(Down::Frame(frame));
    }

    fn closed(&mut self, socket: SocketId, code: CloseCode) {
        let who = (socket.0 % CLIENTS) as usize;
        self.abandoned.remove(&socket);
        if self.lines.get(who).and_then(|line| line.socket) == Some(socket) {
            self.lines[who].down.push_back(Down::Close(code));
        }
        self.exchange.handle(at(self.now), Input::Closed(socket));
    }

    // ---- how it all ends ----

    /// Everybody comes back, all is read and stored, and nothing more is done: now clients and
    /// server agree.
    pub fn settle(&mut self) {
        self.gather();
        self.let_rings_end();
    }

    /// Everybody comes back, and all is read and stored.
    pub fn gather(&mut self) {
        let kept = std::mem::replace(&mut self.manners, Manners::QUICK);
        self.store(usize::MAX);
        for _ in 0..4 {
            for who in 0..self.clients.len() {
                if self.under_way(who).0 {
                    self.apply(&Event::Cut(who));
                }
                if !self.has_line(who) {
                    self.apply(&Event::Connect(who));
                }
                while self.under_way(who).1 {
                    self.apply(&Event::Hear(who));
                }
            }
        }
        while self.has_abandoned() {
            self.apply(&Event::Notice);
        }
        for who in 0..self.clients.len() {
            while self.under_way(who).1 {
                self.apply(&Event::Hear(who));
            }
        }
        self.watch.agree(&self.exchange, &self.clients, &self.keep);
        self.manners = kept;
    }

    /// Everybody is there, and nothing more is done.
    pub fn let_rings_end(&mut self) {
        if self.exchange.live_rings() > 0 {
            let kept = std::mem::replace(&mut self.manners, Manners::QUICK);
            self.idle();
            self.manners = kept;
            assert_eq!(self.exchange.live_rings(), 0, "a ring lives for ever");
            self.watch.agree(&self.exchange, &self.clients, &self.keep);
        }
    }

    /// Everybody is there, and does nothing for as long as a ring can last.
    fn idle(&mut self) {
        let end = self.now + Duration::from_millis(limits::RING_MS * 2);
        while self.next_due().is_some_and(|due| due <= end) {
            self.step_in_time();
            for who in 0..self.clients.len() {
                while self.under_way(who).1 {
                    self.hear(who);
                }
            }
        }
        self.now = end;
    }

    /// Nobody does anything any more, and time passes: rings and connections end.
    pub fn abandon(&mut self) {
        for who in 0..self.clients.len() {
            if let Some(socket) = self.lose(who) {
                self.abandoned.insert(socket);
            }
        }
        self.manners.quick_store = true;
        self.store(usize::MAX);
        while self.next_due().is_some() {
            self.step_in_time();
        }
        self.watch.all_is_over(&self.exchange, &self.keep);
    }
}

/// More clients than there will ever be: sockets are named after theirs.
const CLIENTS: u64 = 1024;
/// Longer than any ring lasts: what is due later is no news to those who are there.
const LONGEST_WAIT: Duration = Duration::from_secs(100);

fn exchange(restarts: u64, now: Tick, restored: Restored) -> Exchange {
    let relay = RelayConfig {
        stun_urls: vec!["stun:203.0.113.10:3478".to_owned()],
        turn_urls: Vec::new(),
        secret: b"secret".to_vec(),
    };
    let config = Config {
        verify: believe,
        relay,
        max_sessions: 10_000,
    };
    Exchange::new(config, name_of(&[5, restarts]), at(now), restored)
}

/// A seed for what happens because of this: the same in every order of other things.
fn name_of(what: &[u64]) -> [u8; 32] {
    let mut seed = [0; 32];
    for (bytes, number) in seed.chunks_mut(8).zip(what) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    seed
}
