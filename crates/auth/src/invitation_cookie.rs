//! Invitation cookie: keeps the token of an invitation while its recipient signs in, so that no URL has to carry it.
use super::cookie;
use http::{HeaderMap, HeaderValue};

const SECURE_COOKIE_NAME: &str = "__Host-castellan-invitation";
const INSECURE_COOKIE_NAME: &str = "castellan-invitation";
/// One hour, in seconds: a sign-in may include the enrollment of a second factor.
const MAX_AGE: u32 = 3_600;

/// A change of the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvitationCookie {
    /// Set to this token.
    Token(String),
    Removed,
}

/// Returns the token in the request's cookie.
pub fn from_headers(headers: &HeaderMap, https: bool) -> Option<String> {
    let name = if https { SECURE_COOKIE_NAME } else { INSECURE_COOKIE_NAME };
    cookie::values(headers, name).next().filter(|value| is_token(value)).map(str::to_owned)
}

/// Returns the `Set-Cookie` header; `None` for a text that cannot be a token.
pub fn set_cookie(cookie: &InvitationCookie, https: bool) -> Option<HeaderValue> {
    let (token, age) = match cookie {
        InvitationCookie::Token(token) if is_token(token) => (token.as_str(), MAX_AGE),
        InvitationCookie::Token(_) => return None,
        InvitationCookie::Removed => ("", 0),
    };
    let (name, secure) = if https { (SECURE_COOKIE_NAME, "; Secure") } else { (INSECURE_COOKIE_NAME, "") };
    HeaderValue::from_str(&format!("{name}={token}; Max-Age={age}; Path=/{secure}; HttpOnly; SameSite=Lax")).ok()
}

fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=100).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn an_invitation_is_kept_in_its_own_cookie_and_removed() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("castellan=a; castellan-invitation=b_C-1"));
        assert_eq!(from_headers(&headers, false).as_deref(), Some("b_C-1"));
        assert_eq!(from_headers(&headers, true), None);
        let secure = set_cookie(&InvitationCookie::Token("b".into()), true).unwrap();
        assert_eq!(secure, "__Host-castellan-invitation=b; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(
            set_cookie(&InvitationCookie::Removed, false).unwrap(),
            "castellan-invitation=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        );
        for foreign in ["", "a;b", "a b", "a\r\nb", &"a".repeat(101)] {
            assert!(set_cookie(&InvitationCookie::Token(foreign.into()), true).is_none(), "{foreign:?}");
        }
    }
}
