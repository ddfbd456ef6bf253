//! Types of settings: each parses one value and describes the values that it allows.

use crate::http::Origin;
use auth::SecondFactor;
use domain::Email;
use figment::value::Value;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// Type of a setting.
pub(super) trait Setting: Sized {
    /// Whether error messages must not repeat an invalid value.
    const SECRET: bool = false;

    /// Returns a description of the allowed values, which completes the sentence "it must be …".
    fn allowed() -> String;

    /// Parses the value; returns `None` if it is invalid.
    fn read(value: &Value) -> Option<Self>;

    /// Returns the value of an unset setting; `None` if the setting is required.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Setting> Setting for Option<T> {
    const SECRET: bool = T::SECRET;

    fn allowed() -> String {
        T::allowed()
    }

    fn read(value: &Value) -> Option<Self> {
        T::read(value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Returns a value as text. Environment variables that look like numbers are parsed as numbers, so those are converted back.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.trim().to_owned()),
        Value::Char(_, letter) => Some(letter.to_string()),
        Value::Num(_, number) => number
            .to_u128()
            .map(|n| n.to_string())
            .or_else(|| number.to_i128().map(|n| n.to_string()))
            .or_else(|| number.to_f64().map(|n| n.to_string())),
        Value::Bool(_, yes) => Some(yes.to_string()),
        _ => None,
    }
}

impl Setting for bool {
    fn allowed() -> String {
        "true or false".into()
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(_, yes) => Some(*yes),
            _ => None,
        }
    }
}

impl Setting for SocketAddr {
    fn allowed() -> String {
        "an IP address and a port, such as 127.0.0.1:9876 or [::1]:9876".into()
    }

    fn read(value: &Value) -> Option<Self> {
        text(value)?.parse().ok()
    }
}

impl Setting for PathBuf {
    fn allowed() -> String {
        "a path".into()
    }

    fn read(value: &Value) -> Option<Self> {
        text(value).filter(|path| !path.is_empty() && !path.contains('\0')).map(Self::from)
    }
}

/// Whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundedInt<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> BoundedInt<MIN, MAX> {
    /// Returns the number as a size in memory.
    pub fn get(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u32, const MAX: u32> Setting for BoundedInt<MIN, MAX> {
    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(value: &Value) -> Option<Self> {
        let number = text(value)?.parse().ok()?;
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }
}

/// Quota per day, or no quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyQuota(pub Option<u32>);

impl Setting for DailyQuota {
    fn allowed() -> String {
        format!("a whole number from 1 to {}, or off", u32::MAX)
    }

    fn read(value: &Value) -> Option<Self> {
        match text(value)?.as_str() {
            "off" | "false" => Some(Self(None)), // a bare `off` in a variable reads as false
            number => number.parse::<u32>().ok().filter(|number| *number > 0).map(|number| Self(Some(number))),
        }
    }
}

impl Setting for Duration {
    fn allowed() -> String {
        "a duration from 1s to 366d: a whole number followed by s, m, h or d, such as 12h".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = text(value)?;
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds_each = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        let seconds = number.parse::<u64>().ok()?.checked_mul(seconds_each)?;
        (1..=366 * 86_400).contains(&seconds).then_some(Self::from_secs(seconds))
    }
}

impl Setting for Vec<IpNet> {
    fn allowed() -> String {
        "a list of addresses or networks, such as [\"10.0.0.0/8\", \"::1\"]".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let network = |text: &str| {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
        };
        match value {
            Value::Array(_, items) => items.iter().map(|item| network(&text(item)?)).collect(),
            other => text(other)?.split(',').map(network).collect(),
        }
    }
}

impl Setting for Origin {
    fn allowed() -> String {
        "https://HOST or https://HOST:PORT without a path (http only for loopback addresses)".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let origin: Self = text(value)?.parse().ok()?;
        (origin.is_https() || origin.is_loopback()).then_some(origin)
    }
}

impl Setting for Vec<Email> {
    fn allowed() -> String {
        "a list of email addresses, such as [\"ada@example.org\"]".into()
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Array(_, items) => items.iter().map(|item| Email::parse(&text(item)?).ok()).collect(),
            other => text(other)?.split(',').map(|address| Email::parse(address).ok()).collect(),
        }
    }
}

