//! The command line.

mod admin;
mod audit;
mod break_glass;
mod dev;
mod doctor;
mod emergency;
mod migrate;
mod organizations;

use crate::{config, failure::Failure, keys, serve, state};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// A self-hosted control plane that lets a company use AI and operations agents without handing them the keys.
#[derive(Debug, Parser)]
#[command(name = "castellan", version, about)]
pub struct Arguments {
    /// The configuration file [default: castellan.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server, and a runner on this machine
    Serve {
        /// Leave out the runner on this machine
        #[arg(long)]
        no_local_runner: bool,
    },
    /// Bring the database's schema up to date, or move all data from SQLite to PostgreSQL, and end
    Migrate(migrate::Migrate),
    /// Check the configuration, the database and the sandbox, and say what to do
    Doctor,
    /// Print all settings with their defaults and comments
    DefaultConfig,
    /// Work with the audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Manage without the web; whoever may run this could change the database as well
    #[command(subcommand)]
    Admin(admin::Admin),
    /// For those who develop Castellan
    #[command(subcommand)]
    Dev(dev::Dev),
}

/// Does what the command line says. `given` is what the environment held of secrets.
///
/// # Errors
/// What stopped it.
pub async fn run(arguments: Arguments, given: keys::Given) -> Result<(), Failure> {
    match arguments.command {
        Command::DefaultConfig => {
            print!("{}", config::default_config());
            return Ok(());
        }
        Command::Dev(dev::Dev::Routes { json }) => return dev::routes(json),
        _ => {}
    }
    let mut config = config::load(arguments.config.as_deref(), &given.settings)?;
    match arguments.command {
        Command::Serve { no_local_runner } => {
            config.local_runner.enabled &= !no_local_runner;
            serve::run(config, given).await
        }
        Command::Migrate(command) => migrate::run(command, config, given).await,
        Command::Doctor => doctor::run(config, given).await,
        Command::Audit(command) => audit::run(command, state::App::open(config, given).await?).await,
        Command::Admin(command) if command.rotates() => admin::rotate_session_secret(config, given).await,
        Command::Admin(command) => admin::run(command, state::App::open(config, given).await?).await,
        Command::Dev(command) => dev::run(command, state::App::open(config, given).await?).await,
        Command::DefaultConfig => Ok(()),
    }
}
