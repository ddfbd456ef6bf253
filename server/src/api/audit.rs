//! Audit log operations.
use super::{
    enums,
    extract::{QueryParameters, Reader, cursor, default_limit, limit, parsed},
    responses::List,
};
use crate::{problem::Problem, state::App};
use axum::{Json, extract::State};
use domain::{
    Invalid, PersonId, Timestamp,
    audit::{Outcome, Record},
    policy::ReadAudit,
    security::SecurityEvent,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::str::FromStr;
use store::{AuditFilter, AuditRow};
use utoipa::{IntoParams, ToSchema};

/// An audit event with its position in the tenant's hash chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEvent {
    /// Sequence number, starting at 1 without gaps.
    seq: i64,
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Action in the form `noun.verb`, such as `task.submit`.
    action: String,
    /// Whether the action was done.
    #[schema(value_type = enums::Outcome)]
    outcome: String,
    /// ID of the person who acted, if known.
    #[schema(value_type = Option<Uuid>)]
    person: Option<PersonId>,
    /// Type of the object that was acted on.
    target_kind: String,
    /// ID of the object that was acted on.
    target_id: String,
    /// Further details, depending on the action.
    #[schema(value_type = Object)]
    detail: Value,
    /// The hashed text: a JSON object with the fields above.
    body: String,
    /// Hash of the previous event, in hex.
    previous: String,
    /// Hash of this event, in hex: SHA-256 over label, tenant, seq, previous, length and body.
    hash: String,
    /// Personal data (names and addresses) as JSON text, unless erased. Its SHA-256 is part of the body.
    personal_data: Option<String>,
    /// Security event type, if it is one.
    #[schema(value_type = Option<enums::SecurityEvent>)]
    event: Option<String>,
    /// Whether hash, stored columns and personal data match the hashed text. `castellan audit verify` checks the whole log.
    intact: bool,
}

impl From<AuditRow> for AuditEvent {
    fn from(row: AuditRow) -> Self {
        let detail = serde_json::from_str::<Record>(&row.body).map(|record| record.detail).unwrap_or_default();
        Self {
            seq: row.seq,
            at: row.at,
            action: row.action,
            outcome: row.outcome,
            person: row.person_id,
            target_kind: row.target_kind,
            target_id: row.target_id,
            detail,
            body: row.body,
            previous: hex::encode(row.previous),
            hash: hex::encode(row.hash),
            personal_data: row.personal,
            event: row.event.map(|event| event.to_string()),
            intact: !row.altered,
        }
    }
}

/// Filters of a list of audit events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Only events with this action, such as `task.submit`.
    #[serde(default)]
    action: Option<String>,
    /// Only events by the person with this ID.
    #[serde(default)]
    #[param(value_type = Option<Uuid>)]
    person: Option<PersonId>,
    /// Only events on the object with this ID.
    #[serde(default)]
    target: Option<String>,
    /// Only events with this outcome.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<enums::Outcome>)]
    outcome: Option<OutcomeParameter>,
    /// Only security events of this type.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<enums::SecurityEvent>)]
    event: Option<SecurityEvent>,
    /// Earliest time (RFC 3339).
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<TimeParameter>,
    /// Latest time (RFC 3339).
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<TimeParameter>,
    /// Maximum number of items, 1 to 200.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// The value of `next` from the previous page.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, pattern = "^-?[0-9]{1,18}$")]
    after: Option<i64>,
}

#[derive(Debug)]
struct OutcomeParameter(Outcome);

impl FromStr for OutcomeParameter {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.map(Self).ok_or_else(|| Invalid::new("outcome", "must be done or refused"))
    }
}

#[derive(Debug)]
struct TimeParameter(Timestamp);

impl FromStr for TimeParameter {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Timestamp::parse(text).map(Self).ok_or("must be a time such as 2026-03-01T14:05:09Z")
    }
}

/// Page of audit events. The alias gives the schema a name, which utoipa would compose of a generic type.
type AuditEventList = List<AuditEvent>;

/// List audit events
///
/// Returns the audit events of the tenant, newest first. The key's owner must be an admin or auditor. Requires the scope
/// `audit:read`.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "Audit", security(("bearer" = ["audit:read"])), params(AuditQuery),
    responses((status = 200, description = "A page of results.", body = AuditEventList))
)]
pub(super) async fn list_audit_events(
    reader: Reader<ReadAudit>,
    State(app): State<App>,
    QueryParameters(query): QueryParameters<AuditQuery>,
) -> Result<Json<AuditEventList>, Problem> {
    let filter = AuditFilter {
        action: query.action,
        person: query.person,
        target: query.target,
        outcome: query.outcome.map(|OutcomeParameter(outcome)| outcome),
        event: query.event,
        since: query.since.map(|TimeParameter(at)| at),
        until: query.until.map(|TimeParameter(at)| at),
    };
    let mut read = app.store.read(&reader.program.actor).await?;
    let page = read.audit(&reader.allowed, filter, query.after, query.limit).await?;
    Ok(Json(List::from_page(page, AuditEvent::from)))
}
