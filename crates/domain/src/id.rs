//! Identifiers: a type for each noun, so that one cannot be passed for another.
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A tenant: the widest wall. Nothing is shared between two of them.
    TenantId,
    /// An organization within a tenant.
    OrganizationId,
    /// A person; belongs to one tenant.
    PersonId,
    /// A task.
    TaskId,
    /// A question in the approval queue.
    ApprovalId,
    /// An enrolled runner.
    RunnerId,
    /// An API key.
    KeyId,
    /// A signed-in browser, as its owner sees it (not the secret in the cookie).
    BrowserSessionId,
    /// A person's passkey.
    PasskeyId,
    /// Something that happened with a person's account.
    EventId,
    /// A one-time token that enrolls a runner.
    EnrollmentId,
    /// An identity provider that admins set up.
    ProviderId,
    /// Somebody as an identity provider knows them.
    IdentityId,
    /// An access review.
    ReviewId,
    /// An invitation to an organization.
    InvitationId,
    /// A request to be let into an organization.
    JoinRequestId,
}
