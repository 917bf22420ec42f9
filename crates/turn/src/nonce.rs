//! Nonces without memory (RFC 8489 section 9.2): a nonce carries the second it was made in and a
//! keyed hash over that and the client's address, so that checking one needs no table.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::time::Tick;

use crate::seed::{Seed, keyed_hash};

/// Characters of a nonce. Short, because an answer to a stranger has to be small.
pub(crate) const LEN: usize = 20;

/// Four bytes of time and eleven of hash fill twenty characters of base64.
const TIME_LEN: usize = 4;
const RAW_LEN: usize = 15;

/// Makes and checks nonces.
#[derive(Debug)]
pub(crate) struct Nonces {
    key: [u8; 32],
    lifetime: Duration,
}

impl Nonces {
    pub(crate) fn new(seed: &Seed, lifetime: Duration) -> Nonces {
        Nonces {
            key: seed.derive("nonce"),
            lifetime,
        }
    }

    pub(crate) fn set_lifetime(&mut self, lifetime: Duration) {
        self.lifetime = lifetime;
    }

    /// A nonce that is good for this client address, for the lifetime from now on.
    pub(crate) fn mint(&self, now: Tick, client: SocketAddr) -> [u8; LEN] {
        let raw = self.raw(seconds(now), client);
        let mut nonce = [0; LEN];
        URL_SAFE_NO_PAD
            .encode_slice(raw, &mut nonce)
            .expect("15 bytes are 20 characters of base64");
        nonce
    }

    /// Whether a nonce is one of ours, for this address, and not yet stale.
    pub(crate) fn is_fresh(&self, nonce: &[u8], now: Tick, client: SocketAddr) -> bool {
        // One byte more than needed: the decoder estimates generously.
        let mut raw = [0; RAW_LEN + 1];
        if nonce.len() != LEN || URL_SAFE_NO_PAD.decode_slice(nonce, &mut raw) != Ok(RAW_LEN) {
            return false;
        }
        let made = u32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]]);
        let age = seconds(now).wrapping_sub(made);
        // The hash is compared by hashing again: the time a difference takes to be found then
        // tells nothing, since a guesser does not know what was compared.
        let same = keyed_hash(&self.key, &[&raw[..RAW_LEN]])
            == keyed_hash(&self.key, &[&self.raw(made, client)]);
        same && u64::from(age) < self.lifetime.as_secs()
    }

    fn raw(&self, made: u32, client: SocketAddr) -> [u8; RAW_LEN] {
        let made = made.to_be_bytes();
        let port = client.port().to_be_bytes();
        let hash = match client.ip() {
            IpAddr::V4(ip) => keyed_hash(&self.key, &[&made, &port, &ip.octets()]),
            IpAddr::V6(ip) => keyed_hash(&self.key, &[&made, &port, &ip.octets()]),
        };
        let mut raw = [0; RAW_LEN];
        raw[..TIME_LEN].copy_from_slice(&made);
        raw[TIME_LEN..].copy_from_slice(&hash[..RAW_LEN - TIME_LEN]);
        raw
    }
}

/// Whole seconds; wraps after 136 years of running.
fn seconds(now: Tick) -> u32 {
    (now.as_micros() / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn tick(seconds: u64) -> Tick {
        Tick::from_micros(seconds * 1_000_000)
    }

    fn client() -> SocketAddr {
        "192.0.2.1:4000".parse().unwrap()
    }

    fn nonces() -> Nonces {
        Nonces::new(&Seed([1; 32]), HOUR)
    }

    #[test]
    fn a_nonce_is_fresh_until_its_lifetime_is_over() {
        let nonce = nonces().mint(tick(10), client());
        assert!(nonces().is_fresh(&nonce, tick(10), client()));
        assert!(nonces().is_fresh(&nonce, tick(3609), client()));
        assert!(!nonces().is_fresh(&nonce, tick(3610), client()));
        assert!(
            !nonces().is_fresh(&nonce, tick(9), client()),
            "from the future"
        );
    }

    #[test]
    fn a_nonce_is_good_for_one_address_and_port() {
        let nonce = nonces().mint(tick(10), client());
        for other in ["192.0.2.1:4001", "192.0.2.2:4000", "[2001:db8::1]:4000"] {
            assert!(!nonces().is_fresh(&nonce, tick(10), other.parse().unwrap()));
        }
    }

    #[test]
    fn a_nonce_that_was_changed_or_made_by_another_server_is_not_fresh() {
        let nonce = nonces().mint(tick(10), client());
        for at in 0..LEN {
            let mut changed = nonce;
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!nonces().is_fresh(&changed, tick(10), client()), "{at}");
        }
        let other = Nonces::new(&Seed([2; 32]), HOUR).mint(tick(10), client());
        assert!(!nonces().is_fresh(&other, tick(10), client()));
        for bad in [&b""[..], b"short", &[b'A'; 21], &[0xff; LEN]] {
            assert!(!nonces().is_fresh(bad, tick(10), client()));
        }
    }
}
