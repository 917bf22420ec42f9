//! Builds a small internet out of namespaces and takes it away again.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

use crate::{Host, Link, Nat, process::run};

/// All namespaces of labs begin with this, then the id of the process they belong to.
const PREFIX: &str = "dtlab";

/// The networks of two homes, and of a mobile operator.
const HOMES: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [100, 64, 0]];
/// The network of a server that is not on the internet itself.
const CLOUD: [u8; 3] = [10, 0, 0];
/// The network of a home whose addresses are private ones.
const PRIVATE: [u8; 3] = [192, 168, 7];

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// An internet: a bridge with public hosts and routers on it.
///
/// Dropping it ends what still runs in its namespaces and removes them, after a panic as well.
pub struct Net {
    id: String,
    namespaces: Vec<String>,
    bridge: String,
    ports: u32,
    next_public: u8,
}

/// A network behind a router.
#[derive(Clone, Debug)]
pub struct Lan {
    /// The router: its address here is the one the internet sees.
    pub router: Host,
    prefix: [u8; 3],
    bridge: String,
    next: u8,
    ports: u32,
}

impl Net {
    /// An empty internet.
    pub fn new() -> Result<Self> {
        if !geteuid().is_root() {
            bail!("network namespaces need root: run this test as root");
        }
        sweep();
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut net = Self {
            id: format!("{PREFIX}-{}-{number}", std::process::id()),
            namespaces: Vec::new(),
            bridge: String::new(),
            ports: 0,
            next_public: 10,
        };
        net.bridge = net.namespace("internet")?;
        add_bridge(&net.bridge)?;
        // The way to everywhere else ends here, in silence, as for a packet lost far away. Without
        // it hosts would know at once that an address is unreachable, which the internet never says.
        ip(&[
            "-n",
            &net.bridge,
            "addr",
            "add",
            "203.0.113.1/24",
            "dev",
            "br0",
        ])?;
        Ok(net)
    }

    /// A host with a public address (203.0.113.0/24).
    pub fn public(&mut self, name: &str) -> Result<Host> {
        let namespace = self.namespace(name)?;
        let address = self.plug_in(&namespace, "wan")?;
        Ok(Host::inside(name, &namespace, address))
    }

    /// A host with a public address of IPv6 alone (2001:db8::/64): it has none of IPv4.
    pub fn public_ipv6(&mut self, name: &str) -> Result<(Host, Ipv6Addr)> {
        let host = self.public(name)?;
        let address = self.add_ipv6(&host)?;
        host.sh("ip -4 addr flush dev wan")?;
        Ok((host, address))
    }

