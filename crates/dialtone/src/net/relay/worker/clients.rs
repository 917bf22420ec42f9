//! Connections of clients, by TCP and TLS: from being accepted to their end.

use std::io;
use std::ops::Range;

use mio::{Interest, Token};
use protocol::time::{Now, Tick};
use turn::proxy_header::Endpoints;
use turn::{Content, FiveTuple, Transport};

use super::{ACCEPTORS, BUDGET, CONNECTIONS, READS, Worker};
use crate::clock;
use crate::net::relay::connection::{Arrival, Identity, Over};
use crate::net::relay::connections::Newcomer;
use crate::net::relay::datagrams::{Exit, Place};
use crate::net::relay::handover::{Note, Packet};
use crate::net::relay::listeners::Listener;
use crate::net::relay::sockets;

impl Worker {
    pub(super) fn accept(&mut self, index: usize) -> bool {
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
    pub(super) fn welcome(&mut self, arrival: Arrival) {
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

    pub(super) fn admit(&mut self, mut newcomer: Newcomer) {
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

    pub(super) fn serve_connection(&mut self, slot: usize) -> bool {
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
    pub(super) fn handle_messages(&mut self, now: Now, slot: usize) -> Result<(), Over> {
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

    pub(super) fn send_on_connection(
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
    pub(super) fn let_send(
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

    pub(super) fn send_to_client(
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
    pub(super) fn end_overdue_connections(&mut self, now: Tick) {
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
    pub(super) fn end_connection_of(&mut self, path: FiveTuple) {
        if let Some(slot) = self.connections.slot_of(&path) {
            self.end_connection(slot);
        }
    }

    pub(super) fn end_connection(&mut self, slot: usize) {
        if let Some(path) = self.connections.remove(slot) {
            if let Some(shard) = self.server.forwards_to(&path) {
                self.server.stop_forwarding(path, shard);
                self.colleagues.tell(shard, Note::Disconnected(path));
            }
            self.server.handle_disconnected(path);
            self.close_relays();
        }
    }
}
