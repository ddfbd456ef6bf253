//! Device cookie: marks a browser that someone signed in with before. It grants nothing, but guesses from elsewhere do not
//! throttle it (D-02).
use super::cookie;
use http::{HeaderMap, HeaderValue};

const SECURE_COOKIE_NAME: &str = "__Host-castellan-device";
const INSECURE_COOKIE_NAME: &str = "castellan-device";
/// One year, in seconds.
const MAX_AGE: u32 = 366 * 86_400;

/// Returns the token in the request's cookie.
pub fn from_headers(headers: &HeaderMap, https: bool) -> Option<String> {
    let name = if https { SECURE_COOKIE_NAME } else { INSECURE_COOKIE_NAME };
    cookie::values(headers, name).next().filter(|value| value.len() <= 100).map(str::to_owned)
}

/// Returns the `Set-Cookie` header for a token.
pub fn set_cookie(token: &str, https: bool) -> Option<HeaderValue> {
    let value = match https {
        true => format!("{SECURE_COOKIE_NAME}={token}; Max-Age={MAX_AGE}; Path=/; Secure; HttpOnly; SameSite=Lax"),
        false => format!("{INSECURE_COOKIE_NAME}={token}; Max-Age={MAX_AGE}; Path=/; HttpOnly; SameSite=Lax"),
    };
    HeaderValue::from_str(&value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn a_device_is_read_from_its_own_cookie_only() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("castellan=a; castellan-device=b"));
        assert_eq!(from_headers(&headers, false).as_deref(), Some("b"));
        assert_eq!(from_headers(&headers, true), None);
        assert!(set_cookie("b", true).unwrap().to_str().unwrap().contains("; Secure"));
    }
}
