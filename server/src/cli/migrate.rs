//! `castellan migrate`: brings the schema up to date, or moves everything from SQLite to PostgreSQL.
use crate::{config::Config, failure::Failure, keys::Given, state::App};

#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    /// Move all data from this database, which stays as it is: sqlite:PATH
    #[arg(long, value_name = "URL", requires = "to")]
    from: Option<String>,
    /// Into this one, which must be empty: postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<String>,
}

pub(super) async fn run(command: Migrate, config: Config, given: Given) -> Result<(), Failure> {
    let (Some(from), Some(to)) = (command.from, command.to) else {
        App::open(config, given).await?.store.close().await;
        println!("The database is up to date.");
        return Ok(());
    };
    let keys = App::keys(&config, given)?;
    let progress = |table: &str, rows| println!("{table:<14} {rows:>10} rows, the same in both");
    store::transfer(App::settings(&keys, from), App::settings(&keys, to), progress).await?;
    println!(
        "\nEverything is in PostgreSQL. Set CASTELLAN_DATABASE_URL to its address and start Castellan; keep this machine's \
         data folder for its secrets, and do not start the SQLite database any more: it would go on by itself."
    );
    Ok(())
}
