//! Search for people by a part of their names.
use crate::{Person, Read, Result, db::conn::tenant_query};

impl Read {
    /// People with this text in their name or address; admins and auditors only, nobody for others.
    pub async fn find_people(&mut self, text: &str, limit: u32) -> Result<Vec<Person>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        tenant_query!(
            self,
            Person,
            fetch_all,
            r"select id, email, name, tenant_role, password_hash is not null as has_password, locked_at, created_at from person
             where tenant_id = $1 and responsible_id is null and (lower(name) like lower($2) escape '\' or lower(email) like lower($2) escape '\')
             order by email limit $3",
            anywhere(text),
            limit
        )
    }
}

/// A text for LIKE that finds `text` anywhere: its own wildcards lose their meaning (`escape '\'`).
fn anywhere(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}
