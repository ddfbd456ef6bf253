//! The audit log for programs.
use super::{
    document::{Always, List},
    received::{Parameters, Reads, cursor, limit, parsed, usual_limit},
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

/// A record with its place in the tenant's chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditRecord {
    /// Its number, from 1 without gaps.
    seq: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What: noun, dot, verb.
    action: String,
    /// `done` or `refused`.
    outcome: String,
    /// The id of the person behind it, if there was one.
    #[schema(value_type = Option<Uuid>)]
    person: Option<PersonId>,
    /// What kind of thing it was done to.
    target_kind: String,
    /// The thing's id.
    target_id: String,
    /// What else there is to say.
    #[schema(value_type = Object)]
    detail: Value,
    /// The exact text that the chain holds: a JSON object with all of the above.
    body: String,
    /// The hash of the record before, in hex.
    previous: String,
    /// Its own hash, in hex: SHA-256 over label, tenant, seq, previous, length and body.
    hash: String,
    /// Names and addresses as JSON text, unless erased; its SHA-256 stands in the body.
    personal: Option<String>,
    /// Which security event it is, if it is one: `authentication_failure`, `unauthorized_command_attempt`, `session_creation`,
    /// `session_termination`, `agent_connection_failure` or `rate_limit_exceeded`.
    event: Option<String>,
}

impl From<AuditRow> for AuditRecord {
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
            personal: row.personal,
            event: row.event.map(|event| event.to_string()),
        }
    }
}

/// Which records a list has.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Only this action, such as `task.submit`.
    #[serde(default)]
    action: Option<String>,
    /// Only what this person did.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<Uuid>)]
    person: Option<PersonId>,
    /// Only what was done to the thing with this id.
    #[serde(default)]
    target: Option<String>,
    /// Only `done` or only `refused`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    outcome: Option<Came>,
    /// Only this security event, such as `authentication_failure`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    event: Option<SecurityEvent>,
    /// Not before this time (RFC 3339).
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Moment>,
    /// Not after this time (RFC 3339).
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
    /// How many at most.
    #[serde(default = "usual_limit", deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// `next` of the page before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>)]
    after: Option<i64>,
}

#[derive(Debug)]
struct Came(Outcome);

impl FromStr for Came {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.map(Self).ok_or_else(|| Invalid::new("outcome", "must be done or refused"))
    }
}

#[derive(Debug)]
struct Moment(Timestamp);

impl FromStr for Moment {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Timestamp::parse(text).map(Self).ok_or("must be a time such as 2026-03-01T14:05:09Z")
    }
}

/// List audit records
///
/// Newest first. For admins and auditors; needs the scope `audit:read`.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "Audit", security(("bearer" = ["audit:read"])), params(AuditQuery),
    responses((status = 200, description = "A page.", body = List<AuditRecord>), Always)
)]
pub(super) async fn list_audit_records(
    reader: Reads<ReadAudit>,
    State(app): State<App>,
    Parameters(query): Parameters<AuditQuery>,
) -> Result<Json<List<AuditRecord>>, Problem> {
    let filter = AuditFilter {
        action: query.action,
        person: query.person,
        target: query.target,
        outcome: query.outcome.map(|Came(outcome)| outcome),
        event: query.event,
        since: query.since.map(|Moment(at)| at),
        until: query.until.map(|Moment(at)| at),
    };
    let mut read = app.store.read(&reader.program.actor).await?;
    let page = read.audit(&reader.allowed, filter, query.after, query.limit).await?;
    Ok(Json(List::of(page, AuditRecord::from)))
}
