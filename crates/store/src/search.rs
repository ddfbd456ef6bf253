//! Search for people by a part of their name or address.
use crate::{Person, Read, Result, db::conn::tenant_query, search_text::anywhere};
use domain::search_terms::fold;

impl Read {
    /// Returns people whose name or address contains a text, for actors who can read everything; empty for others.
    pub async fn find_people(&mut self, text: &str, limit: u32) -> Result<Vec<Person>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        tenant_query!(
            self,
            Person,
            fetch_all,
            r"select id, email, name, tenant_role, password_hash is not null as has_password, locked_at, created_at from person
             where tenant_id = $1 and responsible_id is null and search_text like $2 escape '\'
             order by email limit $3",
            anywhere(&fold(text)),
            limit
        )
    }
}
