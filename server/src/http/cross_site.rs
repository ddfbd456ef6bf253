//! Whether a request that may change something comes from our own pages (E16).
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site` (W3C Fetch Metadata), which no script can
//! set, and in `Origin`. As our pages have the referrer policy `no-referrer`, the Fetch standard makes
//! a form's `Origin` the word `null`; then `Sec-Fetch-Site` alone decides.

use http::{HeaderMap, Method, header};

use super::Names;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// A foreign page, or a browser's own address bar, started it.
    Foreign,
    /// It says of itself neither where it comes from nor who it is.
    Unmarked,
}

/// Whether `method` promises to change nothing (RFC 9110, 9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Judges a request that may change something.
pub(super) fn judge(headers: &HeaderMap, names: &Names) -> Result<(), Refused> {
    let site = single(headers, "sec-fetch-site")?;
    let origin = single(headers, header::ORIGIN.as_str())?;
    let foreign_origin = origin.is_some_and(|origin| !names.is_our_origin(origin));
    match (site, origin) {
        (Some("same-origin"), Some("null")) => Ok(()),
        (Some("same-origin"), _) if !foreign_origin => Ok(()),
        (Some(_), _) => Err(Refused::Foreign),
        (None, Some(_)) if foreign_origin => Err(Refused::Foreign),
        (None, Some(_)) => Ok(()),
        // A program's key is never added by a browser on its own, so nobody can be tricked into this.
        (None, None) if has_bearer(headers) => Ok(()),
        (None, None) => Err(Refused::Unmarked),
    }
}

/// Whether the request brings its own credential instead of a cookie.
fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty())
}

/// The one value of a header; two of them are nobody's honest request.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refused> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refused::Foreign);
    }
    first.map(|value| value.to_str().map_err(|_| Refused::Foreign)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E16: every Sec-Fetch-Site against every Origin, with and without a bearer token.
    #[test]
    fn trap_e16_only_our_own_pages_and_key_holders_change_anything() {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap();
        let names = Names::new(&config, config.listen);
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
                    assert_eq!(judge(&headers, &names).is_ok(), allowed, "{site:?} {origin:?} bearer={bearer}");
                }
            }
        }
    }

    #[test]
    fn trap_e16_a_header_said_twice_or_an_empty_token_is_refused() {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap();
        let names = Names::new(&config, config.listen);
        let mut twice = HeaderMap::new();
        twice.append("sec-fetch-site", "same-origin".parse().unwrap());
        twice.append("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(judge(&twice, &names), Err(Refused::Foreign));
        for authorization in ["Bearer ", "Bearer", "Basic YTpi", ""] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", authorization.parse().unwrap());
            assert_eq!(judge(&headers, &names), Err(Refused::Unmarked), "{authorization:?}");
        }
    }
}
