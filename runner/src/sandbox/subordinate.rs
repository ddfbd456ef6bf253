//! Subordinate ids: ranges that an account may give to its processes (subuid(5), subgid(5)).

use super::account::{self, Account, NOBODY};
use std::{fmt, fs, ops::Range};

/// The ids of a root runner without an account: between those that directory services map (up to 2,000,200,000) and
/// those that systemd reserves (from 2,147,352,576). They are used only if the machine gave none of them away.
const UNALLOCATED: Ids = Ids { uid: 2_100_000_000, gid: 2_100_000_000, count: 65_536 };

/// The user and group that a task's processes switch to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TaskId {
    pub uid: u32,
    pub gid: u32,
}

/// A range of user and group ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub uid: u32,
    pub gid: u32,
    pub count: u32,
}

impl Ids {
    fn uids(&self) -> Range<u64> {
        span(self.uid, self.count)
    }

    fn gids(&self) -> Range<u64> {
        span(self.gid, self.count)
    }
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uids = self.uids();
        write!(f, "{} to {}", uids.start, uids.end.saturating_sub(1))
    }
}

/// The files that say which ids are in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Allocations {
    pub users: String,
    pub groups: String,
    pub subuid: String,
    pub subgid: String,
    /// The ids that exist in this user namespace (user_namespaces(7)).
    pub uid_map: String,
    pub gid_map: String,
}

impl Allocations {
    pub fn read() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            users: read("/etc/passwd"),
            groups: read("/etc/group"),
            subuid: read("/etc/subuid"),
            subgid: read("/etc/subgid"),
            uid_map: read("/proc/self/uid_map"),
            gid_map: read("/proc/self/gid_map"),
        }
    }

    /// Returns the largest range of an account, with at least `needed` ids; otherwise the reason as a clause.
    pub fn of_account(&self, account: &Account, needed: u32) -> Result<Ids, String> {
        let name = &account.name;
        let (uid, uids) =
            largest(&self.subuid, account).ok_or_else(|| format!("/etc/subuid has no range for {name}"))?;
        let (gid, gids) =
            largest(&self.subgid, account).ok_or_else(|| format!("/etc/subgid has no range for {name}"))?;
        let ids = Ids { uid, gid, count: uids.min(gids) };
        if ids.count < needed {
            return Err(format!("the range of {name} has {} ids for {needed} concurrent tasks", ids.count));
        }
        if let Some(user) = self.user_in(&ids) {
            return Err(format!("the range of {name} contains the id of {user}"));
        }
        Ok(ids)
    }

    /// Returns ids that neither an account nor a range of this machine contains.
    pub fn unallocated(&self) -> Result<Ids, String> {
        let ids = UNALLOCATED;
        let taken =
            |text: &str, own: Range<u64>| ranges(text).any(|(_, first, count)| overlap(&span(first, count), &own));
        if self.user_in(&ids).is_some() || taken(&self.subuid, ids.uids()) || taken(&self.subgid, ids.gids()) {
            return Err(format!("the ids {ids} are allocated to others"));
        }
        Ok(ids)
    }

    /// Returns whether this user namespace has all of the ids.
    pub fn has(&self, ids: &Ids) -> bool {
        let within = |map: &str, own: Range<u64>| {
            map.lines().any(|line| {
                let mut fields = line.split_whitespace().map(str::parse::<u32>);
                let (Some(Ok(first)), Some(Ok(count))) = (fields.next(), fields.nth(1)) else { return false };
                let mapped = span(first, count);
                mapped.start <= own.start && own.end <= mapped.end
            })
        };
        within(&self.uid_map, ids.uids()) && within(&self.gid_map, ids.gids())
    }

    fn user_in(&self, ids: &Ids) -> Option<String> {
        if ids.uids().contains(&NOBODY.into()) || ids.gids().contains(&NOBODY.into()) {
            return Some("nobody".into());
        }
        let user = account::parse(&self.users).find(|user| ids.uids().contains(&user.uid.into()));
        let group = self.groups.lines().find(|line| {
            line.split(':').nth(2).and_then(|gid| gid.parse().ok()).is_some_and(|gid: u64| ids.gids().contains(&gid))
        });
        user.map(|user| user.name).or_else(|| Some(group?.split(':').next()?.to_owned()))
    }
}

fn span(first: u32, count: u32) -> Range<u64> {
    u64::from(first)..u64::from(first).saturating_add(count.into())
}

fn overlap(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start < other.end && other.start < one.end
}

fn largest(text: &str, account: &Account) -> Option<(u32, u32)> {
    let uid = account.uid.to_string();
    let own = ranges(text).filter(|(owner, ..)| *owner == account.name || *owner == uid);
    own.map(|(_, first, count)| (first, count)).max_by_key(|(_, count)| *count)
}

/// Parses the format of both files: `owner:first:count`.
fn ranges(text: &str) -> impl Iterator<Item = (&str, u32, u32)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (owner, first, count) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?.trim().parse().ok()?);
        (first > 0 && count > 0 && u32::checked_add(first, count).is_some()).then_some((owner, first, count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(subuid: &str) -> (Allocations, Account) {
        let allocations = Allocations {
            users: "root:x:0:0::/root:/bin/sh\ncastellan:x:990:990::/:/bin/false\nada:x:301000:100::/:/bin/sh\n".into(),
            groups: "root:x:0:\n".into(),
            subuid: subuid.into(),
            subgid: subuid.into(),
            uid_map: "         0          0 4294967295\n".into(),
            gid_map: "         0          0 4294967295\n".into(),
        };
        (allocations, Account { name: "castellan".into(), uid: 990, gid: 990 })
    }

    #[test]
    fn trap_e20_the_largest_range_of_the_account_is_used() {
        let (machine, account) = machine("ada:100000:65536\ncastellan:400000:10\n990:500000:65536\ncastellan:x:9\n");
        assert_eq!(machine.of_account(&account, 4), Ok(Ids { uid: 500_000, gid: 500_000, count: 65_536 }));
    }

    #[test]
    fn trap_e20_a_range_that_is_too_small_or_holds_an_account_is_refused() {
        for (subuid, why) in [
            ("", "/etc/subuid has no range for castellan"),
            ("castellan:0:65536", "/etc/subuid has no range for castellan"),
            ("castellan:4294967290:100", "/etc/subuid has no range for castellan"),
            ("castellan:400000:3", "the range of castellan has 3 ids for 4 concurrent tasks"),
            ("castellan:300000:65536", "the range of castellan contains the id of ada"),
            ("castellan:65000:1000", "the range of castellan contains the id of nobody"),
        ] {
            let (machine, account) = machine(subuid);
            assert_eq!(machine.of_account(&account, 4), Err(why.to_owned()), "{subuid}");
        }
    }

    #[test]
    fn trap_e20_a_root_runner_without_an_account_uses_ids_that_nobody_was_given() {
        assert_eq!(machine("ada:100000:65536").0.unallocated(), Ok(UNALLOCATED));
        assert!(machine("ada:2000000000:100010000").0.unallocated().is_err());
        let (mut container, _) = machine("");
        assert!(container.has(&UNALLOCATED));
        container.uid_map = "0 100000 65536\n".into();
        assert!(!container.has(&UNALLOCATED));
    }
}
