//! The attempts of this runner: begun, spoken of, and killed when they are no longer ours.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::TaskId;
use tokio::{sync::watch, time::timeout};

use super::{Client, held::Held, stream::Session};
use crate::{
    sandbox::Executor,
    work::{Attempt, Event, Order, Performance, Verified},
};

/// For the sandboxes to be gone when the runner ends.
const LEAVING: Duration = Duration::from_secs(5);

impl<E: Executor> Client<E> {
    pub(super) fn happened(&mut self, event: Event) {
        match event {
            Event::Started(attempt, at) => {
                tracing::info!(%attempt, "started");
                if let Some(held) = self.held.get_mut(&attempt) {
                    held.started(at);
                }
            }
            Event::Printed => {} // said below, with all that can be said
            Event::Ended(attempt, signed) => {
                tracing::info!(%attempt, "ended");
                if let Some(held) = self.held.get_mut(&attempt) {
                    held.finished(signed);
                }
            }
        }
    }

    /// Says everything that can be said now. An attempt whose output cannot be read back is given up: no heartbeat
    /// names it any more, its lease ends, and the task runs again. Kept, it would never be done.
    pub(super) fn speak(&mut self, session: Option<&Session>) {
        let Some(session) = session.filter(|session| session.every.is_some()) else { return };
        let mut lost = Vec::new();
        for held in self.held.values_mut() {
            match held.words() {
                Ok(words) => words.into_iter().for_each(|word| session.link.send(word)),
                Err(error) => {
                    let attempt = held.attempt();
                    tracing::error!(%attempt, %error, "given up, because its output cannot be read back");
                    lost.push(attempt);
                }
            }
        }
        for attempt in lost {
            if let Some(held) = self.held.remove(&attempt) {
                self.kill(held);
            }
        }
    }

    /// Starts a verified attempt; says why not, and whether another runner might.
    pub(super) fn begin(&mut self, verified: Verified) -> Result<(), (String, bool)> {
        let attempt = verified.attempt();
        // An earlier attempt of the task leaves its slot to this one: refused, the task would use up its attempts.
        let follows = self.is_here(attempt.task);
        let slot = if follows { None } else { Arc::clone(&self.slots).try_acquire_owned().ok() };
        if slot.is_none() && !follows {
            return Err(("every slot of this runner is taken".into(), true));
        }
        let spool = match self.shelf.begin(attempt) {
            Ok(Some(spool)) => Arc::new(Mutex::new(spool)),
            Ok(None) => return Err(("this runner has begun this attempt, or a later one, before".into(), false)),
            Err(error) => return Err((format!("the runner's disk cannot be written: {error}"), true)),
        };
        let before = self.make_way(attempt);
        let (order, orders) = watch::channel(Order::Run);
        self.held.insert(attempt, Held::begun(attempt, Arc::clone(&spool), order));
        let (executor, key) = (Arc::clone(&self.executor), Arc::clone(&self.key));
        let (me, events, slots) = (self.me(), self.events.0.clone(), Arc::clone(&self.slots));
        tokio::spawn(async move {
            for earlier in before {
                earlier.closed().await;
            }
            let slot = match slot {
                Some(slot) => Ok(slot),
                None => slots.acquire_owned().await,
            };
            let Ok(slot) = slot else { return }; // nobody closes them
            Performance { executor, verified, me, key, spool, orders, events, slot }.run().await;
        });
        Ok(())
    }

    /// Whether an attempt of this task runs here, or may not be gone yet.
    fn is_here(&self, task: TaskId) -> bool {
        let runs = self.held.values().any(|held| held.attempt().task == task && held.is_running());
        runs || self.dying.iter().any(|(dying, orders)| dying.task == task && !orders.is_closed())
    }

    /// Kills earlier attempts of the same task that still run here: the server has given up on them, as when its clock
    /// jumped. The new one begins when nothing of them is left, so that a task never runs twice at once on one machine.
    fn make_way(&mut self, attempt: Attempt) -> Vec<watch::Sender<Order>> {
        self.kill_where(|held| held.task == attempt.task);
        self.dying.iter().filter(|(dying, _)| dying.task == attempt.task).map(|(_, orders)| orders.clone()).collect()
    }

    /// Kills what runs: others may have it by now. What ended is kept, in case the server still wants it.
    pub(super) fn abandon_running(&mut self) {
        self.kill_where(|_| true);
    }

    fn kill_where(&mut self, which: impl Fn(&Attempt) -> bool) {
        let killed: Vec<_> = self.held.extract_if(|attempt, held| which(attempt) && held.is_running()).collect();
        for (attempt, held) in killed {
            tracing::warn!(%attempt, "killed, because it is no longer ours");
            self.kill(held);
        }
    }

    pub(super) fn kill(&mut self, held: Held) {
        let attempt = held.attempt();
        self.dying.retain(|(_, orders)| !orders.is_closed());
        self.dying.extend(held.abandon().map(|orders| (attempt, orders)));
    }

    /// Kills everything and waits until nothing is left of it.
    pub(super) async fn leave(mut self) {
        self.abandon_running();
        let Self { events: (sender, mut receiver), .. } = self;
        drop(sender);
        // Each attempt, also one that waits for its slot, can tell until it is gone; unheard, it would wait.
        let gone = async { while receiver.recv().await.is_some() {} };
        if timeout(LEAVING, gone).await.is_err() {
            tracing::error!("a sandbox is slow to go; it dies with this process");
        }
    }
}
