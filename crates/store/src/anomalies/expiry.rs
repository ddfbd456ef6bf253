//! Deletion of expired sessions, known networks, notifications and counters by age, including those of revoked keys and former members.
use crate::{Result, Write, db::conn::tenant_query};
use domain::anomalies::{ACTIVE_HOURS_WINDOW, FAILURE_INTERVAL, FAILURE_INTERVALS_PER_HOUR, NETWORK_RETENTION};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Quotas need the usage of one day; the rest is for people who look into the last days.
const USAGE_DAYS: i64 = 31;
/// Inbox entries are kept for this time.
const INBOX_RETENTION: Duration = Duration::from_hours(90 * 24);
/// Messages to webhooks that were delivered or abandoned are kept for this time.
const DELIVERY_RETENTION: Duration = Duration::from_hours(14 * 24);

/// Deletes up to `$3` networks that were last used at `$2` or before.
macro_rules! old_networks {
    ($table:literal, $whose:literal) => {
        concat!(
            "delete from ",
            $table,
            " where tenant_id = $1 and (",
            $whose,
            ", network) in (select n.",
            $whose,
            ", n.network from ",
            $table,
            " n where n.tenant_id = $1 and n.last_used_at <= $2 order by n.last_used_at limit $3)"
        )
    };
}

impl Write {
    /// Deletes up to `most` expired rows of each kind. Returns whether there may be more.
    pub(crate) async fn delete_expired_sessions_and_habits(&mut self, most: u32) -> Result<bool> {
        let (networks, hours) = (self.now.before(NETWORK_RETENTION), self.span(HOUR) - ACTIVE_HOURS_WINDOW);
        let failures = self.span(FAILURE_INTERVAL) - FAILURE_INTERVALS_PER_HOUR;
        let usage = self.span(DAY) - USAGE_DAYS;
        let counts = [
            tenant_query!(
                self,
                execute,
                "delete from browser_session where tenant_id = $1 and id in (select s.id from browser_session s
                    where s.tenant_id = $1 and s.expires_at <= $2 order by s.expires_at limit $3)",
                self.now,
                most
            )?,
            tenant_query!(
                self,
                execute,
                "delete from key_hour where tenant_id = $1 and (key_id, hour) in (select h.key_id, h.hour from key_hour h
                    where h.tenant_id = $1 and h.hour < $2 order by h.hour limit $3)",
                hours,
                most
            )?,
            tenant_query!(self, execute, old_networks!("key_network", "key_id"), networks, most)?,
            tenant_query!(self, execute, old_networks!("known_network", "person_id"), networks, most)?,
            tenant_query!(
                self,
                execute,
                "delete from failure_count where tenant_id = $1 and (network, person_id, span) in (select f.network, f.person_id,
                    f.span from failure_count f where f.tenant_id = $1 and f.span <= $2 order by f.span limit $3)",
                failures,
                most
            )?,
            tenant_query!(
                self,
                execute,
                "delete from daily_usage where tenant_id = $1 and (day, person_id) in (select u.day, u.person_id
                    from daily_usage u where u.tenant_id = $1 and u.day < $2 order by u.day limit $3)",
                usage,
                most
            )?,
            tenant_query!(
                self,
                execute,
                "delete from notification where tenant_id = $1 and id in (select n.id from notification n
                    where n.tenant_id = $1 and n.created_at <= $2 order by n.created_at limit $3)",
                self.now.before(INBOX_RETENTION),
                most
            )?,
            tenant_query!(
                self,
                execute,
                "delete from webhook_delivery where tenant_id = $1 and id in (select d.id from webhook_delivery d
                    where d.tenant_id = $1 and d.ended_at <= $2 order by d.ended_at limit $3)",
                self.now.before(DELIVERY_RETENTION),
                most
            )?,
        ];
        Ok(counts.into_iter().any(|count| count >= u64::from(most)))
    }
}
