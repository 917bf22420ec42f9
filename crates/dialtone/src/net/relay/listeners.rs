//! The sockets clients send to.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use mio::net::{TcpListener, TcpStream};
use rustls::{ServerConfig, ServerConnection};
use turn::Cidr;
use turn::proxy_header::Endpoints;

use super::connection::Arrival;
use super::stream::Stream;
use super::{StartError, sockets};
use crate::addresses;

/// How often a port chosen by the system is tried on all addresses before giving up.
const PORT_ATTEMPTS: usize = 16;

/// An address, and sockets of each transport bound to it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) address: SocketAddr,
    /// One for each thread; none where clients come by TLS.
    udp: Vec<UdpSocket>,
    tcp: TcpListener,
    /// How handshakes are done, where clients come by TLS.
    tls: Option<Arc<ServerConfig>>,
}

/// A socket for datagrams of clients.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) socket: UdpSocket,
}

/// A socket that clients connect to.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) address: SocketAddr,
    pub(super) listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    /// Whose connections begin with a PROXY header.
    proxies: Arc<[Cidr]>,
}

impl Acceptor {
    /// Takes a connection that was accepted here.
    pub(super) fn receive(
        &self,
        tcp: TcpStream,
        client: SocketAddr,
    ) -> Result<Arrival, rustls::Error> {
        let stream = match &self.tls {
            None => Stream::Tcp(tcp),
            Some(config) => Stream::tls(tcp, ServerConnection::new(config.clone())?),
        };
        Ok(Arrival {
            stream,
            endpoints: Endpoints {
                client,
                local: self.address,
            },
            is_proxied: self.proxies.iter().any(|cidr| cidr.contains(client.ip())),
        })
    }
}

/// What one thread listens on.
#[derive(Debug, Default)]
pub(super) struct Share {
    pub(super) datagrams: Vec<Listener>,
    pub(super) acceptors: Vec<Acceptor>,
}

/// Gives every thread its share: each a socket for datagrams on every address, the first one all
/// that accept connections, with the addresses of proxies.
pub(super) fn share_out(
    listeners: Vec<Opened>,
    proxies: &Arc<[Cidr]>,
    threads: usize,
) -> Vec<Share> {
    let mut shares: Vec<Share> = std::iter::repeat_with(Share::default)
        .take(threads)
        .collect();
    for listener in listeners {
        let address = listener.address;
        shares[0].acceptors.push(Acceptor {
            address,
            listener: listener.tcp,
            tls: listener.tls,
            proxies: proxies.clone(),
        });
        for (share, socket) in shares.iter_mut().zip(listener.udp) {
            share.datagrams.push(Listener { address, socket });
        }
    }
    shares
}

/// Opens sockets for TCP on every address that is asked for, and for TLS in it.
pub(super) fn open_for_tls(
    listen: &[SocketAddr],
    config: &Arc<ServerConfig>,
) -> Result<Vec<Opened>, StartError> {
    let mut listeners = open(listen, 0)?;
    for listener in &mut listeners {
        listener.tls = Some(config.clone());
    }
    Ok(listeners)
}

/// Opens sockets for UDP and TCP on every address that is asked for, the former for so many
/// threads.
pub(super) fn open(listen: &[SocketAddr], threads: usize) -> Result<Vec<Opened>, StartError> {
    let mut listeners: Vec<Opened> = Vec::new();
    for address in listen {
        let taken = |ip| {
            let is_same = |other: &Opened| other.address == SocketAddr::new(ip, address.port());
            address.port() != 0 && listeners.iter().any(is_same)
        };
        let ips: Vec<IpAddr> = expand(address.ip())
            .into_iter()
            .filter(|ip| !taken(*ip))
            .collect();
        let opened = open_all(&ips, address, threads)?;
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
fn open_all(ips: &[IpAddr], asked: &SocketAddr, threads: usize) -> Result<Vec<Opened>, StartError> {
    let attempts = if asked.port() == 0 { PORT_ATTEMPTS } else { 1 };
    let mut result = Ok(Vec::new());
    for _ in 0..attempts {
        result = open_on(ips, asked, threads);
        if !matches!(result, Err(StartError::Busy(..))) {
            break;
        }
    }
    result
}

fn open_on(ips: &[IpAddr], asked: &SocketAddr, threads: usize) -> Result<Vec<Opened>, StartError> {
    let mut port = asked.port();
    let mut listeners = Vec::new();
    for ip in ips {
        match open_one(SocketAddr::new(*ip, port), threads) {
            // An address that went away, or is not ready yet, is no reason to be without the rest.
            Err(StartError::NotOurs(_)) if asked.ip().is_unspecified() => {}
            opened => {
                let listener = opened?;
                port = listener.address.port();
                listeners.push(listener);
            }
        }
    }
    Ok(listeners)
}

fn open_one(mut address: SocketAddr, threads: usize) -> Result<Opened, StartError> {
    let udp = sockets::open_group(address, threads)?;
    if let Some(first) = udp.first() {
        address = first.local_addr()?;
    }
    let tcp = sockets::open_tcp_listener(address)?;
    Ok(Opened {
        address: tcp.local_addr()?,
        udp,
        tcp,
        tls: None,
    })
}
