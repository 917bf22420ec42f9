//! What comes from the other threads.

use super::Worker;
use crate::clock;
use crate::net::relay::handover::{self, Note, Packet};

impl Worker {
    pub(super) fn empty_inbox(&mut self) {
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
}
