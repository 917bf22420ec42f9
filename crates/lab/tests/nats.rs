//! The NATs of the lab are what they say: judged by plain UDP, without any server of ours.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use lab::{Host, Lan, Nat, Net, Proxy};

/// A public host that tells whoever asks what address it sees.
struct Mirror {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Mirror {
    fn on(net: &mut Net, name: &str) -> Result<Self> {
        let socket = net.public(name)?.udp(7)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Lets `inside` ask, and returns the address seen from here.
    fn sees(&self, inside: &UdpSocket) -> Result<SocketAddr> {
        inside.send_to(b"?", self.address)?;
        let (_, seen) = self.socket.recv_from(&mut [0; 8])?;
        self.socket.send_to(b"!", seen)?;
        let (_, from) = inside.recv_from(&mut [0; 8])?;
        ensure!(from == self.address, "the answer came from {from}");
        Ok(seen)
    }
}

fn home(net: &mut Net, nat: Nat) -> Result<(Lan, Host)> {
    let mut lan = net.lan("home", nat)?;
    let host = net.behind(&mut lan, "alice")?;
    Ok((lan, host))
}

#[test]
fn a_cone_shows_one_address_to_everyone() -> Result<()> {
    let mut net = Net::new()?;
    let (first, second) = (Mirror::on(&mut net, "one")?, Mirror::on(&mut net, "two")?);
    let (lan, alice) = home(&mut net, Nat::Cone)?;
    let socket = alice.udp(0)?;
    let seen = first.sees(&socket)?;
    assert_eq!(seen.ip(), lan.router.address(), "behind the router");
    assert_eq!(
        second.sees(&socket)?,
        seen,
        "a cone has one mapping for all destinations"
    );
    Ok(())
}

#[test]
fn a_symmetric_nat_shows_everyone_another_address() -> Result<()> {
    let mut net = Net::new()?;
    let (first, second) = (Mirror::on(&mut net, "one")?, Mirror::on(&mut net, "two")?);
    let (lan, alice) = home(&mut net, Nat::Symmetric)?;
    let socket = alice.udp(0)?;
    let (a, b) = (first.sees(&socket)?, second.sees(&socket)?);
    assert_eq!(
        [a.ip(), b.ip()],
        [lan.router.address(); 2].map(IpAddr::from),
        "behind the router"
    );
    assert_ne!(a.port(), b.port(), "another mapping for every destination");
    assert_eq!(
        first.sees(&socket)?,
        a,
        "the same mapping for the same destination"
    );
    Ok(())
}

#[test]
fn unsolicited_packets_stay_out_and_do_not_spoil_a_cone() -> Result<()> {
    let mut net = Net::new()?;
    let (first, second) = (Mirror::on(&mut net, "one")?, Mirror::on(&mut net, "two")?);
    let (_lan, alice) = home(&mut net, Nat::Cone)?;
    let socket = alice.udp(0)?;
    let seen = first.sees(&socket)?;
    second.socket.send_to(b"unasked", seen)?;
    assert!(
        socket.recv_from(&mut [0; 8]).is_err(),
        "nothing comes in unasked"
    );
    // The router saw a packet from there first: the mapping towards it must be the same all the same.
    assert_eq!(
        second.sees(&socket)?,
        seen,
        "the mapping survives an unsolicited packet"
    );
    Ok(())
}

#[test]
fn two_cones_can_punch_through_and_two_symmetric_nats_cannot() -> Result<()> {
    for (nat, through) in [(Nat::Cone, true), (Nat::Symmetric, false)] {
        let mut net = Net::new()?;
        let mirror = Mirror::on(&mut net, "mirror")?;
        let mut sides = Vec::new();
        for name in ["home", "away"] {
            let mut lan = net.lan(name, nat)?;
            let socket = net.behind(&mut lan, &format!("host-{name}"))?.udp(0)?;
            let seen = mirror.sees(&socket)?;
            sides.push((lan, socket, seen));
        }
        let (a, b) = (&sides[0], &sides[1]);
        // The first packet of each side opens its own NAT, the second may pass the other's.
        for _ in 0..2 {
            a.1.send_to(b"a", b.2)?;
            b.1.send_to(b"b", a.2)?;
        }
        let arrived = thread::scope(|scope| {
            let both = [a, b].map(|side| scope.spawn(|| side.1.recv_from(&mut [0; 8]).is_ok()));
            both.map(|side| side.join().expect("no panic"))
        });
        assert_eq!(arrived, [through; 2], "{nat:?}");
    }
    Ok(())
}

#[test]
fn a_full_cone_lets_everybody_in_to_ports_in_use_and_no_others() -> Result<()> {
    let mut net = Net::new()?;
    let (first, second) = (Mirror::on(&mut net, "one")?, Mirror::on(&mut net, "two")?);
    let (_lan, alice) = home(&mut net, Nat::FullCone)?;
    let (socket, unused) = (alice.udp(0)?, alice.udp(0)?);
    let seen = first.sees(&socket)?;
    second.socket.send_to(b"unasked", seen)?;
    let (_, from) = socket.recv_from(&mut [0; 8])?;
    assert_eq!(from, second.address, "and it says from where");
    assert_eq!(second.sees(&socket)?, seen, "a cone has one mapping");
    let closed = SocketAddr::new(seen.ip(), unused.local_addr()?.port());
    second.socket.send_to(b"unasked", closed)?;
    assert!(unused.recv_from(&mut [0; 8]).is_err(), "nobody sent by it");
    Ok(())
}

#[test]
fn a_restricted_cone_lets_in_by_address() -> Result<()> {
    let mut net = Net::new()?;
    let host = net.public("one")?;
    let (asked, other_port) = (host.udp(7)?, host.udp(8)?);
    let stranger = Mirror::on(&mut net, "two")?;
    let (_lan, alice) = home(&mut net, Nat::RestrictedCone)?;
    let socket = alice.udp(0)?;
    socket.send_to(b"?", asked.local_addr()?)?;
    let (_, seen) = asked.recv_from(&mut [0; 8])?;
    other_port.send_to(b"unasked", seen)?;
    let (_, from) = socket.recv_from(&mut [0; 8])?;
    assert_eq!(from, other_port.local_addr()?, "any port of that address");
    stranger.socket.send_to(b"unasked", seen)?;
    assert!(
        socket.recv_from(&mut [0; 8]).is_err(),
        "no address that nothing was sent to"
    );
    assert_eq!(stranger.sees(&socket)?, seen, "a cone has one mapping");
    Ok(())
}

#[test]
fn behind_two_routers_the_outer_one_is_seen() -> Result<()> {
    let mut net = Net::new()?;
    let (first, second) = (Mirror::on(&mut net, "one")?, Mirror::on(&mut net, "two")?);
    let mut carrier = net.lan("carrier", Nat::Cone)?;
    let mut home = net.lan_behind(&mut carrier, "home", Nat::Cone)?;
    let socket = net.behind(&mut home, "alice")?.udp(0)?;
    let seen = first.sees(&socket)?;
    assert_eq!(seen.ip(), carrier.router.address());
    assert_eq!(second.sees(&socket)?, seen, "two cones are a cone");
    Ok(())
}

#[test]
fn where_nothing_passes_the_proxy_reaches_443() -> Result<()> {
    let mut net = Net::new()?;
    let mirror = Mirror::on(&mut net, "mirror")?;
    let server = net.public("server")?;
    let listen = |port| server.enter(|| TcpListener::bind((server.address(), port)));
    let (listener, _other) = (listen(443)??, listen(444)??);
    let (lan, alice) = home(&mut net, Nat::Closed)?;
    assert!(mirror.sees(&alice.udp(0)?).is_err(), "no datagram passes");
    let second = Duration::from_secs(1);
    let straight = alice.enter(|| TcpStream::connect_timeout(&listener.local_addr()?, second))?;
    assert!(straight.is_err(), "no connection passes");

    let known = ("dialtone.test".to_owned(), server.address().into());
    let proxy = Proxy::start(&lan.router, lan.gateway(), known)?;
    let ask = |target: &str| -> Result<(TcpStream, String)> {
        let mut stream = alice.enter(|| TcpStream::connect(proxy.address()))??;
        write!(
            stream,
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
        )?;
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer)?;
        Ok((stream, answer))
    };
    let (_tunnel, answer) = ask("dialtone.test:443")?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(listener.accept()?.1.ip(), lan.router.address());
    for refused in ["dialtone.test:444", "elsewhere.test:443"] {
        let (_stream, answer) = ask(refused)?;
        ensure!(answer.starts_with("HTTP/1.1 403 "), "{refused}: {answer}");
    }
    Ok(())
}

#[test]
fn a_fenced_host_reaches_the_server_and_nothing_else() -> Result<()> {
    let mut net = Net::new()?;
    let (server, other) = (
        Mirror::on(&mut net, "server")?,
        Mirror::on(&mut net, "other")?,
    );
    let IpAddr::V4(allowed) = server.address.ip() else {
        unreachable!("the lab speaks IPv4")
    };
    let (_lan, alice) = home(&mut net, Nat::OnlyTo(allowed))?;
    let socket = alice.udp(0)?;
    server.sees(&socket)?;
    assert!(
        other.sees(&socket).is_err(),
        "only the server can be reached"
    );
    Ok(())
}

#[test]
fn where_only_tcp_passes_datagrams_do_not() -> Result<()> {
    let mut net = Net::new()?;
    let mirror = Mirror::on(&mut net, "mirror")?;
    let server = net.public("server")?;
    let address = SocketAddr::from((server.address(), 8080));
    let listener = server.enter(|| TcpListener::bind(address))??;
    let (lan, alice) = home(&mut net, Nat::OnlyTcp)?;
    assert!(mirror.sees(&alice.udp(0)?).is_err(), "no datagram passes");
    let _stream = alice.enter(|| TcpStream::connect(address))??;
    let (_, seen) = listener.accept()?;
    assert_eq!(seen.ip(), lan.router.address(), "behind the router");
    Ok(())
}

#[test]
fn hosts_of_one_lan_see_each_other_and_two_lans_do_not() -> Result<()> {
    let mut net = Net::new()?;
    let (mut home, alice) = home(&mut net, Nat::Cone)?;
    let neighbour = net.behind(&mut home, "neighbour")?.udp(7)?;
    let mut away = net.lan("away", Nat::Cone)?;
    let stranger = net.behind(&mut away, "stranger")?.udp(7)?;
    let socket = alice.udp(0)?;
    for (other, reached) in [(neighbour, true), (stranger, false)] {
        socket.send_to(b"?", other.local_addr()?).ok();
        assert_eq!(other.recv_from(&mut [0; 8]).is_ok(), reached);
    }
    Ok(())
}

#[test]
fn who_knows_the_way_to_an_inside_address_is_kept_out_too() -> Result<()> {
    let mut net = Net::new()?;
    let stranger = net.public("stranger")?;
    let (lan, alice) = home(&mut net, Nat::Cone)?;
    let inside = alice.udp(7)?;
    stranger.sh(&format!(
        "ip route add {}/32 via {}",
        alice.address(),
        lan.router.address()
    ))?;
    stranger.udp(0)?.send_to(b"unasked", inside.local_addr()?)?;
    assert!(
        inside.recv_from(&mut [0; 8]).is_err(),
        "nothing new is forwarded inwards"
    );
    Ok(())
}

#[test]
fn a_one_to_one_nat_stands_for_one_host_and_leads_nowhere_from_inside() -> Result<()> {
    let mut net = Net::new()?;
    let mirror = Mirror::on(&mut net, "mirror")?;
    let (server, router) = net.behind_one_to_one("server")?;
    let inside = server.udp(7000)?;
    let seen = mirror.sees(&inside)?;
    assert_eq!(
        seen,
        SocketAddr::from((router.address(), 7000)),
        "one address, all ports"
    );
    let caller = net.public("caller")?.udp(0)?;
    caller.send_to(b"?", seen)?;
    let (_, from) = inside.recv_from(&mut [0; 8])?;
    assert_eq!(
        from,
        caller.local_addr()?,
        "what nobody asked for comes in, and says from where"
    );
    inside.send_to(b"!", from)?;
    assert_eq!(caller.recv_from(&mut [0; 8])?.1, seen);
    server.udp(0)?.send_to(b"?", seen)?;
    assert!(
        inside.recv_from(&mut [0; 8]).is_err(),
        "no way back in from inside"
    );
    Ok(())
}

#[test]
fn where_only_443_passes_nothing_else_does() -> Result<()> {
    let mut net = Net::new()?;
    let server = net.public("server")?;
    let other = net.public("other")?;
    let (_lan, alice) = home(&mut net, Nat::Only443(server.address()))?;
    let listen = |host: &Host, port| host.enter(|| TcpListener::bind((host.address(), port)));
    let _listeners = [
        listen(&server, 443)??,
        listen(&server, 444)??,
        listen(&other, 443)??,
    ];
    let connects = |host: &Host, port| {
        let address = SocketAddr::from((host.address(), port));
        // A first segment that is lost is sent again after a second.
        alice.enter(|| TcpStream::connect_timeout(&address, Duration::from_secs(3)).is_ok())
    };
    assert!(connects(&server, 443)?);
    assert!(!connects(&server, 444)?);
    assert!(!connects(&other, 443)?);
    let socket = server.udp(443)?;
    alice.udp(0)?.send_to(b"?", socket.local_addr()?)?;
    assert!(socket.recv_from(&mut [0; 8]).is_err(), "no datagram passes");
    Ok(())
}
