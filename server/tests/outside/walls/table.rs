//! The table: for each route one request or more, and the status that each of eight people is answered with.

/// A request and its answers.
pub struct Row {
    /// Kind, method and path, as `castellan dev routes` lists them.
    pub route: &'static str,
    /// Path and query that are asked for; `$name` stands for a thing of the first tenant.
    pub path: &'static str,
    /// The form or JSON that is sent.
    pub body: &'static str,
    /// In the order of [`super::fixture::WHO`], which is also the order in which they ask.
    pub statuses: [u16; 8],
}

const fn row(route: &'static str, path: &'static str, body: &'static str, statuses: [u16; 8]) -> Row {
    Row { route, path, body, statuses }
}

// In the order: nobody, another tenant's admin, viewer, member, approver, auditor, owner, admin.
/// For everybody who is signed in.
const PAGE: [u16; 8] = [303, 200, 200, 200, 200, 200, 200, 200];
/// For everybody of the tenant, where the thing is visible to all of them.
const ITS_PAGE: [u16; 8] = [303, 404, 200, 200, 200, 200, 200, 200];
/// For those who read everything.
const READERS_PAGE: [u16; 8] = [303, 404, 404, 404, 404, 200, 404, 200];
/// For admins.
const ADMINS_PAGE: [u16; 8] = [303, 200, 403, 403, 403, 403, 403, 200];
/// For admins and auditors.
const AUDITORS_PAGE: [u16; 8] = [303, 200, 403, 403, 403, 200, 403, 200];
/// For those who manage the organization, and those who read everything.
const MANAGERS_PAGE: [u16; 8] = [303, 404, 403, 403, 403, 200, 200, 200];
/// A question: for those who may answer and those who read everything.
const QUESTIONS_PAGE: [u16; 8] = [303, 404, 404, 404, 200, 200, 200, 200];

/// The same for the API, and for streams.
const API: [u16; 8] = [401, 200, 200, 200, 200, 200, 200, 200];
const ITS_API: [u16; 8] = [401, 404, 200, 200, 200, 200, 200, 200];
const READERS_API: [u16; 8] = [401, 404, 404, 404, 404, 200, 404, 200];
const QUESTIONS_API: [u16; 8] = [401, 404, 404, 404, 200, 200, 200, 200];
/// Open to all the world.
const ALL: [u16; 8] = [200; 8];
/// Nothing there, for anybody.
const NONE: [u16; 8] = [404; 8];

/// For admins, whose request is then refused because it comes too late or is done.
const fn admins(admin: u16, outsider: u16) -> [u16; 8] {
    [401, outsider, 403, 403, 403, 403, 403, admin]
}
/// For owners of the organization and admins.
const fn managers(owner: u16, admin: u16) -> [u16; 8] {
    [401, 404, 403, 403, 403, 403, owner, admin]
}
/// An answer to a question, with a digest that was not shown.
const DECIDED: [u16; 8] = [401, 404, 404, 404, 409, 403, 409, 409];
/// Stopping a task that is over: who may is told so.
const CANCELLED: [u16; 8] = [401, 404, 403, 403, 403, 403, 409, 409];
const CANCELLED_PRIVATE: [u16; 8] = [401, 404, 404, 404, 404, 403, 404, 409];

/// What a runner sends that wants in.
const ENROLL: &str = r#"{"name":"build-1","version":"1","capabilities":["bash"],"csr":""}"#;

/// A digest of nothing.
macro_rules! zeros {
    () => {
        "0000000000000000000000000000000000000000000000000000000000000000"
    };
}

