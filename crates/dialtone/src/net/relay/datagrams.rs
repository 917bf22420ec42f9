//! Datagrams in and out, several at a time.
//!
//! What has come in lies in slots of one buffer, and goes out from there: nothing is copied that
//! need not be. The kernel's work for one datagram is most of the cost of relaying it, so datagrams
//! for the same receiver leave as segments of one (GSO), and segments that came as one (GRO) are
//! taken in as one. A video frame is such a burst; voice hardly ever is. Sending different
//! datagrams by one system call (`sendmmsg`) brings nothing; `docs/measurements/relay.md` has the
//! figures.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{
    CmsgIterator, ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg,
};
use turn::HEADROOM;

use super::sockets;

/// What fits into a slot; larger datagrams, which no path of the internet takes in one piece, have
/// a buffer of their own.
const SLOT_DATA: usize = 2048;
/// Behind the data is room for the padding of a Data indication.
const SLOT: usize = HEADROOM + SLOT_DATA + 16;
/// How many slots there are. More saves work in larger bursts, fewer sends on sooner.
const SLOTS: usize = 64;

/// The largest UDP datagram, and what a segmented one may add up to.
const LARGEST: usize = 65_507;
/// Its buffer also takes what another thread has wrapped already, with room in front again.
const LARGE: usize = HEADROOM + HEADROOM + BURST + 16;

/// The most that the kernel gives at once.
const BURST: usize = 65_535;

/// Segments of one datagram; the kernel takes 64 in every version that takes any.
const MAX_SEGMENTS: usize = 64;

/// Places in the table that finds a group again.
const GROUPS: usize = 64;

/// Where a datagram lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a slot, until the next flush.
    Slot(usize),
    /// In the buffer for single ones, until the next datagram.
    Large,
}

/// What came by one system call.
pub(super) struct Received {
    pub(super) from: SocketAddr,
    /// The slot it lies in, if it is one datagram that fits.
    slot: Option<usize>,
    /// What is still to be taken: of the slot, or of the buffer for bursts.
    rest: Option<Range<usize>>,
    /// The length of each datagram in it, but for a shorter last one.
    segment: usize,
}

/// Which socket a datagram leaves by: the key of a group of datagrams, with the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// A socket that clients send to, by its index.
    Listener(usize),
    /// A relay socket, by the slot of its allocation.
    Relay(usize),
}

/// Datagrams for one receiver, in order.
struct Group {
    exit: Exit,
    to: SocketAddr,
    /// The length of all but the last, which may be shorter.
    segment: usize,
    bytes: usize,
    count: usize,
    /// Nothing can stand behind the last one.
    is_full: bool,
    first: usize,
    last: usize,
}

/// One of them.
struct Queued {
    slot: usize,
    range: Range<usize>,
    next: Option<usize>,
}

pub(super) struct Datagrams {
    slots: Box<[u8]>,
    used: usize,
    large: Box<[u8]>,
    /// Where bursts lie until they are taken. What is taken is moved away: an answer or padding is
    /// not written over the datagrams beside it.
    burst: Box<[u8]>,
    queue: Vec<Queued>,
    groups: Vec<Group>,
    /// The latest group by a hash of exit and receiver.
    latest: [Option<u8>; GROUPS],
    control: Vec<u8>,
    /// Whether the kernel takes segments.
    segmenting: bool,
}

impl Datagrams {
    pub(super) fn new() -> Datagrams {
        Datagrams {
            slots: vec![0; SLOTS * SLOT].into_boxed_slice(),
            used: 0,
            large: vec![0; LARGE].into_boxed_slice(),
            burst: vec![0; BURST].into_boxed_slice(),
            queue: Vec::with_capacity(SLOTS),
            groups: Vec::with_capacity(SLOTS),
            latest: [None; GROUPS],
            control: nix::cmsg_space!(i32),
            segmenting: true,
        }
    }

    /// Whether room has to be freed before more is received.
    pub(super) fn is_full(&self) -> bool {
        self.used == SLOTS
    }

    pub(super) fn buffer(&mut self, place: Place) -> &mut [u8] {
        match place {
            Place::Slot(slot) => &mut self.slots[slot * SLOT..][..SLOT],
            Place::Large => &mut self.large,
        }
    }

    /// Puts a message that came by another way into the buffer for single ones.
    pub(super) fn put(&mut self, message: &[u8]) -> (Place, Range<usize>) {
        (Place::Large, place_in(&mut self.large, message))
    }

