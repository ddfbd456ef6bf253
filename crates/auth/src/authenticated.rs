//! Authenticated person: the outcome of every sign-in method, before a session is opened.
use domain::{PersonId, SignedInBy, TenantId, Timestamp};
use store::SignInBasis;

/// A person who proved their identity.
#[derive(Clone, Debug)]
pub struct Authenticated {
    pub tenant: TenantId,
    pub person: PersonId,
    pub by: SignedInBy,
    /// The credential of the sign-in: it must still be valid when the session is opened.
    pub basis: SignInBasis,
    /// Whether a second factor was presented, or the provider vouches for one. Without it the session of someone who has or
    /// must have one reaches nothing but the pages that ask for it (M-14).
    pub second_factor_verified: bool,
    /// When they proved their identity, if that was earlier and at a provider; step-up authentication counts from then.
    pub authenticated_at: Option<Timestamp>,
}
