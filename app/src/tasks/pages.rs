//! The task list.
use super::{
    filter,
    words::{Reach, StateBadge, state_word},
};
pub use super::{
    new::new,
    one::{one, seen, summary},
};
use crate::{
    outcome::Refusal,
    ui::{
        Chip, Choice, Empty, FilterRow, LinkButton, Live, Look, Moment, Narrow, NarrowChoice, NarrowText, Page, Pager,
        Place, Revealed, RowLink, Table, ctx, page,
    },
};
use domain::{Actor, task::TaskState};
use leptos::prelude::*;
use store::{Counts, Organisation, TaskFilter, TaskRow};

/// How many rows a page of the list has.
const ROWS: u32 = 50;

/// The tasks that one sees.
pub fn list() -> impl IntoView {
    page(tasks)
}

async fn tasks(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let (filter, after) = (filter::read(&here), here.get("after").and_then(|id| id.parse().ok()));
    let mut read = ctx::store()?.read(&actor).await?;
    let (list, counts) = (read.tasks(&filter, after, ROWS).await?, read.task_counts(&filter).await?);
    let organisations = read.organisations().await?;
    let empty = list.items.is_empty();
    let page = Page::new(Place::Tasks, t!("nav-tasks")).lead(t!("tasks-lead"));
    Ok(page.action(new_button()).body(view! {
        <Filters organisations=organisations />
        <Live topics="tasks" region="tasks">
            <States counts=counts filter=filter.clone() />
            {match empty {
                true => view! { <Nothing narrow=filter::is_narrow(&filter) /> }.into_any(),
                false => view! { <Rows rows=list.items caption=t!("nav-tasks") /> }.into_any(),
            }}
            <Pager next=list.next />
        </Live>
    }))
}

fn new_button() -> impl IntoView {
    view! { <LinkButton href="/tasks/new" look=Look::Main>{t!("task-new")}</LinkButton> }
}

#[component]
fn Filters(organisations: Vec<Organisation>) -> impl IntoView {
    let choices = organisations.iter().map(|of| Choice::new(of.id.to_string(), of.name.clone())).collect::<Vec<_>>();
    view! {
        <Narrow label=t!("tasks-narrow") fields=&["text", "label", "organisation"]>
            <NarrowText name="text" label=t!("tasks-narrow-text") kind="search" />
            <NarrowText name="label" label=t!("tasks-narrow-label") kind="search" />
            {(choices.len() > 1)
                .then(|| view! { <NarrowChoice name="organisation" label=t!("task-organisation") any=t!("tasks-narrow-any") choices=choices /> })}
        </Narrow>
    }
}

/// A chip for each state that there is, with how many; and one's own.
#[component]
fn States(counts: Counts, filter: TaskFilter) -> impl IntoView {
    let chosen = move |state: &TaskState| filter.states.contains(state);
    let chip = |(state, count): (TaskState, i64)| {
        view! { <Chip name="state" value=state.as_str() label=state_word(state) count=u64::try_from(count).unwrap_or(0) /> }
    };
    let there = counts.into_iter().filter(move |(state, count)| *count > 0 || chosen(state));
    view! {
        <FilterRow label=t!("tasks-narrow-state")>
            {there.map(chip).collect_view()}
            <Chip name="mine" value="1" label=t!("tasks-mine") />
        </FilterRow>
    }
}

/// Tasks in a table.
#[component]
pub fn Rows(
    /// The tasks.
    rows: Vec<TaskRow>,
    /// What the table is called.
    caption: String,
) -> impl IntoView {
    let headings = [
        t!("task-title"),
        t!("task-state"),
        t!("task-organisation"),
        t!("task-owner"),
        t!("task-network"),
        t!("task-submitted"),
    ];
    let row = |task: TaskRow| {
        view! {
            <tr>
                <RowLink href=format!("/tasks/{}", task.id)>
                    <Revealed text=task.title />
                </RowLink>
                <td><StateBadge state=task.state /></td>
                <td><Revealed text=task.organisation /></td>
                <td><Revealed text=task.owner /></td>
                <td><Reach policy=task.network /></td>
                <td><Moment at=task.created_at /></td>
            </tr>
        }
    };
    view! {
        <Table caption=caption headings=headings.into()>
            {rows.into_iter().map(row).collect_view()}
        </Table>
    }
}

#[component]
fn Nothing(narrow: bool) -> impl IntoView {
    match narrow {
        true => view! {
            <Empty title=t!("tasks-none-match") text=t!("tasks-none-match-text")>
                <LinkButton href="/tasks">{t!("tasks-show-all")}</LinkButton>
            </Empty>
        }
        .into_any(),
        false => view! { <Empty title=t!("tasks-empty") text=t!("tasks-empty-text")>{new_button()}</Empty> }.into_any(),
    }
}
