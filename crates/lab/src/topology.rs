//! The networks in which two people call each other.

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::{Host, Nat, Net};

/// How two people are connected to the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Both on one LAN.
    OneNetwork,
    /// Each behind a cone NAT of their own: a direct path exists through learnt addresses.
    Cones,
    /// Each behind a symmetric NAT: only the relay connects them.
    Symmetrics,
    /// One behind a cone NAT; the other can reach the server and nothing else.
    ServerOnly,
    /// One behind a cone NAT; from the other only TCP gets out.
    TcpOnly,
    /// As [`Topology::Symmetrics`], and the server is known by another address than its own.
    ServerBehindNat,
    /// Both can reach TCP port 443 of the server, and nothing else in the world.
    Only443,
}

/// A topology built out of namespaces.
pub struct World {
    /// The host for the server.
    pub server: Host,
    /// The address that others know the server by, if it is not its own.
    pub announced: Option<Ipv4Addr>,
    /// The first person's host.
    pub alice: Host,
    /// The second person's host.
    pub bob: Host,
    /// The router of the first person, and of the second (the same on one network).
    pub routers: [Host; 2],
    /// Whether a direct path exists.
    pub direct: bool,
    lan: String,
    net: Net,
}

impl Topology {
    /// Builds it.
    pub fn build(self) -> Result<World> {
        let mut net = Net::new()?;
        let (server, announced) = match self {
            Topology::ServerBehindNat => {
                let (server, router) = net.behind_one_to_one("server")?;
                (server, Some(router.address()))
            }
            _ => (net.public("server")?, None),
        };
        let (first, second) = match self {
            Topology::OneNetwork => (Nat::Cone, None),
            Topology::Cones => (Nat::Cone, Some(Nat::Cone)),
            Topology::Symmetrics | Topology::ServerBehindNat => {
                (Nat::Symmetric, Some(Nat::Symmetric))
            }
            Topology::ServerOnly => (Nat::Cone, Some(Nat::OnlyTo(server.address()))),
            Topology::TcpOnly => (Nat::Cone, Some(Nat::OnlyTcp)),
            Topology::Only443 => {
                let nat = Nat::Only443(server.address());
                (nat, Some(nat))
            }
        };
        let mut home = net.lan("home", first)?;
        let alice = net.behind(&mut home, "alice")?;
        let (bob, away) = match second {
            None => (net.behind(&mut home, "bob")?, home.router.clone()),
            Some(nat) => {
                let mut away = net.lan("away", nat)?;
                (net.behind(&mut away, "bob")?, away.router)
            }
        };
        Ok(World {
            server,
            announced,
            alice,
            bob,
            routers: [home.router.clone(), away],
            direct: matches!(self, Topology::OneNetwork | Topology::Cones),
            lan: home.bridge().to_owned(),
            net,
        })
    }
}

impl World {
    /// A second way out for the first person, not in use yet: returns its router's address there.
    pub fn second_network(&mut self) -> Result<Ipv4Addr> {
        let mut mobile = self.net.lan("mobile", Nat::Cone)?;
        let [a, b, c, _] = self.net.also_behind(&mut mobile, &self.alice)?.octets();
        Ok(Ipv4Addr::new(a, b, c, 1))
    }

    /// A public address that nobody has yet.
    pub fn free_address(&mut self) -> Ipv4Addr {
        self.net.free_address()
    }

    /// Breaks the first LAN: hosts on it reach their router but not each other.
    pub fn isolate_hosts(&self) -> Result<()> {
        let lan = Host::inside("lan", &self.lan, Ipv4Addr::UNSPECIFIED);
        // The router is on port 1 and stays reachable.
        lan.sh("for port in port2 port3; do bridge link set dev $port isolated on; done")
            .map(drop)
    }
}
