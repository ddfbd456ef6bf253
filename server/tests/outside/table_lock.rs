//! Exclusive lock on a PostgreSQL table.
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

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
