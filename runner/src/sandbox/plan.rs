//! Plans for the kernel ids of tasks on this machine, the safest first (E20).

use super::{
    Unfit,
    account::{Account, MAKE_ACCOUNT, Owner},
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
    pub fn new(owner: &Owner, allocations: &Allocations, tasks: u32) -> Result<Self, Unfit> {
        let mut plans = vec![];
        let separate = separate(owner, allocations, tasks);
        let why_shared = separate.as_ref().err().cloned();
        plans.extend(separate.ok());
        plans.extend(shared(owner, tasks));
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
                Err(Unfit::new(format!("the runner is root, it has no account, and {why}"), MAKE_ACCOUNT))
            }
            _ => Ok(Self { plans, why_shared }),
        }
    }

    /// Returns the sentences about `plan` for operators.
    pub fn note(&self, plan: &Plan, owner: &Owner) -> String {
        let ids = match (&plan.ids, owner.account()) {
            (TaskIds::Separate(_), _) => {
                "Each task has a kernel user ID of its own, so that it cannot use up another task's limits of the kernel.".into()
            }
            (TaskIds::Shared(_), account) => {
                let name = account.map_or("the account", |account| &account.name);
                let why = self.why_shared.as_deref().unwrap_or("it could not be started with separate ones");
                let install = if owner.is_runner() { "Install the package uidmap and run" } else { "Run" };
                format!(
                    "All tasks share one kernel user ID ({why}): a task can use up inotify instances, pipe buffers, queued signals and message queues of all. \
                     {install}: usermod --add-subuids 300000-365535 --add-subgids 300000-365535 {name}"
                )
            }
        };
        let terminals = if plan.terminals.is_some() { "" } else { " Pseudoterminals of tasks are not limited." };
        format!("{ids}{terminals}")
    }
}

fn separate(owner: &Owner, allocations: &Allocations, tasks: u32) -> Result<Plan, String> {
    let range = |account: &Account| Ok::<_, String>((allocations.of_account(account, tasks)?, account.uid));
    let unallocated = || Ok::<_, String>((allocations.unallocated()?, 0));
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
    let ids = TaskIds::separate(ids, holder).map_err(|error| format!("their use cannot be locked ({error})"))?;
    Ok(Plan { ids, user_namespace, quotas, terminals: None, account })
}

fn shared(owner: &Owner, tasks: u32) -> Vec<Plan> {
    let Some(account) = owner.account() else { return vec![] };
    let id = (!owner.is_runner()).then_some(TaskId { uid: account.uid, gid: account.gid });
    let plan = Plan {
        ids: TaskIds::Shared(id),
        user_namespace: None,
        quotas: Quotas::new(tasks, true),
        terminals: None,
        account: account.to_string(),
    };
    let namespace =
        owner.is_runner().then(|| user_namespace::create(None, plan.quotas.settings(tasks))).and_then(Result::ok);
    let with_namespace = namespace.map(|namespace| Plan { user_namespace: Some(namespace), ..plan.clone() });
    with_namespace.into_iter().chain([plan]).collect()
}
