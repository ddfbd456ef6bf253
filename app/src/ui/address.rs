//! Local URLs: a path and a query, parsed and formatted. Lists keep their state in them.
use crate::outcome::PAGE_FIELD;
use http::Uri;
use std::fmt::{self, Write};
use url::form_urlencoded;

/// A local path with its query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Starts with a slash.
    pub path: String,
    query: Vec<(String, String)>,
}

impl Address {
    /// Creates an address without a query.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: vec![] }
    }

    /// Parses the address of a request, without empty fields and without the [`PAGE_FIELD`] of a form with method GET.
    pub fn of(uri: &Uri) -> Self {
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
        let query = query.filter(|(name, value)| name != PAGE_FIELD && !value.is_empty()).collect();
        Self { path: uri.path().to_owned(), query }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.retain(|(n, _)| n != name);
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Removes a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.query.retain(|(n, _)| n != name);
        self
    }

    /// Removes the pagination cursors, which a changed filter invalidates.
    #[must_use]
    pub fn from_start(self) -> Self {
        self.without("after").without("before")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (n, (name, value)) in self.query.iter().enumerate() {
            f.write_char(if n == 0 { '?' } else { '&' })?;
            write!(f, "{}={}", escaped(name), escaped(value))?;
        }
        Ok(())
    }
}

/// The path parameters of a page, still encoded.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Returns a parameter; empty if the path has none of this name.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Params {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(params: I) -> Self {
        Self(params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 (2.3).
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}"); // writing to a String cannot fail
            }
        }
    }
    out
}

/// Returns `next` if it is a local page, otherwise `/`: a link to the sign-in page must not become an open redirect.
pub fn own_path(next: Option<&str>) -> String {
    let ours = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with("/sign-in")
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
    };
    next.filter(ours).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_filter_replaces_the_old_one_and_starts_at_the_first_page() {
        let here = Address::new("/tasks").with("state", "queued").with("after", "x").with("text", "a b&c");
        assert_eq!(here.clone().from_start().with("state", "lost").to_string(), "/tasks?text=a%20b%26c&state=lost");
        assert_eq!(here.without("state").without("after").without("text").to_string(), "/tasks");
    }

    #[test]
    fn trap_e16_sign_in_redirects_only_to_local_pages() {
        assert_eq!(own_path(Some("/tasks?state=queued")), "/tasks?state=queued");
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "",
            "tasks",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x",
            "/sign-in?next=/sign-in",
        ] {
            assert_eq!(own_path(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(own_path(None), "/");
    }
}
