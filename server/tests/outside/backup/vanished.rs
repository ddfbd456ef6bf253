//! Backups after a tenant vanished from the database and an admin acknowledged that: the acknowledgment is in the backup, too.
use super::{back_up, query, restored, verify};
use crate::{program::Program, recovery::begin, timeouts::DEFAULT_TIMEOUT};
use testkit::sqlite3;

/// Removes a tenant as an attacker with the database file could.
fn remove(program: &Program, name: &str) {
    let database = program.data().join("castellan.db");
    let tables = "select m.name from sqlite_master m where m.type = 'table' and exists
        (select 1 from pragma_table_info(m.name) c where c.name = 'tenant_id')";
    let mut statements = String::new();
    for trigger in query(&database, "select name from sqlite_master where type = 'trigger'").lines() {
        statements.push_str(&format!("drop trigger {trigger};"));
    }
    for table in query(&database, tables).lines() {
        statements
            .push_str(&format!("delete from {table} where tenant_id = (select id from tenant where name = '{name}');"));
    }
    sqlite3(&database, &format!("{statements} delete from tenant where name = '{name}'"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_a_backup_after_an_acknowledged_loss_of_a_tenant_is_restored() {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    program.tenant("gone");
    begin(&mut program).await;
    program.stop(DEFAULT_TIMEOUT).await;
    remove(&program, "gone");
    assert!(program.startup_error().await.contains("restore"));
    program.cli(&["audit", "acknowledge", "--reason", "drill"], "");
    // Nothing else is signed before the backup.
    let file = back_up(&program, "backup.tar");
    restored(&program, &file);
    assert_eq!(verify(&program, &[]).0, 0);
    program.start().await;
}
