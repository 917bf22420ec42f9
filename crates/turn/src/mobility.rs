//! Mobility (RFC 8016): an allocation goes on when its client's address changes.
//!
//! A client that asked for it holds a ticket. A Refresh with the ticket from another 5-tuple moves
//! the allocation there and is answered with the next ticket; the one that was used is good for a
//! retransmission of that request, and for nothing else.
//!
//! ```text
//!            Refresh + ticket from B           data or a request on B
//! on A ───────────────────────────► on A, B ─────────────────────────► on B
//!   │                                  │ connection of A ends            ▲
//!   │ connection of A ends             └─────────────────────────────────┤
//!   └────────────────────────► on none ── Refresh + ticket from B ───────┘
//! ```
//!
//! # Several servers
//! A ticket says which server has the allocation, and so does a RESERVATION-TOKEN. The system
//! spreads datagrams over threads by their 5-tuple, so that after a move they may keep arriving at
//! another server than the one that has the allocation:
//!
//! 1. The server that is asked answers [`Action::Elsewhere`](crate::Action::Elsewhere): its driver
//!    puts the datagram into a bounded queue of the other thread, which gives it to its own server by
//!    [`Server::handle_from_shard`](crate::Server::handle_from_shard). Only one hand-over is ever
//!    asked for.
//! 2. If the client is let in, that server tells by [`Event::Forward`](crate::Event::Forward), and
//!    the first one is told by [`Server::forward`](crate::Server::forward): from then on it hands
//!    over whatever comes on that 5-tuple. [`Event::StopForwarding`](crate::Event::StopForwarding)
//!    ends that. There are never more such entries than allocations.
//! 3. Data for the client leaves by a socket of the thread that has the allocation, as every one has
//!    a socket for every address. A connection is only in one place, and answers take the way back
//!    over it, too: a client that has its answer may send at once, and must find that it is
//!    forwarded. [`Server::arrives_at`](crate::Server::arrives_at) says where that is.
//!
//! All of them have the same seed, so each can check a ticket of any other before it troubles it.

use crate::allocation::{AllocationId, FiveTuple};
use crate::seed::{Seed, is_same, keyed_hash};
use crate::stun::TransactionId;

/// Bytes of a sealed ticket: 15 of content and 17 of proof. coturn's client takes no more.
pub(crate) const TICKET_LEN: usize = HEAD_LEN + PROOF_LEN;
const HEAD_LEN: usize = 15;
const PROOF_LEN: usize = 17;

/// One server of several that run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 0.
    pub number: u16,
    /// How many there are.
    pub count: u16,
}

impl Shard {
    /// The only one.
    pub const ALONE: Shard = Shard {
        number: 0,
        count: 1,
    };

    /// Whether this is the number of another one.
    pub(crate) fn has_other(self, number: u16) -> bool {
        number != self.number && number < self.count
    }
}

/// What a ticket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Which server has the allocation.
    pub(crate) shard: u16,
    pub(crate) allocation: AllocationId,
    /// How often the allocation had moved when the ticket was given out.
    pub(crate) moves: u32,
}

/// A ticket as the client holds it: nothing can be read off it, and nobody else can make one.
pub(crate) type SealedTicket = [u8; TICKET_LEN];

/// Seals and opens tickets. What is in them need not be remembered.
#[derive(Debug)]
pub(crate) struct Tickets {
    proof: [u8; 32],
    mask: [u8; 32],
}

impl Tickets {
    pub(crate) fn new(seed: &Seed) -> Tickets {
        Tickets {
            proof: seed.derive("mobility tickets"),
            mask: seed.derive("mobility tickets' mask"),
        }
    }

    /// Without a byte that is zero: coturn's client takes that for the end of the ticket. One byte
    /// of content is free to be chosen for this; nine in ten times the first choice is good.
    pub(crate) fn seal(&self, ticket: &Ticket) -> SealedTicket {
        (0..u8::MAX)
            .map(|salt| self.seal_with(ticket, salt))
            .find(|sealed| !sealed.contains(&0))
            .unwrap_or_else(|| self.seal_with(ticket, u8::MAX))
    }

