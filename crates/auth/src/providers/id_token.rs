//! ID tokens: their signature, and the claims that OpenID Connect Core, section 3.1.3.7, requires. The library's own verification
//! refuses a token for odd types in unused claims.
use super::claims::{Claims, WrongClaim};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::Timestamp;
use openidconnect::{
    AccessToken, AccessTokenHash, JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeySet,
    core::{CoreJsonWebKey, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;
use std::time::Duration;

/// The allowed signature algorithms of ID tokens: those with a key that only the provider has. Never `none` or a shared secret.
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

/// The maximum time by which a provider's clock may be ahead.
pub(super) const MAX_CLOCK_SKEW: Duration = Duration::from_mins(1);
/// The maximum age of an ID token.
const MAX_AGE: Duration = Duration::from_mins(10);

/// What an ID token must state.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// Audiences that may be beside the client.
    pub other_audiences: &'a [String],
    pub nonce: &'a str,
    pub access_token: &'a AccessToken,
    pub now: Timestamp,
}

/// The reason why an ID token is refused, for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RefusedToken {
    #[error("the ID token is not a signed JSON Web Token")]
    Malformed,
    #[error("the ID token is signed with an algorithm that is not allowed")]
    Algorithm,
    #[error("the ID token has no signature by a key of the provider")]
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
    #[error("the ID token has expired (exp)")]
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

/// Verifies an ID token and returns its claims.
pub(super) fn verify(
    token: &str,
    keys: &JsonWebKeySet<CoreJsonWebKey>,
    expected: &Expected<'_>,
) -> Result<Claims, RefusedToken> {
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
    check(&claims, expected)?;
    if let Some(hash) = claims.get("at_hash") {
        let right = AccessTokenHash::from_token(expected.access_token, &algorithm, key);
        if right.ok().as_ref().map(|hash| hash.as_str()) != hash.as_str() || !hash.is_string() {
            return Err(RefusedToken::AccessToken);
        }
    }
    Ok(claims)
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

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), RefusedToken> {
    if claims.required_text("iss")? != expected.issuer {
        return Err(RefusedToken::Issuer);
    }
    claims.required_text("sub")?;
    let audiences = claims.required_texts("aud")?;
    if !audiences.iter().any(|audience| audience == expected.client_id) {
        return Err(RefusedToken::Audience);
    }
    if !audiences.iter().all(|audience| audience == expected.client_id || expected.other_audiences.contains(audience)) {
        return Err(RefusedToken::OtherAudience);
    }
    // With several audiences, the client must be the one that the token was issued to.
    let needs_party = audiences.len() > 1 || claims.get("azp").is_some();
    if needs_party && claims.required_text("azp")? != expected.client_id {
        return Err(RefusedToken::AuthorizedParty);
    }
    if claims.required_time("exp")? <= expected.now {
        return Err(RefusedToken::Expired);
    }
    let recent = expected.now.before(MAX_AGE)..=expected.now.after(MAX_CLOCK_SKEW);
    if !recent.contains(&claims.required_time("iat")?) {
        return Err(RefusedToken::Age);
    }
    if claims.required_text("nonce")? != expected.nonce {
        return Err(RefusedToken::Nonce);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn checked(changes: &Value, other_audiences: &[&str]) -> Result<(), RefusedToken> {
        let mut claims = json!({
            "iss": "https://id.example", "sub": "1", "aud": "us", "exp": 1_700_000_300, "iat": 1_700_000_000, "nonce": "n",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let other_audiences: Vec<_> = other_audiences.iter().map(|audience| (*audience).to_owned()).collect();
        let access_token = AccessToken::new("token".into());
        check(
            &Claims::read(claims.to_string().as_bytes()).unwrap(),
            &Expected {
                issuer: "https://id.example",
                client_id: "us",
                other_audiences: &other_audiences,
                nonce: "n",
                access_token: &access_token,
                now: NOW,
            },
        )
    }

    #[test]
    fn case_bc29_further_audiences_are_accepted_if_listed_and_issued_to_the_client() {
        let several = |party: &str| json!({ "aud": ["us", "330000000000000001"], "azp": party });
        assert_eq!(checked(&several("us"), &["330000000000000001"]), Ok(()));
        assert_eq!(checked(&several("us"), &[]), Err(RefusedToken::OtherAudience));
        assert_eq!(checked(&several("us"), &["33000000000000000"]), Err(RefusedToken::OtherAudience));
        assert_eq!(checked(&several("them"), &["330000000000000001"]), Err(RefusedToken::AuthorizedParty));
        let no_party = json!({ "aud": ["us", "330000000000000001"] });
        assert!(matches!(checked(&no_party, &["330000000000000001"]), Err(RefusedToken::Claim(_))));
        assert_eq!(
            checked(&json!({ "aud": ["330000000000000001"] }), &["330000000000000001"]),
            Err(RefusedToken::Audience)
        );
        assert_eq!(checked(&json!({ "aud": ["us"] }), &[]), Ok(()));
    }

    #[test]
    fn a_02_each_required_claim_is_checked() {
        assert_eq!(checked(&json!({}), &[]), Ok(()));
        for (changes, refused) in [
            (json!({ "iss": "https://id.example/" }), RefusedToken::Issuer),
            (json!({ "aud": "them" }), RefusedToken::Audience),
            (json!({ "azp": "them" }), RefusedToken::AuthorizedParty),
            (json!({ "exp": 1_700_000_000 }), RefusedToken::Expired),
            (json!({ "iat": 1_700_000_061 }), RefusedToken::Age),
            (json!({ "iat": 1_699_999_399 }), RefusedToken::Age),
            (json!({ "nonce": "m" }), RefusedToken::Nonce),
        ] {
            assert_eq!(checked(&changes, &[]), Err(refused), "{changes}");
        }
        for name in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
            for wrong in [json!(null), json!({}), json!(true)] {
                let refused = checked(&json!({ name: wrong }), &[]);
                assert!(
                    matches!(&refused, Err(RefusedToken::Claim(claim)) if claim.to_string().contains(name)),
                    "{name}: {refused:?}"
                );
            }
        }
        assert!(checked(&json!({ "sub": "" }), &[]).is_err());
    }
}
