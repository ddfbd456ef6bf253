//! Types of dual control: who makes a change, whether it took effect, and who else could confirm it (D-04).
use domain::{PersonId, confirmation::ProtectedChange};

/// Whether a change took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Now,
    /// Another admin or owner has to confirm it.
    AfterConfirmation,
}

/// Who made a change, for its announcement.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    /// `None` for the console and for an identity provider's group rules.
    pub id: Option<PersonId>,
    pub name: String,
}

/// The admins of a tenant and the owners of its organizations, without locked accounts.
#[derive(Clone, Debug)]
pub(crate) struct Managers(pub Vec<PersonId>);

impl Managers {
    pub(crate) fn ids(&self) -> impl Iterator<Item = PersonId> {
        self.0.iter().copied()
    }
}

/// The change that a transaction applies because it was confirmed.
#[derive(Clone, Debug)]
pub(crate) struct ConfirmedChange {
    pub change: ProtectedChange,
    pub requester: Maker,
}
