//! Scheduled backups: made, limited in number, and reported to admins when one fails.
use super::{beside, failure, restored};
use crate::{
    client::Credential,
    program::Program,
    recovery::begin,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use std::{fs, path::Path};

fn names(folder: &Path) -> Vec<String> {
    let all = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = all.filter(|name| name.ends_with(".tar")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_backups_are_made_on_schedule_and_a_failure_is_reported() {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    let folder = beside(&program, "backups");
    program.set("CASTELLAN_BACKUP_FOLDER", &folder.display().to_string());
    program.set("CASTELLAN_BACKUP_INTERVAL", "1s");
    program.set("CASTELLAN_BACKUP_KEEP", "2");
    let adam = begin(&mut program).await;
    let browser = program.sign_in(&adam.email).await;
    let page = async |path| program.get(Credential::Browser(&browser), path).await.is(200).body;
    until("the banner reports the failure", async || {
        page("/tasks").await.contains("The last scheduled backup failed").then_some(())
    })
    .await;
    assert!(page("/account").await.contains("A scheduled backup failed"));
    assert!(page("/settings/backups").await.contains("The last attempt failed"));
    let doctor = program.run(&["doctor"], "");
    assert!(failure(&doctor).contains("some checks failed"));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("is not a folder that can be written"));

    fs::create_dir(&folder).unwrap();
    until("backups are made", async || (names(&folder).len() >= 2).then_some(())).await;
    let first = names(&folder).remove(0);
    until("the oldest is deleted", async || {
        let names = names(&folder);
        (names[0] != first && names.len() == 2).then_some(())
    })
    .await;
    assert!(!page("/tasks").await.contains("The last scheduled backup failed"));
    let settings = page("/settings/backups").await;
    assert!(settings.contains("Backups work") && !settings.contains("The last attempt failed"), "{settings}");
    assert!(String::from_utf8_lossy(&program.run(&["doctor"], "").stdout).contains("the last one in"));
    program.stop(DEFAULT_TIMEOUT).await;
    let names = names(&folder);
    restored(&program, &folder.join(&names[0]).display().to_string());
    program.start().await;
}
