//! A load balancer at 127.0.0.3 that says for whom it comes.

// Every test file uses another part of this.
#![allow(dead_code)]

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// The flag that trusts it.
pub const TRUST: [&str; 2] = ["--proxy-from", "127.0.0.3/32"];

/// A connection from the balancer, with these bytes in front.
pub fn connect(server: SocketAddr, header: &[u8]) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let here = SocketAddr::from(([127, 0, 0, 3], 0));
    socket.bind(&here.into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(header).unwrap();
    stream
}

/// A header of version 1.
pub fn text(client: &str) -> Vec<u8> {
    let (client, local) = ends(client);
    let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
    let line = format!(
        "PROXY {family} {} {} {} {}\r\n",
        client.ip(),
        local.ip(),
        client.port(),
        local.port()
    );
    line.into_bytes()
}

/// A header of version 2, with a remark behind the addresses.
pub fn binary(client: &str) -> Vec<u8> {
    let (client, local) = ends(client);
    let octets = |ip| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let body = [
        octets(client.ip()),
        octets(local.ip()),
        client.port().to_be_bytes().to_vec(),
        local.port().to_be_bytes().to_vec(),
        vec![0x05, 0, 2, 7, 7],
    ]
    .concat();
    let family = if client.is_ipv4() { 0x11 } else { 0x21 };
    raw_binary(0x21, family, &body)
}

/// A header of version 2 in which the balancer speaks for itself.
pub fn local() -> Vec<u8> {
    raw_binary(0x20, 0, &[])
}

pub fn raw_binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16).to_be_bytes();
    let fixed = [command, family, high, low];
    [b"\r\n\r\n\0\r\nQUIT\n", &fixed[..], body].concat()
}

/// The client's address, and where it has connected to.
fn ends(client: &str) -> (SocketAddr, SocketAddr) {
    let client: SocketAddr = client.parse().unwrap();
    let local = if client.is_ipv4() {
        "198.51.100.1:443"
    } else {
        "[2001:db8::ff]:443"
    };
    (client, local.parse().unwrap())
}
