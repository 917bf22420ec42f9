//! Packets of many who have no credentials, each from another address: what they make a server
//! hold, and what they make it answer. Loopback has sixteen million addresses that any program
//! may send from, so nothing has to be forged and nobody else is answered.

use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::libc::{in_addr, in_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, sendmsg};
use turn::stun::{Class, Integrity, Key, Method, TransactionId, Writer, attribute as attr};

use super::poller::Poller;
use super::process::Process;
use super::report::Strangers;
use super::wire::{received, udp_socket};
use super::{Plan, Trouble};

/// Sockets, so that strangers differ in their ports as well.
const SOCKETS: usize = 16;
/// Addresses used: 127.1.0.0 to 127.254.255.255.
const ADDRESSES: u32 = 0x00fe_0000;
const FIRST: u32 = 0x7f01_0000;
/// Has no divisor in common with [`ADDRESSES`]: every address has its turn before one has a second,
/// and neighbours are far apart.
const STRIDE: u32 = 40_503;
/// Packets sent before receiving gets its turn.
const BURST: u64 = 32;
/// Silence after which no more answers are waited for.
const SILENCE: Duration = Duration::from_millis(300);

/// Sends so many packets and weighs the server before and after.
pub fn strangers(plan: &Plan, count: u64) -> Result<Strangers, Trouble> {
    let SocketAddr::V4(server) = plan.server else {
        return Err(Trouble::NotLoopback(plan.server));
    };
    if !server.ip().is_loopback() {
        return Err(Trouble::NotLoopback(plan.server));
    }
    let process = Process::find(plan.pid.unwrap_or(0))?;
    let mut crowd = Crowd::new(server)?;
    // What the first packets ever cost is no state of strangers: code that is read from disk.
    crowd.send_all(1000, plan.amount.rate)?;
    let before = process.resident()?;
    let cpu = process.cpu()?;
    let begun = Instant::now();
    crowd.answers = 0;
    let sent = crowd.send_all(count, plan.amount.rate)?;
    let elapsed = begun.elapsed();
    Ok(Strangers {
        sent,
        addresses: count.min(ADDRESSES.into()),
        answers: crowd.answers,
        per_second: sent as f64 / elapsed.as_secs_f64(),
        before,
        after: process.resident()?,
        cpu_per_packet: process
            .cpu()?
            .saturating_sub(cpu)
            .div_f64(sent.max(1) as f64),
    })
}

struct Crowd {
    server: SockaddrIn,
    sockets: Vec<UdpSocket>,
    poller: Poller,
    packets: Vec<Vec<u8>>,
    next: u32,
    answers: u64,
}

impl Crowd {
    fn new(server: SocketAddrV4) -> Result<Crowd, Trouble> {
        let poller = Poller::new()?;
        let mut sockets = Vec::new();
        for name in 0..SOCKETS {
            // Bound to no address, it receives what is sent to any of them.
            let socket = udp_socket((Ipv4Addr::UNSPECIFIED, 0).into())?;
            poller.add(&socket, name as u64)?;
            sockets.push(socket);
        }
        Ok(Crowd {
            server: server.into(),
            sockets,
            poller,
            packets: packets()?,
            next: 0,
            answers: 0,
        })
    }

    /// Sends at an even pace; gives how many the system took.
    fn send_all(&mut self, count: u64, rate: u32) -> Result<u64, Trouble> {
        let begun = Instant::now();
        let (mut tried, mut sent) = (0, 0);
        while tried < count {
            let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            for _ in 0..due.min(count).saturating_sub(tried).min(BURST) {
                tried += 1;
                sent += u64::from(self.send());
            }
            self.receive(Duration::ZERO)?;
        }
        let mut heard = Instant::now();
        while heard.elapsed() < SILENCE {
            if self.receive(Duration::from_millis(10))? {
                heard = Instant::now();
            }
        }
        Ok(sent)
    }

    fn send(&mut self) -> bool {
        let number = self.next;
        self.next = (number + 1) % ADDRESSES;
        let at = number as usize;
        let packet = &mut self.packets[at % 5];
        if let Some(id) = packet.get_mut(16..20) {
            id.copy_from_slice(&number.to_be_bytes());
        }
        let from = source(number);
        let info = in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: in_addr {
                s_addr: u32::from(from).to_be(),
            },
            ipi_addr: in_addr { s_addr: 0 },
        };
        sendmsg(
            self.sockets[at % SOCKETS].as_raw_fd(),
            &[IoSlice::new(packet)],
            &[ControlMessage::Ipv4PacketInfo(&info)],
            MsgFlags::MSG_DONTWAIT,
            Some(&self.server),
        )
        .is_ok()
    }

    fn receive(&mut self, wait: Duration) -> Result<bool, Trouble> {
        let mut any = false;
        let mut buffer = [0; 2048];
        for name in self.poller.wait(wait)? {
            if let Some(socket) = self.sockets.get(name as usize) {
                any = true;
                let answer = received(socket.recv(&mut buffer));
                self.answers += u64::from(matches!(answer, Ok(Some(_))));
            }
        }
        Ok(any)
    }
}

fn source(number: u32) -> Ipv4Addr {
    let offset = u64::from(number) * u64::from(STRIDE) % u64::from(ADDRESSES);
    Ipv4Addr::from_bits(FIRST + offset as u32)
}

/// What strangers send: a ping, a request without and one with made-up credentials, data of an
/// allocation that nobody made, and noise.
fn packets() -> Result<Vec<Vec<u8>>, Trouble> {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&super::random::<8>()?);
    let id = TransactionId(id);
    let request = |method, fill: &dyn Fn(&mut Writer<'_>)| {
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer, Class::Request, method, id);
        fill(&mut writer);
        let len = writer.finish().unwrap_or(0);
        buffer[..len].to_vec()
    };
    let udp = [attr::TRANSPORT_UDP, 0, 0, 0];
    let key = Key::long_term("mallory", "guess", "guess");
    Ok(vec![
        request(Method::BINDING, &|_| {}),
        request(Method::ALLOCATE, &|writer| {
            writer.attribute(attr::REQUESTED_TRANSPORT, &udp);
        }),
        request(Method::ALLOCATE, &|writer| {
            writer
                .attribute(attr::REQUESTED_TRANSPORT, &udp)
                .attribute(attr::USERNAME, b"mallory")
                .attribute(attr::REALM, b"guess")
                .attribute(attr::NONCE, b"obMatJos2AAAAguess")
                .integrity(Integrity::Sha1, &key);
        }),
        [&[0x40, 0x00, 0x00, 0xa0][..], &[0x5a; 160]].concat(),
        vec![0xff; 40],
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn packets_come_from_many_addresses_and_answers_find_back() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(address) = server.local_addr().unwrap() else {
            panic!("asked for IPv4");
        };
        let mut crowd = Crowd::new(address).unwrap();
        let mut seen = HashSet::new();
        for _ in 0..20 {
            assert!(crowd.send());
            let (_, from) = server.recv_from(&mut [0; 2048]).unwrap();
            server.send_to(b"answer", from).unwrap();
            seen.insert(from.ip());
        }
        assert_eq!(seen.len(), 20);
        while crowd.answers < 20 {
            crowd.receive(Duration::from_secs(1)).unwrap();
        }
    }

    #[test]
    fn every_stranger_is_another_one_and_all_are_here() {
        let addresses: HashSet<Ipv4Addr> = (0..100_000).map(source).collect();
        assert_eq!(addresses.len(), 100_000);
        assert!(addresses.iter().all(Ipv4Addr::is_loopback));
        assert!(!addresses.contains(&Ipv4Addr::LOCALHOST));
    }
}
