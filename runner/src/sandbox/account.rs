//! Unprivileged user of sandboxed processes (E3).

use super::Unfit;
use rustix::process::{getegid, geteuid};
use std::{fmt, fs};

/// The accounts that a root runner tries, in this order.
const DEFAULTS: [&str; 2] = ["castellan-runner", "nobody"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub drop: bool,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.uid)
    }
}

/// Returns the user for tasks: the runner's own or, if that is root, the configured one or the first existing default.
pub(super) fn choose(named: Option<&str>) -> Result<Account, Unfit> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = geteuid().as_raw();
    if own != 0 {
        let name = users
            .lines()
            .filter_map(parse)
            .find(|user| user.uid == own)
            .map_or_else(|| "user".into(), |user| user.name);
        return Ok(Account { name, uid: own, gid: getegid().as_raw(), drop: false });
    }
    pick(&users, named)
}

fn pick(users: &str, named: Option<&str>) -> Result<Account, Unfit> {
    let wanted: &[&str] = match &named {
        Some(name) => std::slice::from_ref(name),
        None => &DEFAULTS,
    };
    let found = wanted.iter().find_map(|name| users.lines().filter_map(parse).find(|user| user.name == *name));
    match found {
        Some(user) if user.uid != 0 && user.gid != 0 => Ok(user),
        Some(user) => Err(Unfit::new(
            format!("the runner is root and {} is privileged too", user.name),
            "Name an unprivileged user for the sandbox, or start the runner as one.",
        )),
        None => Err(Unfit::new(
            format!("the runner is root and there is no user {}", wanted.join(" or ")),
            "Make one with: useradd --system --no-create-home --shell /usr/sbin/nologin castellan-runner",
        )),
    }
}

/// Parses a line of passwd(5).
fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid, drop: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str =
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/bin/false\nops:x:0:100::/:/bin/sh\n";

    #[test]
    fn trap_e03_a_runner_that_is_root_never_keeps_a_privileged_user() {
        assert_eq!(pick(USERS, None).unwrap().uid, 65534);
        assert!(pick(USERS, Some("root")).unwrap_err().cause.contains("privileged"));
        assert!(pick(USERS, Some("ops")).unwrap_err().cause.contains("privileged"));
        assert!(pick(USERS, Some("gone")).unwrap_err().fix.contains("useradd"));
        assert!(pick("root:x:0:0::/:/bin/sh", None).is_err());
    }

    #[test]
    fn trap_e03_the_runners_own_account_is_preferred_over_nobody() {
        let users = format!("{USERS}castellan-runner:x:990:990::/:/usr/sbin/nologin\n");
        assert_eq!(pick(&users, None).unwrap().uid, 990);
    }
}
