//! Task log follower: sends every line once and in order, also to late and reconnecting clients.
use super::{
    Position, Watcher,
    subscription::{Subscription, Update},
};
use crate::state::App;
use domain::{TaskId, ansi::Styles, log::Line, receipt::End, task::TaskState};
use std::vec;
use store::Topic;

/// Position of a watcher in a task log. It subscribes before it reads, so no line is missed, and reads only on demand, so a slow
/// watcher buffers at most one page of lines.
#[derive(Debug)]
pub(crate) struct Follow {
    subscription: Subscription,
    task: TaskId,
    /// Current position; the attempt is known after the first read.
    at: Position,
    state: Option<TaskState>,
    lines: vec::IntoIter<(i64, Line)>,
    /// The styles in which these lines begin.
    styles: Styles,
    incomplete: Vec<Line>,
    ended: bool,
}

/// Item of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// State of the task, at the start and after each change.
    State(TaskState),
    /// Number of a new attempt; its lines start at 1.
    Attempt(u32),
    /// Lines with their numbers, and the styles in which they begin.
    Lines(Vec<(i64, Line)>, Styles),
    /// The incomplete last line of each stream; replaces the former ones.
    Incomplete(Vec<Line>),
    /// Final state and result, after all lines.
    End(TaskState, Option<End>),
}

/// Maximum number of lines per step.
const LINES_PER_STEP: usize = 256;

impl Follow {
    /// Starts following a task.
    ///
    /// # Errors
    /// Fails with `NotFound` if the watcher cannot see the task, and with `OutputDeleted` if retention deleted its output.
    pub(crate) async fn start(app: App, watcher: Watcher, task: TaskId, from: Position) -> store::Result<Self> {
        let subscription = Subscription::new(app, watcher);
        subscription.app.store.read(subscription.watcher.actor()).await?.progress(task).await?.require_output()?;
        let at = Position { line: from.line.max(1), ..from };
        Ok(Self {
            subscription,
            task,
            at,
            state: None,
            lines: vec![].into_iter(),
            styles: Styles::default(),
            incomplete: vec![],
            ended: false,
        })
    }

    /// Returns the next step; `None` after the end or once the watcher is no longer authorized.
    pub(super) async fn next(&mut self) -> Option<(Step, Position)> {
        while !self.ended {
            let ready: Vec<_> = self.lines.by_ref().take(LINES_PER_STEP).collect();
            if let Some((last, _)) = ready.last() {
                self.at.line = last + 1;
                let styles = self.styles;
                for (_, line) in &ready {
                    self.styles.skip(line.stream, &line.text);
                }
                return Some((Step::Lines(ready, styles), self.at));
            }
            // Events up to now are covered by the next read.
            while self.subscription.try_next().is_some() {}
            if !self.subscription.is_still_authorized().await {
                return None;
            }
            match self.read_next().await {
                Ok(Some(step)) => return Some((step, self.at)),
                Ok(None) if self.lines.len() > 0 => {}
                Ok(None) => self.wait().await?,
                Err(store::Error::NotFound) => return None,
                Err(error) => {
                    tracing::warn!(%error, "a stream ended early: the task could not be read");
                    return None;
                }
            }
        }
        None
    }

    /// Reads the state of the task and its next lines from one snapshot. The lines come after the returned step.
    async fn read_next(&mut self) -> store::Result<Option<Step>> {
        let mut read = self.subscription.app.store.read(self.subscription.watcher.actor()).await?;
        let now = read.progress(self.task).await?;
        if self.at.attempt.is_some_and(|attempt| attempt != now.attempt) {
            self.at = Position { attempt: Some(now.attempt), line: 1 };
            return Ok(Some(Step::Attempt(now.attempt)));
        }
        self.at.attempt = Some(now.attempt);
        self.at.line = self.at.line.min(now.next_line);
        let is_new_state = self.state.replace(now.state) != Some(now.state);
        let page = read.log_of_progress(&now, self.at.line).await?;
        (self.lines, self.styles) = (page.lines.into_iter(), page.styles);
        if is_new_state {
            return Ok(Some(Step::State(now.state)));
        }
        let incomplete = now.read_incomplete_lines();
        if self.lines.len() == 0 && self.incomplete != incomplete {
            self.incomplete.clone_from(&incomplete);
            return Ok(Some(Step::Incomplete(incomplete)));
        }
        if self.lines.len() == 0 && now.state.is_final() {
            self.ended = true;
            return Ok(Some(Step::End(now.state, now.end())));
        }
        Ok(None)
    }

    /// Waits for an event of the task.
    async fn wait(&mut self) -> Option<()> {
        loop {
            match self.subscription.next().await? {
                Update::Missed => return Some(()),
                Update::Event(event) if event.id == self.task.0 && matches!(event.topic, Topic::Tasks | Topic::Log) => {
                    return Some(());
                }
                Update::Event(_) => {}
            }
        }
    }
}
