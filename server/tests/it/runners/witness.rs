//! Runners as witnesses (X5): the server rejects and records a runner that saw another audit log than the one in the database.
use super::fixture::Fixture;
use domain::policy::CreateOrganization;
use server::checkpoints::{Cause, Depth, Review, Signer, Witness, acknowledge, path};
use testkit::sqlite3;
use tonic::Code;

async fn signer(fixture: &Fixture) -> Signer {
    let review = Review::of(&fixture.app, Witness::default(), Depth::Heads).await.unwrap();
    Signer::after(fixture.app.clone(), review)
}

async fn grow(fixture: &Fixture, events: i64) {
    for _ in 0..events {
        fixture.app.store.authorize(&fixture.mia, CreateOrganization { name: "x".into() }).await.unwrap_err();
    }
}

/// Removes the events after the first `left` and moves the head back.
fn cut(fixture: &Fixture, left: i64) {
    sqlite3(
        &fixture.app.config.data_dir.join("castellan.db"),
        &format!(
            "drop trigger if exists audit_no_update; drop trigger if exists audit_no_delete;
             delete from audit where seq > {left};
             update audit_head set seq = {left}, hash = (select hash from audit where seq = {left});"
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn x5_a_runner_that_saw_another_log_is_rejected_and_recorded_until_an_admin_acknowledges() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("worker").await;
    for case in 0..12 {
        grow(&fixture, 6).await;
        signer(&fixture).await.sign().await.unwrap();
        let (_stream, welcome) = runner.connect_with_checkpoint(1, &[], "").await.unwrap();
        let seen = welcome.checkpoint;
        assert!(seen.starts_with(&format!("castellan/audit/{}\n", fixture.tenant)), "{seen}");
        let (_stream, again) = runner.connect_with_checkpoint(1, &[], &seen).await.unwrap();
        assert_eq!(again.checkpoint, seen, "the same log is accepted");

        cut(&fixture, seen.lines().nth(1).unwrap().parse::<i64>().unwrap() - 1 - case % 5);
        if case % 2 == 1 {
            grow(&fixture, 20).await;
        }
        let refused = runner.connect_with_checkpoint(1, &[], &seen).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(refused.message().contains("contradicts what this runner saw"), "{refused}");
        if case == 0 {
            assert_eq!(fixture.refusals("runner.refuse").await, 1, "once per hour and runner");
        }
        acknowledge(&fixture.app, Cause::Restored, "drill", Witness::default()).await.unwrap();
        let (_stream, restored) = runner.connect_with_checkpoint(1, &[], &seen).await.unwrap();
        assert!(restored.checkpoint.contains("\nrollback "), "{}", restored.checkpoint);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x5_a_checkpoint_that_the_server_did_not_sign_is_rejected() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("worker").await;
    signer(&fixture).await.sign().await.unwrap();
    let (_stream, welcome) = runner.connect_with_checkpoint(1, &[], "").await.unwrap();
    let larger = welcome.checkpoint.replacen('\n', "\n9", 1);
    for forged in ["x", larger.as_str()] {
        let refused = runner.connect_with_checkpoint(1, &[], forged).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    }
}

/// A whole data directory was restored: only the runner remembers the newer log, and its memory explains the rollback.
#[tokio::test(flavor = "multi_thread")]
async fn x5_a_restored_data_directory_is_acknowledged_with_the_memory_of_a_runner() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("worker").await;
    let data = &fixture.app.config.data_dir;
    grow(&fixture, 4).await;
    signer(&fixture).await.sign().await.unwrap();
    let (_stream, old) = runner.connect_with_checkpoint(1, &[], "").await.unwrap();
    let file = std::fs::read(path(data)).unwrap();
    let size: i64 = old.checkpoint.lines().nth(1).unwrap().parse().unwrap();
    grow(&fixture, 20).await;
    signer(&fixture).await.sign().await.unwrap();
    let (_stream, new) = runner.connect_with_checkpoint(1, &[], &old.checkpoint).await.unwrap();

    cut(&fixture, size);
    std::fs::write(path(data), file).unwrap();
    sqlite3(&data.join("castellan.db"), &format!("update checkpoint set note = '{}'", old.checkpoint));
    let refused = runner.connect_with_checkpoint(1, &[], &new.checkpoint).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    acknowledge(&fixture.app, Cause::Restored, "drill", Witness::default()).await.unwrap_err();
    let copy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(copy.path(), &new.checkpoint).unwrap();
    let mut witness = Witness::default();
    witness.add_copies(copy.path(), &fixture.app.keys.checkpoints).unwrap();
    acknowledge(&fixture.app, Cause::Restored, "drill", witness).await.unwrap();
    runner.connect_with_checkpoint(1, &[], &new.checkpoint).await.unwrap();
}
