//! Invariants that are checked after faults.
use super::load::AcknowledgedTask;
use crate::{
    client::Credential,
    processes::{Process, processes_mentioning, until_ended},
    program::Program,
    timeouts::{until, until_within},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// A task that loses its runner in this many attempts counts as lost.
const STARTS: usize = 3;

/// Checks that every acknowledged task exists and ended once with its complete output and receipt, and that the audit
/// log is intact. Returns a summary.
pub async fn check_promises(program: &Program, key: &str, acknowledged_tasks: &[AcknowledgedTask]) -> String {
    let (mut torn, disk_was_full) = (0, program.server_log().contains("disk is full"));
    for acknowledged_task in acknowledged_tasks {
        let task = ended(program, key, &acknowledged_task.id).await;
        assert_eq!(task["request_digest"], acknowledged_task.request_digest, "{task:#}");
        match task["state"].as_str().unwrap() {
            "succeeded" => {
                assert_eq!(program.printed(key, &acknowledged_task.id).await, acknowledged_task.output, "{task:#}");
                let receipt: Value = serde_json::from_str(task["receipt"].as_str().unwrap()).unwrap();
                assert_eq!((&receipt["attempt"], &receipt["task"]), (&task["attempt"], &task["id"]), "{task:#}");
            }
            "lost" => torn += 1,
            // The output did not fit on the disk.
            "failed" if disk_was_full && task["result"]["reason"].as_str().is_some_and(|why| why.contains("disk")) => {}
            _ => panic!("the task failed: {task:#}"),
        }
    }
    let ids: BTreeSet<_> = acknowledged_tasks.iter().map(|acknowledged_task| acknowledged_task.id.clone()).collect();
    assert_eq!(ids.len(), acknowledged_tasks.len(), "two tasks were acknowledged as one");
    assert!(torn < acknowledged_tasks.len(), "no task succeeded");
    let submitted = by_task(program, key, "task.submit").await;
    assert_eq!(submitted.keys().collect::<BTreeSet<_>>(), ids.iter().collect(), "every task was acknowledged");
    let (finished, released) =
        (by_task(program, key, "task.finish").await, by_task(program, key, "task.release").await);
    for id in &ids {
        let count = |records: &BTreeMap<String, usize>| records.get(id).copied().unwrap_or_default();
        let lost = count(&finished) == 0 && count(&released) == STARTS;
        assert!(count(&submitted) == 1 && (count(&finished) == 1 || lost), "{id}: {finished:?} {released:?}");
    }
    assert_audit_chain_intact(program);
    let restarts: usize = released.values().sum();
    format!("{} tasks, of which {torn} were torn from their runner {STARTS} times; {restarts} restarts", ids.len())
}

/// Checks the hash chain of the audit log.
pub fn assert_audit_chain_intact(program: &Program) {
    program.verify_audit_log();
}

async fn ended(program: &Program, key: &str, id: &str) -> Value {
    let over = ["succeeded", "failed", "cancelled", "timed_out", "denied", "expired", "lost"];
    // The tasks of a killed runner are released when their lease expires.
    until_within(Duration::from_mins(2), &format!("task {id} ends"), async || {
        let response = program.get(Credential::Key(key), &format!("/api/v1/tasks/{id}")).await;
        assert_ne!(response.status, 404, "acknowledged and lost: {id}");
        let task = (response.status == 200).then(|| response.json())?;
        over.contains(&task["state"].as_str().unwrap()).then_some(task)
    })
    .await
}

/// Returns the number of audit events of an action for each task.
async fn by_task(program: &Program, key: &str, action: &str) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for record in program.audit(key, Some(action)).await {
        *count.entry(record["target_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    count
}

/// Returns the output files in the spools of all runners.
fn spooled_output(program: &Program) -> Vec<PathBuf> {
    let homes = subfolders(&program.visible_data_dir().join("runners"));
    assert!(
        !homes.is_empty(),
        "no runner has a folder in {}, so no duplicate run would be detected",
        program.visible_data_dir().display()
    );
    homes.iter().flat_map(|runner| subfolders(&runner.join("spool"))).collect()
}

/// Waits until the runners have received the acknowledgment of all output and receipts.
pub async fn wait_for_empty_spools(program: &Program) {
    until("all output is fetched", async || spooled_output(program).is_empty().then_some(())).await;
}

/// Checks that the stopped deployment left no process, mount, cgroup or spooled output.
pub async fn assert_no_leftovers(program: &Program, runners: &BTreeSet<Process>) {
    let folder = program.data().display().to_string();
    until_ended(&processes_mentioning(&folder).into_iter().collect(), Duration::from_secs(5)).await;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&folder), "a mount is left: {mounts}");
    assert_eq!(spooled_output(program), Vec::<PathBuf>::new(), "output left in the spool");
    let ours = |name: &str| {
        let pid = name.strip_prefix("castellan-").and_then(|rest| rest.split('-').next()?.parse().ok());
        pid.is_some_and(|pid: u32| runners.iter().any(|runner| runner.pid == pid))
    };
    let mut left = vec![];
    find_folders(Path::new("/sys/fs/cgroup"), &ours, &mut left);
    assert_eq!(left, Vec::<PathBuf>::new(), "cgroups are left");
}

fn find_folders(folder: &Path, ours: &impl Fn(&str) -> bool, found: &mut Vec<PathBuf>) {
    for folder in subfolders(folder) {
        match folder.file_name().and_then(|name| name.to_str()) {
            Some(name) if ours(name) => found.push(folder),
            _ => find_folders(&folder, ours, found),
        }
    }
}

fn subfolders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}
