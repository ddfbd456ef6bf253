//! Copies of the database while it is used (D-13), and the notice about a failed backup.
use crate::world::{World, on_both, sealed};
use domain::{Actor, account::AccountNotice};
use std::fs;
use store::{Store, verify_copy};

/// Returns how many notices about failed backups a person got.
async fn notices(world: &World, who: &Actor) -> Vec<String> {
    let events = world.store.read(who).await.unwrap().account_events(50).await.unwrap();
    events.into_iter().filter(|event| event.happened == AccountNotice::BackupFailed).map(|event| event.detail).collect()
}

on_both! {
    async fn d_13_a_copy_of_a_database_in_use_has_all_that_was_committed_before(world) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.db");
        if !world.is_sqlite() {
            assert!(world.store.copy_to(&file).await.is_err() && !file.exists());
            return;
        }
        let before = world.submit(&world.acme.mia, sealed(world.acme.ops)).await;
        fs::write(&file, "").unwrap();
        // The copy and the changes run at the same time.
        let changes = async {
            for _ in 0..20 {
                world.submit(&world.acme.mia, sealed(world.acme.ops)).await;
            }
        };
        let (notes, ()) = futures::join!(world.store.copy_to(&file), changes);
        assert!(notes.unwrap().is_empty(), "nothing was signed");
        verify_copy(&file).await.unwrap();
        assert!(world.store.copy_to(&file).await.is_err(), "a file with content is not overwritten");
        let url = format!("sqlite:{}", file.display());
        let copy = Store::open(world.settings_for(&url)).await.unwrap();
        assert_eq!(copy.read(&world.acme.mia).await.unwrap().task(before.id).await.unwrap().title, "echo hi");
        copy.close().await;

        let whole = fs::read(&file).unwrap();
        let middle = whole.len() / 2;
        let mut damaged = whole.clone();
        damaged[middle..middle + 16_384].fill(255);
        for wrong in [damaged.as_slice(), &whole[..whole.len() - 4_096], b"no database"] {
            fs::write(&file, wrong).unwrap();
            let error = verify_copy(&file).await.unwrap_err().to_string();
            assert!(error.contains("damaged"), "{error}");
        }
    }

    async fn d_13_the_admins_of_every_tenant_are_notified_of_a_failed_backup(world) {
        world.store.system().notify_failed_backup().await.unwrap();
        for admin in [&world.acme.adam, &world.bolt.adam] {
            assert_eq!(notices(world, admin).await, [""], "without the cause, which can contain paths");
        }
        for other in [&world.acme.mia, &world.acme.sam] {
            assert!(notices(world, other).await.is_empty());
        }
    }
}
