//! `castellan migrate` command: updates the schema, or moves all data from SQLite to PostgreSQL.
use crate::{config::Config, failure::Failure, keys::EnvironmentSecrets, state::App};

#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    /// Source database, which is not changed: sqlite:PATH
    #[arg(long, value_name = "URL", requires = "to")]
    from: Option<String>,
    /// Target database, which must be empty: postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<String>,
}

pub(super) async fn run(command: Migrate, config: Config, given: EnvironmentSecrets) -> Result<(), Failure> {
    let (Some(from), Some(to)) = (command.from, command.to) else {
        App::open(config, given).await?.store.close().await;
        println!("The database is up to date.");
        return Ok(());
    };
    let keys = App::keys(&config, given)?;
    let progress = |table: &str, rows| println!("{table:<14} {rows:>10} rows copied and compared");
    store::transfer(App::settings(&keys, from), App::settings(&keys, to), progress).await?;
    println!(
        "\nAll data is in PostgreSQL. Set CASTELLAN_DATABASE_URL to its URL and start Castellan. Keep the data directory, which \
         contains the secrets. Do not start Castellan with the SQLite database again: the two would diverge."
    );
    Ok(())
}
