//! The task list page (`/tasks`).
use super::{
    filter,
    labels::{NetworkBadge, StateBadge, state_label},
};
use crate::{
    organizations::choice::{OrganizationFilter, archived_filter_choice},
    outcome::Refusal,
    ui::{
        Address, ButtonVariant, Chip, EmptyState, FilterForm, FilterRow, FilterText, LinkButton, Live, Page,
        PageFuture, Pager, RowLink, Section, Table, TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::{Actor, TaskId, task::TaskState};
use leptos::prelude::*;
use store::{Counts, Organization, Read, TaskFilter, TaskRow};

const ROWS_PER_PAGE: u32 = 50;

/// `/tasks`.
pub fn list() -> PageFuture {
    page(tasks_page)
}

async fn tasks_page(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let filter = filter::parse(&here);
    let mut read = ctx::store()?.read(&actor).await?;
    let list = rows(&mut read, &filter, &here).await?;
    let counts = read.task_counts(&filter).await?;
    let mut organizations = read.organizations().await?;
    organizations.extend(archived_filter_choice(&mut read, &organizations).await);
    let empty = list.rows.is_empty();
    let page = Page::new(Section::Tasks, t!("nav-tasks")).lead(t!("tasks-lead"));
    Ok(page.action(new_button()).body(view! {
        <Filters organizations=organizations />
        <Live topics="tasks" region="tasks">
            <StateChips counts=counts filter=filter.clone() />
            {match empty {
                true => view! { <NoTasks filtered=filter::is_active(&filter) /> }.into_any(),
                false => view! { <Rows rows=list.rows caption=t!("nav-tasks") /> }.into_any(),
            }}
            <Pager next=list.older newer=list.newer />
        </Live>
    }))
}

/// One page of the list, with the cursors of its neighbors.
struct List {
    rows: Vec<TaskRow>,
    older: Option<String>,
    newer: Option<String>,
}

/// Reads the requested page: the newest tasks, those after a task, or those before one.
async fn rows(read: &mut Read, filter: &TaskFilter, here: &Address) -> Result<List, Refusal> {
    let task = |name: &str| here.get(name).and_then(|id| id.parse::<TaskId>().ok());
    let first = |rows: &[TaskRow]| rows.first().map(|row| row.id.to_string());
    if let Some(before) = task("before") {
        let page = read.tasks_newer(filter, before, ROWS_PER_PAGE).await?;
        // A short page at the beginning is replaced by the first page.
        if page.next.is_some() {
            let older = page.items.last().map(|row| row.id.to_string()).or(page.next.clone());
            return Ok(List { newer: first(&page.items).or(page.next), rows: page.items, older });
        }
    }
    let after = task("after");
    let page = read.tasks(filter, after, ROWS_PER_PAGE).await?;
    let newer = after.and_then(|after| first(&page.items).or(Some(after.to_string())));
    Ok(List { newer, rows: page.items, older: page.next })
}

/// The link to the form, which keeps the organization of the switcher.
fn new_button() -> impl IntoView {
    let form = Address::new("/tasks/new");
    let form = match ctx::here().get("organization") {
        Some(organization) => form.with("organization", organization),
        None => form,
    };
    view! { <LinkButton href=form.to_string() variant=ButtonVariant::Primary>{t!("task-new")}</LinkButton> }
}

#[component]
fn Filters(organizations: Vec<Organization>) -> impl IntoView {
    view! {
        {filter::has_invalid_label(&ctx::here()).then(|| view! {
            <p class="field-error" role="alert">{t!("tasks-filter-label-invalid")}</p>
        })}
        <FilterForm label=t!("tasks-filter") fields=&["text", "label", "organization"]>
            <FilterText name="text" label=t!("tasks-filter-text") kind="search" />
            <FilterText name="label" label=t!("tasks-filter-label") kind="search" />
            <OrganizationFilter organizations=organizations />
        </FilterForm>
    }
}

/// StateChips whose chips are always visible, so that the row does not move while tasks pass through them.
const PERMANENT_CHIPS: [TaskState; 5] =
    [TaskState::AwaitingApproval, TaskState::Queued, TaskState::Running, TaskState::Succeeded, TaskState::Failed];

/// Filter chips: one per state with its count, and one for the person's own tasks.
#[component]
fn StateChips(counts: Counts<TaskState>, filter: TaskFilter) -> impl IntoView {
    // A scan that stopped early has no exact counts, so that none are shown.
    let whole = counts.whole;
    let chip = move |(state, count): (&TaskState, &i64)| match whole {
        true => {
            let count = u64::try_from(*count).unwrap_or(0);
            view! { <Chip name="state" value=state.as_str() label=state_label(*state) count=count /> }.into_any()
        }
        false => view! { <Chip name="state" value=state.as_str() label=state_label(*state) /> }.into_any(),
    };
    let is_visible =
        |state: &TaskState, count: i64| count > 0 || PERMANENT_CHIPS.contains(state) || filter.states.contains(state);
    let chips = counts.iter().filter(|(state, count)| is_visible(state, **count)).map(chip).collect::<Vec<_>>();
    view! {
        <FilterRow label=t!("tasks-filter-state")>
            {chips}
            <Chip name="mine" value="1" label=t!("tasks-mine") />
        </FilterRow>
    }
}

#[component]
pub fn Rows(rows: Vec<TaskRow>, caption: String) -> impl IntoView {
    let headings = [
        t!("task-title"),
        t!("task-state"),
        t!("task-organization"),
        t!("task-owner"),
        t!("task-network"),
        t!("task-submitted"),
    ];
    let row = |task: TaskRow| {
        view! {
            <tr>
                <RowLink href=format!("/tasks/{}", task.id)>
                    <UntrustedText text=task.title />
                </RowLink>
                <td>
                    <StateBadge state=task.state />
                    <div class="task-brief"><UntrustedText text=task.owner.clone() />", "<TimeAgo at=task.created_at /></div>
                </td>
                <td><UntrustedText text=task.organization /></td>
                <td><UntrustedText text=task.owner /></td>
                <td><NetworkBadge policy=task.network /></td>
                <td><TimeAgo at=task.created_at /></td>
            </tr>
        }
    };
    view! {
        <div class="tasks">
            <Table caption=caption headings=headings.into()>
                {rows.into_iter().map(row).collect_view()}
            </Table>
        </div>
    }
}

#[component]
fn NoTasks(filtered: bool) -> impl IntoView {
    match filtered {
        true => view! {
            <EmptyState title=t!("tasks-none-match") text=t!("tasks-none-match-text")>
                <LinkButton href="/tasks">{t!("tasks-show-all")}</LinkButton>
            </EmptyState>
        }
        .into_any(),
        false => view! { <EmptyState title=t!("tasks-empty") text=t!("tasks-empty-text")>{new_button()}</EmptyState> }
            .into_any(),
    }
}
