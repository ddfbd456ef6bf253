//! `castellan admin lock-user …` and the like: the switches for when something goes wrong, without the web (K-09).
use super::admin::{Place, console, find_organisation, find_tenant};
use crate::{console::tell, failure::Failure, state::App};
use clap::Subcommand;
use domain::{
    Actor, Email, PersonId, RunnerId,
    policy::{EndSessions, FreezeTenant, LockPerson, StopTasks, Stopped, ThawTenant, UnlockPerson},
};
use store::STOPPED_AT_ONCE;

#[derive(Debug, Subcommand)]
pub(super) enum Incident {
    /// Lock somebody out: their sessions end, and their keys stop working
    LockUser {
        /// Their address
        #[arg(long)]
        user: String,
        #[command(flatten)]
        place: Place,
    },
    /// Let somebody in again
    UnlockUser {
        /// Their address
        #[arg(long)]
        user: String,
        #[command(flatten)]
        place: Place,
    },
    /// End all sessions of a tenant, or of one person
    EndSessions {
        /// Only of the person with this address
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Freeze a tenant: nothing is changed and nothing starts
    Freeze {
        #[command(flatten)]
        place: Place,
    },
    /// End a freeze
    Thaw {
        #[command(flatten)]
        place: Place,
    },
    /// Stop all tasks of a tenant, or of one organisation, person or runner
    StopTasks {
        /// Only of the person with this address
        #[arg(long, conflicts_with_all = ["runner", "organisation"])]
        user: Option<String>,
        /// Only those that the runner with this id has
        #[arg(long, conflicts_with = "organisation")]
        runner: Option<RunnerId>,
        #[command(flatten)]
        place: Place,
    },
}

impl Incident {
    fn place(&self) -> &Place {
        match self {
            Self::LockUser { place, .. }
            | Self::UnlockUser { place, .. }
            | Self::EndSessions { place, .. }
            | Self::Freeze { place }
            | Self::Thaw { place }
            | Self::StopTasks { place, .. } => place,
        }
    }
}

pub(super) async fn run(command: Incident, app: &App) -> Result<(), Failure> {
    let tenant = find_tenant(app, command.place().tenant.as_deref()).await?;
    let console = console(app, tenant);
    let store = &app.store;
    macro_rules! change {
        ($method:ident, $action:expr $(, $more:expr)*) => {{
            let proof = store.authorise(&console, $action).await?;
            let mut write = store.write(&console).await?;
            let done = write.$method(proof $(, $more)*).await?;
            write.commit().await?;
            done
        }};
    }
    match command {
        Incident::LockUser { user, .. } => {
            change!(lock_person, LockPerson { person: find_person(app, &console, &user).await? });
        }
        Incident::UnlockUser { user, .. } => {
            change!(unlock_person, UnlockPerson { person: find_person(app, &console, &user).await? });
        }
        Incident::EndSessions { user, .. } => {
            let of = match user {
                Some(user) => Some(find_person(app, &console, &user).await?),
                None => None,
            };
            println!("{}", change!(end_all_sessions, EndSessions { of }, None));
        }
        Incident::Freeze { .. } => change!(freeze, FreezeTenant {}),
        Incident::Thaw { .. } => change!(thaw, ThawTenant {}),
        Incident::StopTasks { user, runner, place } => {
            let whose = match (user, runner, &place.organisation) {
                (Some(user), ..) => Stopped::By(find_person(app, &console, &user).await?),
                (None, Some(runner), _) => Stopped::On(runner),
                (None, None, Some(name)) => Stopped::Of(find_organisation(app, &console, Some(name)).await?),
                (None, None, None) => Stopped::Everybodys,
            };
            let mut stopped = 0;
            loop {
                let some = change!(stop_tasks, StopTasks { whose });
                tell(app).await;
                stopped += some;
                if some < STOPPED_AT_ONCE {
                    break;
                }
            }
            println!("{stopped}");
        }
    }
    tell(app).await;
    Ok(())
}

/// Locked out or not: signing in does not find who is.
async fn find_person(app: &App, console: &Actor, user: &str) -> Result<PersonId, Failure> {
    let email = Email::parse(user)?;
    let found = app.store.read(console).await?.person_called(&email).await;
    found.map_err(|error| match error {
        store::Error::NotFound => Failure::new(format!("there is nobody with the address {email} in this tenant")),
        other => other.into(),
    })
}
