//! Attempts without a server: commands before the start, and a disk that stalls.

use crate::deployment::{Deployment, RUNNER, TENANT, eventually, executor};
use cose::CoseKeys;
use domain::{
    passkey::TrustedPasskeys,
    receipt::{End, Receipt},
};
use parking_lot::Mutex;
use runner::{
    clock,
    folder::Folder,
    identity::{PinnedKey, RunnerKey},
    sandbox::Bubblewrap,
    spool::{Spool, SpoolDirectory},
    work::{AttemptCommand, AttemptRun, Event, RunnerContext, verify},
};
use rustix::fs::{CWD, Mode, OFlags, mkfifoat, open};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::sleep,
};
use uuid::Uuid;

/// An attempt about to start, with its channels and its spool.
struct StartedAttempt {
    run: AttemptRun<Bubblewrap>,
    spool: Arc<Mutex<Spool>>,
    commands: watch::Sender<AttemptCommand>,
    events: mpsc::Receiver<Event>,
}

async fn prepare_attempt(deployment: &Deployment, script: &str) -> StartedAttempt {
    let folder = Folder::open(&deployment.folder()).unwrap();
    let (mut directory, _) = SpoolDirectory::open(&folder, RUNNER).unwrap();
    let context = RunnerContext { runner: RUNNER, tenant: TENANT, grant_key: PinnedKey(deployment.grant_key()) };
    let nobody = TrustedPasskeys::new(vec![], &CoseKeys);
    let verified = verify(&deployment.assignment(7, 1, script), &context, &nobody, clock::now()).unwrap();
    let spool = Arc::new(Mutex::new(directory.begin(verified.attempt()).unwrap().unwrap()));
    let (commands, receiver) = watch::channel(AttemptCommand::Run);
    let (teller, events) = mpsc::channel(1);
    let run = AttemptRun {
        executor: Arc::new(executor().await),
        verified,
        context,
        key: Arc::new(RunnerKey::open(&folder).unwrap().unwrap()),
        spool: Arc::clone(&spool),
        commands: receiver,
        events: teller,
        slot: Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap(),
    };
    StartedAttempt { run, spool, commands, events }
}

/// Returns whether it started, and its receipt if there is one.
async fn outcome(events: &mut mpsc::Receiver<Event>) -> (bool, Option<Receipt>) {
    let mut started = false;
    while let Some(event) = events.recv().await {
        match event {
            Event::Started(..) => started = true,
            Event::Printed => {}
            Event::Ended(_, signed) => return (started, Some(Receipt::read(signed.receipt.as_bytes()).unwrap())),
        }
    }
    (started, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_cancelled_before_its_start_reports_it_and_does_not_start() {
    for (command, end, lines) in [(AttemptCommand::Run, End::Exited(0), 1), (AttemptCommand::Cancel, End::Cancelled, 0)]
    {
        let deployment = Deployment::open().await;
        let StartedAttempt { run, spool, commands, mut events } = prepare_attempt(&deployment, "echo here").await;
        commands.send_replace(command);
        tokio::spawn(run.run());
        let (started, receipt) = outcome(&mut events).await;
        let receipt = receipt.unwrap();
        assert_eq!((receipt.end, receipt.output_lines), (end, lines));
        assert_eq!((started, spool.lock().next_line()), (command == AttemptCommand::Run, lines + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_lost_before_its_start_does_not_start_and_sends_nothing() {
    let deployment = Deployment::open().await;
    let StartedAttempt { run, commands, mut events, .. } = prepare_attempt(&deployment, "echo here").await;
    commands.send_replace(AttemptCommand::Kill);
    tokio::spawn(run.run());
    assert_eq!(outcome(&mut events).await, (false, None));
    assert!(deployment.is_empty("spool"));
}

/// Makes a file stall: opening it for a sync blocks.
fn stall(path: &Path) {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
}

/// Unblocks a pending sync, which proves that there is one. The sync then fails.
async fn unblock(path: &Path) {
    eventually("the sync is pending", || open(path, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).is_ok()).await;
}

/// The main loop locks the spool in every iteration: a lock held during a slow sync would delay heartbeats and the
/// kill at the end of the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_the_disk_without_holding_the_spool_and_fails_with_it() {
    let deployment = Deployment::open().await;
    let StartedAttempt { run, spool, mut events, commands } = prepare_attempt(&deployment, "echo here").await;
    let folder = deployment.folder().join("started");
    fs::rename(&folder, deployment.folder().join("away")).unwrap();
    stall(&folder);
    tokio::spawn(run.run());
    sleep(Duration::from_millis(300)).await;
    let free = spool.try_lock().is_some();
    unblock(&folder).await;
    assert!(free);
    let (started, receipt) = outcome(&mut events).await;
    let End::NotStarted(cause) = receipt.unwrap().end else { panic!("nothing of it may run") };
    assert!(!started && cause.contains("disk"), "{cause}");
    drop(commands);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_waits_for_the_disk_without_holding_the_spool() {
    let deployment = Deployment::open().await;
    let StartedAttempt { run, spool, mut events, commands } = prepare_attempt(&deployment, "true").await;
    let running = tokio::spawn(run.run());
    assert!(matches!(events.recv().await, Some(Event::Started(..))));
    // Until the event is received, the attempt waits with its receipt written but not synced.
    let receipt = deployment.folder().join(format!("spool/{}.1/receipt", Uuid::from_u128(7)));
    eventually("it ends", || receipt.exists()).await;
    fs::remove_file(&receipt).unwrap();
    stall(&receipt);
    assert_eq!(outcome(&mut events).await.1.unwrap().end, End::Exited(0));
    sleep(Duration::from_millis(500)).await;
    let (free, waits) = (spool.try_lock().is_some(), !running.is_finished());
    unblock(&receipt).await;
    assert!(free && waits);
    running.await.unwrap();
    drop(commands);
}
