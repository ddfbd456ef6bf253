//! `castellan doctor`: checks what a server needs, one line each, and says what to do.
use crate::{config::Config, failure::Failure, http::SiteCertificate, keys::Given, runners, state::App};
use time::OffsetDateTime;

/// With fewer days left than this somebody should renew a certificate.
const FEW_DAYS: i64 = 14;

pub(super) async fn run(config: Config, given: Given) -> Result<(), Failure> {
    println!("ok    configuration: listens on {}, runners on {}", config.listen, config.runner_listen);
    let mut healthy = true;
    let app = App::open(config, given).await?;
    println!("ok    keys: data/secrets is there and private");
    healthy &= certificate(&app);
    match app.store.ping().await {
        Ok(()) if app.store.is_embedded() => println!(
            "ok    database: SQLite, for one server. For several, or more than one machine can write: \
             castellan migrate --from sqlite:PATH --to postgres://USER@HOST/DATABASE"
        ),
        Ok(()) => println!("ok    database: PostgreSQL"),
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

/// Whether pages and API have a certificate that counts. A server that runs keeps its old one while the files are broken.
fn certificate(app: &App) -> bool {
    let config = &app.config;
    if config.tls.certificate.is_none() && !config.tls.self_signed {
        match config.tls_terminated_by_proxy {
            true => println!("ok    TLS: ended by the proxy in front; cookies are for https only"),
            false => println!("ok    TLS: none, for this machine only"),
        }
        return true;
    }
    let now = OffsetDateTime::from_unix_timestamp(app.store.now().seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let state = match SiteCertificate::of(config, now) {
        Ok(Some(site)) => site.state(),
        Ok(None) => return true,
        Err(error) => {
            println!("bad   TLS: {error}. A server that runs goes on with the certificate that it has");
            return false;
        }
    };
    let (days, until) = ((state.not_after - now).whole_days(), state.not_after.date());
    if days < FEW_DAYS {
        println!("bad   TLS: the certificate counts until {until}, {days} days from now. Renew it");
        return false;
    }
    match state.self_signed {
        true => println!("ok    TLS: a self-signed certificate until {until}, which browsers warn of"),
        false => println!("ok    TLS: a certificate until {until}"),
    }
    true
}
