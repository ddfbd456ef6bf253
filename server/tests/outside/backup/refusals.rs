//! Backups and restores that are refused: each says why, and leaves the data as they were.
use super::{PASSPHRASE, WITH_KEYS, back_up, beside, failure, files, restore, restored, verify};
use crate::{
    program::{Program, on_both},
    recovery::begin,
    small_disk::SmallDisk,
    timeouts::DEFAULT_TIMEOUT,
};
use std::fs;
use testkit::ADAM;

/// Positions in a file that are tried besides those of its first kibibytes.
const POSITIONS: usize = 24;

/// Returns a stopped deployment and its backup.
async fn scene() -> (Program, String) {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    begin(&mut program).await;
    let file = back_up(&program, "backup.tar");
    program.stop(DEFAULT_TIMEOUT).await;
    (program, file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_a_damaged_or_cut_backup_is_refused_and_changes_nothing() {
    let (mut program, file) = scene().await;
    let whole = fs::read(&file).unwrap();
    let before = files(&program.data());
    let wrong = beside(&program, "wrong.tar").display().to_string();
    let refuse = |bytes: &[u8], why: &str| {
        fs::write(&wrong, bytes).unwrap();
        let text = failure(&restore(&program, &wrong));
        // A changed fingerprint looks like that of another key.
        let is_named = text.contains("wrong.tar: it ") && text.contains(why);
        assert!(is_named || why == "damaged" && text.contains("is not the key"), "{text}");
        assert!(files(&program.data()) == before, "the data was changed: {text}");
    };
    // Each byte of small archives is changed in server/src/backup/archive.rs; these are all the places of a real one.
    let header = (0..8).map(|n| n * 500 + 3);
    let rest = (1..=POSITIONS).map(|n| whole.len() * n / POSITIONS - n);
    for at in header.chain(rest) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        refuse(&changed, "damaged");
    }
    for length in [0, 1, 511, 512, 2_000, whole.len() / 2, whole.len() - 1] {
        refuse(&whole[..length], "incomplete");
    }
    refuse(&[whole.as_slice(), b"x"].concat(), "damaged");
    refuse(b"PK\x03\x04, which is another kind of archive".repeat(40).as_slice(), "not a backup");
    let newer = String::from_utf8_lossy(&whole[..2_000]).find("\"format\": 1").unwrap();
    let mut changed = whole.clone();
    changed[newer + 10] = b'2';
    refuse(&changed, "newer format");
    assert!(failure(&restore(&program, "nowhere.tar")).contains("nowhere.tar"));
    restored(&program, &file);
    program.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_a_restore_beside_a_server_or_into_other_data_is_refused() {
    let (mut program, file) = scene().await;
    program.start().await;
    let text = failure(&restore(&program, &file));
    assert!(text.contains("a server runs on this database"), "{text}");
    let text = failure(&program.run(&["backup", &file], ""));
    assert!(text.contains("backup.tar exists; name a new file"), "{text}");
    assert!(failure(&program.run(&["backup", "/nowhere/backup.tar"], "")).contains("/nowhere/backup.tar"));
    program.stop(DEFAULT_TIMEOUT).await;

    // Another deployment, also with the keys in the backup.
    let with_keys = beside(&program, "with-keys.tar").display().to_string();
    program.cli(&[&["backup", &with_keys], &WITH_KEYS[..]].concat(), PASSPHRASE);
    let mut other = Program::sqlite();
    other.configure("[local_runner]\nenabled = false\n");
    begin(&mut other).await;
    other.stop(DEFAULT_TIMEOUT).await;
    let before = files(&other.data());
    for file in [&file, &with_keys] {
        let text =
            failure(&other.run(&["restore", file, "--reason", "x", "--passphrase-file", "/dev/stdin"], PASSPHRASE));
        assert!(text.contains("is not the key with which the backup was made"), "{text}");
    }
    assert!(files(&other.data()) == before, "the other deployment was changed");
    other.start().await;

    // A folder without keys, and one that is none of Castellan's.
    let empty = Program::sqlite();
    let text = failure(&restore(&empty, &file));
    assert!(text.contains("the backup contains no keys") && text.contains("Copy the data/secrets"), "{text}");
    fs::create_dir_all(empty.data()).unwrap();
    fs::write(empty.data().join("thesis.txt"), "precious").unwrap();
    let text = failure(&restore(&empty, &with_keys));
    assert!(text.contains("is not a data folder") && text.contains("thesis.txt"), "{text}");
    assert!(!empty.data().join("restore").exists());
    let text = failure(&empty.run(&["restore", &file, "--reason", ""], ""));
    assert!(text.contains("reason"), "{text}");
    // With the keys beside it, the folder of a lost disk is restored.
    let lost = Program::sqlite();
    fs::create_dir(lost.data()).unwrap();
    let copied =
        std::process::Command::new("cp").arg("-a").arg(program.data().join("secrets")).arg(lost.data()).status();
    assert!(copied.unwrap().success());
    restored(&lost, &file);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_damaged_data_is_replaced_by_a_backup_and_kept() {
    let (mut program, file) = scene().await;
    let (database, checkpoints) = (program.data().join("castellan.db"), program.data().join("checkpoints"));
    let whole = fs::read(&checkpoints).unwrap();
    for (data, signed) in
        [(&b"no database"[..], &whole[..]), (b"", b"no checkpoint"), (b"x", &whole[whole.len() / 2..])]
    {
        fs::write(&database, data).unwrap();
        fs::write(&checkpoints, signed).unwrap();
        let text = restored(&program, &file);
        assert!(text.contains("The former database is kept as"), "{text}");
        let kept = files(&program.data())
            .into_iter()
            .filter(|(path, _)| path.display().to_string().contains(".before-restore-"));
        let kept: Vec<_> = kept.map(|(_, content)| content).collect();
        assert!(kept.contains(&data.to_vec()) && kept.contains(&signed.to_vec()));
        assert_eq!(verify(&program, &[]).0, 0);
    }
    fs::remove_file(&database).unwrap();
    fs::remove_file(&checkpoints).unwrap();
    restored(&program, &file);
    program.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_a_full_disk_leaves_no_part_of_a_backup_or_restore() {
    let (mut program, file) = scene().await;
    let folder = beside(&program, "backups");
    let disk = SmallDisk::at(&mut program, &folder, 8);
    let target = folder.join("full.tar").display().to_string();
    let listed = || fs::read_dir(disk.visible()).unwrap().map(|it| it.unwrap().file_name()).collect::<Vec<_>>();
    let size = fs::metadata(&file).unwrap().len();
    // No space; space for a part of the copy; space for the copy of the database, but not for the archive.
    for free in [0, size / 2, size * 3 / 2] {
        disk.fill();
        if free > 0 {
            let filler = fs::File::options().write(true).open(disk.visible().join("filler")).unwrap();
            filler.set_len(filler.metadata().unwrap().len() - free).unwrap();
        }
        let text = failure(&program.run(&["backup", &target], ""));
        assert!(
            text.contains("full.tar") && (text.contains("No space left") || text.contains("the disk is full")),
            "{text}"
        );
        assert_eq!(listed(), ["filler"], "{free} bytes were free");
        disk.free();
    }
    program.cli(&["backup", &target], "");
    assert_eq!(listed(), ["full.tar"]);

    // The same for the data folder: what was there remains usable.
    let mut other = Program::sqlite();
    let disk = SmallDisk::under(&mut other, 24);
    let data = disk.visible();
    let all = program.data().join(".");
    assert!(std::process::Command::new("cp").arg("-a").arg(all).arg(&data).status().unwrap().success());
    disk.fill();
    let text = failure(&restore(&other, &file));
    assert!(text.contains("No space left"), "{text}");
    assert!(!data.join("restore").exists());
    disk.free();
    other.configure("[local_runner]\nenabled = false\n");
    other.start().await;
    other.stop(DEFAULT_TIMEOUT).await;
    restored(&other, &file);
    other.start().await;
}

on_both! {
    async fn d_13_a_backup_of_an_altered_log_is_refused(program) {
        program.tenant("acme");
        program.person(ADAM, "acme");
        program.start().await;
        program.stop(DEFAULT_TIMEOUT).await;
        fs::remove_file(program.data().join("checkpoints")).unwrap();
        let file = beside(program, "backup.tar").display().to_string();
        let text = failure(&program.run(&["backup", &file], ""));
        let why = if program.database_url().is_some() { "pg_dump" } else { "was shortened, changed or removed" };
        assert!(text.contains(why), "{text}");
        assert!(!std::path::Path::new(&file).exists());
    }
}
