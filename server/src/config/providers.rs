//! Identity providers in the configuration file, one `[[auth.provider]]` table each.
use super::setting::{Setting, text};
use auth::providers::ConfiguredProvider;
use domain::{
    Invalid,
    provider::{self, ProviderForm},
};
use figment::value::{Dict, Value};

/// Allowed keys of a table.
const KEYS: [&str; 13] = [
    "id",
    "kind",
    "label",
    "issuer",
    "client_id",
    "client_secret",
    "client_secret_file",
    "new_accounts",
    "domains",
    "audiences",
    "groups_claim",
    "groups",
    "tenant",
];

/// All providers, and the error if one is invalid.
#[derive(Debug, Clone)]
pub struct ProviderTables {
    all: Vec<ConfiguredProvider>,
    error: Option<String>,
}

impl ProviderTables {
    pub fn all(&self) -> &[ConfiguredProvider] {
        &self.all
    }

    /// Returns the error message, which names the table and the key.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

impl Setting for ProviderTables {
    const SECRET: bool = true;

    fn allowed() -> String {
        "one [[auth.provider]] table per provider".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let Value::Array(_, items) = value else { return None };
        let tables: Vec<&Dict> = items.iter().map(Value::as_dict).collect::<Option<_>>()?;
        let mut read = Self { all: vec![], error: None };
        for (number, table) in (1..).zip(tables) {
            match parse(table) {
                Ok(provider) if read.all.iter().any(|other| other.key == provider.key) => {
                    read.error = Some(format!("two [[auth.provider]] have the id {}", provider.key));
                }
                Ok(provider) => read.all.push(provider),
                Err(wrong) => {
                    let reason = format!("`{}` {}", wrong.field, wrong.reason);
                    read.error = Some(format!("[[auth.provider]] number {number}: {reason}"));
                }
            }
        }
        Some(read)
    }
}

fn parse(table: &Dict) -> Result<ConfiguredProvider, Invalid> {
    if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Invalid::new(
            unknown,
            format!("is not a setting of a provider; the settings are {}", KEYS.join(", ")),
        ));
    }
    let form = ProviderForm {
        kind: string(table, "kind")?,
        label: string(table, "label")?,
        issuer: string(table, "issuer")?,
        client_id: string(table, "client_id")?,
        new_accounts: string(table, "new_accounts")?,
        domains: list(table, "domains", ",")?,
        audiences: list(table, "audiences", ",")?,
        groups_claim: string(table, "groups_claim")?,
        groups: list(table, "groups", "\n")?,
    };
    Ok(ConfiguredProvider {
        key: provider::key(&string(table, "id")?)?,
        tenant: Some(string(table, "tenant")?).filter(|tenant| !tenant.is_empty()),
        provider: form.check()?,
        secret: secret(table)?.into(),
    })
}

fn secret(table: &Dict) -> Result<String, Invalid> {
    let (given, file) = (string(table, "client_secret")?, string(table, "client_secret_file")?);
    match (given.is_empty(), file.is_empty()) {
        (false, true) => provider::client_secret(&given),
        (true, false) => {
            let read = std::fs::read_to_string(&file);
            let text = read.map_err(|error| Invalid::new("client_secret_file", format!("cannot be read: {error}")))?;
            provider::client_secret(&text)
        }
        _ => Err(Invalid::new("client_secret", "or `client_secret_file` must be set, but not both")),
    }
}

/// Returns a string value; an empty string if the key is absent.
fn string(table: &Dict, key: &str) -> Result<String, Invalid> {
    match table.get(key) {
        None => Ok(String::new()),
        Some(value) => text(value).ok_or_else(|| Invalid::new(key, "must be a string")),
    }
}

/// Returns the items of a list, or a single string, joined by `separator`.
fn list(table: &Dict, key: &str, separator: &str) -> Result<String, Invalid> {
    match table.get(key) {
        Some(Value::Array(_, items)) => {
            let texts: Option<Vec<_>> = items.iter().map(text).collect();
            Ok(texts.ok_or_else(|| Invalid::new(key, "must be a list of strings"))?.join(separator))
        }
        _ => string(table, key),
    }
}
