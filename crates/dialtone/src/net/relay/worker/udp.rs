//! A turn for a socket of datagrams: those of clients, and those of peers.

use std::io;

use protocol::time::Now;
use turn::{FiveTuple, Transport};

use super::{BUDGET, Worker};
use crate::clock;
use crate::net::relay::datagrams::Place;
use crate::net::relay::errors;

impl Worker {
    pub(super) fn serve_listener(&mut self, index: usize) -> bool {
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

    pub(super) fn serve_relay(&mut self, slot: usize) -> bool {
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
    pub(super) fn pass_errors_on(&mut self, slot: usize) {
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
}
