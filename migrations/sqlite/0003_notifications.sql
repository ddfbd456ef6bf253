-- Inboxes: one row per person and event. Titles are read from the subject, so that a reader sees only what they may see.
create table notification (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    person_id  blob not null,
    event      text not null,
    subject_id blob not null,
    in_inbox   boolean not null,
    -- The queued mail that includes it, and when that is due.
    mail_id    blob,
    mail_at    bigint,
    created_at bigint not null,
    read_at    bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index notification_person on notification (tenant_id, person_id, id) where in_inbox;
create index notification_unread on notification (tenant_id, person_id, id) where in_inbox and read_at is null;
create index notification_subject on notification (tenant_id, subject_id);
create index notification_mail on notification (tenant_id, mail_id) where mail_id is not null;
create index notification_mailed on notification (tenant_id, person_id, event, mail_at) where mail_at is not null;
create index notification_age on notification (tenant_id, created_at);

-- Choices of people; events without a row have the default channels.
create table notification_preference (
    tenant_id blob not null references tenant (id),
    person_id blob not null,
    event     text not null,
    inbox     boolean not null,
    mail      boolean not null,
    primary key (tenant_id, person_id, event),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);

-- Webhooks; the address and the secrets are encrypted with the tenant's key.
create table webhook (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    name       text not null,
    kind       text not null,
    host       text not null,
    events     text not null,
    enabled    boolean not null,
    sealed     blob not null,
    -- Until when the previous secret signs, too.
    overlap_until bigint,
    created_at bigint not null,
    changed_at bigint not null,
    primary key (tenant_id, id)
);

-- The outbox of webhooks, written in the transaction of the change. The state is `waiting`, `delivered` or `dead`.
create table webhook_delivery (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    webhook_id blob not null,
    event      text not null,
    items      text not null,
    state      text not null,
    attempts   bigint not null,
    next_at    bigint,
    result     text not null,
    created_at bigint not null,
    ended_at   bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, webhook_id) references webhook (tenant_id, id)
);
create index webhook_delivery_due on webhook_delivery (next_at, id) where next_at is not null;
create index webhook_delivery_list on webhook_delivery (tenant_id, webhook_id, id);
create index webhook_delivery_open on webhook_delivery (tenant_id, webhook_id, event) where state <> 'delivered';
create index webhook_delivery_last on webhook_delivery (tenant_id, webhook_id, event, created_at);
create index webhook_delivery_dead on webhook_delivery (state) where state = 'dead';
create index webhook_delivery_age on webhook_delivery (tenant_id, ended_at) where ended_at is not null;

-- When the approvers are notified that a request expires soon; null afterwards.
alter table approval add column reminder_at bigint;
create index approval_reminder on approval (reminder_at) where reminder_at is not null;
