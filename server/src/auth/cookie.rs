//! The session's cookie: `__Host-` where there is TLS, never readable by scripts, and its removal (E12).
use super::Sessions;
use http::{HeaderMap, HeaderValue, header};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// Its name with TLS: the prefix makes browsers refuse one that another host or a page without TLS set.
const SECURE: &str = "__Host-castellan";
/// Its name on a machine's own loopback without TLS.
const PLAIN: &str = "castellan";

/// The layer that gives requests their session. `absolute` is how long a session lasts at most.
pub fn layer(sessions: Sessions, https: bool, absolute: std::time::Duration) -> SessionManagerLayer<Sessions> {
    let age = time::Duration::try_from(absolute).unwrap_or(time::Duration::DAY);
    SessionManagerLayer::new(sessions)
        .with_name(if https { SECURE } else { PLAIN })
        .with_secure(https)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(age))
}

/// Whether a request carries a session's cookie.
pub(super) fn is_in(headers: &HeaderMap) -> bool {
    let names = pairs(headers).filter_map(|pair| pair.split('=').next());
    names.map(str::trim).any(|name| name == PLAIN || name == SECURE)
}

/// What the cookies of this name hold, as the request carries them: nothing keeps a browser from sending several.
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    pairs(headers).filter_map(|pair| pair.split_once('=')).filter(move |(its, _)| *its == name).map(|(_, value)| value)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).map(str::trim)
}

/// The line that makes a browser forget the cookie. What counts is that the session ended on the server.
pub const fn removal(https: bool) -> HeaderValue {
    if https {
        HeaderValue::from_static("__Host-castellan=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax")
    } else {
        HeaderValue::from_static("castellan=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_their_whole_name_from_all_lines() {
        let mut headers = HeaderMap::new();
        for line in ["a=1; castellan-x=2;a=3", "a=4=5; b", "ab=6; A=7"] {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        assert_eq!(values(&headers, "a").collect::<Vec<_>>(), ["1", "3", "4=5"]);
        assert_eq!(values(&headers, "b").count() + values(&headers, "castellan").count(), 0);
        assert!(!is_in(&headers));
        headers.append(header::COOKIE, "castellan".parse().unwrap());
        assert!(is_in(&headers), "one without a value is one, too");
    }

    #[test]
    fn trap_e12_the_removal_of_a_host_cookie_is_secure() {
        let removal = removal(true);
        let text = removal.to_str().unwrap();
        assert!(text.starts_with(SECURE) && text.contains("; Secure") && text.contains("Path=/"));
    }
}
