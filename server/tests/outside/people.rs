//! Tenants, people and keys, made at the console beside a server that runs or not; and browsers in which they sign in.
use std::sync::Mutex;

use crate::{
    client::{Response, Who, form},
    program::Program,
};

/// Everybody's: long, and nothing that anybody would guess.
pub const PASSWORD: &str = "violet tractor cloud 91";

/// Everything that a key can do.
pub const ALL: &str = "tasks:*,approvals:*,audit:read";

/// Somebody with an account.
pub struct Person {
    pub id: String,
    pub email: String,
    pub key: String,
}

/// A browser with the cookie that it holds.
pub struct Browser(Mutex<String>);

impl Browser {
    /// One that holds this cookie.
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
    /// Makes a tenant with an organization of the same name.
    pub fn tenant(&self, name: &str) {
        self.cli(&["admin", "create-tenant", "--name", name], "");
    }

    /// Makes a person with a password and a key that may do everything, at NAME@TENANT.example.
    pub fn person(&self, name: &str, tenant: &str, role: &str) -> Person {
        let email = format!("{name}@{tenant}.example");
        let arguments =
            ["admin", "create-user", "--email", &email, "--role", role, "--tenant", tenant, "--password-stdin"];
        let id = self.cli(&arguments, PASSWORD);
        let key = self.key(&email, ALL);
        Person { id, email, key }
    }

    /// Makes a further key.
    pub fn key(&self, email: &str, scopes: &str) -> String {
        self.cli(&["admin", "create-key", "--user", email, "--name", "tests", "--scopes", scopes], "")
    }

    /// Sends the sign-in form as a page does.
    pub async fn try_sign_in(&self, email: &str, password: &str, more: &[(&str, &str)]) -> Response {
        let fields = [&[("_page", "/sign-in"), ("email", email), ("password", password)], more].concat();
        Response::of(self.action(Who::Nobody, "login/sign-in", "text/html", &form(&fields))).await
    }

    /// Signs a person in.
    pub async fn sign_in(&self, email: &str) -> Browser {
        let response = self.try_sign_in(email, PASSWORD, &[]).await.is(303);
        Browser::with(&response.cookie().expect("signing in sets a cookie"))
    }

    /// Whether the cookie opens anything.
    pub async fn is_signed_in(&self, cookie: &str) -> bool {
        let browser = Browser::with(cookie);
        match self.get(Who::Browser(&browser), "/browser-sessions").await {
            Response { status: 200, .. } => true,
            response => {
                assert!(response.is(303).header("location").starts_with("/sign-in"));
                false
            }
        }
    }
}

/// A tenant with one member, in a deployment that runs.
pub async fn start_with_member(program: &mut Program) -> Person {
    program.tenant("acme");
    let mia = program.person("mia", "acme", "member");
    program.start().await;
    mia
}
