//! A thread of the relay: waits, hands datagrams to the state machine, does what it says.

mod clients;
mod peers;
mod relays;
mod threads;
mod udp;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::{Arc, mpsc};

use mio::{Events, Interest, Poll, Token, Waker};
use protocol::time::Now;
use turn::{Action, AllocationId, Content, Server};

use super::adoption::Adopted;
use super::connections::Connections;
use super::datagrams::{Datagrams, Exit, Place};
use super::handover::{Colleagues, Inbox, Packet};
use super::listeners::{Acceptor, Listener, Share};
use super::pace::Pace;
use super::pipes::Pipes;
use super::ports::Ports;
use super::ready::Ready;
use super::{StartError, fragments};
use crate::clock;
use crate::net::guests::Guests;
pub(super) use peers::HandedOver;
use peers::TcpRelay;

/// What other threads ask of the relay.
pub(super) enum Order {
    Adopt(Box<Adopted>),
    /// To do something with the server, between two packets.
    Run(Operation),
    Stop,
}

pub(super) type Operation = Box<dyn FnOnce(&mut Server, Now) + Send>;

/// Datagrams taken from one socket before the others get their turn, and with the last of them what
/// came as one with it. More saves a little work per packet, less lets a busy socket delay the
/// others less.
const BUDGET: usize = 64;

/// What is read of a connection at once, and how often before the others get their turn.
const READ: usize = 16 << 10;
const READS: usize = 4;

const WAKER: Token = Token(usize::MAX);
/// Tokens from here on are connections with peers, by their slot; from below relay sockets that
/// peers connect to, and from below those for datagrams, both by the slot of their allocation; from
/// below connections, by their slot; from below what accepts connections; and at the beginning
/// listeners for datagrams, both by their index.
const PIPES: usize = 1 << 36;
const TCP_RELAYS: usize = 1 << 34;
const RELAYS: usize = 1 << 32;
const CONNECTIONS: usize = 1 << 24;
const ACCEPTORS: usize = 1 << 16;

pub(super) struct Worker {
    poll: Poll,
    server: Server,
    listeners: Vec<Listener>,
    acceptors: Vec<Acceptor>,
    connections: Connections,
    /// By slot.
    relays: Vec<Option<RelaySocket>>,
    /// By slot.
    tcp_relays: Vec<Option<TcpRelay>>,
    pipes: Pipes,
    ports: Vec<Ports>,
    ready: Ready,
    pace: Pace,
    orders: mpsc::Receiver<Order>,
    datagrams: Datagrams,
    /// What comes on a connection, before it is cut into messages.
    scratch: Box<[u8]>,
    guests: Guests,
    colleagues: Colleagues,
    inbox: Inbox,
    /// Which thread handed over what is being carried out.
    asked_by: Option<u16>,
    _waker: Arc<Waker>,
}

/// Where a worker waits, and what wakes it.
pub(super) struct Desk {
    poll: Poll,
    pub(super) waker: Arc<Waker>,
}

impl Desk {
    pub(super) fn new() -> io::Result<Desk> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Desk { poll, waker })
    }
}

struct RelaySocket {
    allocation: AllocationId,
    socket: UdpSocket,
    port: u16,
    /// Which of the ports' addresses it is on.
    address: usize,
}

impl Worker {
    /// Does all that can fail.
    pub(super) fn new(
        server: Server,
        share: Share,
        ports: Vec<Ports>,
        orders: mpsc::Receiver<Order>,
        guests: Guests,
        Desk { poll, waker }: Desk,
        (colleagues, inbox): (Colleagues, Inbox),
    ) -> Result<Worker, StartError> {
        let Share {
            datagrams,
            mut acceptors,
        } = share;
        for (index, listener) in datagrams.iter().enumerate() {
            register(&poll, &listener.socket, Token(index))?;
        }
        for (index, acceptor) in acceptors.iter_mut().enumerate() {
            let token = Token(ACCEPTORS + index);
            poll.registry()
                .register(&mut acceptor.listener, token, Interest::READABLE)?;
        }
        Ok(Worker {
            server,
            listeners: datagrams,
            acceptors,
            connections: Connections::default(),
            relays: Vec::new(),
            tcp_relays: Vec::new(),
            pipes: Pipes::default(),
            ports,
            ready: Ready::default(),
            pace: Pace::default(),
            orders,
            datagrams: Datagrams::new(),
            scratch: vec![0; READ].into_boxed_slice(),
            guests,
            colleagues,
            inbox,
            asked_by: None,
            _waker: waker,
            poll,
        })
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        loop {
            // 1. Wait for datagrams, orders, or the next deadline.
            if let Err(error) = self.wait(&mut events) {
                tracing::error!("The relay has to stop: {error}");
                return;
            }
            // 2. Orders of other threads, and what they hand over.
            if events.iter().any(|event| event.token() == WAKER) {
                if self.obey_orders_to_stop() {
                    return;
                }
                self.empty_inbox();
            }
            // 3. A turn for every socket that has something.
            for _ in 0..self.ready.len() {
                self.serve_next();
            }
            // 4. What is due.
            let now = clock::now();
            self.server.handle_timeout(now);
            self.close_relays();
            self.end_overdue_connections(now.tick);
            self.resume_pipes(now.tick);
            if self.ready.is_empty()
                && let Some(pause) = self.pace.pause(now.tick)
            {
                std::thread::sleep(pause);
            }
        }
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let timeout = if self.ready.is_empty() {
            let deadlines = [
                self.server.poll_timeout(),
                self.connections.next_round(),
                self.pipes.resumption(),
            ];
            deadlines.into_iter().flatten().min().map(clock::until)
        } else {
            Some(std::time::Duration::ZERO)
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
            other => other?,
        }
        for event in events.iter().filter(|event| event.token() != WAKER) {
            self.ready.push(event.token());
            if event.is_error() && (RELAYS..TCP_RELAYS).contains(&event.token().0) {
                self.pass_errors_on(event.token().0 - RELAYS);
            }
        }
        Ok(())
    }

