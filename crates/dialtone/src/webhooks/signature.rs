//! How a receiver knows that a delivery is ours: an HMAC over the time and the body.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header that carries it.
pub const HEADER: &str = "dialtone-signature";

/// What goes into the header: `t=1795391100,v1=…`, with one `v1` for each secret, of which there are
/// two while one takes the place of the other. `t` are seconds since the Unix epoch: a receiver
/// refuses what is old, and so what somebody has recorded and sends again.
pub fn header(secrets: &[&str], unix_s: u64, body: &[u8]) -> String {
    let signed = secrets.iter().map(|secret| sign(secret, unix_s, body));
    let parts = signed.map(|signature| format!(",v1={signature}"));
    format!("t={unix_s}{}", parts.collect::<String>())
}

/// HMAC-SHA256 with the secret's text as the key, in hexadecimal.
fn sign(secret: &str, unix_s: u64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(format!("{unix_s}.").as_bytes());
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `printf '1795391100.{}' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn it_is_what_others_compute() {
        assert_eq!(
            header(&["secret"], 1_795_391_100, b"{}"),
            "t=1795391100,v1=92f783a34d265807457e1010bb34917b362aa2e2bb80cfd498b011a7634fd4fd"
        );
    }

    #[test]
    fn two_secrets_sign_while_one_replaces_the_other() {
        let both = header(&["new", "old"], 7, b"{}");
        let of = |secret| header(&[secret], 7, b"{}").replace("t=7", "");
        assert_eq!(both, format!("t=7{}{}", of("new"), of("old")));
    }
}
