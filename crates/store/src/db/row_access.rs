//! Row access: what a transaction sees under PostgreSQL's row-level security.
use domain::TenantId;

/// The rows that a transaction sees under row-level security.
#[derive(Clone, Copy)]
pub(crate) enum RowAccess {
    Nothing,
    Tenant(TenantId),
    All,
}

impl RowAccess {
    /// Returns the tenant that a transaction is limited to.
    pub(crate) fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Tenant(id) => Some(id),
            Self::Nothing | Self::All => None,
        }
    }

    /// Returns `begin`, which begins a transaction, with what lets it see the rows: one round trip.
    pub(crate) fn begin(self, begin: &str) -> String {
        match self {
            Self::Nothing => begin.to_owned(),
            Self::Tenant(id) => format!("{begin}; set local castellan.tenant = '{id}'"), // an id has no quote in it
            Self::All => format!("{begin}; set local castellan.system = 'on'"),
        }
    }
}
