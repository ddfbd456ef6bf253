//! Sign-in tickets: sealed cookies that bind a provider's response to the browser that started the sign-in.
use crate::{SessionKey, cookie};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{BrowserSessionId, PersonId, Timestamp};
use http::{HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The maximum duration of a sign-in at the provider.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);
/// The cookie's name with TLS, and on a loopback address without.
const NAMES: (&str, &str) = ("__Host-castellan-sign-in", "castellan-sign-in");

/// The state of one sign-in at a provider. It can be used once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ticket {
    /// The store marks its hash as used.
    pub(super) id: String,
    /// The provider's id in URLs.
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: String,
    /// The PKCE code verifier.
    pub(super) verifier: String,
    /// The local path to continue at.
    pub(super) next: String,
    /// The account to link to, and the session that requested it.
    #[serde(rename = "links")]
    pub(super) link_to: Option<(PersonId, BrowserSessionId)>,
    /// Whether it is the step-up authentication of a signed-in person.
    #[serde(rename = "again")]
    pub(super) reauthenticate: bool,
    pub(super) expires_at: Timestamp,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Ticket {
    /// Returns when the sign-in was started.
    pub(super) fn started_at(&self) -> Timestamp {
        self.expires_at.before(LIFETIME)
    }

    /// Returns the `Set-Cookie` header; `None` when sealing fails.
    pub(super) fn cookie(&self, key: &SessionKey, https: bool) -> Option<HeaderValue> {
        let mut sealed = serde_json::to_vec(self).ok()?;
        let nonce = cipher(key)?.seal_in_place_append_tag(Aad::from(name(https)), &mut sealed).ok()?;
        let value = BASE64_URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat());
        let secure = if https { "; Secure" } else { "" };
        let (name, max_age) = (name(https), LIFETIME.as_secs());
        format!("{name}={value}; Max-Age={max_age}; Path=/; HttpOnly; SameSite=Lax{secure}").parse().ok()
    }

    /// Returns the ticket of this browser; `None` for several of them, and for one that was tampered with.
    pub(super) fn from_headers(headers: &HeaderMap, key: &SessionKey, https: bool) -> Option<Self> {
        let mut found = cookie::values(headers, name(https));
        let (Some(value), None) = (found.next(), found.next()) else { return None };
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let plain = cipher(key)?.open_in_place(Nonce::from(nonce), Aad::from(name(https)), &mut body).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

/// Returns the `Set-Cookie` header that removes the ticket.
pub(super) const fn removal(https: bool) -> HeaderValue {
    if https {
        HeaderValue::from_static("__Host-castellan-sign-in=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax")
    } else {
        HeaderValue::from_static("castellan-sign-in=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax")
    }
}

const fn name(https: bool) -> &'static str {
    if https { NAMES.0 } else { NAMES.1 }
}

/// Returns the sealing key, derived from the session key that all nodes share.
fn cipher(key: &SessionKey) -> Option<RandomizedNonceKey> {
    let from = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret());
    RandomizedNonceKey::new(&AES_256_GCM, hmac::sign(&from, b"sign-in at a provider").as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    fn ticket() -> Ticket {
        let (id, state, nonce, verifier) = ("1".into(), "2".into(), "3".into(), "4".into());
        let (provider, next, link_to) = ("google".into(), "/".into(), None);
        Ticket { id, provider, state, nonce, verifier, next, link_to, reauthenticate: false, expires_at: Timestamp(7) }
    }

    fn headers_with(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn a_02_a_ticket_opens_for_its_own_deployment_and_unchanged_only() {
        let (key, other) = (SessionKey::new(Box::new([1; 64])), SessionKey::new(Box::new([2; 64])));
        for https in [true, false] {
            let line = ticket().cookie(&key, https).unwrap();
            let line = line.to_str().unwrap();
            assert!(line.contains("; HttpOnly; SameSite=Lax") && line.contains("; Secure") == https);
            assert_eq!(line.starts_with("__Host-"), https);
            let pair = line.split(';').next().unwrap();
            assert_eq!(Ticket::from_headers(&headers_with(&format!("a=b; {pair}")), &key, https).unwrap().state, "2");
            assert!(Ticket::from_headers(&headers_with(pair), &other, https).is_none());
            assert!(Ticket::from_headers(&headers_with(pair), &key, !https).is_none());
            assert!(
                Ticket::from_headers(&headers_with(&format!("{pair}; {pair}")), &key, https).is_none(),
                "two tickets count as none"
            );
            let changed = pair.replace(pair.chars().last().unwrap(), "-");
            assert!(Ticket::from_headers(&headers_with(&changed), &key, https).is_none());
        }
    }
}
