//! Configuration sources: the defaults, then the file, then environment variables.

use super::{ConfigError, MANUAL, default_config, manual::Entry, setting::Setting};
use figment::{
    Error, Figment, Metadata, Profile, Provider, Source as FigmentSource,
    providers::{Format, Toml},
    util::nest,
    value::{Dict, Map, Value},
};
use std::path::Path;

/// Variable with the master key. Not a setting: it is removed from the environment at startup.
pub(crate) const ENCRYPTION_KEY: &str = "CASTELLAN_ENCRYPTION_KEY";

/// Variable with the session secret. Not a setting: it is removed from the environment at startup.
pub(crate) const SESSION_SECRET: &str = "CASTELLAN_SESSION_SECRET";

/// Variable of a setting that can contain a password, so it is removed from the environment too.
pub(crate) const DATABASE_URL: &str = "CASTELLAN_DATABASE_URL";

/// Variable with the file descriptor of the pipe that holds the master key when the program re-executes itself.
pub(crate) const ENCRYPTION_KEY_FD: &str = "CASTELLAN_ENCRYPTION_KEY_FD";

/// Layers of the configuration; later layers override earlier ones.
pub(super) struct Source(Figment);

impl Source {
    pub(super) fn open(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Figment::from(Toml::string(&default_config()));
        if let Some(file) = file {
            let unreadable = |reason: String| ConfigError::Unreadable { file: file.to_owned(), reason };
            let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
            let toml = Toml::string(&text).data().map_err(|error| unreadable(error.to_string()))?;
            let values = toml.into_values().flatten().collect();
            reject_unknown(&values, "", &file.display().to_string())?;
            layers = layers.merge(Layer { name: file.display().to_string(), values });
        }
        for layer in environment(variables)? {
            layers = layers.merge(layer);
        }
        Ok(Self(layers))
    }

    pub(super) fn read<T: Setting>(&self, key: &str) -> Result<T, ConfigError> {
        let Ok(value) = self.0.find_value(key) else {
            return T::absent().ok_or_else(|| ConfigError::Missing { key: key.to_owned(), allowed: T::allowed() });
        };
        T::read(&value).ok_or_else(|| ConfigError::Invalid {
            key: key.to_owned(),
            place: self.0.get_metadata(value.tag()).map_or_else(|| "the defaults".to_owned(), source_name),
            given: if T::SECRET { "an invalid value (not shown)".to_owned() } else { quoted(&value) },
            allowed: T::allowed(),
        })
    }
}

/// Values of one file or variable, with its name for error messages.
struct Layer {
    name: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("settings").source(FigmentSource::Custom(self.name.clone()))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

fn source_name(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(FigmentSource::Custom(name)) => name.clone(),
        _ => "the defaults".to_owned(),
    }
}

/// Returns the value for an error message, limited to 80 characters.
fn quoted(value: &Value) -> String {
    let text = super::setting::text(value).unwrap_or_else(|| match value {
        Value::Dict(..) => "a section".to_owned(),
        Value::Array(_, items) => {
            let items: Vec<_> = items.iter().map(quoted).collect();
            format!("[{}]", items.join(", "))
        }
        _ => "nothing".to_owned(),
    });
    format!("“{}”", text.chars().take(80).collect::<String>().escape_debug())
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    MANUAL.iter().flat_map(|section| section.entries)
}

fn reject_unknown(values: &Dict, above: &str, place: &str) -> Result<(), ConfigError> {
    for (name, value) in values {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        let section = MANUAL.iter().any(|section| section.name == Some(key.as_str()));
        match value {
            Value::Dict(_, inner) if section => reject_unknown(inner, &key, place)?,
            _ if entries().any(|entry| entry.key == key) => {}
            _ => return Err(ConfigError::Unknown { key, place: place.to_owned() }),
        }
    }
    Ok(())
}

fn environment(variables: impl Iterator<Item = (String, String)>) -> Result<Vec<Layer>, ConfigError> {
    let mut layers = Vec::new();
    for (variable, text) in variables.filter(|(variable, _)| variable.starts_with("CASTELLAN_")) {
        let Some(entry) = entries().find(|entry| entry.variable() == variable) else {
            if [ENCRYPTION_KEY, ENCRYPTION_KEY_FD, SESSION_SECRET].contains(&variable.as_str()) || is_foreign(&variable)
            {
                continue;
            }
            return Err(ConfigError::Unknown { key: variable, place: "the environment".to_owned() });
        };
        let value: Value = match text.parse() {
            Ok(value) => value,
            Err(never) => match never {},
        };
        layers.push(Layer {
            name: format!("the variable {variable}"),
            values: nest(entry.key, value).into_dict().unwrap_or_default(),
        });
    }
    Ok(layers)
}

/// Returns whether a variable has the prefix but is not a setting: Kubernetes sets some in every pod of a namespace with a Service
/// named `castellan`, and tests use their own.
fn is_foreign(variable: &str) -> bool {
    variable.starts_with("CASTELLAN_TEST_")
        || variable.contains("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.ends_with("_PORT")
        || variable.contains("_PORT_")
}
