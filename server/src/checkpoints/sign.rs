//! Signing of checkpoints: of each changed log, every minute and at shutdown, if it continues what was signed before.
use super::{
    CheckpointFile, Review,
    review::{latest_of, read_note},
};
use crate::{failure::Failure, metrics::process, state::App};
use domain::{Actor, TenantId, checkpoint::Checkpoint};
use std::{collections::BTreeMap, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How large the file of checkpoints can get.
#[derive(Clone, Copy, Debug)]
pub struct FileLimits {
    /// Number of the newest checkpoints that a compaction does not touch.
    pub recent: usize,
    /// Number of new checkpoints after which the file is compacted.
    pub new: usize,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self { recent: 1_000, new: 10_000 }
    }
}

/// Interval of checkpoints for changed chains.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

/// Signs changed chain heads every minute and at shutdown.
pub async fn run(app: App, review: Review, stop: CancellationToken) {
    let mut signer = Signer::after(app, review);
    loop {
        let ending = tokio::time::timeout(CHECKPOINT_INTERVAL, stop.cancelled()).await.is_ok();
        let signed = signer.sign().await;
        process().count_checkpoint(signed.is_ok());
        if let Err(failure) = signed {
            tracing::error!(%failure, "audit log checkpoints cannot be written");
        }
        if ending {
            return;
        }
    }
}

/// The signer of one server.
#[derive(Debug)]
pub struct Signer {
    app: App,
    node: Uuid,
    file: CheckpointFile,
    limits: FileLimits,
    /// The latest checkpoints, which the log must continue whatever the database says.
    latest: BTreeMap<TenantId, Checkpoint>,
}

impl Signer {
    /// Continues after a review.
    pub fn after(app: App, review: Review) -> Self {
        let latest = review.logs.into_iter().filter_map(|(tenant, log)| Some((tenant, log.latest?))).collect();
        Self { app, node: review.node, file: review.file, limits: FileLimits::default(), latest }
    }

    /// Returns the signer with other limits.
    #[must_use]
    pub fn with_limits(self, limits: FileLimits) -> Self {
        Self { limits, ..self }
    }

    /// Signs the head of each log that has grown.
    ///
    /// # Errors
    /// With the first failure; the other logs are signed nevertheless.
    pub async fn sign(&mut self) -> Result<(), Failure> {
        let mut done = Ok(());
        for tenant in self.app.store.system().tenants().await? {
            let signed = self.sign_tenant(tenant.id).await;
            done = done.and(signed);
        }
        if self.file.new_notes() > self.limits.new {
            done = done.and(self.compact().await);
        }
        done
    }

    /// Thins out the file of checkpoints. Only checkpoints that agree with the logs are removed: others are evidence.
    async fn compact(&mut self) -> Result<(), Failure> {
        let keys = &self.app.keys.checkpoints;
        let evidence = || {
            Failure::new(
                "the file of checkpoints is not compacted, because checkpoints in it contradict each other or an audit log; stop the \
                 server and run: castellan audit verify",
            )
        };
        let plan = self.file.plan_compaction(keys, self.limits.recent)?.ok_or_else(evidence)?;
        let mut logs: BTreeMap<TenantId, (Checkpoint, Vec<&Checkpoint>)> = BTreeMap::new();
        for (checkpoint, stays) in plan.checkpoints() {
            let (latest, removed) = logs.entry(checkpoint.tenant).or_insert_with(|| (checkpoint.clone(), vec![]));
            if checkpoint.is_later_than(latest) {
                *latest = checkpoint.clone();
            }
            if !stays {
                removed.push(checkpoint);
            }
        }
        for (tenant, (latest, removed)) in &logs {
            let mut read = self.app.store.read(&Actor::console(*tenant, self.app.store.now())).await?;
            for checkpoint in removed {
                let agrees = match checkpoint.abandoned_by(latest) {
                    Ok(Some(_)) => true,
                    Ok(None) if checkpoint.size == 0 => true,
                    Ok(None) => read.audit_hash(checkpoint.size).await? == Some(checkpoint.hash),
                    Err(_) => false,
                };
                if !agrees {
                    return Err(evidence());
                }
            }
        }
        self.file.compact(&plan, keys)
    }

    async fn sign_tenant(&mut self, tenant: TenantId) -> Result<(), Failure> {
        let (app, key) = (self.app.clone(), &self.app.keys.checkpoints);
        let console = Actor::console(tenant, app.store.now());
        let mut read = app.store.read(&console).await?;
        let size = read.audit_head().await?.seq;
        // Other servers, and the console, sign this log too.
        let rows = read.checkpoints().await?;
        let mut latest = self.latest.get(&tenant).cloned();
        if let Some(known) = latest_of(&rows, tenant, key)
            && latest.as_ref().is_none_or(|latest| known.is_later_than(latest))
        {
            latest = Some(known);
        }
        let is_own = rows.iter().any(|row| {
            let is_of_size = || read_note(&row.note, tenant, key).is_some_and(|known| known.size == size);
            row.node_id == self.node && key.is_current(&row.note) && is_of_size()
        });
        if let Some(latest) = &latest {
            let continues =
                latest.size == 0 || latest.size <= size && read.audit_hash(latest.size).await? == Some(latest.hash);
            if !continues {
                return Err(Failure::new(format!(
                    "the audit log of tenant {tenant} does not continue the one of which {} events were signed, and is no \
                     longer signed; stop the server and run: castellan audit verify",
                    latest.size
                )));
            }
        }
        drop(read);
        if size > 0 && !is_own {
            let rollbacks = latest.map(|latest| latest.rollbacks).unwrap_or_default();
            latest = Some(sign(&app, self.node, &mut self.file, tenant, rollbacks).await?);
        }
        self.latest.extend(latest.map(|latest| (tenant, latest)));
        Ok(())
    }
}

/// Signs the present head of a log in the file, then in the database.
pub(super) async fn sign(
    app: &App,
    node: Uuid,
    file: &mut CheckpointFile,
    tenant: TenantId,
    rollbacks: Vec<domain::checkpoint::Rollback>,
) -> Result<Checkpoint, Failure> {
    let console = Actor::console(tenant, app.store.now());
    let mut write = app.store.write(&console).await?;
    let head = write.durable_audit_head().await?;
    write.commit().await?;
    let checkpoint = Checkpoint { rollbacks, ..Checkpoint::new(tenant, head.seq, head.hash) };
    let (checkpoint, note) = file.append(checkpoint, &app.keys.checkpoints)?;
    let mut write = app.store.write(&console).await?;
    write.keep_checkpoint(node, note).await?;
    write.commit().await?;
    Ok(checkpoint)
}
