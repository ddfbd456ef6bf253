//! Public keys of passkeys as COSE_Key (RFC 9052 and 9053), and the verification of their signatures (WebAuthn, section 6.5.5).
//!
//! Authenticators encode these keys in one way only, the canonical CBOR of CTAP2, so that each algorithm has a fixed layout. Anything
//! else is no key.
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use domain::passkey::PublicKeyVerifier;

/// A public key of one of the supported algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey<'a> {
    /// ECDSA on P-256 with SHA-256: two coordinates.
    Es256 { x: &'a [u8], y: &'a [u8] },
    /// ECDSA on P-384 with SHA-384: two coordinates.
    Es384 { x: &'a [u8], y: &'a [u8] },
    /// Ed25519.
    EdDsa { x: &'a [u8] },
    /// RSASSA-PKCS1-v1_5 with SHA-256: a modulus of 2048 bits and an exponent of three bytes.
    Rs256 { n: &'a [u8], e: &'a [u8] },
}

/// The bytes before a key's first field and between its fields, and the lengths of the fields.
struct Layout {
    before: &'static [u8],
    length: usize,
    between: &'static [u8],
    second_length: usize,
}

// Maps of kty (1), alg (3), and crv, x, y (-1, -2, -3) or n, e (-1, -2).
const ES256: Layout = Layout {
    before: b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20",
    length: 32,
    between: b"\x22\x58\x20",
    second_length: 32,
};
const ES384: Layout = Layout {
    before: b"\xa5\x01\x02\x03\x38\x22\x20\x02\x21\x58\x30",
    length: 48,
    between: b"\x22\x58\x30",
    second_length: 48,
};
const EDDSA: Layout =
    Layout { before: b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", length: 32, between: b"", second_length: 0 };
const RS256: Layout = Layout {
    before: b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00",
    length: 256,
    between: b"\x21\x43",
    second_length: 3,
};

impl Layout {
    fn read<'a>(&self, key: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let (first, rest) = key.strip_prefix(self.before)?.split_at_checked(self.length)?;
        let second = rest.strip_prefix(self.between)?;
        (second.len() == self.second_length).then_some((first, second))
    }

    /// Returns `None` if a field has another length.
    fn write(&self, first: &[u8], second: &[u8]) -> Option<Vec<u8>> {
        let fits = (first.len(), second.len()) == (self.length, self.second_length);
        fits.then(|| [self.before, first, self.between, second].concat())
    }
}

impl<'a> PublicKey<'a> {
    /// Parses a COSE_Key. Returns `None` if it has an unsupported algorithm, or is not in the canonical encoding.
    pub fn read(key: &'a [u8]) -> Option<Self> {
        ES256
            .read(key)
            .map(|(x, y)| Self::Es256 { x, y })
            .or_else(|| ES384.read(key).map(|(x, y)| Self::Es384 { x, y }))
            .or_else(|| EDDSA.read(key).map(|(x, _)| Self::EdDsa { x }))
            .or_else(|| RS256.read(key).map(|(n, e)| Self::Rs256 { n, e }))
    }

    /// Returns the COSE_Key, or `None` if a field has a wrong length.
    pub fn to_cose(self) -> Option<Vec<u8>> {
        match self {
            Self::Es256 { x, y } => ES256.write(x, y),
            Self::Es384 { x, y } => ES384.write(x, y),
            Self::EdDsa { x } => EDDSA.write(x, &[]),
            Self::Rs256 { n, e } => RS256.write(n, e),
        }
    }

    /// Returns whether the owner of this key signed `message`.
    pub fn verifies(self, message: &[u8], signature: &[u8]) -> bool {
        let raw = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        // An uncompressed point (SEC 1, section 2.3.3).
        let point = |x: &[u8], y: &[u8]| [&[4], x, y].concat();
        match self {
            Self::Es256 { x, y } => raw(&ECDSA_P256_SHA256_ASN1, &point(x, y)),
            Self::Es384 { x, y } => raw(&ECDSA_P384_SHA384_ASN1, &point(x, y)),
            Self::EdDsa { x } => raw(&ED25519, x),
            Self::Rs256 { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }
}

/// Verifies with every supported algorithm.
#[derive(Clone, Copy, Debug)]
pub struct CoseKeys;

impl PublicKeyVerifier for CoseKeys {
    fn verifies(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        PublicKey::read(public_key).is_some_and(|key| key.verifies(message, signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::{KeySize, PublicKeyComponents},
        signature::{
            ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
            RSA_PKCS1_SHA256, RsaKeyPair,
        },
    };

    /// Returns a COSE_Key and a signature of "message" for each algorithm.
    fn signed() -> Vec<(Vec<u8>, Vec<u8>)> {
        let random = SystemRandom::new();
        let mut signed = vec![];
        for (algorithm, size) in [(&ECDSA_P256_SHA256_ASN1_SIGNING, 32), (&ECDSA_P384_SHA384_ASN1_SIGNING, 48)] {
            let pair = EcdsaKeyPair::generate(algorithm).unwrap();
            let (x, y) = pair.public_key().as_ref()[1..].split_at(size);
            let key = if size == 32 { PublicKey::Es256 { x, y } } else { PublicKey::Es384 { x, y } };
            signed.push((key.to_cose().unwrap(), pair.sign(&random, b"message").unwrap().as_ref().to_vec()));
        }
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = PublicKey::EdDsa { x: pair.public_key().as_ref() };
        signed.push((key.to_cose().unwrap(), pair.sign(b"message").as_ref().to_vec()));
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut signature).unwrap();
        signed.push((PublicKey::Rs256 { n: &public.n, e: &public.e }.to_cose().unwrap(), signature));
        signed
    }

    #[test]
    fn x19_signatures_of_every_algorithm_verify_with_their_key_only() {
        let signed = signed();
        for (key, signature) in &signed {
            assert!(CoseKeys.verifies(key, b"message", signature));
            assert!(!CoseKeys.verifies(key, b"massage", signature));
            let mut forged = signature.clone();
            *forged.last_mut().unwrap() ^= 1;
            assert!(!CoseKeys.verifies(key, b"message", &forged));
            let others = signed.iter().filter(|(other, _)| other != key);
            assert!(others.into_iter().all(|(other, _)| !CoseKeys.verifies(other, b"message", signature)));
        }
    }

    #[test]
    fn x19_a_key_in_any_other_encoding_is_none() {
        for (key, _) in signed() {
            assert_eq!(PublicKey::read(&key).unwrap().to_cose().unwrap(), key);
            for end in 0..key.len() {
                assert_eq!(PublicKey::read(&key[..end]), None);
            }
            assert_eq!(PublicKey::read(&[key.as_slice(), &[0]].concat()), None);
            for at in 0..7 {
                let mut other = key.clone();
                other[at] ^= 0x40;
                assert_eq!(PublicKey::read(&other), None, "byte {at}");
            }
        }
        assert_eq!(PublicKey::EdDsa { x: &[0; 31] }.to_cose(), None);
    }

    #[test]
    fn x19_a_point_that_is_not_on_the_curve_verifies_nothing() {
        let key = PublicKey::Es256 { x: &[1; 32], y: &[2; 32] }.to_cose().unwrap();
        assert!(!CoseKeys.verifies(&key, b"message", &[0x30, 6, 2, 1, 1, 2, 1, 1]));
    }
}
