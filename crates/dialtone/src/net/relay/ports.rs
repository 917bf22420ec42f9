//! The ports of relayed transport addresses, picked at random so that nobody can guess them.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use super::sockets;

/// How many ports that turn out to belong to other programs are tried for one allocation.
const ATTEMPTS: usize = 64;

/// Which ports of one address allocations of ours have.
#[derive(Debug)]
pub(super) struct Ports {
    ip: IpAddr,
    range: RangeInclusive<u16>,
    /// A bit for every port number.
    taken: Box<[u64; 1024]>,
}

impl Ports {
    pub(super) fn new(ip: IpAddr, range: RangeInclusive<u16>) -> Ports {
        Ports {
            ip,
            range,
            taken: Box::new([0; 1024]),
        }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Opens a socket on a port that is free, from a random one upwards and round.
    pub(super) fn open(&mut self, random: u32) -> Option<(UdpSocket, u16)> {
        let first = u32::from(*self.range.start());
        let count = self.range.len() as u32;
        if count == 0 {
            return None;
        }
        let candidates = (0..count)
            .map(|step| (first + (random % count + step) % count) as u16)
            .filter(|port| !self.is_taken(*port))
            .take(ATTEMPTS);
        let (socket, port) = candidates
            .filter_map(|port| {
                let socket = sockets::try_open(SocketAddr::new(self.ip, port)).ok()?;
                Some((socket, port))
            })
            .next()?;
        self.taken[usize::from(port / 64)] |= 1 << (port % 64);
        Some((socket, port))
    }

    /// Gives a port back.
    pub(super) fn release(&mut self, port: u16) {
        self.taken[usize::from(port / 64)] &= !(1 << (port % 64));
    }

    fn is_taken(&self, port: u16) -> bool {
        self.taken[usize::from(port / 64)] & (1 << (port % 64)) != 0
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
        let mut open: Vec<_> = (0..4).map(|n| ports.open(n * 1000 + 3).unwrap()).collect();
        open.sort_by_key(|(_, port)| *port);
        let numbers: Vec<u16> = open.iter().map(|(_, port)| *port).collect();
        assert_eq!(numbers, RANGE.collect::<Vec<_>>());
        assert!(ports.open(0).is_none());
        drop(open.remove(2));
        ports.release(21_702);
        assert_eq!(ports.open(7).unwrap().1, 21_702);
    }

    #[test]
    fn a_port_of_another_program_is_passed_over() {
        let ip = IpAddr::from([127, 9, 8, 8]);
        let _other = UdpSocket::bind((ip, 21_700)).unwrap();
        let mut ports = Ports::new(ip, 21_700..=21_701);
        assert_eq!(ports.open(0).unwrap().1, 21_701);
        assert!(ports.open(0).is_none());
    }
}
