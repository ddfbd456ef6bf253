//! Review of all audit logs against their signed checkpoints, at every start and for `castellan audit verify`.
use super::{CheckpointFile, Finding, Notes, path};
use crate::{
    atomic_file,
    failure::Failure,
    keys::{CheckpointKeys, KeyChain},
    state::App,
};
use domain::{
    Actor, TenantId,
    acknowledgment::AcknowledgedStart,
    audit::{ChainError, Hash},
    checkpoint::{Checkpoint, Contradiction},
    consent::Signer,
    policy::ReadAudit,
};
use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};
use store::{CheckpointRow, Read, UnexplainedStart};
use uuid::Uuid;

/// Number of checkpoints per tenant that a start compares, newest first; `castellan audit verify` compares all.
const RECENT: usize = 100;

/// Number of started tasks that are read at once.
const STARTS_PER_BATCH: u32 = 50;

/// How much of each log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The head, and the events that recent checkpoints name.
    Heads,
    /// These, and every task that started.
    Starts,
    /// Every event, and every task that started.
    Everything,
}

/// What was signed of the audit logs.
#[derive(Debug, Default)]
pub struct Witness {
    checkpoints: BTreeMap<TenantId, Vec<Checkpoint>>,
    findings: Vec<Finding>,
}

impl Witness {
    fn add(&mut self, notes: &Notes) {
        self.add_checkpoints(notes);
        if notes.is_cut {
            self.findings.push(Finding::FileCut);
        }
    }

    fn add_checkpoints(&mut self, notes: &Notes) {
        for checkpoint in &notes.checkpoints {
            self.checkpoints.entry(checkpoint.tenant).or_default().push(checkpoint.clone());
        }
    }

    /// Adds the checkpoints of data that are replaced and kept. Returns why some of them are not known.
    pub fn add_former(&mut self, file: &Path, keys: &CheckpointKeys) -> Option<String> {
        match Notes::read(file, keys) {
            Ok(notes) => {
                let notes = notes.unwrap_or_default();
                self.add_checkpoints(&notes);
                notes.is_cut.then(|| format!("{}: {}", file.display(), Finding::FileCut))
            }
            Err(failure) => Some(failure.to_string()),
        }
    }

    /// Adds copies of checkpoints: a file, or all files of a folder.
    ///
    /// # Errors
    /// When there is nothing to compare with, or a file contains anything else.
    pub fn add_copies(&mut self, place: &Path, keys: &CheckpointKeys) -> Result<(), Failure> {
        let unreadable = |error| Failure::new(format!("{}: {error}", place.display()));
        let mut files = vec![place.to_owned()];
        if fs::metadata(place).map_err(unreadable)?.is_dir() {
            let entries = fs::read_dir(place).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)?;
            files = entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        }
        let mut found = 0;
        for file in files {
            let mut notes = Notes::read(&file, keys)?.unwrap_or_default();
            if notes.checkpoints.is_empty() {
                // What a runner remembers is a single note without the separator.
                notes.checkpoints.extend(fs::read_to_string(&file).ok().and_then(|note| signed_note(&note, keys)));
            }
            found += notes.checkpoints.len();
            self.add(&notes);
        }
        match found {
            0 => Err(Failure::new(format!("{} contains no checkpoint to compare with", place.display()))),
            _ => Ok(()),
        }
    }
}

/// The log of one tenant.
#[derive(Debug, Default)]
pub struct ReviewedLog {
    pub name: String,
    /// The number of events; `None` if verification ended early.
    pub events: Option<i64>,
    /// The number of events that were written with personal data.
    pub personal: u64,
    /// The number of events whose personal data was erased, as audit events explain.
    pub erased: u64,
    /// The number of checkpoints of this log.
    pub checkpoints: usize,
    pub latest: Option<Checkpoint>,
    /// The largest size that was signed, with its hash.
    pub largest: Option<(i64, Hash)>,
    /// The hashes that the log must have at these sizes.
    pub expected: BTreeMap<i64, Hash>,
}

