//! Opening sockets.
//!
//! TTL and DSCP of what they send are the system's defaults: a relayed packet has neither from the one
//! it came in (the alternate behaviour of RFC 8656 section 15).

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use mio::net::{TcpListener, TcpStream};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{
    self,
    sockopt::{RcvBufForce, UdpGroSegment},
};
use socket2::{Domain, Socket, Type};

use super::{Protocol, StartError, fragments};

/// What the kernel may hold for a socket that many clients send to. Less loses packets while the
/// thread is busy elsewhere; the system caps it at `net.core.rmem_max` for who may not administer
/// the network.
const LISTENER_BUFFER: usize = 4 << 20;

/// Connections that wait to be accepted; the system caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// What the kernel may hold for a client that reads slowly. Less limits the rate on long ways,
/// more lets packets grow old there.
const CONNECTION_BUFFER: usize = 128 << 10;

/// A non-blocking socket on this address.
pub(super) fn open(address: SocketAddr) -> Result<UdpSocket, StartError> {
    try_open(address).map_err(|error| explain(error, Protocol::Udp, address))
}

fn explain(error: std::io::Error, protocol: Protocol, address: SocketAddr) -> StartError {
    match error.kind() {
        ErrorKind::AddrInUse => StartError::Busy(protocol, address),
        ErrorKind::PermissionDenied => StartError::Forbidden(protocol, address),
        ErrorKind::AddrNotAvailable => StartError::NotOurs(address.ip()),
        _ => StartError::Socket(protocol, address, error),
    }
}

/// A non-blocking socket on an address that clients send to, with room for what comes while its
/// thread is busy elsewhere.
fn open_listener(address: SocketAddr) -> Result<UdpSocket, StartError> {
    let socket = open(address)?;
    enlarge_buffers(&socket);
    Ok(socket)
}

fn enlarge_buffers(socket: &UdpSocket) {
    let options = socket2::SockRef::from(socket);
    // All are wishes: with the system's default size it works as well, with more loss at peaks.
    if socket::setsockopt(socket, RcvBufForce, &LISTENER_BUFFER).is_err() {
        let _ = options.set_recv_buffer_size(LISTENER_BUFFER);
    }
    let _ = options.set_send_buffer_size(LISTENER_BUFFER);
}

/// Sockets for the same address, among which the system spreads clients by their address and port.
/// The first is opened as if it was to be alone: another program that has the port is found out,
/// also if it would share it.
pub(super) fn open_group(address: SocketAddr, count: usize) -> Result<Vec<UdpSocket>, StartError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let first = open_listener(address)?;
    if count == 1 {
        return Ok(vec![first]);
    }
    let address = first.local_addr()?;
    socket2::SockRef::from(&first).set_reuse_port(true)?;
    let mut group = vec![first];
    for _ in 1..count {
        let socket = unbound(address)?;
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from(socket);
        enlarge_buffers(&socket);
        group.push(socket);
    }
    Ok(group)
}

/// A socket that takes clients' connections.
pub(super) fn open_tcp_listener(address: SocketAddr) -> Result<TcpListener, StartError> {
    try_listen(address).map_err(|error| explain(error, Protocol::Tcp, address))
}

fn try_listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = unbound_tcp(address)?;
    // Connections of a run before may linger; they are no reason not to start.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Connections of peers that wait to be accepted.
const PEERS_BACKLOG: i32 = 16;

/// A socket that takes peers' connections, on a port that nobody else has. Its port can be shared
/// with connections that are made from it.
pub(super) fn listen_for_peers(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = unbound_tcp(address)?;
    socket.bind(&address.into())?;
    socket.set_reuse_port(true)?;
    socket.listen(PEERS_BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Begins a connection from an address and port that peers' connections are taken on, as RFC 6062
/// section 5.2 asks for.
pub(super) fn connect_from(from: SocketAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = unbound_tcp(from)?;
    socket.set_reuse_port(true)?;
    socket.bind(&from.into())?;
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

fn unbound_tcp(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// What every connection of a client gets: packets of a call must not wait for one another, nor
/// long behind others. Both are wishes.
pub(super) fn prefer_latency(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(stream).set_send_buffer_size(CONNECTION_BUFFER);
}

/// As `open`, with the system's own error.
pub(super) fn try_open(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = unbound(address)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Sends a datagram. An error that an earlier one has met, on its way to whomever, is told of at
/// the next opportunity, which may be this one: so it is tried twice.
pub(super) fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) -> std::io::Result<usize> {
    match socket.send_to(datagram, to) {
        Err(error) if error.kind() != ErrorKind::WouldBlock => socket.send_to(datagram, to),
        other => other,
    }
}

/// IPv6 sockets take IPv6 only: an IPv4 client would otherwise appear under a mapped address and
/// be told that it has one.
fn unbound(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // A wish: without it, large packets on some ways are lost.
    let _ = fragments::allow(&socket, address);
    // A wish: without it bursts come one by one.
    let _ = socket::setsockopt(&socket, UdpGroSegment, &true);
    Ok(socket)
}

/// Every allocation needs an open file, and the usual limit of 1024 is for programs that use
/// `select`, which this one does not.
pub fn raise_open_files_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // If it cannot be raised, allocations beyond it are answered 508.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::{Ipv4PathMtuDiscovery, ip_mtu_discover};

    use super::*;

    #[test]
    fn every_socket_of_a_group_lets_its_datagrams_be_cut() {
        let group = open_group("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        assert_eq!(group.len(), 3);
        for socket in group {
            let discovery = ip_mtu_discover(&socket).unwrap();
            assert_eq!(discovery, Ipv4PathMtuDiscovery::DONT);
        }
    }
}
