//! PostgreSQL databases for single tests, in the cluster that `cargo xtask test` starts.
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};
use uuid::Uuid;

/// A PostgreSQL database that is dropped with this value.
pub struct Database {
    cluster: String,
    name: String,
    pub url: String,
}

impl Database {
    pub fn create() -> Self {
        let missing =
            "CASTELLAN_TEST_POSTGRES_URL is not set: run cargo xtask test, which starts a PostgreSQL for the tests";
        let cluster = std::env::var("CASTELLAN_TEST_POSTGRES_URL").expect(missing);
        let name = format!("castellan_{}", Uuid::new_v4().simple());
        psql(&cluster, &format!("create database {name}"));
        let (server, _) = cluster.rsplit_once('/').unwrap();
        let url = format!("{server}/{name}");
        Self { cluster, name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        psql(&self.cluster, &format!("drop database {} with (force)", self.name));
    }
}

/// Runs one statement with psql, because only `store` depends on a database driver.
pub fn psql(url: &str, statement: &str) {
    let done = Command::new("psql").args(["--no-psqlrc", "--quiet", "--command", statement, url]).output();
    let done = done.expect("psql is needed, which comes with PostgreSQL");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// An exclusive lock on a table: reads continue, writes wait until this is dropped.
pub struct TableLock(Child);

impl TableLock {
    pub fn table(url: &str, table: &str) -> Self {
        let mut psql = Command::new("psql");
        let psql = psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", url]);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql is needed");
        let statements = format!("begin;\nlock table {table} in exclusive mode;\nselect 'held';\n");
        child.stdin.as_mut().unwrap().write_all(statements.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "held");
        Self(child)
    }
}

impl Drop for TableLock {
    fn drop(&mut self) {
        drop(self.0.stdin.take()); // its transaction ends with its input
        let _ = self.0.wait();
    }
}
