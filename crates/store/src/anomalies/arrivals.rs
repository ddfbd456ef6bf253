//! Sign-in anomalies: known browsers and networks of each person, limited in number and age, and sign-ins from new ones.
use super::{Detection, networks::remember_network};
use crate::{
    Result, Topic, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    EventId, PersonId,
    account::AccountNotice,
    anomalies::{AnomalyDetails, NETWORK_RETENTION},
    audit::Outcome,
};
use serde_json::json;
use std::time::Duration;

/// Where a sign-in came from.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Hash of the browser's new device cookie.
    pub token_hash: [u8; 32],
    /// Browser and operating system.
    pub device: String,
    /// Whether a second factor was verified here or by the provider.
    pub second_factor_verified: bool,
}

row_type! {
    /// KnownOrigins browsers, networks and factors of a person.
    pub struct KnownOrigins {
        /// Whether this browser is known: 0 or 1.
        pub device: i64,
        pub devices: i64,
        pub network: i64,
        pub networks: i64,
        pub factors: i64,
    }
}

row_type! {
    /// A reported sign-in.
    pub struct ReportedSignIn {
        pub id: EventId,
        pub facts: AnomalyDetails,
    }
}

/// Sign-ins of one person from new places within this time are one anomaly.
const HOUR: Duration = Duration::from_hours(1);

impl Write {
    /// Remembers the browser and the network of a sign-in. A new one is an anomaly, reported to the person and to admins,
    /// unless it is the account's first (N-06).
    pub async fn arrive(&mut self, person: PersonId, arrival: &Arrival) -> Result<()> {
        let (address, network) = self.address_and_network();
        let known = tenant_query!(
            self,
            KnownOrigins,
            fetch_one,
            "select
                (select count(*) from known_device d where d.tenant_id = $1 and d.person_id = $2 and d.token_hash = $3) as device,
                (select count(*) from known_device d where d.tenant_id = $1 and d.person_id = $2) as devices,
                (select count(*) from known_network n where n.tenant_id = $1 and n.person_id = $2 and n.network = $4
                    and n.last_used_at > $5) as network,
                (select count(*) from known_network n where n.tenant_id = $1 and n.person_id = $2 and n.last_used_at > $5)
                    as networks,
                (select count(*) from totp t where t.tenant_id = $1 and t.person_id = $2 and t.confirmed_at is not null)
                    + (select count(*) from passkey k where k.tenant_id = $1 and k.person_id = $2) as factors",
            person,
            arrival.token_hash,
            network.clone(),
            self.now.before(NETWORK_RETENTION)
        )?;
        // Only complete sign-ins are remembered: a person who knows just the password is new again the next time.
        let incomplete = !arrival.second_factor_verified && known.factors > 0;
        if !incomplete {
            self.remember_device(person, arrival.token_hash).await?;
            self.know_network(person, &network).await?;
            if self.complete_report(person, &address).await? {
                return Ok(());
            }
        }
        let (new_device, new_network) = (known.device == 0, !network.is_empty() && known.network == 0);
        let first = known.devices == 0 && known.networks == 0;
        if first || !(new_device || new_network) {
            return Ok(());
        }
        // An incomplete sign-in must not replace the report of a complete one.
        let subject = match incomplete && self.was_complete(person).await? {
            true => format!("{person} half"),
            false => person.to_string(),
        };
        let device = arrival.device.clone();
        let found = Detection {
            facts: AnomalyDetails::SignIn { device: device.clone(), new_device, new_network, half: incomplete },
            subject,
            span: HOUR,
            person: Some(person),
            notified: Some(person),
            key: None,
            times: None,
        };
        if self.report_anomaly(found).await? {
            self.notify_person(person, AccountNotice::NewPlace, &device).await?;
        }
        Ok(())
    }

    /// Updates the anomaly of an incomplete sign-in that is now complete, and marks it as not reviewed. Returns whether
    /// there was one.
    async fn complete_report(&mut self, person: PersonId, address: &str) -> Result<bool> {
        const SQL: &str = "select id, facts from anomaly where tenant_id = $1 and kind = 'sign_in' and subject = $2
             and span >= $3 and address = $4 order by span desc limit 1";
        let since = self.span(HOUR) - 1;
        let notified =
            tenant_query!(self, ReportedSignIn, fetch_optional, SQL, person.to_string(), since, address.to_owned())?;
        let Some(ReportedSignIn { id, facts: AnomalyDetails::SignIn { device, new_device, new_network, half: true } }) =
            notified
        else {
            return Ok(false);
        };
        let facts = AnomalyDetails::SignIn { device, new_device, new_network, half: false };
        const WHOLE: &str = "update anomaly set facts = $3, last_at = $4, reviewed_at = null, reviewed_by = null where tenant_id = $1 and id = $2";
        self.lock_audit_log().await?;
        tenant_query!(self, execute, WHOLE, id, facts, self.now)?;
        let detail = json!({ "kind": "sign_in", "half": false });
        self.note("anomaly.detect", ("anomaly", id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::People, person.0);
        Ok(true)
    }

    /// Returns whether a complete sign-in of this person was reported in this span.
    async fn was_complete(&mut self, person: PersonId) -> Result<bool> {
        const SQL: &str =
            "select id, facts from anomaly where tenant_id = $1 and kind = 'sign_in' and subject = $2 and span = $3";
        let span = self.span(HOUR);
        let notified = tenant_query!(self, ReportedSignIn, fetch_optional, SQL, person.to_string(), span)?;
        Ok(matches!(notified, Some(ReportedSignIn { facts: AnomalyDetails::SignIn { half: false, .. }, .. })))
    }

    async fn know_network(&mut self, person: PersonId, network: &str) -> Result<()> {
        if network.is_empty() {
            return Ok(());
        }
        remember_network!(self, "known_network", "person_id", person, network.to_owned());
        Ok(())
    }
}
