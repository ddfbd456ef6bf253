//! Bundle of the site: its files and manifest before they are written to target/site.

use super::{Quality, cache::Cache, digest::digest};
use crate::root::{files_below, path};
use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

#[derive(Default)]
pub struct Bundle {
    /// Path in the site → content.
    files: BTreeMap<String, Vec<u8>>,
    /// Logical name → path in the site, and other values that the server needs.
    manifest: BTreeMap<String, String>,
}

impl Bundle {
    /// Adds a file under `pkg/`, with the digest of its content in its name: `logo.svg` → `pkg/logo-DIGEST.svg`.
    ///
    /// # Errors
    /// Fails if the name is not UTF-8.
    pub fn add(&mut self, logical: &str, content: Vec<u8>) -> Result<()> {
        let name = Path::new(logical);
        let stem = name.with_extension("");
        let stem = stem.to_str().context("a file name that is not UTF-8")?;
        let extension = name.extension().and_then(|its| its.to_str()).map(|its| format!(".{its}")).unwrap_or_default();
        let place = format!("pkg/{stem}-{}{extension}", digest(&[&content]));
        self.add_named(logical, place, content);
        Ok(())
    }

    /// Adds a file whose path already contains a digest of its content.
    pub fn add_named(&mut self, logical: &str, place: String, content: Vec<u8>) {
        self.files.insert(place.clone(), content);
        self.note(logical, place);
    }

    /// Adds an entry to the manifest.
    pub fn note(&mut self, name: &str, value: String) {
        self.manifest.insert(name.to_owned(), value);
    }

    /// Adds everything in public/, under its path there as the logical name.
    ///
    /// # Errors
    /// Fails like the file system.
    pub fn add_public(&mut self) -> Result<()> {
        let folder = path("public");
        for file in files_below(&folder)? {
            let logical = file.strip_prefix(&folder)?.to_str().context("a file name that is not UTF-8")?;
            self.add(logical, std::fs::read(&file)?)?;
        }
        Ok(())
    }

    /// Replaces logical names in a style sheet: `url("/pkg/logo.svg")` → `url("/pkg/logo-DIGEST.svg")`.
    pub fn with_addresses(&self, sheet: &str) -> String {
        self.manifest.iter().fold(sheet.to_owned(), |sheet, (logical, place)| {
            sheet.replace(&format!("url(\"/pkg/{logical}\")"), &format!("url(\"/{place}\")"))
        })
    }

    /// Writes changed files, removes stale ones and returns the digest of the manifest.
    ///
    /// # Errors
    /// Fails like the file system.
    pub fn write(mut self, quality: Quality, cache: &mut Cache) -> Result<String> {
        let mut manifest = serde_json::to_vec_pretty(&self.manifest)?;
        manifest.push(b'\n');
        // Fonts in this format are compressed already.
        let compressible = |(place, _): &(String, Vec<u8>)| !place.ends_with(".woff2");
        for (place, content) in self.files.clone().into_iter().filter(compressible) {
            self.files.insert(format!("{place}.br"), compressed(&content, quality, cache)?);
        }
        let digest = digest(&[&manifest]);
        self.files.insert("manifest.json".to_owned(), manifest);

        let site = path("target/site");
        for (place, content) in &self.files {
            write_if_changed(&site.join(place), content)?;
        }
        let wanted: BTreeSet<PathBuf> = self.files.keys().map(|place| site.join(place)).collect();
        for stale in files_below(&site)?.into_iter().filter(|file| !wanted.contains(file)) {
            std::fs::remove_file(stale)?;
        }
        Ok(digest)
    }
}

fn compressed(content: &[u8], quality: Quality, cache: &mut Cache) -> Result<Vec<u8>> {
    let name = format!("brotli{}-{}", quality.brotli(), digest(&[content]));
    let file = cache.entry(name, |file| {
        let parameters =
            BrotliEncoderParams { quality: quality.brotli(), size_hint: content.len(), ..Default::default() };
        let mut output = std::fs::File::create(file)?;
        brotli::BrotliCompress(&mut &*content, &mut output, &parameters)?;
        Ok(())
    })?;
    Ok(std::fs::read(file)?)
}

/// Leaves an unchanged file untouched, so that cargo does not rebuild the server.
fn write_if_changed(file: &Path, content: &[u8]) -> Result<()> {
    if std::fs::read(file).is_ok_and(|present| present == content) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_loads_files_by_their_addresses() {
        let mut bundle = Bundle::default();
        bundle.add("fonts/text.woff2", b"font".to_vec()).unwrap();
        let sheet = bundle.with_addresses("src: url(\"/pkg/fonts/text.woff2\"), url(\"/pkg/none.svg\")");
        let place = &bundle.manifest["fonts/text.woff2"];
        assert!(place.starts_with("pkg/fonts/text-") && place.ends_with(".woff2"), "{place}");
        assert_eq!(sheet, format!("src: url(\"/{place}\"), url(\"/pkg/none.svg\")"));
    }
}
