//! Issuer URLs: https, or plain http on a loopback address for tests and development.
use super::Kind;
use crate::Invalid;

pub const GOOGLE: &str = "https://accounts.google.com";
/// The address of GitHub, used in place of an issuer.
pub const GITHUB: &str = "https://github.com";

/// Validates the issuer of a provider of this kind. Issuers are compared exactly, so it is not normalized.
pub(super) fn check(kind: Kind, text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    match (kind, text) {
        (Kind::Google, "" | GOOGLE) => return Ok(GOOGLE.into()),
        (Kind::Google, _) => return Err(Invalid::new("issuer", format!("must be empty, or {GOOGLE}"))),
        (Kind::Github, "") => return Ok(GITHUB.into()),
        _ => {}
    }
    let host = host(text).ok_or_else(invalid_issuer)?;
    let is_plain = text.len() <= 300 && text.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\\"<>@".contains(&b));
    let allowed = text.starts_with("https://") || is_loopback_host(host);
    if !is_plain || !allowed {
        return Err(invalid_issuer());
    }
    Ok(text.to_owned())
}

fn invalid_issuer() -> Invalid {
    Invalid::new("issuer", "must be an address that begins with https:// and has neither ? nor #")
}

/// Returns whether the host of an issuer is localhost, 127.0.0.1 or `[::1]`. Only such an issuer may have endpoints on loopback addresses.
pub fn is_loopback(issuer: &str) -> bool {
    host(issuer).is_some_and(is_loopback_host)
}

fn is_loopback_host(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Returns the host of a URL, without its port.
fn host(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split('/').next()?;
    let host = match authority.split_once(']') {
        Some((address, _)) => authority.get(..=address.len())?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_02_issuers_are_https_except_on_loopback() {
        for good in [
            "https://id.acme.example",
            "https://id.acme.example:8443/realms/acme",
            "http://127.0.0.1:4000",
            "http://[::1]:4000/x",
            "http://localhost:1",
        ] {
            assert_eq!(check(Kind::Oidc, good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "id.acme.example",
            "http://id.acme.example",
            "https://",
            "https:///x",
            "https://a?b",
            "https://a#b",
            "https://user@a",
            "ftp://a",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "https://a b",
        ] {
            assert!(check(Kind::Oidc, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn google_has_a_fixed_issuer_and_github_may_be_self_hosted() {
        assert_eq!(check(Kind::Google, "").as_deref(), Ok(GOOGLE));
        assert!(check(Kind::Google, "https://evil.example").is_err());
        assert_eq!(check(Kind::Github, "").as_deref(), Ok(GITHUB));
        assert!(check(Kind::Github, "https://github.acme.example").is_ok());
    }
}