    fn seal_with(&self, ticket: &Ticket, salt: u8) -> SealedTicket {
        let head = ticket.to_bytes(salt);
        let proof = keyed_hash(&self.proof, &[&head]);
        let mut sealed = [0; TICKET_LEN];
        let (sealed_head, sealed_proof) = sealed.split_at_mut(HEAD_LEN);
        sealed_proof.copy_from_slice(&proof[..PROOF_LEN]);
        sealed_head.copy_from_slice(&self.masked(head, sealed_proof));
        sealed
    }

    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Ticket> {
        let sealed: &SealedTicket = sealed.try_into().ok()?;
        let (head, proof) = sealed.split_first_chunk::<HEAD_LEN>()?;
        let head = self.masked(*head, proof);
        let expected = keyed_hash(&self.proof, &[&head]);
        is_same(&self.proof, &expected[..PROOF_LEN], proof).then(|| Ticket::from_bytes(head))
    }

    fn masked(&self, mut head: [u8; HEAD_LEN], proof: &[u8]) -> [u8; HEAD_LEN] {
        let mask = keyed_hash(&self.mask, &[proof]);
        for (byte, mask) in head.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        head
    }
}

impl Ticket {
    fn to_bytes(self, salt: u8) -> [u8; HEAD_LEN] {
        let mut bytes = [0; HEAD_LEN];
        bytes[..2].copy_from_slice(&self.shard.to_be_bytes());
        bytes[2..6].copy_from_slice(&self.allocation.slot.to_be_bytes());
        bytes[6..10].copy_from_slice(&self.allocation.generation.to_be_bytes());
        bytes[10..14].copy_from_slice(&self.moves.to_be_bytes());
        bytes[14] = salt;
        bytes
    }

    fn from_bytes(bytes: [u8; HEAD_LEN]) -> Ticket {
        let [
            s0,
            s1,
            a0,
            a1,
            a2,
            a3,
            g0,
            g1,
            g2,
            g3,
            m0,
            m1,
            m2,
            m3,
            _salt,
        ] = bytes;
        Ticket {
            shard: u16::from_be_bytes([s0, s1]),
            allocation: AllocationId {
                slot: u32::from_be_bytes([a0, a1, a2, a3]),
                generation: u32::from_be_bytes([g0, g1, g2, g3]),
            },
            moves: u32::from_be_bytes([m0, m1, m2, m3]),
        }
    }
}

/// What an allocation has whose client holds a ticket.
#[derive(Debug, Default)]
pub(crate) struct Mobile {
    /// How often it has moved; the ticket that is good says the same.
    pub(crate) moves: u32,
    /// Where it is moving to: the client is heard there, but nothing has come yet that shows it
    /// has the answer.
    pub(crate) next: Option<FiveTuple>,
    /// The connection is gone that its 5-tuple stood for.
    pub(crate) is_detached: bool,
    /// The request that moved it, to know a retransmission.
    pub(crate) last: Option<LastMove>,
}

/// A Refresh that moved an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastMove {
    pub(crate) transaction: TransactionId,
    pub(crate) path: FiveTuple,
    pub(crate) lifetime: std::time::Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(slot: u32, moves: u32) -> Ticket {
        Ticket {
            shard: 3,
            allocation: AllocationId {
                slot,
                generation: 9,
            },
            moves,
        }
    }

    #[test]
    fn a_ticket_is_opened_by_whom_it_was_sealed() {
        let tickets = Tickets::new(&Seed([1; 32]));
        let sealed = tickets.seal(&ticket(7, 2));
        assert_eq!(tickets.open(&sealed), Some(ticket(7, 2)));
        assert_eq!(Tickets::new(&Seed([2; 32])).open(&sealed), None);
        assert_eq!(tickets.open(&[]), None);
        assert_eq!(tickets.open(&sealed[1..]), None);
        for at in 0..TICKET_LEN {
            let mut forged = sealed;
            forged[at] ^= 1;
            assert_eq!(tickets.open(&forged), None, "{at}");
        }
    }

    #[test]
    fn no_ticket_has_a_zero_in_it() {
        let tickets = Tickets::new(&Seed([1; 32]));
        for slot in 0..500 {
            let sealed = tickets.seal(&ticket(slot, 0));
            assert!(!sealed.contains(&0));
            assert_eq!(tickets.open(&sealed), Some(ticket(slot, 0)));
        }
    }

    #[test]
    fn tickets_of_neighbours_have_nothing_in_common() {
        let tickets = Tickets::new(&Seed([1; 32]));
        let one = tickets.seal(&ticket(7, 2));
        for other in [ticket(7, 3), ticket(8, 2)].map(|other| tickets.seal(&other)) {
            let equal = one.iter().zip(other).filter(|(a, b)| **a == *b).count();
            assert!(equal < 5, "{equal} of {TICKET_LEN} bytes");
        }
    }
}