    /// Receives one datagram, or several that came as one. There has to be a free slot.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> io::Result<Received> {
        let start = self.used * SLOT + HEADROOM;
        let in_slot = &mut self.slots[start..start + SLOT_DATA];
        let (front, behind) = self.burst.split_at_mut(SLOT_DATA);
        let mut pieces = [IoSliceMut::new(in_slot), IoSliceMut::new(behind)];
        let message = recvmsg::<SockaddrStorage>(
            socket.as_raw_fd(),
            &mut pieces,
            Some(&mut self.control),
            MsgFlags::empty(),
        )?;
        let len = message.bytes;
        let segment = message.cmsgs().ok().and_then(segment_len).unwrap_or(len);
        let from = message.address.and_then(socket_address);
        let from = from.ok_or(ErrorKind::InvalidData)?;
        let is_single = len <= SLOT_DATA && segment >= len;
        if !is_single {
            // Whole again: what did not fit into the slot lies behind the gap for what did.
            front.copy_from_slice(in_slot);
        }
        let start = if is_single { HEADROOM } else { 0 };
        Ok(Received {
            from,
            slot: is_single.then_some(self.used),
            rest: Some(start..start + len),
            segment,
        })
    }

    /// The next datagram of what was received. There has to be a free slot.
    pub(super) fn take(&mut self, received: &mut Received) -> Option<(Place, Range<usize>)> {
        let rest = received.rest.take()?;
        if let Some(slot) = received.slot {
            self.used += 1;
            return Some((Place::Slot(slot), rest));
        }
        let end = rest.end.min(rest.start + received.segment);
        received.rest = (end < rest.end).then_some(end..rest.end);
        let datagram = &self.burst[rest.start..end];
        if datagram.len() > SLOT_DATA {
            return Some((Place::Large, place_in(&mut self.large, datagram)));
        }
        let slot = self.used;
        self.used += 1;
        let buffer = &mut self.slots[slot * SLOT..][..SLOT];
        Some((Place::Slot(slot), place_in(buffer, datagram)))
    }

    /// Lets a datagram in a slot leave with the next [`Datagrams::send_queued`].
    pub(super) fn queue(&mut self, slot: usize, range: Range<usize>, exit: Exit, to: SocketAddr) {
        let index = self.queue.len();
        let len = range.len();
        self.queue.push(Queued {
            slot,
            range,
            next: None,
        });
        let latest = &mut self.latest[hash(exit, to)];
        let group = latest.and_then(|group| self.groups.get_mut(usize::from(group)));
        if let Some(group) = group.filter(|group| group.takes(exit, to, len)) {
            self.queue[group.last].next = Some(index);
            group.last = index;
            group.count += 1;
            group.bytes += len;
            group.is_full |= len < group.segment;
            return;
        }
        *latest = u8::try_from(self.groups.len()).ok();
        self.groups.push(Group {
            exit,
            to,
            segment: len,
            bytes: len,
            count: 1,
            is_full: len == 0 || !self.segmenting,
            first: index,
            last: index,
        });
    }

    /// Sends what is queued. A datagram that cannot be sent is a lost one, as any on its way may
    /// be.
    pub(super) fn send_queued<'s>(&mut self, socket: impl Fn(Exit) -> Option<&'s UdpSocket>) {
        for index in 0..self.groups.len() {
            let group = &self.groups[index];
            self.latest[hash(group.exit, group.to)] = None;
            if let Some(socket) = socket(group.exit) {
                self.segmenting &= self.send_group(socket, group);
            }
        }
        self.groups.clear();
        self.queue.clear();
    }

    /// Frees all slots. Nothing in them may be wanted any more.
    pub(super) fn free(&mut self) {
        debug_assert!(self.queue.is_empty());
        self.used = 0;
    }

    /// Sends a datagram that is not in a slot.
    pub(super) fn send_large(&self, socket: &UdpSocket, range: Range<usize>, to: SocketAddr) {
        let _ = sockets::send(socket, &self.large[range], to);
    }

    /// Gives `false` if segments have turned out to be something this system cannot do.
    fn send_group(&self, socket: &UdpSocket, group: &Group) -> bool {
        let segmented = (group.count > 1).then(|| self.send_segments(socket, group));
        if segmented != Some(Ok(())) {
            // One by one: they may be larger than this path takes in one piece.
            for datagram in self.members(group) {
                let _ = sockets::send(socket, datagram, group.to);
            }
        }
        segmented != Some(Err(nix::Error::EIO))
    }

    fn send_segments(&self, socket: &UdpSocket, group: &Group) -> nix::Result<()> {
        let mut pieces = [IoSlice::new(&[]); MAX_SEGMENTS];
        for (piece, datagram) in pieces.iter_mut().zip(self.members(group)) {
            *piece = IoSlice::new(datagram);
        }
        let segment = u16::try_from(group.segment).map_err(|_| nix::Error::EMSGSIZE)?;
        sendmsg(
            socket.as_raw_fd(),
            &pieces[..group.count],
            &[ControlMessage::UdpGsoSegments(&segment)],
            MsgFlags::empty(),
            Some(&SockaddrStorage::from(group.to)),
        )?;
        Ok(())
    }

    fn members(&self, group: &Group) -> impl Iterator<Item = &[u8]> {
        let first = Some(&self.queue[group.first]);
        let next = |queued: &&Queued| queued.next.map(|next| &self.queue[next]);
        std::iter::successors(first, next)
            .map(|queued| &self.slots[queued.slot * SLOT..][queued.range.clone()])
    }
}

