//! M-12: finding tasks by state, organisation, owner, label and text, a page at a time.
use crate::world::{World, asking, on_both, sealed, task};
use domain::{Actor, policy::CancelTask, task::TaskState};
use serde_json::json;
use store::{Error, TaskFilter};

async fn titles(world: &World, actor: &Actor, filter: TaskFilter) -> Vec<String> {
    let mut read = world.store.read(actor).await.unwrap();
    let page = read.tasks(&filter, None, 50).await.unwrap();
    page.items.into_iter().map(|row| row.title).collect()
}

on_both! {
    async fn m_12_a_label_finds_its_tasks(world) {
        let acme = &world.acme;
        for (title, service) in [("one", "mail"), ("two", "shop"), ("three", "mail")] {
            world.submit(&acme.mia, task(acme.ops, json!({ "title": title, "labels": { "service": service, "n": "1" } }))).await;
        }
        let label = |value: &str| TaskFilter { label: Some(("service".into(), value.into())), ..TaskFilter::default() };
        assert_eq!(titles(world, &acme.mia, label("mail")).await, ["three", "one"]);
        assert!(titles(world, &acme.mia, label("mai")).await.is_empty(), "the whole value");
        assert!(titles(world, &acme.vera, label("mail")).await.is_empty(), "a label opens nothing");
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let id = read.tasks(&label("shop"), None, 1).await.unwrap().items[0].id;
        let labels = read.labels(id).await.unwrap();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("n", "1"), ("service", "shop")]);
    }

    async fn text_is_found_anywhere_in_the_title_whatever_its_case(world) {
        let acme = &world.acme;
        for title in ["Restart the CAFÉ mailer", "100% done", "100 done", "snake_case", "snakeXcase", r"back\slash"] {
            world.submit(&acme.mia, task(acme.ops, json!({ "title": title }))).await;
        }
        let found = async |text: &str| titles(world, &acme.mia, TaskFilter { text: Some(text.into()), ..TaskFilter::default() }).await;
        assert_eq!(found("MAILER").await, ["Restart the CAFÉ mailer"]);
        assert_eq!(found("CAFÉ").await, ["Restart the CAFÉ mailer"], "as it is written, beyond ASCII too");
        assert_eq!(found("100%").await, ["100% done"], "a wildcard is a character like others");
        assert_eq!(found("snake_case").await, ["snake_case"]);
        assert_eq!(found(r"back\").await, [r"back\slash"]);
        assert!(found("' or 1=1 --").await.is_empty());
    }

    /// A page's address may hold anything; PostgreSQL knows no NUL in text.
    async fn a_filter_with_nul_is_no_failure_of_the_database(world) {
        let mia = &world.acme.mia;
        for filter in [
            TaskFilter { text: Some("a\0b".into()), ..TaskFilter::default() },
            TaskFilter { label: Some(("a\0".into(), "b".into())), ..TaskFilter::default() },
        ] {
            let result = world.store.read(mia).await.unwrap().tasks(&filter, None, 10).await;
            assert!(matches!(&result, Ok(page) if page.items.is_empty()) || matches!(result, Err(Error::Invalid(_))), "{result:?}");
        }
        let result = world.store.read(&world.acme.adam).await.unwrap().people("\0", 10).await;
        assert!(matches!(result, Ok(_) | Err(Error::Invalid(_))), "{result:?}");
    }

    async fn states_organisations_and_my_own(world) {
        let acme = &world.acme;
        let queued = world.submit(&acme.mia, task(acme.ops, json!({ "title": "queued" }))).await;
        world.submit(&acme.mia, task(acme.ops, json!({ "title": "asks", "network_policy": "none" }))).await;
        world.submit(&acme.olga, task(acme.lab, json!({ "title": "lab", "visibility": "org" }))).await;
        let cancel = CancelTask { task: queued.id, owner: acme.mia.person().unwrap(), organisation: acme.ops };
        world.submit(&acme.mia, task(acme.ops, json!({ "title": "queued too", "visibility": "org" }))).await;
        world.change(&acme.mia, async |write| write.cancel_task(acme.mia.may(cancel)?).await).await.unwrap();
        let states = |states: &[TaskState]| TaskFilter { states: states.to_vec(), ..TaskFilter::default() };
        assert_eq!(titles(world, &acme.mia, states(&[TaskState::Cancelled])).await, ["queued"]);
        assert_eq!(titles(world, &acme.mia, states(&[TaskState::Queued, TaskState::AwaitingApproval])).await, ["queued too", "asks"]);
        let of = |organisation| TaskFilter { organisation: Some(organisation), ..TaskFilter::default() };
        assert_eq!(titles(world, &acme.olga, of(acme.lab)).await, ["lab"]);
        assert!(titles(world, &acme.mia, of(acme.lab)).await.is_empty());
        assert_eq!(titles(world, &acme.olga, TaskFilter { mine: true, ..TaskFilter::default() }).await, ["lab"]);
        assert_eq!(titles(world, &acme.adam, TaskFilter::default()).await.len(), 4);
        assert!(titles(world, &acme.adam, TaskFilter { mine: true, ..TaskFilter::default() }).await.is_empty());
    }

    async fn counts_are_of_what_one_sees_and_leave_the_chosen_state_aside(world) {
        let acme = &world.acme;
        for _ in 0..3 {
            world.submit(&acme.mia, sealed(acme.ops)).await;
        }
        world.submit(&acme.mia, asking(acme.ops)).await;
        let filter = TaskFilter { states: vec![TaskState::Succeeded], ..TaskFilter::default() };
        let counts = async |actor: &Actor| world.store.read(actor).await.unwrap().task_counts(&filter).await.unwrap();
        let hers = counts(&acme.mia).await;
        assert_eq!((hers[&TaskState::Queued], hers[&TaskState::AwaitingApproval], hers[&TaskState::Succeeded]), (3, 1, 0));
        let theirs = counts(&acme.ada).await;
        assert_eq!((theirs[&TaskState::Queued], theirs[&TaskState::AwaitingApproval]), (0, 1));
        assert_eq!(counts(&acme.sam).await.values().sum::<i64>(), 0);
    }

    async fn pages_follow_each_other_without_gap_or_repetition(world) {
        let acme = &world.acme;
        let mut made = vec![];
        for _ in 0..7 {
            made.push(world.submit(&acme.mia, sealed(acme.ops)).await.id);
        }
        made.reverse();
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let (mut seen, mut after) = (vec![], None);
        loop {
            let page = read.tasks(&TaskFilter::default(), after, 3).await.unwrap();
            seen.extend(page.items.iter().map(|row| row.id));
            match page.next {
                Some(next) => after = Some(next.parse().unwrap()),
                None => break,
            }
        }
        assert_eq!(seen, made, "newest first");
        let whole = read.tasks(&TaskFilter::default(), None, 7).await.unwrap();
        assert_eq!((whole.items.len(), whole.next), (7, None), "a full last page has none after it");
    }
}
