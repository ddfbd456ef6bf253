//! Attempt lifecycle: start, reports to the server, and kill.

use super::{Client, attempts::HeldAttempt, stream::Session};
use crate::{
    sandbox::Executor,
    work::{Attempt, AttemptCommand, AttemptRun, Event, Verified},
};
use domain::TaskId;
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::timeout};

/// The timeout for sandboxes to end when the runner stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

impl<E: Executor> Client<E> {
    pub(super) fn handle_event(&mut self, event: Event) {
        match event {
            Event::Started(attempt, at) => {
                tracing::info!(%attempt, "started");
                if let Some(held) = self.held.get_mut(&attempt) {
                    held.started(at);
                }
            }
            Event::Printed => {} // sent below with every pending message
            Event::Ended(attempt, signed) => {
                tracing::info!(%attempt, "ended");
                if let Some(held) = self.held.get_mut(&attempt) {
                    held.finished(signed);
                }
            }
        }
    }

    /// Sends every pending message. An attempt whose output cannot be read back is abandoned: heartbeats omit it, its
    /// lease expires, and the task runs again. Otherwise it would never finish.
    pub(super) fn send_pending(&mut self, session: Option<&Session>) {
        let Some(session) = session.filter(|session| session.every.is_some()) else { return };
        let mut lost = Vec::new();
        for held in self.held.values_mut() {
            match held.pending_messages() {
                Ok(messages) => messages.into_iter().for_each(|message| session.link.send(message)),
                Err(error) => {
                    let attempt = held.attempt();
                    tracing::error!(%attempt, %error, "attempt abandoned: its output cannot be read from disk");
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

    /// Starts a verified attempt, or returns why not, and whether another runner could.
    pub(super) fn begin(&mut self, verified: Verified) -> Result<(), (String, bool)> {
        let attempt = verified.attempt();
        // An earlier attempt of the task passes its slot on: a refusal would use up one of the task's attempts.
        let follows = self.is_task_running(attempt.task);
        let slot = if follows { None } else { Arc::clone(&self.slots).try_acquire_owned().ok() };
        if slot.is_none() && !follows {
            return Err(("all slots of this runner are in use".into(), true));
        }
        let spool = match self.spools.begin(attempt) {
            Ok(Some(spool)) => Arc::new(Mutex::new(spool)),
            Ok(None) => return Err(("this runner has already started this attempt or a later one".into(), false)),
            Err(error) => return Err((format!("the runner cannot write to its disk: {error}"), true)),
        };
        let before = self.kill_earlier_attempts(attempt);
        let (command, commands) = watch::channel(AttemptCommand::Run);
        self.held.insert(attempt, HeldAttempt::starting(attempt, Arc::clone(&spool), command));
        let (executor, key) = (Arc::clone(&self.executor), Arc::clone(&self.key));
        let (context, events, slots) = (self.context(), self.events.0.clone(), Arc::clone(&self.slots));
        tokio::spawn(async move {
            for earlier in before {
                earlier.closed().await;
            }
            let slot = match slot {
                Some(slot) => Ok(slot),
                None => slots.acquire_owned().await,
            };
            let Ok(slot) = slot else { return }; // the semaphore is never closed
            AttemptRun { executor, verified, context, key, spool, commands, events, slot }.run().await;
        });
        Ok(())
    }

    /// Returns whether an attempt of this task runs here or may not have ended yet.
    fn is_task_running(&self, task: TaskId) -> bool {
        let runs = self.held.values().any(|held| held.attempt().task == task && held.is_running());
        runs || self.killed.iter().any(|(killed, commands)| killed.task == task && !commands.is_closed())
    }

    /// Kills earlier attempts of the same task, which the server has abandoned, for example because its clock was
    /// changed. The new attempt starts after they have ended, so that a task never runs twice at once on one machine.
    fn kill_earlier_attempts(&mut self, attempt: Attempt) -> Vec<watch::Sender<AttemptCommand>> {
        self.kill_where(|held| held.task == attempt.task);
        self.killed
            .iter()
            .filter(|(killed, _)| killed.task == attempt.task)
            .map(|(_, commands)| commands.clone())
            .collect()
    }

    /// Kills running attempts, which may have been assigned to other runners. Ended ones are kept in case the server still needs
    /// them.
    pub(super) fn abandon_running(&mut self) {
        self.kill_where(|_| true);
    }

    fn kill_where(&mut self, which: impl Fn(&Attempt) -> bool) {
        let killed: Vec<_> = self.held.extract_if(|attempt, held| which(attempt) && held.is_running()).collect();
        for (attempt, held) in killed {
            tracing::warn!(%attempt, "attempt killed: its lease has ended");
            self.kill(held);
        }
    }

    pub(super) fn kill(&mut self, held: HeldAttempt) {
        let attempt = held.attempt();
        self.killed.retain(|(_, commands)| !commands.is_closed());
        self.killed.extend(held.abandon().map(|commands| (attempt, commands)));
    }

    /// Kills all attempts and waits until their sandboxes have ended.
    pub(super) async fn shut_down(mut self) {
        self.abandon_running();
        let Self { events: (sender, mut receiver), .. } = self;
        drop(sender);
        // Each attempt can send events until it has ended, even while it waits for a slot; without a reader it would
        // block.
        let gone = async { while receiver.recv().await.is_some() {} };
        if timeout(SHUTDOWN_TIMEOUT, gone).await.is_err() {
            tracing::error!("a sandbox has not ended in time; it ends with this process");
        }
    }
}
