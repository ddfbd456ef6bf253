//! Session cookie: `__Host-` with TLS, never readable by scripts, and its removal (E12).
use crate::Sessions;
use http::{HeaderMap, HeaderValue, header};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// Cookie name with TLS: the prefix makes browsers reject a cookie that another host, or a page without TLS, has set.
const SECURE_COOKIE_NAME: &str = "__Host-castellan";
/// Cookie name without TLS, on loopback only.
const INSECURE_COOKIE_NAME: &str = "castellan";

/// Returns the middleware that loads the session of a request. `absolute` is the longest that a session lasts.
pub fn layer(sessions: Sessions, https: bool, absolute: std::time::Duration) -> SessionManagerLayer<Sessions> {
    let age = time::Duration::try_from(absolute).unwrap_or(time::Duration::DAY);
    SessionManagerLayer::new(sessions)
        .with_name(name(https))
        .with_secure(https)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(age))
}

const fn name(https: bool) -> &'static str {
    if https { SECURE_COOKIE_NAME } else { INSECURE_COOKIE_NAME }
}

/// Returns the cookies of a request, without those whose names the session layer would read differently: it decodes and trims
/// names, so that `__%48ost-castellan`, which a page on another host can set, would be accepted. With two session cookies
/// it is unclear which was meant, so both are dropped.
pub fn sanitized(headers: &HeaderMap, https: bool) -> String {
    sanitize(headers, name(https))
}

fn sanitize(headers: &HeaderMap, session: &str) -> String {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    let mut plain: Vec<_> =
        pairs.filter_map(|pair| std::str::from_utf8(pair).ok()).filter(|pair| is_plain(pair)).collect();
    let is_session = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| name == session);
    if plain.iter().filter(|pair| is_session(pair)).count() > 1 {
        plain.retain(|pair| !is_session(pair));
    }
    plain.join("; ")
}

/// Returns whether every parser reads the same name.
fn is_plain(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%')
        && pair.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// Returns whether a request has a session cookie.
pub fn is_in(headers: &HeaderMap) -> bool {
    let names = pairs(headers).filter_map(|pair| pair.split('=').next());
    names.map(str::trim).any(|name| name == INSECURE_COOKIE_NAME || name == SECURE_COOKIE_NAME)
}

/// Returns the values of all cookies with this name; a browser may send several.
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    pairs(headers).filter_map(|pair| pair.split_once('=')).filter(move |(its, _)| *its == name).map(|(_, value)| value)
}

/// Returns the names and values of the cookies whose names have this prefix.
pub fn with_prefix<'a>(headers: &'a HeaderMap, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    pairs(headers).filter_map(|pair| pair.split_once('=')).filter(move |(name, _)| name.starts_with(prefix))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).map(str::trim)
}

/// Returns the `Set-Cookie` header that removes the cookie. The session itself ends on the server.
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
        assert!(is_in(&headers), "a cookie without a value counts, too");
    }

    #[test]
    fn m_01_a_session_cookie_counts_once_and_under_its_own_name() {
        let cleaned = |lines: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
            }
            sanitize(&headers, SECURE_COOKIE_NAME)
        };
        let own = b"a=1; __Host-castellan=x;b=2".as_slice();
        assert_eq!(cleaned(&[own]), "a=1; __Host-castellan=x; b=2");
        assert_eq!(cleaned(&[own, b"c=3"]), "a=1; __Host-castellan=x; b=2; c=3");
        for other in [
            b"__%48ost-castellan=y".as_slice(),
            b"%5f_Host-castellan=y",
            "\u{a0}__Host-castellan=y".as_bytes(),
            "__Host-castellan\u{2003}=y".as_bytes(),
            b"\xff__Host-castellan=y",
            b"__Host-castellan =y",
            b"__Host-castellan\t=y",
            b"=y",
            b"",
            "d=\u{e9}".as_bytes(),
        ] {
            assert_eq!(cleaned(&[own, other]), "a=1; __Host-castellan=x; b=2", "{other:?}");
            assert_eq!(cleaned(&[&[other, b"; ", own].concat()]), "a=1; __Host-castellan=x; b=2", "{other:?}");
            assert_eq!(cleaned(&[other]), "");
        }
        for second in [b"__Host-castellan=y".as_slice(), b"__Host-castellan=x", b"__Host-castellan="] {
            assert_eq!(cleaned(&[own, second]), "a=1; b=2");
            assert_eq!(cleaned(&[&[second, b"; ", own].concat()]), "a=1; b=2");
        }
        assert_eq!(cleaned(&[own, b"castellan=y"]), "a=1; __Host-castellan=x; b=2; castellan=y", "another name");
    }

    #[test]
    fn trap_e12_the_removal_of_a_host_cookie_is_secure() {
        let removal = removal(true);
        let text = removal.to_str().unwrap();
        assert!(text.starts_with(SECURE_COOKIE_NAME) && text.contains("; Secure") && text.contains("Path=/"));
    }
}
