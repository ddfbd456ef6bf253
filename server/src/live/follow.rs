//! Following one task: every line once and in order, for who comes late, again or in company.
use super::{
    Position, Watcher,
    subscription::{Ear, Heard},
};
use crate::state::App;
use domain::{TaskId, log::Line, task::TaskState};
use std::vec;
use store::Topic;

/// A watcher's place at a task. It listens first and reads then, so nothing falls between; it reads on only when it
/// is asked for more, so a slow watcher costs no more than one page of lines.
#[derive(Debug)]
pub(crate) struct Follow {
    ear: Ear,
    task: TaskId,
    /// Where it is; known after the first look.
    at: Position,
    state: Option<TaskState>,
    lines: vec::IntoIter<(i64, Line)>,
    ended: bool,
}

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Where the task stands, when that changed and at the beginning.
    State(TaskState),
    /// It was started anew; lines begin at 1 again.
    Attempt(u32),
    /// Lines with their numbers.
    Lines(Vec<(i64, Line)>),
    /// It has ended, and every line was told.
    End(TaskState),
}

/// How many lines one step has at most.
const AT_ONCE: usize = 256;

impl Follow {
    /// Begins to follow a task that the watcher sees.
    ///
    /// # Errors
    /// `NotFound` where there is no such task for them.
    pub(crate) async fn start(app: App, watcher: Watcher, task: TaskId, from: Position) -> store::Result<Self> {
        let ear = Ear::new(app, watcher);
        ear.app.store.read(ear.watcher.actor()).await?.progress(task).await?;
        let at = Position { line: from.line.max(1), ..from };
        Ok(Self { ear, task, at, state: None, lines: vec![].into_iter(), ended: false })
    }

    /// The next step; `None` after the end, or once the watcher may not see it any more.
    pub(super) async fn next(&mut self) -> Option<(Step, Position)> {
        while !self.ended {
            let ready: Vec<_> = self.lines.by_ref().take(AT_ONCE).collect();
            if let Some((last, _)) = ready.last() {
                self.at.line = last + 1;
                return Some((Step::Lines(ready), self.at));
            }
            // What was announced until here is in what is read now.
            while self.ear.overhear().is_some() {}
            if !self.ear.may_go_on().await {
                return None;
            }
            match self.look().await {
                Ok(Some(step)) => return Some((step, self.at)),
                Ok(None) if self.lines.len() > 0 => {}
                Ok(None) => self.wait().await?,
                Err(store::Error::NotFound) => return None,
                Err(error) => {
                    tracing::warn!(%error, "a stream ends early: the task could not be read");
                    return None;
                }
            }
        }
        None
    }

    /// Reads how far the task has come, and the lines that follow, from one snapshot.
    async fn look(&mut self) -> store::Result<Option<Step>> {
        let mut read = self.ear.app.store.read(self.ear.watcher.actor()).await?;
        let now = read.progress(self.task).await?;
        if self.at.attempt.is_some_and(|attempt| attempt != now.attempt) {
            self.at = Position { attempt: Some(now.attempt), line: 1 };
            return Ok(Some(Step::Attempt(now.attempt)));
        }
        self.at.attempt = Some(now.attempt);
        if self.state != Some(now.state) {
            self.state = Some(now.state);
            return Ok(Some(Step::State(now.state)));
        }
        self.lines = read.log(self.task, now.attempt, self.at.line).await?.lines.into_iter();
        if self.lines.len() == 0 && now.state.is_final() {
            self.ended = true;
            return Ok(Some(Step::End(now.state)));
        }
        Ok(None)
    }

    /// Waits until something happened to the task.
    async fn wait(&mut self) -> Option<()> {
        loop {
            match self.ear.hear().await? {
                Heard::Missed => return Some(()),
                Heard::Event(event) if event.id == self.task.0 && matches!(event.topic, Topic::Tasks | Topic::Log) => {
                    return Some(());
                }
                Heard::Event(_) => {}
            }
        }
    }
}
