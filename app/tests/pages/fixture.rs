//! Test fixture with one tenant, a fresh database and rendered pages.
use app::{
    assets::PublicOrigin,
    document::{self, Document},
    door::{
        AddressAsked, Answer, Configured, Door, Findings, FirstAdmin, Invited, Newcomer, PasskeyAnswer, PasskeyPurpose,
        Stage, TheDoor, TotpOffer, WayIn, WaysIn,
    },
    outcome::{Answered, Done, Refusal, Said},
};
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use domain::{
    Actor, BrowserSessionId, IdentityId, OrganizationId, Principal, ProviderId, SignedInBy, TenantId, Timestamp,
    policy::{CreateOrganization, CreatePerson, CreateServiceAccount, SetMembership},
    role::{Role, TenantRole},
};
use leptos::prelude::*;
use std::sync::Arc;
use store::{MasterKey, Settings, Store};

/// 2026-03-01 14:05:09 UTC.
pub const NOW: Timestamp = Timestamp(1_772_373_909_000_000);

pub struct Fixture {
    pub store: Store,
    pub tenant: TenantId,
    pub ops: OrganizationId,
    _folder: tempfile::TempDir,
}

/// A rendered page or a redirect.
pub struct Response {
    pub status: StatusCode,
    pub location: Option<String>,
    pub html: String,
}

impl Response {
    #[track_caller]
    pub fn shows(&self, text: &str) -> &Self {
        assert!(self.html.contains(text), "{text:?} is not in\n{}", self.html);
        self
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> &Self {
        assert!(!self.html.contains(text), "{text:?} is in\n{}", self.html);
        self
    }
}

/// An authentication fake that refuses every sign-in: the tests use actors that are already signed in.
struct FakeDoor;

impl Door for FakeDoor {
    fn sign_in(&self, _: String, _: String) -> Answer<'_, ()> {
        Box::pin(async { Err(Refusal::new(app::outcome::Kind::Invalid, "The address or the password is wrong.")) })
    }
    fn stage(&self) -> Stage {
        Stage::Nobody
    }
    fn invitation(&self, _: String) -> Answer<'_, Invited> {
        Box::pin(async { Err(Refusal::new(app::outcome::Kind::NotFound, "This invitation does not work.")) })
    }
    fn held_invitation(&self) -> Option<String> {
        None
    }
    fn accept_invitation(&self, _: String) -> Answer<'_, OrganizationId> {
        Box::pin(async { Err(Refusal::new(app::outcome::Kind::NotFound, "This invitation does not work.")) })
    }
    fn join(&self, _: String, _: Newcomer) -> Answer<'_, Option<OrganizationId>> {
        Box::pin(async { Err(Refusal::new(app::outcome::Kind::NotFound, "This invitation does not work.")) })
    }
    fn factors(&self) -> Answer<'_, store::Factors> {
        Box::pin(async { Ok(store::Factors::default()) })
    }
    fn show_factor(&self, _: String) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn offer_totp(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn offered_totp(&self) -> Answer<'_, TotpOffer> {
        Box::pin(async { Ok(TotpOffer { secret: "GEZDGNBV".into(), uri: "otpauth://totp/x?secret=GEZDGNBV".into() }) })
    }
    fn sends_mail(&self) -> bool {
        true
    }
    fn change_password(&self, _: String, _: String) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn mail_password_link(&self, _: String) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn ask_address(&self, _: String) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn may_confirm_address(&self, _: String) -> Answer<'_, AddressAsked> {
        Box::pin(async { Ok(AddressAsked { email: "ada@example.net".into(), present: false }) })
    }
    fn confirm_address(&self, _: String) -> Answer<'_, bool> {
        Box::pin(async { Ok(true) })
    }
    fn passkey_host(&self) -> Option<String> {
        None
    }
    fn ask_passkey(&self, _: PasskeyPurpose) -> Answer<'_, String> {
        Box::pin(async { Ok(String::new()) })
    }
    fn add_passkey(&self, _: PasskeyAnswer, _: String) -> Answer<'_, Option<String>> {
        Box::pin(async { Ok(None) })
    }
    fn show_passkey(&self, _: PasskeyAnswer) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn sign_in_by_passkey(&self, _: PasskeyAnswer) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn confirm_totp(&self, _: String) -> Answer<'_, Option<String>> {
        Box::pin(async { Ok(None) })
    }
    fn sign_out(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn set_up(&self, _: String, _: FirstAdmin) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn set_password(&self, _: String, _: String) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn link_holder(&self, _: String) -> Answer<'_, String> {
        Box::pin(async { Ok("Ada <ada@example.org>".into()) })
    }
    fn may_set_up(&self, _: String) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
    fn ways_in(&self, _: Option<TenantId>) -> Answer<'_, WaysIn> {
        let way = WayIn { key: "acme".into(), label: "Acme <ID>".into() };
        Box::pin(async { Ok(WaysIn { password: true, providers: vec![way] }) })
    }
    fn configured(&self) -> Answer<'_, Vec<Configured>> {
        Box::pin(async { Ok(vec![]) })
    }
    fn primary_provider(&self) -> Option<String> {
        None
    }
    fn takes_loopback_issuers(&self) -> bool {
        false
    }
    fn redirect_of(&self, key: &str) -> String {
        format!("https://castellan.example.org/sign-in/from/{key}")
    }
    fn unlink_identity(&self, _: IdentityId) -> Answer<'_, ()> {
        Box::pin(async { Err(Refusal::new(app::outcome::Kind::NotFound, "There is nothing here.")) })
    }
    fn probe(&self, _: ProviderId) -> Answer<'_, Findings> {
        let issuer = "https://id.acme.example".to_owned();
        Box::pin(async { Ok(Findings { issuer, keys: 2, ..Findings::default() }) })
    }
    fn session(&self) -> Option<BrowserSessionId> {
        None
    }
}

