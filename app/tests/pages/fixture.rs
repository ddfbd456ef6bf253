//! Test fixture with one tenant, a fresh database and rendered pages.
use app::{
    assets::PublicOrigin,
    document::{self, Document},
    outcome::{Answered, Done, Refusal, RefusalShown},
};
use auth::{Auth, Hasher, SessionKey, Sessions, SignIn, SignInRequest, providers::ConfiguredProvider};
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use domain::{
    Actor, OrganizationId, Principal, SignedInBy, TenantId, Timestamp,
    policy::{CreateOrganization, CreateServiceAccount},
    provider::ProviderForm,
    role::Role,
};
use leptos::prelude::*;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use store::Store;
use testkit::{Clock, Database, TestPerson, create_people, join};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tower_sessions::Session;

/// The time of every page.
pub const NOW: Timestamp = testkit::START;

pub struct Fixture {
    pub store: Store,
    pub tenant: TenantId,
    pub ops: OrganizationId,
    auth: Auth,
    sessions: Arc<Sessions>,
    _folder: tempfile::TempDir,
    pub database: Database,
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

/// A provider of the configuration file.
fn acme_id() -> ConfiguredProvider {
    let form = ProviderForm {
        kind: "oidc".into(),
        label: "Acme <ID>".into(),
        issuer: "https://id.acme.example".into(),
        client_id: "castellan".into(),
        ..ProviderForm::default()
    };
    let provider = form.check().unwrap();
    ConfiguredProvider { key: "acme".into(), tenant: None, provider, secret: "secret".to_owned().into() }
}

/// The URL of an issuer on a loopback address, which serves a discovery document and an empty key set.
pub async fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let discovery = serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
    .to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let is_keys = request[..length].starts_with(b"GET /keys");
            let body = if is_keys { r#"{"keys":[]}"# } else { &discovery };
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let response = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    issuer
}

impl Fixture {
    pub async fn new() -> Self {
        let _already = any_spawner::Executor::init_tokio();
        let (folder, database) = (tempfile::tempdir().unwrap(), Database::sqlite());
        let store = Store::open(testkit::settings(&database.url, [7; 32], &Clock::default())).await.unwrap();
        let tenant = store.system().create_tenant("Acme").await.unwrap();
        let console = Actor::console(tenant, NOW);
        let mut write = store.write(&console).await.unwrap();
        let ops = write
            .create_organization(console.may(CreateOrganization { name: "Operations".into() }).unwrap())
            .await
            .unwrap();
        write.commit().await.unwrap();
        let key = SessionKey::new(Box::new([7; 64]));
        let settings = auth::Settings {
            loopback_issuers: true,
            providers: vec![acme_id()],
            ..auth::Settings::new("https://castellan.example.org", &key, folder.path())
        };
        let auth = Auth::new(store.clone(), settings, Hasher::new().unwrap()).unwrap();
        let sessions = Arc::new(Sessions::new(store.clone(), &key, Duration::from_hours(12)));
        Self { store, tenant, ops, auth, sessions, _folder: folder, database }
    }

    /// Creates a person and returns them as a signed-in actor. Their role is in Operations.
    pub async fn person(&self, person: TestPerson) -> Actor {
        let console = Actor::console(self.tenant, NOW);
        let mut write = self.store.write(&console).await.unwrap();
        let [id] = create_people(&mut write, &console, self.ops, "acme", [person]).await;
        write.commit().await.unwrap();
        testkit::person(&self.store, self.tenant, id).await
    }

    /// Creates a service account with a role in Operations and returns it as an actor.
    pub async fn service_account(&self, admin: &Actor, responsible: &Actor, role: Role) -> Actor {
        let mut write = self.store.write(admin).await.unwrap();
        let new = CreateServiceAccount { name: "Robot".into(), responsible: responsible.person().unwrap() };
        let person = write.create_service_account(admin.may(new).unwrap()).await.unwrap();
        join(&mut write, admin, self.ops, person, role).await;
        write.commit().await.unwrap();
        let mut actor = Actor::clock(self.tenant, NOW);
        (actor.principal, actor.by, actor.name) = (Principal::Person(person), SignedInBy::Key, "Robot".into());
        actor.roles.insert(self.ops, role);
        actor
    }

    fn context(&self, actor: Option<&Actor>, answered: Option<Answered>) -> impl Fn() + Clone + Send + Sync + 'static {
        let (store, actor) = (self.store.clone(), actor.cloned());
        let session = Session::new(None, self.sessions.clone(), None);
        let request = SignInRequest::new(session, Ipv4Addr::LOCALHOST.into(), "Tests");
        let sign_in = Arc::new(SignIn::new(self.auth.clone(), request));
        move || {
            provide_context(store.clone());
            provide_context(actor.clone());
            provide_context(answered.clone());
            provide_context(sign_in.clone());
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
        self.show(
            actor,
            page,
            Some(Answered { action: action.into(), values, result, refusal_shown: RefusalShown::default() }),
        )
        .await
    }
}
