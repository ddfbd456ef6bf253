//! Throw-away databases: SQLite files, and databases on the PostgreSQL cluster that `cargo xtask test` starts.
use crate::{Clock, signer};
use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
    thread::{panicking, sleep},
    time::Duration,
};
use store::{MasterKey, Settings};
use tempfile::TempDir;
use uuid::Uuid;

/// A database engine that the product supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A new, empty database that is deleted with this value.
#[derive(Debug)]
pub struct Database {
    pub url: String,
    location: Location,
}

#[derive(Debug)]
enum Location {
    Folder { _folder: TempDir },
    Cluster { cluster: String, name: String },
}

impl Database {
    pub fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::sqlite(),
            Engine::Postgres => Self::postgres(),
        }
    }

    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("castellan.db").display());
        Self { url, location: Location::Folder { _folder: folder } }
    }

    pub fn postgres() -> Self {
        let cluster = cluster_url();
        let name = format!("castellan_{}", Uuid::new_v4().simple());
        psql(&cluster, &format!("create database {name}"));
        let (server, _) = cluster.rsplit_once('/').unwrap();
        Self { url: format!("{server}/{name}"), location: Location::Cluster { cluster, name } }
    }

    /// Runs SQL statements as the owner of the database, with access to all tenants.
    pub fn run(&self, statements: &str) {
        match self.engine() {
            Engine::Postgres => psql(&self.url, &format!("set castellan.system = 'on'; {statements}")),
            Engine::Sqlite => sqlite3(Path::new(self.url.trim_start_matches("sqlite:")), statements),
        }
    }

    pub fn engine(&self) -> Engine {
        match self.location {
            Location::Folder { .. } => Engine::Sqlite,
            Location::Cluster { .. } => Engine::Postgres,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Location::Cluster { cluster, name } = &self.location {
            drop_database(cluster, name);
        }
    }
}

/// Returns the URL of the cluster in which tests create their databases.
pub fn cluster_url() -> String {
    std::env::var("CASTELLAN_TEST_POSTGRES_URL").expect(
        "CASTELLAN_TEST_POSTGRES_URL is not set: run cargo xtask test, which starts a PostgreSQL for the tests, \
         or set it to postgres://ROLE@HOST:PORT/postgres with a role that may create databases and is not a superuser",
    )
}

/// Drops a database and ends its connections.
///
/// Retries for ten seconds, because autovacuum may be at work in it, which only a superuser can end.
pub fn drop_database(cluster: &str, name: &str) {
    let statement = format!("drop database {name} with (force)");
    let dropped = (0..100).any(|attempt| {
        if attempt > 0 {
            sleep(Duration::from_millis(100));
        }
        run_psql(cluster, &statement).status.success()
    });
    // A second panic would abort the process and hide why the test failed.
    assert!(dropped || panicking(), "{name} cannot be dropped");
}

/// Runs one statement with psql, because only `store` depends on a database driver.
pub fn psql(url: &str, statement: &str) {
    let output = run_psql(url, statement);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs statements in an SQLite file.
///
/// # Panics
/// If they fail.
pub fn sqlite3(path: &Path, statements: &str) {
    let mut sqlite = Command::new("sqlite3");
    let output = sqlite.args(["-bail", "-cmd", ".timeout 10000"]).arg(path).arg(statements).output();
    let output = output.expect("sqlite3 is needed: run cargo xtask test, which installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn run_psql(url: &str, statement: &str) -> Output {
    let mut psql = Command::new("psql");
    let psql = psql.args(["--no-psqlrc", "--quiet", "--command", statement, url]);
    psql.output().expect("psql is needed, which comes with PostgreSQL")
}

/// Returns the settings that open a database with this master key and clock.
pub fn settings(url: &str, key: [u8; 32], clock: &Clock) -> Settings {
    let clock = clock.clone();
    Settings { url: url.to_owned(), key: MasterKey::new(key), signer: signer(1), clock: Arc::new(move || clock.now()) }
}
