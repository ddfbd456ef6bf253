//! The site: all that a browser loads, made into target/site, which the server carries inside.

mod bundle;
mod cache;
mod digest;
mod script;
mod style;
mod wasm;

use anyhow::Result;

use crate::step;
use bundle::Bundle;
use cache::Cache;

/// How hard the files are compressed.
#[derive(Clone, Copy)]
pub enum Quality {
    Dev,
    Release,
}

impl Quality {
    /// Brotli's own number, of 0 to 11.
    fn brotli(self) -> i32 {
        match self {
            Self::Dev => 9,
            Self::Release => 11,
        }
    }
}

/// What was built.
pub struct Site {
    /// Changes whenever any file of the site does.
    pub digest: String,
}

/// Compiles the islands, makes the style, and writes target/site: every file under a name with the digest of its content, a
/// brotli copy (`.br`) beside it, and `manifest.json`, which maps logical names to these names.
///
/// # Errors
/// When the frontend does not compile, the style cannot be read, or a file cannot be written.
pub fn build(quality: Quality) -> Result<Site> {
    let compiled = wasm::compile()?;
    step::work("Building style and site", || {
        let mut cache = Cache::open()?;
        let mut bundle = Bundle::default();
        script::add(&compiled, &mut cache, &mut bundle)?;
        bundle.add("castellan.css", style::sheet()?.into_bytes())?;
        bundle.add_public()?;
        let digest = bundle.write(quality, &mut cache)?;
        cache.prune()?;
        Ok(Site { digest })
    })
}
