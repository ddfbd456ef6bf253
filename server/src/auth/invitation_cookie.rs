//! An invitation that somebody holds while they sign in: a cookie with its token, so that no address carries it further.
use super::cookie;
use http::{HeaderMap, HeaderValue};

const SECURE: &str = "__Host-castellan-invitation";
const PLAIN: &str = "castellan-invitation";
/// As long as signing in may take, with a second factor to be set up: one hour, in seconds.
const AGE: u32 = 3_600;

/// What a browser holds from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvitationCookie {
    /// The invitation with this token.
    Token(String),
    /// None any more.
    Nothing,
}

/// What the request's cookie holds.
pub fn shown(headers: &HeaderMap, https: bool) -> Option<String> {
    let name = if https { SECURE } else { PLAIN };
    cookie::values(headers, name).next().filter(|value| is_token(value)).map(str::to_owned)
}

/// The line that tells a browser what it holds; none for what is no token.
pub fn line(held: &InvitationCookie, https: bool) -> Option<HeaderValue> {
    let (token, age) = match held {
        InvitationCookie::Token(token) if is_token(token) => (token.as_str(), AGE),
        InvitationCookie::Token(_) => return None,
        InvitationCookie::Nothing => ("", 0),
    };
    let (name, secure) = if https { (SECURE, "; Secure") } else { (PLAIN, "") };
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
    fn an_invitation_is_held_by_its_own_cookie_and_forgotten() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("castellan=a; castellan-invitation=b_C-1"));
        assert_eq!(shown(&headers, false).as_deref(), Some("b_C-1"));
        assert_eq!(shown(&headers, true), None);
        let secure = line(&InvitationCookie::Token("b".into()), true).unwrap();
        assert_eq!(secure, "__Host-castellan-invitation=b; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(
            line(&InvitationCookie::Nothing, false).unwrap(),
            "castellan-invitation=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        );
        for foreign in ["", "a;b", "a b", "a\r\nb", &"a".repeat(101)] {
            assert!(line(&InvitationCookie::Token(foreign.into()), true).is_none(), "{foreign:?}");
        }
    }
}
