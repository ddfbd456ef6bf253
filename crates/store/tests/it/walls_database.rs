//! Tenant isolation in the database (M-11), for statements that omit the tenant: composite keys on both, row-level security
//! on PostgreSQL.
use crate::{
    raw::Raw,
    walls::Resources,
    world::{World, on_both},
};
use sqlx::{Connection, PgConnection};

/// Every column that references another row of the same tenant.
const POINTERS: &[(&str, &str)] = &[
    ("membership", "organization_id"),
    ("membership", "person_id"),
    ("password_link", "person_id"),
    ("browser_session", "person_id"),
    ("totp", "person_id"),
    ("passkey", "person_id"),
    ("recovery_code", "person_id"),
    ("account_event", "person_id"),
    ("address_change", "person_id"),
    ("known_device", "person_id"),
    ("known_network", "person_id"),
    ("failure_count", "person_id"),
    ("anomaly", "person_id"),
    ("anomaly", "notify_id"),
    ("key_network", "key_id"),
    ("key_hour", "key_id"),
    ("daily_usage", "person_id"),
    ("api_key", "owner_id"),
    ("api_key", "creator_id"),
    ("organization_former_name", "organization_id"),
    ("task", "organization_id"),
    ("task", "owner_id"),
    ("task_label", "task_id"),
    ("task_word", "task_id"),
    ("task_log", "task_id"),
    ("approval", "task_id"),
    ("decision", "approval_id"),
    ("decision", "person_id"),
];

on_both! {
    async fn no_row_references_another_tenant(world) {
        Resources::create_in(world, &world.acme).await;
        Resources::create_in(world, &world.bolt).await;
        let mut raw = Raw::of(world).await;
        let one_row = if world.is_sqlite() { "rowid" } else { "ctid" };
        let (acme, bolt) = (raw.id(world.acme.tenant.0), raw.id(world.bolt.tenant.0));
        for (table, column) in POINTERS {
            let row = match *table {
                "task_word" => "(task_id, word)", // without rowid, like the next
                "task_label" => "(task_id, key)",
                _ => one_row,
            };
            let theirs = format!("(select {column} from {table} where tenant_id = {bolt} limit 1)");
            let one = format!("(select {} from {table} where tenant_id = {acme} limit 1)", row.trim_matches(['(', ')']));
            let moved = raw.run(&format!("update {table} set {column} = {theirs} where {row} = {one}")).await;
            let error = moved.expect_err(&format!("{table}.{column} may point to another tenant")).to_string();
            assert!(error.to_lowercase().contains("foreign key"), "{table}.{column}: {error}");
        }
    }

    async fn a_task_cannot_be_inserted_into_another_tenants_organization(world) {
        let resources = Resources::create_in(world, &world.acme).await;
        let _ = resources;
        let mut raw = Raw::of(world).await;
        let (acme, theirs, id) = (raw.id(world.acme.tenant.0), raw.id(world.bolt.ops.0), raw.id(store::new_id()));
        let rest = "owner_id, title, tool, visibility, network, priority, state, required_approval, rule, rules_version, self_approval, judgment_signature,
            script, request, request_digest, submission_digest, created_at";
        let insert = |organization: &str| {
            format!("insert into task (tenant_id, id, organization_id, {rest}) select tenant_id, {id}, {organization}, {rest}
                from task where tenant_id = {acme} limit 1")
        };
        let error = raw.run(&insert(&theirs)).await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("foreign key"), "{error}");
        assert_eq!(raw.run(&insert("organization_id")).await.unwrap(), 1, "into one's own it can");
    }
}

async fn tables(raw: &mut Raw) -> Vec<String> {
    let tables = raw
        .texts("select table_name::text from information_schema.columns where column_name = 'tenant_id' order by 1")
        .await;
    assert!(tables.len() >= 17, "{tables:?}");
    tables
}

/// Row-level security exists on PostgreSQL only.
mod row_level_security {
    use super::*;

    /// Returns the tables with a tenant column, and the table of tenants.
    async fn walled(raw: &mut Raw) -> Vec<String> {
        let mut tables = tables(raw).await;
        tables.push("tenant".into());
        tables.sort();
        tables
    }

    #[tokio::test]
    async fn m_11_a_transaction_without_a_tenant_sees_no_rows() {
        let world = World::postgres().await;
        Resources::create_in(&world, &world.acme).await;
        Resources::create_in(&world, &world.bolt).await;
        let (mut raw, mut outside) = (Raw::of(&world).await, Raw::outside(&world).await);
        for table in walled(&mut raw).await {
            let count = format!("select count(*) from {table}");
            let all = raw.number(&count).await;
            assert!(all > 0, "{table} is empty: this would prove nothing");
            assert_eq!(outside.number(&count).await, 0, "{table}");
            outside.run(&format!("set castellan.tenant = '{}'", world.acme.tenant)).await.unwrap();
            let ours = outside.number(&count).await;
            let whose = if table == "tenant" { "id" } else { "tenant_id" };
            let foreign = format!("{count} where {whose} <> '{}'", world.acme.tenant);
            assert!(ours > 0 && ours < all, "{table}");
            assert_eq!(outside.number(&foreign).await, 0, "{table}");
            outside.run("set castellan.tenant = ''").await.unwrap();
        }
        world.end().await;
    }

    #[tokio::test]
    async fn m_11_row_level_security_is_forced_on_every_table_with_a_tenant() {
        let world = World::postgres().await;
        let mut raw = Raw::outside(&world).await;
        let forced = raw
            .texts("select relname::text from pg_class where relkind = 'r' and relrowsecurity and relforcerowsecurity order by 1")
            .await;
        assert_eq!(forced, walled(&mut raw).await);
        world.end().await;
    }

    #[tokio::test]
    async fn m_11_a_row_cannot_be_written_into_another_tenant() {
        let world = World::postgres().await;
        let mut raw = Raw::outside(&world).await;
        raw.run(&format!("set castellan.tenant = '{}'", world.acme.tenant)).await.unwrap();
        let insert = |tenant| {
            format!(
                "insert into organization (tenant_id, id, name, created_at) values ('{tenant}', '{}', 'spy', 0)",
                store::new_id()
            )
        };
        let error = raw.run(&insert(world.bolt.tenant)).await.unwrap_err().to_string();
        assert!(error.contains("row-level security"), "{error}");
        raw.run(&insert(world.acme.tenant)).await.unwrap();
        let moved =
            raw.run(&format!("update organization set tenant_id = '{}' where name = 'spy'", world.bolt.tenant)).await;
        assert!(moved.unwrap_err().to_string().contains("row-level security"));
        assert_eq!(
            raw.run(&format!("delete from organization where tenant_id = '{}'", world.bolt.tenant)).await.unwrap(),
            0
        );
        world.end().await;
    }

    /// The tenant setting ends with the transaction, so a pooled connection carries none to the next one.
    #[tokio::test]
    async fn m_11_a_connection_forgets_the_tenant_with_its_transaction() {
        let world = World::postgres().await;
        let mut connection = PgConnection::connect(&world.url).await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        sqlx::query("select set_config('castellan.tenant', $1, true)")
            .bind(world.acme.tenant.to_string())
            .execute(&mut *tx)
            .await
            .unwrap();
        let seen: i64 = sqlx::query_scalar("select count(*) from person").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, 8);
        tx.commit().await.unwrap();
        let seen: i64 = sqlx::query_scalar("select count(*) from person").fetch_one(&mut connection).await.unwrap();
        assert_eq!(seen, 0);
        world.end().await;
    }
}
