//! Identifiers: one type for each kind, so that they cannot be confused.
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
    /// The widest isolation boundary: tenants share no data.
    TenantId,
    OrganizationId,
    /// A person or service account; belongs to one tenant.
    PersonId,
    TaskId,
    /// An approval request.
    ApprovalId,
    RunnerId,
    KeyId,
    /// A browser session; not the secret in the cookie.
    BrowserSessionId,
    PasskeyId,
    /// A security notice of an account, or an anomaly.
    EventId,
    /// An enrollment token.
    EnrollmentId,
    /// An identity provider.
    ProviderId,
    /// An account at an identity provider.
    IdentityId,
    ReviewId,
    InvitationId,
    JoinRequestId,
    /// A request for confirmation by a second admin or owner.
    ConfirmationId,
    /// An entry of an inbox.
    NotificationId,
    WebhookId,
    /// One message to a webhook, with all of its attempts.
    DeliveryId,
}
