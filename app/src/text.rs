//! Localized texts, by key, from `locales/`. `t!("key", name = value)` looks one up.
use fluent_templates::{LanguageIdentifier, Loader, fluent_bundle::FluentValue, static_loader};
use parking_lot::RwLock;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

static_loader! {
    static CATALOG = {
        locales: "./locales",
        fallback_language: "en",
        // Bidi isolation marks would be visible in attributes and titles.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// The text of a key in the person's language, with values for its placeholders.
#[macro_export]
macro_rules! t {
    ($key:literal) => { $crate::text::plain($key) };
    ($key:literal, $($name:ident = $value:expr),+ $(,)?) => {
        $crate::text::text($key, [$((stringify!($name), $crate::text::Value::from($value))),+])
    };
}

/// The value of a placeholder: text or a number.
pub type Value = FluentValue<'static>;

/// Returns a text without placeholders. A page has hundreds of them, so each is cached per language.
pub fn plain(key: &'static str) -> String {
    static CACHE: TextCache = TextCache(RwLock::new(BTreeMap::new()));
    let language = language();
    CACHE.text(language, key, || CATALOG.lookup(language, key))
}

/// The cache of texts without placeholders.
struct TextCache(RwLock<BTreeMap<(&'static LanguageIdentifier, &'static str), String>>);

impl TextCache {
    fn text(
        &self,
        language: &'static LanguageIdentifier,
        key: &'static str,
        look_up: impl FnOnce() -> String,
    ) -> String {
        if let Some(text) = self.0.read().get(&(language, key)) {
            return text.clone();
        }
        let text = look_up();
        self.0.write().insert((language, key), text.clone());
        text
    }
}

/// Returns a text with its placeholders filled in.
pub fn text<const N: usize>(key: &str, values: [(&'static str, Value); N]) -> String {
    let values: HashMap<Cow<'static, str>, Value> =
        values.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
    CATALOG.lookup_with_args(language(), key, &values)
}

/// Returns the language of the response; there is only one so far.
pub fn language() -> &'static LanguageIdentifier {
    CATALOG.fallback()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    fn read(folder: &Path, extension: &str, into: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, extension, into);
            } else if path.extension().is_some_and(|its| its == extension) {
                into.push_str(&fs::read_to_string(path).unwrap());
                into.push('\n');
            }
        }
    }

    fn all(folder: &str, extension: &str) -> String {
        let mut text = String::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), extension, &mut text);
        text
    }

    /// Keys in `t!("key"`; a key is lower case, digits and hyphens, which leaves this sentence out.
    fn used() -> BTreeSet<String> {
        let source = all("src", "rs");
        let is_key = |word: &&str| {
            *word != "key" && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        source
            .split("t!(")
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
            .filter(is_key)
            .map(str::to_owned)
            .collect()
    }

    fn known() -> Vec<String> {
        let starts = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
        all("locales/en", "ftl")
            .lines()
            .filter(starts)
            .filter_map(|l| Some(l.split_once('=')?.0.trim().to_owned()))
            .collect()
    }

    #[test]
    fn the_catalog_has_every_used_text_exactly_once_and_no_other() {
        let known = known();
        let once: BTreeSet<_> = known.iter().cloned().collect();
        assert_eq!(known.len(), once.len(), "a key is in the catalog twice");
        let missing: Vec<_> = used().difference(&once).cloned().collect();
        let unused: Vec<_> = once.difference(&used()).cloned().collect();
        assert!(missing.is_empty() && unused.is_empty(), "missing: {missing:#?}\nunused: {unused:#?}");
    }

    #[test]
    fn texts_are_cached_per_language() {
        let known = super::TextCache(Default::default());
        let language = |tag: &str| &*Box::leak(Box::new(tag.parse::<super::LanguageIdentifier>().unwrap()));
        let (english, german) = (language("en"), language("de"));
        assert_eq!(known.text(english, "nav-keys", || "Keys".into()), "Keys");
        assert_eq!(known.text(german, "nav-keys", || "Schlüssel".into()), "Schlüssel");
        assert_eq!(known.text(english, "nav-keys", || panic!("it is known")), "Keys");
    }

    #[test]
    fn placeholders_are_filled_without_isolation_marks() {
        assert_eq!(t!("title", page = "Keys"), "Keys · Castellan");
    }
}
