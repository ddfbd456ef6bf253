//! The tenant's own data key: wrapped by the master key, it seals what the tenant keeps secret (M-06).
use crate::{
    Error, MasterKey, Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::TenantId;
use zeroize::Zeroizing;

row_type! {
    /// A tenant's key as it is kept.
    pub struct Wrapped {
        /// Sealed by the master key.
        pub wrapped: Vec<u8>,
        /// Which of the tenant's keys it is.
        pub version: i64,
    }
}

/// Where a tenant's key is sealed for.
pub(crate) fn place(tenant: TenantId, version: i64) -> String {
    format!("{tenant}/tenant_key/wrapped/{tenant}/{version}")
}

impl Wrapped {
    /// The key itself, and which of the tenant's keys it is.
    pub(crate) fn open(&self, master: &MasterKey, tenant: TenantId) -> Result<(MasterKey, i64)> {
        let bytes = Zeroizing::new(master.open(&place(tenant, self.version), &self.wrapped)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| Error::Corrupt("a tenant's key"))?;
        Ok((MasterKey::new(bytes), self.version))
    }
}

impl Write {
    /// Seals something of this tenant for one place: `table/column/row`.
    pub(crate) async fn seal(&mut self, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let (key, version) = self.tenant_key().await?;
        key.seal(&format!("{}/{place}/{version}", self.tenant), plain)
    }

    /// Opens what [`Write::seal`] sealed for that place.
    pub(crate) async fn open(&mut self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (key, version) = self.tenant_key().await?;
        key.open(&format!("{}/{place}/{version}", self.tenant), sealed).map(Zeroizing::new)
    }

    async fn tenant_key(&mut self) -> Result<(MasterKey, i64)> {
        const SQL: &str = "select wrapped, version from tenant_key where tenant_id = $1";
        tenant_query!(self, Wrapped, fetch_one, SQL)?.open(self.store.key(), self.tenant)
    }
}
