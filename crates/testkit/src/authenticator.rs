//! Software authenticator that signs statements with a passkey (WebAuthn, level 3).
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use cose::PublicKey;
use domain::{
    PersonId, TenantId,
    consent::Statement,
    passkey::{Assertion, Base64Url, Passkey, challenge},
};

#[derive(Debug)]
enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// Authenticator data with the user present and verified, before the flags are changed by a test.
const PRESENT_AND_VERIFIED: u8 = 5;

/// An authenticator with one passkey.
#[derive(Debug)]
pub struct Authenticator {
    key: PrivateKey,
    pub passkey: Passkey,
}

impl Authenticator {
    /// Creates a passkey for ES256 on this host.
    pub fn es256(tenant: TenantId, person: PersonId, host: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let public = PublicKey::Es256 { x, y }.to_cose().unwrap();
        Self { passkey: passkey(tenant, person, host, public), key: PrivateKey::Es256(key) }
    }

    /// Creates a passkey for Ed25519 on this host.
    pub fn eddsa(tenant: TenantId, person: PersonId, host: &str) -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let public = PublicKey::EdDsa { x: key.public_key().as_ref() }.to_cose().unwrap();
        Self { passkey: passkey(tenant, person, host, public), key: PrivateKey::EdDsa(key) }
    }

    /// Signs a statement with the user verified.
    pub fn sign(&self, statement: &impl Statement) -> Assertion {
        self.sign_changed(statement, |_, _| {})
    }

    /// Signs a statement after a change of the client data and the authenticator data.
    pub fn sign_changed(
        &self,
        statement: &impl Statement,
        change: impl FnOnce(&mut String, &mut Vec<u8>),
    ) -> Assertion {
        let host = &self.passkey.relying_party;
        let (challenge, hash) = (challenge(statement), digest(&SHA256, host.as_bytes()));
        let mut client = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://{host}","crossOrigin":false}}"#
        );
        let mut data = [hash.as_ref(), &[PRESENT_AND_VERIFIED, 0, 0, 0, 0]].concat();
        change(&mut client, &mut data);
        let signed = [data.as_slice(), digest(&SHA256, client.as_bytes()).as_ref()].concat();
        let signature = match &self.key {
            PrivateKey::Es256(key) => key.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec(),
            PrivateKey::EdDsa(key) => key.sign(&signed).as_ref().to_vec(),
        };
        Assertion {
            credential_id: self.passkey.credential_id.clone(),
            authenticator_data: Base64Url(data),
            client_data: Base64Url(client.into_bytes()),
            signature: Base64Url(signature),
        }
    }
}

fn passkey(tenant: TenantId, person: PersonId, host: &str, public_key: Vec<u8>) -> Passkey {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).unwrap();
    Passkey {
        tenant,
        person,
        credential_id: Base64Url(id.to_vec()),
        public_key: Base64Url(public_key),
        relying_party: host.to_owned(),
    }
}

/// Returns an assertion as the JSON of a browser.
pub fn browser_response(assertion: &Assertion) -> String {
    let Assertion { credential_id: id, authenticator_data, client_data, signature } = assertion;
    format!(
        r#"{{"id":"{id}","rawId":"{id}","type":"public-key","response":{{"authenticatorData":"{authenticator_data}","clientDataJSON":"{client_data}","signature":"{signature}","userHandle":null}}}}"#
    )
}
