//! A place to run things: a network namespace, or the machine itself.

use std::{
    fs::File,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use nix::sched::{CloneFlags, setns};

use crate::process::run;

/// A host with one address. Cheap to clone; the namespace belongs to the [`crate::Net`].
#[derive(Clone, Debug)]
pub struct Host {
    name: String,
    namespace: Option<String>,
    address: Ipv4Addr,
}

impl Host {
    /// This machine, by its loopback address and without any namespace.
    pub fn here() -> Self {
        Self {
            name: "localhost".into(),
            namespace: None,
            address: Ipv4Addr::LOCALHOST,
        }
    }

    pub(crate) fn inside(name: &str, namespace: &str, address: Ipv4Addr) -> Self {
        Self {
            name: name.into(),
            namespace: Some(namespace.into()),
            address,
        }
    }

    /// The short name given when the host was made.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address on its own network.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// `program`, to be run on this host. The process id is the program's own.
    pub fn command(&self, program: &str) -> Command {
        match &self.namespace {
            None => Command::new(program),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
        }
    }

    /// Runs a shell line on this host to its end.
    pub fn sh(&self, line: &str) -> Result<String> {
        run(self.command("sh").args(["-ec", line]))
    }

    /// Loads nftables rules on this host (in its namespace only).
    pub fn nft(&self, rules: &str) -> Result<()> {
        if self.namespace.is_none() {
            bail!("refusing to change the packet filter of the machine itself");
        }
        self.sh(&format!("nft -f - <<'RULES'\n{rules}\nRULES"))
            .map(drop)
    }

    /// Drops everything between this host and `other`, both ways.
    pub fn block_address(&self, other: impl Into<IpAddr>) -> Result<()> {
        let other = other.into();
        let family = if other.is_ipv4() { "ip" } else { "ip6" };
        self.nft(&format!(
            "table {family} block {{
               chain incoming {{ type filter hook input priority 0; {family} saddr {other} drop; }}
               chain outgoing {{ type filter hook output priority 0; {family} daddr {other} drop; }}
             }}"
        ))
    }

    /// Drops what arrives for the STUN/TURN port and for relayed addresses.
    pub fn block_relay(&self) -> Result<()> {
        self.nft(
            "table ip norelay {
               chain incoming { type filter hook input priority 0;
                 meta l4proto { tcp, udp } th dport { 3478, 49152-65535 } drop; }
             }",
        )
    }

    /// Drops what arrives by TCP for the STUN/TURN port.
    pub fn block_tcp_relay(&self) -> Result<()> {
        self.nft(
            "table ip norelay {
               chain incoming { type filter hook input priority 0; tcp dport 3478 drop; }
             }",
        )
    }

    /// Drops what arrives by UDP for the STUN/TURN port.
    pub fn block_udp_relay(&self) -> Result<()> {
        self.nft(
            "table ip norelay {
               chain incoming { type filter hook input priority 0; udp dport 3478 drop; }
             }",
        )
    }

    /// Undoes [`Host::block_udp_relay`] and the like.
    pub fn unblock_relay(&self) -> Result<()> {
        self.nft("delete table ip norelay")
    }

    /// Answers TCP segments from and to a server's port with a reset: open connections die at
    /// both ends, new ones fail, and nothing passes but the resets themselves.
    pub fn reset_tcp(&self, port: u16) -> Result<()> {
        self.nft(&format!(
            "table ip cut {{
               chain incoming {{ type filter hook input priority 0;
                 tcp sport {port} reject with tcp reset; }}
               chain outgoing {{ type filter hook output priority 0;
                 tcp dport {port} tcp flags & rst != rst reject with tcp reset; }}
             }}"
        ))
    }

    /// Undoes [`Host::reset_tcp`].
    pub fn restore_tcp(&self) -> Result<()> {
        self.nft("delete table ip cut")
    }

    /// Drops everything that comes, goes and (on a router) passes, in silence: the cable is cut
    /// somewhere far away.
    pub fn go_dark(&self) -> Result<()> {
        self.nft(
            "table ip dark {
               chain incoming { type filter hook input priority 0; iifname != lo drop; }
               chain outgoing { type filter hook output priority 0; oifname != lo drop; }
               chain passing { type filter hook forward priority 0; drop; }
             }",
        )
    }

    /// A router that loses what comes from inside and passes on what comes from outside.
    pub fn lose_outgoing(&self) -> Result<()> {
        self.nft(
            "table ip dark {
               chain passing { type filter hook forward priority 0; iifname lan drop; }
             }",
        )
    }

    /// A router that forgets everything it has translated, as after a short power cut.
    pub fn forget_translations(&self) -> Result<()> {
        self.sh("gateway=$(ip route show default | cut -d' ' -f3)
             ip link set wan down
             ip link set wan up
             ip route add default via $gateway")
            .map(drop)
    }

    /// A router that gets another address from its provider, and forgets what it has translated.
    pub fn change_address(&self, new: Ipv4Addr) -> Result<()> {
        self.sh(&format!(
            "gateway=$(ip route show default | cut -d' ' -f3)
             ip addr flush dev wan
             ip addr add {new}/24 dev wan
             ip route add default via $gateway"
        ))
        .map(drop)
    }

    /// Leaves the network of `eth0` for that of `eth1`, whose router is at `gateway`.
    pub fn change_network(&self, gateway: Ipv4Addr, pause: Duration) -> Result<()> {
        // The address goes with the network: otherwise what is sent from it would take the new way.
        self.sh("ip addr flush dev eth0; ip link set eth0 down")?;
        thread::sleep(pause);
        self.sh(&format!(
            "ip link set eth1 up; ip route add default via {gateway}"
        ))
        .map(drop)
    }

    /// Undoes [`Host::go_dark`].
    pub fn come_back(&self) -> Result<()> {
        self.nft("delete table ip dark")
    }

    /// Does `work` on a thread that entered this host; sockets opened there stay there.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            scope
                .spawn(|| self.enter_this_thread().map(|()| work()))
                .join()
                .map_err(|_| anyhow!("the work on {} panicked", self.name))?
        })
    }

    /// Moves the calling thread to this host, for good.
    pub(crate) fn enter_this_thread(&self) -> Result<()> {
        let Some(namespace) = &self.namespace else {
            return Ok(());
        };
        let handle = File::open(format!("/run/netns/{namespace}"))
            .with_context(|| format!("no namespace for {}", self.name))?;
        setns(handle, CloneFlags::CLONE_NEWNET).context("cannot enter the namespace: not root?")
    }

    /// A UDP socket on this host, with a read timeout of one second.
    pub fn udp(&self, port: u16) -> Result<UdpSocket> {
        let address = SocketAddr::from((self.address, port));
        let socket = self.enter(|| UdpSocket::bind(address))??;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        Ok(socket)
    }
}
