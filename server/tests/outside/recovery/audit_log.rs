//! Audit log that was forked or rolled back, with the real program: refused at the start, reported by `castellan audit verify` with its
//! exit status, and continued after an acknowledgment.
use crate::{
    people::{PASSWORD, console_role},
    program::Program,
    timeouts::DEFAULT_TIMEOUT,
};
use serde_json::Value;
use std::fs;
use testkit::{ADAM, sqlite3};

fn status(program: &Program, arguments: &[&str]) -> (i32, String) {
    let output = program.run(arguments, "");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn json(program: &Program) -> Value {
    serde_json::from_slice(&program.run(&["audit", "verify", "--json"], "").stdout).unwrap()
}

/// Runs statements as the owner of the database.
fn tamper(program: &Program, sql: &str) {
    match program.database_url() {
        Some(_) => program.sql(&format!("set castellan.system = 'on'; {sql}")),
        None => sqlite3(&program.data().join("castellan.db"), sql),
    }
}

crate::program::on_both! {
    /// X5, trap E19: cut, grown again, and a start that would sign the fork.
    async fn x5_trap_e19_a_forked_log_is_refused_until_an_admin_acknowledges_it(program) {
        // A runner that disconnects at shutdown would add an event that is not signed.
        program.configure("[local_runner]\nenabled = false\n");
        program.tenant("example");
        program.cli(&["admin", "create-user", "--email", "ada@example.org", "--role", console_role(ADAM), "--password-stdin"], PASSWORD);
        let (code, text) = status(program, &["audit", "verify"]);
        assert_eq!(code, 4, "nothing was signed yet: {text}");
        assert!(text.contains("no checkpoint to compare with"), "{text}");
        assert_eq!(json(program)["result"], "no_witness");
        program.start().await;
        program.stop(DEFAULT_TIMEOUT).await;
        let (code, text) = status(program, &["audit", "verify"]);
        assert_eq!(code, 0, "{text}");
        let clean = json(program);
        assert_eq!(clean["result"], "verified", "{clean}");
        let events = clean["tenants"][0]["events"].as_i64().unwrap();
        let copy = program.data().join("copy");
        fs::copy(program.data().join("checkpoints"), &copy).unwrap();

        tamper(program, match program.database_url() {
            Some(_) => "drop trigger audit_append_only on audit",
            None => "drop trigger audit_no_update; drop trigger audit_no_delete",
        });
        let left = events - 2;
        tamper(program, &format!("delete from audit where seq > {left};
            update audit_head set seq = {left}, hash = (select hash from audit where seq = {left})"));
        let refused = program.startup_error().await;
        assert!(refused.contains("is missing; a signed checkpoint covers") && refused.contains("castellan audit acknowledge"), "{refused}");
        // The old size again, with other events.
        for command in ["freeze", "unfreeze"] {
            program.cli(&["admin", command], "");
        }
        let refused = program.startup_error().await;
        assert!(refused.contains("differs from the signed checkpoint"), "{refused}");
        let (code, text) = status(program, &["audit", "verify"]);
        assert_eq!(code, 3, "{text}");
        assert_eq!(json(program)["result"], "altered");
        // Without the file and its copy in the database, only the copy elsewhere shows it.
        let checkpoints = program.data().join("checkpoints");
        fs::remove_file(&checkpoints).unwrap();
        assert!(program.startup_error().await.contains("was shortened, changed or removed"));
        tamper(program, "delete from checkpoint");
        assert_eq!(status(program, &["audit", "verify"]).0, 4);
        let against = copy.display().to_string();
        assert_eq!(status(program, &["audit", "verify", "--against", &against]).0, 3);
        for wrong in ["/nowhere", "/dev/null", "/etc/passwd"] {
            assert_eq!(status(program, &["audit", "verify", "--against", wrong]).0, 1, "{wrong}");
        }
        fs::copy(&copy, &checkpoints).unwrap();

        program.cli(&["audit", "acknowledge", "--reason", "drill"], "");
        program.start().await;
        program.stop(DEFAULT_TIMEOUT).await;
        let (code, text) = status(program, &["audit", "verify"]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(&format!("rolled back from {events} events")), "{text}");
        assert_eq!(json(program)["tenants"][0]["rollbacks"][0]["size"], events);
        assert_eq!(status(program, &["audit", "verify", "--against", &against]).0, 0, "the copy knows the old log");
        assert_eq!(status(program, &["audit", "acknowledge", "--reason", "again"]).0, 1);
    }
}
