//! Source checks: every method has a row in the matrix, and every statement names its tenant.
use crate::walls::{ACROSS, IN_A_TENANT, matrix};
use std::{collections::BTreeSet, fs, path::Path};

/// Files that may run statements without a tenant, and why.
const UNSCOPED: &[(&str, &str)] = &[
    ("db/conn.rs", "defines the macros"),
    ("db/transaction.rs", "opens snapshots and transactions of one tenant"),
    ("system/mod.rs", "opens connections across tenants and analyzes tables"),
    ("system/first_start.rs", "there is no tenant yet"),
    ("system/invitations.rs", "an invitation token names no tenant"),
    ("system/sign_in.rs", "a sign-in names no tenant"),
    ("system/ceremonies.rs", "a passkey names no tenant"),
    ("system/mail.rs", "sends the mail of all tenants"),
    ("system/webhooks.rs", "sends the messages of all tenants"),
    ("system/secrets.rs", "a token names no tenant"),
    ("system/providers.rs", "a callback from a provider names no tenant"),
    ("system/due_work.rs", "runs the due work of all tenants"),
    ("system/figures.rs", "counts what is open in all tenants"),
    ("throttle.rs", "counts hashes that belong to no tenant"),
    ("system/credential_holder.rs", "a session or key is found by its token"),
    ("db/readers.rs", "begins and ends snapshots"),
    ("seed/mod.rs", "writes many rows of one tenant at once"),
    ("seed/rows.rs", "writes many rows of one tenant at once"),
    ("transfer/mod.rs", "copies all tenants to another database"),
    ("transfer/table.rs", "copies all tenants to another database"),
    ("backup.rs", "copies the database of all tenants"),
    ("transfer/state.rs", "keeps databases of all tenants from being served"),
    ("db/first_connection.rs", "checks the role and the server before tables exist"),
    ("db/deadline.rs", "limits what a transaction on PostgreSQL waits for"),
    ("db/write_transaction.rs", "prepares commits on PostgreSQL"),
    ("db/contention.rs", "holds locks and counts connections"),
    ("db/open.rs", "checks the database and opens connections"),
    ("db/group_commit_postgres.rs", "flushes the write-ahead log"),
    ("db/group_commit/mod.rs", "begins and commits transactions"),
    ("db/group_commit/tests.rs", "uses a table of its own"),
    ("db/events.rs", "receives NOTIFY"),
    ("db/filter.rs", "runs statements that begin with `$1`, the tenant"),
];

fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, before: &str, into: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{before}{}", entry.file_name().to_string_lossy());
            match entry.path().is_dir() {
                true => collect(&entry.path(), &format!("{name}/"), into),
                false => into.push((name, fs::read_to_string(entry.path()).unwrap())),
            }
        }
    }
    let mut files = vec![];
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    assert!(files.len() > 15);
    files
}

/// Returns every `pub async fn` in an `impl` of these types, as `Type::method`.
fn methods() -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    for (_, text) in sources() {
        let mut within = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("impl ") {
                within = ["Read", "Write", "System"].into_iter().find(|name| {
                    rest.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '<']) && !rest.contains(" for "))
                });
            } else if line == "}" {
                within = None;
            }
            let method = line.trim_start().strip_prefix("pub async fn ").and_then(|rest| rest.split(['(', '<']).next());
            if let (Some(name), Some(method)) = (within, method) {
                methods.insert(format!("{name}::{method}"));
            }
        }
    }
    methods
}

#[test]
fn m_11_every_method_of_the_store_has_a_row_in_the_matrix() {
    let mut rows: BTreeSet<String> = matrix().iter().map(|row| row.method.to_owned()).collect();
    rows.extend(ACROSS.iter().map(|(method, _)| (*method).to_owned()));
    rows.extend(IN_A_TENANT.iter().map(|method| format!("System::{method}")));
    let methods = methods();
    assert!(methods.len() > 80, "only {} methods found: the source is not read rightly", methods.len());
    let missing: Vec<_> = methods.difference(&rows).collect();
    assert!(missing.is_empty(), "add to walls.rs what comes of these for every role: {missing:?}");
    let gone: Vec<_> = rows.difference(&methods).collect();
    assert!(gone.is_empty(), "there are no such methods any more: {gone:?}");
}

#[test]
fn m_11_only_listed_files_run_statements_without_the_tenant_query_macro() {
    for (name, text) in sources() {
        if UNSCOPED.iter().any(|(allowed, _)| *allowed == name) {
            continue;
        }
        for word in [
            "unscoped_query!",
            "sqlx::query",
            "query_scalar",
            "raw_sql",
            "AssertSqlSafe",
            "begin_read",
            "acquire_for_single_query",
            "begin_write",
        ] {
            assert!(!text.contains(word), "{name} uses {word}: every statement of a tenant goes through tenant_query!");
        }
    }
}

#[test]
fn m_11_every_reference_between_rows_names_the_tenant() {
    for name in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(name);
        for file in fs::read_dir(folder).unwrap() {
            for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
                let Some((before, after)) = line.split_once(" references ") else { continue };
                let whole =
                    before.trim_start().starts_with("foreign key (tenant_id, ") && after.contains("(tenant_id, ");
                let of_the_tenant = before.trim_start().starts_with("tenant_id ") && after.starts_with("tenant (id)");
                assert!(whole || of_the_tenant, "{name}: {line}");
            }
        }
    }
}
