//! TCP between this server and peers (RFC 6062): relay sockets that listen, connections to peers
//! from the same port, and their joining with connections of clients.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::Range;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Token};
use protocol::time::Tick;
use turn::{AllocationId, ConnectionId, Content, FiveTuple, NotConnected, RelayRequest};

use super::{BUDGET, CONNECTIONS, PIPES, TCP_RELAYS, Worker};
use crate::clock;
use crate::net::relay::connections::Seat;
use crate::net::relay::datagrams::Place;
use crate::net::relay::handover::Note;
use crate::net::relay::pipes::{Outcome, Progress};
use crate::net::relay::ports::Ports;
use crate::net::relay::sockets;

/// A relay socket that peers connect to.
pub(super) struct TcpRelay {
    allocation: AllocationId,
    listener: TcpListener,
    port: u16,
    /// Which of the ports' addresses it is on.
    address: usize,
}

/// A connection on its way to another thread.
pub(in crate::net::relay) struct HandedOver {
    seat: Seat,
    /// The message it goes there for.
    message: Box<[u8]>,
}

impl std::fmt::Debug for HandedOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HandedOver(..)")
    }
}

impl Worker {
    pub(super) fn try_open_tcp_relay(&mut self, request: &RelayRequest) -> Option<u16> {
        let on_address = |ports: &Ports| ports.ip() == request.bind();
        let address = self.ports.iter().position(on_address)?;
        let (mut listener, port) = self.ports[address].listen(getrandom::u32().ok()?)?;
        let slot = request.allocation().slot();
        let token = Token(TCP_RELAYS + slot);
        let registry = self.poll.registry();
        if registry
            .register(&mut listener, token, Interest::READABLE)
            .is_err()
        {
            self.ports[address].release(port);
            return None;
        }
        if self.tcp_relays.len() <= slot {
            self.tcp_relays.resize_with(slot + 1, || None);
        }
        self.tcp_relays[slot] = Some(TcpRelay {
            allocation: request.allocation(),
            listener,
            port,
            address,
        });
        Some(port)
    }

    pub(super) fn close_tcp_relay(&mut self, allocation: AllocationId) {
        let is_it = |relay: &mut TcpRelay| relay.allocation == allocation;
        let place = self.tcp_relays.get_mut(allocation.slot());
        if let Some(relay) = place.and_then(|place| place.take_if(is_it)) {
            let TcpRelay { port, address, .. } = relay;
            drop(relay);
            self.ports[address].release(port);
        }
    }

    /// Takes connections that peers have made to a relay socket.
    pub(super) fn accept_peers(&mut self, slot: usize) -> bool {
        for _ in 0..BUDGET {
            let Some(Some(relay)) = self.tcp_relays.get(slot) else {
                return false;
            };
            let allocation = relay.allocation;
            match relay.listener.accept() {
                Ok((stream, peer)) => self.take_peer(allocation, stream, peer),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                // With too many open files, too, there is nothing to do but to wait for the next
                // one; what waits is taken with it.
                Err(_) => return false,
            }
        }
        true
    }

    fn take_peer(&mut self, allocation: AllocationId, stream: TcpStream, peer: SocketAddr) {
        let now = clock::now();
        let buffer = self.datagrams.buffer(Place::Large);
        let taken = self
            .server
            .handle_peer_accepted(now, allocation, peer, buffer);
        let Some((connection, told)) = taken else {
            return;
        };
        if self.keep_peer(connection, stream, Progress::Pending) {
            self.carry_out(told, Place::Large);
        } else {
            self.server.handle_peer_closed(connection);
        }
    }

