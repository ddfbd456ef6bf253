//! Tenant choice cookie: the accounts that a password belongs to, in the browser that sent it.
use crate::{SessionKey, sealed_cookie};
use domain::{Email, PersonId, Timestamp};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Time that a person has to choose.
pub(crate) const LIFETIME: Duration = Duration::from_mins(5);

/// The accounts that a password belongs to. Only the browser that sent the password has it, in a sealed cookie.
#[derive(Clone, Serialize, Deserialize)]
pub struct TenantChoice {
    /// The store marks its hash as used.
    pub(crate) id: String,
    pub(crate) email: Email,
    /// Each account with the digest of its password hash: after a change of the password it is no longer offered.
    pub(crate) accounts: Vec<(PersonId, [u8; 32])>,
    pub(crate) expires_at: Timestamp,
}

impl fmt::Debug for TenantChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantChoice")
    }
}

impl TenantChoice {
    /// Returns the choice in the request's cookie; `None` if it was sealed elsewhere or changed.
    pub fn from_headers(headers: &HeaderMap, key: &SessionKey, https: bool) -> Option<Self> {
        sealed_cookie::from_headers(headers, cookie_name(https), key)
    }
}

pub(crate) const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-castellan-tenants" } else { "castellan-tenants" }
}
