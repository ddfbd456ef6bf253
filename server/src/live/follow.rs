//! Task log follower: sends every line once and in order, also to late and reconnecting clients.
use super::{
    Position, Watcher,
    subscription::{Subscription, Update},
};
use crate::state::App;
use domain::{TaskId, ansi::Styles, log::Line, receipt::End, task::TaskState};
use std::collections::VecDeque;
use store::{LogPage, Topic};

/// Position of a watcher in a task log. It subscribes before it reads, so no line is missed, and reads only on demand, so a slow
/// watcher buffers at most one page of lines.
#[derive(Debug)]
pub(crate) struct Follow {
    subscription: Subscription,
    task: TaskId,
    /// Position of the next read; the attempt is known after the first one.
    at: Position,
    state: Option<TaskState>,
    incomplete: Vec<Line>,
    /// Steps that were read, each with the position after it.
    steps: VecDeque<(Step, Position)>,
    /// Whether the last read returned everything up to the last event.
    is_current: bool,
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
        let mut follow = Self {
            subscription: Subscription::new(app, watcher),
            task,
            at: Position { line: from.line.max(1), ..from },
            state: None,
            incomplete: vec![],
            steps: VecDeque::new(),
            is_current: false,
            ended: false,
        };
        follow.read_steps().await?;
        Ok(follow)
    }

    /// Returns the next step; `None` after the end or once the watcher is no longer authorized.
    pub(super) async fn next(&mut self) -> Option<(Step, Position)> {
        while self.steps.is_empty() && !self.ended {
            if self.is_current {
                self.wait().await?;
            }
            // Events up to now are covered by the next read.
            while self.subscription.try_next().is_some() {}
            if !self.subscription.is_still_authorized().await {
                return None;
            }
            match self.read_steps().await {
                Ok(()) => {}
                Err(store::Error::NotFound) => return None,
                Err(error) => {
                    tracing::warn!(%error, "a stream ended early: the task could not be read");
                    return None;
                }
            }
        }
        self.steps.pop_front()
    }

    /// Reads what changed in the task, and its next lines: those of the attempt that was read, even if there is a new one by now.
    async fn read_steps(&mut self) -> store::Result<()> {
        let mut read = self.subscription.app.store.read_once(self.subscription.watcher.actor()).await?;
        let now = read.progress(self.task).await?;
        now.require_output()?;
        if self.at.attempt.is_some_and(|attempt| attempt != now.attempt) {
            self.at = Position { attempt: Some(now.attempt), line: 1 };
            self.push(Step::Attempt(now.attempt));
        }
        self.at.attempt = Some(now.attempt);
        self.at.line = self.at.line.min(now.next_line);
        if self.state.replace(now.state) != Some(now.state) {
            self.push(Step::State(now.state));
        }
        let mut read_all = true;
        if self.at.line < now.next_line {
            let page = read.log_of_progress(&now, self.at.line).await?;
            read_all = page.lines.is_empty() || page.next_line >= now.next_line;
            self.push_lines(page);
        }
        self.is_current = read_all;
        if read_all {
            let incomplete = now.read_incomplete_lines();
            if self.incomplete != incomplete {
                self.incomplete.clone_from(&incomplete);
                self.push(Step::Incomplete(incomplete));
            }
            if now.state.is_final() {
                self.ended = true;
                self.push(Step::End(now.state, now.end()));
            }
        }
        Ok(())
    }

    fn push(&mut self, step: Step) {
        self.steps.push_back((step, self.at));
    }

    fn push_lines(&mut self, page: LogPage) {
        let (mut lines, mut styles) = (page.lines.into_iter(), page.styles);
        loop {
            let some: Vec<_> = lines.by_ref().take(LINES_PER_STEP).collect();
            let Some((last, _)) = some.last() else { return };
            self.at.line = last + 1;
            let first_styles = styles;
            for (_, line) in &some {
                styles.skip(line.stream, &line.text);
            }
            self.push(Step::Lines(some, first_styles));
        }
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
