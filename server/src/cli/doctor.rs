//! `castellan doctor` command: checks everything that a server needs and prints a line for each, also after a failure.
use super::targets::console;
use crate::{
    backup::schedule,
    clock,
    config::Config,
    failure::Failure,
    health,
    http::{SiteCertificate, self_signed_file, tls},
    keys::{EnvironmentSecrets, SecretsDir},
    mail,
    output::Output,
    runners,
    state::{App, IfMissing},
};
use auth::providers::{ConfiguredBy, check_provider};
use domain::provider::Provider;
use futures::future::join_all;
use rustix::fs::{Access, access};
use serde::Serialize;
use serde_json::json;
use std::{collections::BTreeMap, fmt, os::unix::fs::PermissionsExt, path::Path};
use time::OffsetDateTime;

/// Certificates with fewer remaining days are reported.
const MIN_CERTIFICATE_DAYS: i64 = 14;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Fail,
}

/// One checked requirement.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    result: Outcome,
    text: String,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, result: Outcome::Ok, text: text.into() }
    }

    fn fail(name: &'static str, text: impl fmt::Display) -> Self {
        Self { name, result: Outcome::Fail, text: text.to_string() }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.result == Outcome::Ok { "OK" } else { "FAIL" };
        match self.name {
            "sandbox" => f.write_str(&self.text), // the runner's own lines
            name => writeln!(f, "{mark:<6}{name}: {}", self.text),
        }
    }
}

pub(super) async fn run(config: Config, given: EnvironmentSecrets, output: Output) -> Result<(), Failure> {
    tls::install_provider();
    let mut checks =
        vec![Check::ok("configuration", format!("listens on {}, runners on {}", config.listen, config.runner_listen))];
    checks.push(folder(&config));
    checks.push(certificate(&config));
    checks.push(match config.metrics.token {
        Some(_) => Check::ok("metrics", "/metrics requires the token of metrics.token"),
        None => Check::ok("metrics", "off; set metrics.token to read /metrics"),
    });
    let mut providers: Vec<_> =
        config.providers().iter().map(|it| (it.provider.clone(), ConfiguredBy::Operator)).collect();
    checks.extend(database(&config, given, &mut providers).await);
    checks.push(mail(&config).await);
    checks.extend(join_all(providers.iter().map(provider)).await);
    checks.push(sandbox().await);
    let healthy = checks.iter().all(|check| check.result == Outcome::Ok);
    let text: String = checks.iter().map(ToString::to_string).collect();
    let printed = output.print(&json!({ "healthy": healthy, "checks": checks }), text);
    if healthy { printed } else { Err(Failure::new("some checks failed")) }
}

/// Checks that the data folder exists, can be written, is private, and has space.
fn folder(config: &Config) -> Check {
    let (data, secrets) = (&config.data_dir, config.secrets_dir());
    let place = std::path::absolute(data).unwrap_or_else(|_| data.clone());
    let place = place.display();
    if !secrets.is_dir() {
        return Check::fail(
            "data folder",
            format!(
                "no data folder here: {place}. Start the server once, or set CASTELLAN_DATA_DIR to the folder of an existing one"
            ),
        );
    }
    if let Err(error) = SecretsDir::open(&secrets) {
        return Check::fail("data folder", error);
    }
    if access(data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let user = rustix::process::geteuid().as_raw();
        return Check::fail(
            "data folder",
            format!("user {user} cannot write to {place}; run: chown -R {user} {place}"),
        );
    }
    for name in ["castellan.db", "checkpoints", "setup-link"] {
        let path = data.join(name);
        if is_public(&path) {
            let path = path.display();
            return Check::fail("data folder", format!("other users can read {path}; run: chmod 600 {path}"));
        }
    }
    if health::is_full(data) {
        return Check::fail("data folder", format!("the disk of {place} is full; free disk space"));
    }
    Check::ok("data folder", format!("{place} is private and can be written"))
}

