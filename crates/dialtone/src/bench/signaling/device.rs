//! What a client proves itself with.

use std::io;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::id::{SessionId, Ticket};
use protocol::message::DeviceProof;
use protocol::text::Body;

use crate::bench::Trouble;

/// A key pair.
#[derive(Debug)]
pub struct Device {
    key: EcdsaKeyPair,
}

impl Device {
    /// A new one.
    pub fn new() -> Result<Device, Trouble> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Ok(Device {
            key: key.map_err(io::Error::other)?,
        })
    }

    /// For a `hello`.
    pub fn proof_of_hello(&self, ticket: Ticket) -> DeviceProof {
        self.sign(&format!("dialtone hello\n{ticket}"))
    }

    /// For a `resume`.
    pub fn proof_of_resume(&self, ticket: Ticket, session: SessionId) -> DeviceProof {
        self.sign(&format!("dialtone resume\n{ticket}\n{session}"))
    }

    fn sign(&self, text: &str) -> DeviceProof {
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes());
        let signature = signature.expect("a key of this curve signs");
        DeviceProof {
            key: body(self.key.public_key().as_ref()),
            signature: body(signature.as_ref()),
        }
    }
}

fn body(bytes: &[u8]) -> Body<128> {
    let text = URL_SAFE_NO_PAD.encode(bytes);
    Body::try_from(text).expect("keys and signatures are short")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof;

    #[test]
    fn the_server_takes_the_proof() {
        let ticket = Ticket::from_bytes([7; 16]);
        let proof = Device::new().unwrap().proof_of_hello(ticket);
        let [key, signature] = [&*proof.key, &*proof.signature]
            .map(|text| URL_SAFE_NO_PAD.decode(text).expect("base64url"));
        let text = format!("dialtone hello\n{ticket}");
        assert!(proof::verify(&key, text.as_bytes(), &signature));
    }
}
