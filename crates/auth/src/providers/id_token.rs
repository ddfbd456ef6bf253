//! ID tokens: the claims that OpenID Connect Core, section 3.1.3.7, requires.
use super::{
    claims::Claims,
    signed_token::{self, RefusedToken, Verified},
};
use domain::Timestamp;
use openidconnect::{AccessToken, AccessTokenHash, JsonWebKeySet, core::CoreJsonWebKey};
use std::time::Duration;

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

/// Verifies an ID token and returns its claims.
pub(super) fn verify(
    token: &str,
    keys: &JsonWebKeySet<CoreJsonWebKey>,
    expected: &Expected<'_>,
) -> Result<Claims, RefusedToken> {
    let Verified { claims, algorithm, key } = signed_token::verify(token, keys)?;
    check(&claims, expected)?;
    if let Some(hash) = claims.get("at_hash") {
        let right = AccessTokenHash::from_token(expected.access_token, &algorithm, key);
        if right.ok().as_ref().map(|hash| hash.as_str()) != hash.as_str() || !hash.is_string() {
            return Err(RefusedToken::AccessToken);
        }
    }
    Ok(claims)
}

/// Checks that the provider issued a token to this client, about a person.
pub(super) fn check_parties(claims: &Claims, expected: &Expected<'_>) -> Result<(), RefusedToken> {
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
    Ok(())
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), RefusedToken> {
    check_parties(claims, expected)?;
    let audiences = claims.required_texts("aud")?;
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