fn is_public(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// Checks the database and the keys, and adds the providers of all tenants.
async fn database(
    config: &Config,
    given: EnvironmentSecrets,
    providers: &mut Vec<(Provider, ConfiguredBy)>,
) -> Vec<Check> {
    let reached = match store::is_initialized(config.database().expose()).await {
        Ok(_) => Check::ok("database", "it answers"),
        Err(error) => return vec![Check::fail("database", error)],
    };
    let app = match App::open(config.clone(), given, IfMissing::Fail).await {
        Ok(app) => app,
        Err(failure) => return vec![reached, Check::fail("keys", failure)],
    };
    let kind = match app.store.is_embedded() {
        true => {
            "SQLite, for a single server. To use several servers, move to PostgreSQL: \
             castellan migrate --from sqlite:PATH --to postgres://USER@HOST/DATABASE"
        }
        false => "PostgreSQL",
    };
    let checks = vec![
        Check::ok("keys", "data/secrets has the keys of this database"),
        match stored_providers(&app, providers).await {
            Ok(()) => Check::ok("database", kind),
            Err(error) => Check::fail("database", error),
        },
        passkeys(&app).await.unwrap_or_else(|error| Check::fail("passkeys", error)),
        backups(&app),
    ];
    app.store.close().await;
    checks
}

/// Checks that all passkeys are bound to the host name at which the server is reached now.
async fn passkeys(app: &App) -> store::Result<Check> {
    let here = auth::Passkeys::at(&app.config.public_url(app.config.listen).to_string()).map(|at| at.host);
    let mut elsewhere = BTreeMap::<String, i64>::new();
    for tenant in app.store.system().tenants().await? {
        let hosts = app.store.read(&console(app, tenant.id)).await?.passkey_hosts().await?;
        for bound in hosts.into_iter().filter(|bound| Some(&bound.host) != here.as_ref()) {
            *elsewhere.entry(bound.host).or_default() += bound.passkeys;
        }
    }
    if elsewhere.is_empty() {
        return Ok(Check::ok("passkeys", "all of them work at the address of this server"));
    }
    let bound: Vec<_> = elsewhere.iter().map(|(host, passkeys)| format!("{host} ({passkeys})")).collect();
    let here = here.unwrap_or_else(|| "this server, which is reached by an IP address".to_owned());
    let text = format!(
        "passkeys of other host names do not work at {here}: {}. Change public_url back, or run `castellan admin reset-factors` for people who have no other \
         second factor",
        bound.join(", ")
    );
    Ok(Check::fail("passkeys", text))
}

async fn stored_providers(app: &App, providers: &mut Vec<(Provider, ConfiguredBy)>) -> store::Result<()> {
    let by = if app.config.auth.loopback_issuers { ConfiguredBy::Operator } else { ConfiguredBy::Tenant };
    for tenant in app.store.system().tenants().await? {
        for row in app.store.read(&console(app, tenant.id)).await?.providers().await? {
            let provider = row.provider()?;
            if provider.enabled {
                providers.push((provider, by));
            }
        }
    }
    Ok(())
}

/// Checks the certificate of pages and API. A running server keeps its previous one while the files are invalid.
fn certificate(config: &Config) -> Check {
    let self_signed = self_signed_file(config);
    let loaded = match (&config.tls.certificate, &config.tls.key) {
        (Some(certificate), Some(key)) => SiteCertificate::files(certificate, key),
        _ if config.tls.self_signed && !self_signed.exists() => {
            return Check::ok("TLS", "the first start creates a self-signed certificate; browsers show a warning");
        }
        _ if config.tls.self_signed => {
            SiteCertificate::files(&self_signed, &config.secrets_dir().join("self-signed.key"))
        }
        _ if config.tls_terminated_by_proxy => {
            return Check::ok("TLS", "terminated by the reverse proxy; cookies are Secure");
        }
        _ => return Check::ok("TLS", "off; the server listens on this machine only"),
    };
    let state = match loaded {
        Ok(site) => site.state(),
        Err(error) => {
            return Check::fail("TLS", format!("{error}. A running server keeps its current certificate"));
        }
    };
    let now = OffsetDateTime::from_unix_timestamp(clock::now().seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (days, until) = ((state.not_after - now).whole_days(), state.not_after.date());
    if days < MIN_CERTIFICATE_DAYS {
        return Check::fail("TLS", format!("the certificate expires on {until}, in {days} days. Renew it"));
    }
    match config.tls.self_signed {
        true => Check::ok("TLS", format!("a self-signed certificate, valid until {until}; browsers show a warning")),
        false => Check::ok("TLS", format!("a certificate, valid until {until}")),
    }
}

/// Checks that the last scheduled backup is not older than two intervals.
fn backups(app: &App) -> Check {
    if !app.store.is_embedded() {
        return Check::ok("backups", "PostgreSQL has its own tools; see the chapter “Backup and restore” of the guide");
    }
    let Some(folder) = &app.config.backup.folder else {
        return Check::ok("backups", "not scheduled; set backup.folder, or run: castellan backup FILE");
    };
    let place = folder.display();
    if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Check::fail("backups", format!("{place} is not a folder that can be written; see backup.folder"));
    }
    match schedule::last(app) {
        None => Check::fail("backups", format!("{place} contains no backup yet; the server makes one at its start")),
        Some(at) if clock::now().since(at) > app.config.backup.interval.saturating_mul(2) => Check::fail(
            "backups",
            format!("the last one in {place} was made at {}. Check the log of the server", at.exact()),
        ),
        Some(at) => Check::ok("backups", format!("the last one in {place} was made at {}", at.exact())),
    }
}

/// Connects to the mail server.
async fn mail(config: &Config) -> Check {
    let Some(smtp) = &config.mail.smtp else {
        return Check::ok("mail", "off; admins hand over links. Set mail.smtp to send them");
    };
    match mail::check_connection(smtp, &config.public_url(config.listen).to_string()).await {
        Ok(()) => Check::ok("mail", "the mail server accepts connections"),
        Err(failure) => Check::fail("mail", format!("{failure}. Check mail.smtp")),
    }
}

/// Fetches the discovery document of an identity provider.
async fn provider((provider, by): &(Provider, ConfiguredBy)) -> Check {
    let (label, issuer) = (&provider.label, &provider.issuer);
    match check_provider(provider, *by).await {
        Ok(()) => Check::ok("identity provider", format!("{label} at {issuer} responds")),
        Err(error) => {
            let cause = Failure::from(error);
            Check::fail("identity provider", format!("{label} at {issuer}: {cause}. Nobody can sign in with it"))
        }
    }
}

/// Lets the runner of this machine test its sandbox.
async fn sandbox() -> Check {
    let tested = match runners::program() {
        Ok(program) => tokio::process::Command::new(program).arg("--check").output().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match tested {
        Ok(tested) if tested.stdout.is_empty() => Check::fail("runner", String::from_utf8_lossy(&tested.stderr).trim()),
        Ok(tested) => {
            let text = String::from_utf8_lossy(&tested.stdout).into_owned();
            let result = if tested.status.success() { Outcome::Ok } else { Outcome::Fail };
            Check { name: "sandbox", result, text }
        }
        Err(failure) => Check::fail("runner", failure),
    }
}
