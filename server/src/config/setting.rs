//! What a setting's value may be: each type reads one value and can say what it allows.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use auth::SecondFactor;
use domain::Email;
use figment::value::Value;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use crate::http::Origin;

/// A type that one setting can have.
pub(super) trait Setting: Sized {
    /// Whether a wrong value must not be repeated in the message about it.
    const SECRET: bool = false;

    /// What is allowed, to end the sentence "allowed is …".
    fn allowed() -> String;

    /// The value, or `None` where it is not allowed.
    fn read(value: &Value) -> Option<Self>;

    /// What holds when nothing was said; `None` where something must be said.
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

/// A value as text; a variable that looks like a number is text where text is asked for.
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

/// A whole number of `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// The number, for counting things in memory.
    pub fn get(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u32, const MAX: u32> Setting for Whole<MIN, MAX> {
    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(value: &Value) -> Option<Self> {
        let number = text(value)?.parse().ok()?;
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }
}

impl Setting for Duration {
    fn allowed() -> String {
        "a time from 1s to 366d: a whole number followed by s, m, h or d, such as 12h".into()
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
        let one = |text: &str| {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
        };
        match value {
            Value::Array(_, items) => items.iter().map(|item| one(&text(item)?)).collect(),
            other => text(other)?.split(',').map(one).collect(),
        }
    }
}

impl Setting for Origin {
    fn allowed() -> String {
        "https://HOST or https://HOST:PORT without a path (http only for this machine itself)".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let origin: Self = text(value)?.parse().ok()?;
        (origin.is_https() || origin.is_loopback()).then_some(origin)
    }
}

impl Setting for Vec<Email> {
    fn allowed() -> String {
        "a list of addresses, such as [\"ada@example.org\"]".into()
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Array(_, items) => items.iter().map(|item| Email::parse(&text(item)?).ok()).collect(),
            other => text(other)?.split(',').map(|one| Email::parse(one).ok()).collect(),
        }
    }
}

/// The id of an identity provider: of one in the file, or of one that was made in Settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKey(String);

impl ProviderKey {
    /// The id.
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

/// Where the data lives, as the database's own URL; it may carry a password and so is not printed.
#[derive(Debug, Clone)]
pub struct DatabaseUrl(SecretString);

impl DatabaseUrl {
    pub(super) fn sqlite(file: &std::path::Path) -> Self {
        Self(format!("sqlite:{}", file.display()).into())
    }

    /// The URL itself, to open the database with.
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

/// A secret that somebody has to show; it is not printed.
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

/// Where mail is handed over; it may carry a password and so is not printed.
#[derive(Debug, Clone)]
pub struct SmtpUrl(SecretString);

impl SmtpUrl {
    /// The URL itself, to connect with.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Setting for SmtpUrl {
    const SECRET: bool = true;

    fn allowed() -> String {
        "smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST?tls=required (without TLS on this machine itself only)"
            .into()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = text(value)?;
        let url = url::Url::parse(&text).ok()?;
        let here = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
        let starts = url.query_pairs().any(|(name, value)| (&*name, &*value) == ("tls", "required"));
        let sound = url.scheme() == "smtps" || url.scheme() == "smtp" && (here || starts);
        sound.then(|| Self(text.into()))
    }
}

/// From whom mail comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(domain::Email);

impl Sender {
    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Setting for Sender {
    fn allowed() -> String {
        "an e-mail address, such as castellan@example.org".into()
    }

    fn read(value: &Value) -> Option<Self> {
        domain::Email::parse(&text(value)?).ok().map(Self)
    }
}

/// Which log lines are written: a level, or levels by target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter's text, in the form of `tracing_subscriber::EnvFilter`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for LogFilter {
    fn allowed() -> String {
        "error, warn, info, debug or trace, or levels by target such as info,server=debug".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = text(value)?;
        let known = |word: &str| word.parse::<tracing::Level>().is_ok() || word == "off";
        let sound = text.split(',').all(|part| known(part.rsplit('=').next().unwrap_or(part).trim()));
        (sound && tracing_subscriber::EnvFilter::try_new(&text).is_ok()).then_some(Self(text))
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
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
