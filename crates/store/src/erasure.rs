//! Erasure of the personal data that audit events contain about a person, and the audit event that explains an erasure.
use crate::{
    Read, Result, Write,
    audit::StoredRow,
    db::{column::row_type, conn::tenant_query},
    invitations::EmailRow,
    search_text::anywhere,
};
use domain::{
    Allowed,
    audit::{ERASING, Record, Stored},
    policy::{ErasePersonalData, ReadAudit},
};
use std::collections::BTreeSet;

/// Number of events that one transaction examines, which limits the size of the audit event that lists the erased ones.
const EVENTS_PER_ERASURE: i64 = 2_000;

/// Number of erasures that are read at once.
const ERASURES_PER_BATCH: u32 = 100;

row_type! {
    pub struct SeqRow {
        pub seq: i64,
    }
}

impl Write {
    /// Erases the personal data of the next events after `after` that the person caused or that contain the person's
    /// address. Returns the last event that was examined and the number of erased ones.
    pub async fn erase_personal_data(&mut self, proof: Allowed<ErasePersonalData>, after: i64) -> Result<(i64, usize)> {
        let person = proof.action().person;
        const ADDRESS: &str = "select email from person where tenant_id = $1 and id = $2";
        let address = tenant_query!(self, EmailRow, fetch_one, ADDRESS, person)?.email;
        let address = format!("\"email\":{}", serde_json::json!(address));
        let last = after.saturating_add(EVENTS_PER_ERASURE);
        let erased = tenant_query!(
            self,
            SeqRow,
            fetch_all,
            r#"update audit set personal = null where tenant_id = $1 and seq > $2 and seq <= $3 and personal is not null
                and (person_id = $4 or personal like $6 escape '\'
                    or target_kind = 'person' and target_id = $5 and personal not like '{"action":null,%')
             returning seq"#,
            after,
            last,
            person,
            person.to_string(),
            anywhere(&address)
        )?;
        let erased: BTreeSet<_> = erased.into_iter().map(|row| row.seq).collect();
        if !erased.is_empty() {
            let entry = self.entry(&proof)?.with_erased(&erased);
            self.record(entry).await?;
        }
        Ok((last, erased.len()))
    }
}

impl Read {
    /// Returns the audit event that explains why an event has no personal data, if there is one.
    pub async fn erasure_of(&mut self, _: &Allowed<ReadAudit>, seq: i64) -> Result<Option<i64>> {
        const SQL: &str = concat!(
            crate::audit::columns!(),
            " where tenant_id = $1 and action = $2 and seq > $3 order by seq limit $4"
        );
        for name in ERASING {
            let mut after = seq;
            loop {
                let batch = tenant_query!(self, StoredRow, fetch_all, SQL, name.to_owned(), after, ERASURES_PER_BATCH)?;
                let Some(last) = batch.last() else { break };
                after = last.seq;
                for stored in batch.into_iter().map(Stored::from) {
                    let Ok(record) = serde_json::from_str::<Record>(&stored.body) else { continue };
                    if record.erased().iter().any(|range| range.contains(&seq)) {
                        return Ok(Some(stored.seq));
                    }
                }
            }
        }
        Ok(None)
    }
}
