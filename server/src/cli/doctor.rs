//! `castellan doctor`: checks what a server needs, one line each, and says what to do.
use crate::{config::Config, failure::Failure, keys::MasterKey, runners, state::App};

pub(super) async fn run(config: Config, key: Option<MasterKey>) -> Result<(), Failure> {
    println!("ok    configuration: listens on {}, runners on {}", config.listen, config.runner_listen);
    let mut healthy = true;
    let app = App::open(config, key).await?;
    println!("ok    keys: data/secrets is there and private");
    match app.store.ping().await {
        Ok(()) => println!("ok    database: {}", if app.store.is_embedded() { "SQLite" } else { "PostgreSQL" }),
        Err(error) => {
            healthy = false;
            println!("bad   database: {error}");
        }
    }
    let sandbox = match runners::program() {
        Ok(program) => tokio::process::Command::new(program).arg("--check").status().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match sandbox {
        Ok(status) => healthy &= status.success(),
        Err(failure) => {
            healthy = false;
            println!("bad   runner: {failure}");
        }
    }
    app.store.close().await;
    if healthy { Ok(()) } else { Err(Failure::new("something needs attention")) }
}
