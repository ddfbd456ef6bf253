-- Times are microseconds since the Unix epoch. Every key begins with the tenant, which keeps foreign keys within it.

create table tenant (
    id         blob not null primary key,
    name       text not null unique,
    created_at bigint not null
);

-- Tenant data keys, wrapped by the master key.
create table tenant_key (
    tenant_id blob not null primary key references tenant (id),
    version   bigint not null,
    wrapped   blob not null
);

create table organization (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    name       text not null,
    created_at bigint not null,
    -- When it was archived; an archived organization is read-only.
    archived_at bigint,
    -- Whether people of the tenant can request to join.
    open_to_requests boolean not null default false,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

-- Former names of organizations: group rules of providers continue to use them.
create table organization_former_name (
    tenant_id       blob not null,
    name            text not null,
    organization_id blob not null,
    primary key (tenant_id, name),
    foreign key (tenant_id, organization_id) references organization (tenant_id, id)
);

create table person (
    tenant_id     blob not null references tenant (id),
    id            blob not null,
    email         text not null,
    name          text not null,
    -- Name and email address, normalized (NFKC) and case-folded for search.
    search_text   text not null default '',
    tenant_role   text not null,
    password_hash text,
    locked_at     bigint,
    created_at    bigint not null,
    -- The responsible person of a service account, which owns keys and never signs in; null for people.
    responsible_id blob,
    primary key (tenant_id, id)
);
create index person_responsible on person (tenant_id, responsible_id) where responsible_id is not null;
-- People who can read everything.
create index person_reader on person (tenant_id, id) where tenant_role <> 'person';
-- An email address has at most one account in each tenant.
create unique index person_email on person (tenant_id, email);
create index person_sign_in on person (email);

create table membership (
    tenant_id       blob not null,
    organization_id blob not null,
    person_id       blob not null,
    role            text not null,
    -- The identity provider whose group rules granted the role; null if a person did.
    provider        text,
    created_at      bigint not null,
    primary key (tenant_id, organization_id, person_id),
    foreign key (tenant_id, organization_id) references organization (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index membership_person on membership (tenant_id, person_id, organization_id, role);
create index membership_owner on membership (tenant_id, person_id, organization_id) where role = 'owner';

-- Invitation links; only hashes of their tokens are stored. Used-up and revoked ones are deleted; the audit log records
-- their history.
create table invitation (
    tenant_id       blob not null,
    id              blob not null,
    organization_id blob not null,
    token_hash      blob not null,
    role            text not null,
    -- The only address that may use it.
    email           text,
    -- Whether the server mailed it to that address, so that its use proves access to the mailbox.
    mailed          boolean not null,
    -- Why its mail was not delivered so far.
    mail_failure    text,
    -- The inviter, whose right to invite is checked again at use.
    inviter_id      blob not null,
    -- The open invitation that it confirms an address for; deleted with it unless that was used up before.
    confirms_id     blob,
    uses            bigint not null,
    used            bigint not null,
    created_at      bigint not null,
    expires_at      bigint not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, organization_id) references organization (tenant_id, id),
    foreign key (tenant_id, inviter_id) references person (tenant_id, id)
);
create unique index invitation_token on invitation (token_hash);
create index invitation_organization on invitation (tenant_id, organization_id, id);
create index invitation_inviter on invitation (tenant_id, inviter_id);
create index invitation_confirms on invitation (tenant_id, confirms_id) where confirms_id is not null;
create index invitation_expiry on invitation (expires_at);
create index invitation_over on invitation (tenant_id, expires_at);
-- Requests to join an organization.
create table join_request (
    tenant_id       blob not null,
    id              blob not null,
    organization_id blob not null,
    person_id       blob not null,
    reason          text not null,
    state           text not null,
    -- The reason for declining it.
    answer          text not null,
    created_at      bigint not null,
    settled_at      bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, organization_id) references organization (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create unique index join_request_waiting on join_request (tenant_id, organization_id, person_id) where state = 'waiting';
create index join_request_person on join_request (tenant_id, person_id, organization_id, id);

-- One-time links for the setup and for passwords; only hashes of tokens are stored.
create table setup_link (
    token_hash blob not null primary key,
    expires_at bigint not null
);
create table password_link (
    tenant_id  blob not null,
    token_hash blob not null,
    person_id  blob not null,
    -- Who issued it, and who confirmed that and saw it; null for a link that the person requested and for the console.
    issuer_id  blob,
    confirmer_id blob,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (token_hash),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index password_link_person on password_link (tenant_id, person_id);

create table browser_session (
    tenant_id    blob not null,
    id           blob not null,
    token_hash   blob not null,
    person_id    blob not null,
    signed_in_by text not null,
    -- Whether a second factor was verified here or by the provider.
    second_factor_verified      boolean not null,
    authenticated_at    bigint not null,
    device       text not null,
    address      text not null,
    created_at   bigint not null,
    last_used_at bigint not null,
    expires_at   bigint not null,
    rotate       boolean not null default false,
    -- The previous token, valid for a few more seconds for requests in flight.
    previous_hash blob,
    rotated_at   bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create unique index browser_session_token on browser_session (token_hash);
create index browser_session_previous on browser_session (previous_hash) where previous_hash is not null;
create index browser_session_person on browser_session (tenant_id, person_id, last_used_at);
create index browser_session_expiry on browser_session (expires_at);

-- Whether every person of the tenant must have a second factor.
create table factor_policy (
    tenant_id blob not null primary key references tenant (id),
    everybody boolean not null
);
-- How the tenant treats approvers.
create table approval_policy (
    tenant_id blob not null primary key references tenant (id),
    -- Whether approvers can decide their own requests.
    self_approval boolean not null,
    -- Whether a second admin or owner confirms new approvers and access to their accounts.
    dual_control boolean not null
);
-- How many days the tenant keeps each kind of data (null is forever), and the state of its retention runs.
create table retention_policy (
    tenant_id          blob not null primary key references tenant (id),
    output_days          bigint,
    results_days       bigint,
    anomalies_days     bigint,
    sign_ins_days      bigint,
    personal_data_days bigint,
    -- The legal hold, during which nothing is deleted.
    held_at            bigint,
    held_by            blob,
    hold_reason        text,
    -- When the next run begins.
    due_at             bigint not null,
    -- Tasks that ended up to these times have no output and no result any more.
    output_until         bigint not null,
    results_until      bigint not null,
    -- What the current run has deleted so far, as JSON (domain::retention::Deletion by kind).
    deleted            text not null,
    foreign key (tenant_id, held_by) references person (tenant_id, id)
);
-- Changes that a second admin or owner confirms, as JSON (domain::confirmation::ProtectedChange).
create table confirmation (
    tenant_id    blob not null,
    id           blob not null,
    change       text not null,
    person_id    blob,
    -- The organization whose owners can confirm it; null if only admins can.
    organization_id blob,
    requester_id blob not null,
    state        text not null,
    created_at   bigint not null,
    expires_at   bigint not null,
    settled_at   bigint,
    settled_by   blob,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id),
    foreign key (tenant_id, requester_id) references person (tenant_id, id)
);
create unique index confirmation_waiting on confirmation (tenant_id, change) where state = 'waiting';
create index confirmation_expiry on confirmation (expires_at) where state = 'waiting';
create index confirmation_list on confirmation (tenant_id, id) where state = 'waiting';
create index confirmation_requester on confirmation (tenant_id, requester_id) where state = 'waiting';
create index confirmation_person on confirmation (tenant_id, person_id) where state = 'waiting';
-- Holds: an account and the person who made it, gave it an approving role or gained access to it do not decide each other's requests.
-- Past and lifted ones remain, because decisions that were made in them do not count.
create table account_hold (
    tenant_id  blob not null,
    person_id  blob not null,
    maker_id   blob not null,
    cause      text not null,
    created_at bigint not null,
    expires_at bigint not null,
    lifted_at  bigint,
    primary key (tenant_id, person_id, maker_id, created_at, cause),
    foreign key (tenant_id, person_id) references person (tenant_id, id),
    foreign key (tenant_id, maker_id) references person (tenant_id, id)
);
create index account_hold_end on account_hold (tenant_id, expires_at) where lifted_at is null;
-- Roles of approvers, owners and admins that ended. They count for a day more, so that taking a role away for a moment avoids no rule.
create table former_role (
    tenant_id       blob not null,
    id              blob not null,
    person_id       blob not null,
    -- Null for an admin of the tenant.
    organization_id blob,
    role            text not null,
    ended_at        bigint not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index former_role_person on former_role (tenant_id, person_id, ended_at);
create index former_role_end on former_role (tenant_id, ended_at);
-- Secrets of authenticator apps, encrypted with the tenant's key. The last used time step is stored, so that no code works
-- twice.
create table totp (
    tenant_id    blob not null,
    person_id    blob not null,
    sealed       blob not null,
    last_step    bigint not null,
    created_at   bigint not null,
    -- When a first code confirmed the app; it does not count before.
    confirmed_at bigint,
    primary key (tenant_id, person_id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create table passkey (
    tenant_id     blob not null,
    id            blob not null,
    person_id     blob not null,
    name          text not null,
    credential_id blob not null,
    -- Public key and authenticator state, as JSON.
    body          text not null,
    -- The COSE_Key and the host name that the passkey is bound to, for the verification of decisions.
    public_key    blob not null,
    relying_party text not null,
    -- When another passkey of the person signed that this one is theirs, and its assertion.
    addition_at   bigint,
    addition      text,
    created_at    bigint not null,
    last_used_at  bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create unique index passkey_credential on passkey (credential_id);
create index passkey_person on passkey (tenant_id, person_id, id);
-- Passkey ceremonies in progress: challenges without a response yet. Only hashes of tokens are stored.
create table ceremony (
    token_hash blob not null primary key,
    state      text not null,
    expires_at bigint not null
);
create index ceremony_expiry on ceremony (expires_at);
-- Unused recovery codes; used ones are deleted.
create table recovery_code (
    tenant_id  blob not null,
    person_id  blob not null,
    code_hash  blob not null,
    created_at bigint not null,
    primary key (tenant_id, person_id, code_hash),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
-- Account events, shown to the account's owner.
create table account_event (
    tenant_id  blob not null,
    id         blob not null,
    person_id  blob not null,
    happened   text not null,
    detail     text not null,
    address    text not null,
    created_at bigint not null,
    seen_at    bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index account_event_person on account_event (tenant_id, person_id, id);
create index account_event_age on account_event (tenant_id, created_at);
create index account_event_unseen on account_event (tenant_id, person_id) where seen_at is null;

-- Requested address changes that are not confirmed yet.
create table address_change (
    tenant_id  blob not null,
    token_hash blob not null,
    person_id  blob not null,
    email      text not null,
    -- The admin who requested it for the person; null if the person did, and for the console.
    issuer_id  blob,
    created_at bigint not null,
    expires_at bigint not null,
    -- Hash of the token sent to the current address, null if an admin confirmed the change; and when each link was
    -- followed.
    current_token_hash blob,
    new_confirmed_at     bigint,
    current_confirmed_at bigint,
    primary key (token_hash),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create unique index address_change_current on address_change (current_token_hash) where current_token_hash is not null;
create index address_change_person on address_change (tenant_id, person_id);
-- Known browsers of a person, by the hash of their device cookie.
create table known_device (
    tenant_id    blob not null,
    person_id    blob not null,
    token_hash   blob not null,
    last_used_at bigint not null,
    primary key (tenant_id, person_id, token_hash),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index known_device_age on known_device (tenant_id, last_used_at);
-- Known networks of a person's sign-ins (IPv4 /24, IPv6 /48).
create table known_network (
    tenant_id    blob not null,
    person_id    blob not null,
    network      text not null,
    last_used_at bigint not null,
    primary key (tenant_id, person_id, network),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index known_network_age on known_network (tenant_id, last_used_at);
-- Failed passwords and second factors of the last hour, in intervals of ten minutes.
create table failure_count (
    tenant_id blob not null,
    network   text not null,
    person_id blob not null,
    span      bigint not null,
    failures  bigint not null,
    primary key (tenant_id, network, person_id, span),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index failure_count_person on failure_count (tenant_id, person_id, span);
create index failure_count_age on failure_count (tenant_id, span);
-- Anomalies: one row per kind, subject and interval, however often it occurred in it.
create table anomaly (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    kind       text not null,
    -- Id of a person or a key, or a network.
    subject    text not null,
    span       bigint not null,
    -- The owner of the account or key, and who is notified: for a service account its responsible person.
    person_id  blob,
    notify_id    blob,
    key_id     blob,
    times      bigint not null,
    address    text not null,
    network    text not null,
    -- The figures that make it unusual, as JSON.
    facts      text not null,
    first_at   bigint not null,
    last_at    bigint not null,
    -- Who reviewed it, and when.
    reviewed_at  bigint,
    reviewed_by  blob,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id),
    foreign key (tenant_id, notify_id) references person (tenant_id, id)
);
create unique index anomaly_once on anomaly (tenant_id, kind, subject, span);
create index anomaly_kind on anomaly (tenant_id, kind, id);
create index anomaly_person on anomaly (tenant_id, person_id, id);
create index anomaly_notify on anomaly (tenant_id, notify_id, id);
create index anomaly_age on anomaly (tenant_id, last_at);
create index anomaly_new on anomaly (tenant_id, id) where reviewed_at is null;

-- The mail queue, encrypted with the tenant's key; sent mail is deleted.
create table mail (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    recipient  text not null,
    sealed     blob not null,
    created_at bigint not null,
    next_at    bigint not null,
    attempts   bigint not null,
    primary key (tenant_id, id)
);
create index mail_due on mail (next_at, id);
-- Identity providers; the client secret is encrypted with the tenant's key.
create table identity_provider (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    definition text not null,
    secret     blob not null,
    created_at bigint not null,
    changed_at bigint not null,
    primary key (tenant_id, id)
);
create unique index identity_provider_id on identity_provider (id);

-- Linked identities, by issuer and subject, never by address.
create table identity (
    tenant_id    blob not null,
    id           blob not null,
    person_id    blob not null,
    issuer       text not null,
    subject      text not null,
    provider     text not null,
    name         text not null,
    created_at   bigint not null,
    last_used_at bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create unique index identity_subject on identity (tenant_id, issuer, subject);
create index identity_person on identity (tenant_id, person_id);

-- Used sign-ins at providers, so that each works once. Only hashes of their ids are stored, until they expire.
create table used_sign_in (
    id_hash    blob not null primary key,
    expires_at bigint not null
);
create index used_sign_in_expiry on used_sign_in (expires_at);

-- Break-glass: admins who may use their password although other sign-in methods are disabled, until a time.
create table break_glass (
    tenant_id  blob not null,
    person_id  blob not null,
    reason     text not null,
    opened_at  bigint not null,
    expires_at bigint not null,
    primary key (tenant_id, person_id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);

-- Failed sign-ins by account and by network; subjects are hashes.
create table throttle (
    subject  blob not null primary key,
    failures bigint not null,
    last_at  bigint not null
);
create index throttle_age on throttle (last_at);

create table api_key (
    tenant_id    blob not null,
    id           blob not null,
    owner_id     blob not null,
    name         text not null,
    prefix       text not null,
    token_hash   blob not null,
    scopes       text not null,
    created_at   bigint not null,
    expires_at   bigint,
    last_used_at bigint,
    revoked_at   bigint,
    -- The organization that it is limited to, and its allowed networks; empty means any network.
    organization_id blob,
    networks     text not null default '',
    -- The key that it replaces.
    replaces     blob,
    -- The person who was shown the key; null if the console created it.
    creator_id     blob,
    -- When the expiry notice is due; null after it was sent, and if there is none.
    expiry_notice_at      bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, owner_id) references person (tenant_id, id),
    foreign key (tenant_id, creator_id) references person (tenant_id, id),
    foreign key (tenant_id, organization_id) references organization (tenant_id, id)
);
create unique index api_key_token on api_key (token_hash);
create index api_key_owner on api_key (tenant_id, owner_id);
create index api_key_expiry_notice on api_key (expiry_notice_at) where expiry_notice_at is not null;
create index api_key_expiry_notice_in_tenant on api_key (tenant_id, expiry_notice_at) where expiry_notice_at is not null;
create unique index api_key_replaces on api_key (tenant_id, replaces) where replaces is not null;

-- Access reviews, and the rights in them as of the start of the review.
create table review (
    tenant_id       blob not null references tenant (id),
    id              blob not null,
    organization_id blob,
    started_by      blob not null,
    started_at      bigint not null,
    ended_at        bigint,
    items           bigint not null,
    answered        bigint not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, organization_id) references organization (tenant_id, id),
    foreign key (tenant_id, started_by) references person (tenant_id, id)
);
create unique index review_open on review (tenant_id) where ended_at is null;
create table review_item (
    tenant_id       blob not null,
    review_id       blob not null,
    item_number              bigint not null,
    kind            text not null,
    person_id       blob not null,
    organization_id blob,
    key_id          blob,
    -- The role or the scopes.
    held            text not null,
    verdict         text,
    decided_by      blob,
    decided_at      bigint,
    primary key (tenant_id, review_id, item_number),
    foreign key (tenant_id, review_id) references review (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);
create index review_item_open on review_item (tenant_id, review_id, item_number) where verdict is null;
-- Known networks of a key, and the number of tasks that it submitted per hour since the epoch.
create table key_network (
    tenant_id    blob not null,
    key_id       blob not null,
    network      text not null,
    last_used_at bigint not null,
    primary key (tenant_id, key_id, network),
    foreign key (tenant_id, key_id) references api_key (tenant_id, id)
);
create index key_network_age on key_network (tenant_id, last_used_at);
create table key_hour (
    tenant_id blob not null,
    key_id    blob not null,
    hour      bigint not null,
    tasks     bigint not null,
    primary key (tenant_id, key_id, hour),
    foreign key (tenant_id, key_id) references api_key (tenant_id, id)
);
create index key_hour_age on key_hour (tenant_id, hour);

-- What people used of the quotas per day (since the epoch, in UTC): tasks, and stored bytes of scripts and output.
create table daily_usage (
    tenant_id blob not null,
    day       bigint not null,
    person_id blob not null,
    tasks     bigint not null,
    bytes     bigint not null,
    primary key (tenant_id, day, person_id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);

-- Append-only versions; the last one is in force. The signature covers all other columns (domain::consent::RulesVersion).
create table rules (
    tenant_id  blob not null references tenant (id),
    version    bigint not null,
    body       text not null,
    changed_by blob,
    changed_at bigint not null,
    signature  blob not null,
    primary key (tenant_id, version)
);

create table enrollment (
    tenant_id  blob not null references tenant (id),
    id         blob not null,
    token_hash blob not null,
    name       text not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at    bigint,
    primary key (tenant_id, id)
);
create unique index enrollment_token on enrollment (token_hash);

create table runner (
    tenant_id    blob not null references tenant (id),
    id           blob not null,
    name         text not null,
    version      text not null,
    capabilities text not null,
    posture      text not null,
    slots        bigint not null,
    serial       text not null,
    public_key   blob not null,
    created_at   bigint not null,
    expires_at   bigint not null,
    last_seen_at bigint,
    connected    boolean not null default false,
    -- Whether its operator stopped it, so that its silence is expected.
    stopped      boolean not null default false,
    -- When it was reported as silent; null after it was seen again.
    silent_at    bigint,
    revoked_at   bigint,
    -- The renewed certificate that was not used yet; both are valid until it is.
    next_serial     text,
    next_expires_at bigint,
    primary key (tenant_id, id)
);
create unique index runner_name on runner (tenant_id, name) where revoked_at is null;
create index runner_seen on runner (last_seen_at) where revoked_at is null;
-- Runners whose heartbeats are expected.
create index runner_watched on runner (last_seen_at) where revoked_at is null and silent_at is null and not stopped;
-- Receipts name their signer by this key, so that no two runners have one, revoked ones included.
create unique index runner_key on runner (public_key);

create table task (
    tenant_id         blob not null,
    id                blob not null,
    organization_id   blob not null,
    owner_id          blob not null,
    key_id            blob,
    title             text not null,
    tool              text not null,
    visibility        text not null,
    network           text not null,
    priority          bigint not null,
    state             text not null,
    required_approval             boolean not null,
    rule              text not null,
    rules_version     bigint not null,
    -- The responsible person at submission, if the owner is a service account, and the creator of the key.
    responsible_id    blob,
    key_creator_id    blob,
    -- Whether the tenant let approvers decide their own requests when it was submitted.
    self_approval     boolean not null,
    -- Signature of domain::consent::Judgment, which is made of this row and of its approval request.
    judgment_signature blob not null,
    script            text not null,
    request           text not null,
    request_digest    blob not null,
    idempotency_key   text,
    submission_digest blob not null,
    attempt           bigint not null default 0,
    runner_id         blob,
    lease_until       bigint,
    cancel_requested      boolean not null default false,
    next_line         bigint not null default 1,
    -- Bytes of this attempt's output, as counted by the server.
    output_bytes      bigint not null default 0,
    -- The styles in which the next lines of output begin.
    output_styles     text not null default '/',
    -- The incomplete last line of each stream while the task runs.
    incomplete_lines  text not null default '[]',
    ending            text,
    receipt           text,
    receipt_signature blob,
    created_at        bigint not null,
    queued_at         bigint,
    started_at        bigint,
    ended_at          bigint,
    -- When retention deleted its output, and its ending and receipt.
    output_deleted_at bigint,
    result_deleted_at bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, organization_id) references organization (tenant_id, id),
    foreign key (tenant_id, owner_id) references person (tenant_id, id),
    foreign key (tenant_id, responsible_id) references person (tenant_id, id),
    foreign key (tenant_id, key_creator_id) references person (tenant_id, id)
);
create unique index task_idempotency on task (tenant_id, owner_id, idempotency_key) where idempotency_key is not null;
-- Contains every column that decides visibility, so that counts read only the index.
create index task_state on task (tenant_id, state, id, owner_id, organization_id, visibility, required_approval);
create index task_owner on task (tenant_id, owner_id, id);
create index task_organization on task (tenant_id, organization_id, id);
create index task_queue on task (tenant_id, priority desc, id) where state = 'queued';
create index task_queued_at on task (tenant_id, tool, queued_at) where state = 'queued';
create index task_leased on task (tenant_id, runner_id, id) where state in ('assigned', 'running');
create index task_lease on task (lease_until) where state in ('assigned', 'running');
-- Precedents by title: tasks that required approval and were not denied.
create index task_precedent on task (tenant_id, organization_id, owner_id, tool, title, id)
    where required_approval and state not in ('awaiting_approval', 'denied', 'expired');
-- Finished tasks, and failed ones. The first is covering, so that the tasks themselves are not read.
create index task_ended on task
    (tenant_id, ended_at, state, owner_id, organization_id, visibility, required_approval, queued_at, started_at)
    where ended_at is not null;
create index task_failed on task (tenant_id, ended_at) where state in ('failed', 'timed_out', 'lost');

create table task_label (
    tenant_id blob not null,
    task_id   blob not null,
    key       text not null,
    value     text not null,
    primary key (tenant_id, task_id, key),
    foreign key (tenant_id, task_id) references task (tenant_id, id)
) without rowid;
create index task_label_value on task_label (tenant_id, key, value, task_id);

-- Words of task titles in lower case, for search by prefix and in the order of ids. They are ordered by bytes, independent
-- of the database's locale.
create table task_word (
    tenant_id blob not null,
    task_id   blob not null,
    word      text not null,
    primary key (tenant_id, task_id, word),
    foreign key (tenant_id, task_id) references task (tenant_id, id)
) without rowid;
create index task_word_found on task_word (tenant_id, word, task_id);

-- Task output: batches of lines, as JSON.
create table task_log (
    tenant_id  blob not null,
    task_id    blob not null,
    attempt    bigint not null,
    first_line bigint not null,
    next_line  bigint not null,
    -- The styles in which its first lines begin.
    styles     text not null,
    lines      text not null,
    primary key (tenant_id, task_id, attempt, first_line),
    foreign key (tenant_id, task_id) references task (tenant_id, id)
);

create table approval (
    tenant_id       blob not null,
    id              blob not null,
    task_id         blob not null,
    organization_id blob not null,
    requester_id    blob not null,
    request_digest  blob not null,
    rule            text not null,
    needed          bigint not null,
    -- Whether each approval must be confirmed with the approver's passkey.
    requires_passkey   boolean not null,
    state           text not null,
    created_at      bigint not null,
    expires_at      bigint not null,
    settled_at      bigint,
    primary key (tenant_id, id),
    foreign key (tenant_id, task_id) references task (tenant_id, id)
);
create index approval_state on approval (tenant_id, state, id);
create index approval_organization on approval (tenant_id, organization_id, state, id);
create index approval_waiting on approval (tenant_id, organization_id, id, requester_id) where state = 'waiting';
create index approval_task on approval (tenant_id, task_id);
create index approval_oldest on approval (created_at) where state = 'waiting';
create index approval_expiry on approval (expires_at) where state = 'waiting';

create table decision (
    tenant_id   blob not null,
    approval_id blob not null,
    person_id   blob not null,
    answer      text not null,
    reason      text not null,
    created_at  bigint not null,
    rules_version bigint not null,
    -- The assertion of the approver's passkey, as canonical JSON; null for a decision without one.
    assertion   text,
    -- The passkey of the assertion.
    credential_id blob,
    -- Signature of domain::consent::Decision, which is made of this row and of its approval request.
    signature   blob not null,
    primary key (tenant_id, approval_id, person_id),
    foreign key (tenant_id, approval_id) references approval (tenant_id, id),
    foreign key (tenant_id, person_id) references person (tenant_id, id)
);

-- The head row is also the lock of the chain.
create table audit_head (
    tenant_id blob not null primary key references tenant (id),
    seq       bigint not null,
    hash      blob not null,
    -- When the tenant was frozen; read under the lock by every change.
    frozen_at bigint
);
create table audit (
    tenant_id   blob not null references tenant (id),
    seq         bigint not null,
    at          bigint not null,
    action      text not null,
    outcome     text not null,
    person_id   blob,
    target_kind text not null,
    target_id   text not null,
    body        text not null,
    previous    blob not null,
    hash        blob not null,
    personal    text,
    -- The security event, if this is one.
    event       text,
    primary key (tenant_id, seq)
);
create index audit_action on audit (tenant_id, action, seq);
create index audit_person on audit (tenant_id, person_id, seq) where person_id is not null;
create index audit_target on audit (tenant_id, target_id, seq);
create index audit_refused on audit (tenant_id, seq) where outcome = 'refused';
-- Events with personal data, by age.
create index audit_personal on audit (tenant_id, at) where personal is not null;
create index audit_event on audit (tenant_id, event, seq) where event is not null;

-- The last signed checkpoint of the log by each server, which its file must contain.
create table checkpoint (
    tenant_id blob not null references tenant (id),
    -- All zeros on SQLite, which has one server.
    node_id   blob not null,
    note      text not null,
    -- The rows of the servers that signed last are kept.
    signed_at bigint not null,
    primary key (tenant_id, node_id)
);

-- Opens with the master key only, so that a wrong key is detected at start.
create table key_check (
    id      bigint not null primary key,
    sealed  blob not null
);

-- What a move of the data to PostgreSQL has left here: on SQLite `moved`, and on PostgreSQL `unfinished` until the copy is complete.
-- Nothing is served with such a row.
create table transfer (
    id    bigint not null primary key,
    state text not null
);

-- Audit events are immutable; only their personal data can be erased.
create trigger audit_no_update before update on audit
when new.personal is not null or old.body is not new.body or old.hash is not new.hash or old.previous is not new.previous
    or old.seq is not new.seq or old.tenant_id is not new.tenant_id or old.at is not new.at
    or old.action is not new.action or old.outcome is not new.outcome or old.person_id is not new.person_id
    or old.target_kind is not new.target_kind or old.target_id is not new.target_id or old.event is not new.event
begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_no_delete before delete on audit
begin select raise(abort, 'the audit log is append-only'); end;

-- Only the signature is replaced, when the grant key is.
create trigger rules_no_update before update of tenant_id, version, body, changed_by, changed_at on rules
begin select raise(abort, 'rules are append-only'); end;
create trigger rules_no_delete before delete on rules
begin select raise(abort, 'rules are append-only'); end;
