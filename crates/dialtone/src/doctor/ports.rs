//! Whether the ports are free, or who has them.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};

use super::holder::{self, Holder};
use super::{Finding, Plan};
use crate::net::relay::Protocol;

const CHECK: &str = "port";

/// The name of our own program.
const OURS: &str = "dialtone";

/// What became of the ports.
pub struct Ports {
    /// About each.
    pub findings: Vec<Finding>,
    /// Those of the relay.
    pub relay: Taken,
    /// That of HTTPS.
    pub https: Taken,
}

/// Who has a port, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taken {
    /// Nobody.
    Free,
    /// A server of ours, which runs then, or a program we may not see.
    Ours,
    /// Something else, or the system refuses it.
    Not,
}

pub fn examine(plan: &Plan) -> Ports {
    let mut ports = Ports {
        findings: Vec::new(),
        relay: Taken::Free,
        https: Taken::Free,
    };
    for &at in &plan.relay.listen {
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let taken = ports.add(protocol, at, "--turn or --listen");
            ports.relay = ports.relay.max(taken);
        }
    }
    for &at in plan.relay.tls.iter().flat_map(|tls| &tls.listen) {
        let taken = ports.add(Protocol::Tcp, at, "--tls");
        ports.relay = ports.relay.max(taken);
    }
    for &(at, flag) in &plan.pages {
        ports.add(Protocol::Tcp, at, flag);
    }
    if let Some((at, _)) = plan.https {
        ports.https = ports.add(Protocol::Tcp, at, "--https");
    }
    ports
}

impl Ports {
    fn add(&mut self, protocol: Protocol, at: SocketAddr, flag: &str) -> Taken {
        let bound = match protocol {
            Protocol::Udp => UdpSocket::bind(at).map(drop),
            Protocol::Tcp => TcpListener::bind(at).map(drop),
        };
        let is_busy = matches!(&bound, Err(error) if error.kind() == ErrorKind::AddrInUse);
        let holder = is_busy.then(|| holder::find(protocol, at)).flatten();
        let (taken, finding) = judge(protocol, at, flag, bound, holder);
        self.findings.push(finding);
        taken
    }
}

/// What it means that a port could, or could not, be had.
fn judge(
    protocol: Protocol,
    at: SocketAddr,
    flag: &str,
    bound: io::Result<()>,
    holder: Option<Holder>,
) -> (Taken, Finding) {
    let port = format!("{protocol} port {} of {}", at.port(), at.ip());
    let choose = |first: String| format!("{first}, or choose another port with {flag} ADDR:PORT");
    match (bound.map_err(|error| (error.kind(), error)), holder) {
        (Ok(()), _) => (Taken::Free, Finding::good(CHECK, format!("{port} is free"))),
        (Err((ErrorKind::AddrInUse, _)), Some(holder)) if holder.name == OURS => (
            Taken::Ours,
            Finding::good(
                CHECK,
                format!("{port} is Dialtone's (process {})", holder.pid),
            ),
        ),
        (Err((ErrorKind::AddrInUse, _)), Some(Holder { pid, name })) => (
            Taken::Not,
            Finding::problem(
                CHECK,
                format!("{port} is taken by {name} (process {pid}): the server does not start"),
                &choose(format!("stop {name}")),
            ),
        ),
        (Err((ErrorKind::AddrInUse, _)), None) => (
            Taken::Ours,
            Finding::warning(
                CHECK,
                format!("{port} is taken by a program that this user may not see"),
                "fine if it is Dialtone; run the doctor as root, and it names the program",
            ),
        ),
        (Err((ErrorKind::PermissionDenied, _)), _) => (
            Taken::Not,
            Finding::problem(
                CHECK,
                format!("{port} is not for this user: the server does not start"),
                &choose(
                    "allow it with `setcap cap_net_bind_service=+ep` on the program".to_owned(),
                ),
            ),
        ),
        (Err((ErrorKind::AddrNotAvailable, _)), _) => (
            Taken::Not,
            Finding::problem(
                CHECK,
                format!(
                    "{} is not an address of this machine: the server does not start",
                    at.ip()
                ),
                &format!("give {flag} one that `ip address` lists"),
            ),
        ),
        (Err((_, error)), _) => (
            Taken::Not,
            Finding::problem(
                CHECK,
                format!("{port} cannot be had ({error})"),
                &format!("choose another one with {flag} ADDR:PORT"),
            ),
        ),
    }
}
