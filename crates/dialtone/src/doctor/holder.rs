//! Which program has a port, as Linux tells in /proc.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::net::relay::Protocol;

/// A program that has a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

/// The program that has a socket on this address, or on all; `None` if it is not ours to see.
pub fn find(protocol: Protocol, at: SocketAddr) -> Option<Holder> {
    let tables = match protocol {
        Protocol::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        Protocol::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
    };
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| inodes(&table, protocol, at))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.find(|pid| has_one(*pid, &inodes))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(Holder {
        pid,
        name: name.trim().to_owned(),
    })
}

fn has_one(pid: u32, inodes: &[String]) -> bool {
    let files = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd"));
    let links = files.into_iter().flatten().flatten();
    let mut links = links.filter_map(|file| fs::read_link(file.path()).ok());
    links.any(|link| {
        let socket = link.to_str().and_then(|it| it.strip_prefix("socket:["));
        socket.is_some_and(|it| inodes.iter().any(|inode| it.trim_end_matches(']') == inode))
    })
}

/// The sockets of a table that stand in the way of one at this address.
fn inodes(table: &str, protocol: Protocol, at: SocketAddr) -> Vec<String> {
    const LISTENS: &str = "0A";
    let rows = table.lines().skip(1).map(|line| line.split_whitespace());
    rows.filter_map(|mut row| {
        let local = address(row.nth(1)?)?;
        let (state, inode) = (row.nth(1)?, row.nth(5)?);
        let is_open = protocol == Protocol::Udp || state == LISTENS;
        let is_in_the_way = local.port() == at.port()
            && (local.ip() == at.ip() || local.ip().is_unspecified() || at.ip().is_unspecified());
        (is_open && is_in_the_way).then(|| inode.to_owned())
    })
    .collect()
}

/// `0100007F:0050`: words in the byte order of the machine, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok();
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: Vec<u8> = words.iter().flat_map(|it| it.to_ne_bytes()).collect();
            Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_this_process_is_found_and_a_free_one_is_not() {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = std::process::id();
        for (protocol, at) in [
            (Protocol::Tcp, tcp.local_addr().unwrap()),
            (Protocol::Udp, udp.local_addr().unwrap()),
        ] {
            assert_eq!(find(protocol, at).unwrap().pid, own);
            let everywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), at.port());
            assert_eq!(find(protocol, everywhere).unwrap().pid, own);
        }
        let port = tcp.local_addr().unwrap();
        drop(tcp);
        assert_ne!(find(Protocol::Tcp, port).map(|it| it.pid), Some(own));
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            ":",
            "7F:0050",
            "0100007F",
            "0100007F:xyz",
            "zz00007F:0050",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