impl Fixture {
    pub async fn new() -> Self {
        let _already = any_spawner::Executor::init_tokio();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("castellan.db").display());
        let store = Store::open(Settings { url, key: MasterKey::new([7; 32]), clock: Arc::new(|| NOW) }).await.unwrap();
        let tenant = store.system().create_tenant("Acme").await.unwrap();
        let console = Actor::console(tenant, NOW);
        let mut write = store.write(&console).await.unwrap();
        let ops = write
            .create_organization(console.may(CreateOrganization { name: "Operations".into() }).unwrap())
            .await
            .unwrap();
        write.commit().await.unwrap();
        Self { store, tenant, ops, _folder: folder }
    }

    /// Creates a person and returns them as a signed-in actor, with an optional role in Operations.
    pub async fn person(&self, name: &str, tenant_role: TenantRole, role: Option<Role>) -> Actor {
        let console = Actor::console(self.tenant, NOW);
        let email = domain::Email::parse(&format!("{name}@example.org")).unwrap();
        let mut write = self.store.write(&console).await.unwrap();
        let new = CreatePerson { email: email.clone(), name: name.into(), tenant_role };
        let person = write.create_person(console.may(new).unwrap()).await.unwrap();
        if let Some(role) = role {
            let place = SetMembership { organization: self.ops, person, role };
            write.set_membership(console.may(place).unwrap()).await.unwrap();
        }
        write.commit().await.unwrap();
        let mut actor = Actor::clock(self.tenant, NOW);
        actor.principal = Principal::Person(person);
        actor.by = SignedInBy::Password;
        (actor.name, actor.email, actor.tenant_role) = (name.into(), Some(email), tenant_role);
        actor.roles.extend(role.map(|role| (self.ops, role)));
        actor
    }

    /// Creates a service account with a role in Operations and returns it as an actor.
    pub async fn service_account(&self, admin: &Actor, responsible: &Actor, role: Role) -> Actor {
        let mut write = self.store.write(admin).await.unwrap();
        let new = CreateServiceAccount { name: "Robot".into(), responsible: responsible.person().unwrap() };
        let person = write.create_service_account(admin.may(new).unwrap()).await.unwrap();
        let place = SetMembership { organization: self.ops, person, role };
        write.set_membership(admin.may(place).unwrap()).await.unwrap();
        write.commit().await.unwrap();
        let mut actor = Actor::clock(self.tenant, NOW);
        (actor.principal, actor.by, actor.name) = (Principal::Person(person), SignedInBy::Key, "Robot".into());
        actor.roles.insert(self.ops, role);
        actor
    }

    fn context(&self, actor: Option<&Actor>, answered: Option<Answered>) -> impl Fn() + Clone + Send + Sync + 'static {
        let (store, actor) = (self.store.clone(), actor.cloned());
        move || {
            provide_context(store.clone());
            provide_context(actor.clone());
            provide_context(answered.clone());
            provide_context::<TheDoor>(Arc::new(FakeDoor));
            provide_context(PublicOrigin("https://castellan.example.org".into()));
        }
    }

    /// Renders a page.
    pub async fn get(&self, actor: Option<&Actor>, path: &str) -> Response {
        self.show(actor, path, None).await
    }

    async fn show(&self, actor: Option<&Actor>, path: &str, answered: Option<Answered>) -> Response {
        let options = LeptosOptions::builder().output_name("castellan").build();
        let document = document::render(&path.parse().unwrap(), options, self.context(actor, answered)).await;
        let Document { status, location, html, .. } = document;
        let location = location.map(|value| value.to_str().unwrap().to_owned());
        let (_, title) = html.split_once("<title>").unwrap();
        assert!(
            !title.split_once("</title>").unwrap().0.contains("<!>"),
            "the title contains a view marker, which is text there"
        );
        // Leptos separates its views with `<!>` markers; they would split texts that the tests look for.
        Response { status, location, html: html.replace("<!>", "") }
    }

    /// Calls a server function with form fields.
    pub async fn action(&self, actor: Option<&Actor>, action: &str, fields: &[(&str, &str)]) -> Result<Done, Refusal> {
        let body: Vec<_> =
            fields.iter().map(|(n, v)| format!("{}={}", app::ui::escaped(n), app::ui::escaped(v))).collect();
        let request = Request::post(action)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Body::from(body.join("&")))
            .unwrap();
        let response = leptos_axum::handle_server_fns_with_context(self.context(actor, None), request).await;
        let response = axum::response::IntoResponse::into_response(response);
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        match status.is_success() {
            true => Ok(serde_json::from_slice(&body).unwrap()),
            false => Err(serde_json::from_slice(&body)
                .unwrap_or_else(|_| panic!("{status}: {}", String::from_utf8_lossy(&body)))),
        }
    }

    /// Submits a form as a browser without JavaScript does. Returns the page with the result, or the redirect.
    pub async fn submit_form(
        &self,
        actor: Option<&Actor>,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let result = match self.action(actor, action, fields).await {
            Ok(Done::Secret(shown) | Done::Found(shown)) => Ok(shown),
            Err(refusal) => Err(refusal),
            Ok(done) => {
                let to = if let Done::GoTo(path) = done { path } else { page.to_owned() };
                return Response { status: StatusCode::SEE_OTHER, location: Some(to), html: String::new() };
            }
        };
        let values = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.show(actor, page, Some(Answered { action: action.into(), values, result, said: Said::default() })).await
    }
}
