//! PostgreSQL baseline: a queue in one table, claimed with `for update skip locked`.
use crate::spread::rate;
use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgPoolOptions};
use std::time::{Duration, Instant};

/// Creates an empty database in the cluster and returns its URL.
///
/// # Errors
/// Fails if the database cannot be created.
pub async fn database(cluster: &str) -> Result<String> {
    let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
    let mut admin = PgConnection::connect(cluster).await?;
    sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut admin).await?;
    let server = cluster.rsplit_once('/').map_or(cluster, |(server, _)| server);
    Ok(format!("{server}/{name}"))
}

/// Returns the rate of rows claimed by concurrent clients, each of which takes `batch` per commit.
///
/// # Errors
/// Fails if a statement fails.
pub async fn claims(url: &str, rows: u32, clients: u32, batch: i64) -> Result<f64> {
    let pool = PgPoolOptions::new().max_connections(clients).connect(url).await?;
    sqlx::query("create table raw_queue (id bigint primary key, state text not null, body text not null)")
        .execute(&pool)
        .await?;
    sqlx::query("create index raw_queued on raw_queue (id) where state = 'queued'").execute(&pool).await?;
    let fill = "insert into raw_queue select n, 'queued', repeat('x', 1000) from generate_series(1, $1) n";
    sqlx::query(fill).bind(i64::from(rows)).execute(&pool).await?;
    sqlx::query("analyze raw_queue").execute(&pool).await?;
    let begin = Instant::now();
    let lanes: Vec<_> = (0..clients).map(|_| tokio::spawn(claim_all(pool.clone(), batch))).collect();
    for lane in lanes {
        lane.await??;
    }
    let made = rate(usize::try_from(rows)?, begin.elapsed());
    sqlx::query("drop table raw_queue").execute(&pool).await?;
    pool.close().await;
    Ok(made)
}

async fn claim_all(pool: sqlx::PgPool, batch: i64) -> Result<()> {
    let sql = "update raw_queue set state = 'taken' where id in (select id from raw_queue where state = 'queued'
        order by id limit $1 for update skip locked)";
    while sqlx::query(sql).bind(batch).execute(&pool).await?.rows_affected() > 0 {}
    Ok(())
}

/// Returns the rate of sequential commits of a row as large as an audit record.
///
/// # Errors
/// Fails if a statement fails.
pub async fn commits(url: &str, span: Duration) -> Result<f64> {
    let mut raw = PgConnection::connect(url).await?;
    sqlx::query("create table raw_record (seq bigserial primary key, body text not null)").execute(&mut raw).await?;
    let (body, begin, mut count) = ("x".repeat(1_000), Instant::now(), 0);
    while begin.elapsed() < span {
        let mut tx = raw.begin().await?;
        sqlx::query("insert into raw_record (body) values ($1)").bind(&body).execute(&mut *tx).await?;
        tx.commit().await?;
        count += 1;
    }
    let made = rate(count, begin.elapsed());
    sqlx::query("drop table raw_record").execute(&mut raw).await?;
    Ok(made)
}