impl Group {
    /// Whether one more datagram can be its last segment.
    fn takes(&self, exit: Exit, to: SocketAddr, len: usize) -> bool {
        self.exit == exit
            && self.to == to
            && !self.is_full
            && (1..=self.segment).contains(&len)
            && self.count < MAX_SEGMENTS
            && self.bytes + len <= LARGEST
    }
}

/// Copies a datagram into a buffer, with room in front of it.
fn place_in(buffer: &mut [u8], datagram: &[u8]) -> Range<usize> {
    let range = HEADROOM..HEADROOM + datagram.len();
    buffer[range.clone()].copy_from_slice(datagram);
    range
}

fn segment_len(mut messages: CmsgIterator<'_>) -> Option<usize> {
    messages.find_map(|message| match message {
        ControlMessageOwned::UdpGroSegments(len) => usize::try_from(len).ok(),
        _ => None,
    })
}

/// What both families of the internet write as address and port.
pub(super) fn socket_address(storage: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = || storage.as_sockaddr_in().copied().map(SocketAddr::from);
    let v6 = || storage.as_sockaddr_in6().copied().map(SocketAddr::from);
    v4().or_else(v6)
}

/// Finds a group quickly; two that collide only miss a chance to leave together.
fn hash(exit: Exit, to: SocketAddr) -> usize {
    let exit = match exit {
        Exit::Listener(index) => index,
        Exit::Relay(slot) => slot.wrapping_mul(7),
    };
    (exit ^ usize::from(to.port())) % GROUPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_message_of_another_thread_fits() {
        let mut datagrams = Datagrams::new();
        // The longest length a STUN header can tell: data of a peer by IPv6, wrapped.
        let message = vec![7; 20 + 65_532];
        let (place, range) = datagrams.put(&message);
        assert_eq!(datagrams.buffer(place)[range], message);
    }

    #[test]
    fn what_is_written_around_a_datagram_is_not_written_over_the_next_one() {
        let there = sockets::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let here = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = there.local_addr().unwrap();
        for len in [100, SLOT_DATA, SLOT_DATA + 1] {
            let sent: Vec<u8> = [1, 2, 3].iter().flat_map(|n| vec![*n; len]).collect();
            let segments = &[ControlMessage::UdpGsoSegments(&(len as u16))];
            let to = &SockaddrStorage::from(to);
            let burst = [IoSlice::new(&sent)];
            sendmsg(
                here.as_raw_fd(),
                &burst,
                segments,
                MsgFlags::empty(),
                Some(to),
            )
            .unwrap();
            let mut datagrams = Datagrams::new();
            let mut got = Vec::new();
            while got.len() < 3 {
                let mut received = datagrams.receive(&there).unwrap();
                while let Some((place, range)) = datagrams.take(&mut received) {
                    let buffer = datagrams.buffer(place);
                    got.push(buffer[range.clone()].to_vec());
                    buffer[..range.end + 16].fill(9);
                }
            }
            assert_eq!(got, [1, 2, 3].map(|n| vec![n; len]), "{len}");
        }
    }
}
