//! Wrong folders and lost keys: only the first start and the first account create a data folder, and no key is ever replaced.
use super::failure;
use crate::{
    people::PASSWORD,
    program::{Program, on_both},
    timeouts::DEFAULT_TIMEOUT,
};
use std::fs;

const WITHOUT_A_FOLDER: [&[&str]; 16] = [
    &["audit", "verify"],
    &["audit", "acknowledge", "--reason", "x"],
    &["audit", "erase", "--user", "mia@acme.example", "--reason", "x"],
    &["restore", "--reason", "x"],
    &["migrate"],
    &["migrate", "--return"],
    &["dev", "seed", "--tasks", "1"],
    &["admin", "list-keys"],
    &["admin", "create-key", "--user", "mia@acme.example", "--name", "x", "--scopes", "tasks:read"],
    &["admin", "freeze"],
    &["admin", "lock-user", "--user", "mia@acme.example"],
    &["admin", "break-glass"],
    &["admin", "rotate-session-secret"],
    &["admin", "rotate-grant-key"],
    &["admin", "rotate-checkpoint-key"],
    &["admin", "archive-organization", "--organization", "acme"],
];

on_both! {
    async fn case_bc48_commands_in_a_wrong_folder_create_nothing(program) {
        for arguments in WITHOUT_A_FOLDER {
            let text = failure(&program.run(arguments, ""));
            assert!(text.contains("no data folder here") && text.contains("CASTELLAN_DATA_DIR"), "{arguments:?}: {text}");
            assert!(text.contains(&program.data().display().to_string()), "{text}");
        }
        let doctor = program.run(&["doctor"], "");
        let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(!doctor.status.success() && text.contains("FAIL  data folder: no data folder here"), "{text}");
        assert!(!program.data().exists(), "nothing was created");
        fs::create_dir_all(program.data().join("secrets")).unwrap();
        assert!(failure(&program.run(&["admin", "freeze"], "")).contains("no database yet"));
        fs::remove_dir_all(program.data()).unwrap();
        let create = ["admin", "create-user", "--email", "mia@acme.example", "--password-stdin"];
        program.cli(&create, PASSWORD);
        program.cli(&["admin", "list-keys"], "");
    }

    async fn m_06_a_lost_key_is_never_replaced(program) {
        program.tenant("acme");
        program.start().await;
        program.stop(DEFAULT_TIMEOUT).await;
        let (secrets, kept) = (program.data().join("secrets"), program.data().join("kept"));
        for name in ["master.key", "grants.pem", "checkpoints.pem", "sessions.key", "runners-ca.key"] {
            fs::rename(secrets.join(name), &kept).unwrap();
            let text = program.startup_error().await;
            assert!(text.contains(&format!("secrets/{name} is missing")) && text.contains("Restore the file"), "{text}");
            if name != "runners-ca.key" {
                assert!(failure(&program.run(&["admin", "create-tenant", "--name", "bolt"], "")).contains("is missing"));
            }
            assert!(!secrets.join(name).exists(), "{name} was replaced");
            fs::rename(&kept, secrets.join(name)).unwrap();
        }
        fs::rename(&secrets, &kept).unwrap();
        let text = program.startup_error().await;
        assert!(text.contains("is missing") && text.contains("copy data/secrets") && !secrets.exists(), "{text}");
        assert!(failure(&program.run(&["admin", "list-keys"], "")).contains("no data folder here"));
        fs::rename(&kept, &secrets).unwrap();
        program.start().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_for_this_machine_is_printed_if_the_server_listens_on_all_addresses() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LISTEN", "0.0.0.0:0");
    program.set("CASTELLAN_TLS_SELF_SIGNED", "true");
    let out = program.spawn();
    let text = crate::timeouts::until("the link is printed", async || {
        Some(fs::read_to_string(&out).unwrap()).filter(|text| text.contains("/setup?token="))
    })
    .await;
    assert!(!text.contains("0.0.0.0") && text.contains("Castellan is at https://127.0.0.1:"), "{text}");
    assert!(text.contains("this machine only. Set public_url"), "{text}");
    program.kill();
    program.set("CASTELLAN_PUBLIC_URL", "https://castellan.example.org");
    program.start().await;
    let text = fs::read_to_string(&out).unwrap();
    assert!(program.origin == "https://castellan.example.org" && !text.contains("this machine only"), "{text}");
}
