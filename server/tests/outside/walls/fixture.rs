//! Two tenants: one with every kind of resource, and one that must not learn of them.
use crate::{
    client::{Credential, client},
    html,
    people::{Browser, Person, console_role},
    program::Program,
    timeouts::until,
};
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{ADA, ADAM, AUDREY, MIA, OLGA, VERA};

/// The callers in the order of their requests: the admin's changes come last.
pub const CALLERS: [&str; 8] = ["nobody", "outsider", "viewer", "member", "approver", "auditor", "owner", "admin"];

/// A caller with a browser and a key; `nobody` has neither.
pub struct Caller {
    pub name: &'static str,
    /// Each caller has its own address, so that they do not share rate limits.
    pub client: reqwest::Client,
    credentials: Option<(Browser, Person)>,
}

impl Caller {
    /// Returns a caller with a session but no key.
    pub fn with_browser_only(name: &'static str, client: reqwest::Client, browser: Browser) -> Self {
        let nobody = Person { id: String::new(), email: String::new(), key: String::new() };
        Self { name, client, credentials: Some((browser, nobody)) }
    }

    pub fn in_browser(&self) -> Credential<'_> {
        self.credentials.as_ref().map_or(Credential::Anonymous, |(browser, _)| Credential::Browser(browser))
    }

    pub fn with_key(&self) -> Credential<'_> {
        self.credentials.as_ref().map_or(Credential::Anonymous, |(_, person)| Credential::Key(&person.key))
    }
}

/// The first tenant's resources by name, and all callers. Everything of this tenant contains `acme`.
pub struct Fixture {
    pub resources: BTreeMap<&'static str, String>,
    pub callers: Vec<Caller>,
}

impl Fixture {
    /// Starts a deployment and creates the resources.
    pub async fn create(program: &mut Program) -> Self {
        program.tenant("acme");
        program.tenant("bolt");
        let mut people = BTreeMap::new();
        for person in [VERA, MIA, ADA, AUDREY, OLGA, ADAM] {
            let role = console_role(person);
            people.insert(role, program.person_named(role, person, "acme"));
        }
        people.insert("outsider", program.person_named("outsider", ADAM, "bolt"));
        let (mia, lea) = (program.person(MIA, "acme"), program.person_named("lea", MIA, "acme"));
        program.start().await;

        let admin = &people["admin"].key;
        let mut resources = BTreeMap::from([("mia", mia.id.clone()), ("lea", lea.id)]);
        for _ in 0..2 {
            program.sign_in(&lea.email).await; // the second time with an unknown browser
        }
        resources.insert("session", store::new_id().to_string());
        for (name, visibility) in [("private", "private"), ("org", "org"), ("public", "public")] {
            let body = json!({ "script": "echo of acme", "title": "acme's", "visibility": visibility });
            resources.insert(name, program.submit_as(&mia.key, body).await);
        }
        for name in ["private", "org", "public"] {
            program.until_succeeded(&mia.key, &resources[name]).await;
        }
        let task = json!({ "script": "echo of acme", "title": "acme's", "network_policy": "unrestricted" });
        resources.insert("unrestricted", program.submit_as(&mia.key, task).await);

        let first = |list: serde_json::Value| list["items"][0]["id"].as_str().unwrap().to_owned();
        resources
            .insert("approval", first(program.get(Credential::Key(admin), "/api/v1/approvals").await.is(200).json()));
        resources.insert("runner", first(program.get(Credential::Key(admin), "/api/v1/runners").await.is(200).json()));
        let me = program.get(Credential::Key(&mia.key), "/api/v1/me").await.is(200).json();
        resources.insert("organization", me["organizations"][0]["id"].as_str().unwrap().to_owned());
        resources.insert("key", me["key"].as_str().unwrap().to_owned());

        let mut callers = vec![];
        for (last, name) in (11..).zip(CALLERS) {
            let credentials = match people.remove(name) {
                Some(person) => Some((program.sign_in(&person.email).await, person)),
                None => None,
            };
            callers.push(Caller { name, client: client(last), credentials });
        }
        let mut fixture = Self { resources, callers };
        let admin = fixture.caller("admin");
        let fields = [("kind", "oidc"), ("label", "ID"), ("issuer", "https://id.invalid"), ("client_id", "acme")];
        let fields = [fields.as_slice(), &[("client_secret", "acme")]].concat();
        let made = program.act(admin.in_browser(), "providers/save", &fields).await.is(200).json();
        let provider = made["go_to"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        fixture.resources.insert("provider", provider);
        let admin = fixture.caller("admin");
        let fields = [("kind", "slack"), ("name", "acme's chat"), ("url_secret", "https://hook.invalid/acme")];
        let made = program.act(admin.in_browser(), "webhooks/save", &fields).await.is(200).json();
        let webhook = made["go_to"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        fixture.resources.insert("webhook", webhook);
        let admin = fixture.caller("admin");
        let fields = [
            ("name", "acme's robot"),
            ("responsible", "mia@acme.example"),
            ("role", domain::role::Role::Viewer.as_str()),
        ];
        let fields = [fields.as_slice(), &[("organization", fixture.resources["organization"].as_str())]].concat();
        let made = program.act(admin.in_browser(), "keys/service-account", &fields).await.is(200).json();
        let service_account = made["go_to"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        fixture.resources.insert("robot", service_account);
        let admin = fixture.caller("admin");
        let begun = program.act(admin.in_browser(), "reviews/start", &[]).await.is(200).json();
        let review = begun["go_to"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        fixture.resources.insert("review", review);
        let admin = fixture.caller("admin");
        program.act(admin.in_browser(), "keys/revoke", &[("id", &fixture.resources["key"])]).await.is(200);
        let page = program.get(admin.in_browser(), "/anomalies").await.is(200).body;
        let id = html::field(html::forms(&page, "anomalies/review")[0], "id");
        fixture.resources.insert("anomaly", id);
        fixture.with_unique_audit_record(program).await
    }

    pub fn caller(&self, name: &str) -> &Caller {
        self.callers.iter().find(|caller| caller.name == name).unwrap()
    }

    /// Audit events are numbered per tenant, so this one's number must be higher than any of the other tenant.
    async fn with_unique_audit_record(mut self, program: &Program) -> Self {
        let admin = self.caller("admin");
        for _ in 0..60 {
            let more = program.act(admin.in_browser(), "people/link", &[("id", &self.resources["mia"])]).await;
            more.is(200);
        }
        let newest = until("the newest record", async || {
            let page = program.get(admin.with_key(), "/api/v1/audit?limit=1").await.is(200).json();
            page["items"][0]["seq"].as_i64()
        })
        .await;
        self.resources.insert("seq", newest.to_string());
        self
    }

    /// Replaces `$name` in a text with the resource, or with the result of `instead`.
    pub fn fill(&self, text: &str, who: &str, instead: impl Fn(&str) -> Option<String>) -> String {
        let mut filled = text.replace("$who", who);
        // Longer names first, because `$org` is a prefix of `$organization`.
        let mut names: Vec<_> = self.resources.keys().copied().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in names {
            let value = instead(name).unwrap_or_else(|| self.resources[name].clone());
            filled = filled.replace(&format!("${name}"), &value);
        }
        assert!(!filled.contains('$'), "{filled}");
        filled
    }
}
