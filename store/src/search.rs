//! Finding things by a part of their names.
use crate::{
    Person, Read, Result, TaskRow,
    column::record,
    conn::scoped,
    filter::anywhere,
    tasks::{list, visible},
};
use domain::TaskId;
use uuid::Uuid;

/// How many of the newest tasks are looked through: what is older is found in the list, which takes its time.
pub const LOOKED_THROUGH: i64 = 10_000;

record! {
    /// Where looking ends.
    pub struct Oldest {
        /// The oldest task that is looked at.
        pub id: TaskId,
    }
}

impl Read {
    /// Tasks that the actor sees with this text in their title, newest first, among the tenant's newest [`LOOKED_THROUGH`].
    pub async fn find_tasks(&mut self, text: &str, limit: u32) -> Result<Vec<TaskRow>> {
        let (person, everything) = (self.viewer(), self.actor.reads_everything());
        let oldest = scoped!(
            self,
            Oldest,
            fetch_optional,
            "select id from task where tenant_id = $1 order by id desc limit 1 offset $2",
            LOOKED_THROUGH - 1
        )?;
        scoped!(
            self,
            TaskRow,
            fetch_all,
            concat!(
                list!(),
                r" and t.id >= $4 and lower(t.title) like lower($5) escape '\' order by t.id desc limit $6"
            ),
            person,
            everything,
            oldest.map_or(TaskId(Uuid::nil()), |oldest| oldest.id),
            anywhere(text),
            limit
        )
    }

    /// People with this text in their name or address; admins and auditors only, nobody for others.
    pub async fn find_people(&mut self, text: &str, limit: u32) -> Result<Vec<Person>> {
        if !self.actor.reads_everything() {
            return Ok(vec![]);
        }
        scoped!(
            self,
            Person,
            fetch_all,
            r"select id, email, name, tenant_role, password_hash is not null as has_password, created_at from person
             where tenant_id = $1 and (lower(name) like lower($2) escape '\' or lower(email) like lower($2) escape '\')
             order by email limit $3",
            anywhere(text),
            limit
        )
    }
}
