//! Many clients, and one thread that lives for all of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use nix::libc;
use protocol::message::{Ack, ClientMessage, Pong};

use super::client::{Client, Connected, Sequence, Way};
use super::device::Device;
use super::frames::{self, Frame};
use super::heard::{Heard, Opening};
use super::socket::Socket;
use super::{Event, Kind, Plan, Trouble, http};
use crate::bench::Trouble as BenchTrouble;
use crate::bench::poller::Poller;

/// Room for what one read takes.
const BUFFER: usize = 64 << 10;
/// How often it is looked who owes an acknowledgement.
const SWEEP: Duration = Duration::from_millis(500);
/// How long a client knocks before it gives up, and the pause between two attempts, to which a
/// random part of as much is added.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);
/// Clients behind one address: what a server lets one take is no limit of many.
const OF_ONE_ADDRESS: usize = 50;

/// All clients.
pub struct Crowd {
    server: SocketAddr,
    host: String,
    clients: Vec<Client>,
    poller: Poller,
    buffer: Vec<u8>,
    events: VecDeque<(usize, Event)>,
    /// Who tries again, and when.
    later: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Whose messages the system has not taken whole.
    unsent: Vec<usize>,
    swept: Instant,
    random: u32,
}

impl Crowd {
    /// So many clients, none of which has connected. Members come first, then guests.
    pub fn new(plan: &Plan, count: usize) -> Result<Crowd, Trouble> {
        let clients = (0..count).map(|index| {
            let bearer = plan.members.get(index).map(|member| member.token.clone());
            let from = source(plan.server, index / OF_ONE_ADDRESS);
            Ok(Client::new(Device::new()?, from, bearer))
        });
        Ok(Crowd {
            server: plan.server,
            host: plan.host.clone(),
            clients: clients.collect::<Result<_, BenchTrouble>>()?,
            poller: Poller::new()?,
            buffer: vec![0; BUFFER],
            events: VecDeque::new(),
            later: BinaryHeap::new(),
            unsent: Vec::new(),
            swept: Instant::now(),
            random: 1,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether everything a client asked for has been answered.
    pub fn is_answered(&self, client: usize) -> bool {
        self.clients[client].is_answered()
    }

    /// The numbers of the frames that came to a client.
    pub fn sequence(&self, client: usize) -> Sequence {
        self.clients[client].sequence()
    }

    /// Lets a client connect; an event tells when its session is open.
    pub fn connect(&mut self, client: usize) -> Result<(), Trouble> {
        self.clients[client].trying_since = Instant::now();
        self.knock(client)
    }

    /// Cuts a client's connection.
    pub fn cut(&mut self, client: usize) -> Result<(), Trouble> {
        let way = std::mem::replace(&mut self.clients[client].way, Way::Outside);
        if let Way::Open(socket) = way {
            socket.cut()?;
        }
        Ok(())
    }

    /// Sends a request of a client, or keeps it until there is a session again.
    pub fn request(&mut self, client: usize, message: ClientMessage) -> Result<(), Trouble> {
        let text = self.clients[client].request(message);
        self.send(client, &text)
    }

    /// Sends what a client has asked for and was not answered.
    pub fn repeat(&mut self, client: usize) -> Result<(), Trouble> {
        let texts = self.clients[client].repeat();
        texts.iter().try_for_each(|text| self.send(client, text))
    }

    /// Lets a client forget what it has asked for.
    pub fn forget_requests(&mut self, client: usize) {
        self.clients[client].forget_requests();
    }

    /// What has happened, oldest first.
    pub fn next_event(&mut self) -> Option<(usize, Event)> {
        self.events.pop_front()
    }

    /// Waits until something happens, but not longer than that; gives how many sockets had something.
    pub fn poll(&mut self, at_most: Duration) -> Result<usize, Trouble> {
        // 1. Those who wait for their time.
        let now = Instant::now();
        while let Some(Reverse((at, client))) = self.later.peek().copied()
            && at <= now
        {
            self.later.pop();
            self.knock(client)?;
        }
        self.sweep(now)?;
        // 2. Those whose socket has something.
        let mut attended = 0;
        for name in self.poller.wait(at_most)? {
            self.attend(name as usize)?;
            attended += 1;
        }
        // 3. Those whose messages were not taken whole.
        for client in std::mem::take(&mut self.unsent) {
            self.flush(client)?;
        }
        Ok(attended)
    }

    // ---- the way in ----

    fn knock(&mut self, client: usize) -> Result<(), Trouble> {
        if let Some(socket) = self.open(client)? {
            self.clients[client].way = Way::Ticket(socket, Connected(false));
        }
        Ok(())
    }

    /// A new connection for a client; `None` if that did not work out, and is tried again.
    fn open(&mut self, client: usize) -> Result<Option<Socket>, Trouble> {
        match Socket::connect(self.clients[client].from, self.server) {
            Ok(socket) => {
                self.poller.add_connecting(&socket, client as u64)?;
                Ok(Some(socket))
            }
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) => {
                Err(BenchTrouble::OpenFiles(client, self.len() + 64).into())
            }
            Err(error) => self.lost(client, &error.to_string()).map(|()| None),
        }
    }

    /// Its connection is over. Who had a session is told; who was on the way in tries again.
    fn lost(&mut self, client: usize, why: &str) -> Result<(), Trouble> {
        let here = &mut self.clients[client];
        if let Way::Open(_) = std::mem::replace(&mut here.way, Way::Outside) {
            self.events.push_back((client, Event::Lost(why.to_owned())));
            return Ok(());
        }
        if here.trying_since.elapsed() > PATIENCE {
            return Err(Trouble::Outside(client, why.to_owned()));
        }
        let pause = PAUSE + PAUSE.mul_f64(f64::from(self.chance()) / f64::from(u32::MAX));
        self.later.push(Reverse((Instant::now() + pause, client)));
        Ok(())
    }

    fn chance(&mut self) -> u32 {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.random
    }

    /// Does what a client's socket has made possible.
    fn attend(&mut self, client: usize) -> Result<(), Trouble> {
        let host = &self.host;
        let here = &mut self.clients[client];
        match &mut here.way {
            Way::Outside => return Ok(()),
            Way::Ticket(socket, connected @ Connected(false)) => {
                if let Err(error) = socket.connected() {
                    return self.lost(client, &error.to_string());
                }
                *connected = Connected(true);
                self.poller.now_connected(&*socket, client as u64)?;
                http::ask_for_ticket(socket.unsent(), host, here.bearer.as_deref());
                return self.flush(client);
            }
            Way::Upgrade(socket, connected @ Connected(false), _) => {
                if let Err(error) = socket.connected() {
                    return self.lost(client, &error.to_string());
                }
                *connected = Connected(true);
                self.poller.now_connected(&*socket, client as u64)?;
                http::ask_for_upgrade(socket.unsent(), host);
                return self.flush(client);
            }
            Way::Ticket(socket, _)
            | Way::Upgrade(socket, _, _)
            | Way::Hello(socket)
            | Way::Open(socket) => match socket.receive(&mut self.buffer) {
                Ok(true) => {}
                Ok(false) => return self.lost(client, "the server closed the connection"),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
                Err(error) => return self.lost(client, &error.to_string()),
            },
        }
        self.read(client)
    }

    /// Reads what a client has received, as far as it is whole.
    fn read(&mut self, client: usize) -> Result<(), Trouble> {
        let here = &mut self.clients[client];
        match &mut here.way {
            Way::Ticket(socket, _) => match http::ticket(socket.unread()) {
                Ok(None) => Ok(()),
                Ok(Some(ticket)) => {
                    if let Some(socket) = self.open(client)? {
                        self.clients[client].way = Way::Upgrade(socket, Connected(false), ticket);
                    }
                    Ok(())
                }
                Err(why) => self.lost(client, &why),
            },
            Way::Upgrade(socket, _, ticket) => match http::upgraded(socket.unread()) {
                Ok(None) => Ok(()),
                Ok(Some(len)) => {
                    socket.has_read(len);
                    let ticket = *ticket;
                    self.greet(client, ticket)
                }
                Err(why) => self.lost(client, &why),
            },
            Way::Outside | Way::Hello(_) | Way::Open(_) => self.read_frames(client),
        }
    }

    fn greet(&mut self, client: usize, ticket: protocol::id::Ticket) -> Result<(), Trouble> {
        let here = &mut self.clients[client];
        let Way::Upgrade(socket, ..) = std::mem::replace(&mut here.way, Way::Outside) else {
            return Ok(());
        };
        here.way = Way::Hello(socket);
        let text = here.greeting(ticket);
        self.send(client, &text)
    }

    // ---- frames ----

    fn read_frames(&mut self, client: usize) -> Result<(), Trouble> {
        let mask = self.chance().to_ne_bytes();
        let mut outcome = Ok(());
        let here = &mut self.clients[client];
        let Some(socket) = here.socket() else {
            return Ok(());
        };
        // Out of its place while its owner is told what is in it.
        let unread = socket.unread().to_vec();
        let mut read = 0;
        while outcome.is_ok() {
            match frames::read(&unread[read..]) {
                Ok(None) => break,
                Ok(Some((frame, len))) => {
                    read += len;
                    outcome = match frame {
                        Frame::Text(text) => self.hear(client, text)?,
                        Frame::Ping(payload) => {
                            if let Some(socket) = self.clients[client].socket() {
                                frames::write_pong(socket.unsent(), payload, mask);
                            }
                            Ok(())
                        }
                        Frame::Close(code) => Err(format!("closed with {code}")),
                    };
                }
                Err(error) => outcome = Err(error.to_string()),
            }
        }
        match (outcome, self.clients[client].socket()) {
            (Ok(()), Some(socket)) => {
                socket.has_read(read);
                Ok(())
            }
            (Err(why), Some(_)) => self.lost(client, &why),
            (_, None) => Ok(()),
        }
    }

    /// Takes in one message; the inner error is why the connection is of no use any more.
    fn hear(&mut self, client: usize, text: &[u8]) -> Result<Result<(), String>, Trouble> {
        let nonsense =
            || Trouble::Nonsense(String::from_utf8_lossy(text).chars().take(200).collect());
        let here = &mut self.clients[client];
        if let Way::Hello(_) = here.way {
            let answer: Opening<'_> = serde_json::from_slice(text).map_err(|_| nonsense())?;
            let event = match here.welcomed(&answer) {
                Ok(event) => event,
                Err(why) => return Ok(Err(why)),
            };
            if let Way::Hello(socket) = std::mem::replace(&mut here.way, Way::Outside) {
                here.way = Way::Open(socket);
            }
            self.events.push_back((client, event));
            return Ok(Ok(()));
        }
        let heard: Heard<'_> = serde_json::from_slice(text).map_err(|_| nonsense())?;
        if heard.t == "ping" {
            let pong = here.say(&ClientMessage::Pong(Pong {}));
            return self.send(client, &pong).map(Ok);
        }
        if let Some(note) = here.hear(&heard) {
            let what = note.kind;
            self.events.push_back((client, Event::Heard(note)));
            if what != Kind::Ended && self.clients[client].owes_acknowledgement(false) {
                self.acknowledge(client)?;
            }
        }
        Ok(Ok(()))
    }

    fn acknowledge(&mut self, client: usize) -> Result<(), Trouble> {
        let text = self.clients[client].say(&ClientMessage::Ack(Ack {}));
        self.send(client, &text)
    }

    /// Those who have nothing else to say say what they have heard.
    fn sweep(&mut self, now: Instant) -> Result<(), Trouble> {
        if now.duration_since(self.swept) < SWEEP {
            return Ok(());
        }
        self.swept = now;
        for client in 0..self.len() {
            let here = &self.clients[client];
            if here.is_open() && here.owes_acknowledgement(true) {
                self.acknowledge(client)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, client: usize, text: &str) -> Result<(), Trouble> {
        let mask = self.chance().to_ne_bytes();
        if let Way::Hello(socket) | Way::Open(socket) = &mut self.clients[client].way {
            frames::write_text(socket.unsent(), text.as_bytes(), mask);
            return self.flush(client);
        }
        Ok(())
    }

    fn flush(&mut self, client: usize) -> Result<(), Trouble> {
        let Some(socket) = self.clients[client].socket() else {
            return Ok(());
        };
        match socket.flush() {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.unsent.push(client);
                Ok(())
            }
            // What came before that is still to be read; reading will tell that it is over.
            Err(_) => Ok(()),
        }
    }
}

/// To a server on this machine clients come from many addresses, as they would in the world.
fn source(server: SocketAddr, group: usize) -> Option<IpAddr> {
    const FIRST: u32 = 0x7f02_0001; // 127.2.0.1
    let is_here = matches!(server.ip(), IpAddr::V4(ip) if ip.is_loopback());
    is_here.then(|| Ipv4Addr::from_bits(FIRST + group as u32).into())
}
