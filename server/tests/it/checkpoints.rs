//! Audit logs that are cut, forked, rolled back or removed (X5): found at the start and by `castellan audit verify`, never signed
//! over, and continued only after an acknowledgment.
use crate::test_env::{TenantFixture, TestEnv, on_both};
use domain::{
    Actor, TenantId,
    acknowledgment::AcknowledgedStart,
    consent::{Signed, Signer as Signs},
    policy::{AcknowledgeAudit, Acknowledged, CreateOrganization},
};
use server::{
    checkpoints::{
        Cause, CheckpointFile, Depth, FileLimits, Finding, Notes, Review, Signer, Witness, acknowledge, path,
    },
    config,
    keys::KeyChain,
    state::App,
};
use std::{fs, path::PathBuf, sync::Arc, task::Poll, time::Duration};
use tempfile::TempDir;

/// Tables that tampering changes, in an order in which they can be filled.
const TABLES: [&str; 3] = ["audit", "audit_head", "checkpoint"];

/// A deployment whose audit logs are signed, and a copy of them.
struct Scene<'a> {
    env: &'a TestEnv,
    app: App,
    file: PathBuf,
    folder: TempDir,
    kept: Vec<u8>,
}

impl<'a> Scene<'a> {
    /// Signs the log of `acme` at several sizes.
    async fn new(env: &'a TestEnv) -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let mut config = config::load_from(None, std::iter::empty()).unwrap();
        config.data_dir = data.clone();
        let app = App { config: Arc::new(config), ..env.app.clone() };
        let mut scene = Self { env, app, file: path(&data), folder, kept: vec![] };
        let mut signer = scene.signer().await;
        for _ in 0..8 {
            scene.grow(&env.acme, 3).await;
            signer.sign().await.unwrap();
        }
        scene.grow(&env.acme, 2).await;
        scene.keep();
        env.tamper(match env.app.store.is_embedded() {
            true => "drop trigger audit_no_update; drop trigger audit_no_delete; drop trigger rules_no_delete",
            false => "drop trigger audit_append_only on audit; drop trigger rules_append_only on rules",
        });
        scene
    }

    fn keep(&mut self) {
        self.kept = fs::read(&self.file).unwrap();
        for table in TABLES {
            self.env.tamper(&format!(
                "drop table if exists kept_{table}; create table kept_{table} as select * from {table}"
            ));
        }
    }

    /// Puts back everything that was kept.
    fn restore(&self) {
        for entry in fs::read_dir(self.file.parent().unwrap()).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("checkpoints") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        fs::write(&self.file, &self.kept).unwrap();
        let back = |table| format!("delete from {table}; insert into {table} select * from kept_{table};");
        self.env.tamper(&TABLES.map(back).concat());
    }

    async fn grow(&self, tenant: &TenantFixture, events: usize) {
        for _ in 0..events {
            let clock = Actor::clock(tenant.id, self.app.store.now());
            self.app.store.authorize(&clock, CreateOrganization { name: "x".into() }).await.unwrap_err();
        }
    }

    /// Returns the notes of the file with their separators.
    fn notes(&self) -> Vec<String> {
        fs::read_to_string(&self.file).unwrap().split_inclusive("--\n").map(str::to_owned).collect()
    }

    async fn size(&self) -> i64 {
        self.app.store.read(&self.env.acme.console).await.unwrap().audit_head().await.unwrap().seq
    }

    /// Removes the last events and moves the head back, as the owner of the database can.
    async fn cut(&self, events: i64) {
        let (acme, size) = (self.env.sql_id(self.env.acme.id.0), self.size().await - events);
        self.env.tamper(&format!(
            "delete from audit where tenant_id = {acme} and seq > {size};
             update audit_head set seq = {size}, hash = (select hash from audit where tenant_id = {acme} and seq = {size})
             where tenant_id = {acme}"
        ));
    }

    async fn review(&self, depth: Depth) -> Review {
        Review::of(&self.app, Witness::default(), depth).await.unwrap()
    }

    async fn signer(&self) -> Signer {
        Signer::after(self.app.clone(), self.review(Depth::Heads).await)
    }

