//! Identity providers in the configuration file: one `[[auth.provider]]` table each.
use super::setting::{Setting, text};
use auth::providers::ConfiguredProvider;
use domain::{
    Invalid,
    provider::{self, ProviderForm},
};
use figment::value::{Dict, Value};

/// What may stand in a table.
const KEYS: [&str; 12] = [
    "id",
    "kind",
    "label",
    "issuer",
    "client_id",
    "client_secret",
    "client_secret_file",
    "newcomers",
    "domains",
    "groups_claim",
    "groups",
    "tenant",
];

/// All of them, or what is wrong with one.
#[derive(Debug, Clone)]
pub struct ProviderTables {
    all: Vec<ConfiguredProvider>,
    wrong: Option<String>,
}

impl ProviderTables {
    /// The providers.
    pub fn all(&self) -> &[ConfiguredProvider] {
        &self.all
    }

    /// Why the file is refused, naming the table and the key.
    pub fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }
}

impl Setting for ProviderTables {
    const SECRET: bool = true;

    fn allowed() -> String {
        "one [[auth.provider]] table for each".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let Value::Array(_, items) = value else { return None };
        let tables: Vec<&Dict> = items.iter().map(Value::as_dict).collect::<Option<_>>()?;
        let mut read = Self { all: vec![], wrong: None };
        for (number, table) in (1..).zip(tables) {
            match one(table) {
                Ok(provider) if read.all.iter().any(|other| other.key == provider.key) => {
                    read.wrong = Some(format!("two [[auth.provider]] have the id {}", provider.key));
                }
                Ok(provider) => read.all.push(provider),
                Err(wrong) => {
                    let reason = format!("`{}` {}", wrong.field, wrong.reason);
                    read.wrong = Some(format!("[[auth.provider]] number {number}: {reason}"));
                }
            }
        }
        Some(read)
    }
}

fn one(table: &Dict) -> Result<ConfiguredProvider, Invalid> {
    if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Invalid::new(unknown, format!("is no setting of a provider; there are {}", KEYS.join(", "))));
    }
    let form = ProviderForm {
        kind: word(table, "kind")?,
        label: word(table, "label")?,
        issuer: word(table, "issuer")?,
        client_id: word(table, "client_id")?,
        newcomers: word(table, "newcomers")?,
        domains: list(table, "domains", ",")?,
        groups_claim: word(table, "groups_claim")?,
        groups: list(table, "groups", "\n")?,
    };
    Ok(ConfiguredProvider {
        key: provider::key(&word(table, "id")?)?,
        tenant: Some(word(table, "tenant")?).filter(|tenant| !tenant.is_empty()),
        provider: form.check()?,
        secret: secret(table)?.into(),
    })
}

fn secret(table: &Dict) -> Result<String, Invalid> {
    let (given, file) = (word(table, "client_secret")?, word(table, "client_secret_file")?);
    match (given.is_empty(), file.is_empty()) {
        (false, true) => provider::client_secret(&given),
        (true, false) => {
            let read = std::fs::read_to_string(&file);
            let text = read.map_err(|error| Invalid::new("client_secret_file", format!("cannot be read: {error}")))?;
            provider::client_secret(&text)
        }
        _ => Err(Invalid::new("client_secret", "must be there, or `client_secret_file`, and not both")),
    }
}

/// A text, empty where there is none.
fn word(table: &Dict, key: &str) -> Result<String, Invalid> {
    match table.get(key) {
        None => Ok(String::new()),
        Some(value) => text(value).ok_or_else(|| Invalid::new(key, "must be a text")),
    }
}

/// A list of texts, or one text.
fn list(table: &Dict, key: &str, between: &str) -> Result<String, Invalid> {
    match table.get(key) {
        Some(Value::Array(_, items)) => {
            let texts: Option<Vec<_>> = items.iter().map(text).collect();
            Ok(texts.ok_or_else(|| Invalid::new(key, "must be a list of texts"))?.join(between))
        }
        _ => word(table, key),
    }
}
