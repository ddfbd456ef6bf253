//! Acknowledgment at the console of an altered audit log or of tasks that started without consent: recorded in the log, and signed.
use super::{
    Finding, Review, ReviewedLog, Witness,
    review::{Depth, acknowledged_start},
    sign::sign,
};
use crate::{failure::Failure, state::App};
use domain::{
    Actor, TenantId,
    audit::GENESIS,
    checkpoint::{Checkpoint, Contradiction, Rollback},
    consent::Signed,
    policy::{AcknowledgeAudit, Acknowledged, RestoreAudit},
};

/// Maximum number of findings in one audit event.
const FINDINGS_PER_EVENT: usize = 200;

/// Why the log is not the one that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A backup was restored.
    Restored,
    /// A backup is being restored, which every log records, even if no newer one is known.
    Replaced,
    /// Anything else that an admin investigated.
    Altered,
}

/// Records all findings in the audit logs and signs logs that continue in spite of them. Returns the findings. `witness` contains
/// copies of checkpoints that are known elsewhere.
///
/// # Errors
/// When nothing was found, when a restored backup does not explain it, and when a log cannot be continued.
pub async fn acknowledge(app: &App, cause: Cause, reason: &str, witness: Witness) -> Result<Vec<Finding>, Failure> {
    let depth = if cause == Cause::Altered { Depth::Starts } else { Depth::Heads };
    let mut review = Review::of(app, witness, depth).await?;
    if review.findings.is_empty() && cause != Cause::Replaced {
        return Err(Failure::new(
            "the audit log is the one that was signed; there is nothing to acknowledge. If a \
             runner or a copy shows more events, name it: --against FILE",
        ));
    }
    if let Some(broken) = review.findings.iter().find(|finding| matches!(finding, Finding::Altered { .. })) {
        return Err(Failure::new(format!("{broken}. No event can be appended to such a log; restore a backup")));
    }
    if let Some(other) = review.findings.iter().find(|finding| cause != Cause::Altered && !finding.is_rollback()) {
        return Err(Failure::new(format!(
            "{other}. A restored backup does not explain this; use castellan audit acknowledge"
        )));
    }
    let findings = review.findings.clone();
    let is_file_new = findings.iter().any(Finding::is_of_file);
    if is_file_new {
        review.file.begin_new_file()?;
    }
    // A tenant that no longer exists has no log to record this in.
    let first = review.logs.keys().next().copied();
    for (tenant, log) in &review.logs {
        let concerns = |finding: &&Finding| match finding {
            Finding::Vanished { .. } => first == Some(*tenant),
            other => other.tenant().is_none_or(|of| of == *tenant),
        };
        let own: Vec<_> = findings.iter().filter(concerns).cloned().collect();
        let mut rollbacks = log.latest.as_ref().map(|latest| latest.rollbacks.clone()).unwrap_or_default();
        if own.is_empty() && cause != Cause::Replaced {
            // A new file has to contain the last checkpoint of every log.
            if is_file_new && log.events != Some(0) {
                sign(app, review.node, &mut review.file, *tenant, rollbacks).await?;
            }
            continue;
        }
        let is_rolled_back = own.iter().any(|finding| finding.tenant() == Some(*tenant) && finding.is_rollback());
        let rollback = match log.largest {
            Some((size, hash)) if is_rolled_back => {
                Some(Rollback { kept: kept(app, *tenant, log, &own).await?, size, hash })
            }
            _ => None,
        };
        let (first_findings, more) = own.split_at(own.len().min(FINDINGS_PER_EVENT));
        record(app, cause, *tenant, reason, first_findings, rollback).await?;
        for findings in more.chunks(FINDINGS_PER_EVENT) {
            record(app, cause, *tenant, reason, findings, None).await?;
        }
        rollbacks.extend(rollback);
        sign(app, review.node, &mut review.file, *tenant, rollbacks.clone()).await?;
        for finding in &own {
            if let Finding::Unsigned { node, .. } = finding
                && *node != review.node
            {
                sign(app, *node, &mut review.file, *tenant, rollbacks.clone()).await?;
            }
        }
    }
    for (tenant, latest) in review.vanished {
        let mut rollbacks = latest.rollbacks;
        rollbacks.push(Rollback { kept: 0, size: latest.size, hash: latest.hash });
        let empty = Checkpoint { rollbacks, ..Checkpoint::new(tenant, 0, GENESIS) };
        review.file.append(empty, &app.keys.checkpoints)?;
    }
    review.file.publish(app.store.now())?;
    Ok(findings)
}

async fn record(
    app: &App,
    cause: Cause,
    tenant: TenantId,
    reason: &str,
    findings: &[Finding],
    rollback: Option<Rollback>,
) -> Result<(), Failure> {
    let console = Actor::console(tenant, app.store.now());
    let size = app.store.read(&console).await?.audit_head().await?.seq;
    let starts = findings.iter().filter_map(Finding::start).map(|start| acknowledged_start(tenant, start));
    let change = Acknowledged {
        reason: reason.to_owned(),
        findings: findings.iter().map(ToString::to_string).collect(),
        rollback,
        size,
        starts: starts.map(|start| Signed::new(start, &*app.keys.checkpoints)).collect(),
    };
    match cause {
        Cause::Restored | Cause::Replaced => {
            let proof = app.store.authorize(&console, RestoreAudit { change }).await?;
            let mut write = app.store.write(&console).await?;
            write.restore_audit(proof).await?;
            Ok(write.commit().await?)
        }
        Cause::Altered => {
            let proof = app.store.authorize(&console, AcknowledgeAudit { change }).await?;
            let mut write = app.store.write(&console).await?;
            write.acknowledge_audit(proof).await?;
            Ok(write.commit().await?)
        }
    }
}

/// Returns the largest signed size up to which the log is the signed one.
async fn kept(app: &App, tenant: TenantId, log: &ReviewedLog, findings: &[Finding]) -> Result<i64, Failure> {
    let fork = findings.iter().filter_map(|finding| match finding {
        Finding::Contradiction { contradiction: Contradiction::Fork(size), .. } => Some(*size),
        _ => None,
    });
    let below = fork.min().unwrap_or(i64::MAX);
    let signed: Vec<_> = log.expected.range(..below).collect();
    let mut read = app.store.read(&Actor::console(tenant, app.store.now())).await?;
    // Each hash covers all events before it: what agrees comes first.
    let (mut agreed, mut end) = (0, signed.len());
    while agreed < end {
        let middle = agreed + (end - agreed) / 2;
        let (size, hash) = signed[middle];
        match read.audit_hash(*size).await? == Some(*hash) {
            true => agreed = middle + 1,
            false => end = middle,
        }
    }
    Ok(agreed.checked_sub(1).map_or(0, |last| *signed[last].0))
}