/// The result of a review.
#[derive(Debug)]
pub struct Review {
    /// The logs of the tenants that exist.
    pub logs: BTreeMap<TenantId, ReviewedLog>,
    /// The last checkpoint of each tenant that no longer exists.
    pub vanished: BTreeMap<TenantId, Checkpoint>,
    pub findings: Vec<Finding>,
    /// Starts that cannot be explained and that an admin acknowledged.
    pub acknowledged: Vec<Finding>,
    pub node: Uuid,
    pub file: CheckpointFile,
}

impl Review {
    /// Compares all logs with the checkpoints of this server, of the database, and of `witness`.
    ///
    /// # Errors
    /// When the database or a file cannot be read. What was found is not an error.
    pub async fn of(app: &App, mut witness: Witness, depth: Depth) -> Result<Self, Failure> {
        let (node, path, keys) = (node_id(app)?, path(&app.config.data_dir), &app.keys.checkpoints);
        let tenants = app.store.system().tenants().await?;
        // A running server signs in the file first, then in the database: what is read here is in the file and in the log.
        let mut rows = BTreeMap::new();
        for tenant in &tenants {
            let console = Actor::console(tenant.id, app.store.now());
            rows.insert(tenant.id, app.store.read(&console).await?.checkpoints().await?);
        }
        let notes = match Notes::read(&path, keys) {
            Ok(notes) => notes.unwrap_or_default(),
            Err(failure) => {
                witness.findings.push(Finding::FileUnreadable(failure.to_string()));
                Notes::default()
            }
        };
        witness.add(&notes);
        let mut review = Self {
            logs: BTreeMap::new(),
            vanished: BTreeMap::new(),
            findings: vec![],
            acknowledged: vec![],
            node,
            file: CheckpointFile::after(path, &notes),
        };
        for tenant in tenants {
            let mut signed = witness.checkpoints.remove(&tenant.id).unwrap_or_default();
            for row in rows.remove(&tenant.id).unwrap_or_default() {
                let Some(checkpoint) = read_note(&row.note, tenant.id, keys) else {
                    review.findings.push(Finding::Unsigned { tenant: tenant.id, node: row.node_id });
                    continue;
                };
                if row.node_id == node && !notes.checkpoints.contains(&checkpoint) {
                    witness.findings.push(Finding::FileCut);
                }
                signed.push(checkpoint);
            }
            let mut log = ReviewedLog { name: tenant.name, ..review.compare_signed(tenant.id, &signed) };
            let mut read = app.store.read(&Actor::console(tenant.id, app.store.now())).await?;
            match depth {
                Depth::Heads => review.compare_heads(tenant.id, &mut log, &mut read).await?,
                Depth::Starts => {
                    review.compare_heads(tenant.id, &mut log, &mut read).await?;
                    drop(read);
                    review.verify_starts(app, tenant.id).await?;
                }
                Depth::Everything => {
                    let proof = Actor::console(tenant.id, app.store.now()).may(ReadAudit)?;
                    match read.verify_audit(&proof, &log.expected).await? {
                        Ok(verified) => {
                            log.events = Some(verified.head.seq);
                            (log.personal, log.erased) = (verified.personal, verified.erased);
                        }
                        Err(broken) => review.findings.push(Finding::Altered { tenant: tenant.id, broken }),
                    }
                    drop(read);
                    review.verify_starts(app, tenant.id).await?;
                }
            }
            review.logs.insert(tenant.id, log);
        }
        // A tenant can have been created and signed in the meantime.
        for tenant in app.store.system().tenants().await? {
            witness.checkpoints.remove(&tenant.id);
        }
        for (tenant, signed) in witness.checkpoints {
            let log = review.compare_signed(tenant, &signed);
            if let Some(latest) = log.latest.filter(|latest| latest.size > 0) {
                review.findings.push(Finding::Vanished { tenant, signed: latest.size });
                review.vanished.insert(tenant, latest);
            }
        }
        witness.findings.dedup();
        review.findings.append(&mut witness.findings);
        Ok(review)
    }

