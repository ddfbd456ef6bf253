//! Notifications of people: the inbox, and the entries of a mail. Each is shown only while its reader may see its subject.
mod outbox;
mod preferences;
mod recipients;

use crate::{
    Read, Result, Topic, Write,
    approvals::visible as visible_approval,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        filter::Page,
    },
    tasks::visible as visible_task,
};
use domain::{
    NotificationId, PersonId, Principal, Timestamp, approval::ApprovalState, notification::Notification,
    task::TaskState,
};
use uuid::Uuid;

pub use preferences::Preferences;

/// Maximum of the count of unread notifications.
const MAX_COUNTED: i64 = 100;

row_type! {
    /// A notification with the present state of its subject.
    pub struct InboxEntry {
        pub id: NotificationId,
        pub event: Notification,
        /// Id of the approval request, task, runner, anomaly or key.
        pub subject_id: Uuid,
        /// The title of the task, or the name of the runner or key.
        pub title: String,
        pub approval_state: Option<ApprovalState>,
        pub task_state: Option<TaskState>,
        pub created_at: Timestamp,
        pub read_at: Option<Timestamp>,
    }
}

/// Selects from the notifications of person `$2` whose subject they see; `$3` is whether they can read everything.
macro_rules! visible_notifications {
    ($columns:literal) => {
        concat!(
            "select ",
            $columns,
            " from notification n
             left join approval a on a.tenant_id = n.tenant_id and a.id = n.subject_id
             left join task t on t.tenant_id = n.tenant_id and t.id = coalesce(a.task_id, n.subject_id)
             left join runner r on r.tenant_id = n.tenant_id and r.id = n.subject_id
             left join anomaly u on u.tenant_id = n.tenant_id and u.id = n.subject_id
             left join api_key k on k.tenant_id = n.tenant_id and k.id = n.subject_id
             left join person o on o.tenant_id = k.tenant_id and o.id = k.owner_id
             where n.tenant_id = $1 and n.person_id = $2 and case
                when a.id is not null then ",
            visible_approval!(),
            " when t.id is not null then ",
            visible_task!(),
            " when r.id is not null or u.id is not null then $3
                else coalesce(o.id = $2 or o.responsible_id = $2, false) end"
        )
    };
}

macro_rules! entries {
    () => {
        visible_notifications!(
            "n.id, n.event, n.subject_id, coalesce(t.title, r.name, k.name, '') as title, a.state as approval_state,
                t.state as task_state, n.created_at, n.read_at"
        )
    };
}

impl Read {
    /// Returns the actor's inbox, newest first, with ids below `after`.
    pub async fn inbox(&mut self, after: Option<NotificationId>, limit: u32) -> Result<Page<InboxEntry>> {
        let Some(person) = self.reader() else { return Ok(Page { items: vec![], next: None }) };
        let everything = self.actor.can_read_everything();
        let after = after.unwrap_or(NotificationId(Uuid::max()));
        let rows = tenant_query!(
            self,
            InboxEntry,
            fetch_all,
            concat!(entries!(), " and n.in_inbox and n.id < $4 order by n.id desc limit $5"),
            person,
            everything,
            after,
            i64::from(limit) + 1
        )?;
        Ok(Page::cut(rows, limit, |row| row.id.to_string()))
    }

    /// Returns the number of unread entries of the actor's inbox, up to 100.
    pub async fn unread_notifications(&mut self) -> Result<i64> {
        let Some(person) = self.reader() else { return Ok(0) };
        let everything = self.actor.can_read_everything();
        let counted = tenant_query!(
            self,
            Number,
            fetch_one,
            concat!(
                "select count(*) as n from (",
                visible_notifications!("n.id"),
                " and n.in_inbox and n.read_at is null limit $4) counted"
            ),
            person,
            everything,
            MAX_COUNTED
        )?;
        Ok(counted.n)
    }

    /// Returns the actor's notifications that a mail is about, oldest first.
    pub async fn notifications_of_mail(&mut self, mail: Uuid, limit: u32) -> Result<Vec<InboxEntry>> {
        let Some(person) = self.reader() else { return Ok(vec![]) };
        let everything = self.actor.can_read_everything();
        tenant_query!(
            self,
            InboxEntry,
            fetch_all,
            concat!(entries!(), " and n.mail_id = $4 order by n.id limit $5"),
            person,
            everything,
            mail,
            limit
        )
    }

    /// Returns the person whose inbox it is; programs have none.
    fn reader(&self) -> Option<PersonId> {
        match self.actor.principal {
            Principal::Person(person) => Some(person),
            _ => None,
        }
    }
}

impl Write {
    /// Marks the actor's notifications from `first` to `last` as read: those of one event, or all. Returns their number.
    pub async fn mark_notifications_read(
        &mut self,
        event: Option<Notification>,
        first: NotificationId,
        last: NotificationId,
    ) -> Result<u64> {
        let Principal::Person(person) = self.actor.principal else { return Ok(0) };
        let marked = tenant_query!(
            self,
            execute,
            "update notification set read_at = $6 where tenant_id = $1 and person_id = $2 and id >= $3 and id <= $4
                and in_inbox and read_at is null and event = coalesce($5, event)",
            person,
            first,
            last,
            event,
            self.now
        )?;
        self.publish(Topic::People, person.0);
        Ok(marked)
    }
}
