//! Invitation lookup by token: a visitor without an account names no tenant.
use super::System;
use crate::{InvitationOffer, Result, db::conn::unscoped_query, invitations::is_valid_invitation};

impl System<'_> {
    /// Returns the invitation of a token if it is valid; its use checks that again.
    pub async fn invitation(&self, token_hash: [u8; 32]) -> Result<Option<InvitationOffer>> {
        let (mut conn, now) = (self.read().await?, self.now());
        unscoped_query!(
            conn,
            InvitationOffer,
            fetch_optional,
            concat!(
                "select i.tenant_id, i.id, i.organization_id, g.name as organization, i.role, b.name as inviter, i.email, i.mailed
                 from invitation i join organization g on g.tenant_id = i.tenant_id and g.id = i.organization_id
                 join person b on b.tenant_id = i.tenant_id and b.id = i.inviter_id
                 where i.token_hash = $1 and ",
                is_valid_invitation!("$2")
            ),
            token_hash,
            now
        )
    }
}
