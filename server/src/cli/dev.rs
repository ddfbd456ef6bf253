//! `castellan dev` commands for development.
use crate::{failure::Failure, output::Output, routes, state::App};
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum Dev {
    /// Generate tasks in the first tenant for load tests
    Seed {
        /// Number of tasks
        #[arg(long)]
        tasks: u32,
    },
    /// List all pages, API routes, server functions, event streams and runner calls
    Routes,
}

pub(super) async fn run(command: Dev, app: App, output: Output) -> Result<(), Failure> {
    let Dev::Seed { tasks } = command else { return Ok(()) };
    let tenants = app.store.system().tenants().await?;
    let tenant = tenants
        .first()
        .ok_or_else(|| Failure::new("there is no tenant yet; start the server and open its setup link"))?;
    app.store.system().seed(tenant.id, tasks).await?;
    app.store.close().await;
    let text = format!("Created {tasks} tasks in {}.", tenant.name);
    output.print(&json!({ "tasks": tasks, "tenant": tenant.name }), text)
}

pub(super) fn routes(output: Output) -> Result<(), Failure> {
    let all = routes::all();
    let line = |route: &routes::Route| format!("{:<16} {:<7} {}\n", route.kind, route.method, route.path);
    output.print(&all, all.iter().map(line).collect::<String>())
}
