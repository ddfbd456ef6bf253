//! Notifications of a transaction: collected while it runs and written before it commits, to inboxes, mails and webhooks.
//!
//! They are written after everything else, under the lock of the audit log. So they see the final state, and cannot deadlock with
//! each other.
use super::recipients::Recipient;
use crate::{
    Error, Mail, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query, id::new_id, insert::insert},
    metrics::Occurrence,
    people::PersonKey,
    system::due_work::DueAt,
};
use domain::{
    ApprovalId, DeliveryId, NotificationId, PersonId, TaskId, Timestamp, WebhookId,
    notification::{DIGEST, Events, Item, Notification, WebhookKind},
};
use uuid::Uuid;

/// Maximum number of messages of one webhook that are not delivered. Further events are dropped.
pub(crate) const MAX_UNDELIVERED: i64 = 10_000;
/// Maximum number of events in one message.
const MAX_ITEMS: usize = 50;

row_type! {
    pub struct PendingMail {
        pub mail_id: Uuid,
        pub mail_at: Timestamp,
    }
}

row_type! {
    pub struct WebhookRow {
        pub id: WebhookId,
        pub kind: WebhookKind,
        pub events: Events,
    }
}

row_type! {
    pub struct OpenDigest {
        pub id: DeliveryId,
        pub items: String,
    }
}

row_type! {
    /// The subject of a message to webhooks.
    pub struct SubjectRow {
        pub title: Option<String>,
        pub organization: Option<String>,
        pub task_id: Option<TaskId>,
        pub approval_id: Option<ApprovalId>,
        pub state: Option<String>,
    }
}

impl Write {
    /// Queues a notification of an event about `subject`, which is written before the commit.
    pub(crate) fn notify(&mut self, event: Notification, subject: Uuid) {
        if !self.notifications.contains(&(event, subject)) {
            self.notifications.push((event, subject));
        }
    }

