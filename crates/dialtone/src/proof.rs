//! Checks a device's signature.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

/// Whether `signature` (`r ‖ s`, 64 bytes) over `text` was made with the private half of `key`
/// (P-256, uncompressed point, 65 bytes). ECDSA with SHA-256 (FIPS 186-5, section 6).
pub fn verify(key: &[u8], text: &[u8], signature: &[u8]) -> bool {
    const UNCOMPRESSED_POINT: usize = 65;
    let signer = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
    key.len() == UNCOMPRESSED_POINT && signer.verify(text, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Signer;
    use p256::ecdsa::{Signature, SigningKey};

    use super::*;

    #[test]
    fn only_the_right_key_over_the_right_text_passes() {
        let ours = SigningKey::from_slice(&[1; 32]).unwrap();
        let key = ours.verifying_key().to_sec1_point(false);
        let signature: Signature = ours.sign(b"dialtone hello\nticket");
        let signature = signature.to_bytes();
        assert!(verify(
            key.as_bytes(),
            b"dialtone hello\nticket",
            &signature
        ));
        assert!(!verify(
            key.as_bytes(),
            b"dialtone hello\nother",
            &signature
        ));

        let theirs = SigningKey::from_slice(&[2; 32]).unwrap();
        let other = theirs.verifying_key().to_sec1_point(false);
        assert!(!verify(
            other.as_bytes(),
            b"dialtone hello\nticket",
            &signature
        ));
    }

    #[test]
    fn nonsense_is_refused_and_harms_nothing() {
        let ours = SigningKey::from_slice(&[1; 32]).unwrap();
        let compressed = ours.verifying_key().to_sec1_point(true);
        for (key, signature) in [
            (&[][..], &[][..]),
            (&[4; 65], &[0; 64]),
            (compressed.as_bytes(), &[1; 64]),
            (&[0; 1000], &[255; 64]),
        ] {
            assert!(!verify(key, b"text", signature));
        }
    }
}
