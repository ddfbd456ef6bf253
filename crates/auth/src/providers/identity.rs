//! Proven identity: the person whom a provider's verified response describes.
use domain::{Email, Timestamp};

/// A person at a provider.
#[derive(Clone, Debug, Default)]
pub(super) struct ProvenIdentity {
    /// Compared exactly.
    pub issuer: String,
    /// The person's id at the provider.
    pub subject: String,
    /// An address that the provider has verified.
    pub email: Option<Email>,
    /// Untrusted text.
    pub name: Option<String>,
    /// The person's groups; `None` if the provider is not configured for them or sent no list.
    pub groups: Option<Vec<String>>,
    /// Whether the provider confirms that a second factor was used.
    pub second_factor_verified: bool,
    /// When the person authenticated at the provider; only of providers that support re-authentication.
    pub authenticated_at: Option<Timestamp>,
}

impl ProvenIdentity {
    /// Returns the name without invisible characters, if it is a valid one.
    pub fn name(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let visible: String = domain::text::visible(name).take(80).collect();
        domain::text::name("name", &visible, 80).ok()
    }
}
