//! Subordinate ids: ranges that an account may give to its processes (subuid(5), subgid(5)).

use super::account::{self, Account, NOBODY};
use std::{fmt, fs, ops::Range};

/// The ids of a root runner without an account: between those that directory services map (up to 2,000,200,000) and
/// those that systemd reserves (from 2,147,352,576). They are used only if the machine gave none of them away.
const UNALLOCATED: Ids = Ids { uid: 2_100_000_000, gid: 2_100_000_000, count: 65_536 };

/// The number of ids of a suggested range, as `useradd` gives it to people.
const SUGGESTED_IDS: u32 = 65_536;
/// The first suggested range, above those that `useradd` gives away first.
const FIRST_SUGGESTION: u32 = 300_000;
/// Where a root runner in a container with few ids looks for its own: above the accounts of packages and people.
const CONTAINER_IDS: Range<u32> = 20_000..NOBODY;

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
        if let Some(other) = self.range_in(&ids, |owner| !is_of(owner, account)) {
            return Err(format!("the range of {name} overlaps that of {other}"));
        }
        Ok(ids)
    }

    /// Returns ids of this user namespace that neither an account nor a range of this machine contains, at least `needed`.
    pub fn unallocated(&self, needed: u32) -> Result<Ids, String> {
        if self.is_whole_machine() {
            return match self.is_free(&UNALLOCATED) {
                true => Ok(UNALLOCATED),
                false => Err(format!("the ids {UNALLOCATED} are allocated to others")),
            };
        }
        // A container. More ids than needed let them rest between two tasks.
        let counts =
            [needed.saturating_mul(64), needed.saturating_mul(4), needed].into_iter().filter(|count| *count > 0);
        let found = counts.filter_map(|count| {
            let starts = CONTAINER_IDS.step_by(usize::try_from(count).ok()?);
            starts.map(|first| Ids { uid: first, gid: first, count }).find(|ids| self.has(ids) && self.is_free(ids))
        });
        let missing = || format!("this container has fewer than {needed} user and group ids for tasks");
        found.into_iter().next().ok_or_else(missing)
    }

    /// Returns a range that can be given to an account, as the options of `usermod`.
    pub fn suggestion(&self) -> String {
        let starts = (FIRST_SUGGESTION..UNALLOCATED.uid).step_by(usize::try_from(SUGGESTED_IDS).unwrap_or(usize::MAX));
        let free =
            starts.map(|first| Ids { uid: first, gid: first, count: SUGGESTED_IDS }).find(|ids| self.is_free(ids));
        let range = free.map_or_else(
            || "FIRST-LAST".to_owned(),
            |ids| format!("{}-{}", ids.uid, ids.uid.saturating_add(SUGGESTED_IDS - 1)),
        );
        format!("--add-subuids {range} --add-subgids {range}")
    }

    /// Returns how to make the account of a runner that is root, with a range of ids.
    pub fn make_account(&self) -> String {
        format!(
            "Make one with: useradd --system --no-create-home --shell /usr/sbin/nologin castellan && usermod {} castellan",
            self.suggestion()
        )
    }

    fn is_free(&self, ids: &Ids) -> bool {
        self.user_in(ids).is_none() && self.range_in(ids, |_| true).is_none()
    }

    /// Returns the owner of a range that overlaps `ids`, among the owners that `counts` selects.
    fn range_in(&self, ids: &Ids, counts: impl Fn(&str) -> bool) -> Option<&str> {
        let of_users = ranges(&self.subuid).map(|range| (range, ids.uids()));
        let of_groups = ranges(&self.subgid).map(|range| (range, ids.gids()));
        let mut taken = of_users.chain(of_groups).filter(|((owner, ..), _)| counts(owner));
        taken.find(|((_, first, count), own)| overlap(&span(*first, *count), own)).map(|((owner, ..), _)| owner)
    }

    /// Returns whether the runner is not in a container with few ids.
    pub fn is_whole_machine(&self) -> bool {
        self.has(&UNALLOCATED)
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
    let own = ranges(text).filter(|(owner, ..)| is_of(owner, account));
    own.map(|(_, first, count)| (first, count)).max_by_key(|(_, count)| *count)
}

