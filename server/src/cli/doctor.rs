//! `castellan doctor` command: checks the requirements of a server and prints one line for each.
use crate::{config::Config, failure::Failure, http::SiteCertificate, keys::EnvironmentSecrets, runners, state::App};
use time::OffsetDateTime;

/// Certificates with fewer remaining days are reported.
const MIN_CERTIFICATE_DAYS: i64 = 14;

pub(super) async fn run(config: Config, given: EnvironmentSecrets) -> Result<(), Failure> {
    println!("OK    configuration: listens on {}, runners on {}", config.listen, config.runner_listen);
    let mut healthy = true;
    let app = App::open(config, given).await?;
    println!("OK    keys: data/secrets exists and is private");
    healthy &= certificate(&app);
    match app.config.metrics.token {
        Some(_) => println!("ok    metrics: /metrics requires the token of metrics.token"),
        None => println!("ok    metrics: off; set metrics.token to read /metrics"),
    }
    match app.store.ping().await {
        Ok(()) if app.store.is_embedded() => println!(
            "OK    database: SQLite, for a single server. To use several servers, move to PostgreSQL: \
             castellan migrate --from sqlite:PATH --to postgres://USER@HOST/DATABASE"
        ),
        Ok(()) => println!("OK    database: PostgreSQL"),
        Err(error) => {
            healthy = false;
            println!("FAIL  database: {error}");
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
            println!("FAIL  runner: {failure}");
        }
    }
    app.store.close().await;
    if healthy { Ok(()) } else { Err(Failure::new("some checks failed")) }
}

/// Checks the certificate of pages and API. A running server keeps its previous one while the files are invalid.
fn certificate(app: &App) -> bool {
    let config = &app.config;
    if config.tls.certificate.is_none() && !config.tls.self_signed {
        match config.tls_terminated_by_proxy {
            true => println!("OK    TLS: terminated by the reverse proxy; cookies are Secure"),
            false => println!("OK    TLS: off; the server listens on this machine only"),
        }
        return true;
    }
    let now = OffsetDateTime::from_unix_timestamp(app.store.now().seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let state = match SiteCertificate::of(config, now) {
        Ok(Some(site)) => site.state(),
        Ok(None) => return true,
        Err(error) => {
            println!("FAIL  TLS: {error}. A running server keeps its current certificate");
            return false;
        }
    };
    let (days, until) = ((state.not_after - now).whole_days(), state.not_after.date());
    if days < MIN_CERTIFICATE_DAYS {
        println!("FAIL  TLS: the certificate expires on {until}, in {days} days. Renew it");
        return false;
    }
    match state.self_signed {
        true => println!("OK    TLS: a self-signed certificate, valid until {until}; browsers show a warning"),
        false => println!("OK    TLS: a certificate, valid until {until}"),
    }
    true
}
