//! In-process browser that stores cookies and follows no redirects.
use crate::{
    html,
    test_env::{Response, TenantFixture, TestEnv},
};
use axum::{Router, body::Body};
use domain::{
    Email, PersonId,
    policy::{CreatePerson, SetMembership},
    role::{Role, TenantRole},
};
use http::{Request, header};
use std::{cell::RefCell, collections::HashMap, net::IpAddr, time::Duration};
use tower::ServiceExt;

/// The password of every test account.
pub const PASSWORD: &str = "violet tractor cloud 91";

/// A browser with its cookies.
pub struct Browser<'a> {
    env: &'a TestEnv,
    router: Router,
    cookies: RefCell<HashMap<String, String>>,
    /// The client address of its requests, if the test sets one.
    address: Option<IpAddr>,
}

/// Returns a browser without cookies.
pub fn browser(env: &TestEnv) -> Browser<'_> {
    let router = server::serve::routes(&env.app, "http://localhost:9876").unwrap();
    Browser { env, router, cookies: RefCell::default(), address: None }
}

/// Creates a person with a password who is an approver in `ops`.
pub async fn person(env: &TestEnv, tenant: &TenantFixture, name: &str, tenant_role: TenantRole) -> PersonId {
    let (console, email) = (&tenant.console, Email::parse(&format!("{name}@acme.example")).unwrap());
    let hash = server::authentication::Hasher::new().unwrap().hash(PASSWORD.into()).await.unwrap();
    env.change(console, async |write| {
        let person = write.create_person(console.may(CreatePerson { email, name: name.into(), tenant_role })?).await?;
        let join = SetMembership { organization: tenant.ops, person, role: Role::Approver };
        write.set_membership(console.may(join)?).await?;
        write.set_password(person, &hash).await?;
        Ok(person)
    })
    .await
}

impl Browser<'_> {
    /// Returns a browser with the same cookies, as after cookie theft.
    pub fn copy(&self) -> Self {
        Self { env: self.env, router: self.router.clone(), cookies: self.cookies.clone(), address: self.address }
    }

    /// Returns the same browser at another client address.
    pub fn from(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// Sets the session cookie.
    pub fn take_cookie(&self, value: &str) {
        self.cookies.borrow_mut().insert("castellan".into(), value.into());
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Response {
        let cookies: Vec<_> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header(header::COOKIE, cookies.join("; ")).body(Body::from(body)).unwrap();
        if let Some(address) = self.address {
            request.extensions_mut().insert(server::http::ClientAddress(address));
        }
        let mut response = Response::of(self.router.clone().oneshot(request).await.unwrap()).await;
        response.body = response.body.replace("<!>", ""); // Leptos inserts markers between its views
        for line in response.headers.get_all(header::SET_COOKIE) {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        response
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path), String::new()).await
    }

    /// Returns the status of a page.
    pub async fn status(&self, path: &str) -> u16 {
        self.get(path).await.status.as_u16()
    }

    /// Submits a form as an island does, for a JSON response.
    pub async fn act(&self, action: &str, fields: &[(&str, &str)]) -> Response {
        self.post("application/json", action, fields).await
    }

    /// Submits the form on `page` without JavaScript.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        self.post("text/html", action, &[&[("_page", page)], fields].concat()).await
    }

    async fn post(&self, accept: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(format!("/actions/{action}")).header(header::ACCEPT, accept);
        self.send(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"), body).await
    }

    /// Signs in with the password; a second factor may still be missing.
    pub async fn sign_in(&self, name: &str) {
        let fields = [("email", format!("{name}@acme.example")), ("password", PASSWORD.into())];
        let response = self.act("login/sign-in", &fields.each_ref().map(|(n, v)| (*n, v.as_str()))).await;
        assert_eq!(response.status, 200, "{response:?}");
    }

    /// Sets up an authenticator app in the current session and returns it with the recovery codes.
    pub async fn enroll(&self) -> (AuthenticatorApp, Vec<String>) {
        let begun = self.act("factors/offer-totp", &[]).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let app = AuthenticatorApp::of(&self.get("/authenticator").await.body);
        let response = self.act("factors/confirm-totp", &[("code", &app.code(self.env, 0))]).await;
        assert_eq!(response.status, 200, "{response:?}");
        let codes = response.json()["secret"].as_str().unwrap_or_default().lines().map(str::to_owned).collect();
        (app, codes)
    }

    /// Returns whether the browser has a full session.
    pub async fn is_signed_in(&self) -> bool {
        self.status("/browser-sessions").await == 200
    }
}

/// An authenticator app (TOTP, RFC 6238).
pub struct AuthenticatorApp(totp_rs::Totp);

impl AuthenticatorApp {
    /// Reads the secret from the setup page.
    pub fn of(page: &str) -> Self {
        let secret = totp_rs::Secret::try_from_base32(html::totp_secret(page)).unwrap();
        Self(totp_rs::Builder::new().with_secret(secret).build().unwrap())
    }

    /// Returns the code that the app shows `steps` time steps from now.
    pub fn code(&self, env: &TestEnv, steps: i64) -> String {
        let seconds = env.app.store.now().seconds() + steps * 30;
        self.0.generate(u64::try_from(seconds).unwrap()).to_string()
    }
}

/// The time step after which the app shows a new code.
pub const STEP: Duration = Duration::from_secs(30);
