//! Secrets in the environment, and rotation of the session secret (A-04, E1).
use crate::{
    client::Credential,
    processes::descendants,
    program::{Program, on_both},
};
use std::{fs, os::unix::fs::PermissionsExt};
use testkit::{ADAM, MIA};

/// 128 hexadecimal digits.
const SECRET: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e\
                      5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

/// The database URL contains its password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_e01_the_database_password_is_removed_from_the_environment() {
    let mut program = Program::postgres();
    program.set("CASTELLAN_SESSION_SECRET", SECRET);
    program.start().await;
    assert!(program.database_url().is_some() && !program.data().join("secrets/sessions.key").exists());
    for pid in descendants(program.pid()).iter().map(|process| process.pid).chain([program.pid()]) {
        let text = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("CASTELLAN_DATABASE_URL") && !text.contains("5ca1ab1e"), "{pid}: {text}");
    }
}

on_both! {
    async fn a_04_rotating_the_session_secret_keeps_sessions(program) {
        program.tenant("acme");
        let (adam, mia) = (program.person(ADAM, "acme"), program.person(MIA, "acme"));
        program.start().await;
        let (admin, browser) = (program.sign_in(&adam.email).await, program.sign_in(&mia.email).await);
        let (file, before) = (program.data().join("secrets/sessions.key"), program.data().join("secrets/sessions.key.before"));
        let first = fs::read_to_string(&file).unwrap();
        program.cli(&["admin", "rotate-session-secret"], "");
        let second = fs::read_to_string(&file).unwrap();
        assert!(first != second && !before.exists());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        program.get(Credential::Browser(&browser), "/tasks").await.is(200);
        program.kill();
        program.start().await;
        program.get(Credential::Browser(&browser), "/tasks").await.is(200);
        // A session id that is due to change is issued with the new secret.
        let fields = [("id", mia.id.as_str()), ("tenant_role", domain::role::TenantRole::Auditor.as_str())];
        program.act(Credential::Browser(&admin), "people/tenant-role", &fields).await.is(200);
        let cookie = browser.cookie();
        program.get(Credential::Browser(&browser), "/people").await.is(200);
        assert_ne!(browser.cookie(), cookie);

        // Killed between writing the files and the database: the next start completes the rotation.
        program.kill();
        let third = "ab".repeat(64);
        let private = |path: &std::path::Path, text: &str| {
            fs::write(path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        private(&before, &second);
        program.start().await;
        program.kill();
        assert!(!before.exists());
        private(&before, &second);
        private(&file, &third);
        program.start().await;
        program.get(Credential::Browser(&browser), "/people").await.is(200);
        program.kill();
        assert!(!before.exists() && fs::read_to_string(&file).unwrap() == third);

        // A different secret without a rotation is refused.
        private(&file, &"cd".repeat(64));
        assert!(program.startup_error().await.contains("secrets/sessions.key"));
        private(&file, &third);
        program.set("CASTELLAN_SESSION_SECRET", SECRET);
        assert!(program.startup_error().await.contains("rotate-session-secret"));
        program.cli(&["admin", "rotate-session-secret"], "");
        program.start().await;
        program.get(Credential::Browser(&browser), "/people").await.is(200);
        program.set("CASTELLAN_SESSION_SECRET", "too short");
        program.kill();
        let message = program.startup_error().await;
        assert!(message.contains("128 hexadecimal digits") && !message.contains("too short"), "{message}");
    }
}
