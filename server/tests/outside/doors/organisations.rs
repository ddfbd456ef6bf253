//! D-03: organisations at the console, beside a server that runs.
use serde_json::json;

use crate::{ask::Who, people::begin_as_member, program::on_both};

on_both! {
    async fn d_03_the_console_archives_an_organisation_for_programs_too(program) {
        let mia = begin_as_member(program).await;
        let task = json!({ "script": "true" });
        let submit = async || program.post(Who::Key(&mia.key), "/api/v1/tasks", &task).await;
        let first = submit().await.is(201).json()["id"].as_str().unwrap().to_owned();
        program.until_succeeded(&mia.key, &first).await;
        let lea = program.person("lea", "acme", "member");
        program.say(&["admin", "rename-organisation", "--organisation", "acme", "--name", "Works"], "");
        program.say(&["admin", "archive-organisation", "--organisation", "Works"], "");
        let refused = submit().await.is(422).json(); // it is no organisation of hers that takes tasks
        assert!(refused.to_string().contains("archived"), "{refused}");
        let me = program.get(Who::Key(&mia.key), "/api/v1/me").await.is(200).json();
        assert_eq!((me["organisations"][0]["name"].as_str(), me["organisations"][0]["role"].as_str()), (Some("Works"), Some("member")));
        assert!(me["organisations"][0]["archived_at"].is_string(), "{me}");
        // Nobody is put into another organisation that nobody asked for.
        let by_default = ["admin", "create-user", "--email", "noa@acme.example", "--role", "member", "--tenant", "acme"];
        for more in [&[][..], &["--organisation", "Works"][..]] {
            let made = program.run(&[&by_default[..], more].concat(), "");
            assert!(!made.status.success() && String::from_utf8_lossy(&made.stderr).contains("archived"), "{made:?}");
        }
        program.get(Who::Key(&mia.key), &format!("/api/v1/tasks/{first}")).await.is(200);
        program.say(&["admin", "restore-organisation", "--organisation", "Works"], "");
        submit().await.is(201);
        let me = program.get(Who::Key(&mia.key), "/api/v1/me").await.is(200).json();
        assert_eq!(me["organisations"][0]["archived_at"], json!(null));
        program.say(&["admin", "remove-member", "--organisation", "Works", "--user", &lea.email], "");
        program.post(Who::Key(&lea.key), "/api/v1/tasks", &task).await.is(422);
        let unnamed = program.run(&["admin", "archive-organisation"], "");
        assert!(!unnamed.status.success());
        assert!(String::from_utf8_lossy(&unnamed.stderr).contains("name the organisation"));
    }
}