    /// Gives a public host an address of IPv6 as well.
    pub fn add_ipv6(&self, host: &Host) -> Result<Ipv6Addr> {
        let [.., last] = host.address().octets();
        // No duplicates are looked for: an address that is ready some seconds later is a change of
        // network for browsers, which give up what they are loading.
        let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into());
        host.sh(&format!(
            "for f in all default wan; do
               echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad
               echo 0 > /proc/sys/net/ipv6/conf/$f/disable_ipv6
             done
             ip addr add {address}/64 dev wan nodad
             ip -6 route add default dev wan"
        ))?;
        Ok(address)
    }

    /// A router with a public address and a network behind it.
    ///
    /// The first network is 192.0.2.0/24, the second 198.51.100.0/24, the third 100.64.0.0/24, and
    /// further ones are 10.1.N.0/24; there is no route between them, as there is none between two
    /// homes.
    pub fn lan(&mut self, name: &str, nat: Nat) -> Result<Lan> {
        let prefix = self.next_prefix()?;
        self.lan_of(name, nat, prefix)
    }

    /// The same where the router is a customer of a carrier: its address outside is one of `carrier`.
    pub fn lan_behind(&mut self, carrier: &mut Lan, name: &str, nat: Nat) -> Result<Lan> {
        let prefix = self.next_prefix()?;
        let namespace = self.namespace(name)?;
        let address = carrier.plug_in(&namespace, "wan", true)?;
        self.route_for(Host::inside(name, &namespace, address), nat, prefix)
    }

    fn next_prefix(&self) -> Result<[u8; 3]> {
        let homes = self
            .namespaces
            .iter()
            .filter(|n| n.contains("-lan-") && !n.contains("-cloud-"))
            .count();
        match HOMES.get(homes) {
            Some(prefix) => Ok(*prefix),
            None => Ok([10, 1, u8::try_from(homes).context("too many homes")?]),
        }
    }

    /// A router with a network of private addresses behind it: 192.168.7.0/24.
    pub fn private_lan(&mut self, name: &str, nat: Nat) -> Result<Lan> {
        self.lan_of(name, nat, PRIVATE)
    }

    fn lan_of(&mut self, name: &str, nat: Nat, prefix: [u8; 3]) -> Result<Lan> {
        let namespace = self.namespace(name)?;
        let address = self.plug_in(&namespace, "wan")?;
        self.route_for(Host::inside(name, &namespace, address), nat, prefix)
    }

    /// Makes a router of a host: a network behind it.
    fn route_for(&mut self, router: Host, nat: Nat, prefix: [u8; 3]) -> Result<Lan> {
        let name = router.name();
        let bridge = self.namespace(&format!("lan-{name}"))?;
        add_bridge(&bridge)?;
        let mut lan = Lan {
            router: router.clone(),
            prefix,
            bridge,
            next: 1,
            ports: 0,
        };
        let namespace = router.namespace().context("it is no host of a lab")?;
        lan.plug_in(namespace, "lan", false)?;
        router.sh("echo 1 > /proc/sys/net/ipv4/ip_forward")?;
        router
            .nft(&nat.rules())
            .context("nftables refused the NAT")?;
        Ok(lan)
    }

    /// A host that the internet knows by another address, its router's: `(host, router)`.
    pub fn behind_one_to_one(&mut self, name: &str) -> Result<(Host, Host)> {
        let [a, b, c] = CLOUD;
        let nat = Nat::OneToOne(Ipv4Addr::new(a, b, c, 2));
        let mut lan = self.lan_of(&format!("cloud-{name}"), nat, CLOUD)?;
        Ok((self.behind(&mut lan, name)?, lan.router))
    }

    /// A host behind a router.
    pub fn behind(&mut self, lan: &mut Lan, name: &str) -> Result<Host> {
        let namespace = self.namespace(name)?;
        let address = lan.plug_in(&namespace, "eth0", true)?;
        Ok(Host::inside(name, &namespace, address))
    }

    /// A host behind a router, on a cable that can be made bad.
    pub fn behind_link(&mut self, lan: &mut Lan, name: &str) -> Result<(Host, Link)> {
        let namespace = self.namespace(name)?;
        let (address, link) = lan.plug_in_link(&namespace)?;
        Ok((Host::inside(name, &namespace, address), link))
    }

    /// Another network for a host behind a router: an interface `eth1`, which is down for now.
    pub fn also_behind(&mut self, lan: &mut Lan, host: &Host) -> Result<Ipv4Addr> {
        let namespace = host
            .namespace()
            .context("the machine itself stays as it is")?;
        let address = lan.plug_in(namespace, "eth1", false)?;
        host.sh("ip link set eth1 down")?;
        Ok(address)
    }

    /// A public address that nobody has yet.
    pub fn free_address(&mut self) -> Ipv4Addr {
        let address = Ipv4Addr::new(203, 0, 113, self.next_public);
        self.next_public += 1;
        address
    }

    fn plug_in(&mut self, namespace: &str, interface: &str) -> Result<Ipv4Addr> {
        let address = self.free_address();
        self.ports += 1;
        cable(&self.bridge, self.ports, namespace, interface, address)?;
        ip(&[
            "-n",
            namespace,
            "route",
            "add",
            "default",
            "via",
            "203.0.113.1",
        ])?;
        Ok(address)
    }

    fn namespace(&mut self, name: &str) -> Result<String> {
        let full = format!("{}-{name}", self.id);
        ip(&["netns", "add", &full])?;
        self.namespaces.push(full.clone());
        ip(&["-n", &full, "link", "set", "lo", "up"])?;
        // IPv6 link-local addresses would be a second, unintended network.
        let quiet = "for f in all default; do \
                     echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6 2>/dev/null || true; done";
        run(std::process::Command::new("ip").args(["netns", "exec", &full, "sh", "-c", quiet]))?;
        Ok(full)
    }
}

