//! Plans for the kernel ids of tasks on this machine, the safest first (E20).

use super::{
    Config, Unfit,
    account::{Account, Owner},
    quotas::Quotas,
    subordinate::{Allocations, TaskId},
    task_ids::TaskIds,
    user_namespace,
};
use std::{ffi::CString, os::fd::OwnedFd, sync::Arc};

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub ids: TaskIds,
    pub user_namespace: Option<Arc<OwnedFd>>,
    pub quotas: Quotas,
    pub terminals: Option<Arc<CString>>,
    /// The ids for operators, e.g. `castellan (990)`.
    pub account: String,
}

/// The plans, and why the ids of tasks cannot be separate, as a clause.
#[derive(Debug)]
pub(super) struct Plans {
    pub plans: Vec<Plan>,
    pub why_shared: Option<String>,
}

impl Plans {
    pub fn new(owner: &Owner, allocations: &Allocations, config: &Config) -> Result<Self, Unfit> {
        let mut plans = vec![];
        let separate = separate(owner, allocations, config);
        let why_shared = separate.as_ref().err().cloned();
        plans.extend(separate.ok());
        plans.extend(shared(owner, allocations, config.tasks));
        // Mounting pseudoterminals needs a privilege that a container may lack.
        let plans: Vec<_> = plans
            .into_iter()
            .flat_map(|plan| {
                let limited = Plan { terminals: plan.quotas.terminal_options(), ..plan.clone() };
                let can_mount = !owner.is_runner() || plan.user_namespace.is_some();
                [can_mount.then_some(limited), Some(plan)].into_iter().flatten()
            })
            .collect();
        match (plans.is_empty(), &why_shared) {
            (true, Some(why)) => {
                let fix = if allocations.is_whole_machine() { allocations.make_account() } else { MORE_IDS.into() };
                Err(Unfit::new(format!("the runner is root, it has no account, and {why}"), fix))
            }
            _ => Ok(Self { plans, why_shared }),
        }
    }

    /// Returns the sentences about `plan` for operators.
    pub fn note(&self, plan: &Plan, owner: &Owner, allocations: &Allocations) -> String {
        let ids = match (&plan.ids, owner.account()) {
            (TaskIds::Separate(_), _) => {
                "Each task has a kernel user ID of its own, so that it cannot use up another task's limits of the kernel.".into()
            }
            (TaskIds::Shared(_), account) => {
                let why = self.why_shared.as_deref().unwrap_or("it could not be started with separate ones");
                let fix = account.map_or_else(
                    || MORE_IDS.to_owned(),
                    |account| {
                        let install = if owner.is_runner() { "Install the package uidmap and run" } else { "Run" };
                        format!("{install}: usermod {} {}", allocations.suggestion(), account.name)
                    },
                );
                format!(
                    "All tasks share one kernel user ID ({why}): a task can use up inotify instances, pipe buffers, queued signals and message queues of all. \
                     {fix}"
                )
            }
        };
        let terminals = if plan.terminals.is_some() { "" } else { " Pseudoterminals of tasks are not limited." };
        format!("{ids}{terminals}")
    }
}

/// What helps a root runner in a container whose user namespace has too few ids.
const MORE_IDS: &str =
    "Give the container more user and group ids, for example 65536, or run the runner outside of it.";

fn separate(owner: &Owner, allocations: &Allocations, config: &Config) -> Result<Plan, String> {
    let tasks = config.tasks;
    let range = |account: &Account| Ok::<_, String>((allocations.of_account(account, tasks)?, account.uid));
    let unallocated = || Ok::<_, String>((allocations.unallocated(tasks)?, 0));
    let (ids, holder) = match owner {
        Owner::Runner(account) | Owner::Configured(account) => range(account)?,
        Owner::Default(Some(account)) => range(account).or_else(|_| unallocated())?,
        Owner::Default(None) => unallocated()?,
    };
    if !allocations.has(&ids) {
        return Err(format!("this container has no ids {ids}"));
    }
    let quotas = Quotas::new(tasks, owner.is_runner());
    let user_namespace =
        owner.is_runner().then(|| user_namespace::create(Some(&ids), quotas.settings(1))).transpose()?;
    let account = format!("{ids}, one for each task");
    let ids = TaskIds::separate(ids, holder, config.folder.as_deref())
        .map_err(|error| format!("their use cannot be locked ({error})"))?;
    Ok(Plan { ids, user_namespace, quotas, terminals: None, account })
}

fn shared(owner: &Owner, allocations: &Allocations, tasks: u32) -> Vec<Plan> {
    let (id, account) = match owner.account() {
        Some(account) => (TaskId { uid: account.uid, gid: account.gid }, account.to_string()),
        None => match allocations.unallocated(1) {
            Ok(ids) if !allocations.is_whole_machine() => (TaskId { uid: ids.uid, gid: ids.gid }, ids.uid.to_string()),
            _ => return vec![],
        },
    };
    let plan = Plan {
        ids: TaskIds::Shared((!owner.is_runner()).then_some(id)),
        user_namespace: None,
        quotas: Quotas::new(tasks, true),
        terminals: None,
        account,
    };
    let namespace =
        owner.is_runner().then(|| user_namespace::create(None, plan.quotas.settings(tasks))).and_then(Result::ok);
    let with_namespace = namespace.map(|namespace| Plan { user_namespace: Some(namespace), ..plan.clone() });
    with_namespace.into_iter().chain([plan]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(map: &str) -> Allocations {
        Allocations { uid_map: map.into(), gid_map: map.into(), ..Allocations::default() }
    }

    #[test]
    fn trap_e20_a_root_runner_in_a_container_with_few_ids_shares_one_and_says_so() {
        let (owner, config) = (Owner::Default(None), Config { tasks: 8, ..Config::default() });
        let few = container("0 100000 20005");
        let plans = Plans::new(&owner, &few, &config).unwrap();
        let plan = plans.plans.first().unwrap();
        assert!(matches!(plan.ids, TaskIds::Shared(Some(TaskId { uid: 20_000, gid: 20_000 }))), "{plan:?}");
        assert_eq!(plan.account, "20000");
        let note = plans.note(plan, &owner, &few);
        assert!(
            note.starts_with(
                "All tasks share one kernel user ID (this container has fewer than 8 user and group ids for tasks)"
            ),
            "{note}"
        );
        assert!(note.contains("Give the container more user and group ids") && !note.contains("usermod"), "{note}");
    }

    #[test]
    fn trap_e20_a_root_runner_in_a_container_without_ids_is_unfit() {
        let unfit =
            Plans::new(&Owner::Default(None), &container("0 1000 1"), &Config { tasks: 8, ..Config::default() })
                .unwrap_err();
        assert_eq!(
            unfit.cause,
            "the runner is root, it has no account, and this container has fewer than 8 user and group ids for tasks"
        );
        assert!(unfit.fix.starts_with("Give the container more user and group ids"), "{unfit}");
    }
}
