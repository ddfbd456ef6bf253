//! Checkpoints in a backup (D-13): the file up to the last one that the copy of the database has.
use domain::{
    TenantId, Timestamp,
    audit::GENESIS,
    checkpoint::{Checkpoint, Rollback},
};
use server::{
    checkpoints::{CheckpointFile, Notes, notes_until, require_complete},
    keys::{Keys, SecretsDir},
};
use std::{fs, path::PathBuf};
use tempfile::TempDir;
use uuid::Uuid;

const ACME: TenantId = TenantId(Uuid::from_u128(1));
const BOLT: TenantId = TenantId(Uuid::from_u128(2));

/// A file of checkpoints with its keys.
struct Scene {
    folder: TempDir,
    keys: Keys,
    file: CheckpointFile,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = SecretsDir::open_or_create(&folder.path().join("secrets")).unwrap();
        let keys = Keys::open_or_create(&secrets, None).unwrap();
        let file = CheckpointFile::after(folder.path().join("checkpoints"), &Notes::default());
        Self { folder, keys, file }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("checkpoints")
    }

    /// Signs this size of a log and returns the note.
    fn sign(&mut self, tenant: TenantId, size: i64) -> String {
        self.append(Checkpoint::new(tenant, size, [u8::try_from(size).unwrap(); 32]))
    }

    /// Signs that a log vanished, as an acknowledgment does.
    fn acknowledge(&mut self, tenant: TenantId, size: i64) -> String {
        let rollback = Rollback { kept: 0, size, hash: [u8::try_from(size).unwrap(); 32] };
        self.append(Checkpoint { rollbacks: vec![rollback], ..Checkpoint::new(tenant, 0, GENESIS) })
    }

    fn append(&mut self, checkpoint: Checkpoint) -> String {
        self.file.append(checkpoint, &self.keys.checkpoints).unwrap().1
    }

    /// Returns the tenants and sizes of the checkpoints that belong to a copy with these last notes.
    fn until(&self, notes: &[&String]) -> Vec<(TenantId, i64)> {
        let notes: Vec<_> = notes.iter().map(|note| (*note).clone()).collect();
        let bytes = notes_until(&self.path(), &notes, &self.keys.checkpoints).unwrap();
        require_complete(&bytes, &self.keys.checkpoints).unwrap();
        let copy = self.folder.path().join("copy");
        fs::write(&copy, bytes).unwrap();
        let notes = Notes::read(&copy, &self.keys.checkpoints).unwrap().unwrap();
        notes.checkpoints.iter().map(|checkpoint| (checkpoint.tenant, checkpoint.size)).collect()
    }
}

#[test]
fn d_13_checkpoints_that_were_signed_after_the_copy_are_left_out() {
    let mut scene = Scene::new();
    let (first, second) = (scene.sign(ACME, 1), scene.sign(BOLT, 2));
    scene.sign(ACME, 3);
    assert_eq!(scene.until(&[&first, &second]), [(ACME, 1), (BOLT, 2)]);
    assert_eq!(scene.until(&[&first]), [(ACME, 1)], "Bolt was created after the copy");
    assert_eq!(scene.until(&[]), []);
    let other = "a note of another file".to_owned();
    let error = notes_until(&scene.path(), &[other], &scene.keys.checkpoints).unwrap_err().to_string();
    assert!(error.contains("was changed in the meantime"), "{error}");
}

#[test]
fn d_13_the_acknowledgment_of_a_vanished_tenant_belongs_to_the_copy() {
    let mut scene = Scene::new();
    scene.sign(BOLT, 2);
    let acknowledged = scene.sign(ACME, 3);
    scene.acknowledge(BOLT, 2);
    let all = [(BOLT, 2), (ACME, 3), (BOLT, 0)];
    assert_eq!(scene.until(&[&acknowledged]), all);
    scene.sign(ACME, 4);
    assert_eq!(scene.until(&[&acknowledged]), all, "what was signed afterwards is left out");
    // The end of a note that was interrupted.
    let mut bytes = fs::read(scene.path()).unwrap();
    bytes.truncate(bytes.len() - 5);
    fs::write(scene.path(), bytes).unwrap();
    assert_eq!(scene.until(&[&acknowledged]), all);
}

#[test]
fn d_13_a_part_of_a_compacted_file_is_refused() {
    let mut scene = Scene::new();
    let notes: Vec<_> = (1..=20).map(|size| scene.sign(ACME, size)).collect();
    let plan = scene.file.plan_compaction(&scene.keys.checkpoints, 4).unwrap().unwrap();
    scene.file.compact(&plan, &scene.keys.checkpoints).unwrap();
    assert_eq!(scene.until(&[&notes[19]]).last(), Some(&(ACME, 20)));
    // The compaction signs all notes that it kept, so that the last of them cannot be left out.
    let bytes = notes_until(&scene.path(), &notes[18..19], &scene.keys.checkpoints).unwrap();
    let error = require_complete(&bytes, &scene.keys.checkpoints).unwrap_err().to_string();
    assert!(error.contains("was compacted in the meantime; try again"), "{error}");
    let error = notes_until(&scene.path(), &notes[9..10], &scene.keys.checkpoints).unwrap_err().to_string();
    assert!(error.contains("was changed in the meantime"), "{error}");
    scene.file.publish(Timestamp(0)).unwrap(); // no new file was begun
}
