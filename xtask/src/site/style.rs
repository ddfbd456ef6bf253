//! Style sheet: the reset, the design tokens and base rules, and the Tailwind classes that pages use.

use crate::root::{files_below, path};
use anyhow::{Context, Result, anyhow};
use encre_css::{Config, Preflight};
use std::path::{Path, PathBuf};

/// Folders whose sources contain class names.
const RENDERED: [&str; 2] = ["app/src", "crates/islands/src"];

/// Generates the style sheet from style/theme.toml, style/*.css and the class names in the sources of `app` and `islands`.
///
/// Later rules win in the cascade: first the reset, then style/*.css by file name, then the classes.
///
/// # Errors
/// Fails if a file cannot be read, or the theme is invalid.
pub fn sheet() -> Result<String> {
    let mut sources = vec![];
    for folder in RENDERED {
        for file in files(&path(folder), "rs")? {
            sources.push(read(&file)?);
        }
    }
    sheet_for(sources.iter().map(String::as_str))
}

/// Generates the style sheet for the classes in these sources.
fn sheet_for<'a>(sources: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let mut config =
        Config::from_file(path("style/theme.toml")).map_err(|error| anyhow!("style/theme.toml: {error}"))?;
    let mut base = reset(&config);
    for file in files(&path("style"), "css")? {
        base.push_str("\n\n");
        base.push_str(&read(&file)?);
    }
    config.preflight = Preflight::new_custom(base);
    Ok(encre_css::generate(sources, &config))
}

/// Generates the reset alone, by generating a sheet without classes.
fn reset(config: &Config) -> String {
    let mut alone = Config::default();
    alone.preflight = config.preflight.clone();
    encre_css::generate([], &alone)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = files_below(folder)?;
    files.retain(|file| file.extension().is_some_and(|its| its == extension));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_win_over_base_rules_and_base_rules_over_the_reset() {
        let sheet = sheet_for(["text-muted"]).unwrap();
        let places = ["box-sizing: border-box", "a:hover {", ".text-muted {"].map(|rule| sheet.find(rule).unwrap());
        assert!(places.is_sorted(), "of two rules the later wins: {places:?}");
        assert!(sheet.contains("color: var(--muted)"));
    }

    #[test]
    fn the_theme_names_only_tokens_that_exist() {
        let theme = read(&path("style/theme.toml")).unwrap();
        let tokens = read(&path("style/tokens.css")).unwrap();
        for name in theme.split("var(").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(tokens.contains(&format!("{name}: ")), "tokens.css does not define {name}");
        }
    }
}