fn is_of(owner: &str, account: &Account) -> bool {
    owner == account.name || owner.parse() == Ok(account.uid)
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
            ("castellan:400000:65536\nada:465535:10", "the range of castellan overlaps that of ada"),
        ] {
            let (machine, account) = machine(subuid);
            assert_eq!(machine.of_account(&account, 4), Err(why.to_owned()), "{subuid}");
        }
    }

    #[test]
    fn trap_e20_a_root_runner_without_an_account_uses_ids_that_nobody_was_given() {
        assert_eq!(machine("ada:100000:65536").0.unallocated(4), Ok(UNALLOCATED));
        assert!(machine("ada:2000000000:100010000").0.unallocated(4).is_err());
        let (mut container, _) = machine("");
        assert!(container.has(&UNALLOCATED));
        container.uid_map = "0 100000 65536\n".into();
        assert!(!container.has(&UNALLOCATED));
    }

    fn container(map: &str, subuid: &str) -> Allocations {
        let map = map.to_owned();
        Allocations { uid_map: map.clone(), gid_map: map, ..machine(subuid).0 }
    }

    #[test]
    fn trap_e20_a_root_runner_in_a_container_uses_ids_that_the_container_has() {
        let small = container("0 100000 65536\n", "");
        let ids = small.unallocated(4).unwrap();
        assert_eq!(ids, Ids { uid: 20_000, gid: 20_000, count: 256 });
        assert!(small.has(&ids));
        let used = container("0 100000 65536\n", "ada:20000:1000");
        assert_eq!(used.unallocated(4).unwrap().uid, 21_024, "others were given those before");
        let tight = container("0 1000 1\n1 100000 20010\n", "");
        assert_eq!(tight.unallocated(4), Ok(Ids { uid: 20_000, gid: 20_000, count: 4 }));
        for (map, needed) in
            [("0 1000 1\n", 1), ("0 1000 1\n1 100000 20010\n", 12), ("0 100000 65536\n", 60_000), ("", 4)]
        {
            let missing = format!("this container has fewer than {needed} user and group ids for tasks");
            assert_eq!(container(map, "").unallocated(needed), Err(missing), "{map}");
        }
        let groups = Allocations { gid_map: "0 100000 10000\n".into(), ..small };
        assert!(groups.unallocated(4).is_err(), "the group ids count too");
    }

    #[test]
    fn trap_e20_the_suggested_range_belongs_to_nobody_else() {
        for (subuid, first) in [
            ("", 300_000),
            ("castellan:300000:3", 365_536),
            ("ada:100000:200001", 365_536),
            ("ada:365535:1", 365_536),
            ("ada:300000:65536\nben:365536:65536", 431_072),
            ("ada:300000:2000000", 2_331_616),
        ] {
            // Ada's account is not in the way here.
            let machine = Allocations { users: "ada:x:1000:1000::/:/bin/sh\n".into(), ..machine(subuid).0 };
            let range = format!("{first}-{}", first + 65_535);
            assert_eq!(machine.suggestion(), format!("--add-subuids {range} --add-subgids {range}"), "{subuid}");
        }
        assert!(machine("").0.suggestion().contains("365536-"), "an account has an id of the first range");
        assert_eq!(machine("ada:1:4294967294").0.suggestion(), "--add-subuids FIRST-LAST --add-subgids FIRST-LAST");
    }

    #[test]
    fn trap_e20_ranges_of_groups_count_for_the_suggestion_too() {
        let (machine, _) = machine("");
        let machine = Allocations { users: String::new(), subgid: "ada:300000:1".into(), ..machine };
        assert!(machine.suggestion().contains("365536-431071"));
    }
}
