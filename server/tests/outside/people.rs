//! Tenants, people and keys, created at the console, and their browsers.
use crate::{
    client::{Credential, Response, form},
    program::Program,
};
use domain::role::TenantRole;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use testkit::{MIA, TestPerson, email_address};

/// The password of every test account.
pub const PASSWORD: &str = "violet tractor cloud 91";

/// All scopes that a key can have.
pub const ALL: &str = "tasks:*,approvals:*,audit:read";

/// A person with an account and a key.
#[derive(Debug, Deserialize, Serialize)]
pub struct Person {
    pub id: String,
    pub email: String,
    pub key: String,
}

/// A browser with its session cookie.
pub struct Browser(Mutex<String>);

impl Browser {
    /// Returns a browser with this session cookie.
    pub fn with(cookie: &str) -> Self {
        Self(Mutex::new(cookie.to_owned()))
    }

    pub fn cookie(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    pub fn cookie_line(&self) -> String {
        format!("castellan={}", self.cookie())
    }

    pub fn keep(&self, cookie: String) {
        *self.0.lock().unwrap() = cookie;
    }
}

impl Program {
    /// Creates a tenant with an organization of the same name.
    pub fn tenant(&self, name: &str) {
        self.cli(&["admin", "create-tenant", "--name", name], "");
    }

    /// Creates a person at NAME@TENANT.example with a password and a key with all scopes.
    pub fn person(&self, person: TestPerson, tenant: &str) -> Person {
        self.person_named(person.name, person, tenant)
    }

    /// Creates a person of another name with the roles of a test person.
    pub fn person_named(&self, name: &str, roles: TestPerson, tenant: &str) -> Person {
        let (email, role) = (email_address(name, tenant), console_role(roles));
        let arguments =
            ["admin", "create-user", "--email", &email, "--role", role, "--tenant", tenant, "--password-stdin"];
        let id = self.cli(&arguments, PASSWORD);
        let key = self.key(&email, ALL);
        Person { id, email, key }
    }

    /// Creates another key.
    pub fn key(&self, email: &str, scopes: &str) -> String {
        self.cli(&["admin", "create-key", "--user", email, "--name", "tests", "--scopes", scopes], "")
    }

    /// Submits the sign-in form without JavaScript.
    pub async fn try_sign_in(&self, email: &str, password: &str, more: &[(&str, &str)]) -> Response {
        let fields = [&[("_page", "/sign-in"), ("email", email), ("password", password)], more].concat();
        Response::of(self.action(Credential::Anonymous, "login/sign-in", "text/html", &form(&fields))).await
    }

    /// Signs a person in.
    pub async fn sign_in(&self, email: &str) -> Browser {
        let response = self.try_sign_in(email, PASSWORD, &[]).await.is(303);
        Browser::with(&response.cookie().expect("the sign-in sets a cookie"))
    }

    /// Returns whether the cookie belongs to a full session.
    pub async fn is_signed_in(&self, cookie: &str) -> bool {
        let browser = Browser::with(cookie);
        match self.get(Credential::Browser(&browser), "/browser-sessions").await {
            Response { status: 200, .. } => true,
            response => {
                assert!(response.is(303).header("location").starts_with("/sign-in"));
                false
            }
        }
    }
}

/// Returns the roles of a test person as the console's option `--role`.
pub fn console_role(person: TestPerson) -> &'static str {
    match (person.tenant_role, person.role) {
        (TenantRole::Person, Some(role)) => role.as_str(),
        (TenantRole::Person, None) => panic!("the console creates nobody without a role"),
        (tenant_role, _) => tenant_role.as_str(),
    }
}

/// Starts a deployment with one tenant and one member.
pub async fn start_with_member(program: &mut Program) -> Person {
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    mia
}
