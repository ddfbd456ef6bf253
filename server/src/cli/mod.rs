//! Command-line interface of the server.

mod admin;
mod audit;
mod backup;
mod break_glass;
mod dev;
mod doctor;
mod emergency;
mod migrate;
mod organizations;
mod restore;
mod targets;

use crate::{
    config,
    failure::Failure,
    keys,
    output::Output,
    serve,
    state::{App, IfMissing},
};
use clap::{Parser, Subcommand};
use serde_json::json;
use std::path::PathBuf;

/// A self-hosted control plane for running AI and operations agents with approvals, sandboxing and an audit log
#[derive(Debug, Parser)]
#[command(name = "castellan", version, about)]
pub struct Arguments {
    /// Configuration file [default: castellan.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server and a local runner
    Serve {
        /// Do not start the local runner
        #[arg(long)]
        no_local_runner: bool,
    },
    /// Update the database schema, or move all data from SQLite to PostgreSQL
    Migrate(migrate::Migrate),
    /// Check the configuration, the database and the sandbox, and report problems
    Doctor,
    /// Print a configuration file with every setting, its description and default
    DefaultConfig,
    /// Verify the audit log, or continue with one that was altered
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Make a backup of the SQLite database and the audit checkpoints while the server runs
    Backup(backup::Backup),
    /// Restore a backup, and record in the audit log which events were lost
    Restore(restore::Restore),
    /// Manage tenants, people and keys from the command line, with full permissions
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Development commands
    #[command(subcommand)]
    Dev(dev::Dev),
}

/// Runs the command. `given` holds the secrets from the environment.
///
/// # Errors
/// Fails with a message for the terminal.
pub async fn run(arguments: Arguments, given: keys::EnvironmentSecrets) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    match arguments.command {
        Command::DefaultConfig => {
            let toml = config::default_config();
            return output.print(&json!({ "toml": toml }), &toml);
        }
        Command::Dev(dev::Dev::Routes) => return dev::routes(output),
        _ => {}
    }
    let mut config = config::load(arguments.config.as_deref(), &given.settings)?;
    match arguments.command {
        Command::Serve { no_local_runner } => {
            config.local_runner.enabled &= !no_local_runner;
            serve::run(config, given).await
        }
        Command::Migrate(command) => migrate::run(command, config, given, output).await,
        Command::Doctor => doctor::run(config, given, output).await,
        Command::Audit(command) => audit::run(command, App::open(config, given, IfMissing::Fail).await?, output).await,
        Command::Backup(command) => {
            backup::run(command, App::open(config, given, IfMissing::Fail).await?, output).await
        }
        Command::Restore(command) => restore::run(command, config, given, output).await,
        Command::Admin(command) if command.is_secret_rotation() => {
            admin::rotate_session_secret(config, given, output).await
        }
        Command::Admin(command) => {
            let app = App::open(config, given, command.if_missing()).await?;
            admin::run(command, app, output).await
        }
        Command::Dev(command) => dev::run(command, App::open(config, given, IfMissing::Fail).await?, output).await,
        Command::DefaultConfig => Ok(()),
    }
}
