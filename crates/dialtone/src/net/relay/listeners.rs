//! The sockets clients send to.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use mio::net::TcpListener;

use super::{StartError, sockets};
use crate::addresses;

/// How often a port chosen by the system is tried on all addresses before giving up.
const PORT_ATTEMPTS: usize = 16;

/// An address, and a socket of each transport bound to it.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) socket: UdpSocket,
    pub(super) tcp: TcpListener,
}

/// Opens sockets for every address that is asked for.
pub(super) fn open(listen: &[SocketAddr]) -> Result<Vec<Listener>, StartError> {
    let mut listeners: Vec<Listener> = Vec::new();
    for address in listen {
        let taken = |ip| {
            let is_same = |other: &Listener| other.address == SocketAddr::new(ip, address.port());
            address.port() != 0 && listeners.iter().any(is_same)
        };
        let ips: Vec<IpAddr> = expand(address.ip())
            .into_iter()
            .filter(|ip| !taken(*ip))
            .collect();
        let opened = open_all(&ips, address)?;
        listeners.extend(opened);
    }
    if listeners.is_empty() {
        return Err(StartError::NoAddress);
    }
    Ok(listeners)
}

/// The addresses an address to listen on stands for.
fn expand(ip: IpAddr) -> BTreeSet<IpAddr> {
    if !ip.is_unspecified() {
        return BTreeSet::from([ip]);
    }
    let mut ips: BTreeSet<IpAddr> = addresses::local()
        .into_iter()
        .filter(|local| local.is_ipv4() == ip.is_ipv4())
        .collect();
    if ip.is_ipv4() {
        ips.insert(Ipv4Addr::LOCALHOST.into());
    }
    ips
}

/// One port on several addresses. If the system chooses it, another may have to be tried: what is
/// free on the first address, or for UDP, need not be on the others, or for TCP.
fn open_all(ips: &[IpAddr], asked: &SocketAddr) -> Result<Vec<Listener>, StartError> {
    let attempts = if asked.port() == 0 { PORT_ATTEMPTS } else { 1 };
    let mut result = Ok(Vec::new());
    for _ in 0..attempts {
        result = open_on(ips, asked);
        if !matches!(result, Err(StartError::Busy(..))) {
            break;
        }
    }
    result
}

fn open_on(ips: &[IpAddr], asked: &SocketAddr) -> Result<Vec<Listener>, StartError> {
    let mut port = asked.port();
    let mut listeners = Vec::new();
    for ip in ips {
        let wanted = SocketAddr::new(*ip, port);
        let socket = match sockets::open_listener(wanted) {
            // An address that went away, or is not ready yet, is no reason to be without the rest.
            Err(StartError::NotOurs(_)) if asked.ip().is_unspecified() => continue,
            other => other?,
        };
        let address = socket.local_addr()?;
        port = address.port();
        let tcp = sockets::open_tcp_listener(address)?;
        listeners.push(Listener {
            address,
            socket,
            tcp,
        });
    }
    Ok(listeners)
}
