//! `castellan dev` commands for development.
use crate::{failure::Failure, routes, state::App};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Dev {
    /// Generate tasks in the first tenant for load tests
    Seed {
        /// Number of tasks
        #[arg(long)]
        tasks: u32,
    },
    /// List all pages, API routes, server functions, event streams and runner calls
    Routes {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: Dev, app: App) -> Result<(), Failure> {
    let Dev::Seed { tasks } = command else { return Ok(()) };
    let tenants = app.store.system().tenants().await?;
    let tenant = tenants
        .first()
        .ok_or_else(|| Failure::new("there is no tenant yet; start the server and open its setup link"))?;
    app.store.system().seed(tenant.id, tasks).await?;
    println!("Created {tasks} tasks in {}.", tenant.name);
    app.store.close().await;
    Ok(())
}

pub(super) fn routes(json: bool) -> Result<(), Failure> {
    let all = routes::all();
    if json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for route in all {
        println!("{:<16} {:<7} {}", route.kind, route.method, route.path);
    }
    Ok(())
}
