//! Key anomalies: the use of a key from a new network, and after a long time without use.
use super::{DAY, Detection, networks::remember_network};
use crate::{
    Error, Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    KeyId, Networks, PersonId, Timestamp,
    account::AccountNotice,
    anomalies::{ACTIVE_HOURS_WINDOW, AnomalyDetails, DORMANT_AFTER, NETWORK_RETENTION},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

row_type! {
    /// Properties of a key that its anomalies need.
    pub struct KeyProfile {
        pub name: String,
        /// Allowed networks; any network if empty.
        pub networks: Networks,
        pub owner_id: PersonId,
        /// The responsible person, if the owner is a service account.
        pub responsible_id: Option<PersonId>,
    }
}

row_type! {
    /// KnownOrigins networks of a key.
    pub struct KnownNetworks {
        /// Whether this network is known: 0 or 1.
        pub this: i64,
        pub known: i64,
    }
}

impl Write {
    /// Records the use of the actor's key from its network; `last` is the previous use. A new network is an anomaly unless
    /// the key is limited to networks or it is the key's first, and so is a use after 90 days without one (N-06).
    ///
    /// The caller does not do this for every request.
    pub async fn note_key_use(&mut self, last: Option<Timestamp>) -> Result<()> {
        let key = self.actor.key().ok_or(Error::NotFound)?;
        let profile = self.profile(key).await?;
        let silence = last.map(|at| self.now.since(at)).filter(|silence| *silence >= DORMANT_AFTER);
        if let Some(silence) = silence {
            let days = i64::try_from(silence.as_secs() / DAY.as_secs()).unwrap_or(i64::MAX);
            self.report_key_anomaly(key, &profile, AnomalyDetails::KeySilent { days }).await?;
        }
        let (_, network) = self.address_and_network();
        if network.is_empty() {
            return Ok(());
        }
        let places = tenant_query!(
            self,
            KnownNetworks,
            fetch_one,
            "select count(*) as known, cast(coalesce(sum(case when network = $3 then 1 else 0 end), 0) as bigint) as this from key_network
             where tenant_id = $1 and key_id = $2 and last_used_at > $4",
            key,
            network.clone(),
            self.now.before(NETWORK_RETENTION)
        )?;
        remember_network!(self, "key_network", "key_id", key, network);
        if places.known > 0 && places.this == 0 && profile.networks.is_empty() {
            self.report_key_anomaly(key, &profile, AnomalyDetails::KeyNetwork { known: places.known }).await?;
        }
        Ok(())
    }

    pub(super) async fn profile(&mut self, key: KeyId) -> Result<KeyProfile> {
        const SQL: &str = "select k.name, k.networks, k.owner_id, p.responsible_id from api_key k
             join person p on p.tenant_id = k.tenant_id and p.id = k.owner_id where k.tenant_id = $1 and k.id = $2";
        tenant_query!(self, KeyProfile, fetch_one, SQL, key)
    }

    /// Reports an anomaly of a key to its owner or responsible person, and to admins.
    pub(super) async fn report_key_anomaly(
        &mut self,
        key: KeyId,
        profile: &KeyProfile,
        facts: AnomalyDetails,
    ) -> Result<()> {
        let notified = profile.responsible_id.unwrap_or(profile.owner_id);
        let many = match facts {
            AnomalyDetails::TaskVolume { tasks, .. } => Some(tasks),
            _ => None,
        };
        let found = Detection {
            facts,
            subject: key.to_string(),
            span: DAY,
            person: Some(profile.owner_id),
            notified: Some(notified),
            key: Some(key),
            times: None,
        };
        let new = match many {
            Some(times) => self.report_running_total(found, times).await?,
            None => self.report_anomaly(found).await?,
        };
        if new {
            self.notify_person(notified, AccountNotice::KeyAnomaly, &profile.name).await?;
        }
        Ok(())
    }

    /// Copies the usage history of a key to its successor, so that both have the same baseline.
    pub(crate) async fn copy_usage_history(&mut self, old: KeyId, new: KeyId) -> Result<()> {
        const NETWORKS: &str = "insert into key_network (tenant_id, key_id, network, last_used_at)
             select tenant_id, $3, network, last_used_at from key_network
             where tenant_id = $1 and key_id = $2 and last_used_at > $4";
        tenant_query!(self, execute, NETWORKS, old, new, self.now.before(NETWORK_RETENTION))?;
        let since = self.span(HOUR) - ACTIVE_HOURS_WINDOW;
        const HOURS: &str = "insert into key_hour (tenant_id, key_id, hour, tasks)
             select tenant_id, $3, hour, tasks from key_hour where tenant_id = $1 and key_id = $2 and hour >= $4";
        tenant_query!(self, execute, HOURS, old, new, since)?;
        Ok(())
    }
}
