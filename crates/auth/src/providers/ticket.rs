//! Sign-in tickets: sealed cookies that bind a provider's response to the browser that started the sign-in.
use crate::{SessionKey, cookie, sealed_cookie};
use domain::{BrowserSessionId, PersonId, Timestamp};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The maximum duration of a sign-in at the provider.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);
/// The maximum number of sign-ins that a browser has begun at once; one more forgets the oldest.
const MAX_TICKETS: usize = 5;
/// The beginning of the cookies' names with TLS, and on a loopback address without; the state follows. So sign-ins in several tabs do
/// not replace each other.
const PREFIXES: (&str, &str) = ("__Host-castellan-sign-in-", "castellan-sign-in-");

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
        let name = format!("{}{}", prefix(https), self.state);
        sealed_cookie::seal(&name, self, LIFETIME, key, https)
    }

    /// Returns the ticket of this browser for a state; `None` for several of them, and for one that was tampered with.
    pub(super) fn from_headers(headers: &HeaderMap, state: &str, key: &SessionKey, https: bool) -> Option<Self> {
        sealed_cookie::from_headers(headers, &format!("{}{state}", prefix(https)), key)
    }
}

/// Returns the `Set-Cookie` headers that make room for another ticket: they remove unreadable tickets and the oldest ones.
pub(super) fn removals(headers: &HeaderMap, key: &SessionKey, https: bool) -> Vec<HeaderValue> {
    let tickets = cookie::with_prefix(headers, prefix(https));
    let expiry = |name, value| sealed_cookie::open(name, value, key).map(|ticket: Ticket| ticket.expires_at);
    let mut tickets: Vec<_> = tickets.map(|(name, value)| (expiry(name, value), name)).collect();
    tickets.sort();
    let kept = tickets.iter().filter(|(expires_at, _)| expires_at.is_some()).count().min(MAX_TICKETS - 1);
    tickets.truncate(tickets.len() - kept);
    tickets.into_iter().filter_map(|(_, name)| sealed_cookie::removal(name, https)).collect()
}

const fn prefix(https: bool) -> &'static str {
    if https { PREFIXES.0 } else { PREFIXES.1 }
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
            let found = |cookie: &str, key, https| Ticket::from_headers(&headers_with(cookie), "2", key, https);
            assert_eq!(found(&format!("a=b; {pair}"), &key, https).unwrap().state, "2");
            assert!(found(pair, &other, https).is_none());
            assert!(found(pair, &key, !https).is_none());
            assert!(Ticket::from_headers(&headers_with(&pair.replace("in-2=", "in-3=")), "3", &key, https).is_none());
            assert!(found(&format!("{pair}; {pair}"), &key, https).is_none(), "two tickets count as none");
            let changed = pair.replace(pair.chars().last().unwrap(), "-");
            assert!(found(&changed, &key, https).is_none());
        }
    }

    /// BC-32: a browser keeps a limited number of tickets, the newest ones.
    #[test]
    fn case_bc32_the_oldest_tickets_are_removed() {
        let key = SessionKey::new(Box::new([1; 64]));
        let pair = |n: usize| {
            let at = Timestamp(i64::try_from(n).unwrap());
            let line = Ticket { state: n.to_string(), expires_at: at, ..ticket() }.cookie(&key, true).unwrap();
            line.to_str().unwrap().split(';').next().unwrap().to_owned()
        };
        let removed = |cookies: Vec<String>| {
            let lines = removals(&headers_with(&cookies.join("; ")), &key, true);
            let names = lines.iter().map(|line| line.to_str().unwrap().split('=').next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(removed((1..MAX_TICKETS).map(pair).collect()), Vec::<String>::new());
        assert_eq!(removed((1..=MAX_TICKETS).rev().map(pair).collect()), ["__Host-castellan-sign-in-1"]);
        assert_eq!(removed(vec![pair(1), "__Host-castellan-sign-in-x=y".into()]), ["__Host-castellan-sign-in-x"]);
    }
}
