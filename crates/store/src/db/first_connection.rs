//! First connection to PostgreSQL: reports why it fails at once, and refuses roles and servers on which Castellan cannot work.
use crate::{Error, Result};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{str::FromStr, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// Timeout of a connection attempt to an address that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a start waits for a server that is starting or has too many connections.
const STARTING_TIMEOUT: Duration = Duration::from_secs(15);
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// Reads the address of a PostgreSQL database.
pub(super) fn options(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        Error::Unusable("the PostgreSQL address cannot be read; write postgres://USER@HOST/DATABASE".into())
    })?;
    Ok(options.application_name("castellan"))
}

/// Connects once. A pool would repeat the attempt for 15 seconds and then only report that it timed out.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    let failed = |cause: &str| {
        let (host, port) = (options.get_host(), options.get_port());
        Error::Unusable(format!(
            "cannot connect to PostgreSQL at {host}, port {port}: {cause}. Check that it runs, and the address in CASTELLAN_DATABASE_URL"
        ))
    };
    let deadline = Instant::now() + STARTING_TIMEOUT;
    loop {
        match timeout(CONNECT_TIMEOUT, options.connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if is_starting(&error) && Instant::now() < deadline => sleep(RETRY_DELAY).await,
            Ok(Err(error)) => return Err(failed(&error.to_string())),
            Err(_) => return Err(failed("it does not answer")),
        }
    }
}

/// Whether PostgreSQL is starting (`cannot_connect_now`) or has too many connections at present.
fn is_starting(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(inner) if matches!(inner.code().as_deref(), Some("57P03" | "53300")))
}

/// Refuses a role for which the walls between tenants would not hold, and a server that accepts no changes.
pub(super) async fn assert_usable(connection: &mut PgConnection) -> Result<()> {
    let sql = "select (select rolsuper or rolbypassrls from pg_roles where rolname = current_user),
        concat(current_setting('castellan.system', true), current_setting('castellan.tenant', true)) <> '',
        pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
    let (superuser, preset, standby, read_only): (bool, bool, bool, bool) =
        sqlx::query_as(sql).fetch_one(connection).await?;
    let refused = if superuser {
        "Castellan must not connect to PostgreSQL as a superuser or with BYPASSRLS: the walls between tenants would not hold. Create an \
         ordinary role that owns the database."
    } else if preset {
        "castellan.system or castellan.tenant is set for this role, database or address in PostgreSQL: the walls between tenants would \
         not hold. Remove it, for example: alter role ROLE reset all"
    } else if standby {
        "this PostgreSQL server is a standby, which accepts no changes. Set CASTELLAN_DATABASE_URL to the address of the primary"
    } else if read_only {
        "this PostgreSQL database is read-only for Castellan. Remove default_transaction_read_only from the server, the role, the \
         database or the address"
    } else {
        return Ok(());
    };
    Err(Error::Unusable(refused.into()))
}

/// Returns whether the database belongs to a deployment.
pub(super) async fn is_initialized(url: &str) -> Result<bool> {
    let mut connection = connect(&options(url)?).await?;
    let has_table: bool =
        sqlx::query_scalar("select to_regclass('key_check') is not null").fetch_one(&mut connection).await?;
    let sql = "select exists (select 1 from key_check where id = 1)";
    let initialized = has_table && sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(initialized)
}
