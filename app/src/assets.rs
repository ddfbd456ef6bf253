//! URLs of static assets, whose file names contain their digests, and of the server itself.
use std::{fmt, sync::Arc};

/// Looks up the URL of an asset by its logical name.
pub type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The static assets by their logical names (`castellan.css`). In the context of every page.
#[derive(Clone)]
pub struct Assets(pub Arc<Lookup>);

impl Assets {
    /// Returns the URL of an asset, or its logical name under `/pkg` if the site was built without it.
    pub fn url(&self, name: &str) -> String {
        (self.0)(name).unwrap_or_else(|| format!("/pkg/{name}"))
    }
}

impl fmt::Debug for Assets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assets")
    }
}

/// The server's public origin (scheme, host and port), for absolute links. In the context of every page and server function.
#[derive(Clone, Debug)]
pub struct PublicOrigin(pub String);
