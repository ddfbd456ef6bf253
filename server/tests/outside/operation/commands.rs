//! Console commands: refusals, one-time links, lists of all tenants, and JSON.
use super::failure;
use crate::{
    client::{Credential, form},
    people::{ALL, PASSWORD},
    program::{Program, on_both},
};
use serde_json::Value;
use testkit::{ADAM, MIA, OLGA};

fn json(program: &Program, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(&program.cli(&arguments, "")).unwrap()
}

on_both! {
    async fn a_second_tenant_of_the_same_name_is_refused(program) {
        program.tenant("acme");
        let text = failure(&program.run(&["admin", "create-tenant", "--name", "acme"], ""));
        assert!(text.contains("existing one"), "{text}");
        program.tenant("bolt");
    }

    async fn a_person_without_a_password_gets_a_link(program) {
        program.tenant("acme");
        program.use_fixed_ports();
        let text = program.cli(&["admin", "create-user", "--email", "mia@acme.example"], "");
        let link = text.lines().find_map(|line| line.trim().strip_prefix(&program.origin)).expect(&text).to_owned();
        assert!(text.contains("works once"), "{text}");
        let made = json(program, &["admin", "create-user", "--email", "max@acme.example"]);
        assert!(made["id"].is_string() && made["link"].as_str().unwrap().contains("/password?token="), "{made}");
        let arguments = ["admin", "create-user", "--email", "ada@acme.example", "--password-stdin", "--json"];
        let made: Value = serde_json::from_str(&program.cli(&arguments, PASSWORD)).unwrap();
        assert!(made["link"].is_null(), "{made}");
        program.start().await;
        let page = program.get(Credential::Anonymous, &link).await.is(200);
        assert!(page.body.contains("mia@acme.example"), "{page}");
        let token = link.rsplit_once('=').unwrap().1;
        let fields = form(&[("_page", link.as_str()), ("token", token), ("password", PASSWORD), ("repeated", PASSWORD)]);
        let set = program.action(Credential::Anonymous, "setup/set-password", "text/html", &fields);
        crate::client::Response::of(set).await.is(303);
        program.sign_in("mia@acme.example").await;
    }

    async fn a_03_break_glass_access_is_refused_for_a_locked_admin(program) {
        program.tenant("acme");
        let adam = program.person(ADAM, "acme");
        let open = ["admin", "break-glass", "--on", "--user", &adam.email, "--reason", "the provider is down"];
        program.cli(&["admin", "lock-user", "--user", &adam.email], "");
        let text = failure(&program.run(&open, ""));
        assert!(text.contains("locked since") && text.contains("unlock-user"), "{text}");
        program.cli(&["admin", "unlock-user", "--user", &adam.email], "");
        program.cli(&open, "");
        let open = json(program, &["admin", "break-glass"]);
        assert_eq!(open["break_glass"][0]["email"], adam.email.as_str(), "{open}");
    }

    async fn keys_of_all_tenants_are_listed_with_the_tenant(program) {
        program.tenant("acme");
        program.tenant("bolt");
        let mia = program.person(MIA, "acme");
        program.person(MIA, "bolt");
        let all = program.cli(&["admin", "list-keys"], "");
        assert!(all.lines().count() == 2 && all.contains("acme  ") && all.contains("bolt  "), "{all}");
        let of_bolt = json(program, &["admin", "list-keys", "--tenant", "bolt"]);
        let [key] = of_bolt["keys"].as_array().unwrap().as_slice() else { panic!("{of_bolt}") };
        let names = ["tenant", "prefix", "state", "expires_at", "scopes", "owner", "owner_id", "name"];
        let mut keys: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let mut names = names.to_vec();
        names.sort_unstable();
        assert!(keys == names && key["tenant"] == "bolt" && key["state"] == "active", "{key}");
        let of_mia = json(program, &["admin", "list-keys", "--user", &mia.email]);
        assert_eq!((of_mia["keys"].as_array().unwrap().len(), &of_mia["keys"][0]["tenant"]), (1, &"acme".into()));
        assert!(failure(&program.run(&["admin", "list-keys", "--tenant", "nobody"], "")).contains("no tenant nobody"));
    }

    async fn m_11_a_command_for_an_address_of_several_tenants_needs_the_tenant(program) {
        const EMAIL: &str = "mia@example.org";
        for tenant in ["acme", "bolt"] {
            program.tenant(tenant);
            program.cli(&["admin", "create-user", "--email", EMAIL, "--role", "admin", "--tenant", tenant, "--password-stdin"], PASSWORD);
        }
        program.tenant("core");
        for command in [
            &["admin", "create-key", "--name", "ci", "--scopes", ALL, "--user"][..],
            &["admin", "create-service-account", "--name", "ci", "--responsible"],
            &["admin", "list-keys", "--user"],
            &["admin", "revoke-keys", "--user"],
            &["admin", "lock-user", "--user"],
            &["admin", "unlock-user", "--user"],
            &["admin", "end-sessions", "--user"],
            &["admin", "stop-tasks", "--user"],
            &["admin", "break-glass", "--on", "--reason", "the provider is down", "--user"],
            &["audit", "erase", "--reason", "requested", "--user"],
        ] {
            let command = [command, &[EMAIL]].concat();
            let text = failure(&program.run(&command, ""));
            assert!(text.contains("add --tenant with one of: acme, bolt"), "{command:?}: {text}");
            let text = failure(&program.run(&[&command[..], &["--tenant", "core"]].concat(), ""));
            assert!(text.contains("no person of this tenant has the address"), "{command:?}: {text}");
            program.cli(&[&command[..], &["--tenant", "bolt"]].concat(), "");
        }
        let keys = |tenant| json(program, &["admin", "list-keys", "--user", EMAIL, "--tenant", tenant])["keys"].clone();
        assert_eq!((&keys("acme"), &keys("bolt")[0]["tenant"]), (&serde_json::json!([]), &"bolt".into()));
        // The tenant of the organization counts.
        let olga = program.person(OLGA, "bolt").email;
        let whom = ["--tenant", "bolt", "--organization", "bolt", "--user", EMAIL, "--successor", &olga];
        program.cli(&[&["admin", "remove-member"], &whom[..]].concat(), "");
    }

    async fn every_command_that_prints_data_prints_json(program) {
        program.tenant("acme");
        let adam = program.person(ADAM, "acme");
        let create_key = ["admin", "create-key", "--user", &adam.email, "--name", "json", "--scopes", ALL];
        for (arguments, name) in [
            (&["admin", "create-tenant", "--name", "bolt"][..], "id"),
            (&create_key, "key"),
            (&["admin", "create-service-account", "--name", "ci", "--responsible", &adam.email], "id"),
            (&["admin", "revoke-keys", "--user", &adam.email], "revoked"),
            (&["admin", "end-sessions"], "ended"),
            (&["admin", "stop-tasks"], "stopped"),
            (&["admin", "break-glass"], "break_glass"),
            (&["admin", "rotate-session-secret"], "file"),
            (&["admin", "rotate-checkpoint-key"], "file"),
            (&["admin", "rotate-grant-key"], "file"),
            (&["audit", "erase", "--user", &adam.email, "--reason", "asked to"], "erased"),
            (&["dev", "seed", "--tasks", "1"], "tasks"),
            (&["migrate"], "tables"),
            (&["default-config"], "toml"),
        ] {
            let data = json(program, arguments);
            assert!(data.get(name).is_some(), "{arguments:?}: {data}");
        }
        assert!(json(program, &["dev", "routes"]).as_array().unwrap().len() > 50);
    }
}
