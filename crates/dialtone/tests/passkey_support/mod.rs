//! An authenticator in software (WebAuthn, attestation `none`), right or wrong as it is told.

#![allow(dead_code)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// User was present and verified.
const UP_UV: u8 = 0x05;
/// Attested credential data follows.
const AT: u8 = 0x40;

/// One passkey.
#[derive(Clone)]
pub struct Authenticator {
    key: SigningKey,
    pub id: Vec<u8>,
    /// Whose it is, as the server said.
    pub user: Vec<u8>,
    /// What the browser says about the page.
    pub origin: String,
    pub rp_id: String,
    pub flags: u8,
    pub counter: u32,
}

impl Authenticator {
    /// The passkey with this number, at a page of this origin.
    pub fn new(number: u8, origin: &str) -> Authenticator {
        Authenticator {
            key: SigningKey::from_slice(&[number; 32]).unwrap(),
            id: vec![number; 16],
            user: Vec::new(),
            origin: origin.to_owned(),
            rp_id: "localhost".to_owned(),
            flags: UP_UV,
            counter: 0,
        }
    }

    /// `navigator.credentials.create()`, as `toJSON()` gives it.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user = decode(&options["user"]["id"]);
        let client = self.client_data("webauthn.create", &options["challenge"]);
        let mut data = self.authenticator_data(self.flags | AT);
        data.extend([0; 16]); // AAGUID
        data.extend((self.id.len() as u16).to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose_key());
        let mut attestation = vec![0xa3]; // CBOR: a map of three
        attestation.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x59");
        attestation.extend((data.len() as u16).to_be_bytes());
        attestation.extend(data);
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "attestationObject": encode(&attestation),
                "clientDataJSON": encode(&client),
                "transports": ["internal"],
            },
        })
    }

    /// `navigator.credentials.get()`, likewise.
    pub fn get(&self, options: &Value) -> Value {
        let client = self.client_data("webauthn.get", &options["challenge"]);
        let data = self.authenticator_data(self.flags);
        let signed = [&data[..], &Sha256::digest(&client)].concat();
        let signature: Signature = self.key.sign(&signed);
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "authenticatorData": encode(&data),
                "clientDataJSON": encode(&client),
                "signature": encode(signature.to_der().as_bytes()),
                "userHandle": encode(&self.user),
            },
        })
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key in COSE: EC2, ES256, P-256.
    fn cose_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let mut key = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".to_vec();
        key.extend(x);
        key.extend(b"\x22\x58\x20");
        key.extend(y);
        key
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}
