//! `castellan doctor`: checks what a server needs, one line each, and says what to do.
use crate::{failure::Failure, config::Config, keys::MasterKey, state::App};

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
    app.store.close().await;
    if healthy { Ok(()) } else { Err(Failure::new("something needs attention")) }
}
