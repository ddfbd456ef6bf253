//! Labels of tasks, for organizing and filtering. Access control never uses them, and in rules they only add demands (M-12).
use crate::{Invalid, text::is_visible};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A set of at most 16 labels. Keys: 1 to 63 of `a-z 0-9 . _ / -`; values: up to 255 visible characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Returns all labels, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether all of the other labels are among these.
    pub fn include(&self, others: &Self) -> bool {
        others.iter().all(|(key, value)| self.0.get(key).is_some_and(|own| own == value))
    }

    /// Parses `key=value` pairs that are separated by lines or commas.
    ///
    /// ```
    /// use domain::label::Labels;
    /// let labels = Labels::parse("team=platform, env=prod").unwrap();
    /// assert_eq!(labels.iter().next(), Some(("env", "prod")));
    /// assert!(Labels::parse("Team=platform").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut labels = BTreeMap::new();
        for line in text.split([',', '\n']).map(str::trim).filter(|l| !l.is_empty()) {
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| Invalid::new("labels", format!("must be key=value, unlike “{line}”")))?;
            if labels.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
                return Err(Invalid::new("labels", format!("must not have the key “{}” twice", key.trim())));
            }
        }
        Self::try_from(labels)
    }
}

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = Invalid;
    fn try_from(labels: BTreeMap<String, String>) -> Result<Self, Invalid> {
        let key_ok = |k: &str| {
            (1..=63).contains(&k.len())
                && k.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._/-".contains(&b))
        };
        let value_ok = |v: &str| v.chars().count() <= 255 && is_visible(v);
        if labels.len() > 16 {
            return Err(Invalid::new("labels", "must be at most 16"));
        }
        for (key, value) in &labels {
            if !key_ok(key) {
                return Err(Invalid::new(
                    "labels",
                    "must have keys of 1 to 63 characters: a-z, 0-9, dot, underscore, slash and hyphen",
                ));
            }
            if !value_ok(value) {
                return Err(Invalid::new("labels", "must have values of up to 255 visible characters"));
            }
        }
        Ok(Self(labels))
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}
