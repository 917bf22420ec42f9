//! What routers and hosts say about packets that relay sockets have sent: ICMP errors, which the
//! kernel keeps for us with the address each packet was meant for.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;

use nix::libc::{SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, sock_extended_err};
use nix::sys::socket::{
    self, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg,
    sockopt::{Ipv4RecvErr, Ipv6RecvErr},
};
use turn::IcmpError;

use super::datagrams::socket_address;

/// Asks the kernel to keep them. Without it, which is a wish, clients are told nothing.
///
/// The next call on the socket fails once for each, whichever peer it is about: who sends has to
/// try again.
pub(super) fn keep(socket: &UdpSocket, family_of: SocketAddr) {
    let _ = match family_of {
        SocketAddr::V4(_) => socket::setsockopt(socket, Ipv4RecvErr, &true),
        SocketAddr::V6(_) => socket::setsockopt(socket, Ipv6RecvErr, &true),
    };
}

/// What is next in the kernel's queue of errors. Those that no router and no host has sent, and
/// those about no address, are `None` in `Some`.
pub(super) fn next(socket: &UdpSocket) -> Option<Option<(SocketAddr, IcmpError)>> {
    let mut control = nix::cmsg_space!(sock_extended_err, nix::libc::sockaddr_in6);
    let message = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut [],
        Some(&mut control),
        MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT,
    )
    .ok()?;
    let error = message.cmsgs().ok().and_then(|mut all| {
        all.find_map(|it| match it {
            ControlMessageOwned::Ipv4RecvErr(error, _) => of(error, SO_EE_ORIGIN_ICMP),
            ControlMessageOwned::Ipv6RecvErr(error, _) => of(error, SO_EE_ORIGIN_ICMP6),
            _ => None,
        })
    });
    Some(message.address.and_then(socket_address).zip(error))
}

fn of(error: sock_extended_err, origin: u8) -> Option<IcmpError> {
    (error.ee_origin == origin).then_some(IcmpError {
        kind: error.ee_type,
        code: error.ee_code,
        mtu: error.ee_info,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_closed_port_is_told_of_and_the_next_packet_can_be_sent() {
        for here in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = UdpSocket::bind(here) else {
                eprintln!("skipped: {here} is not there");
                continue;
            };
            socket.set_nonblocking(true).unwrap();
            let here = socket.local_addr().unwrap();
            keep(&socket, here);
            assert!(next(&socket).is_none());
            let gone = UdpSocket::bind(SocketAddr::new(here.ip(), 0)).unwrap();
            let nobody = gone.local_addr().unwrap();
            drop(gone);
            socket.send_to(b"x", nobody).unwrap();
            let begun = Instant::now();
            let (peer, error) = loop {
                if let Some(told) = next(&socket) {
                    break told.unwrap();
                }
                assert!(begun.elapsed() < Duration::from_secs(5), "nothing is told");
            };
            assert_eq!(peer, nobody);
            let unreachable = if here.is_ipv4() { (3, 3) } else { (1, 4) };
            assert_eq!((error.kind, error.code), unreachable);
            assert!(next(&socket).is_none());
        }
    }
}
