//! Nonces without memory (RFC 8489 section 9.2): a nonce carries the second it was made in and a
//! keyed hash over that, the client's address and the security features the client was told of, so
//! that checking one needs no table.
//!
//! ```text
//! obMatJos2 │ features: 24 bits in 4 characters │ second and hash: 12 bytes in 16 characters
//! ```
//!
//! The features are what makes bidding down fail: who edits them on the way to the client gets a
//! nonce that is not ours when it comes back, and the client is told so (438) under its own key.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use protocol::time::Tick;

use crate::seed::{Seed, is_same, keyed_hash};

/// What a nonce begins with whose next four characters are features (RFC 8489 section 9.2).
const COOKIE: &[u8; 9] = b"obMatJos2";

/// Characters of a nonce. Short, because an answer to a stranger has to be small.
pub(crate) const LEN: usize = COOKIE.len() + FEATURES_LEN + TAIL_LEN;

const FEATURES_LEN: usize = 4;
const TAIL_LEN: usize = 16;
/// Four bytes of time and eight of hash fill sixteen characters of base64. Who guesses the hash
/// has won no more than that a request he could sign anyway is good for longer.
const TIME_LEN: usize = 4;
const RAW_LEN: usize = 12;

/// What the server can do beyond RFC 5389, as it tells clients (RFC 8489 section 18.1). Bits are
/// counted from the right (erratum 6290).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// USERNAME may be hidden in USERHASH.
    pub(crate) hidden_names: bool,
}

impl Features {
    /// PASSWORD-ALGORITHMS is always offered.
    fn encoded(self) -> [u8; FEATURES_LEN] {
        let bits = 1 | u8::from(self.hidden_names) << 1;
        let mut encoded = [0; FEATURES_LEN];
        STANDARD
            .encode_slice([0, 0, bits], &mut encoded)
            .expect("3 bytes are 4 characters of base64");
        encoded
    }
}

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
    pub(crate) fn mint(&self, now: Tick, client: SocketAddr, features: Features) -> [u8; LEN] {
        let features = features.encoded();
        let raw = self.raw(seconds(now), client, &features);
        let mut nonce = [0; LEN];
        let (head, tail) = nonce.split_at_mut(LEN - TAIL_LEN);
        head[..COOKIE.len()].copy_from_slice(COOKIE);
        head[COOKIE.len()..].copy_from_slice(&features);
        URL_SAFE_NO_PAD
            .encode_slice(raw, tail)
            .expect("12 bytes are 16 characters of base64");
        nonce
    }

    /// Whether a nonce is one of ours, for this address, and not yet stale. What features it was
    /// made with does not matter, as long as they are those it was made with.
    pub(crate) fn is_fresh(&self, nonce: &[u8], now: Tick, client: SocketAddr) -> bool {
        let Some(rest) = nonce.strip_prefix(COOKIE) else {
            return false;
        };
        let Some((features, tail)) = rest.split_first_chunk::<FEATURES_LEN>() else {
            return false;
        };
        let mut raw = [0; RAW_LEN];
        if tail.len() != TAIL_LEN || URL_SAFE_NO_PAD.decode_slice(tail, &mut raw) != Ok(RAW_LEN) {
            return false;
        }
        let made = u32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]]);
        let age = seconds(now).wrapping_sub(made);
        let same = is_same(&self.key, &raw, &self.raw(made, client, features));
        same && u64::from(age) < self.lifetime.as_secs()
    }

    fn raw(&self, made: u32, client: SocketAddr, features: &[u8; FEATURES_LEN]) -> [u8; RAW_LEN] {
        let made = made.to_be_bytes();
        let port = client.port().to_be_bytes();
        let hash = match client.ip() {
            IpAddr::V4(ip) => keyed_hash(&self.key, &[&made, features, &port, &ip.octets()]),
            IpAddr::V6(ip) => keyed_hash(&self.key, &[&made, features, &port, &ip.octets()]),
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

    const FEATURES: Features = Features {
        hidden_names: false,
    };

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
        let nonce = nonces().mint(tick(10), client(), FEATURES);
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
        let nonce = nonces().mint(tick(10), client(), FEATURES);
        for other in ["192.0.2.1:4001", "192.0.2.2:4000", "[2001:db8::1]:4000"] {
            assert!(!nonces().is_fresh(&nonce, tick(10), other.parse().unwrap()));
        }
    }

    #[test]
    fn a_nonce_that_was_changed_or_made_by_another_server_is_not_fresh() {
        let nonce = nonces().mint(tick(10), client(), FEATURES);
        for at in 0..LEN {
            let mut changed = nonce;
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!nonces().is_fresh(&changed, tick(10), client()), "{at}");
        }
        let other = Nonces::new(&Seed([2; 32]), HOUR).mint(tick(10), client(), FEATURES);
        assert!(!nonces().is_fresh(&other, tick(10), client()));
        let longer = [&nonce[..], b"A"].concat();
        for bad in [
            &b""[..],
            b"short",
            b"obMatJos2",
            &nonce[..LEN - 1],
            &longer,
            &[0xff; LEN],
        ] {
            assert!(!nonces().is_fresh(bad, tick(10), client()));
        }
    }

    /// RFC 8489 section 18.1 with erratum 6290; appendix B.1 has the second bit alone: `AAAC`.
    #[test]
    fn the_cookie_says_what_the_server_can_do() {
        let of = |hidden_names| nonces().mint(tick(1), client(), Features { hidden_names });
        assert!(of(false).starts_with(b"obMatJos2AAAB"));
        assert!(of(true).starts_with(b"obMatJos2AAAD"));
    }

    #[test]
    fn edited_features_are_noticed() {
        let mut nonce = nonces().mint(tick(10), client(), FEATURES);
        nonce[12] = b'A';
        assert!(!nonces().is_fresh(&nonce, tick(10), client()));
    }
}