    /// Compares the checkpoints of one log with each other.
    fn compare_signed(&mut self, tenant: TenantId, signed: &[Checkpoint]) -> ReviewedLog {
        let largest = signed.iter().map(|it| (it.size, it.hash)).max();
        let mut log = ReviewedLog { checkpoints: signed.len(), largest, ..ReviewedLog::default() };
        let later = |a: &&Checkpoint, b: &&Checkpoint| (a.rollbacks.len(), a.size).cmp(&(b.rollbacks.len(), b.size));
        let Some(latest) = signed.iter().max_by(later) else { return log };
        for checkpoint in signed {
            let contradiction = match checkpoint.abandoned_by(latest) {
                Err(contradiction) => contradiction,
                Ok(Some(_)) => continue,
                Ok(None) if checkpoint.size == 0 => continue,
                Ok(None) => {
                    let known = log.expected.entry(checkpoint.size).or_insert(checkpoint.hash);
                    if *known == checkpoint.hash {
                        continue;
                    }
                    Contradiction::Fork(checkpoint.size)
                }
            };
            let finding = Finding::Contradiction { tenant, contradiction };
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        log.latest = Some(latest.clone());
        log
    }

    /// Compares every started task with its submission, the judgment of the rules, and the decisions on it.
    async fn verify_starts(&mut self, app: &App, tenant: TenantId) -> Result<(), Failure> {
        let console = Actor::console(tenant, app.store.now());
        let proof = console.may(ReadAudit)?;
        let acknowledged = app.store.read(&console).await?.acknowledged_starts(&proof).await?;
        let keys: &KeyChain = &app.keys.checkpoints;
        let is_signed = |message: &[u8], signature: &[u8]| {
            keys.verifies(message, signature) || keys.verifies_retired(message, signature)
        };
        let mut after = None;
        loop {
            let mut snapshot = app.store.snapshot(&console).await?;
            let batch = snapshot.verify_starts(&proof, after, STARTS_PER_BATCH).await?;
            for start in batch.unexplained {
                let statement = acknowledged_start(tenant, &start);
                let is_acknowledged = acknowledged.iter().any(|it| it.statement == statement && it.is_by(&is_signed));
                let list = if is_acknowledged { &mut self.acknowledged } else { &mut self.findings };
                list.push(Finding::Unexplained { tenant, start });
            }
            match batch.last {
                None => return Ok(()),
                last => after = last,
            }
        }
    }

    /// Compares the head of a log with its last event and with recent checkpoints.
    async fn compare_heads(&mut self, tenant: TenantId, log: &mut ReviewedLog, read: &mut Read) -> Result<(), Failure> {
        let altered = |seq, reason| Finding::Altered { tenant, broken: ChainError { seq, reason } };
        let head = match read.audit_head().await {
            Err(store::Error::NotFound) => {
                self.findings.push(altered(1, "cannot be read, because the head of the log is missing"));
                return Ok(());
            }
            head => head?,
        };
        log.events = Some(head.seq);
        for (size, hash) in log.expected.iter().rev().take(RECENT) {
            if *size > head.seq {
                self.findings.push(Finding::Shorter { tenant, size: head.seq, signed: *size });
                break;
            }
            if read.audit_hash(*size).await? != Some(*hash) {
                self.findings.push(Finding::Different { tenant, size: *size });
                break;
            }
        }
        if head.seq > 0 && read.audit_hash(head.seq).await? != Some(head.hash) {
            self.findings.push(altered(head.seq, "differs from the head of the log"));
        }
        if read.audit_hash(head.seq + 1).await?.is_some() {
            self.findings.push(altered(head.seq + 1, "is not counted by the head of the log"));
        }
        Ok(())
    }

    /// Returns the tenants whose logs were compared with nothing: their ends can be missing.
    pub fn unwitnessed(&self) -> impl Iterator<Item = TenantId> {
        self.logs.iter().filter(|(_, log)| log.checkpoints == 0 && log.events != Some(0)).map(|(tenant, _)| *tenant)
    }

    /// Fails if anything was found, so that no second log is signed over the first one.
    ///
    /// # Errors
    /// With all findings, and what to do.
    pub fn require_clean(self) -> Result<Self, Failure> {
        if self.findings.is_empty() {
            return Ok(self);
        }
        let mut text = "the audit log is not the one that was signed; nothing was started.\n".to_owned();
        for finding in &self.findings {
            text.push_str(&format!("  {}{finding}\n", finding.prefix()));
        }
        text.push_str(
            "Preserve this machine and find out who had write access. If you restored a backup, continue with: castellan restore \
             --reason TEXT. To continue with an altered log: castellan audit acknowledge --reason TEXT",
        );
        Err(Failure::new(text))
    }
}

/// Returns the statement with which an admin acknowledges a start.
pub(super) fn acknowledged_start(tenant: TenantId, start: &UnexplainedStart) -> AcknowledgedStart {
    AcknowledgedStart { tenant, task: start.task, problem: start.problem.to_owned(), rows: start.rows }
}

/// Returns the latest checkpoint of the tenant in the database that this deployment signed, with a note by the current key: a runner
/// that was enrolled after a rotation does not know the former keys.
pub(crate) async fn latest_signed(
    read: &mut Read,
    tenant: TenantId,
    keys: &CheckpointKeys,
) -> store::Result<Option<(Checkpoint, String)>> {
    let latest = latest_of(&read.checkpoints().await?, tenant, keys);
    Ok(latest.map(|latest| {
        let note = keys.note(&latest);
        (latest, note)
    }))
}

/// Returns the latest of the checkpoints that this deployment signed. Notes of former keys count only until the current key has signed
/// one, so that a former key that was stolen is worth nothing after its rotation.
pub(super) fn latest_of(rows: &[CheckpointRow], tenant: TenantId, keys: &CheckpointKeys) -> Option<Checkpoint> {
    let signed = rows.iter().filter_map(|row| Some((keys.is_current(&row.note), read_note(&row.note, tenant, keys)?)));
    let later = |latest: (bool, Checkpoint), next: (bool, Checkpoint)| match (latest.0, next.0) {
        (false, true) => next,
        (true, false) => latest,
        _ if next.1.is_later_than(&latest.1) => next,
        _ => latest,
    };
    signed.reduce(later).map(|(_, checkpoint)| checkpoint)
}

/// Reads a note of this tenant that this deployment signed.
pub(crate) fn read_note(note: &str, tenant: TenantId, keys: &CheckpointKeys) -> Option<Checkpoint> {
    signed_note(note, keys).filter(|checkpoint| checkpoint.tenant == tenant)
}

/// Reads a note that this deployment signed.
fn signed_note(note: &str, keys: &CheckpointKeys) -> Option<Checkpoint> {
    let (checkpoint, signature) = keys.read(note)?;
    keys.verifies_note(&checkpoint, &signature).then_some(checkpoint)
}

/// Returns the id of this server's file in the database: on PostgreSQL, each server has a file of its own.
fn node_id(app: &App) -> Result<Uuid, Failure> {
    if app.store.is_embedded() {
        return Ok(Uuid::nil());
    }
    let path: PathBuf = app.config.data_dir.join("node-id");
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| Failure::new(format!("{} does not contain an id", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let id = store::new_id();
            fs::create_dir_all(&app.config.data_dir)
                .and_then(|()| atomic_file::replace(&path, format!("{id}\n").as_bytes(), 0o644))
                .map_err(failed)?;
            Ok(id)
        }
        Err(error) => Err(failed(error)),
    }
}
