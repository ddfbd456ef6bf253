//! Browsers that somebody signed in with before: a cookie that opens nothing, and keeps their way in (D-02).
use super::cookie;
use http::{HeaderMap, HeaderValue};

const SECURE: &str = "__Host-castellan-device";
const PLAIN: &str = "castellan-device";
/// One year, in seconds.
const AGE: u32 = 366 * 86_400;

/// What the request's cookie holds.
pub fn shown(headers: &HeaderMap, https: bool) -> Option<String> {
    let name = if https { SECURE } else { PLAIN };
    cookie::values(headers, name).next().filter(|value| value.len() <= 100).map(str::to_owned)
}

/// The line that makes a browser keep it.
pub fn line(token: &str, https: bool) -> Option<HeaderValue> {
    let line = match https {
        true => format!("{SECURE}={token}; Max-Age={AGE}; Path=/; Secure; HttpOnly; SameSite=Lax"),
        false => format!("{PLAIN}={token}; Max-Age={AGE}; Path=/; HttpOnly; SameSite=Lax"),
    };
    HeaderValue::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn a_device_is_read_from_its_own_cookie_only() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("castellan=a; castellan-device=b"));
        assert_eq!(shown(&headers, false).as_deref(), Some("b"));
        assert_eq!(shown(&headers, true), None);
        assert!(line("b", true).unwrap().to_str().unwrap().contains("; Secure"));
    }
}
