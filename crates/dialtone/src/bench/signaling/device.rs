//! What a client proves itself with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use protocol::id::{SessionId, Ticket};
use protocol::message::DeviceProof;
use protocol::text::Body;

use crate::bench::{Trouble, random};

/// A key pair.
#[derive(Debug)]
pub struct Device {
    key: SigningKey,
}

impl Device {
    /// A new one.
    pub fn new() -> Result<Device, Trouble> {
        loop {
            // Of 2³² draws about one is not a key of this curve.
            if let Ok(key) = SigningKey::from_slice(&random::<32>()?) {
                return Ok(Device { key });
            }
        }
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
        let signature: Signature = self.key.sign(text.as_bytes());
        let key = self.key.verifying_key().to_sec1_point(false);
        DeviceProof {
            key: body(key.as_bytes()),
            signature: body(&signature.to_bytes()),
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
