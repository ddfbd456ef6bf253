//! Recipients of a notification: the people it concerns, as far as they may see its subject, with the channels that they chose.
use crate::{
    Result, Write,
    approvals::conditions::{allows_own, is_own},
    db::{column::row_type, conn::tenant_query},
    holds::held_until,
    role_sql::is_approver,
};
use domain::{PersonId, Principal, notification::Notification};
use uuid::Uuid;

row_type! {
    /// A person to notify.
    pub struct Recipient {
        pub person_id: PersonId,
        pub inbox: bool,
        pub mail: bool,
    }
}

/// Selects the people `e` of a source that are active, with their channels for event `$3`; `$4` and `$5` are the default ones.
macro_rules! recipients {
    ($($source:expr),+) => {
        concat!(
            "select e.id as person_id, coalesce(s.inbox, $4) as inbox, coalesce(s.mail, $5) as mail from ",
            $($source,)+
            " and e.locked_at is null and e.responsible_id is null order by e.id limit 500"
        )
    };
}

/// Joins the choices of person `e`.
macro_rules! preferences {
    () => {
        " left join notification_preference s on s.tenant_id = $1 and s.person_id = e.id and s.event = $3 "
    };
}

impl Write {
    /// Returns the people to notify of an event about `subject`. Nobody is notified of what they did themselves.
    pub(super) async fn recipients(&mut self, event: Notification, subject: Uuid) -> Result<Vec<Recipient>> {
        let channels = event.default_channels();
        macro_rules! select {
            ($sql:expr $(, $arg:expr)*) => {
                tenant_query!(self, Recipient, fetch_all, $sql, subject, event, channels.inbox, channels.mail $(, $arg)*)
            };
        }
        let mut found = match event {
            // The same as the queue of each approver.
            Notification::ApprovalRequested | Notification::ApprovalExpiring => select!(
                recipients!(
                    "approval a join task t on t.tenant_id = a.tenant_id and t.id = a.task_id
                     join person p on p.tenant_id = a.tenant_id and p.id = a.requester_id
                     join membership m on m.tenant_id = a.tenant_id and m.organization_id = a.organization_id
                     join person e on e.tenant_id = m.tenant_id and e.id = m.person_id",
                    preferences!(),
                    "where a.tenant_id = $1 and a.id = $2 and a.state = 'waiting' and ",
                    is_approver!(),
                    " and (not ",
                    is_own!("e.id"),
                    " or ",
                    allows_own!(),
                    ") and ",
                    held_until!("e.id", "a.requester_id, t.responsible_id, p.responsible_id, t.key_creator_id", "$6"),
                    " is null and not exists (select 1 from decision d where d.tenant_id = $1 and d.approval_id = a.id
                        and d.person_id = e.id and d.created_at >= a.created_at)"
                ),
                self.now
            )?,
            Notification::ApprovalDecided => select!(recipients!(
                "approval a join person e on e.tenant_id = a.tenant_id and e.id = a.requester_id",
                preferences!(),
                "where a.tenant_id = $1 and a.id = $2"
            ))?,
            // Programs read the API or have a webhook.
            Notification::TaskEnded => select!(recipients!(
                "task t join person e on e.tenant_id = t.tenant_id and e.id = t.owner_id",
                preferences!(),
                "where t.tenant_id = $1 and t.id = $2 and t.key_id is null"
            ))?,
            Notification::RunnerSilent => select!(recipients!(
                "runner r join person e on e.tenant_id = r.tenant_id and e.tenant_role <> 'person' and e.tenant_role = 'admin'",
                preferences!(),
                "where r.tenant_id = $1 and r.id = $2"
            ))?,
            Notification::AnomalyDetected => select!(recipients!(
                "anomaly u join person e on e.tenant_id = u.tenant_id and e.tenant_role <> 'person'",
                preferences!(),
                "where u.tenant_id = $1 and u.id = $2"
            ))?,
            Notification::KeyExpiring => select!(recipients!(
                "api_key k join person w on w.tenant_id = k.tenant_id and w.id = k.owner_id
                 join person e on e.tenant_id = w.tenant_id and e.id = coalesce(w.responsible_id, w.id)",
                preferences!(),
                "where k.tenant_id = $1 and k.id = $2"
            ))?,
        };
        if let Principal::Person(actor) = self.actor.principal {
            found.retain(|recipient| recipient.person_id != actor);
        }
        found.retain(|recipient| recipient.inbox || recipient.mail);
        Ok(found)
    }
}