    fn keep_peer(
        &mut self,
        connection: ConnectionId,
        mut stream: TcpStream,
        progress: Progress,
    ) -> bool {
        sockets::prefer_latency(&stream);
        let token = Token(PIPES + self.pipes.next_slot());
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut stream, token, interest);
        if registered.is_ok() {
            self.pipes.insert(connection, stream, progress);
        }
        registered.is_ok()
    }

    /// Begins a connection to a peer, from the address and port of an allocation.
    pub(super) fn connect_peer(
        &mut self,
        relay: AllocationId,
        connection: ConnectionId,
        peer: SocketAddr,
    ) {
        let from = match self.tcp_relays.get(relay.slot()) {
            Some(Some(relay)) => relay.listener.local_addr(),
            _ => Err(ErrorKind::NotFound.into()),
        };
        let stream = from.and_then(|from| sockets::connect_from(from, peer));
        let connecting = Progress::Connecting { is_overdue: false };
        if !stream.is_ok_and(|stream| self.keep_peer(connection, stream, connecting)) {
            self.tell_connected(connection, Err(NotConnected));
        }
    }

    fn tell_connected(&mut self, connection: ConnectionId, outcome: Result<(), NotConnected>) {
        let buffer = self.datagrams.buffer(Place::Large);
        let action = self
            .server
            .handle_peer_connected(clock::now(), connection, outcome, buffer);
        self.carry_out(action, Place::Large);
    }

    /// A connection has taken too long to be made: so it is found at its next turn.
    pub(super) fn give_up_connecting(&mut self, connection: ConnectionId) {
        if let Some(slot) = self.pipes.slot_of(connection)
            && let Some(pipe) = self.pipes.get_mut(slot)
            && let Progress::Connecting { is_overdue } = &mut pipe.progress
        {
            *is_overdue = true;
            self.ready.push(Token(PIPES + slot));
        }
    }

    pub(super) fn serve_pipe(&mut self, slot: usize) -> bool {
        let Some(pipe) = self.pipes.get_mut(slot) else {
            return false;
        };
        let connection = pipe.connection;
        match pipe.is_connected() {
            Some(true) => {
                pipe.progress = Progress::Pending;
                self.tell_connected(connection, Ok(()));
                return false;
            }
            Some(false) => {
                self.pipes.remove(connection);
                self.tell_connected(connection, Err(NotConnected));
                return false;
            }
            None => {}
        }
        let now = clock::now().tick;
        let server = &mut self.server;
        let admit = |connection, direction, len| server.admit(now, connection, direction, len);
        match self.pipes.serve(slot, now, &mut self.scratch, admit) {
            Outcome::HasMore => true,
            Outcome::Waits => false,
            Outcome::Over => {
                self.pipes.remove(connection);
                self.server.handle_peer_closed(connection);
                false
            }
        }
    }

    /// Lets those go on that were over their bandwidth.
    pub(super) fn resume_pipes(&mut self, now: Tick) {
        for slot in self.pipes.resume(now) {
            self.ready.push(Token(PIPES + slot));
        }
    }

    /// Joins a client's connection with one of a peer, once it has been sent the answer.
    pub(super) fn join(
        &mut self,
        path: FiveTuple,
        connection: ConnectionId,
        place: Place,
        answer: Range<usize>,
    ) {
        self.send_on_connection(path, place, answer, Content::Answer);
        let client = self.connections.slot_of(&path);
        let client = client.and_then(|slot| self.connections.take(slot));
        let slot = self.pipes.slot_of(connection);
        let (Some(mut seat), Some(slot)) = (client, slot) else {
            // One of them is over by now, so the other is of no use.
            self.pipes.remove(connection);
            self.server.handle_peer_closed(connection);
            return;
        };
        let token = Token(PIPES + slot);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let socket = seat.connection.socket();
        if self
            .poll
            .registry()
            .reregister(socket, token, interest)
            .is_err()
        {
            self.pipes.remove(connection);
            self.server.handle_peer_closed(connection);
            return;
        }
        self.pipes.join(slot, seat.connection, seat.guest);
        // What came before is not told of again.
        self.ready.push(token);
    }

    /// Gives a client's connection to another thread, with a message that was just taken from it.
    pub(super) fn hand_over(
        &mut self,
        shard: u16,
        path: FiveTuple,
        place: Place,
        message: Range<usize>,
    ) {
        let slot = self.connections.slot_of(&path);
        let Some(mut seat) = slot.and_then(|slot| self.connections.take(slot)) else {
            return;
        };
        let message = self.datagrams.buffer(place)[message].into();
        let socket = seat.connection.socket();
        if self.poll.registry().deregister(socket).is_ok() {
            let handed_over = Box::new(HandedOver { seat, message });
            self.colleagues.tell(shard, Note::HandedOver(handed_over));
        }
    }

    /// Goes on with a connection where another thread has left off.
    pub(super) fn take_in(&mut self, HandedOver { mut seat, message }: HandedOver) {
        let path = seat.connection.path();
        self.end_connection_of(path);
        let slot = self.connections.next_slot();
        let token = Token(CONNECTIONS + slot);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let socket = seat.connection.socket();
        let registry = self.poll.registry();
        if registry.register(socket, token, interest).is_err() {
            return;
        }
        let now = clock::now();
        self.connections.seat(seat, now.tick);
        self.ready.push(token);
        let (place, message) = self.datagrams.put(&message);
        let buffer = self.datagrams.buffer(place);
        let action = self.server.handle_datagram(now, path, buffer, message);
        self.carry_out(action, place);
        // What came behind it on the same connection, unless that is no connection of messages any
        // more.
        if self.handle_messages(now, slot).is_err() {
            self.end_connection(slot);
        }
    }
}
