//! Where the files of the site stand: the server knows the names with their digests.
use std::{fmt, sync::Arc};

/// Finds a file's address by its logical name.
pub type Find = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The files of the site by their logical names (`castellan.css`). In the context of every page.
#[derive(Clone)]
pub struct Assets(pub Arc<Find>);

impl Assets {
    /// The address, or the name itself where the site was built without it.
    pub fn address(&self, name: &str) -> String {
        (self.0)(name).unwrap_or_else(|| format!("/pkg/{name}"))
    }
}

impl fmt::Debug for Assets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assets")
    }
}

/// Where browsers reach this server: scheme, host and port, for links that are handed to others. In the context of every page
/// and server function.
#[derive(Clone, Debug)]
pub struct PublicOrigin(pub String);
