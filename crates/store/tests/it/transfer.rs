//! Transfer from SQLite to PostgreSQL (D-12): complete, verified and resumable.
use crate::{raw::Raw, walls::Resources, world::World};
use store::{Error, Result, transfer};
use testkit::Database;

/// Returns an embedded deployment with rows in every table.
async fn deployment() -> World {
    let world = World::sqlite().await;
    Resources::create_in(&world, &world.acme).await;
    Resources::create_in(&world, &world.bolt).await;
    assert!(world.store.system().consume_sign_in([1; 32], world.now()).await.unwrap());
    world
}

async fn move_on(from: &World, to: &str) -> Result<Vec<(String, u64)>> {
    let mut tables = vec![];
    let heard = |table: &str, rows| tables.push((table.to_owned(), rows));
    transfer(from.settings_for(&from.url), from.settings_for(to), heard).await.map(|()| tables)
}

fn message(result: Result<Vec<(String, u64)>>) -> String {
    match result {
        Err(Error::Unusable(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_transfer_copies_everything() {
    let (from, to) = (deployment().await, Database::postgres());
    let tables = move_on(&from, &to.url).await.unwrap();
    let (mut before, mut after) = (Raw::of(&from).await, Raw::at(&to.url).await);
    for (table, rows) in &tables {
        assert!(
            *rows > 0 || ["setup_link", "throttle", "ceremony"].contains(&table.as_str()),
            "{table}: nothing would be proven"
        );
        let count = format!("select count(*) from {table}");
        assert_eq!(before.number(&count).await, after.number(&count).await, "{table}");
    }
    let known = after
        .texts(
            "select table_name::text from information_schema.tables where table_schema = current_schema() order by 1",
        )
        .await;
    let mut moved: Vec<_> = tables.into_iter().map(|(table, _)| table).collect();
    moved.extend(["_sqlx_migrations", "key_check", "transfer"].map(str::to_owned));
    moved.sort();
    assert_eq!(moved, known, "a table that is not moved");
    for fixture in [&from.acme, &from.bolt] {
        let sql = |actor: &str| {
            format!("select action from audit where action = 'database.transfer' and tenant_id = {actor}")
        };
        assert_eq!(before.texts(&sql(&before.id(fixture.tenant.0))).await.len(), 1, "it is on record where it went");
        assert_eq!(after.texts(&sql(&after.id(fixture.tenant.0))).await.len(), 1);
    }
    let again = move_on(&from, &to.url).await.unwrap();
    assert_eq!(again.len(), moved.len() - 3, "a second time finds everything there");
    assert_eq!(before.number("select count(*) from audit where action = 'database.transfer'").await, 2);
    from.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_an_interrupted_transfer_resumes() {
    let (from, to) = (deployment().await, Database::postgres());
    let (broken, mut heard) = tokio::sync::oneshot::channel::<()>();
    let mut broken = Some(broken);
    let progress = |table: &str, _| {
        if table == "task" {
            drop(broken.take());
        }
    };
    let part = transfer(from.settings_for(&from.url), from.settings_for(&to.url), progress);
    tokio::select! {
        biased;
        _ = &mut heard => {}
        done = part => panic!("not broken off: {done:?}"),
    }
    let mut after = Raw::at(&to.url).await;
    assert!(
        after.number("select count(*) from task").await > 0
            && after.number("select count(*) from audit_head").await == 0
    );
    move_on(&from, &to.url).await.unwrap();
    assert_eq!(after.number("select count(*) from audit where action = 'database.transfer'").await, 2, "said once");
    from.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_another_deployments_database_is_refused() {
    let (from, to) = (deployment().await, World::postgres().await);
    let text = message(move_on(&from, &to.url).await);
    assert!(text.contains("another deployment"), "{text}");
    let text = message(move_on(&to, &from.url).await);
    assert!(text.contains("from SQLite to PostgreSQL only"), "{text}");
    from.end().await;
    to.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_changes_after_the_transfer_are_detected() {
    let (from, to) = (deployment().await, Database::postgres());
    move_on(&from, &to.url).await.unwrap();
    Raw::at(&to.url).await.run("update person set name = 'Somebody else'").await.unwrap();
    let text = message(move_on(&from, &to.url).await);
    assert!(text.contains("the rows of person"), "{text}");
    from.end().await;
}
