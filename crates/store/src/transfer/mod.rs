//! Transfer from the embedded database to PostgreSQL (D-12): every row, one way, verified, and resumable after an interruption.
mod cells;
mod state;
mod table;

use crate::{
    DatabaseLock, Error, Result, Settings, Store,
    db::{
        column::Number,
        conn::{Conn, unscoped_query},
        database_lock::sqlite_file,
    },
};
use domain::{Actor, TenantId, audit::Outcome};
use serde_json::json;
use state::State;
use std::collections::BTreeSet;
use table::Table;

/// Every table, after the ones that it references. The heads of the hash chains come last, so their presence means that the copy
/// is complete. `key_check` and `transfer` are omitted: each database has its own.
const TABLES: [&str; 56] = [
    "tenant",
    "tenant_key",
    "organization",
    "organization_former_name",
    "person",
    "membership",
    "invitation",
    "join_request",
    "setup_link",
    "password_link",
    "browser_session",
    "factor_policy",
    "approval_policy",
    "retention_policy",
    "confirmation",
    "rules_proposal",
    "account_hold",
    "former_role",
    "totp",
    "passkey",
    "ceremony",
    "recovery_code",
    "account_event",
    "address_change",
    "known_device",
    "known_network",
    "failure_count",
    "anomaly",
    "mail",
    "notification",
    "notification_preference",
    "webhook",
    "webhook_delivery",
    "identity_provider",
    "identity",
    "used_sign_in",
    "break_glass",
    "throttle",
    "api_key",
    "review",
    "review_item",
    "key_network",
    "key_hour",
    "daily_usage",
    "rules",
    "enrollment",
    "runner",
    "task",
    "task_label",
    "task_word",
    "task_log",
    "approval",
    "decision",
    "checkpoint",
    "audit",
    "audit_head",
];

/// Copies all data of the embedded database `from` to the PostgreSQL database `to` and compares each table's rows.
/// `progress` receives each copied table with its number of rows.
///
/// `from` cannot be written meanwhile. Afterwards it is unchanged, except for one event in each tenant's audit log that
/// records the transfer, and nothing serves it any more. After an interruption, the same call resumes; nothing serves `to` until then.
///
/// # Errors
/// Fails with [`Error::Unusable`] if a server runs on `from`, the databases are of other kinds, `to` contains other data, or it differs from `from`
/// at the end.
pub async fn transfer(from: Settings, to: Settings, mut progress: impl FnMut(&str, u64)) -> Result<()> {
    let embedded = |url: &str| url.starts_with("sqlite:");
    if !embedded(&from.url) || embedded(&to.url) {
        let text = "data can be moved from SQLite to PostgreSQL only: --from sqlite:PATH --to postgres://…";
        return Err(Error::Unusable(text.into()));
    }
    let file = sqlite_file(&from.url).unwrap_or_default();
    if !file.is_file() {
        return Err(Error::Unusable(format!("there is no database at {}", file.display())));
    }
    let _lock = DatabaseLock::take(&from.url)?;
    let (from, to) = (Store::open_for_transfer(from).await?, Store::open_for_transfer(to).await?);
    let (source_tenants, target_tenants) = (tenants(&from).await?, tenants(&to).await?);
    if !target_tenants.is_subset(&source_tenants) {
        let text = "the PostgreSQL database belongs to another deployment: it has tenants that the SQLite database does not \
                    know. Nothing was changed. Name an empty database.";
        return Err(Error::Unusable(text.into()));
    }
    if target_tenants.is_empty() {
        to.system().set_transfer_state(Some(State::Unfinished)).await?;
        record_transfer(&from, &source_tenants).await?;
    }
    let mut source = from.system().write().await?; // the lock excludes other writers
    let complete = chain_head_count(&to).await? > 0;
    for name in TABLES {
        let table = Table::read(&to, name).await?;
        let original = match complete {
            true => table.digest(&mut source).await?,
            false => table.copy(&mut source, &to).await?,
        };
        if original != table.digest(&mut to.system().read().await?).await? {
            return Err(Error::Unusable(format!(
                "the rows of {name} in PostgreSQL are not those of the SQLite database, which has changed since it was \
                 copied, or the other did. Empty the PostgreSQL database and begin again; the SQLite database is whole."
            )));
        }
        progress(name, original.rows);
    }
    drop(source);
    // In this order: interrupted between the two, neither database is served, and the same call resumes.
    from.system().set_transfer_state(Some(State::Moved)).await?;
    to.system().set_transfer_state(None).await?;
    to.system().analyze_tables(&TABLES).await?;
    from.close().await;
    to.close().await;
    Ok(())
}

/// Lets the SQLite database at `from` be served again after its data were moved.
///
/// # Errors
/// Fails with [`Error::Unusable`] if a server runs on it, or its data were not moved.
pub async fn return_to_sqlite(from: Settings) -> Result<()> {
    let _lock = DatabaseLock::take(&from.url)?;
    let store = Store::open_for_transfer(from).await?;
    if store.system().transfer_state().await? != Some(State::Moved) {
        return Err(Error::Unusable(
            "the data of this database were not moved to PostgreSQL; nothing was changed".into(),
        ));
    }
    for tenant in tenants(&store).await? {
        record(&store, tenant, "database.return", json!({})).await?;
    }
    store.system().set_transfer_state(None).await?;
    store.close().await;
    Ok(())
}

async fn tenants(store: &Store) -> Result<BTreeSet<TenantId>> {
    Ok(store.system().tenants().await?.into_iter().map(|tenant| tenant.id).collect())
}

/// Records the transfer in each tenant's audit log.
async fn record_transfer(from: &Store, tenants: &BTreeSet<TenantId>) -> Result<()> {
    for tenant in tenants {
        record(from, *tenant, "database.transfer", json!({ "to": "postgres" })).await?;
    }
    Ok(())
}

async fn record(store: &Store, tenant: TenantId, action: &str, detail: serde_json::Value) -> Result<()> {
    let mut write = store.write(&Actor::console(tenant, store.now())).await?;
    write.note(action, ("tenant", tenant.to_string()), Outcome::Done, detail).await?;
    write.commit().await
}

async fn chain_head_count(store: &Store) -> Result<i64> {
    let mut conn: Conn = store.system().read().await?;
    Ok(unscoped_query!(conn, Number, fetch_one, "select count(*) as n from audit_head")?.n)
}
