//! `castellan admin lock-user …` and the like: the switches for when something goes wrong, without the web (K-09).
use super::admin::{Place, console, find_organization, find_person, find_tenant};
use crate::{console::tell, failure::Failure, state::App};
use clap::Subcommand;
use domain::{
    PersonId, RunnerId, TenantId,
    policy::{EndBrowserSessions, FreezeTenant, LockPerson, StopTasks, Stopped, ThawTenant, UnlockPerson},
};
use store::STOPPED_AT_ONCE;

#[derive(Debug, Subcommand)]
pub(super) enum Emergency {
    /// Lock somebody out: their sessions end, and their keys stop working
    LockUser {
        /// Their address
        #[arg(long)]
        user: String,
    },
    /// Let somebody in again
    UnlockUser {
        /// Their address
        #[arg(long)]
        user: String,
    },
    /// End all sessions of a tenant, or of one person
    EndBrowserSessions {
        /// Only of the person with this address
        #[arg(long, conflicts_with = "tenant")]
        user: Option<String>,
        /// The tenant's name or id [default: the first]
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Freeze a tenant: nothing is changed and nothing starts
    Freeze {
        /// The tenant's name or id [default: the first]
        #[arg(long)]
        tenant: Option<String>,
    },
    /// End a freeze
    Thaw {
        /// The tenant's name or id [default: the first]
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Stop all tasks of a tenant, or of one organization, person or runner
    StopTasks {
        /// Only of the person with this address
        #[arg(long, conflicts_with_all = ["runner", "organization", "tenant"])]
        user: Option<String>,
        /// Only those that the runner with this id has
        #[arg(long, conflicts_with = "organization")]
        runner: Option<RunnerId>,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) async fn run(command: Emergency, app: &App) -> Result<(), Failure> {
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
        Emergency::LockUser { user } => {
            let known = find_person(app, &user).await?;
            change!(known.tenant_id, lock_person, LockPerson { person: known.id });
        }
        Emergency::UnlockUser { user } => {
            let known = find_person(app, &user).await?;
            change!(known.tenant_id, unlock_person, UnlockPerson { person: known.id });
        }
        Emergency::EndBrowserSessions { user, tenant } => {
            let (tenant, of) = whose(app, user.as_deref(), tenant.as_deref()).await?;
            println!("{}", change!(tenant, end_all_browser_sessions, EndBrowserSessions { of }, None));
        }
        Emergency::Freeze { tenant } => change!(find_tenant(app, tenant.as_deref()).await?, freeze, FreezeTenant {}),
        Emergency::Thaw { tenant } => change!(find_tenant(app, tenant.as_deref()).await?, thaw, ThawTenant {}),
        Emergency::StopTasks { user, runner, place } => {
            let (tenant, person) = whose(app, user.as_deref(), place.tenant.as_deref()).await?;
            let whose = match (person, runner, &place.organization) {
                (Some(person), ..) => Stopped::By(person),
                (None, Some(runner), _) => Stopped::On(runner),
                (None, None, Some(name)) => {
                    Stopped::Of(find_organization(app, &console(app, tenant), Some(name)).await?)
                }
                (None, None, None) => Stopped::Everybodys,
            };
            let mut stopped = 0;
            loop {
                let some = change!(tenant, stop_tasks, StopTasks { whose });
                tell(app).await; // what runs is stopped now, and not when all is counted
                stopped += some;
                if some < STOPPED_AT_ONCE {
                    break;
                }
            }
            println!("{stopped}");
        }
    }
    Ok(())
}

/// One person, who says in which tenant; or a whole tenant.
async fn whose(app: &App, user: Option<&str>, tenant: Option<&str>) -> Result<(TenantId, Option<PersonId>), Failure> {
    match user {
        Some(user) => find_person(app, user).await.map(|known| (known.tenant_id, Some(known.id))),
        None => Ok((find_tenant(app, tenant).await?, None)),
    }
}