/// ID of an identity provider from the configuration file or from Settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKey(String);

impl ProviderKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for ProviderKey {
    fn allowed() -> String {
        "the id of an identity provider: 1 to 40 of a-z, 0-9 and hyphen".into()
    }

    fn read(value: &Value) -> Option<Self> {
        domain::provider::key(&text(value)?).ok().map(Self)
    }
}

/// Database URL. It can contain a password, so `Debug` does not print it.
#[derive(Debug, Clone)]
pub struct DatabaseUrl(SecretString);

impl DatabaseUrl {
    pub(super) fn sqlite(file: &std::path::Path) -> Self {
        Self(format!("sqlite:{}", file.display()).into())
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Setting for DatabaseUrl {
    const SECRET: bool = true;

    fn allowed() -> String {
        "sqlite:PATH, or postgres://USER:PASSWORD@HOST/DATABASE".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let url = text(value)?;
        ["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
            .then(|| Self(url.into()))
    }
}

/// Bearer token, which `Debug` does not print.
#[derive(Debug, Clone)]
pub struct Token(pub(crate) SecretString);

impl Setting for Token {
    const SECRET: bool = true;

    fn allowed() -> String {
        "16 or more visible ASCII characters".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let token = text(value)?;
        (token.len() >= 16 && token.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(token.into()))
    }
}

impl Setting for SecondFactor {
    fn allowed() -> String {
        "\"off\", \"admins\" or \"everybody\"".into()
    }

    fn read(value: &Value) -> Option<Self> {
        match text(value)?.as_str() {
            "off" | "false" => Some(Self::Off), // a bare `off` in a variable reads as false
            "admins" => Some(Self::Admins),
            "everybody" => Some(Self::Everybody),
            _ => None,
        }
    }
}

/// SMTP server URL. It can contain a password, so `Debug` does not print it.
#[derive(Debug, Clone)]
pub struct SmtpUrl(SecretString);

impl SmtpUrl {
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Setting for SmtpUrl {
    const SECRET: bool = true;

    fn allowed() -> String {
        "smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST?tls=required (without TLS only for a server on this machine)"
            .into()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = text(value)?;
        let url = url::Url::parse(&text).ok()?;
        let loopback = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
        let starttls = url.query_pairs().any(|(name, value)| (&*name, &*value) == ("tls", "required"));
        let encrypted = url.scheme() == "smtps" || url.scheme() == "smtp" && (loopback || starttls);
        encrypted.then(|| Self(text.into()))
    }
}

/// Sender address of email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(domain::Email);

impl Sender {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Setting for Sender {
    fn allowed() -> String {
        "an email address, such as castellan@example.org".into()
    }

    fn read(value: &Value) -> Option<Self> {
        domain::Email::parse(&text(value)?).ok().map(Self)
    }
}

/// Log filter: a level, or levels per target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Returns the filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for LogFilter {
    fn allowed() -> String {
        "error, warn, info, debug or trace, or levels per target such as info,server=debug".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = text(value)?;
        let known = |level: &str| level.parse::<tracing::Level>().is_ok() || level == "off";
        let valid = text.split(',').all(|part| known(part.rsplit('=').next().unwrap_or(part).trim()));
        (valid && tracing_subscriber::EnvFilter::try_new(&text).is_ok()).then_some(Self(text))
    }
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// One JSON object per line.
    Json,
}

impl Setting for LogFormat {
    fn allowed() -> String {
        "\"text\" or \"json\"".into()
    }

    fn read(value: &Value) -> Option<Self> {
        match text(value)?.as_str() {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}
