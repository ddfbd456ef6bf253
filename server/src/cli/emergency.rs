//! `castellan admin` commands for emergencies: lock, freeze, stop and end sessions (K-09).
use super::targets::{Location, console, find_organization, find_person, find_tenant};
use crate::{console::notify_server, failure::Failure, output::Output, state::App};
use clap::Subcommand;
use domain::{
    PersonId, RunnerId, TenantId,
    policy::{
        EndBrowserSessions, FreezeTenant, LockPerson, ResetFactors, StopTasks, Stopped, UnfreezeTenant, UnlockPerson,
    },
};
use serde_json::json;
use store::MAX_TASKS_PER_STOP;

#[derive(Debug, Subcommand)]
pub(super) enum Emergency {
    /// Lock a person: ends their sessions and disables their API keys
    LockUser {
        /// Email address of the person
        #[arg(long)]
        user: String,
        /// Name or ID of the person's tenant; required if people of several tenants have the address
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Unlock a person
    UnlockUser {
        /// Email address of the person
        #[arg(long)]
        user: String,
        /// Name or ID of the person's tenant; required if people of several tenants have the address
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Remove the second factors of a person who lost them, and end their sessions
    ResetFactors {
        /// Email address of the person
        #[arg(long)]
        user: String,
        /// Name or ID of the person's tenant; required if people of several tenants have the address
        #[arg(long)]
        tenant: Option<String>,
    },
    /// End all browser sessions of a tenant or of one person
    #[command(name = "end-sessions")]
    EndBrowserSessions {
        /// Only those of the person with this email address
        #[arg(long)]
        user: Option<String>,
        /// Name or ID of the tenant [default: the person's, or the first]
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Freeze a tenant: blocks all changes and new tasks
    Freeze {
        /// Name or ID of the tenant [default: the first]
        #[arg(long)]
        tenant: Option<String>,
    },
    /// End the freeze of a tenant
    Unfreeze {
        /// Name or ID of the tenant [default: the first]
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Stop all tasks of a tenant, or of one organization, person or runner
    StopTasks {
        /// Only those of the person with this email address
        #[arg(long, conflicts_with_all = ["runner", "organization"])]
        user: Option<String>,
        /// Only those on the runner with this ID
        #[arg(long, conflicts_with = "organization")]
        runner: Option<RunnerId>,
        #[command(flatten)]
        location: Location,
    },
}

pub(super) async fn run(command: Emergency, app: &App, output: Output) -> Result<(), Failure> {
    let store = &app.store;
    macro_rules! change {
        ($tenant:expr, $method:ident, $action:expr $(, $more:expr)*) => {{
            let console = console(app, $tenant);
            let proof = store.authorize(&console, $action).await?;
            let mut write = store.write(&console).await?;
            let done = write.$method(proof $(, $more)*).await?;
            write.commit().await?;
            done
        }};
    }
    match command {
        Emergency::LockUser { user, tenant } => {
            let known = find_person(app, &user, tenant.as_deref()).await?;
            change!(known.tenant_id, lock_person, LockPerson { person: known.id });
        }
        Emergency::UnlockUser { user, tenant } => {
            let known = find_person(app, &user, tenant.as_deref()).await?;
            change!(known.tenant_id, unlock_person, UnlockPerson { person: known.id });
        }
        Emergency::ResetFactors { user, tenant } => {
            let known = find_person(app, &user, tenant.as_deref()).await?;
            change!(known.tenant_id, reset_factors, ResetFactors { person: known.id });
        }
        Emergency::EndBrowserSessions { user, tenant } => {
            let (tenant, of) = find_target(app, user.as_deref(), tenant.as_deref()).await?;
            let ended = change!(tenant, end_all_browser_sessions, EndBrowserSessions { of }, None);
            output.print(&json!({ "ended": ended }), ended)?;
        }
        Emergency::Freeze { tenant } => change!(find_tenant(app, tenant.as_deref()).await?, freeze, FreezeTenant {}),
        Emergency::Unfreeze { tenant } => {
            change!(find_tenant(app, tenant.as_deref()).await?, unfreeze, UnfreezeTenant {})
        }
        Emergency::StopTasks { user, runner, location } => {
            let (tenant, person) = find_target(app, user.as_deref(), location.tenant.as_deref()).await?;
            let whose = match (person, runner, &location.organization) {
                (Some(person), ..) => Stopped::By(person),
                (None, Some(runner), _) => Stopped::On(runner),
                (None, None, Some(name)) => {
                    Stopped::Of(find_organization(app, &console(app, tenant), Some(name)).await?)
                }
                (None, None, None) => Stopped::WholeTenant,
            };
            let mut stopped = 0;
            loop {
                let some = change!(tenant, stop_tasks, StopTasks { whose });
                notify_server(app).await; // stop running tasks after each batch, not only at the end
                stopped += some;
                if some < MAX_TASKS_PER_STOP {
                    break;
                }
            }
            output.print(&json!({ "stopped": stopped }), stopped)?;
        }
    }
    Ok(())
}

/// Finds the person and their tenant, or only the tenant.
async fn find_target(
    app: &App,
    user: Option<&str>,
    tenant: Option<&str>,
) -> Result<(TenantId, Option<PersonId>), Failure> {
    match user {
        Some(user) => find_person(app, user, tenant).await.map(|known| (known.tenant_id, Some(known.id))),
        None => Ok((find_tenant(app, tenant).await?, None)),
    }
}
