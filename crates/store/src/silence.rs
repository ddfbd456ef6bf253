//! Silent runners (S-12): a runner without a heartbeat for 90 s that nobody stopped is an anomaly, once until it is seen again.
//!
//! The server stamps heartbeats with its own clock, whatever the runner's says. The clocks of several nodes must agree, for leases, too.
use crate::{
    Result, Topic, Write,
    anomalies::{DAY, Detection},
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    PersonId, RunnerId, Timestamp,
    account::AccountNotice,
    anomalies::{AnomalyDetails, RUNNER_SILENCE},
    notification::Notification,
};

/// Maximum number of runners that one transaction reports.
const MAX_REPORTED: u32 = 100;
/// Maximum number of names in a notice.
const MAX_NAMES: usize = 5;

/// Whether heartbeats of a runner are expected. The index `runner_watched` has these rows.
macro_rules! watched {
    () => {
        "revoked_at is null and silent_at is null and not stopped"
    };
}
pub(crate) use watched;

row_type! {
    /// A runner that was reported as silent.
    pub struct SilentRunner {
        pub id: RunnerId,
        pub name: String,
        pub last_seen_at: Timestamp,
    }
}

row_type! {
    pub struct Admin {
        pub id: PersonId,
    }
}

impl Write {
    /// Reports the runners that are silent, to the admins. Nodes that do so at the same time report each once: the second one waits
    /// for the row and then finds it reported.
    pub(crate) async fn report_silent_runners(&mut self) -> Result<()> {
        if self.now.since(self.store.watching_since()) < RUNNER_SILENCE {
            return Ok(());
        }
        let mut silent = tenant_query!(
            self,
            SilentRunner,
            fetch_all,
            concat!(
                "update runner set silent_at = $3, connected = false where tenant_id = $1 and last_seen_at <= $2 and ",
                watched!(),
                " and id in (select r.id from runner r where r.tenant_id = $1 and r.last_seen_at <= $2 and r.revoked_at is null
                    and r.silent_at is null and not r.stopped order by r.id limit $4) returning id, name, last_seen_at"
            ),
            self.now.before(RUNNER_SILENCE),
            self.now,
            MAX_REPORTED
        )?;
        if silent.is_empty() {
            return Ok(());
        }
        silent.sort_by_key(|runner| runner.id);
        let names = shortened(silent.iter().map(|runner| runner.name.as_str()));
        for SilentRunner { id, name, last_seen_at } in silent {
            let seconds = i64::try_from(self.now.since(last_seen_at).as_secs()).unwrap_or(i64::MAX);
            let found = Detection {
                facts: AnomalyDetails::RunnerSilent { runner: id, name, seconds },
                subject: id.to_string(),
                span: DAY,
                person: None,
                notified: None,
                key: None,
                times: None,
            };
            self.report_anomaly(found).await?;
            self.notify(Notification::RunnerSilent, id.0);
            self.publish(Topic::Runners, id.0);
        }
        // `<>` lets SQLite use the index.
        const ADMINS: &str =
            "select id from person where tenant_id = $1 and tenant_role <> 'person' and tenant_role = 'admin'
             and locked_at is null order by id";
        for admin in tenant_query!(self, Admin, fetch_all, ADMINS)? {
            self.add_account_event(admin.id, AccountNotice::RunnerSilent, &names).await?;
        }
        Ok(())
    }
}

/// Returns the first names for a notice, with an ellipsis for the others.
pub(crate) fn shortened<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = if names.len() > MAX_NAMES { " …" } else { "" };
    names.take(MAX_NAMES).collect::<Vec<_>>().join(" · ") + more
}