    fn obey_orders_to_stop(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Run(operation)) => {
                    operation(&mut self.server, clock::now());
                    self.close_relays();
                }
                Ok(Order::Adopt(adopted)) => {
                    self.welcome(adopted.into_arrival());
                }
                Ok(Order::Stop) | Err(mpsc::TryRecvError::Disconnected) => return true,
                Err(mpsc::TryRecvError::Empty) => return false,
            }
        }
    }

    /// Gives the longest waiting socket its turn, and puts it at the end if it has more.
    fn serve_next(&mut self) {
        let Some(token) = self.ready.pop() else {
            return;
        };
        let has_more = match token.0 {
            token @ PIPES.. => self.serve_pipe(token - PIPES),
            token @ TCP_RELAYS.. => self.accept_peers(token - TCP_RELAYS),
            token @ RELAYS.. => self.serve_relay(token - RELAYS),
            token @ CONNECTIONS.. => self.serve_connection(token - CONNECTIONS),
            token @ ACCEPTORS.. => self.accept(token - ACCEPTORS),
            token => self.serve_listener(token),
        };
        if has_more {
            self.ready.push(token);
        }
    }

    /// Does what the state machine says, now or with the next flush.
    fn carry_out(&mut self, action: Action, place: Place) {
        // What ended makes room first: the slot of a new allocation may be that of an old one, and
        // who is told that an allocation is gone may count on its port being free.
        self.close_relays();
        match action {
            Action::Nothing => {}
            Action::ToClient {
                path,
                datagram,
                content,
            } => match self.asked_by {
                // By the thread that hears the client, and so after it was told to forward: who
                // has the answer may send at once.
                Some(shard) if content == Content::Answer => {
                    self.let_send(shard, path, place, datagram, content);
                }
                _ => self.send_to_client(path, place, datagram, content),
            },
            Action::ToPeer {
                relay,
                peer,
                datagram,
                dont_fragment: false,
            } => self.send(place, datagram, Exit::Relay(relay.slot()), peer),
            Action::ToPeer {
                relay,
                peer,
                datagram,
                dont_fragment: true,
            } => {
                // What came before leaves before.
                self.send_queued();
                if let Some(Some(relay)) = self.relays.get(relay.slot()) {
                    let datagram = &self.datagrams.buffer(place)[datagram];
                    let _ = fragments::send_whole(&relay.socket, datagram, peer);
                }
            }
            Action::OpenRelay(request) => self.open_relay(request, place),
            Action::Elsewhere {
                shard,
                path,
                datagram,
            } => {
                let packet = Packet::FromClient {
                    heard_by: self.colleagues.own_number,
                    path,
                    bytes: self.datagrams.buffer(place)[datagram].into(),
                };
                self.colleagues.hand(shard, packet);
            }
            Action::ConnectPeer {
                relay,
                connection,
                peer,
            } => self.connect_peer(relay, connection, peer),
            Action::Join {
                path,
                connection,
                datagram,
            } => self.join(path, connection, place, datagram),
            Action::HandOver {
                shard,
                path,
                datagram,
            } => self.hand_over(shard, path, place, datagram),
        }
        if self.datagrams.is_full() {
            self.flush();
        }
    }

    fn send(&mut self, place: Place, range: Range<usize>, exit: Exit, to: SocketAddr) {
        match place {
            Place::Slot(slot) => self.datagrams.queue(slot, range, exit, to),
            Place::Large => {
                // What came before leaves before.
                self.send_queued();
                if let Some(socket) = socket_of(&self.listeners, &self.relays, exit) {
                    self.datagrams.send_large(socket, range, to);
                }
            }
        }
    }

    /// Ends a turn: what is queued is sent, and its room is free.
    fn flush(&mut self) {
        self.send_queued();
        self.datagrams.free();
    }

    fn send_queued(&mut self) {
        let (listeners, relays) = (&self.listeners, &self.relays);
        self.datagrams
            .send_queued(|exit| socket_of(listeners, relays, exit));
    }
}

fn socket_of<'s>(
    listeners: &'s [Listener],
    relays: &'s [Option<RelaySocket>],
    exit: Exit,
) -> Option<&'s UdpSocket> {
    match exit {
        Exit::Listener(index) => listeners.get(index).map(|listener| &listener.socket),
        Exit::Relay(slot) => relays.get(slot)?.as_ref().map(|relay| &relay.socket),
    }
}

/// Asks to be told when there is something to read.
fn register(poll: &Poll, socket: &UdpSocket, token: Token) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let fd = socket.as_raw_fd();
    poll.registry()
        .register(&mut mio::unix::SourceFd(&fd), token, Interest::READABLE)
}
