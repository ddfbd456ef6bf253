//! Browsers that somebody signed in with before: a cookie that opens nothing, and keeps their way in (D-02).
use http::{HeaderMap, HeaderValue, header};

const SECURE: &str = "__Host-castellan-device";
const PLAIN: &str = "castellan-device";
/// One year, in seconds.
const AGE: u32 = 366 * 86_400;

/// What the request's cookie holds.
pub fn shown(headers: &HeaderMap, https: bool) -> Option<String> {
    let name = if https { SECURE } else { PLAIN };
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(its, _)| *its == name).map(|(_, value)| value.to_owned()).filter(|value| value.len() <= 100)
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

    #[test]
    fn a_device_is_read_from_its_own_cookie_only() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("castellan=a; castellan-device=b"));
        assert_eq!(shown(&headers, false).as_deref(), Some("b"));
        assert_eq!(shown(&headers, true), None);
        assert!(line("b", true).unwrap().to_str().unwrap().contains("; Secure"));
    }
}
