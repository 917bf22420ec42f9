//! Ephemeral relay credentials, the "REST API" scheme that coturn and browsers use
//! (draft-uberti-behave-turn-rest): the username is `expiry:user`, the password is the base64
//! of an HMAC over it. Any node that knows the secret can check them; nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};

/// What the names behind the expiry begin with of users who only find out whether they could call. A
/// relay of ours gives them relayed addresses of its own as peers and no others, for a minute.
pub const TRIAL: &str = "trial~";

/// A username and a password for the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayCredential {
    /// `expiry:user`, the expiry in seconds since the Unix epoch.
    pub username: String,
    /// Base64 of HMAC-SHA1 over the username.
    pub password: String,
}

/// Makes the credential that lets `user` allocate until `expires` (Unix seconds).
pub fn mint(secret: &[u8], user: &str, expires: u64) -> RelayCredential {
    let username = format!("{expires}:{user}");
    let password = password(secret, &username);
    RelayCredential { username, password }
}

/// The password that belongs to an ephemeral username under this secret.
pub fn password(secret: &[u8], username: &str) -> String {
    let mut mac =
        Hmac::<sha1::Sha1>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(username.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The same with HMAC-SHA256, for issuers that may not use SHA-1 any more.
pub fn password_sha256(secret: &[u8], username: &str) -> String {
    let mut mac =
        Hmac::<sha2::Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(username.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The expiry an ephemeral username carries, in Unix seconds; `None` if it is not of that form.
pub fn expiry(username: &str) -> Option<u64> {
    let (expiry, _user) = username.split_once(':')?;
    expiry.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s 1700000000:alice | openssl dgst -sha1 -hmac north -binary | base64`
    #[test]
    fn the_password_is_the_one_other_implementations_compute() {
        let credential = mint(b"north", "alice", 1_700_000_000);
        assert_eq!(credential.username, "1700000000:alice");
        assert_eq!(credential.password, "Cd/49soE35ICqcJF/bCTn8Z4OyE=");
        assert_eq!(expiry(&credential.username), Some(1_700_000_000));
    }

    /// `printf %s 1700000000:alice | openssl dgst -sha256 -hmac north -binary | base64`
    #[test]
    fn so_is_the_one_of_sha_256() {
        let password = password_sha256(b"north", "1700000000:alice");
        assert_eq!(password, "EuME0Xh0HllnbpbObfs8aBsd78Vr1EMwxArqbyCrGl8=");
    }

    #[test]
    fn a_username_without_an_expiry_has_none() {
        for username in ["", "alice", ":alice", "12x:alice", "-1:alice"] {
            assert_eq!(expiry(username), None, "{username}");
        }
    }
}
