//! Identity providers of the configuration file.
use domain::provider::Provider;
use secrecy::SecretString;

/// A provider of the configuration file.
#[derive(Debug, Clone)]
pub struct ConfiguredProvider {
    /// Its id in URLs.
    pub key: String,
    /// The name or id of the tenant that people sign in to; the first tenant where it is `None`.
    pub tenant: Option<String>,
    pub provider: Provider,
    /// The client secret.
    pub secret: SecretString,
}