pub const WALLS: &[Row] = &[
    row("page GET /", "/", "", PAGE),
    row("page GET /account", "/account", "", PAGE),
    row("page GET /account/address", "/account/address", "", PAGE),
    row("page GET /account/password", "/account/password", "", PAGE),
    row("page GET /address", "/address?token=nothing", "", NONE),
    row("page GET /forgot", "/forgot", "", ALL),
    row("page GET /account/sign-in", "/account/sign-in", "", PAGE),
    row("page GET /approvals", "/approvals?state=all", "", PAGE),
    row("page GET /approvals", "/approvals?organization=$organization", "", PAGE),
    row("page GET /approvals/{id}", "/approvals/$approval", "", QUESTIONS_PAGE),
    row("page GET /audit", "/audit", "", [303, 200, 403, 403, 403, 200, 403, 200]),
    row("page GET /audit", "/audit?target=$private&person=$mia", "", [303, 200, 403, 403, 403, 200, 403, 200]),
    row("page GET /audit/{seq}", "/audit/$seq", "", [303, 404, 403, 403, 403, 200, 403, 200]),
    row("page GET /emergency", "/emergency", "", ADMINS_PAGE),
    row("page GET /anomalies", "/anomalies", "", AUDITORS_PAGE),
    row("page GET /anomalies", "/anomalies?person=$lea&kind=sign_in&looked=no", "", AUDITORS_PAGE),
    row("page GET /authenticator", "/authenticator", "", [303; 8]),
    row("page GET /keys", "/keys", "", PAGE),
    row("page GET /keys/new", "/keys/new", "", PAGE),
    row("page GET /keys/service-accounts", "/keys/service-accounts", "", PAGE),
    row("page GET /keys/service-accounts/{id}", "/keys/service-accounts/$robot", "", READERS_PAGE),
    row("page GET /keys/service-accounts/{id}/access", "/keys/service-accounts/$robot/access", "", READERS_PAGE),
    row("page GET /keys/{id}", "/keys/$key", "", READERS_PAGE),
    row("page GET /organizations", "/organizations", "", PAGE),
    row("page GET /organizations/new", "/organizations/new", "", ADMINS_PAGE),
    row("page GET /organizations/{id}", "/organizations/$organization", "", ITS_PAGE),
    row("page GET /organizations/{id}/access", "/organizations/$organization/access", "", MANAGERS_PAGE),
    row(
        "page GET /organizations/{id}/settings",
        "/organizations/$organization/settings",
        "",
        [303, 404, 403, 403, 403, 403, 200, 200],
    ),
    row(
        "page GET /organizations/{id}/members/{person}",
        "/organizations/$organization/members/$mia",
        "",
        [303, 404, 404, 404, 404, 404, 200, 200],
    ),
    row("page GET /invitation", "/invitation?token=nothing", "", NONE),
    row("page GET /password", "/password?token=nothing", "", NONE),
    row("page GET /people", "/people", "", [303, 200, 404, 404, 404, 200, 404, 200]),
    row("page GET /people/new", "/people/new", "", ADMINS_PAGE),
    row("page GET /people/{id}", "/people/$mia", "", READERS_PAGE),
    row("page GET /prove", "/prove?next=/keys", "", PAGE),
    row("page GET /rules", "/rules", "", PAGE),
    row("page GET /rules/edit", "/rules/edit", "", ADMINS_PAGE),
    row("page GET /runners", "/runners", "", PAGE),
    row("page GET /runners/new", "/runners/new", "", ADMINS_PAGE),
    row("page GET /runners/{id}", "/runners/$runner", "", ITS_PAGE),
    row("page GET /runners/{id}/access", "/runners/$runner/access", "", [303, 404, 403, 403, 403, 200, 403, 200]),
    row("page GET /search", "/search?q=cme", "", PAGE),
    row("page GET /second-factor", "/second-factor", "", [303; 8]),
    row("page GET /sessions", "/browser-sessions", "", PAGE),
    row("page GET /settings/second-factors", "/settings/second-factors", "", ADMINS_PAGE),
    row("page GET /setup", "/setup?token=nothing", "", NONE),
    row("page GET /reviews", "/reviews", "", AUDITORS_PAGE),
    row("page GET /reviews/{id}", "/reviews/$review", "", [303, 404, 403, 403, 403, 200, 403, 200]),
    row("page GET /settings/authentication", "/settings/authentication", "", AUDITORS_PAGE),
    row("page GET /settings/authentication/new", "/settings/authentication/new", "", ADMINS_PAGE),
    row(
        "page GET /settings/authentication/{id}",
        "/settings/authentication/$provider",
        "",
        [303, 404, 403, 403, 403, 403, 403, 200],
    ),
    row("page GET /sign-in", "/sign-in", "", [200, 303, 303, 303, 303, 303, 303, 303]),
    row("page GET /tasks", "/tasks?text=acme", "", PAGE),
    row("page GET /tasks", "/tasks?organization=$organization", "", PAGE),
    row("page GET /tasks/new", "/tasks/new", "", PAGE),
    row("page GET /tasks/new", "/tasks/new?again=$private", "", [303, 404, 200, 404, 404, 200, 404, 200]),
    row("page GET /tasks/{id}", "/tasks/$private", "", READERS_PAGE),
    row("page GET /tasks/{id}", "/tasks/$asked", "", QUESTIONS_PAGE),
    row("page GET /tasks/{id}", "/tasks/$org", "", ITS_PAGE),
    row("page GET /tasks/{id}/access", "/tasks/$private/access", "", READERS_PAGE),
    row("page GET /tasks/{id}/access", "/tasks/$org/access", "", MANAGERS_PAGE),
    row("page GET /tasks/{id}/access", "/tasks/$public/access", "", MANAGERS_PAGE),
    row("page GET /tasks/{id}", "/tasks/$public", "", ITS_PAGE),
    //
    row("provider GET /account/link/{provider}", "/account/link/nothing", "", [303, 404, 404, 404, 404, 404, 404, 404]),
    row("provider GET /sign-in/from/{provider}", "/sign-in/from/nothing?code=x&state=x", "", NONE),
    row("provider GET /sign-in/with/{provider}", "/sign-in/with/nothing", "", NONE),
    //
    row("stream GET /live", "/live?topics=tasks,approvals,runners,people,keys,rules", "", API),
    row("stream GET /reviews/{id}/export", "/reviews/$review/export", "", READERS_API),
    row("stream GET /tasks/{id}/live", "/tasks/$private/live", "", READERS_API),
    row("stream GET /tasks/{id}/live", "/tasks/$org/live", "", ITS_API),
    row("stream GET /tasks/{id}/live", "/tasks/$public/live", "", ITS_API),
    row("stream GET /tasks/{id}/log", "/tasks/$private/log", "", READERS_API),
    row("stream GET /tasks/{id}/log", "/tasks/$org/log", "", ITS_API),
    row("stream GET /tasks/{id}/log", "/tasks/$public/log", "", ITS_API),
    row("stream GET /tasks/{id}/log/lines", "/tasks/$private/log/lines?attempt=1&from=1&until=9", "", READERS_API),
    row("stream GET /tasks/{id}/log/lines", "/tasks/$org/log/lines?attempt=1&from=1&until=9", "", ITS_API),
    row("stream GET /tasks/{id}/log/find", "/tasks/$private/log/find?attempt=1&text=x", "", READERS_API),
    row("stream GET /tasks/{id}/log/find", "/tasks/$org/log/find?attempt=1&text=x", "", ITS_API),
    //
    row("api GET /api/v1/approvals", "/api/v1/approvals", "", API),
    row("api GET /api/v1/approvals", "/api/v1/approvals?organization=$organization", "", API),
    row("api GET /api/v1/approvals/{id}", "/api/v1/approvals/$approval", "", QUESTIONS_API),
    row("api GET /api/v1/audit", "/api/v1/audit", "", [401, 200, 403, 403, 403, 200, 403, 200]),
    row("api GET /api/v1/audit", "/api/v1/audit?target=$private", "", [401, 200, 403, 403, 403, 200, 403, 200]),
    row("api GET /api/v1/me", "/api/v1/me", "", API),
    row("api GET /api/v1/openapi.json", "/api/v1/openapi.json", "", ALL),
    row("api GET /api/v1/runners", "/api/v1/runners", "", API),
    row("api GET /api/v1/tasks", "/api/v1/tasks?q=acme", "", API),
    row("api GET /api/v1/tasks", "/api/v1/tasks?organization=$organization", "", API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$private", "", READERS_API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$asked", "", QUESTIONS_API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$org", "", ITS_API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$public", "", ITS_API),
    row("api GET /api/v1/tasks/{id}/log", "/api/v1/tasks/$private/log", "", READERS_API),
    row("api GET /api/v1/tasks/{id}/log", "/api/v1/tasks/$org/log", "", ITS_API),
    row("api GET /api/v1/tasks/{id}/log", "/api/v1/tasks/$public/log?follow=1", "", ITS_API),
    row(
        "api POST /api/v1/approvals/{id}/approve",
        "/api/v1/approvals/$approval/approve",
        concat!(r#"{"request_digest":""#, zeros!(), r#""}"#),
        DECIDED,
    ),
    row(
        "api POST /api/v1/approvals/{id}/deny",
        "/api/v1/approvals/$approval/deny",
        concat!(r#"{"reason":"no","request_digest":""#, zeros!(), r#""}"#),
        DECIDED,
    ),
    row(
        "api POST /api/v1/tasks",
        "/api/v1/tasks",
        r#"{"script":"true","organization":"$organization"}"#,
        [401, 403, 403, 201, 201, 403, 201, 201],
    ),
    row("api POST /api/v1/tasks/{id}/cancel", "/api/v1/tasks/$private/cancel", "", CANCELLED_PRIVATE),
    row("api POST /api/v1/tasks/{id}/cancel", "/api/v1/tasks/$org/cancel", "", CANCELLED),
    row("api POST /api/v1/tasks/{id}/cancel", "/api/v1/tasks/$public/cancel", "", CANCELLED),
    //
    row(
        "action POST /actions/approvals/decide",
        "/actions/approvals/decide",
        concat!("id=$approval&answer=approve&request_digest=", zeros!()),
        DECIDED,
    ),
    // This deployment sends no mail.
    row(
        "action POST /actions/account/address",
        "/actions/account/address",
        "email=new@$who.example",
        [401, 409, 409, 409, 409, 409, 409, 409],
    ),
    row("action POST /actions/account/confirm-address", "/actions/account/confirm-address", "token=nothing", NONE),
    row(
        "action POST /actions/account/password",
        "/actions/account/password",
        "old_password=no&new_password=no",
        [401, 422, 422, 422, 422, 422, 422, 422],
    ),
    row("action POST /actions/login/forgot", "/actions/login/forgot", "email=nobody@$who.example", ALL),
    row("action POST /actions/account/seen", "/actions/account/seen", "last=01900000-0000-7000-8000-000000000000", API),
    // Nobody here has a second factor, or must have one: what is attacked with half a session stands in `halfway.rs`.
    row(
        "action POST /actions/factors/add-passkey",
        "/actions/factors/add-passkey",
        "name=x&ceremony=x&passkey={}",
        [401; 8],
    ),
    row("action POST /actions/factors/ask-passkey", "/actions/factors/ask-passkey", "purpose=sign-in", ALL),
    row("action POST /actions/factors/ask-passkey", "/actions/factors/ask-passkey", "purpose=register", API),
    row("action POST /actions/factors/ask-passkey", "/actions/factors/ask-passkey", "purpose=show", [401; 8]),
    row(
        "action POST /actions/factors/remove-passkey",
        "/actions/factors/remove-passkey",
        "id=$session",
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    row(
        "action POST /actions/factors/show-passkey",
        "/actions/factors/show-passkey",
        "ceremony=x&passkey={}",
        [401; 8],
    ),
    row("action POST /actions/login/passkey", "/actions/login/passkey", "ceremony=x&passkey={}", [401; 8]),
    row(
        "action POST /actions/factors/confirm-totp",
        "/actions/factors/confirm-totp",
        "code=000000",
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    row("action POST /actions/factors/offer-totp", "/actions/factors/offer-totp", "", API),
    row("action POST /actions/factors/policy", "/actions/factors/policy", "who=nobody", admins(200, 200)),
    row("action POST /actions/factors/prove", "/actions/factors/prove", "next=/keys", API),
    row(
        "action POST /actions/factors/recovery-codes",
        "/actions/factors/recovery-codes",
        "",
        [401, 409, 409, 409, 409, 409, 409, 409],
    ),
    row(
        "action POST /actions/factors/remove-totp",
        "/actions/factors/remove-totp",
        "",
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    row("action POST /actions/factors/show", "/actions/factors/show", "code=000000", [401; 8]),
    row(
        "action POST /actions/account/unlink",
        "/actions/account/unlink",
        "id=00000000-0000-0000-0000-000000000000",
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    row(
        "action POST /actions/keys/change",
        "/actions/keys/change",
        "id=$key&name=acme&networks=&days=30",
        [401, 404, 404, 404, 404, 403, 404, 409], // it is revoked already
    ),
    row("action POST /actions/keys/create", "/actions/keys/create", "name=acme&scopes[]=tasks:read&days=1", API),
    row(
        "action POST /actions/keys/revoke",
        "/actions/keys/revoke",
        "id=$key",
        [401, 404, 404, 404, 404, 403, 404, 409],
    ),
    row(
        "action POST /actions/keys/revoke-all",
        "/actions/keys/revoke-all",
        "owner=$mia",
        [401, 404, 404, 404, 404, 403, 404, 200],
    ),
    row(
        "action POST /actions/keys/revoke-selected",
        "/actions/keys/revoke-selected",
        "keys[]=$key",
        [401, 404, 404, 404, 404, 200, 404, 200], // it is revoked already: nothing is left to do
    ),
    row(
        "action POST /actions/keys/rotate",
        "/actions/keys/rotate",
        "id=$key&hours=1",
        [401, 404, 404, 404, 404, 403, 404, 403],
    ),
    row(
        "action POST /actions/keys/hand-on",
        "/actions/keys/hand-on",
        "account=$robot&successor=admin@acme.example",
        [401, 404, 404, 404, 404, 403, 404, 200],
    ),
    row(
        "action POST /actions/keys/service-account",
        "/actions/keys/service-account",
        "name=Robot&responsible=mia@acme.example&organization=$organization&role=member",
        admins(200, 422),
    ),
    row("action POST /actions/login/sign-in", "/actions/login/sign-in", "email=$who@acme.example&password=x", [401; 8]),
    row(
        "action POST /actions/organizations/add-member",
        "/actions/organizations/add-member",
        "organization=$organization&email=mia@acme.example&role=member",
        [401, 422, 422, 422, 422, 403, 200, 200],
    ),
    row(
        "action POST /actions/organizations/create",
        "/actions/organizations/create",
        "name=Laboratory",
        admins(200, 200),
    ),
    row(
        "action POST /actions/organizations/set-role",
        "/actions/organizations/set-role",
        "organization=$organization&person=$mia&role=member",
        managers(200, 200),
    ),
    row(
        "action POST /actions/organizations/remove-member",
        "/actions/organizations/remove-member",
        "organization=$organization&person=$lea",
        managers(200, 404), // she is gone by then
    ),
    row(
        "action POST /actions/organizations/rename",
        "/actions/organizations/rename",
        "organization=$organization&name=acme",
        managers(200, 200),
    ),
    row(
        "action POST /actions/organizations/archive",
        "/actions/organizations/archive",
        "organization=$organization",
        managers(409, 409), // a task waits there
    ),
    row(
        "action POST /actions/organizations/restore",
        "/actions/organizations/restore",
        "organization=$organization",
        managers(409, 409),
    ),
    row(
        "action POST /actions/organizations/requests",
        "/actions/organizations/requests",
        "organization=$organization&open=true",
        managers(200, 200),
    ),
    row(
        "action POST /actions/organizations/invite",
        "/actions/organizations/invite",
        "organization=$organization&role=viewer&uses=1&days=1",
        managers(200, 200),
    ),
    row(
        "action POST /actions/organizations/revoke-invitation",
        "/actions/organizations/revoke-invitation",
        "organization=$organization&invitation=$session",
        managers(404, 404),
    ),
    row(
        "action POST /actions/invitations/accept",
        "/actions/invitations/accept",
        "token=nothing",
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    row(
        "action POST /actions/setup/join",
        "/actions/setup/join",
        "token=nothing&name=Eve&email=eve@evil.example&password=violet tractor cloud 91",
        NONE,
    ),
    row(
        "action POST /actions/join-requests/ask",
        "/actions/join-requests/ask",
        "organization=$organization",
        [401, 404, 409, 409, 409, 200, 409, 409], // the auditor is the only one who is not in it
    ),
    row(
        "action POST /actions/join-requests/withdraw",
        "/actions/join-requests/withdraw",
        "request=$session",
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    row(
        "action POST /actions/join-requests/accept",
        "/actions/join-requests/accept",
        "organization=$organization&request=$session&role=owner",
        managers(404, 404),
    ),
    row(
        "action POST /actions/join-requests/decline",
        "/actions/join-requests/decline",
        "organization=$organization&request=$session&reason=no",
        managers(404, 404),
    ),
    row(
        "action POST /actions/people/create",
        "/actions/people/create",
        "name=Nina&email=nina@$who.example&tenant_role=person&organization=$organization&role=member",
        admins(200, 404),
    ),
    row("action POST /actions/people/reset-factors", "/actions/people/reset-factors", "id=$lea", admins(200, 404)),
    // This deployment sends no mail.
    row(
        "action POST /actions/people/address",
        "/actions/people/address",
        "id=$mia&email=new@$who.example",
        admins(409, 409),
    ),
    row("action POST /actions/people/link", "/actions/people/link", "id=$mia", admins(200, 404)),
    row(
        "action POST /actions/people/tenant-role",
        "/actions/people/tenant-role",
        "id=$mia&tenant_role=person",
        admins(200, 404),
    ),
    row("action POST /actions/emergency/lock", "/actions/emergency/lock", "id=$lea", admins(200, 404)),
    row("action POST /actions/emergency/lock", "/actions/emergency/lock", "id=$lea", admins(409, 404)),
    row("action POST /actions/emergency/unlock", "/actions/emergency/unlock", "id=$lea", admins(200, 404)),
    row("action POST /actions/emergency/end-sessions", "/actions/emergency/end-sessions", "id=$lea", admins(200, 404)),
    row("action POST /actions/emergency/freeze", "/actions/emergency/freeze", "", admins(200, 200)),
    row("action POST /actions/emergency/thaw", "/actions/emergency/thaw", "", admins(200, 200)),
    row(
        "action POST /actions/emergency/stop-tasks",
        "/actions/emergency/stop-tasks",
        "runner=$runner",
        admins(200, 404),
    ),
    row("action POST /actions/emergency/stop-tasks", "/actions/emergency/stop-tasks", "person=$lea", admins(200, 404)),
    row(
        "action POST /actions/anomalies/review",
        "/actions/anomalies/review",
        "id=$anomaly&seen=4102444800000000",
        admins(200, 404),
    ),
    row(
        "action POST /actions/anomalies/review",
        "/actions/anomalies/review",
        "id=$anomaly&seen=4102444800000000",
        admins(409, 404),
    ),
    row("action POST /actions/rules/change", "/actions/rules/change", "version=99", admins(409, 409)),
    row("action POST /actions/reviews/start", "/actions/reviews/start", "", admins(409, 200)),
    row("action POST /actions/reviews/keep", "/actions/reviews/keep", "id=$review&items[]=1", admins(200, 404)),
    row("action POST /actions/reviews/revoke", "/actions/reviews/revoke", "id=$review&item=1", admins(409, 404)),
    row("action POST /actions/reviews/finish", "/actions/reviews/finish", "id=$review", admins(409, 404)),
    row("action POST /actions/runners/enroll", "/actions/runners/enroll", "name=build-1", admins(200, 200)),
    row("action POST /actions/runners/revoke", "/actions/runners/revoke", "id=$runner", admins(200, 404)),
    row(
        "action POST /actions/browser-sessions/end",
        "/actions/browser-sessions/end",
        "id=$session",
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    row("action POST /actions/browser-sessions/end-others", "/actions/browser-sessions/end-others", "", API),
    row(
        "action POST /actions/providers/save",
        "/actions/providers/save",
        "kind=oidc&issuer=https://id.invalid&client_id=acme&client_secret=acme",
        admins(200, 200),
    ),
    row(
        "action POST /actions/providers/save",
        "/actions/providers/save",
        "kind=oidc&issuer=https://id.invalid&client_id=acme&id=$provider",
        admins(200, 404),
    ),
    row("action POST /actions/providers/test", "/actions/providers/test", "id=$provider", admins(422, 404)),
    row("action POST /actions/providers/remove", "/actions/providers/remove", "id=$provider", admins(200, 404)),
    row(
        "action POST /actions/setup/set-password",
        "/actions/setup/set-password",
        "token=nothing&password=violet tractor cloud 91",
        NONE,
    ),
    row(
        "action POST /actions/setup/set-up",
        "/actions/setup/set-up",
        "token=nothing&tenant=Evil&organization=Evil&name=Eve&email=eve@evil.example&password=violet tractor cloud 91",
        NONE,
    ),
    row("action POST /actions/tasks/cancel", "/actions/tasks/cancel", "id=$private", CANCELLED_PRIVATE),
    row("action POST /actions/tasks/cancel", "/actions/tasks/cancel", "id=$org", CANCELLED),
    row(
        "action POST /actions/tasks/submit",
        "/actions/tasks/submit",
        "script=true&organization=$organization",
        [401, 403, 403, 200, 200, 403, 200, 200],
    ),
    //
    row("enrollment POST /api/v1/runners/enroll", "/api/v1/runners/enroll", ENROLL, [401; 8]),
    row("file GET /pkg/{*file}", "/pkg/nothing.css", "", NONE),
    row("file GET /pkg/{*file}", "/pkg/..%2fmanifest.json", "", NONE),
    row("health GET /healthz", "/healthz", "", ALL),
    row("health GET /metrics", "/metrics", "", ALL),
    row("health GET /readyz", "/readyz", "", ALL),
    // Runners have a port of their own; on that of the pages there is nothing.
    row("runner POST /castellan.runner.v1.Runner/Work", "/castellan.runner.v1.Runner/Work", "", [405; 8]),
    // BackgroundWrites the admin is the only one who is in it, and its last owner.
    row(
        "action POST /actions/organizations/leave",
        "/actions/organizations/leave",
        "organization=$organization",
        [401, 404, 200, 200, 200, 404, 200, 409],
    ),
    // The last one: nobody is signed in afterwards.
    row("action POST /actions/login/sign-out", "/actions/login/sign-out", "", ALL),
];
