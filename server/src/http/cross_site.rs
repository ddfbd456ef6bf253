//! Cross-site request check: state-changing requests must come from our own pages (E16).
//!
//! Browsers report the origin of a request in `Sec-Fetch-Site` (W3C Fetch Metadata), which scripts cannot set, and in `Origin`.
//! Our pages have the referrer policy `same-origin`, so their forms state the true `Origin` also where a proxy removes the other header.
//! For a page with the policy `no-referrer` it is `null` (Fetch, section 3.2); then only `Sec-Fetch-Site` decides.

use super::Hosts;
use http::{HeaderMap, Method, header};

/// Reason for rejecting a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CrossSiteError {
    /// The request was initiated by another site or the browser's address bar.
    CrossSite,
    /// The request has neither an origin nor an API key.
    MissingOrigin,
}

/// Returns whether `method` is safe (RFC 9110, section 9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Checks a state-changing request.
pub(super) fn check(headers: &HeaderMap, hosts: &Hosts) -> Result<(), CrossSiteError> {
    let site = single(headers, "sec-fetch-site")?;
    let origin = single(headers, header::ORIGIN.as_str())?;
    let foreign_origin = origin.is_some_and(|origin| !hosts.is_our_origin(origin));
    match (site, origin) {
        (Some("same-origin"), Some("null")) => Ok(()),
        (Some("same-origin"), _) if !foreign_origin => Ok(()),
        (Some(_), _) => Err(CrossSiteError::CrossSite),
        (None, Some(_)) if foreign_origin => Err(CrossSiteError::CrossSite),
        (None, Some(_)) => Ok(()),
        // Browsers never add a bearer token on their own, so this cannot be forged by another site.
        (None, None) if has_bearer(headers) => Ok(()),
        (None, None) => Err(CrossSiteError::MissingOrigin),
    }
}

/// Returns whether the request has a bearer token.
fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty())
}

/// Returns the value of a header that must not be repeated.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, CrossSiteError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(CrossSiteError::CrossSite);
    }
    first.map(|value| value.to_str().map_err(|_| CrossSiteError::CrossSite)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E16: every Sec-Fetch-Site against every Origin, with and without a bearer token.
    #[test]
    fn trap_e16_only_our_own_pages_and_api_keys_can_change_state() {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap();
        let hosts = Hosts::new(&config, config.listen);
        let sites = [None, Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none"), Some("")];
        let origins = [
            None,
            Some("http://127.0.0.1:9876"),
            Some("http://localhost:9876"),
            Some("null"),
            Some("https://evil.example"),
            Some("http://127.0.0.1:9876.evil.example"),
            Some(""),
        ];
        let ours = |origin: Option<&str>| origin.is_some_and(|o| o.ends_with(":9876"));
        for site in sites {
            for origin in origins {
                for bearer in [false, true] {
                    let mut headers = HeaderMap::new();
                    if let Some(site) = site {
                        headers.insert("sec-fetch-site", site.parse().unwrap());
                    }
                    if let Some(origin) = origin {
                        headers.insert("origin", origin.parse().unwrap());
                    }
                    if bearer {
                        headers.insert("authorization", "Bearer mk_1".parse().unwrap());
                    }
                    let allowed = match site {
                        Some("same-origin") => origin.is_none() || origin == Some("null") || ours(origin),
                        Some(_) => false,
                        None => ours(origin) || (origin.is_none() && bearer),
                    };
                    assert_eq!(check(&headers, &hosts).is_ok(), allowed, "{site:?} {origin:?} bearer={bearer}");
                }
            }
        }
    }

    #[test]
    fn trap_e16_a_repeated_header_or_an_empty_token_is_rejected() {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap();
        let hosts = Hosts::new(&config, config.listen);
        let mut twice = HeaderMap::new();
        twice.append("sec-fetch-site", "same-origin".parse().unwrap());
        twice.append("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(check(&twice, &hosts), Err(CrossSiteError::CrossSite));
        for authorization in ["Bearer ", "Bearer", "Basic YTpi", ""] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", authorization.parse().unwrap());
            assert_eq!(check(&headers, &hosts), Err(CrossSiteError::MissingOrigin), "{authorization:?}");
        }
    }
}
