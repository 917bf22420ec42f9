//! A thread of the relay: waits, hands datagrams to the state machine, does what it says.

mod peers;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::{Arc, mpsc};

use mio::{Events, Interest, Poll, Token, Waker};
use protocol::time::{Now, Tick};
use turn::proxy_header::Endpoints;
use turn::{
    Action, AllocationId, Content, Event, FiveTuple, NoRelay, PeerTransport, RelayRequest, Server,
    Transport,
};

use super::adoption::Adopted;
use super::connection::{Arrival, Identity, Over};
use super::connections::{Connections, Newcomer};
use super::datagrams::{Datagrams, Exit, Place};
use super::handover::{self, Colleagues, Inbox, Note, Packet};
use super::listeners::{Acceptor, Listener, Share};
use super::pace::Pace;
use super::pipes::Pipes;
use super::ports::Ports;
use super::ready::Ready;
use super::{StartError, errors, fragments, sockets};
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

    fn empty_inbox(&mut self) {
        for _ in 0..handover::BUDGET {
            let packet = self.inbox.packets.try_recv();
            // Notes second and heeded first: a packet never overtakes what was told before it.
            while let Ok(note) = self.inbox.notes.try_recv() {
                self.heed(note);
            }
            let Ok(packet) = packet else {
                return;
            };
            self.take_over(packet);
        }
        self.colleagues.come_back();
    }

    fn heed(&mut self, note: Note) {
        match note {
            Note::Forward { path, to } => {
                let is_over =
                    path.transport.is_stream() && self.connections.slot_of(&path).is_none();
                if is_over {
                    self.colleagues.tell(to, Note::Disconnected(path));
                } else {
                    self.server.forward(path, to);
                }
            }
            Note::Newcomer(newcomer) => self.admit(*newcomer),
            Note::HandedOver(handed_over) => self.take_in(*handed_over),
            Note::StopForwarding { path, to } => self.server.stop_forwarding(path, to),
            Note::Disconnected(path) => {
                self.server.handle_disconnected(path);
                self.close_relays();
            }
            Note::Replaced(path) => self.end_connection_of(path),
        }
    }

    fn take_over(&mut self, packet: Packet) {
        match packet {
            Packet::FromClient {
                heard_by,
                path,
                bytes,
            } => {
                let (place, datagram) = self.datagrams.put(&bytes);
                let buffer = self.datagrams.buffer(place);
                let now = clock::now();
                let action = self
                    .server
                    .handle_from_shard(now, heard_by, path, buffer, datagram);
                self.asked_by = Some(heard_by);
                self.carry_out(action, place);
                self.asked_by = None;
            }
            Packet::ToClient {
                path,
                bytes,
                content,
            } => {
                let (place, message) = self.datagrams.put(&bytes);
                self.send_to_client(path, place, message, content);
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

    fn serve_listener(&mut self, index: usize) -> bool {
        let now = clock::now();
        let has_more = self.take_from_clients(now, index);
        self.flush();
        has_more
    }

    fn take_from_clients(&mut self, now: Now, index: usize) -> bool {
        let mut taken = 0;
        while taken < BUDGET {
            let listener = &self.listeners[index];
            let local = listener.address;
            match self.datagrams.receive(&listener.socket) {
                Ok(mut received) => {
                    let path = FiveTuple {
                        client: received.from,
                        local,
                        transport: Transport::Udp,
                    };
                    while let Some((place, datagram)) = self.datagrams.take(&mut received) {
                        taken += 1;
                        self.pace.count(1);
                        let buffer = self.datagrams.buffer(place);
                        let action = self.server.handle_datagram(now, path, buffer, datagram);
                        self.carry_out(action, place);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // An error that belongs to an earlier datagram says nothing about the next one.
                Err(_) => taken += 1,
            }
        }
        true
    }

    fn serve_relay(&mut self, slot: usize) -> bool {
        let now = clock::now();
        let has_more = self.take_from_peers(now, slot);
        self.flush();
        has_more
    }

    fn take_from_peers(&mut self, now: Now, slot: usize) -> bool {
        let mut taken = 0;
        while taken < BUDGET {
            let Some(Some(relay)) = self.relays.get(slot) else {
                return false;
            };
            let allocation = relay.allocation;
            match self.datagrams.receive(&relay.socket) {
                Ok(mut received) => {
                    let peer = received.from;
                    while let Some((place, datagram)) = self.datagrams.take(&mut received) {
                        taken += 1;
                        self.pace.count(1);
                        let buffer = self.datagrams.buffer(place);
                        let action = self
                            .server
                            .handle_relayed(now, allocation, peer, buffer, datagram);
                        self.carry_out(action, place);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // As above: one peer's error is nothing to the others.
                Err(_) => taken += 1,
            }
        }
        true
    }

    /// Tells a client what ICMP says about its packets. More than a turn's worth is let go: the
    /// kernel's queue is short, and the next error brings us here again.
    fn pass_errors_on(&mut self, slot: usize) {
        let now = clock::now();
        for _ in 0..BUDGET {
            let Some(Some(relay)) = self.relays.get(slot) else {
                break;
            };
            let allocation = relay.allocation;
            let Some(told) = errors::next(&relay.socket) else {
                break;
            };
            if let Some((peer, error)) = told {
                let buffer = self.datagrams.buffer(Place::Large);
                let action = self
                    .server
                    .handle_peer_error(now, allocation, peer, error, buffer);
                self.carry_out(action, Place::Large);
            }
        }
    }

    fn accept(&mut self, index: usize) -> bool {
        for _ in 0..BUDGET {
            let acceptor = &self.acceptors[index];
            match acceptor.listener.accept() {
                Ok((tcp, client)) => {
                    if let Ok(arrival) = acceptor.receive(tcp, client) {
                        self.welcome(arrival);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => {
                    // Too many open files, most likely. Nobody tells when there are fewer.
                    self.connections.look_again(clock::now().tick);
                    return false;
                }
            }
        }
        true
    }

    /// Finds a thread for a connection: each in its turn.
    fn welcome(&mut self, arrival: Arrival) {
        let Some(guest) = self.guests.admit(arrival.endpoints.client.ip()) else {
            return;
        };
        let newcomer = Newcomer { arrival, guest };
        let number = self.colleagues.next();
        if number == self.colleagues.own_number {
            self.admit(newcomer);
        } else {
            let note = Note::Newcomer(Box::new(newcomer));
            self.colleagues.tell(number, note);
        }
    }

    fn admit(&mut self, mut newcomer: Newcomer) {
        self.end_connection_of(newcomer.arrival.path());
        let socket = newcomer.arrival.stream.socket();
        sockets::prefer_latency(socket);
        let token = Token(CONNECTIONS + self.connections.next_slot());
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        if registry.register(socket, token, interest).is_ok() {
            self.connections.insert(newcomer, clock::now().tick);
        }
    }

    /// Finds out whose connection it is; `false` as long as a proxy has not said so.
    fn identify(&mut self, slot: usize) -> Result<bool, Over> {
        let Some(connection) = self.connections.get_mut(slot) else {
            return Ok(false);
        };
        let Some(identity) = connection.identify()? else {
            return Ok(false);
        };
        if let Identity::Said(Endpoints { client, local }) = identity {
            let transport = connection.path().transport;
            let path = FiveTuple {
                client,
                local,
                transport,
            };
            if path == connection.path() {
                return Ok(true);
            }
            let guest = self.guests.admit(client.ip()).ok_or(Over)?;
            self.end_connection_of(path);
            self.colleagues.replace(path);
            self.connections.rename(slot, path, guest);
        }
        Ok(true)
    }

    fn serve_connection(&mut self, slot: usize) -> bool {
        self.try_serve_connection(slot).unwrap_or_else(|Over| {
            self.end_connection(slot);
            false
        })
    }

    fn try_serve_connection(&mut self, slot: usize) -> Result<bool, Over> {
        let now = clock::now();
        if let Some(connection) = self.connections.get_mut(slot) {
            connection.flush(now.tick)?;
        }
        if !self.identify(slot)? {
            return Ok(false);
        }
        for _ in 0..READS {
            let Some(connection) = self.connections.get_mut(slot) else {
                return Ok(false);
            };
            if !connection.receive(&mut self.scratch, now.tick)? {
                return Ok(false);
            }
            self.handle_messages(now, slot)?;
        }
        Ok(true)
    }

    /// Hands all whole messages of a connection to the state machine.
    fn handle_messages(&mut self, now: Now, slot: usize) -> Result<(), Over> {
        while let Some(connection) = self.connections.get_mut(slot) {
            let path = connection.path();
            let has_allocation = self.server.has_allocation(&path);
            let Some(message) = connection.next_message(has_allocation, now.tick)? else {
                connection.await_rest(now.tick);
                break;
            };
            let (place, message) = self.datagrams.put(message);
            let buffer = self.datagrams.buffer(place);
            let action = self.server.handle_datagram(now, path, buffer, message);
            self.carry_out(action, place);
        }
        Ok(())
    }

    fn send_on_connection(
        &mut self,
        path: FiveTuple,
        place: Place,
        message: Range<usize>,
        content: Content,
    ) {
        let now = clock::now().tick;
        let Some(slot) = self.connections.slot_of(&path) else {
            if let Some(shard) = self.server.arrives_at(&path) {
                self.let_send(shard, path, place, message, content);
            }
            return;
        };
        let message = &self.datagrams.buffer(place)[message];
        let connection = self.connections.get_mut(slot);
        if connection.is_some_and(|it| it.send(message, content, now).is_err()) {
            self.end_connection(slot);
        }
    }

    /// Lets another thread send to a client.
    fn let_send(
        &mut self,
        shard: u16,
        path: FiveTuple,
        place: Place,
        message: Range<usize>,
        content: Content,
    ) {
        let bytes = self.datagrams.buffer(place)[message].into();
        let packet = Packet::ToClient {
            path,
            bytes,
            content,
        };
        self.colleagues.hand(shard, packet);
    }

    fn send_to_client(
        &mut self,
        path: FiveTuple,
        place: Place,
        message: Range<usize>,
        content: Content,
    ) {
        match path.transport {
            Transport::Udp => {
                let same = |listener: &Listener| listener.address == path.local;
                if let Some(index) = self.listeners.iter().position(same) {
                    self.send(place, message, Exit::Listener(index), path.client);
                }
            }
            Transport::Tcp | Transport::Tls => {
                self.send_on_connection(path, place, message, content);
            }
        }
    }

    /// Ends connections that have used up their time, and takes new ones for which there may be
    /// room now.
    fn end_overdue_connections(&mut self, now: Tick) {
        if self.connections.next_round().is_none_or(|due| due > now) {
            return;
        }
        let has_allocation = |path: &FiveTuple| self.server.has_allocation(path);
        for slot in self.connections.overdue(now, has_allocation) {
            self.end_connection(slot);
        }
        for index in 0..self.acceptors.len() {
            self.ready.push(Token(ACCEPTORS + index));
        }
    }

    /// A new connection with the same 5-tuple shows that the old one is over, though nobody said so.
    fn end_connection_of(&mut self, path: FiveTuple) {
        if let Some(slot) = self.connections.slot_of(&path) {
            self.end_connection(slot);
        }
    }

    fn end_connection(&mut self, slot: usize) {
        if let Some(path) = self.connections.remove(slot) {
            if let Some(shard) = self.server.forwards_to(&path) {
                self.server.stop_forwarding(path, shard);
                self.colleagues.tell(shard, Note::Disconnected(path));
            }
            self.server.handle_disconnected(path);
            self.close_relays();
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

    fn open_relay(&mut self, request: RelayRequest, place: Place) {
        let outcome = match request.peer_transport() {
            PeerTransport::Udp => self.try_open_relay(&request),
            PeerTransport::Tcp => self.try_open_tcp_relay(&request),
        };
        let outcome = outcome.ok_or(NoRelay);
        let buffer = self.datagrams.buffer(place);
        let action = self
            .server
            .handle_relay_opened(clock::now(), request, outcome, buffer);
        self.carry_out(action, place);
    }

    fn try_open_relay(&mut self, request: &RelayRequest) -> Option<u16> {
        let on_address = |ports: &Ports| ports.ip() == request.bind();
        let address = self.ports.iter().position(on_address)?;
        let (socket, port) = self.ports[address].open(request.port(), getrandom::u32().ok()?)?;
        let slot = request.allocation().slot();
        if register(&self.poll, &socket, Token(RELAYS + slot)).is_err() {
            self.ports[address].give_up(port, request.port());
            return None;
        }
        if self.relays.len() <= slot {
            self.relays.resize_with(slot + 1, || None);
        }
        self.relays[slot] = Some(RelaySocket {
            allocation: request.allocation(),
            socket,
            port,
            address,
        });
        Some(port)
    }

    fn close_relays(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                Event::RelayClosed(allocation) => self.close_relay(allocation),
                Event::PeerClosed(connection) => self.pipes.remove(connection),
                Event::ConnectOverdue(connection) => self.give_up_connecting(connection),
                Event::ReservationReleased { bind, port } => {
                    let on_address = |ports: &&mut Ports| ports.ip() == bind;
                    if let Some(ports) = self.ports.iter_mut().find(on_address) {
                        ports.release(port);
                    }
                }
                Event::Forward { path, arrives_at } => {
                    let to = self.colleagues.own_number;
                    self.colleagues.tell(arrives_at, Note::Forward { path, to });
                }
                Event::StopForwarding { path, arrives_at } => {
                    let to = self.colleagues.own_number;
                    let note = Note::StopForwarding { path, to };
                    self.colleagues.tell(arrives_at, note);
                }
                // For who forwards channels without this program; nobody does yet.
                Event::BindingAdded(_) | Event::BindingRemoved(_) => {}
            }
        }
    }

    fn close_relay(&mut self, allocation: AllocationId) {
        // What is queued for its socket must not leave by that of the next one in its slot.
        self.send_queued();
        let is_it = |relay: &mut RelaySocket| relay.allocation == allocation;
        let place = self.relays.get_mut(allocation.slot());
        if let Some(relay) = place.and_then(|place| place.take_if(is_it)) {
            self.ports[relay.address].release(relay.port);
        } else {
            self.close_tcp_relay(allocation);
        }
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
