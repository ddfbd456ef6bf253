//! Tasks: submission, search, state changes and cancellation.

mod cancel;
mod counts;
mod details;
mod filter;
mod filter_sql;
mod labels;
mod list;
mod owner;
mod submit;
mod title_prefixes;
mod title_search;

pub(crate) use cancel::TaskStateRow;
pub use details::{Progress, Task};
pub use filter::TaskFilter;
pub use labels::LabelSets;
pub(crate) use labels::label_sets;
pub use list::TaskRow;
pub(crate) use owner::owner_may_submit;
pub use submit::Submitted;
pub(crate) use title_prefixes::TitlePrefixes;

/// Reason in the audit event of a task that ended because its owner left the organization.
pub const OWNER_LEFT: &str = "its owner left the organization";
/// Reason in the audit event of a task that ended because its owner was locked.
pub const OWNER_LOCKED: &str = "its owner is locked out";
/// Reason in the audit event of a task that ended because its owner became a viewer.
pub const OWNER_DEMOTED: &str = "its owner may no longer submit tasks";
/// Reason in the audit event of a task that ended because the API key that submitted it was revoked.
pub const KEY_REVOKED: &str = "its API key was revoked";

/// [`domain::visibility::AccessAttributes::is_visible_to`] as SQL. `$2` is the person, `$3` whether they can read
/// everything; that is checked first because the other conditions read the row. The organizations are read once, not per
/// task.
macro_rules! visible {
    () => {
        concat!(
            "($3 or t.owner_id = $2 or t.visibility = 'public'
            or (t.visibility = 'org' and t.organization_id in (select m.organization_id from membership m
                where m.tenant_id = $1 and m.person_id = $2))
            or (t.required_approval and t.organization_id in (select m.organization_id from membership m
                where m.tenant_id = $1 and m.person_id = $2 and ",
            $crate::role_sql::is_approver!(),
            ")))"
        )
    };
}

/// Columns of a list row, up to the `from` clause.
macro_rules! columns {
    () => {
        "select t.id, t.title, t.state, t.tool, t.visibility, t.network, t.organization_id, o.name as organization,
            t.owner_id, p.name as owner, t.created_at, t.started_at, t.ended_at, t.ending from "
    };
}
/// Joins for a list row. Both rows always exist; left joins fix the join order, so that a planner does not start with the
/// few organizations and sort all their tasks.
macro_rules! joined {
    () => {
        " left join organization o on o.tenant_id = t.tenant_id and o.id = t.organization_id
          left join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id"
    };
}

/// List rows of tasks that the actor sees.
macro_rules! rows {
    () => {
        concat!(
            $crate::tasks::columns!(),
            "task t",
            $crate::tasks::joined!(),
            " where t.tenant_id = $1 and ",
            $crate::tasks::visible!()
        )
    };
}
pub(crate) use {columns, joined, rows, visible};
