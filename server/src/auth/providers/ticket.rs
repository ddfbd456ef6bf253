//! What a browser carries on its way to a provider and back: a sealed cookie that binds the answer to this browser.
use crate::{auth::cookie, keys::SessionKey};
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

/// How long somebody may take at the provider.
pub(super) const LIFE: Duration = Duration::from_mins(10);
/// The cookie's name with TLS, and on this machine's own loopback without.
const NAMES: (&str, &str) = ("__Host-castellan-sign-in", "castellan-sign-in");

/// One way to a provider and back. It is good once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ticket {
    /// Under its hash it is used up.
    pub(super) id: String,
    /// The provider's id in addresses.
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: String,
    /// The secret half of PKCE.
    pub(super) verifier: String,
    /// Where to go on background: a path of ours.
    pub(super) next: String,
    /// Whose account to link to, and in which session that was asked for.
    pub(super) links: Option<(PersonId, BrowserSessionId)>,
    /// Whether somebody who is signed in proves themselves again.
    pub(super) again: bool,
    pub(super) expires_at: Timestamp,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Ticket {
    /// When its browser was sent away.
    pub(super) fn set_out_at(&self) -> Timestamp {
        self.expires_at.before(LIFE)
    }

    /// The line that gives it to the browser; `None` when it cannot be sealed.
    pub(super) fn cookie(&self, key: &SessionKey, https: bool) -> Option<HeaderValue> {
        let mut sealed = serde_json::to_vec(self).ok()?;
        let nonce = cipher(key)?.seal_in_place_append_tag(Aad::from(name(https)), &mut sealed).ok()?;
        let value = BASE64_URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat());
        let secure = if https { "; Secure" } else { "" };
        let (name, life) = (name(https), LIFE.as_secs());
        format!("{name}={value}; Max-Age={life}; Path=/; HttpOnly; SameSite=Lax{secure}").parse().ok()
    }

    /// The one that this browser carries, unless it was tampered with or carries several.
    pub(super) fn of(headers: &HeaderMap, key: &SessionKey, https: bool) -> Option<Self> {
        let mut found = cookie::values(headers, name(https));
        let (Some(value), None) = (found.next(), found.next()) else { return None };
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let plain = cipher(key)?.open_in_place(Nonce::from(nonce), Aad::from(name(https)), &mut body).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

/// The line that makes a browser forget it.
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

/// A key of its own, from the one that all nodes share.
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
        let (provider, next, links) = ("google".into(), "/".into(), None);
        Ticket { id, provider, state, nonce, verifier, next, links, again: false, expires_at: Timestamp(7) }
    }

    fn carried(cookie: &str) -> HeaderMap {
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
            assert_eq!(Ticket::of(&carried(&format!("a=b; {pair}")), &key, https).unwrap().state, "2");
            assert!(Ticket::of(&carried(pair), &other, https).is_none());
            assert!(Ticket::of(&carried(pair), &key, !https).is_none());
            assert!(Ticket::of(&carried(&format!("{pair}; {pair}")), &key, https).is_none(), "two are none");
            let changed = pair.replace(pair.chars().last().unwrap(), "-");
            assert!(Ticket::of(&carried(&changed), &key, https).is_none());
        }
    }
}
