//! Relay sockets: opening one for an allocation, and closing it.

use mio::Token;
use turn::{AllocationId, Event, NoRelay, PeerTransport, RelayRequest};

use super::{RELAYS, RelaySocket, Worker, register};
use crate::clock;
use crate::net::relay::datagrams::Place;
use crate::net::relay::handover::Note;
use crate::net::relay::ports::Ports;

impl Worker {
    pub(super) fn open_relay(&mut self, request: RelayRequest, place: Place) {
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

    pub(super) fn close_relays(&mut self) {
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
