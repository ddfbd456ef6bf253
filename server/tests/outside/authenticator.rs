//! Software passkey (WebAuthn Level 3) that answers any ceremony, without a browser.
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::Arc;

/// The options of a ceremony, as returned by `factors/ask-passkey`.
#[derive(Clone, Debug)]
pub struct PasskeyCeremony {
    pub token: String,
    options: Value,
}

impl PasskeyCeremony {
    /// Parses the action's response.
    pub fn of(secret: &str) -> Self {
        let mut message: Value = serde_json::from_str(secret).unwrap();
        Self { token: text(&message["ceremony"]), options: message["publicKey"].take() }
    }
}

/// A device with one passkey.
pub struct PasskeyDevice {
    key: Arc<EcdsaKeyPair>,
    id: [u8; 16],
    /// The user handle.
    pub owner: String,
    /// The origin that the client data contains.
    origin: String,
}

impl PasskeyDevice {
    /// Creates a passkey and returns the registration response.
    pub fn make(ceremony: &PasskeyCeremony, origin: &str) -> (Self, String) {
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        let device =
            Self { key: new_key(), id, owner: text(&ceremony.options["user"]["id"]), origin: origin.to_owned() };
        let (x, y) = device.key.public_key().as_ref()[1..].split_at(32);
        // COSE_Key (RFC 9053): two coordinates on P-256, for ES256.
        let public = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y].concat();
        // An all-zero AAGUID and a credential id of sixteen bytes.
        let attested = [[0; 16].as_slice(), &[0, 16], &id, &public].concat();
        let data =
            data(&text(&ceremony.options["rp"]["id"]), USER_PRESENT | USER_VERIFIED | ATTESTED_CREDENTIAL, &attested);
        let length = [u8::try_from(data.len()).unwrap()];
        // {"fmt": "none", "attStmt": {}, "authData": …} as CBOR (RFC 8949).
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(), &length, &data].concat();
        let client = device.client("webauthn.create", ceremony);
        let response = json!({ "attestationObject": base64(object), "clientDataJSON": base64(client) });
        let response = device.response(&response);
        (device, response)
    }

    /// Returns an assertion with user verification.
    pub fn show(&self, ceremony: &PasskeyCeremony) -> String {
        self.sign_assertion(ceremony, USER_PRESENT | USER_VERIFIED)
    }

    /// Returns an assertion without user verification.
    pub fn show_locked(&self, ceremony: &PasskeyCeremony) -> String {
        self.sign_assertion(ceremony, USER_PRESENT)
    }

    /// Returns a device with another key that claims the same credential.
    pub fn forge(&self) -> Self {
        Self { key: new_key(), id: self.id, owner: self.owner.clone(), origin: self.origin.clone() }
    }

    /// Returns the same device at another origin.
    pub fn at(&self, origin: &str) -> Self {
        Self { key: self.key.clone(), id: self.id, owner: self.owner.clone(), origin: origin.to_owned() }
    }

    fn sign_assertion(&self, options: &PasskeyCeremony, flags: u8) -> String {
        let client = self.client("webauthn.get", options);
        let data = data(&text(&options.options["rpId"]), flags, &[]);
        let signed = [data.as_slice(), digest(&SHA256, client.as_bytes()).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.response(&json!({
            "authenticatorData": base64(data),
            "clientDataJSON": base64(client),
            "signature": base64(signature),
            "userHandle": self.owner,
        }))
    }

    fn response(&self, response: &Value) -> String {
        let id = base64(self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
    }

    fn client(&self, kind: &str, ceremony: &PasskeyCeremony) -> String {
        let challenge = &ceremony.options["challenge"];
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false }).to_string()
    }
}

fn new_key() -> Arc<EcdsaKeyPair> {
    Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
}

/// Flags of the authenticator data (WebAuthn, 6.1): user present, user verified, attested credential data included.
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
const ATTESTED_CREDENTIAL: u8 = 64;

/// Returns authenticator data with a signature counter of zero.
fn data(host: &str, flags: u8, attested: &[u8]) -> Vec<u8> {
    [digest(&SHA256, host.as_bytes()).as_ref(), &[flags, 0, 0, 0, 0], attested].concat()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
