//! SQL conditions about roles that repeat the policy; `tests/it/policy_sql.rs` compares them with it.

/// Whether membership `m` lets its person decide approval requests of the organization ([`domain::policy::Decide`]).
macro_rules! is_approver {
    () => {
        "m.role in ('approver', 'owner')"
    };
}
pub(crate) use is_approver;

/// The rank of a role in the order of [`domain::role::Role`]; a higher one includes the rights of the lower ones.
macro_rules! role_rank {
    ($column:literal) => {
        concat!("case ", $column, " when 'viewer' then 1 when 'member' then 2 when 'approver' then 3 else 4 end")
    };
}
pub(crate) use role_rank;

#[cfg(test)]
mod tests {
    use domain::role::Role;

    #[test]
    fn role_conditions_follow_the_order_of_roles() {
        let approvers: Vec<_> =
            Role::ALL.iter().filter(|role| **role >= Role::Approver).map(|r| format!("'{r}'")).collect();
        assert_eq!(is_approver!(), format!("m.role in ({})", approvers.join(", ")));
        let (last, lower) = Role::ALL.split_last().unwrap();
        let whens: String = lower.iter().zip(1..).map(|(role, rank)| format!(" when '{role}' then {rank}")).collect();
        assert_eq!(role_rank!("r"), format!("case r{whens} else {} end", Role::ALL.len()), "{last}");
    }
}
