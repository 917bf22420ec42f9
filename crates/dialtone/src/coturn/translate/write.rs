//! What was read, written as a configuration of ours.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Translation;
use crate::config::quote;
use crate::coturn::ranges::AddressRange;

impl Translation {
    /// The configuration in TOML, with the notes as comments.
    pub fn write(&self) -> String {
        let mut text =
            "# Made from a configuration of coturn by `dialtone turn --import-coturn`.\n\
                        # Peers at private and other special addresses are refused here unless\n\
                        # `allow_peer` names them.\n\n[turn]\n"
                .to_owned();
        for (key, value) in self.lines() {
            let _ = writeln!(text, "{key} = {value}");
        }
        if !self.notes.is_empty() {
            text.push_str("\n# Not carried over:\n");
        }
        for note in &self.notes {
            let _ = writeln!(text, "# - {note}");
        }
        text
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        lines.extend(listed("listen", &texts(&self.listen())));
        if let (Some(cert), Some(key), false) = (&self.cert, &self.key, self.has_no_tls) {
            lines.extend(listed("tls", &texts(&self.listen_on(self.tls_port))));
            lines.push(("cert", quote(cert)));
            lines.push(("key", quote(key)));
        }
        let mut list = |key, values: Vec<String>| lines.extend(listed(key, &values));
        let pairs = self.relays.pairs();
        let written = |(bind, announced): &(IpAddr, IpAddr)| match bind == announced {
            true => bind.to_string(),
            false => format!("{bind}={announced}"),
        };
        list("relay_ip", pairs.iter().map(written).collect());
        list("user", self.users.clone());
        list("secret", self.secrets.clone());
        let networks =
            |ranges: &[AddressRange]| ranges.iter().flat_map(|it| it.networks()).collect();
        list("allow_peer", networks(&self.allowed));
        let denied = self
            .denied
            .iter()
            .flat_map(|range| range.without(&self.allowed));
        list("deny_peer", networks(&denied.collect::<Vec<_>>()));
        if self.has_ports {
            let ports = format!("{}-{}", self.ports.0, self.ports.1);
            lines.push(("relay_ports", quote(&ports)));
        }
        if self.has_metrics {
            lines.push(("admin", quote(&self.metrics.to_string())));
            lines.push(("admin_token_file", quote("admin.token")));
        }
        lines.extend(self.others.clone());
        lines
    }

    fn listen(&self) -> Vec<SocketAddr> {
        let mut listen = self.listen_on(self.port);
        for address in &self.more_listening {
            if !listen.contains(address) {
                listen.push(*address);
            }
        }
        listen
    }

    fn listen_on(&self, port: u16) -> Vec<SocketAddr> {
        let everywhere = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        let ips: &[IpAddr] = match &self.relays.listening[..] {
            [] => &everywhere,
            named => named,
        };
        let mut addresses: Vec<_> = ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

/// A key and its list, if there is anything in it.
fn listed(key: &'static str, values: &[String]) -> Option<(&'static str, String)> {
    let quoted: Vec<_> = values.iter().map(|value| quote(value)).collect();
    (!values.is_empty()).then(|| (key, format!("[{}]", quoted.join(", "))))
}

fn texts(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(SocketAddr::to_string).collect()
}
