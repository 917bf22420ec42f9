//! Whether a socket's datagrams may be cut in pieces on their way (RFC 8656 section 14).

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};

use super::sockets;

/// Lets datagrams that are too big for a link arrive in pieces rather than not at all.
pub(super) fn allow(socket: impl AsFd, family_of: SocketAddr) -> std::io::Result<()> {
    match family_of {
        SocketAddr::V4(_) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::DONT)?,
        SocketAddr::V6(_) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::DONT)?,
    }
    Ok(())
}

/// Sends a datagram that is lost rather than cut. The socket is told so for this one alone: others
/// than the client's probes are rarely meant to be lost.
pub(super) fn send_whole(
    socket: &UdpSocket,
    datagram: &[u8],
    to: SocketAddr,
) -> std::io::Result<usize> {
    // PROBE rather than DO: what the system believes of the way is no reason not to send, as the
    // client wants to find out for itself.
    match to {
        SocketAddr::V4(_) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::PROBE)?,
        SocketAddr::V6(_) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::PROBE)?,
    }
    let sent = sockets::send(socket, datagram, to);
    allow(socket, to)?;
    sent
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::{ip_mtu_discover, ipv6_mtu_discover};

    use super::*;

    #[test]
    fn one_datagram_is_sent_whole_and_the_next_may_be_cut_again() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = peer.local_addr().unwrap();
        assert_eq!(send_whole(&socket, &[1; 1000], to).unwrap(), 1000);
        assert_eq!(peer.recv(&mut [0; 2000]).unwrap(), 1000);
        assert_eq!(
            ip_mtu_discover(&socket).unwrap(),
            Ipv4PathMtuDiscovery::DONT
        );
        assert!(send_whole(&socket, &[1; 65_508], to).is_err(), "too big");
        assert_eq!(
            ip_mtu_discover(&socket).unwrap(),
            Ipv4PathMtuDiscovery::DONT
        );
    }

    #[test]
    fn so_it_is_with_ipv6() {
        let Ok(socket) = UdpSocket::bind("[::1]:0") else {
            eprintln!("skipped: this machine has no IPv6");
            return;
        };
        let to = socket.local_addr().unwrap();
        assert_eq!(send_whole(&socket, b"x", to).unwrap(), 1);
        assert_eq!(
            ipv6_mtu_discover(&socket).unwrap(),
            Ipv6PathMtuDiscovery::DONT
        );
    }
}
