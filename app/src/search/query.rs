//! Search queries: a few results of each kind, only what the person may see.
use crate::{
    outcome::Refusal,
    tasks::labels::state_label,
    ui::{Address, Section, labels},
};
use domain::{Actor, TaskId, search_terms::fold};
use store::{Organization, Read, Runner, TaskFilter};

/// Results of each kind.
const RESULTS_PER_KIND: u32 = 8;

/// The longest search text, in characters.
const MAX_TEXT_CHARS: usize = 100;

/// One search result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub href: String,
    pub name: String,
    /// Distinguishes results with the same name.
    pub about: String,
}

/// The results of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultGroup {
    pub title: String,
    pub hits: Vec<Hit>,
}

/// Normalizes a search text: no invisible characters, limited length.
pub fn normalize(typed: &str) -> String {
    domain::text::visible(typed).take(MAX_TEXT_CHARS).collect::<String>().trim().to_owned()
}

/// Searches by substring of the name; tasks also by id.
///
/// # Errors
/// Fails like the store.
pub async fn find(read: &mut Read, actor: &Actor, text: &str) -> Result<Vec<ResultGroup>, Refusal> {
    if text.is_empty() {
        return Ok(vec![]);
    }
    let group = |title: String, hits: Vec<Hit>| ResultGroup { title, hits };
    let groups = [
        group(t!("search-pages"), pages(actor, text)),
        group(t!("nav-tasks"), tasks(read, text).await?),
        group(t!("nav-people"), people(read, text).await?),
        group(t!("nav-organizations"), organizations(read, text).await?),
        group(t!("nav-runners"), runners(read, text).await?),
    ];
    Ok(groups.into_iter().filter(|group| !group.hits.is_empty()).collect())
}

/// Returns the task list filtered by the text, which includes old tasks.
pub fn all_tasks(text: &str) -> String {
    Address::new("/tasks").with("text", text).to_string()
}

fn pages(actor: &Actor, text: &str) -> Vec<Hit> {
    let hit = |section: Section| Hit { href: section.href().to_owned(), name: section.label(), about: String::new() };
    let new = || Hit { href: "/tasks/new".into(), name: t!("task-new"), about: String::new() };
    let all = Section::available(actor).into_iter().map(hit).chain([new()]);
    all.filter(|hit| contains(&hit.name, text)).collect()
}

async fn tasks(read: &mut Read, text: &str) -> Result<Vec<Hit>, Refusal> {
    if let Ok(id) = text.parse::<TaskId>() {
        return match read.task(id).await {
            Ok(task) => Ok(vec![hit(format!("/tasks/{id}"), task.title, state_label(task.state))]),
            Err(store::Error::NotFound) => Ok(vec![]),
            Err(error) => Err(error.into()),
        };
    }
    let filter = TaskFilter { text: Some(text.to_owned()), ..TaskFilter::default() };
    let rows = read.tasks(&filter, None, RESULTS_PER_KIND).await?.items;
    let about = |state, owner: &str| format!("{} · {owner}", state_label(state));
    Ok(rows.into_iter().map(|row| hit(format!("/tasks/{}", row.id), row.title, about(row.state, &row.owner))).collect())
}

async fn people(read: &mut Read, text: &str) -> Result<Vec<Hit>, Refusal> {
    let people = read.find_people(text, RESULTS_PER_KIND).await?;
    let about = |email: String, role| format!("{email} · {}", labels::tenant_role(role));
    Ok(people
        .into_iter()
        .map(|one| hit(format!("/people/{}", one.id), one.name, about(one.email, one.tenant_role)))
        .collect())
}

async fn organizations(read: &mut Read, text: &str) -> Result<Vec<Hit>, Refusal> {
    let (in_use, archived) = (read.organizations().await?, read.archived_organizations().await?);
    let all = in_use.into_iter().chain(archived).filter(|one| contains(&one.name, text));
    let about = |one: &Organization| one.archived_at.map(|_| t!("organization-archived")).unwrap_or_default();
    Ok(all
        .take(per_kind())
        .map(|one| hit(format!("/organizations/{}", one.id), one.name.clone(), about(&one)))
        .collect())
}

async fn runners(read: &mut Read, text: &str) -> Result<Vec<Hit>, Refusal> {
    let about = |runner: &Runner| if runner.connected { t!("runner-connected") } else { t!("runner-disconnected") };
    let all = read.runners().await?.into_iter().filter(|one| one.revoked_at.is_none() && contains(&one.name, text));
    Ok(all.take(per_kind()).map(|one| hit(format!("/runners/{}", one.id), one.name.clone(), about(&one))).collect())
}

fn hit(href: String, name: String, about: String) -> Hit {
    Hit { href, name, about }
}

fn per_kind() -> usize {
    usize::try_from(RESULTS_PER_KIND).unwrap_or(usize::MAX)
}

fn contains(name: &str, text: &str) -> bool {
    fold(name).contains(&fold(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_not_searched_for() {
        assert_eq!(normalize(" a\0b\u{202e}c "), "abc");
        assert_eq!(normalize(&"x".repeat(500)).len(), MAX_TEXT_CHARS);
        assert_eq!(normalize("\u{200b} \n"), "");
    }
}
