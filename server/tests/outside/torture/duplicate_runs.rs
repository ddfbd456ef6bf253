//! Detector for tasks that run twice at once, based on the unique sleep command of each task.
use crate::processes::processes_mentioning;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, sleep},
    time::Duration,
};

/// The polling interval, several times shorter than a task's sleep.
const POLL_INTERVAL: Duration = Duration::from_millis(40);

/// A polling thread that stops with [`DuplicateRunDetector::end`].
pub struct DuplicateRunDetector {
    stop: Arc<AtomicBool>,
    looking: Option<JoinHandle<Observations>>,
}

#[derive(Default)]
struct Observations {
    running: BTreeSet<String>,
    twice: BTreeSet<String>,
}

impl DuplicateRunDetector {
    /// Watches processes whose command line begins with `marker`.
    pub fn begin(marker: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let looking = std::thread::spawn(move || {
            let mut seen = Observations::default();
            while !until.load(Ordering::Relaxed) {
                let mut now = BTreeMap::<_, usize>::new();
                let processes = processes_mentioning(&marker).into_iter();
                for command in processes.map(|process| process.command()).filter(|command| command.starts_with(&marker))
                {
                    *now.entry(command).or_default() += 1;
                }
                seen.twice.extend(now.iter().filter(|(_, count)| **count > 1).map(|(command, _)| command.clone()));
                seen.running.extend(now.into_keys());
                sleep(POLL_INTERVAL);
            }
            seen
        });
        Self { stop, looking: Some(looking) }
    }

    /// Checks that tasks were seen running, and none of them twice at once.
    pub fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.looking.take().unwrap().join().unwrap();
        assert!(!seen.running.is_empty(), "no task was ever seen to run");
        assert_eq!(seen.twice, BTreeSet::new(), "tasks ran twice at once");
    }
}

impl Drop for DuplicateRunDetector {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