    /// Whether the start and `castellan audit verify` find something.
    async fn is_found(&self) -> (bool, bool) {
        let [start, verify] = [self.review(Depth::Heads).await, self.review(Depth::Everything).await];
        assert_eq!(start.findings.is_empty(), start.require_clean().is_ok());
        (!self.review(Depth::Heads).await.findings.is_empty(), !verify.findings.is_empty())
    }

    /// Signs with an older program, which does not look at what was signed before.
    fn sign_carelessly(&self, head: &store::Head) {
        let notes = Notes::read(&self.file, &self.app.keys.checkpoints).unwrap().unwrap();
        let checkpoint = domain::checkpoint::Checkpoint::new(self.env.acme.id, head.seq, head.hash);
        CheckpointFile::after(self.file.clone(), &notes).append(checkpoint, &self.app.keys.checkpoints).unwrap();
    }
}

/// Runs work that a crash interrupts after this number of polls; `None` if it was interrupted.
async fn interrupted_after<T>(work: impl Future<Output = T>, polls: usize) -> Option<T> {
    let (mut work, mut left) = (std::pin::pin!(work), polls);
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Returns the next pseudo-random number below `below`.
fn pick(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

on_both! {
    async fn x5_an_untouched_log_is_clean_and_is_signed_once_per_size(env) {
        let scene = Scene::new(env).await;
        assert_eq!(scene.is_found().await, (false, false));
        let mut signer = scene.signer().await;
        signer.sign().await.unwrap();
        let length = fs::metadata(&scene.file).unwrap().len();
        signer.sign().await.unwrap();
        scene.signer().await.sign().await.unwrap();
        assert_eq!(fs::metadata(&scene.file).unwrap().len(), length, "nothing has changed since");
        let review = scene.review(Depth::Everything).await;
        assert_eq!(review.unwitnessed().count(), 0);
    }

    /// `castellan audit verify` runs beside a server that writes.
    async fn x5_verification_reads_beside_a_writer(env) {
        let scene = Scene::new(env).await;
        let mut write = scene.app.store.write(&env.acme.console).await.unwrap();
        write.durable_audit_head().await.unwrap();
        let review = tokio::time::timeout(Duration::from_secs(10), scene.review(Depth::Everything)).await;
        assert_eq!(review.expect("the verification does not wait for the writer").findings, []);
        drop(write);
    }

    /// A note that a crash left incomplete is not a finding, and the next one replaces it.
    async fn x5_a_torn_note_is_replaced(env) {
        let scene = Scene::new(env).await;
        let torn: [&[u8]; 7] =
            [b"b", b"-", b"--", "bbb\n\u{2014}".as_bytes(), b"bbb\n\xe2", b"bbb\n\xe2\x80", b"bbb\n\n\xe2\x80"];
        for torn in torn {
            scene.restore();
            fs::write(&scene.file, [&scene.kept, torn].concat()).unwrap();
            assert_eq!(scene.is_found().await, (false, false), "{torn:?}");
            scene.signer().await.sign().await.unwrap();
            assert_eq!(scene.is_found().await, (false, false), "{torn:?}");
            assert!(fs::read(&scene.file).unwrap().starts_with(&scene.kept));
        }
        // A crash after the file was written and before the database was.
        scene.restore();
        let head = scene.app.store.read(&env.acme.console).await.unwrap().audit_head().await.unwrap();
        scene.sign_carelessly(&head);
        assert_eq!(scene.is_found().await, (false, false));
    }

    /// Cuts, forks, and checkpoint files that lost something: a hundred generated cases.
    async fn x5_trap_e19_cuts_forks_and_trimmed_files_are_found_and_never_signed(env) {
        let scene = Scene::new(env).await;
        let mut seed = 42;
        for case in 0..100 {
            scene.restore();
            let mut running = scene.signer().await;
            // The last two events are not signed yet; a cut of more is one of signed events.
            let cut = 3 + i64::try_from(pick(&mut seed, 18)).unwrap();
            let more = 1 + usize::try_from(pick(&mut seed, 6)).unwrap();
            let kind = case % 8;
            match kind {
                // Cut and the head moved back.
                0 => scene.cut(cut).await,
                // The old size again, with other events.
                1 => {
                    scene.cut(cut).await;
                    scene.grow(&env.acme, usize::try_from(cut).unwrap()).await;
                }
                // Grown beyond the old size.
                2 => {
                    scene.cut(cut).await;
                    scene.grow(&env.acme, usize::try_from(cut).unwrap() + more).await;
                }
                // A second checkpoint of the same size, by a program that does not look.
                3 => {
                    let head = scene.app.store.read(&env.acme.console).await.unwrap().audit_head().await.unwrap();
                    scene.sign_carelessly(&head);
                    scene.cut(cut).await;
                    scene.grow(&env.acme, usize::try_from(cut).unwrap()).await;
                    let head = scene.app.store.read(&env.acme.console).await.unwrap().audit_head().await.unwrap();
                    scene.sign_carelessly(&head);
                    scene.grow(&env.acme, more).await;
                }
                // The file lost its end, its beginning, or a note in the middle.
                4 => {
                    let text = String::from_utf8(scene.kept.clone()).unwrap();
                    let mut notes: Vec<_> = text.split_inclusive("--\n").collect();
                    match pick(&mut seed, 3) {
                        0 => notes.truncate(notes.len() - more),
                        1 => drop(notes.drain(..more)),
                        _ => drop(notes.remove(1 + usize::try_from(pick(&mut seed, 5)).unwrap())),
                    }
                    fs::write(&scene.file, notes.concat()).unwrap();
                }
                5 => fs::remove_file(&scene.file).unwrap(),
                // The end is cut, and so is the file.
                6 => {
                    scene.cut(cut).await;
                    fs::remove_file(&scene.file).unwrap();
                }
                // A bit of the file is flipped.
                _ => {
                    let mut bytes = scene.kept.clone();
                    let at = usize::try_from(pick(&mut seed, u64::try_from(bytes.len()).unwrap())).unwrap();
                    bytes[at] ^= 1 << pick(&mut seed, 8);
                    fs::write(&scene.file, bytes).unwrap();
                }
            }
            assert_eq!(scene.is_found().await, (true, true), "case {case}, kind {kind}, cut {cut}");
            let before = fs::read(&scene.file).unwrap_or_default();
            scene.grow(&env.acme, 1).await;
            if kind != 7 {
                assert!(running.sign().await.is_err(), "case {case}, kind {kind}: the running server signs it");
                assert_eq!(fs::read(&scene.file).unwrap_or_default(), before);
            }
        }
    }

    /// A compacted file is small, and hides nothing.
    async fn x5_trap_e19_a_compacted_file_stays_small_and_reveals_what_the_whole_one_did(env) {
        let mut scene = Scene::new(env).await;
        let limits = FileLimits { recent: 4, new: 12 };
        let mut signer = scene.signer().await.with_limits(limits);
        let copy = scene.folder.path().join("copy");
        for size in 0..60 {
            scene.grow(&env.acme, 3).await;
            signer.sign().await.unwrap();
            assert!(scene.notes().len() <= 40, "{} notes", scene.notes().len());
            if size == 20 {
                fs::copy(&scene.file, &copy).unwrap();
            }
        }
        assert_eq!(scene.is_found().await, (false, false));
        let review = scene.review(Depth::Everything).await;
        assert!((10..40).contains(&review.logs[&env.acme.id].checkpoints), "{:?}", review.logs[&env.acme.id].checkpoints);
        let mut witness = Witness::default();
        witness.add_copies(&copy, &scene.app.keys.checkpoints).unwrap();
        assert_eq!(Review::of(&scene.app, witness, Depth::Everything).await.unwrap().findings, [], "a former copy agrees");
        // Another process, such as a restarted server, continues the file.
        scene.grow(&env.acme, 1).await;
        scene.signer().await.sign().await.unwrap();
        scene.grow(&env.acme, 1).await;
        signer.sign().await.unwrap();
        assert_eq!(scene.is_found().await, (false, false));
        scene.keep();
        let whole = scene.notes();
        assert!(whole[0].starts_with("castellan/compaction\n"));
        for missing in 0..whole.len() {
            scene.restore();
            let mut notes = whole.clone();
            notes.remove(missing);
            fs::write(&scene.file, notes.concat()).unwrap();
            assert_eq!(scene.is_found().await, (true, true), "note {missing} of {}", whole.len());
        }
        // The compaction of another time, another order, and one that was not signed.
        let old = fs::read_to_string(&copy).unwrap();
        let other = old.split_inclusive("--\n").next().unwrap().to_owned();
        let mut swapped = whole.clone();
        swapped.swap(2, 3);
        for wrong in [
            [vec![other], whole[1..].to_vec()].concat(),
            swapped,
            [vec![whole[0].replacen('\n', "\n1", 1)], whole[1..].to_vec()].concat(),
            vec![old.clone()],
        ] {
            scene.restore();
            fs::write(&scene.file, wrong.concat()).unwrap();
            assert_eq!(scene.is_found().await, (true, true), "{}", wrong.concat());
        }
        for cut in [3, 8, 40] {
            for again in [0, cut, cut + 5] {
                scene.restore();
                scene.cut(cut).await;
                scene.grow(&env.acme, usize::try_from(again).unwrap()).await;
                assert_eq!(scene.is_found().await, (true, true), "cut {cut}, again {again}");
            }
        }
        // An acknowledged rollback of a compacted log continues.
        scene.restore();
        scene.cut(40).await;
        acknowledge(&scene.app, Cause::Restored, "drill", Witness::default()).await.unwrap();
        let mut signer = scene.signer().await.with_limits(limits);
        for _ in 0..30 {
            scene.grow(&env.acme, 1).await;
            signer.sign().await.unwrap();
        }
        assert_eq!(scene.is_found().await, (false, false));
    }

    /// A compaction removes no evidence: checkpoints that do not agree with the log stay.
    async fn x5_a_file_with_evidence_is_not_compacted(env) {
        let scene = Scene::new(env).await;
        let limits = FileLimits { recent: 2, new: 5 };
        // Two logs were signed, of which the second one is the present one.
        scene.cut(12).await;
        scene.grow(&env.acme, 30).await;
        let head = scene.app.store.read(&env.acme.console).await.unwrap().audit_head().await.unwrap();
        let mut signer = scene.signer().await.with_limits(limits);
        scene.sign_carelessly(&head);
        let before = fs::read(&scene.file).unwrap();
        scene.grow(&env.acme, 1).await;
        signer.sign().await.unwrap_err();
        assert_eq!(fs::read(&scene.file).unwrap(), before);
        assert_eq!(scene.is_found().await, (true, true));
        // Two checkpoints of one size contradict each other.
        scene.restore();
        let mut signer = scene.signer().await.with_limits(limits);
        let fork = store::Head { hash: [9; 32], ..head };
        scene.sign_carelessly(&fork);
        scene.sign_carelessly(&store::Head { hash: [8; 32], ..fork });
        let before = fs::read(&scene.file).unwrap();
        signer.sign().await.unwrap_err();
        assert!(fs::read(&scene.file).unwrap().starts_with(&before), "nothing was removed");
    }

    /// A crash at any moment of an acknowledgment that begins a new file leaves findings, or a log that can be continued; the rollback is
    /// not forgotten.
    async fn x5_an_interrupted_acknowledgment_can_be_repeated(env) {
        let mut scene = Scene::new(env).await;
        let before = scene.size().await;
        let head = scene.app.store.read(&env.acme.console).await.unwrap().audit_head().await.unwrap();
        scene.sign_carelessly(&head);
        scene.cut(6).await;
        scene.grow(&env.acme, 6).await;
        let head = scene.app.store.read(&env.acme.console).await.unwrap().audit_head().await.unwrap();
        scene.sign_carelessly(&head);
        scene.keep();
        assert_eq!(scene.is_found().await, (true, true));
        let (mut polls, mut interrupted) = (1, 0);
        loop {
            scene.restore();
            let _ = fs::remove_file(scene.file.with_extension("new"));
            let work = acknowledge(&scene.app, Cause::Altered, "drill", Witness::default());
            let done = interrupted_after(work, polls).await;
            if done.is_none() {
                interrupted += 1;
                if scene.is_found().await.0 {
                    acknowledge(&scene.app, Cause::Altered, "again", Witness::default()).await.unwrap();
                }
            }
            assert_eq!(scene.is_found().await, (false, false), "after {polls} polls");
            let latest = scene.review(Depth::Heads).await.logs[&env.acme.id].latest.clone().unwrap();
            assert!(latest.rollbacks.iter().any(|rollback| rollback.size == before), "after {polls} polls: {latest:?}");
            assert!(!scene.file.with_extension("new").exists());
            if let Some(done) = done {
                done.unwrap();
                break;
            }
            polls += 1 + polls / 4;
        }
        assert!(interrupted >= 3, "{interrupted}");
        // The former file can be investigated, also if several were put aside in one second.
        let aside = fs::read_dir(scene.file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(aside.filter(|name| name.to_string_lossy().contains("until-")).count() >= 1);
    }

    /// A start without consent is acknowledged with a reason; nothing else is excused.
    async fn d_06_a_start_without_consent_is_acknowledged_and_stays_visible(env) {
        let scene = Scene::new(env).await;
        let token = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let task = env.submit(&token, serde_json::json!({ "script": "echo hi", "title": "one" })).await;
        env.start(&env.acme).await;
        scene.signer().await.sign().await.unwrap();
        assert_eq!(scene.review(Depth::Everything).await.findings, []);
        acknowledge(&scene.app, Cause::Altered, "nothing yet", Witness::default()).await.unwrap_err();
        let id = env.sql_id(task.0);
        let change = |title: &str| env.tamper(&format!("update task set title = '{title}' where id = {id}"));
        change("two");
        let found = scene.review(Depth::Everything).await.findings;
        let [Finding::Unexplained { tenant, start }] = &found[..] else { panic!("{found:?}") };
        assert_eq!((*tenant, start.task), (env.acme.id, task));
        assert_eq!(scene.review(Depth::Heads).await.findings, [], "a start does not read every task");

        // An event that somebody added excuses nothing: another key, another tenant, other rows.
        let forge = async |statement: AcknowledgedStart, signer: &dyn Signs| {
            let starts = vec![Signed::new(statement, signer)];
            let change = Acknowledged { reason: "forged".into(), findings: vec![], rollback: None, size: 1, starts };
            let proof = env.acme.console.may(AcknowledgeAudit { change }).unwrap();
            env.change(&env.acme.console, async |write| write.acknowledge_audit(proof).await).await;
        };
        let statement = AcknowledgedStart {
            tenant: env.acme.id,
            task,
            problem: start.problem.to_owned(),
            rows: start.rows,
        };
        let keys: &KeyChain = &scene.app.keys.checkpoints;
        forge(statement.clone(), &*testkit::signer(9)).await;
        forge(AcknowledgedStart { tenant: env.bolt.id, ..statement.clone() }, keys).await;
        forge(AcknowledgedStart { rows: domain::request::InputDigest::of(b"x"), ..statement.clone() }, keys).await;
        assert_eq!(scene.review(Depth::Everything).await.findings, found);

        assert_eq!(acknowledge(&scene.app, Cause::Altered, "a drill", Witness::default()).await.unwrap(), found);
        let review = scene.review(Depth::Everything).await;
        assert_eq!((review.findings, review.acknowledged), (vec![], found.clone()));
        acknowledge(&scene.app, Cause::Altered, "again", Witness::default()).await.unwrap_err();
        let proof = env.acme.console.may(domain::policy::ReadAudit).unwrap();
        let last = scene.size().await;
        let row = scene.app.store.read(&env.acme.console).await.unwrap().audit_record(&proof, last).await.unwrap();
        assert_eq!(row.action, "audit.acknowledge");
        assert!(row.body.contains("\"reason\":\"a drill\"") && row.body.contains(&task.to_string()), "{}", row.body);
        // Another change of the same task is another finding.
        change("three");
        assert_eq!(scene.review(Depth::Everything).await.findings.len(), 1);
        change("two");
        assert_eq!(scene.review(Depth::Everything).await.findings, []);
    }

    /// Servers whose data directory was replaced leave rows behind; only those of the last servers stay.
    async fn x5_the_rows_of_former_servers_are_limited(env) {
        let scene = Scene::new(env).await;
        for number in 0..120 {
            env.advance_clock(std::time::Duration::from_secs(1));
            let keep = async |write: &mut store::Write| write.keep_checkpoint(uuid::Uuid::from_u128(number), "note".into()).await;
            env.change(&env.acme.console, keep).await;
        }
        let mut read = scene.app.store.read(&env.acme.console).await.unwrap();
        let nodes: Vec<_> = read.checkpoints().await.unwrap().into_iter().map(|row| row.node_id.as_u128()).collect();
        assert_eq!(nodes, (20..120).collect::<Vec<_>>());
    }

    /// The database and the checkpoint file are rolled back together: only a copy elsewhere shows it.
    async fn x5_a_copy_of_the_checkpoints_shows_a_complete_roll_back(env) {
        let mut scene = Scene::new(env).await;
        for _ in 0..10 {
            scene.grow(&env.acme, 3).await;
            scene.signer().await.sign().await.unwrap();
            let copies = TempDir::new().unwrap();
            let copy = copies.path().join("copy");
            fs::copy(&scene.file, &copy).unwrap();
            let with_copy = async |place: &std::path::Path| {
                let mut witness = Witness::default();
                witness.add_copies(place, &scene.app.keys.checkpoints).unwrap();
                Review::of(&scene.app, witness, Depth::Everything).await.unwrap().findings
            };
            assert_eq!(with_copy(&copy).await, []);
            scene.restore();
            assert_eq!(scene.is_found().await, (false, false), "nothing here shows it");
            assert!(!with_copy(&copy).await.is_empty());
            assert!(!with_copy(copies.path()).await.is_empty(), "a folder of copies");
            scene.grow(&env.acme, 7).await;
            assert!(!with_copy(&copy).await.is_empty(), "not even when the log has grown again");
            scene.keep();
            scene.signer().await.sign().await.unwrap();
            scene.keep();
        }
    }

    async fn x5_what_cannot_be_compared_is_an_error(env) {
        let scene = Scene::new(env).await;
        let place = scene.folder.path().join("copy");
        let refused = || Witness::default().add_copies(&place, &scene.app.keys.checkpoints).unwrap_err().to_string();
        assert!(refused().contains("No such file"), "{}", refused());
        for nothing in ["", "\n", "garbage", "garbage\n--\n", "--\n"] {
            fs::write(&place, nothing).unwrap();
            assert!(refused().contains("contains"), "{nothing:?}: {}", refused());
        }
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        assert!(refused().contains("contains no checkpoint"), "{}", refused());
        let mut foreign = scene.kept.clone();
        let at = foreign.len() - 10;
        foreign[at] = if foreign[at] == b'A' { b'B' } else { b'A' };
        fs::write(place.join("one"), foreign).unwrap();
        assert!(refused().contains("something else"), "{}", refused());
    }

    async fn x5_a_tenant_that_vanished_with_its_log_is_found_and_acknowledged(env) {
        let scene = Scene::new(env).await;
        for case in 0..20 {
            let gone = scene.app.store.system().create_tenant("gone").await.unwrap();
            let tenant = TenantFixture { id: gone, console: Actor::console(gone, scene.app.store.now()), ..env.acme.clone() };
            scene.grow(&tenant, 1 + case % 3).await;
            scene.signer().await.sign().await.unwrap();
            let id = env.sql_id(gone.0);
            for table in ["audit", "audit_head", "checkpoint", "factor_policy", "approval_policy", "retention_policy", "rules", "tenant_key"] {
                env.tamper(&format!("delete from {table} where tenant_id = {id}"));
            }
            env.tamper(&format!("delete from tenant where id = {id}"));
            assert_eq!(scene.is_found().await, (true, true));
            assert_eq!(scene.review(Depth::Heads).await.findings, [Finding::Vanished { tenant: gone, signed: i64::try_from(1 + case % 3).unwrap() }]);
            acknowledge(&scene.app, Cause::Restored, "drill", Witness::default()).await.unwrap();
            assert_eq!(scene.is_found().await, (false, false));
        }
    }

    /// An acknowledgment is recorded in the log, is signed, and excuses nothing that happens later.
    async fn x5_an_acknowledged_log_continues_and_its_next_fork_is_found(env) {
        let scene = Scene::new(env).await;
        let mut seed = 7;
        for case in 0..12 {
            let file_is_lost = case % 3 == 2;
            scene.grow(&env.acme, 12).await;
            scene.signer().await.sign().await.unwrap();
            let before = scene.size().await;
            let cut = 3 + i64::try_from(pick(&mut seed, 9)).unwrap();
            scene.cut(cut).await;
            if case % 2 == 1 {
                scene.grow(&env.acme, usize::try_from(cut).unwrap() + 2).await;
            }
            if file_is_lost {
                fs::remove_file(&scene.file).unwrap();
            }
            assert_eq!(scene.is_found().await, (true, true), "case {case}");
            let left = scene.size().await;
            if file_is_lost {
                acknowledge(&scene.app, Cause::Restored, "drill", Witness::default()).await.unwrap_err();
            }
            let cause = if file_is_lost { Cause::Altered } else { Cause::Restored };
            acknowledge(&scene.app, cause, "drill", Witness::default()).await.unwrap();
            assert_eq!(scene.is_found().await, (false, false), "case {case}");
            assert_eq!(scene.size().await, left + 1);
            acknowledge(&scene.app, cause, "drill", Witness::default()).await.unwrap_err();
            let proof = env.acme.console.may(domain::policy::ReadAudit).unwrap();
            let row = scene.app.store.read(&env.acme.console).await.unwrap().audit_record(&proof, left + 1).await.unwrap();
            assert_eq!(row.action, if file_is_lost { "audit.acknowledge" } else { "audit.restore" });
            assert!(row.body.contains("\"reason\":\"drill\"") && row.body.contains(&format!("\"size\":{before}")), "{}", row.body);
            let review = scene.review(Depth::Everything).await;
            let latest = review.logs[&env.acme.id].latest.clone().unwrap();
            assert_eq!(latest.rollbacks.last().map(|last| last.size), Some(before));
            scene.signer().await.sign().await.unwrap();
            assert_eq!(scene.is_found().await, (false, false), "case {case}");
        }
    }

    /// An event that says that the log was restored excuses nothing: only the signature of a new checkpoint does.
    async fn x5_a_forged_acknowledgment_does_not_count(env) {
        let scene = Scene::new(env).await;
        scene.cut(5).await;
        let change = domain::policy::Acknowledged { reason: "forged".into(), findings: vec![], rollback: None, size: 1, starts: vec![] };
        let proof = env.acme.console.may(domain::policy::RestoreAudit { change }).unwrap();
        env.change(&env.acme.console, async |write| write.restore_audit(proof).await).await;
        assert_eq!(scene.is_found().await, (true, true));
    }

    /// A row is a cache: a checkpoint in the database counts only with its signature.
    async fn x5_a_checkpoint_in_the_database_counts_only_with_its_signature(env) {
        let scene = Scene::new(env).await;
        let acme = env.sql_id(env.acme.id.0);
        for change in [
            "note = 'x'".to_owned(),
            "note = ''".to_owned(),
            // A signature has one of these letters.
            format!("note = {}", "ACEGIKMOQS".chars().fold("note".to_owned(), |note, c| format!("replace({note}, '{c}', 'T')"))),
            format!("note = (select note from checkpoint where tenant_id <> {acme} limit 1)"),
        ] {
            scene.restore();
            env.tamper(&format!("update checkpoint set {change} where tenant_id = {acme}"));
            assert_eq!(scene.is_found().await, (true, true), "{change}");
            acknowledge(&scene.app, Cause::Altered, "drill", Witness::default()).await.unwrap();
            assert_eq!(scene.is_found().await, (false, false), "{change}");
        }
    }

    /// Without a checkpoint, nothing shows that the end is missing, and the result says so.
    async fn x5_a_log_without_checkpoints_is_reported_as_such(env) {
        let scene = Scene::new(env).await;
        fs::remove_file(&scene.file).unwrap();
        env.tamper("delete from checkpoint");
        let review = scene.review(Depth::Everything).await;
        assert_eq!(review.findings, []);
        let unwitnessed: Vec<TenantId> = review.unwitnessed().collect();
        assert!(unwitnessed.contains(&env.acme.id) && unwitnessed.contains(&env.bolt.id));
    }
}