impl Lan {
    /// The address of the router on this network.
    pub fn gateway(&self) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, 1)
    }

    /// The namespace of its switch; the router is on port 1, hosts follow.
    pub(crate) fn bridge(&self) -> &str {
        &self.bridge
    }

    fn plug_in(&mut self, namespace: &str, interface: &str, route: bool) -> Result<Ipv4Addr> {
        let address = self.next_address();
        cable(&self.bridge, self.ports, namespace, interface, address)?;
        if route {
            self.route(namespace)?;
        }
        Ok(address)
    }

    fn plug_in_link(&mut self, namespace: &str) -> Result<(Ipv4Addr, Link)> {
        let address = self.next_address();
        let port = format!("port{}", self.ports);
        let here = Host::inside("switch", &self.bridge, Ipv4Addr::UNSPECIFIED);
        let there = Host::inside("host", namespace, address);
        let link = Link::between((&here, &port), (&there, "eth0"))?;
        connect(&self.bridge, &port, namespace, "eth0", address)?;
        self.route(namespace)?;
        Ok((address, link))
    }

    fn next_address(&mut self) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        let address = Ipv4Addr::new(a, b, c, self.next);
        self.next += 1;
        self.ports += 1;
        address
    }

    fn route(&self, namespace: &str) -> Result<()> {
        let gateway = self.gateway().to_string();
        ip(&["-n", namespace, "route", "add", "default", "via", &gateway])
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for namespace in self.namespaces.iter().rev() {
            remove(namespace);
        }
    }
}

fn add_bridge(namespace: &str) -> Result<()> {
    ip(&["-n", namespace, "link", "add", "br0", "type", "bridge"])?;
    ip(&["-n", namespace, "link", "set", "br0", "up"])
}

/// A virtual cable from the bridge to a host.
fn cable(bridge: &str, port: u32, host: &str, interface: &str, address: Ipv4Addr) -> Result<()> {
    let port = format!("port{port}");
    ip(&[
        "link", "add", &port, "netns", bridge, "type", "veth", "peer", "name", interface, "netns",
        host,
    ])?;
    connect(bridge, &port, host, interface, address)
}

/// Puts one end into the bridge, and gives the other its address.
fn connect(bridge: &str, port: &str, host: &str, interface: &str, address: Ipv4Addr) -> Result<()> {
    ip(&["-n", bridge, "link", "set", port, "master", "br0", "up"])?;
    let address = format!("{address}/24");
    ip(&["-n", host, "addr", "add", &address, "dev", interface])?;
    ip(&["-n", host, "link", "set", interface, "up"])
}

fn ip(arguments: &[&str]) -> Result<()> {
    run(std::process::Command::new("ip").args(arguments)).map(drop)
}

/// Ends what runs in one of our namespaces, then removes it.
fn remove(namespace: &str) {
    let pids = run(std::process::Command::new("ip").args(["netns", "pids", namespace]));
    for pid in pids
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|p| p.parse().ok())
    {
        // A thread of this very process may still be inside (a browser's connection).
        if pid != std::process::id() as i32 {
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
    }
    ip(&["netns", "del", namespace]).ok();
}

/// Removes what labs left behind that were killed before they could clean up.
fn sweep() {
    let Ok(entries) = fs::read_dir("/run/netns") else {
        return;
    };
    for name in entries
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
    {
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').nth(1));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}
