//! Tenant data keys: wrapped by the master key, each encrypts the secrets of one tenant (M-06).
use crate::{
    Error, MasterKey, Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::TenantId;
use zeroize::Zeroizing;

row_type! {
    /// A wrapped tenant key.
    pub struct Wrapped {
        /// Encrypted with the master key.
        pub wrapped: Vec<u8>,
        /// Key version.
        pub version: i64,
    }
}

/// Returns the associated data that a tenant key is wrapped with.
pub(crate) fn place(tenant: TenantId, version: i64) -> String {
    format!("{tenant}/tenant_key/wrapped/{tenant}/{version}")
}

impl Wrapped {
    /// Unwraps the key and returns it with its version.
    pub(crate) fn open(&self, master: &MasterKey, tenant: TenantId) -> Result<(MasterKey, i64)> {
        let bytes = Zeroizing::new(master.open(&place(tenant, self.version), &self.wrapped)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| Error::Corrupt("a tenant's key"))?;
        Ok((MasterKey::new(bytes), self.version))
    }
}

impl Write {
    /// Encrypts a value of this tenant, bound to `place` (`table/column/row`).
    pub(crate) async fn seal(&mut self, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let (key, version) = self.tenant_key().await?;
        key.seal(&format!("{}/{place}/{version}", self.tenant), plain)
    }

    /// Decrypts the result of [`Write::seal`] for the same place.
    pub(crate) async fn open(&mut self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (key, version) = self.tenant_key().await?;
        key.open(&format!("{}/{place}/{version}", self.tenant), sealed).map(Zeroizing::new)
    }

    async fn tenant_key(&mut self) -> Result<(MasterKey, i64)> {
        const SQL: &str = "select wrapped, version from tenant_key where tenant_id = $1";
        tenant_query!(self, Wrapped, fetch_one, SQL)?.open(self.store.key(), self.tenant)
    }
}
