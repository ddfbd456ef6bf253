//! Audit log integrity (D-06): every change is detected, and a truncated log by a checkpoint stored elsewhere.
use crate::{
    raw::Raw,
    world::{TenantFixture, World, needs_approval, on_both, sealed},
};
use domain::{
    PersonId, TenantId,
    approval::Answer,
    audit::{ChainError, Record, Stored, Verifier, link},
    checkpoint::Checkpoint,
    policy::{CreateOrganization, ErasePersonalData, FreezeTenant, ReadAudit},
};
use futures::future::join_all;
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};
use store::{AuditFilter, VerifiedLog};

pub async fn chain(world: &World, fixture: &TenantFixture) -> Vec<Stored> {
    let mut read = world.store.read(&fixture.audrey).await.unwrap();
    let proof = fixture.audrey.may(ReadAudit).unwrap();
    let (mut rows, mut after) = (vec![], 0);
    loop {
        let page = read.audit_from(&proof, after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.seq;
        rows.extend(page);
    }
    rows
}

pub fn verify(fixture: &TenantFixture, chain: &[Stored]) -> Result<(i64, [u8; 32]), ChainError> {
    let mut verifier = Verifier::new(fixture.tenant);
    chain.iter().try_for_each(|record| verifier.take(record))?;
    Ok(verifier.head())
}

/// Verifies the log as `castellan audit verify` does.
async fn verdict(world: &World, fixture: &TenantFixture) -> Result<VerifiedLog, ChainError> {
    let mut read = world.store.read(&fixture.console).await.unwrap();
    read.verify_audit(&fixture.console.may(ReadAudit).unwrap(), &BTreeMap::new()).await.unwrap()
}

fn record_count(chain: &[Stored]) -> i64 {
    i64::try_from(chain.len()).unwrap()
}

/// Creates audit events that are security events, and freezes the tenant.
async fn refuse_some(world: &World) {
    let acme = &world.acme;
    for _ in 0..5 {
        let _ = world.store.authorize(&acme.mia, CreateOrganization { name: "mine".into() }).await;
    }
    world.change(&acme.adam, async |write| write.freeze(acme.adam.may(FreezeTenant {})?).await).await.unwrap();
}

async fn head(world: &World, fixture: &TenantFixture) -> (i64, [u8; 32]) {
    let head = world.store.read(&fixture.audrey).await.unwrap().audit_head().await.unwrap();
    (head.seq, head.hash)
}

/// Creates some audit events.
async fn live(world: &World) {
    let acme = &world.acme;
    for _ in 0..5 {
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
    }
}

/// A modification of a copy of the audit log.
#[derive(Clone, Debug)]
enum Tampering {
    Body(Index, Index, u8),
    Hash(Index, Index, u8),
    Previous(Index, Index, u8),
    Personal(Index, Index, u8),
    Delete(Index),
    Swap(Index, Index),
    Repeat(Index, Index),
    Renumber(Index, i64),
    Rewrite(Index),
    Column(Index, u8, i64),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let index = any::<Index>;
    prop_oneof![
        (index(), index(), 0..7_u8).prop_map(|(at, byte, bit)| Tampering::Body(at, byte, bit)),
        (index(), index(), 0..8_u8).prop_map(|(at, byte, bit)| Tampering::Hash(at, byte, bit)),
        (index(), index(), 0..8_u8).prop_map(|(at, byte, bit)| Tampering::Previous(at, byte, bit)),
        (index(), index(), 0..7_u8).prop_map(|(at, byte, bit)| Tampering::Personal(at, byte, bit)),
        index().prop_map(Tampering::Delete),
        (index(), index()).prop_map(|(one, two)| Tampering::Swap(one, two)),
        (index(), index()).prop_map(|(what, to)| Tampering::Repeat(what, to)),
        (index(), any::<i64>()).prop_map(|(at, seq)| Tampering::Renumber(at, seq)),
        index().prop_map(Tampering::Rewrite),
        (index(), 0..7_u8, 1..i64::MAX).prop_map(|(at, column, other)| Tampering::Column(at, column, other)),
    ]
}

/// Flips one bit of an ASCII text, which remains text.
fn flip(text: &mut String, byte: Index, bit: u8) {
    let mut bytes = std::mem::take(text).into_bytes();
    let at = byte.index(bytes.len());
    bytes[at] ^= 1 << bit;
    *text = String::from_utf8(bytes).unwrap();
}

/// Modifies the chain and returns the first event that differs; `None` if nothing changed.
fn tamper(tenant: TenantId, chain: &mut Vec<Stored>, how: &Tampering) -> Option<i64> {
    let len = chain.len();
    let place = |index: &Index| index.index(len);
    let at = match how {
        Tampering::Body(at, byte, bit) => {
            flip(&mut chain[place(at)].body, *byte, *bit);
            place(at)
        }
        Tampering::Hash(at, byte, bit) => {
            let hash = &mut chain[place(at)].hash;
            let byte = byte.index(hash.len());
            hash[byte] ^= 1 << bit;
            place(at)
        }
        Tampering::Previous(at, byte, bit) => {
            let hash = &mut chain[place(at)].previous;
            let byte = byte.index(hash.len());
            hash[byte] ^= 1 << bit;
            place(at)
        }
        Tampering::Personal(at, byte, bit) => {
            flip(chain[place(at)].personal.as_mut().unwrap(), *byte, *bit);
            place(at)
        }
        Tampering::Delete(at) => {
            if place(at) == len - 1 {
                return None; // a truncated log has a test of its own
            }
            chain.remove(place(at));
            place(at)
        }
        Tampering::Swap(one, two) => {
            let (one, two) = (place(one).min(place(two)), place(one).max(place(two)));
            if one == two {
                return None;
            }
            chain.swap(one, two);
            one
        }
        Tampering::Repeat(what, to) => {
            let (what, to) = (place(what), place(to));
            chain.insert(to, chain[what].clone());
            if what == to { to + 1 } else { to }
        }
        Tampering::Renumber(at, seq) => {
            if chain[place(at)].seq == *seq {
                return None;
            }
            chain[place(at)].seq = *seq;
            place(at)
        }
        Tampering::Column(at, column, other) => {
            let columns = &mut chain[place(at)].columns;
            let text = other.to_string();
            match column {
                0 => columns.at.0 = columns.at.0.wrapping_add(*other),
                1 => columns.action = text,
                2 => columns.outcome = if columns.outcome == "done" { "refused".into() } else { "done".into() },
                3 => columns.person = (columns.person.is_none()).then(|| PersonId(uuid::Uuid::from_u128(7))),
                4 => columns.target.kind = text,
                5 => columns.target.id = text,
                _ => columns.event = (columns.event.is_none()).then_some(text),
            }
            place(at)
        }
        Tampering::Rewrite(at) => {
            // A whole new event with a correct hash of its own: the next one does not link to it.
            let at = place(at);
            if at == len - 1 {
                return None;
            }
            let record = &mut chain[at];
            let previous = record.previous.as_slice().try_into().unwrap();
            record.body = record.body.replace("\"done\"", "\"refused\"");
            record.columns = serde_json::from_str::<Record>(&record.body).unwrap().columns();
            record.hash = link(tenant, record.seq, previous, &record.body).to_vec();
            at + 1
        }
    };
    Some(i64::try_from(at).unwrap() + 1)
}

on_both! {
    async fn d_06_the_chain_verifies_and_ends_at_the_head(world) {
        live(world).await;
        for fixture in [&world.acme, &world.bolt] {
            let chain = chain(world, fixture).await;
            assert_eq!(verify(fixture, &chain).unwrap(), head(world, fixture).await);
        }
        let acme = chain(world, &world.acme).await;
        assert_eq!(verify(&world.bolt, &acme).unwrap_err().seq, 1, "one tenant's chain is not another's");
    }

    async fn d_06_a_thousand_random_changes_are_located(world) {
        live(world).await;
        let right = chain(world, &world.acme).await;
        assert!(right.len() > 20 && right.iter().all(|record| record.body.is_ascii()));
        let found = Cell::new(0);
        let mut runner = TestRunner::new(Config { cases: 1_100, failure_persistence: None, ..Config::default() });
        runner
            .run(&tampering(), |how| {
                let mut wrong = right.clone();
                if let Some(seq) = tamper(world.acme.tenant, &mut wrong, &how) {
                    let broken = verify(&world.acme, &wrong);
                    prop_assert_eq!(broken.map_err(|broken| broken.seq), Err(seq));
                    found.set(found.get() + 1);
                }
                Ok(())
            })
            .unwrap();
        assert!(found.get() >= 1_000, "only {} were changes", found.get());
    }

    /// Every column of every table of the audit log, as the database itself lists them: a new column is covered, or fails here.
    async fn d_06_trap_e17_a_thousand_changes_of_any_column_are_found(world) {
        live(world).await;
        refuse_some(world).await;
        let mut raw = Raw::of(world).await;
        raw.unguard().await;
        let columns = raw.columns("audit").await;
        let tables: BTreeSet<_> = columns.iter().map(|column| column.table.clone()).collect();
        assert!(columns.len() >= 17 && tables.contains("audit") && tables.contains("audit_head"), "{columns:?}");
        for table in &tables {
            raw.run(&format!("create table kept_{table} as select * from {table}")).await.unwrap();
        }
        let (acme, size) = (raw.id(world.acme.tenant.0), world.records(&world.acme).await);
        let (mut found, mut seed) = (BTreeMap::<_, u32>::new(), 1_u64);
        let mut tried = 0;
        while found.values().sum::<u32>() < 1_000 {
            tried += 1;
            assert!(tried < 3_000, "too few of the changes change anything: {found:?}");
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = |from: u64, to: usize| usize::try_from((seed >> from) % u64::try_from(to).unwrap()).unwrap();
            let column = &columns[tried % columns.len()];
            let row = match column.table.as_str() {
                "audit" => format!("tenant_id = {acme} and seq = {}", 1 + pick(20, usize::try_from(size).unwrap())),
                _ => format!("tenant_id = {acme}"),
            };
            let new = raw.other_value(column, pick(40, 4), pick(33, 50));
            let (table, name) = (&column.table, &column.name);
            let sql = format!("update {table} set {name} = {new} where {row} and {name} is distinct from {new}");
            // Keys and constraints reject some changes.
            if raw.run(&sql).await.unwrap_or(0) == 0 {
                continue;
            }
            let broken = verdict(world, &world.acme).await.expect_err(&sql);
            assert!(!broken.reason.is_empty());
            *found.entry((table.clone(), name.clone())).or_default() += 1;
            for table in &tables {
                raw.run(&format!("delete from {table}")).await.unwrap();
                raw.run(&format!("insert into {table} select * from kept_{table}")).await.unwrap();
            }
        }
        verdict(world, &world.acme).await.unwrap();
        // The only row of a head cannot belong to another tenant, which has its own.
        let missing: Vec<_> = columns.iter().map(|column| (column.table.as_str(), column.name.as_str()))
            .filter(|(table, name)| (*table, *name) != ("audit_head", "tenant_id"))
            .filter(|(table, name)| !found.contains_key(&((*table).to_owned(), (*name).to_owned()))).collect();
        assert!(missing.is_empty(), "no change of these columns was tried: {missing:?}");
    }

    /// The page and the API show the text that the chain covers, whatever the columns beside it say.
    async fn d_06_trap_e17_forged_columns_are_not_shown(world) {
        live(world).await;
        let mut raw = Raw::of(world).await;
        raw.unguard().await;
        let (acme, proof) = (raw.id(world.acme.tenant.0), world.acme.audrey.may(ReadAudit).unwrap());
        let mut read = world.store.read(&world.acme.audrey).await.unwrap();
        let written = read.audit_record(&proof, 9).await.unwrap();
        assert!(!written.altered);
        drop(read);
        raw.run(&format!("update audit set action = 'task.cancel', outcome = 'refused', target_id = 'x', target_kind = 'x',             person_id = null, event = 'x', at = 1 where tenant_id = {acme} and seq = 9")).await.unwrap();
        raw.run(&format!("update audit set personal = replace(personal, 'of acme', 'of bolt')
            where tenant_id = {acme} and seq = 10")).await.unwrap();
        let mut read = world.store.read(&world.acme.audrey).await.unwrap();
        let shown = read.audit_record(&proof, 9).await.unwrap();
        assert!(shown.altered);
        assert_eq!(
            (&shown.action, &shown.outcome, &shown.target_id, &shown.target_kind, shown.person_id, &shown.event, shown.at),
            (&written.action, &written.outcome, &written.target_id, &written.target_kind, written.person_id, &written.event, written.at)
        );
        let page = read.audit(&proof, AuditFilter::default(), Some(11), 2).await.unwrap();
        assert_eq!(page.items.iter().map(|row| (row.seq, row.altered)).collect::<Vec<_>>(), [(10, true), (9, true)]);
        assert_eq!(page.items[0].personal, None, "a forged name is not shown");
    }

    async fn d_06_sql_cannot_change_or_delete_a_record(world) {
        live(world).await;
        let mut raw = Raw::of(world).await;
        for sql in [
            "update audit set body = 'x' where seq = 3",
            "update audit set at = at + 1 where seq = 3",
            "update audit set action = 'x' where seq = 3",
            "update audit set outcome = 'x' where seq = 3",
            "update audit set target_kind = 'x' where seq = 3",
            "update audit set target_id = 'x' where seq = 3",
            "update audit set hash = previous where seq = 3",
            "update audit set previous = hash where seq = 3",
            "update audit set seq = 1000 where seq = 3",
            "update audit set event = 'x', personal = null where seq = 3",
            "update audit set person_id = null where person_id is not null",
            "update audit set personal = 'x' where seq = 3",
            "update audit set personal = null, body = 'x' where seq = 3",
            "delete from audit where seq = 3",
            "delete from audit",
        ] {
            let error = raw.run(sql).await.expect_err(sql).to_string();
            assert!(error.contains("append-only"), "{sql}: {error}");
        }
        verify(&world.acme, &chain(world, &world.acme).await).unwrap();
    }

    async fn d_06_erased_personal_data_is_explained_by_an_audit_event(world) {
        live(world).await;
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        let before = chain(world, acme).await;
        let about = |record: &Stored| record.personal.as_ref().is_some_and(|text| text.contains("mia@acme.example"));
        let expected: Vec<_> = before.iter().filter(|record| about(record)).map(|record| record.seq).collect();
        assert!(expected.len() > 10 && expected.len() < before.len(), "{expected:?}");
        assert!(expected.iter().any(|seq| before[usize::try_from(*seq).unwrap() - 1].columns.person != Some(mia)),
            "also events that somebody else caused");
        let erase = async || {
            let proof = acme.console.may(ErasePersonalData { person: mia, reason: "left the company".into() }).unwrap();
            world.change(&acme.console, async |write| write.erase_personal_data(proof, 0).await).await.unwrap()
        };
        let (examined, erased) = erase().await;
        assert!(examined >= before.last().unwrap().seq);
        assert_eq!(erased, expected.len());
        let after = chain(world, acme).await;
        assert_eq!(verify(acme, &after).unwrap(), head(world, acme).await);
        assert!(!after.iter().any(about));
        assert!(after.iter().any(|record| record.personal.as_ref().is_some_and(|text| text.contains("ada@acme.example"))));
        let record: Record = serde_json::from_str(&after.last().unwrap().body).unwrap();
        assert_eq!((record.action.as_str(), record.target.id.as_str()), ("audit.erase", mia.to_string().as_str()));
        assert_eq!((&record.detail["reason"], &record.detail["count"]), (&"left the company".into(), &expected.len().into()));
        assert_eq!(record.erased().into_iter().flatten().collect::<Vec<_>>(), expected);
        let verified = verdict(world, acme).await.unwrap();
        assert_eq!((verified.personal, verified.erased), (u64::try_from(after.len()).unwrap(), u64::try_from(erased).unwrap()));

        let mut read = world.store.read(&acme.audrey).await.unwrap();
        let proof = acme.audrey.may(ReadAudit).unwrap();
        assert_eq!(read.erasure_of(&proof, expected[0]).await.unwrap(), Some(after.last().unwrap().seq));
        let kept = before.iter().find(|record| !expected.contains(&record.seq)).unwrap();
        assert_eq!(read.erasure_of(&proof, kept.seq).await.unwrap(), None);
        drop(read);

        assert_eq!(erase().await.1, 0, "nothing is left to erase");
        assert_eq!(world.records(acme).await, record_count(&after), "and nothing to record");
    }

    async fn d_06_personal_data_that_sql_erased_is_found(world) {
        live(world).await;
        let acme = &world.acme;
        let mut raw = Raw::of(world).await;
        let (tenant, person) = (raw.id(acme.tenant.0), raw.id(acme.mia.person().unwrap().0));
        assert_eq!(raw.run(&format!("update audit set personal = null where tenant_id = {tenant} and seq in (7, 9)")).await.unwrap(), 2);
        let broken = verdict(world, acme).await.unwrap_err();
        assert_eq!((broken.seq, broken.reason), (7, "has no personal data, and no event explains the erasure"));
        let proof = acme.audrey.may(ReadAudit).unwrap();
        assert_eq!(world.store.read(&acme.audrey).await.unwrap().erasure_of(&proof, 7).await.unwrap(), None);
        let back = raw.run(&format!("update audit set personal = '{{}}' where person_id = {person}")).await;
        assert!(back.unwrap_err().to_string().contains("append-only"), "nothing else can be put in its place");
        // A later erasure explains only what it erased itself.
        let erase = ErasePersonalData { person: acme.mia.person().unwrap(), reason: "left".into() };
        world.change(&acme.console, async |write| write.erase_personal_data(acme.console.may(erase)?, 0).await).await.unwrap();
        assert_eq!(verdict(world, acme).await.unwrap_err().seq, 7);
        verdict(world, &world.bolt).await.unwrap();
    }

    async fn d_06_personal_data_that_came_back_after_its_erasure_is_found(world) {
        live(world).await;
        let acme = &world.acme;
        let mut raw = Raw::of(world).await;
        raw.run("create table kept_personal as select * from audit").await.unwrap();
        let erase = ErasePersonalData { person: acme.mia.person().unwrap(), reason: "left".into() };
        world.change(&acme.console, async |write| write.erase_personal_data(acme.console.may(erase)?, 0).await).await.unwrap();
        verdict(world, acme).await.unwrap();
        raw.unguard().await;
        raw.run("update audit set personal = (select k.personal from kept_personal k where k.tenant_id = audit.tenant_id and k.seq = audit.seq)
            where personal is null").await.unwrap();
        let broken = verdict(world, acme).await.unwrap_err();
        assert_eq!((broken.seq, broken.reason), (world.records(acme).await, "names a record whose personal data is not erased"));
    }

    /// The owner of the database can drop the trigger; a change is then detected by the chain.
    async fn d_06_a_change_that_bypasses_the_trigger_is_detected(world) {
        live(world).await;
        let mut raw = Raw::of(world).await;
        raw.unguard().await;
        let acme = raw.id(world.acme.tenant.0);
        let refused = format!("update audit set body = replace(body, '\"done\"', '\"refused\"') where tenant_id = {acme} and seq = 9");
        assert_eq!(raw.run(&refused).await.unwrap(), 1);
        let broken = verify(&world.acme, &chain(world, &world.acme).await).unwrap_err();
        assert_eq!((broken.seq, broken.reason), (9, "was changed"));
        raw.run(&format!("delete from audit where tenant_id = {acme} and seq = 4")).await.unwrap();
        let broken = verify(&world.acme, &chain(world, &world.acme).await).unwrap_err();
        assert_eq!((broken.seq, broken.reason), (4, "is missing"));
        verify(&world.bolt, &chain(world, &world.bolt).await).unwrap();
    }

    /// The chain alone does not show that its end was cut off and its head reset. A checkpoint stored elsewhere does.
    async fn d_06_a_truncated_log_is_detected_by_a_checkpoint_only(world) {
        live(world).await;
        let (size, hash) = head(world, &world.acme).await;
        let checkpoint = Checkpoint::new(world.acme.tenant, size, hash);
        let mut raw = Raw::of(world).await;
        raw.unguard().await;
        let acme = raw.id(world.acme.tenant.0);
        raw.run(&format!("delete from audit where tenant_id = {acme} and seq > {}", size - 3)).await.unwrap();
        let cut = chain(world, &world.acme).await;
        assert_ne!(verify(&world.acme, &cut).unwrap(), head(world, &world.acme).await, "the head was forgotten");
        raw.run(&format!("update audit_head set seq = seq - 3,
            hash = (select hash from audit where tenant_id = {acme} and seq = {}) where tenant_id = {acme}", size - 3)).await.unwrap();
        let found = verify(&world.acme, &cut).unwrap();
        assert_eq!(found, head(world, &world.acme).await, "and then nothing here shows it");
        assert!(found.0 < checkpoint.size, "but the checkpoint does");
        for _ in 0..3 {
            world.submit(&world.acme.mia, sealed(world.acme.ops)).await;
        }
        let grown = verify(&world.acme, &chain(world, &world.acme).await).unwrap();
        assert_eq!(grown.0, checkpoint.size);
        assert_ne!(grown.1, checkpoint.hash, "even when others have taken their place");
    }

    async fn d_12_concurrent_records_make_one_chain(world) {
        let acme = &world.acme;
        let other = world.another_node().await;
        let before = world.records(acme).await;
        let stores = [&world.store, &other];
        let made = join_all((0..60).map(|number| {
            let store = stores[number % 2];
            crate::world::change(store, &acme.mia, async |write| write.submit_task(acme.mia.may(sealed(acme.ops))?).await)
        }));
        for result in made.await {
            result.unwrap();
        }
        let chain = chain(world, acme).await;
        assert_eq!(verify(acme, &chain).unwrap(), head(world, acme).await);
        assert_eq!(world.records(acme).await, before + 60);
        other.close().await;
    }
}
