//! Failure anomalies: wrong passwords and second factors, counted for an hour by person and by network.
use super::{DAY, Detection};
use crate::{
    Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    PersonId,
    account::AccountNotice,
    anomalies::{AnomalyDetails, FAILURE_INTERVAL, FAILURE_INTERVALS_PER_HOUR, GUESSING_THRESHOLD, SPRAYING_THRESHOLD},
};

row_type! {
    /// Failures of the last hour.
    pub struct FailureCounts {
        pub failures: i64,
        /// Number of networks, or of people.
        pub kinds: i64,
    }
}

impl Write {
    /// Counts a failed sign-in as `person`. Many failures for one person are reported to them, and many people from one
    /// network to admins: once a day, and again when the number has doubled.
    pub(crate) async fn count_failure(&mut self, person: PersonId) -> Result<()> {
        let (_, network) = self.address_and_network();
        let span = self.span(FAILURE_INTERVAL);
        let since = span - FAILURE_INTERVALS_PER_HOUR;
        const OLD: &str = "delete from failure_count where tenant_id = $1 and span <= $2";
        tenant_query!(self, execute, OLD, since)?;
        tenant_query!(
            self,
            execute,
            "insert into failure_count (tenant_id, network, person_id, span, failures) values ($1, $2, $3, $4, 1)
             on conflict (tenant_id, network, person_id, span) do update set failures = failure_count.failures + 1",
            network.clone(),
            person,
            span
        )?;
        self.guessing(person, since).await?;
        if network.is_empty() { Ok(()) } else { self.spraying(network, since).await }
    }

    async fn guessing(&mut self, person: PersonId, since: i64) -> Result<()> {
        let FailureCounts { failures, kinds: networks } = tenant_query!(
            self,
            FailureCounts,
            fetch_one,
            "select cast(coalesce(sum(failures), 0) as bigint) as failures, count(distinct network) as kinds
             from failure_count where tenant_id = $1 and person_id = $2 and span > $3",
            person,
            since
        )?;
        if failures < GUESSING_THRESHOLD {
            return Ok(());
        }
        let found = Detection {
            facts: AnomalyDetails::Guessing { failures, networks },
            subject: person.to_string(),
            span: DAY,
            person: Some(person),
            notified: Some(person),
            key: None,
            times: None,
        };
        if self.report_running_total(found, failures).await? {
            self.notify_person(person, AccountNotice::ManyFailures, "").await?;
        }
        Ok(())
    }

    async fn spraying(&mut self, network: String, since: i64) -> Result<()> {
        let FailureCounts { failures, kinds: accounts } = tenant_query!(
            self,
            FailureCounts,
            fetch_one,
            "select cast(coalesce(sum(failures), 0) as bigint) as failures, count(distinct person_id) as kinds
             from failure_count where tenant_id = $1 and network = $2 and span > $3",
            network.clone(),
            since
        )?;
        if accounts < SPRAYING_THRESHOLD {
            return Ok(());
        }
        let found = Detection {
            facts: AnomalyDetails::Spraying { accounts, failures },
            subject: network,
            span: DAY,
            person: None,
            notified: None,
            key: None,
            times: None,
        };
        self.report_running_total(found, accounts).await.map(drop)
    }
}
