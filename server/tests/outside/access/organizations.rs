//! Organization and tenant commands at the console while the server runs (D-03, M-11).
use crate::{
    client::Credential,
    people::{console_role, start_with_member},
    program::on_both,
};
use serde_json::json;
use testkit::MIA;

on_both! {
    async fn d_03_an_organization_archived_at_the_console_refuses_api_submissions(program) {
        let mia = start_with_member(program).await;
        let task = json!({ "script": "true" });
        let submit = async || program.post(Credential::Key(&mia.key), "/api/v1/tasks", &task).await;
        let first = submit().await.is(201).json()["id"].as_str().unwrap().to_owned();
        program.until_succeeded(&mia.key, &first).await;
        let lea = program.person_named("lea", MIA, "acme");
        program.cli(&["admin", "rename-organization", "--organization", "acme", "--name", "Works"], "");
        program.cli(&["admin", "archive-organization", "--organization", "Works"], "");
        let refused = submit().await.is(422).json(); // she cannot submit to this organization
        assert!(refused.to_string().contains("archived"), "{refused}");
        let me = program.get(Credential::Key(&mia.key), "/api/v1/me").await.is(200).json();
        assert_eq!((me["organizations"][0]["name"].as_str(), me["organizations"][0]["role"].as_str()), (Some("Works"), Some("member")));
        assert!(me["organizations"][0]["archived_at"].is_string(), "{me}");
        // Without an organization argument, nobody is added to another organization.
        let by_default = ["admin", "create-user", "--email", "noa@acme.example", "--role", console_role(MIA), "--tenant", "acme"];
        for more in [&[][..], &["--organization", "Works"][..]] {
            let made = program.run(&[&by_default[..], more].concat(), "");
            assert!(!made.status.success() && String::from_utf8_lossy(&made.stderr).contains("archived"), "{made:?}");
        }
        program.get(Credential::Key(&mia.key), &format!("/api/v1/tasks/{first}")).await.is(200);
        program.cli(&["admin", "restore-organization", "--organization", "Works"], "");
        submit().await.is(201);
        let me = program.get(Credential::Key(&mia.key), "/api/v1/me").await.is(200).json();
        assert_eq!(me["organizations"][0]["archived_at"], json!(null));
        program.cli(&["admin", "remove-member", "--organization", "Works", "--user", &lea.email], "");
        program.post(Credential::Key(&lea.key), "/api/v1/tasks", &task).await.is(422);
        let unnamed = program.run(&["admin", "archive-organization"], "");
        assert!(!unnamed.status.success());
        assert!(String::from_utf8_lossy(&unnamed.stderr).contains("specify the organization"));
    }

    async fn m_11_the_account_menu_names_the_tenant_if_there_are_several(program) {
        let mia = start_with_member(program).await;
        let browser = program.sign_in(&mia.email).await;
        let menu = async || {
            let page = program.get(Credential::Browser(&browser), "/account").await.is(200).body;
            let (_, menu) = page.split_once("<p class=\"menu-who\">").unwrap();
            menu.split_once("</p>").unwrap().0.to_owned()
        };
        let only = menu().await;
        assert!(only.contains(&mia.email) && !only.contains(">acme<"), "{only}");
        program.tenant("bolt");
        let several = menu().await;
        assert!(several.contains(&mia.email) && several.contains(">acme<") && !several.contains("bolt"), "{several}");
    }
}
