//! The addresses that clients are told, and whether others can reach them.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _, UdpSocket};

use turn::RelayAddress;

use super::{Finding, Plan, ask};
use crate::addresses;

const CHECK: &str = "address";

pub fn examine(plan: &Plan) -> Vec<Finding> {
    let local = addresses::local();
    let relays = &plan.relay.relays;
    let mut findings: Vec<_> = relays.iter().map(|relay| judge(relay, &local)).collect();
    if let Some(server) = &plan.stun {
        findings.extend(relays.iter().map(|relay| seen_from_outside(relay, server)));
    }
    findings
}

/// What kind of address it is; `local` are those of this machine.
fn judge(relay: &RelayAddress, local: &[IpAddr]) -> Finding {
    let RelayAddress { bind, announced } = *relay;
    if !bind.is_unspecified() && !local.contains(&bind) {
        return Finding::problem(
            CHECK,
            format!("{bind} is not an address of this machine: the relay does not start"),
            "--relay-ip takes one that `ip address` lists first: INNER=OUTER",
        );
    }
    if announced.is_loopback() {
        return Finding::warning(
            CHECK,
            format!("Clients are told {announced}, which only this machine reaches"),
            "connect the machine to a network; name an address that others reach with --relay-ip",
        );
    }
    let is_public = turn::is_public(announced);
    match (is_public, local.contains(&announced)) {
        (true, true) => Finding::good(
            CHECK,
            format!("Clients are told {announced}, a public address of this machine"),
        ),
        (true, false) => Finding::good(
            CHECK,
            format!(
                "Clients are told {announced}, which is not on this machine: a router has to \
                 translate it to {bind}, ports unchanged"
            ),
        ),
        (false, true) => Finding::warning(
            CHECK,
            format!(
                "Clients are told {announced}, a private address: only this network reaches it"
            ),
            "fine for your own network; for the internet announce the router's address with \
             --relay-ip BIND=ANNOUNCED, and forward the ports to this machine",
        ),
        (false, false) => Finding::warning(
            CHECK,
            format!(
                "Clients are told {announced}, neither a public address nor one of this machine"
            ),
            "fine if a router of your network translates it; else correct --relay-ip",
        ),
    }
}

/// What the STUN server that the operator named says our address is.
fn seen_from_outside(relay: &RelayAddress, server: &str) -> Finding {
    const CHECK: &str = "outside_address";
    let bind = relay.bind;
    let unanswered = |why: String| {
        Finding::warning(
            CHECK,
            format!("{server} did not say how it sees {bind} ({why})"),
            "look whether UDP leaves this network, and whether that is a STUN server",
        )
    };
    let servers = server.to_socket_addrs();
    let found = servers.map(|all| all.into_iter().find(|it| it.is_ipv4() == bind.is_ipv4()));
    let server_address = match found {
        Ok(Some(address)) => address,
        Ok(None) => return unanswered("it has no address of that family".to_owned()),
        Err(error) => return unanswered(error.to_string()),
    };
    let asked = UdpSocket::bind(SocketAddr::new(bind, 0))
        .and_then(|socket| ask::by_udp(&socket, server_address));
    match asked {
        Ok(mapped) => compare(relay, mapped.ip()),
        Err(error) => unanswered(error.to_string()),
    }
}

/// The announced address beside the one the world sees.
fn compare(relay: &RelayAddress, seen: IpAddr) -> Finding {
    const CHECK: &str = "outside_address";
    let RelayAddress { bind, announced } = *relay;
    match seen == announced {
        true => Finding::good(
            CHECK,
            format!("From outside this machine is {seen}, as clients are told"),
        ),
        false => Finding::problem(
            CHECK,
            format!("From outside this machine is {seen}, and clients are told {announced}"),
            &format!(
                "--relay-ip {bind}={seen}, and let the router forward the ports of the relay; if \
                 all your clients are inside, it is right as it is"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn relay(bind: &str, announced: &str) -> RelayAddress {
        RelayAddress {
            bind: bind.parse().unwrap(),
            announced: announced.parse().unwrap(),
        }
    }

    fn judged(bind: &str, announced: &str) -> (Level, String) {
        let local = ["10.0.0.5", "8.8.4.4", "127.0.0.1"].map(|ip| ip.parse().unwrap());
        let finding = judge(&relay(bind, announced), &local);
        (finding.level, finding.message)
    }

    #[test]
    fn every_kind_of_address_has_its_meaning() {
        for (bind, announced, level, words) in [
            (
                "8.8.4.4",
                "8.8.4.4",
                Level::Good,
                "a public address of this machine",
            ),
            (
                "10.0.0.5",
                "8.8.8.8",
                Level::Good,
                "translate it to 10.0.0.5",
            ),
            ("0.0.0.0", "8.8.8.8", Level::Good, "translate it"),
            ("10.0.0.5", "10.0.0.5", Level::Warning, "only this network"),
            ("10.0.0.5", "192.168.1.1", Level::Warning, "neither"),
            (
                "127.0.0.1",
                "127.0.0.1",
                Level::Warning,
                "only this machine",
            ),
            (
                "10.0.0.6",
                "8.8.8.8",
                Level::Problem,
                "not an address of this machine",
            ),
        ] {
            let (found, message) = judged(bind, announced);
            assert_eq!(found, level, "{message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn what_the_world_sees_is_compared_with_what_clients_are_told() {
        let relay = relay("10.0.0.5", "8.8.8.8");
        assert_eq!(
            compare(&relay, "8.8.8.8".parse().unwrap()).level,
            Level::Good
        );
        let other = compare(&relay, "8.8.4.4".parse().unwrap());
        assert_eq!(other.level, Level::Problem);
        assert!(
            other
                .remedy
                .unwrap()
                .contains("--relay-ip 10.0.0.5=8.8.4.4")
        );
    }
}
