//! `castellan migrate` command: updates the schema, or moves all data from SQLite to PostgreSQL.
use crate::{
    config::Config,
    failure::Failure,
    keys::EnvironmentSecrets,
    output::Output,
    state::{App, IfMissing},
};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    /// Source database, which is not changed: sqlite:PATH
    #[arg(long, value_name = "URL", requires = "to")]
    from: Option<String>,
    /// Target database, which must be empty: postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<String>,
    /// Use the SQLite database again after its data were moved, without what PostgreSQL has recorded since
    #[arg(long = "return", conflicts_with = "from")]
    back: bool,
}

pub(super) async fn run(
    command: Migrate,
    config: Config,
    given: EnvironmentSecrets,
    output: Output,
) -> Result<(), Failure> {
    if command.back {
        let url = config.database().expose().to_owned();
        let (_, keys) = App::open_keys(&config, &url, given, IfMissing::Fail).await?;
        store::return_to_sqlite(App::settings(&keys, url)).await?;
        let text = "The SQLite database is used again. What PostgreSQL has recorded since the move is not in it. If the server ran on \
                    PostgreSQL meanwhile, record the return to the older data: castellan restore --reason TEXT";
        return output.print(&json!({ "returned": true }), text);
    }
    let (Some(from), Some(to)) = (command.from, command.to) else {
        App::open(config, given, IfMissing::Fail).await?.store.close().await;
        return output.print(&json!({ "tables": [] }), "The database is up to date.");
    };
    let (_, keys) = App::open_keys(&config, &from, given, IfMissing::Fail).await?;
    let (mut tables, mut printed) = (vec![], Ok(()));
    // A closed pipe does not interrupt the move; it is reported at the end.
    let progress = |table: &str, rows: u64| {
        tables.push(json!({ "name": table, "rows": rows }));
        if printed.is_ok() {
            printed = output.progress(format_args!("{table:<14} {rows:>10} rows copied and compared"));
        }
    };
    store::transfer(App::settings(&keys, from), App::settings(&keys, to), progress).await?;
    printed?;
    let text = "\nAll data is in PostgreSQL. Set CASTELLAN_DATABASE_URL to its URL and start Castellan. Keep the data directory, which \
                contains the secrets. Castellan does not start with the SQLite database any more: the two would diverge.";
    output.print(&json!({ "tables": tables }), text)
}
