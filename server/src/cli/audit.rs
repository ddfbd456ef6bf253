//! `castellan audit` commands: verification of the audit log, erasure of personal data, and continuing
//! with another log than was signed.
use super::targets::{console, find_person};
use crate::{
    checkpoints::{Cause, Depth, Finding, Review, Witness, acknowledge},
    failure::Failure,
    output::Output,
    state::App,
};
use clap::Subcommand;
use domain::{TenantId, policy::ErasePersonalData};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Exit status if the log is not what was written.
const ALTERED: u8 = 3;
/// Exit status if the log is consistent, but there is no checkpoint that would show a missing end.
const NO_WITNESS: u8 = 4;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Verify the audit log of every tenant and report the first altered or missing event
    ///
    /// Exit status: 0 if the log is what was signed, 1 if it could not be compared, 3 if it was altered, 4 if there is no
    /// checkpoint to compare it with.
    Verify {
        /// File or folder with copies of signed checkpoints to compare with, besides those in the data directory
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
    /// Continue with an audit log that was altered, or after a task started without consent, after you found out why
    Acknowledge(Acknowledgment),
    /// Erase the names and addresses that audit events contain about a person; the events themselves remain
    ///
    /// Recorded in the audit log as `audit.erase`, with the reason and the erased events.
    Erase {
        /// Email address of the person
        #[arg(long)]
        user: String,
        /// Name or ID of the person's tenant; required if people of several tenants have the address
        #[arg(long)]
        tenant: Option<String>,
        /// Why; recorded in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Acknowledgment {
    /// Why; recorded in the audit log
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// File or directory with copies of signed checkpoints, also the file `checkpoint` in the data directory of a runner that
    /// refuses the log
    #[arg(long, value_name = "FILE")]
    pub(super) against: Option<PathBuf>,
}

pub(super) async fn run(command: Audit, app: App, output: Output) -> Result<(), Failure> {
    match command {
        Audit::Verify { against } => verify(against, app, output).await,
        Audit::Acknowledge(why) => accept(Cause::Altered, why, app, output).await,
        Audit::Erase { user, tenant, reason } => erase(&user, tenant.as_deref(), &reason, app, output).await,
    }
}

async fn erase(user: &str, tenant: Option<&str>, reason: &str, app: App, output: Output) -> Result<(), Failure> {
    let reason = domain::text::name("reason", reason, 500)?;
    let found = find_person(&app, user, tenant).await?;
    let (console, person) = (console(&app, found.tenant_id), found.id);
    let end = app.store.read(&console).await?.audit_head().await?.seq;
    let (mut examined, mut erased) = (0, 0);
    while examined < end {
        let erase = ErasePersonalData { person, reason: reason.clone() };
        let proof = app.store.authorize(&console, erase).await?;
        let mut write = app.store.write(&console).await?;
        let (last, count) = write.erase_personal_data(proof, examined).await?;
        write.commit().await?;
        (examined, erased) = (last, erased + count);
    }
    app.store.close().await;
    output.print(&json!({ "erased": erased }), format_args!("Personal data erased from {erased} audit events."))
}

pub(super) async fn restored(why: Acknowledgment, app: App, output: Output) -> Result<(), Failure> {
    accept(Cause::Restored, why, app, output).await
}

async fn accept(cause: Cause, why: Acknowledgment, app: App, output: Output) -> Result<(), Failure> {
    let reason = domain::text::name("reason", &why.reason, 500)?;
    let mut witness = Witness::default();
    if let Some(place) = &why.against {
        witness.add_copies(place, &app.keys.checkpoints)?;
    }
    let findings = acknowledge(&app, cause, &reason, witness).await?;
    app.store.close().await;
    let lines: String = findings.iter().map(|finding| format!("{}{finding}\n", finding.prefix())).collect();
    let data = json!({ "acknowledged": findings.iter().map(finding_data).collect::<Vec<_>>() });
    output.print(&data, format_args!("{lines}Recorded in the audit log. The server can be started."))
}

async fn verify(against: Option<PathBuf>, app: App, output: Output) -> Result<(), Failure> {
    let mut witness = Witness::default();
    if let Some(place) = &against {
        witness.add_copies(place, &app.keys.checkpoints)?;
    }
    let review = Review::of(&app, witness, Depth::Everything).await?;
    app.store.close().await;
    let unwitnessed: Vec<_> = review.unwitnessed().collect();
    let has_witness = unwitnessed.is_empty() && review.logs.values().any(|log| log.checkpoints > 0);
    let printed = output.print(&report(&review, has_witness), text(&review, &unwitnessed));
    if !review.findings.is_empty() {
        let text = "the audit log, or a task, differs from what was signed; preserve this machine and find out who had write access to the \
                    database";
        return Err(Failure::new(text).with_status(ALTERED));
    }
    if !has_witness {
        let text = "no signed checkpoint covers the log, so a missing end would not be noticed; compare it with a copy: \
                    castellan audit verify --against FILE";
        return Err(Failure::new(text).with_status(NO_WITNESS));
    }
    printed
}

fn findings_of(review: &Review, tenant: TenantId) -> impl Iterator<Item = &Finding> {
    review.findings.iter().filter(move |finding| finding.tenant() == Some(tenant))
}

fn text(review: &Review, unwitnessed: &[TenantId]) -> String {
    let mut lines = vec![];
    for (tenant, log) in &review.logs {
        let name = format!("{} ({tenant})", log.name);
        for finding in findings_of(review, *tenant) {
            lines.push(format!("{name}: {finding}"));
        }
        if let (Some(events), None) = (log.events, findings_of(review, *tenant).next()) {
            let compared = match unwitnessed.contains(tenant) {
                true => "no checkpoint to compare with".to_owned(),
                false => format!("{} checkpoints compared", log.checkpoints),
            };
            lines.push(format!("{name}: {events} events verified, {compared}"));
            if log.erased > 0 {
                lines.push(format!(
                    "{name}: personal data erased from {} of {} events, each recorded as audit.erase or retention.delete",
                    log.erased, log.personal
                ));
            }
        }
        for start in review.acknowledged.iter().filter(|it| it.tenant() == Some(*tenant)) {
            lines.push(format!("{name}: acknowledged: {start}"));
        }
        for rollback in log.latest.iter().flat_map(|latest| &latest.rollbacks) {
            lines.push(format!(
                "{name}: acknowledged: the log was rolled back from {} events; the first {} are the same",
                rollback.size, rollback.kept
            ));
        }
    }
    for finding in review.findings.iter().filter(|it| it.tenant().is_none_or(|of| !review.logs.contains_key(&of))) {
        lines.push(format!("{finding}"));
    }
    lines.join("\n")
}

pub(super) fn finding_data(finding: &Finding) -> Value {
    json!({ "tenant": finding.tenant(), "text": finding.to_string() })
}

fn report(review: &Review, has_witness: bool) -> Value {
    let log = |(tenant, log): (&TenantId, &crate::checkpoints::ReviewedLog)| {
        let rollbacks = log.latest.iter().flat_map(|latest| &latest.rollbacks);
        let rollback = |it: &domain::checkpoint::Rollback| json!({ "kept": it.kept, "size": it.size, "hash": hex::encode(it.hash) });
        json!({
            "tenant": tenant,
            "name": log.name,
            "events": log.events,
            "checkpoints": log.checkpoints,
            "personal_data": { "events": log.personal, "erased": log.erased },
            "rollbacks": rollbacks.map(rollback).collect::<Vec<_>>(),
        })
    };
    let result = match (review.findings.is_empty(), has_witness) {
        (false, _) => "altered",
        (true, true) => "verified",
        (true, false) => "no_witness",
    };
    json!({
        "result": result,
        "tenants": review.logs.iter().map(log).collect::<Vec<_>>(),
        "findings": review.findings.iter().map(finding_data).collect::<Vec<_>>(),
        "acknowledged": review.acknowledged.iter().map(finding_data).collect::<Vec<_>>(),
    })
}
