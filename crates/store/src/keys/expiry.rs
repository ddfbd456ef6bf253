//! Expiry notices for API keys, sent once, in time to rotate them (M-01).
use super::KEY_EXPIRY_NOTICE;
use crate::{
    Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{KeyId, PersonId, Timestamp, account::AccountNotice, notification::Notification};

row_type! {
    /// A key that expires soon.
    pub struct ExpiringKey {
        pub id: KeyId,
        pub owner_id: PersonId,
        pub name: String,
        pub prefix: String,
        pub revoked_at: Option<Timestamp>,
    }
}

/// Returns when the owner of a key with this expiry is notified; none if its lifetime is shorter than the notice period,
/// because the owner has just chosen it.
pub(super) fn expiry_notice_time(now: Timestamp, ends: Option<Timestamp>) -> Option<Timestamp> {
    ends.map(|ends| ends.before(KEY_EXPIRY_NOTICE)).filter(|at| *at > now)
}

impl Write {
    /// Notifies the owners of keys that expire soon, or the responsible people of service accounts.
    pub(crate) async fn send_expiry_notices(&mut self) -> Result<()> {
        let ending = tenant_query!(
            self,
            ExpiringKey,
            fetch_all,
            "update api_key set expiry_notice_at = null where tenant_id = $1 and expiry_notice_at is not null and expiry_notice_at <= $2
             returning id, owner_id, name, prefix, revoked_at",
            self.now
        )?;
        for key in ending.iter().filter(|key| key.revoked_at.is_none()) {
            let whose = self.check_responsible(key.owner_id, None).await?.responsible_id.unwrap_or(key.owner_id);
            self.add_account_event(whose, AccountNotice::KeyEndsSoon, &format!("{} ({}…)", key.name, key.prefix))
                .await?;
            self.notify(Notification::KeyExpiring, key.id.0);
        }
        Ok(())
    }
}
