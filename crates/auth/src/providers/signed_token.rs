//! Signed JSON Web Tokens (RFC 7519): their signature by a key of the provider. The library's own verification refuses a token for odd
//! types in unused claims.
use super::claims::{Claims, WrongClaim};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeySet,
    core::{CoreJsonWebKey, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;

/// The allowed signature algorithms: those with a key that only the provider has. Never `none` or a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The reason why a token is refused, for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RefusedToken {
    #[error("the token is not a signed JSON Web Token")]
    Malformed,
    #[error("the token is signed with an algorithm that is not allowed")]
    Algorithm,
    #[error("the token has no signature by a key of the provider")]
    Signature,
    #[error(transparent)]
    Claim(#[from] WrongClaim),
    #[error("the claim iss is not the issuer")]
    Issuer,
    #[error("the claim aud does not name this client")]
    Audience,
    #[error("the claim aud names an audience that is not trusted; add it to the provider's trusted audiences")]
    OtherAudience,
    #[error("the claim azp does not name this client")]
    AuthorizedParty,
    #[error("the token has expired (exp)")]
    Expired,
    #[error("the ID token was not issued recently (iat)")]
    Age,
    #[error("the claim nonce is not that of this sign-in")]
    Nonce,
    #[error("the access token does not match the ID token (at_hash)")]
    AccessToken,
}

/// The header of a signed JSON Web Token (RFC 7515, section 4.1).
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood; none is.
    crit: Option<serde_json::Value>,
}

/// A token with a valid signature.
pub(super) struct Verified<'a> {
    pub claims: Claims,
    pub algorithm: CoreJwsSigningAlgorithm,
    /// The key that signed it.
    pub key: &'a CoreJsonWebKey,
}

/// Verifies the signature of a token.
pub(super) fn verify<'a>(token: &str, keys: &'a JsonWebKeySet<CoreJsonWebKey>) -> Result<Verified<'a>, RefusedToken> {
    let (signed, signature) = token.rsplit_once('.').ok_or(RefusedToken::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(RefusedToken::Malformed)?;
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| RefusedToken::Malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| RefusedToken::Malformed)?;
    let algorithm = ALGORITHMS.into_iter().find(|algorithm| name(algorithm).as_deref() == Some(&header.alg));
    let algorithm = algorithm.filter(|_| header.crit.is_none()).ok_or(RefusedToken::Algorithm)?;
    let signature = decode(signature)?;
    let mut candidates = keys.keys().iter().filter(|key| may_sign(key, &algorithm, header.kid.as_deref()));
    let key = candidates.find(|key| key.verify_signature(&algorithm, signed.as_bytes(), &signature).is_ok());
    let key = key.ok_or(RefusedToken::Signature)?;
    let claims = Claims::read(&decode(payload)?).ok_or(RefusedToken::Malformed)?;
    Ok(Verified { claims, algorithm, key })
}

fn name(algorithm: &CoreJwsSigningAlgorithm) -> Option<String> {
    serde_json::to_value(algorithm).ok()?.as_str().map(str::to_owned)
}

/// Returns whether a key can be the one that signed: it has the id, if the token names one, and is meant for this.
fn may_sign(key: &CoreJsonWebKey, algorithm: &CoreJwsSigningAlgorithm, id: Option<&str>) -> bool {
    let is_named = id.is_none_or(|id| key.key_id().is_some_and(|known| known.as_str() == id));
    let is_for_signing = key.key_use().is_none_or(|usage| *usage == CoreJsonWebKeyUse::Signature);
    let fits = match key.signing_alg() {
        JsonWebKeyAlgorithm::Algorithm(only) => only == algorithm,
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    is_named && is_for_signing && fits
}
