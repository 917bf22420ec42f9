//! The ports of relayed transport addresses, picked at random so that nobody can guess them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;

use mio::net::TcpListener;
use turn::{PortSet, PortWish};

use super::{errors, sockets};

/// How many ports that turn out to belong to other programs are tried for one allocation.
const ATTEMPTS: usize = 64;

/// The ports of one address, as one thread sees them.
#[derive(Debug)]
pub(super) struct Ports {
    ip: IpAddr,
    range: RangeInclusive<u16>,
    /// Those that allocations of any thread have.
    taken: Arc<PortSet>,
    /// Sockets of ports that are reserved for an Allocate to come.
    kept: BTreeMap<u16, UdpSocket>,
}

impl Ports {
    pub(super) fn new(ip: IpAddr, range: RangeInclusive<u16>) -> Ports {
        Ports {
            ip,
            range,
            taken: Arc::default(),
            kept: BTreeMap::new(),
        }
    }

    /// The same ports for another thread.
    pub(super) fn for_another_thread(&self) -> Ports {
        Ports {
            ip: self.ip,
            range: self.range.clone(),
            taken: self.taken.clone(),
            kept: BTreeMap::new(),
        }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Opens a socket on a port that is free, from a random one upwards and round.
    pub(super) fn open(&mut self, wish: PortWish, random: u32) -> Option<(UdpSocket, u16)> {
        if let PortWish::Reserved(port) = wish {
            return Some((self.kept.remove(&port)?, port));
        }
        let (socket, next, port) = self
            .candidates(wish, random)
            .find_map(|port| self.take(port, wish))?;
        if let Some(next) = next {
            self.kept.insert(port + 1, next);
        }
        Some((socket, port))
    }

    /// Opens a socket that takes peers' connections on a port that is free.
    pub(super) fn listen(&self, random: u32) -> Option<(TcpListener, u16)> {
        let mut candidates = self.candidates(PortWish::Any, random);
        candidates.find_map(|port| Some((self.take_listener(port)?, port)))
    }

    /// Free ports that suit, from a random one upwards and round.
    fn candidates(&self, wish: PortWish, random: u32) -> impl Iterator<Item = u16> {
        let first = u32::from(*self.range.start());
        let count = self.range.len() as u32;
        (0..count)
            .map(move |step| (first + (random % count + step) % count) as u16)
            .filter(move |port| self.suits(*port, wish))
            .take(ATTEMPTS)
    }

    /// Gives a port back, and closes its socket if it was kept for someone.
    pub(super) fn release(&mut self, port: u16) {
        self.kept.remove(&port);
        self.taken.remove(port);
    }

    /// Gives back what was opened for a wish and cannot be used.
    pub(super) fn give_up(&mut self, port: u16, wish: PortWish) {
        self.release(port);
        if wish == PortWish::EvenAndNext {
            self.release(port + 1);
        }
    }

    fn suits(&self, port: u16, wish: PortWish) -> bool {
        let is_free = |port: u16| self.range.contains(&port) && !self.taken.contains(port);
        is_free(port)
            && (wish == PortWish::Any || port.is_multiple_of(2))
            && (wish != PortWish::EvenAndNext || port.checked_add(1).is_some_and(is_free))
    }

    /// Takes and opens a port, and the next one if that is to be kept.
    fn take(&self, port: u16, wish: PortWish) -> Option<(UdpSocket, Option<UdpSocket>, u16)> {
        let socket = self.take_one(port)?;
        if wish != PortWish::EvenAndNext {
            return Some((socket, None, port));
        }
        let next = self.take_one(port + 1);
        if next.is_none() {
            self.taken.remove(port);
        }
        Some((socket, Some(next?), port))
    }

    fn take_listener(&self, port: u16) -> Option<TcpListener> {
        if !self.taken.insert(port) {
            return None;
        }
        let listener = sockets::listen_for_peers(SocketAddr::new(self.ip, port)).ok();
        if listener.is_none() {
            self.taken.remove(port);
        }
        listener
    }

    /// Takes a port, unless another thread was faster or another program has it.
    fn take_one(&self, port: u16) -> Option<UdpSocket> {
        if !self.taken.insert(port) {
            return None;
        }
        let address = SocketAddr::new(self.ip, port);
        let socket = sockets::try_open(address).ok();
        match &socket {
            Some(socket) => errors::keep(socket, address),
            None => self.taken.remove(port),
        }
        socket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ports below the range that the system gives to others.
    const RANGE: RangeInclusive<u16> = 21_700..=21_703;

    #[test]
    fn every_port_is_found_once_and_again_after_its_release() {
        let ip = IpAddr::from([127, 9, 8, 7]);
        let mut ports = Ports::new(ip, RANGE);
        let mut open: Vec<_> = (0..4)
            .map(|n| ports.open(PortWish::Any, n * 1000 + 3).unwrap())
            .collect();
        open.sort_by_key(|(_, port)| *port);
        let numbers: Vec<u16> = open.iter().map(|(_, port)| *port).collect();
        assert_eq!(numbers, RANGE.collect::<Vec<_>>());
        assert!(ports.open(PortWish::Any, 0).is_none());
        drop(open.remove(2));
        ports.release(21_702);
        assert_eq!(ports.open(PortWish::Any, 7).unwrap().1, 21_702);
    }

    #[test]
    fn what_one_thread_has_no_other_gets() {
        let ip = IpAddr::from([127, 9, 8, 6]);
        let mut here = Ports::new(ip, RANGE);
        let mut there = here.for_another_thread();
        let _three: Vec<_> = (0..3)
            .map(|n| here.open(PortWish::Any, n).unwrap())
            .collect();
        let (socket, port) = there.open(PortWish::Any, 0).unwrap();
        assert!(here.open(PortWish::Any, 0).is_none());
        drop(socket);
        there.release(port);
        assert_eq!(here.open(PortWish::Any, 0).unwrap().1, port);
    }

    #[test]
    fn a_port_of_another_program_is_passed_over() {
        let ip = IpAddr::from([127, 9, 8, 8]);
        let _other = UdpSocket::bind((ip, 21_700)).unwrap();
        let mut ports = Ports::new(ip, 21_700..=21_701);
        assert_eq!(ports.open(PortWish::Any, 0).unwrap().1, 21_701);
        assert!(ports.open(PortWish::Any, 0).is_none());
    }

    #[test]
    fn of_a_pair_the_second_is_kept_for_whom_it_is_reserved() {
        let ip = IpAddr::from([127, 9, 8, 9]);
        let mut ports = Ports::new(ip, RANGE);
        let (_first, port) = ports.open(PortWish::EvenAndNext, 1).unwrap();
        assert_eq!(port, 21_702);
        let (_other, other) = ports.open(PortWish::Even, 2).unwrap();
        assert_eq!(other, 21_700);
        assert!(ports.open(PortWish::EvenAndNext, 0).is_none());
        let (_second, second) = ports.open(PortWish::Reserved(21_703), 0).unwrap();
        assert_eq!(second, 21_703);
        assert!(ports.open(PortWish::Reserved(21_703), 0).is_none());
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_given_back_whole() {
        let ip = IpAddr::from([127, 9, 8, 5]);
        let mut ports = Ports::new(ip, 21_700..=21_701);
        let (socket, port) = ports.open(PortWish::EvenAndNext, 0).unwrap();
        drop(socket);
        ports.give_up(port, PortWish::EvenAndNext);
        assert!(ports.open(PortWish::EvenAndNext, 0).is_some());
    }
}
