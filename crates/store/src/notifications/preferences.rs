//! Notification preferences: the channels that a person chose for each event.
use crate::{
    Read, Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    Principal,
    notification::{Channels, Notification},
};
use std::collections::BTreeMap;

/// The channels of each event.
pub type Preferences = BTreeMap<Notification, Channels>;

row_type! {
    /// A choice of a person.
    pub struct PreferenceRow {
        pub event: Notification,
        pub inbox: bool,
        pub mail: bool,
    }
}

impl Read {
    /// Returns the actor's channels of each event.
    pub async fn notification_preferences(&mut self) -> Result<Preferences> {
        let person = self.viewer();
        let rows = tenant_query!(
            self,
            PreferenceRow,
            fetch_all,
            "select event, inbox, mail from notification_preference where tenant_id = $1 and person_id = $2",
            person
        )?;
        let mut all: Preferences = Notification::ALL.iter().map(|event| (*event, event.default_channels())).collect();
        all.extend(rows.into_iter().map(|row| (row.event, Channels { inbox: row.inbox, mail: row.mail })));
        Ok(all)
    }
}

impl Write {
    /// Sets the actor's channels. They affect nobody else, so this is no audit event.
    pub async fn set_notification_preferences(&mut self, preferences: &Preferences) -> Result<()> {
        let Principal::Person(person) = self.actor.principal else { return Ok(()) };
        for (event, channels) in preferences {
            tenant_query!(
                self,
                execute,
                "insert into notification_preference (tenant_id, person_id, event, inbox, mail) values ($1, $2, $3, $4, $5)
                 on conflict (tenant_id, person_id, event) do update set inbox = excluded.inbox, mail = excluded.mail",
                person,
                *event,
                channels.inbox,
                channels.mail
            )?;
        }
        Ok(())
    }
}
