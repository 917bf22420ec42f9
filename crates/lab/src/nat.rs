//! What a router does to the packets it forwards, as nftables rules.

use std::net::Ipv4Addr;

/// The behaviour of a router between a LAN and the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// One public port per inside socket, whatever the destination; only answers come back in, from
    /// the address and port that were asked (a port-restricted cone). Two people behind such routers
    /// can talk directly.
    Cone,
    /// Like [`Nat::Cone`], but whoever was sent something may answer from all its ports.
    RestrictedCone,
    /// Like [`Nat::Cone`], but a port that is in use is open to everybody.
    FullCone,
    /// Another random public port for every destination: a learnt address is worth nothing.
    /// Two people behind such routers need the relay.
    Symmetric,
    /// Like [`Nat::Cone`], but nothing except this one address can be reached.
    OnlyTo(Ipv4Addr),
    /// Like [`Nat::Cone`], but nothing except TCP passes, as in many an office or hotel.
    OnlyTcp,
    /// Like [`Nat::Cone`], but of this one address only TCP port 443 can be reached, and of others
    /// nothing.
    Only443(Ipv4Addr),
    /// Nothing passes. Who is inside needs a proxy on the router.
    Closed,
    /// The public address stands for this one inside, all ports, both ways. From inside it leads
    /// nowhere (no hairpinning), as with the addresses that clouds rent out.
    OneToOne(Ipv4Addr),
}

impl Nat {
    /// Rules for a router whose interfaces are called `lan` and `wan`.
    ///
    /// New flows from outside are dropped on *input* as well as on *forward*: an unsolicited
    /// packet to the router itself would otherwise leave a conntrack entry that owns the port,
    /// and the cone would turn symmetric by accident.
    pub(crate) fn rules(self) -> String {
        if let Nat::OneToOne(inside) = self {
            return one_to_one(inside);
        }
        let masquerade = match self {
            Nat::Symmetric => "masquerade random,fully-random",
            _ => "masquerade",
        };
        let fence = match self {
            Nat::OnlyTo(server) => format!("iifname \"lan\" ip daddr != {server} drop;"),
            Nat::OnlyTcp => "iifname \"lan\" meta l4proto != tcp drop;".to_owned(),
            Nat::Only443(server) => {
                format!(
                    "iifname \"lan\" ip daddr != {server} drop; iifname \"lan\" tcp dport != 443 drop; iifname \"lan\" meta l4proto != tcp drop;"
                )
            }
            Nat::Closed => "drop;".to_owned(),
            _ => String::new(),
        };
        format!(
            "table ip nat {{
               {open_ports}
               chain translated {{ type nat hook postrouting priority srcnat;
                 oifname \"wan\" {masquerade}; }}
               chain forwarded {{ type filter hook forward priority filter;
                 iifname \"wan\" ct state new ct status ! dnat drop; {fence} }}
               chain incoming {{ type filter hook input priority filter;
                 iifname \"wan\" ct state new drop; }}
             }}",
            open_ports = self.open_ports(),
        )
    }

    /// Lets in what nobody inside has asked for: the router remembers which ports are in use (they
    /// are the same inside and outside), by whom, and whom they have sent something.
    fn open_ports(self) -> &'static str {
        match self {
            Nat::FullCone => {
                "map users { type inet_service : ipv4_addr; flags dynamic, timeout; timeout 5m; }
                 chain used { type filter hook forward priority mangle;
                   iifname lan meta l4proto udp update @users { udp sport : ip saddr }; }
                 chain inwards { type nat hook prerouting priority dstnat;
                   iifname wan meta l4proto udp dnat to udp dport map @users; }"
            }
            Nat::RestrictedCone => {
                "map users { type inet_service . ipv4_addr : ipv4_addr; flags dynamic, timeout;
                   timeout 5m; }
                 chain used { type filter hook forward priority mangle;
                   iifname lan meta l4proto udp update @users { udp sport . ip daddr : ip saddr }; }
                 chain inwards { type nat hook prerouting priority dstnat;
                   iifname wan meta l4proto udp dnat to udp dport . ip saddr map @users; }"
            }
            _ => "",
        }
    }
}

fn one_to_one(inside: Ipv4Addr) -> String {
    format!(
        "table ip nat {{
           chain inwards {{ type nat hook prerouting priority dstnat;
             iifname \"wan\" dnat to {inside}; }}
           chain outwards {{ type nat hook postrouting priority srcnat;
             oifname \"wan\" masquerade; }}
           chain incoming {{ type filter hook input priority filter; drop; }}
         }}"
    )
}
