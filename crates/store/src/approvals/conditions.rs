//! SQL conditions about decisions: which are own, and which count. Pages, the API, decisions and claims use the same ones.
//!
//! They are about the approval request `a` with its task `t` and its requester `p`; a decision is `d`.

/// The people whose request it is; [`domain::approval::Requesters`] is the same in Rust.
macro_rules! requesters {
    () => {
        "a.requester_id, t.responsible_id, p.responsible_id, t.key_creator_id"
    };
}

/// Whether it is a request of this person.
macro_rules! is_own {
    ($person:literal) => {
        concat!("(", $person, " in (", $crate::approvals::conditions::requesters!(), ")) is true")
    };
}

/// Whether the tenant lets people decide their own request: it did at submission and still does.
macro_rules! allows_own {
    () => {
        "(t.self_approval and exists (select 1 from approval_policy s where s.tenant_id = $1 and s.self_approval))"
    };
}

/// Whether the decision is an approval that counts, apart from its passkey: its person still is an approver and not locked, did not make
/// it in a hold, and may decide an own request.
macro_rules! counts_without_passkey {
    () => {
        concat!(
            "(d.answer = 'approve' and exists (select 1 from membership m
                join person o on o.tenant_id = m.tenant_id and o.id = m.person_id and o.locked_at is null
                where m.tenant_id = $1 and m.organization_id = a.organization_id and m.person_id = d.person_id and ",
            $crate::role_sql::is_approver!(),
            ") and ",
            $crate::holds::held_until!("d.person_id", "a.requester_id, t.responsible_id, p.responsible_id, t.key_creator_id", "d.created_at"),
            " is null and (",
            $crate::approvals::conditions::allows_own!(),
            " or not ",
            $crate::approvals::conditions::is_own!("d.person_id"),
            "))"
        )
    };
}

/// Whether the decision counts. A passkey that is demanded must still be one of the approver's; a claim also verifies the signature.
macro_rules! counts {
    () => {
        concat!(
            "(",
            $crate::approvals::conditions::counts_without_passkey!(),
            " and (not a.requires_passkey or exists (select 1 from passkey k
                where k.tenant_id = $1 and k.person_id = d.person_id and k.credential_id = d.credential_id)))"
        )
    };
}

/// Whether `$2` has decided the request since it was opened, with a decision that counts. One that does not can be repeated.
macro_rules! has_decided {
    () => {
        concat!(
            "exists (select 1 from decision d where d.tenant_id = $1 and d.approval_id = a.id and d.person_id = $2
                and d.created_at >= a.created_at and ",
            $crate::approvals::conditions::counts!(),
            ")"
        )
    };
}

pub(crate) use {allows_own, counts, counts_without_passkey, has_decided, is_own, requesters};
