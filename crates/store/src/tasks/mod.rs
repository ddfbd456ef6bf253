//! Tasks: submitting them, finding them, canceling them.

mod cancel;
mod counts;
mod filter;
mod list;
mod narrow;
mod one;
mod owner;
mod sought;
mod submit;
mod words;

pub(crate) use cancel::Waiting;
pub use filter::TaskFilter;
pub use list::TaskRow;
pub use one::{Progress, Task};
pub(crate) use owner::owner_stands;
pub(crate) use sought::Sought;
pub use submit::Submitted;

/// Why a task ends that waited, or whose runner was lost: so it stands in its record.
pub const OWNER_LEFT: &str = "its owner left the organization";
/// The same.
pub const OWNER_LOCKED: &str = "its owner is locked out";

/// Who sees a task: what [`domain::visibility::AccessAttributes::is_visible_to`] says, as SQL. `$2` is the person, `$3` whether they read
/// everything; who does is asked first, because the others need the row. The organizations are read once, not for each task.
macro_rules! visible {
    () => {
        "($3 or t.owner_id = $2 or t.visibility = 'public'
            or (t.visibility = 'org' and t.organization_id in (select m.organization_id from membership m
                where m.tenant_id = $1 and m.person_id = $2))
            or (t.asked and t.organization_id in (select m.organization_id from membership m
                where m.tenant_id = $1 and m.person_id = $2 and m.role in ('approver', 'owner'))))"
    };
}

/// What a row of a list is read from: before the tasks, and after them.
macro_rules! columns {
    () => {
        "select t.id, t.title, t.state, t.tool, t.visibility, t.network, t.organization_id, o.name as organization,
            t.owner_id, p.name as owner, t.created_at, t.started_at, t.ended_at, t.ending from "
    };
}
/// Both are always there. They are left joins because the order of a left join is fixed: a planner must not begin with the few
/// organizations, and sort all their tasks.
macro_rules! joined {
    () => {
        " left join organization o on o.tenant_id = t.tenant_id and o.id = t.organization_id
          left join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id"
    };
}

/// Rows of a list, of tasks that the actor sees.
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
