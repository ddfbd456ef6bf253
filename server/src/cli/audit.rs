//! `castellan audit verify`: every chain, record by record, and against signed checkpoints.
use crate::{checkpoints, failure::Failure, state::App};
use clap::Subcommand;
use domain::{
    Actor, TenantId,
    audit::{Stored, Verifier},
    checkpoint::Checkpoint,
    policy::ReadAudit,
};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Verify the audit log of every tenant; names the first record that is not what it was
    Verify {
        /// Signed checkpoints to hold the log against [default: checkpoints in the data folder]
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
}

/// How many records are read at once.
const PART: u32 = 2_000;

pub(super) async fn run(command: Audit, app: App) -> Result<(), Failure> {
    let Audit::Verify { against } = command;
    let file = against.unwrap_or_else(|| checkpoints::file(&app.config.data_dir));
    let kept = checkpoints::read(&file, &app.keys.checkpoints)?;
    let mut bad = 0;
    for tenant in app.store.system().tenants().await? {
        match verify(&app, tenant.id, kept.get(&tenant.id).map_or(&[], Vec::as_slice)).await? {
            Ok(count) => println!("{} ({}): {count} records, all as they were written", tenant.name, tenant.id),
            Err(problem) => {
                println!("{} ({}): {problem}", tenant.name, tenant.id);
                bad += 1;
            }
        }
    }
    app.store.close().await;
    match bad {
        0 => Ok(()),
        _ => Err(Failure::new(
            "the audit log is not what it was; keep this machine as it is and look at who could change it",
        )),
    }
}

/// How many records a chain has, or what is wrong with it.
async fn verify(app: &App, tenant: TenantId, kept: &[Checkpoint]) -> Result<Result<i64, String>, Failure> {
    let console = Actor::console(tenant, app.store.now());
    let proof = console.may(ReadAudit)?;
    let mut read = app.store.read(&console).await?;
    let (mut verifier, mut heads) = (Verifier::new(tenant), BTreeMap::new());
    heads.extend(kept.iter().map(|checkpoint| (checkpoint.size, checkpoint.hash)));
    loop {
        let part = read.audit_from(&proof, verifier.head().0, PART).await?;
        let last = part.is_empty();
        for row in part {
            if let Err(broken) = verifier.take(&Stored::from(row)) {
                return Ok(Err(broken.to_string()));
            }
            let (size, hash) = verifier.head();
            if heads.get(&size).is_some_and(|kept| *kept != hash) {
                return Ok(Err(format!("record {size}: is not the one that was signed in a checkpoint")));
            }
        }
        if last {
            break;
        }
    }
    let (size, hash) = verifier.head();
    if let Some((signed, _)) = heads.last_key_value().filter(|(signed, _)| **signed > size) {
        return Ok(Err(format!("record {}: is missing; a signed checkpoint says that there were {signed}", size + 1)));
    }
    let head = read.audit_head().await?;
    if (head.seq, head.hash) != (size, hash) {
        return Ok(Err(format!("record {}: is missing; the head says that there were {}", size + 1, head.seq)));
    }
    Ok(Ok(size))
}
