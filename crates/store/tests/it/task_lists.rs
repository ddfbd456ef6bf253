//! Task lists (M-12): filters by state, organization, owner, label and text, with pagination.
use crate::{
    raw::Raw,
    world::{World, needs_approval, on_both, sealed, task},
};
use domain::{Actor, policy::CancelTask, task::TaskState};
use serde_json::json;
use std::time::Duration;
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
        let page = read.tasks(&TaskFilter::default(), None, 50).await.unwrap().items;
        let sets = read.labels_of(&page).await.unwrap();
        assert_eq!(page.iter().map(|row| sets[&row.id]["service"].as_str()).collect::<Vec<_>>(), ["mail", "shop", "mail"]);
        assert!(read.labels_of(&[]).await.unwrap().is_empty());
    }

    async fn m_12_titles_are_found_by_word_prefix_ignoring_case(world) {
        let acme = &world.acme;
        for title in ["Restart the CAFÉ mailer", "100% done", "snake_case", "本番データ移行", "Mail the café"] {
            world.submit(&acme.mia, task(acme.ops, json!({ "title": title }))).await;
        }
        let found = async |text: &str| titles(world, &acme.mia, TaskFilter { text: Some(text.into()), ..TaskFilter::default() }).await;
        assert_eq!(found("MAILER").await, ["Restart the CAFÉ mailer"]);
        assert_eq!(found("mail").await, ["Mail the café", "Restart the CAFÉ mailer"], "a beginning is enough");
        assert_eq!(found("café res").await, ["Restart the CAFÉ mailer"], "every word, in any order, beyond ASCII too");
        assert!(found("ailer").await.is_empty(), "an end is not");
        assert_eq!(found("100%").await, ["100% done"], "marks are passed over");
        assert_eq!(found("case").await, ["snake_case"]);
        assert_eq!(found("データ").await, ["本番データ移行"], "scripts without spaces are found by any part");
        assert!(found("データ移動").await.is_empty());
        for nothing in ["' or 1=1 --", "%", "_", "", "\u{10ffff}"] {
            assert!(found(nothing).await.is_empty(), "{nothing:?}");
        }
    }

    /// Frequent words are searched in the order of the list, rare ones by their index: both find the same tasks.
    async fn frequent_and_rare_words_are_found_with_every_other_filter(world) {
        let acme = &world.acme;
        world.store.system().seed(acme.tenant, 2_200).await.unwrap();
        // More than twenty thousand words with this prefix.
        let more = (0..10).map(|n| format!("select 'synthetic{n}' as word")).collect::<Vec<_>>().join(" union all ");
        let more = format!("insert into task_word (tenant_id, task_id, word) select t.tenant_id, t.id, x.word from task t cross join ({more}) x");
        Raw::of(world).await.run(&more).await.unwrap();
        let find = async |filter: TaskFilter| {
            let mut read = world.store.read(&acme.adam).await.unwrap();
            let page = read.tasks(&filter, None, 3_000).await.unwrap();
            (page.items.into_iter().map(|row| row.title).collect::<Vec<_>>(), read.task_counts(&filter).await.unwrap())
        };
        let text = |text: &str| TaskFilter { text: Some(text.into()), ..TaskFilter::default() };
        let (many, counts) = find(text("synthetic")).await;
        assert_eq!((many.len(), many[0].as_str()), (2_200, "Synthetic task 2199"));
        assert_eq!((counts[&TaskState::Succeeded], counts.whole), (100, false), "only the newest are counted");
        assert_eq!(find(text("synth 77")).await.0, ["Synthetic task 779", "Synthetic task 778", "Synthetic task 777",
            "Synthetic task 776", "Synthetic task 775", "Synthetic task 774", "Synthetic task 773", "Synthetic task 772",
            "Synthetic task 771", "Synthetic task 770", "Synthetic task 77"]);
        let labeled = TaskFilter { label: Some(("batch".into(), "7".into())), ..text("synthetic") };
        assert_eq!(find(labeled.clone()).await.0.len(), 100);
        let (one, counts) = find(TaskFilter { text: Some("synthetic 742".into()), ..labeled }).await;
        assert_eq!((one, counts.values().sum::<i64>()), (vec!["Synthetic task 742".to_owned()], 1));
    }

    /// The actor's own tasks are found among any number of invisible ones, and the counts are marked as incomplete.
    async fn visible_tasks_are_found_behind_many_invisible_ones(world) {
        let acme = &world.acme;
        let old = world.submit(&acme.mia, task(acme.ops, json!({ "title": "old" }))).await.id;
        world.wait(Duration::from_hours(24));
        world.store.system().seed(acme.tenant, 2_200).await.unwrap();
        Raw::of(world).await.run("update task set visibility = 'private' where title <> 'old'").await.unwrap();
        assert_eq!(titles(world, &acme.mia, TaskFilter::default()).await, ["old"]);
        let queued = TaskFilter { states: vec![TaskState::Queued, TaskState::Succeeded], ..TaskFilter::default() };
        assert_eq!(titles(world, &acme.mia, queued).await, ["old"]);
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let counts = read.task_counts(&TaskFilter::default()).await.unwrap();
        assert_eq!((counts[&TaskState::Queued], counts[&TaskState::Succeeded], counts.whole), (1, 0, false));
        assert!(read.tasks_newer(&TaskFilter::default(), old, 10).await.unwrap().items.is_empty());
    }

    async fn a_list_is_read_in_both_directions(world) {
        let acme = &world.acme;
        let mut made = vec![];
        for _ in 0..7 {
            made.push(world.submit(&acme.mia, task(acme.ops, json!({ "labels": { "n": "1" } }))).await.id);
        }
        let mut read = world.store.read(&acme.mia).await.unwrap();
        for filter in [TaskFilter::default(), TaskFilter { label: Some(("n".into(), "1".into())), ..TaskFilter::default() }] {
            let page = read.tasks_newer(&filter, made[1], 3).await.unwrap();
            let ids: Vec<_> = page.items.iter().map(|row| row.id).collect();
            assert_eq!(ids, [made[4], made[3], made[2]], "the ones just before, newest first");
            assert!(page.next.is_some(), "there are newer ones");
            let rest = read.tasks_newer(&filter, made[4], 3).await.unwrap();
            assert_eq!((rest.items.len(), rest.next), (2, None));
        }
        assert!(world.store.read(&acme.sam).await.unwrap().tasks_newer(&TaskFilter::default(), made[0], 3).await.unwrap().items.is_empty());
    }

    async fn counts_per_state_stop_at_a_hundred(world) {
        let acme = &world.acme;
        world.store.system().seed(acme.tenant, 2_600).await.unwrap();
        let counts = world.store.read(&acme.adam).await.unwrap().task_counts(&TaskFilter::default()).await.unwrap();
        assert_eq!(counts[&TaskState::Succeeded], 100);
        assert_eq!(counts[&TaskState::Running], 13);
    }

    /// A URL may contain anything; PostgreSQL allows no NUL in text.
    async fn a_filter_with_nul_matches_nothing(world) {
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

    async fn tasks_are_filtered_by_state_organization_and_requester(world) {
        let acme = &world.acme;
        let queued = world.submit(&acme.mia, task(acme.ops, json!({ "title": "queued" }))).await;
        world.submit(&acme.mia, task(acme.ops, json!({ "title": "asks", "network_policy": "unrestricted" }))).await;
        world.submit(&acme.olga, task(acme.lab, json!({ "title": "lab", "visibility": "org" }))).await;
        let cancel = CancelTask { task: queued.id, owner: acme.mia.person().unwrap(), organization: acme.ops };
        world.submit(&acme.mia, task(acme.ops, json!({ "title": "queued too", "visibility": "org" }))).await;
        world.change(&acme.mia, async |write| write.cancel_task(acme.mia.may(cancel)?).await).await.unwrap();
        let states = |states: &[TaskState]| TaskFilter { states: states.to_vec(), ..TaskFilter::default() };
        assert_eq!(titles(world, &acme.mia, states(&[TaskState::Cancelled])).await, ["queued"]);
        assert_eq!(titles(world, &acme.mia, states(&[TaskState::Queued, TaskState::AwaitingApproval])).await, ["queued too", "asks"]);
        let of = |organization| TaskFilter { organization: Some(organization), ..TaskFilter::default() };
        assert_eq!(titles(world, &acme.olga, of(acme.lab)).await, ["lab"]);
        assert!(titles(world, &acme.mia, of(acme.lab)).await.is_empty());
        assert_eq!(titles(world, &acme.olga, TaskFilter { mine: true, ..TaskFilter::default() }).await, ["lab"]);
        assert_eq!(titles(world, &acme.adam, TaskFilter::default()).await.len(), 4);
        assert!(titles(world, &acme.adam, TaskFilter { mine: true, ..TaskFilter::default() }).await.is_empty());
    }

    async fn counts_cover_visible_tasks_and_ignore_the_state_filter(world) {
        let acme = &world.acme;
        for _ in 0..3 {
            world.submit(&acme.mia, sealed(acme.ops)).await;
        }
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let filter = TaskFilter { states: vec![TaskState::Succeeded], ..TaskFilter::default() };
        let counts = async |actor: &Actor| world.store.read(actor).await.unwrap().task_counts(&filter).await.unwrap();
        let hers = counts(&acme.mia).await;
        assert_eq!((hers[&TaskState::Queued], hers[&TaskState::AwaitingApproval], hers[&TaskState::Succeeded]), (3, 1, 0));
        let theirs = counts(&acme.ada).await;
        assert_eq!((theirs[&TaskState::Queued], theirs[&TaskState::AwaitingApproval]), (0, 1));
        assert_eq!(counts(&acme.sam).await.values().sum::<i64>(), 0);
    }

    async fn pages_have_no_gaps_or_repetitions(world) {
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
