//! Known devices: browsers that a person signed in with before, exempt from throttling caused by password guessing elsewhere.
use crate::{Result, Write, db::conn::tenant_query};
use domain::PersonId;

impl Write {
    /// Remembers a browser by the hash of its cookie token. Only the twenty most recently used are kept.
    pub(crate) async fn remember_device(&mut self, person: PersonId, token_hash: [u8; 32]) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "insert into known_device (tenant_id, person_id, token_hash, last_used_at) values ($1, $2, $3, $4)
             on conflict (tenant_id, person_id, token_hash) do update set last_used_at = $4",
            person,
            token_hash,
            self.now
        )?;
        tenant_query!(
            self,
            execute,
            "delete from known_device where tenant_id = $1 and person_id = $2 and token_hash in (
                select d.token_hash from known_device d where d.tenant_id = $1 and d.person_id = $2
                order by d.last_used_at desc, d.token_hash limit 1000 offset 20)",
            person
        )?;
        Ok(())
    }
}
