//! Unprivileged account of sandboxed processes (E3, E20).

use super::Unfit;
use rustix::process::{getegid, geteuid};
use std::fmt;

/// The accounts that a root runner tries, in this order.
const DEFAULTS: [&str; 2] = ["castellan", "castellan-runner"];
/// The id of `nobody`, which represents unmapped ids, and which other programs use.
pub(super) const NOBODY: u32 = 65_534;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.uid)
    }
}

/// The account that tasks belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The account of the runner, which is not root.
    Runner(Account),
    /// The account in the configuration of a runner that is root.
    Configured(Account),
    /// A default account, if the machine has one, for a runner that is root.
    Default(Option<Account>),
}

impl Owner {
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Runner(account) | Self::Configured(account) => Some(account),
            Self::Default(account) => account.as_ref(),
        }
    }

    pub fn is_runner(&self) -> bool {
        matches!(self, Self::Runner(_))
    }
}

/// Chooses the account among `users`, the content of passwd(5). `fix` says how to make one.
pub(super) fn choose(named: Option<&str>, users: &str, fix: &str) -> Result<Owner, Unfit> {
    let own = geteuid().as_raw();
    if own == 0 {
        return pick(users, named, fix);
    }
    let name = parse(users).find(|user| user.uid == own).map_or_else(|| own.to_string(), |user| user.name);
    let account = Account { name, uid: own, gid: getegid().as_raw() };
    exclusive(&account, fix).map(|()| Owner::Runner(account.clone()))
}

fn pick(users: &str, named: Option<&str>, fix: &str) -> Result<Owner, Unfit> {
    let find = |name: &str| parse(users).find(|user| user.name == name);
    let Some(name) = named else {
        let account = DEFAULTS.iter().find_map(|name| find(name));
        account.as_ref().map_or(Ok(()), |account| exclusive(account, fix))?;
        return Ok(Owner::Default(account));
    };
    let missing = || Unfit::new(format!("the runner is root and there is no user {name}"), fix);
    let account = find(name).ok_or_else(missing)?;
    exclusive(&account, fix)?;
    Ok(Owner::Configured(account))
}

fn exclusive(account: &Account, fix: &str) -> Result<(), Unfit> {
    if account.uid == NOBODY || account.name == "nobody" {
        return Err(Unfit::new("tasks would run as nobody, a user that other programs share", fix));
    }
    if account.uid == 0 || account.gid == 0 {
        return Err(Unfit::new(
            format!("the account of tasks, {}, is privileged", account.name),
            "Name an unprivileged user for the sandbox, or start the runner as one.",
        ));
    }
    Ok(())
}

/// Parses passwd(5).
pub(super) fn parse(users: &str) -> impl Iterator<Item = Account> {
    users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { name, uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIX: &str = "Make one with: useradd";
    const USERS: &str =
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/bin/false\nops:x:0:100::/:/bin/sh\n";

    #[test]
    fn trap_e03_a_runner_that_is_root_never_keeps_a_privileged_user() {
        for name in ["root", "ops"] {
            assert!(pick(USERS, Some(name), FIX).unwrap_err().cause.contains("privileged"), "{name}");
        }
        assert!(pick(USERS, Some("gone"), FIX).unwrap_err().fix.contains("useradd"));
    }

    #[test]
    fn trap_e20_tasks_never_run_as_nobody() {
        assert_eq!(pick(USERS, None, FIX).unwrap(), Owner::Default(None));
        assert!(pick(USERS, Some("nobody"), FIX).unwrap_err().cause.contains("other programs"));
        let renamed = format!("{USERS}castellan:x:65534:65534::/:/usr/sbin/nologin\n");
        assert!(pick(&renamed, None, FIX).is_err());
    }

    #[test]
    fn trap_e20_the_default_account_is_used_if_it_exists() {
        let users = format!("{USERS}castellan-runner:x:990:990::/:/usr/sbin/nologin\n");
        assert_eq!(pick(&users, None, FIX).unwrap().account().unwrap().uid, 990);
    }
}
