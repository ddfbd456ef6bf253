//! `castellan audit verify` command: checks every hash chain, also against signed checkpoints.
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
    /// Verify the audit log of every tenant and report the first altered or missing event
    Verify {
        /// File with signed checkpoints to compare with [default: checkpoints in the data directory]
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
}

/// Number of events per read.
const BATCH_SIZE: u32 = 2_000;

pub(super) async fn run(command: Audit, app: App) -> Result<(), Failure> {
    let Audit::Verify { against } = command;
    let file = against.unwrap_or_else(|| checkpoints::file(&app.config.data_dir));
    let checkpoints = checkpoints::read(&file, &app.keys.checkpoints)?;
    let mut invalid = 0;
    for tenant in app.store.system().tenants().await? {
        match verify(&app, tenant.id, checkpoints.get(&tenant.id).map_or(&[], Vec::as_slice)).await? {
            Ok(count) => println!("{} ({}): {count} events verified", tenant.name, tenant.id),
            Err(problem) => {
                println!("{} ({}): {problem}", tenant.name, tenant.id);
                invalid += 1;
            }
        }
    }
    app.store.close().await;
    match invalid {
        0 => Ok(()),
        _ => Err(Failure::new(
            "the audit log was altered; preserve this machine and find out who had write access to the database",
        )),
    }
}

/// Verifies one chain; returns its number of events, or a description of the first error.
async fn verify(app: &App, tenant: TenantId, checkpoints: &[Checkpoint]) -> Result<Result<i64, String>, Failure> {
    let console = Actor::console(tenant, app.store.now());
    let proof = console.may(ReadAudit)?;
    let mut read = app.store.read(&console).await?;
    let (mut verifier, mut heads) = (Verifier::new(tenant), BTreeMap::new());
    heads.extend(checkpoints.iter().map(|checkpoint| (checkpoint.size, checkpoint.hash)));
    loop {
        let batch = read.audit_from(&proof, verifier.head().0, BATCH_SIZE).await?;
        let last = batch.is_empty();
        for row in batch {
            if let Err(broken) = verifier.take(&Stored::from(row)) {
                return Ok(Err(broken.to_string()));
            }
            let (size, hash) = verifier.head();
            if heads.get(&size).is_some_and(|signed| *signed != hash) {
                return Ok(Err(format!("event {size} differs from the signed checkpoint")));
            }
        }
        if last {
            break;
        }
    }
    let (size, hash) = verifier.head();
    if let Some((signed, _)) = heads.last_key_value().filter(|(signed, _)| **signed > size) {
        return Ok(Err(format!("event {} is missing; a signed checkpoint covers {signed} events", size + 1)));
    }
    let head = read.audit_head().await?;
    if (head.seq, head.hash) != (size, hash) {
        return Ok(Err(format!("event {} is missing; the chain head counts {} events", size + 1, head.seq)));
    }
    Ok(Ok(size))
}
