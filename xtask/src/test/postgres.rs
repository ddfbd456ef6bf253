//! Temporary PostgreSQL cluster, which stops with the value or the process that owns it.

use crate::prerequisites::is_root;
use anyhow::{Context, Result, ensure};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Script that keeps the cluster running while its standard input is open. The kernel closes the pipe when xtask ends.
const KEEPER: &str = include_str!("postgres.sh");

pub struct Cluster {
    keeper: Child,
    /// Address at which tests create databases of their own, as a role that is not a superuser.
    pub url: String,
}

impl Cluster {
    /// Starts a cluster on a free port of 127.0.0.1 with the server programs of this folder. A durable cluster flushes commits to
    /// disk, which only benchmarks need.
    ///
    /// # Errors
    /// Fails if it cannot be started. The log of PostgreSQL is then on standard error.
    pub fn start(programs: &Path, durable: bool) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut keeper = unprivileged("sh")?
            .args(["-c", KEEPER, "postgres.sh"])
            .arg(programs)
            .arg(port.to_string())
            .arg(if durable { "on" } else { "off" })
            .current_dir("/")
            .process_group(0) // so that an interrupt from the terminal does not keep it from cleaning up
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let cluster = Self { keeper, url: format!("postgres://castellan@127.0.0.1:{port}/postgres") };
        ensure!(line == "ready\n", "PostgreSQL did not start");
        Ok(cluster)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The script stops and removes the cluster; an error cannot be handled here.
        drop(self.keeper.wait());
    }
}

/// Returns a command that runs a program as an unprivileged user, because PostgreSQL refuses to run as root.
fn unprivileged(program: &str) -> Result<Command> {
    if !is_root() {
        return Ok(Command::new(program));
    }
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let (user, group) = ["postgres", "nobody"]
        .iter()
        .find_map(|name| ids(&accounts, name))
        .context("neither postgres nor nobody is a user here")?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", group, "--clear-groups", program]).env_remove("TMPDIR"); // the folder of root may not be accessible
    Ok(command)
}

/// Returns the user and group id of an account in the format of /etc/passwd.
fn ids<'a>(accounts: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        Some((fields.nth(1)?, fields.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::{Cluster, Command, ids};

    #[test]
    fn a_cluster_has_an_unprivileged_role_and_stops_when_it_is_dropped() {
        let programs = crate::prerequisites::postgres().unwrap();
        let query = |url: &str, sql: &str| {
            let mut psql = Command::new(programs.join("psql"));
            psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", sql, url]).output().unwrap()
        };
        let cluster = Cluster::start(&programs, false).unwrap();
        let url = cluster.url.clone();
        let rights =
            query(&url, "select rolsuper, rolbypassrls, rolcreatedb from pg_roles where rolname = current_user");
        assert_eq!(String::from_utf8_lossy(&rights.stdout), "f|f|t\n");
        assert!(query(&url, "create database example").status.success());
        drop(cluster);
        assert!(!query(&url, "select 1").status.success());
    }

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "root:x:0:0::/root:/bin/sh\nnobody2:x:7:8::/:/bin/false\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(ids(accounts, "nobody"), Some(("65534", "65533")));
        assert_eq!(ids(accounts, "postgres"), None);
    }
}
