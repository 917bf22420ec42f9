//! The other side of the relay: sockets that send to relayed addresses and receive from them.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use super::Trouble;
use super::poller::Poller;
use super::wire::{self, udp_socket};

/// Sockets are shared by allocations beyond so many. More gives the kernel more room to queue,
/// less leaves more files for clients.
const MAX_PEERS: usize = 64;

/// Names of peers in the poller begin here; below are clients.
pub const NAMES: u64 = 1 << 32;

/// All peers.
#[derive(Debug)]
pub struct Peers {
    sockets: Vec<(UdpSocket, SocketAddr)>,
}

impl Peers {
    /// Opens peers for so many allocations; the first one on this port.
    pub fn open(
        ip: IpAddr,
        port: u16,
        allocations: usize,
        poller: &Poller,
    ) -> Result<Peers, Trouble> {
        let mut sockets = Vec::new();
        for index in 0..allocations.min(MAX_PEERS) {
            let wish = SocketAddr::new(ip, if index == 0 { port } else { 0 });
            let failed = |error| Trouble::Address(wish, error);
            let socket = udp_socket(wish).map_err(failed)?;
            poller.add(&socket, NAMES + index as u64)?;
            let address = socket.local_addr()?;
            sockets.push((socket, address));
        }
        Ok(Peers { sockets })
    }

    /// The address of the peer that belongs to an allocation.
    pub fn address(&self, allocation: usize) -> SocketAddr {
        self.sockets[allocation % self.sockets.len()].1
    }

    /// Sends to the relayed address of an allocation; whether the system took it.
    pub fn send(&self, allocation: usize, relayed: SocketAddr, data: &[u8]) -> bool {
        let (socket, _) = &self.sockets[allocation % self.sockets.len()];
        socket.send_to(data, relayed).is_ok()
    }

    /// One datagram of the peer with this name.
    pub fn receive<'a>(&self, name: u64, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        let (socket, _) = self.sockets.get((name - NAMES) as usize)?;
        // Errors are ICMP messages about what was sent before; the loss is counted.
        let len = wire::received(socket.recv(buffer)).ok().flatten()?;
        buffer.get(..len)
    }
}
