//! What a provider proved about somebody, in our own terms.
use domain::{Email, Timestamp};

/// Somebody, as a provider vouches for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Proven {
    /// Who calls them so: compared exactly.
    pub issuer: String,
    /// Who they are there.
    pub subject: String,
    /// An address that the provider says it verified.
    pub email: Option<Email>,
    /// What they are called; from outside, so anything may stand in it.
    pub name: Option<String>,
    /// Their groups, as far as the provider was asked for them.
    pub groups: Vec<String>,
    /// Whether a second factor was used there.
    pub vouched: bool,
    /// When they proved there who they are, where it says so and can be asked to have it done again.
    pub proved_at: Option<Timestamp>,
}

impl Proven {
    /// A name that can be shown: what cannot be seen is left out.
    pub fn name(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let seen: String =
            name.chars().filter(|c| !c.is_control() && !domain::text::is_invisible(*c)).take(80).collect();
        domain::text::name("name", &seen, 80).ok()
    }
}
