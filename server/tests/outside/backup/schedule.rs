//! Scheduled backups: made, limited in number, and reported to admins when one fails.
use super::{beside, failure, restored};
use crate::{
    client::Credential,
    program::Program,
    recovery::begin,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use std::{fs, path::Path};

/// A backup of another deployment in the same folder.
const FOREIGN: &str = "castellan-000000000000-2026-03-01T14-05-09Z.tar";

/// Returns the names of the backups of this deployment.
fn names(folder: &Path) -> Vec<String> {
    let all = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = all.filter(|name| name.ends_with(".tar") && name != FOREIGN).collect();
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
    let settings = page("/settings/backups").await;
    assert!(settings.contains("The last attempt failed"));
    // The cause names folders of the machine, and admins of all tenants see these pages.
    let cause = "is not a folder";
    assert!(program.server_log().contains(cause));
    assert!(![settings, page("/tasks").await, page("/account").await].iter().any(|page| page.contains(cause)));
    let doctor = program.run(&["doctor"], "");
    assert!(failure(&doctor).contains("some checks failed"));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("is not a folder that can be written"));

    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(FOREIGN), "").unwrap();
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
    assert!(folder.join(FOREIGN).exists(), "a backup of another deployment was deleted");
    let names = names(&folder);
    restored(&program, &folder.join(&names[0]).display().to_string());
    program.start().await;
}