    /// Writes the queued notifications.
    pub(crate) async fn write_notifications(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.notifications);
        if pending.is_empty() {
            return Ok(());
        }
        if !self.is_audited {
            self.lock_audit_log().await?;
        }
        let webhooks = self.enabled_webhooks().await?;
        for (event, subject) in pending {
            if event == Notification::ApprovalDecided {
                self.settle_notifications(subject).await?;
            }
            for recipient in self.recipients(event, subject).await? {
                self.notify_recipient(event, subject, &recipient).await?;
            }
            let interested = webhooks.iter().filter(|webhook| webhook.events.0.contains(&event));
            let interested: Vec<_> = interested.map(|webhook| (webhook.id, webhook.kind)).collect();
            if !interested.is_empty() {
                let item = self.item(subject).await?;
                for (webhook, kind) in interested {
                    self.queue_delivery(webhook, kind, event.as_str(), Some(&item)).await?;
                }
            }
        }
        Ok(())
    }

    /// Marks as read the notifications that ask for a decision on a closed approval request.
    async fn settle_notifications(&mut self, approval: Uuid) -> Result<()> {
        let settled = tenant_query!(
            self,
            PersonKey,
            fetch_all,
            "update notification set read_at = $3 where tenant_id = $1 and subject_id = $2 and read_at is null
                and event in ('approval.requested', 'approval.expiring') returning person_id as id",
            approval,
            self.now
        )?;
        for person in settled {
            self.publish(Topic::People, person.id.0);
        }
        Ok(())
    }

    async fn notify_recipient(&mut self, event: Notification, subject: Uuid, to: &Recipient) -> Result<()> {
        let mail = match to.mail && self.store.is_mail_enabled() {
            true => Some(self.digest_mail(to.person_id, event).await?),
            false => None,
        };
        insert!(self, "notification" {
            id: NotificationId(new_id()),
            person_id: to.person_id,
            event: event,
            subject_id: subject,
            in_inbox: to.inbox,
            mail_id: mail.as_ref().map(|mail| mail.mail_id),
            mail_at: mail.as_ref().map(|mail| mail.mail_at),
            created_at: self.now,
        })?;
        self.publish(Topic::People, to.person_id.0);
        Ok(())
    }

    /// Returns the mail that a notification becomes part of: one that is queued and not yet attempted, or a new one, which is due at once
    /// unless another one about the same kind of event was due recently.
    async fn digest_mail(&mut self, person: PersonId, event: Notification) -> Result<PendingMail> {
        let queued = tenant_query!(
            self,
            PendingMail,
            fetch_optional,
            "select n.mail_id, n.mail_at from notification n join mail e on e.tenant_id = n.tenant_id and e.id = n.mail_id
             where n.tenant_id = $1 and n.person_id = $2 and n.event = $3 and n.mail_at >= $4 and e.attempts = 0
             order by n.mail_at desc limit 1",
            person,
            event,
            self.now
        )?;
        if let Some(queued) = queued {
            return Ok(queued);
        }
        let last = tenant_query!(
            self,
            DueAt,
            fetch_one,
            "select max(mail_at) as at from notification where tenant_id = $1 and person_id = $2 and event = $3",
            person,
            event
        )?;
        let mail_at = last.at.map_or(self.now, |at| at.after(DIGEST).max(self.now));
        let mail_id = self.queue_mail(person, &Mail::Notifications { person, event }, mail_at).await?;
        Ok(PendingMail { mail_id, mail_at })
    }

    async fn enabled_webhooks(&mut self) -> Result<Vec<WebhookRow>> {
        tenant_query!(
            self,
            WebhookRow,
            fetch_all,
            "select id, kind, events from webhook where tenant_id = $1 and enabled order by id limit 50"
        )
    }

    /// Returns what messages to webhooks say about a subject. The readers of a channel are not known here, so a private task has no title.
    async fn item(&mut self, subject: Uuid) -> Result<Item> {
        let row = tenant_query!(
            self,
            SubjectRow,
            fetch_one,
            "select coalesce(case when t.visibility <> 'private' then t.title end, r.name, k.name) as title, o.name as organization,
                t.id as task_id, a.id as approval_id, coalesce(a.state, t.state, u.kind) as state
             from audit_head s left join approval a on a.tenant_id = s.tenant_id and a.id = $2
             left join task t on t.tenant_id = s.tenant_id and t.id = coalesce(a.task_id, $2)
             left join organization o on o.tenant_id = t.tenant_id and o.id = t.organization_id
             left join runner r on r.tenant_id = s.tenant_id and r.id = $2
             left join anomaly u on u.tenant_id = s.tenant_id and u.id = $2
             left join api_key k on k.tenant_id = s.tenant_id and k.id = $2
             where s.tenant_id = $1",
            subject
        )?;
        let SubjectRow { title, organization, task_id: task, approval_id: approval, state } = row;
        Ok(Item { subject, at: self.now, title, organization, task, approval, state })
    }

    /// Queues a message to a webhook. In a chat, events of one kind within some minutes become one message.
    pub(crate) async fn queue_delivery(
        &mut self,
        webhook: WebhookId,
        kind: WebhookKind,
        event: &str,
        item: Option<&Item>,
    ) -> Result<()> {
        let mut due = self.now;
        if let (WebhookKind::Slack, Some(item)) = (kind, item) {
            if self.add_to_digest(webhook, event, item).await? {
                return Ok(());
            }
            let last = tenant_query!(
                self,
                DueAt,
                fetch_one,
                "select max(created_at) as at from webhook_delivery where tenant_id = $1 and webhook_id = $2 and event = $3",
                webhook,
                event.to_owned()
            )?;
            due = last.at.map_or(due, |at| at.after(DIGEST).max(due));
        }
        let items = to_json(&item.into_iter().collect::<Vec<_>>())?;
        let queued = tenant_query!(
            self,
            execute,
            "insert into webhook_delivery (tenant_id, id, webhook_id, event, items, state, attempts, next_at, result, created_at)
             select w.tenant_id, $2, w.id, $4, $5, 'waiting', 0, $6, '', $7 from webhook w where w.tenant_id = $1 and w.id = $3
                and (select count(*) from (select 1 from webhook_delivery d where d.tenant_id = $1 and d.webhook_id = $3
                    and d.state <> 'delivered' limit $8) counted) < $8",
            DeliveryId(new_id()),
            webhook,
            event.to_owned(),
            items,
            due,
            self.now,
            MAX_UNDELIVERED
        )?;
        if queued == 0 {
            self.count(Occurrence::WebhookDropped);
        }
        self.publish(Topic::People, webhook.0);
        Ok(())
    }

    /// Adds an event to a message that waits for the end of the digest interval, if there is one.
    async fn add_to_digest(&mut self, webhook: WebhookId, event: &str, item: &Item) -> Result<bool> {
        let open = tenant_query!(
            self,
            OpenDigest,
            fetch_optional,
            "select id, items from webhook_delivery where tenant_id = $1 and webhook_id = $2 and event = $3 and state = 'waiting'
                and attempts = 0 and next_at > $4 order by id desc limit 1",
            webhook,
            event.to_owned(),
            self.now
        )?;
        let Some(OpenDigest { id, items }) = open else { return Ok(false) };
        let mut items: Vec<Item> = serde_json::from_str(&items).map_err(|_| Error::Corrupt("webhook delivery"))?;
        if items.len() >= MAX_ITEMS {
            return Ok(false);
        }
        items.push(item.clone());
        let added = tenant_query!(
            self,
            execute,
            "update webhook_delivery set items = $3 where tenant_id = $1 and id = $2 and state = 'waiting' and attempts = 0",
            id,
            to_json(&items)?
        )?;
        Ok(added > 0)
    }
}

fn to_json(items: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(items).map_err(|_| Error::Corrupt("webhook delivery"))
}
