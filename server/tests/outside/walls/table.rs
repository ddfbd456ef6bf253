//! Expected status of every route for each of eight callers.

/// A request and its expected statuses.
pub struct Row {
    /// Kind, method and path, as listed by `castellan dev routes`.
    pub route: &'static str,
    /// Path and query; `$name` is replaced with a resource of the first tenant.
    pub path: &'static str,
    /// Form fields or JSON.
    pub body: &'static str,
    pub statuses: Statuses,
}

/// The expected status for each caller of [`super::fixture::CALLERS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Statuses {
    /// Sends no credentials.
    pub nobody: u16,
    /// Administers another tenant.
    pub outsider: u16,
    pub viewer: u16,
    pub member: u16,
    pub approver: u16,
    pub auditor: u16,
    pub owner: u16,
    pub admin: u16,
}

impl Statuses {
    /// Returns the statuses in the order in which the callers send their requests.
    pub const fn in_order(self) -> [u16; 8] {
        let Self { nobody, outsider, viewer, member, approver, auditor, owner, admin } = self;
        [nobody, outsider, viewer, member, approver, auditor, owner, admin]
    }
}

/// The same status for every caller.
pub const fn all(status: u16) -> Statuses {
    Statuses {
        nobody: status,
        outsider: status,
        viewer: status,
        member: status,
        approver: status,
        auditor: status,
        owner: status,
        admin: status,
    }
}

const fn row(route: &'static str, path: &'static str, body: &'static str, statuses: Statuses) -> Row {
    Row { route, path, body, statuses }
}

/// Pages for everyone who is signed in.
const PAGE: Statuses = Statuses { nobody: 303, ..all(200) };
/// Pages for everyone in the tenant.
const TENANT_PAGE: Statuses = Statuses { nobody: 303, outsider: 404, ..all(200) };
/// Pages for those who can read everything.
const READ_ALL_PAGE: Statuses = Statuses { nobody: 303, auditor: 200, admin: 200, ..all(404) };
/// Pages for admins.
const ADMIN_PAGE: Statuses = Statuses { nobody: 303, outsider: 200, admin: 200, ..all(403) };
/// Pages for admins and auditors.
const AUDITOR_PAGE: Statuses = Statuses { nobody: 303, outsider: 200, auditor: 200, admin: 200, ..all(403) };
/// Pages for managers of the organization, and those who can read everything.
const MANAGER_PAGE: Statuses =
    Statuses { nobody: 303, outsider: 404, auditor: 200, owner: 200, admin: 200, ..all(403) };
/// Approval requests: for approvers, and those who can read everything.
const APPROVAL_PAGE: Statuses = Statuses { nobody: 303, outsider: 404, viewer: 404, member: 404, ..all(200) };

/// The same for the API and streams.
const API: Statuses = Statuses { nobody: 401, ..all(200) };
const TENANT_API: Statuses = Statuses { nobody: 401, outsider: 404, ..all(200) };
const READ_ALL_API: Statuses = Statuses { nobody: 401, auditor: 200, admin: 200, ..all(404) };
const APPROVAL_API: Statuses = Statuses { nobody: 401, outsider: 404, viewer: 404, member: 404, ..all(200) };
/// Public routes.
const PUBLIC: Statuses = all(200);
/// Routes where nothing exists for any caller.
const NOT_FOUND: Statuses = all(404);

/// Admin actions, with the status for the tenant's admin and the outsider.
const fn admins(admin: u16, outsider: u16) -> Statuses {
    Statuses { nobody: 401, outsider, admin, ..all(403) }
}
/// Actions for owners of the organization and admins.
const fn managers(owner: u16, admin: u16) -> Statuses {
    Statuses { nobody: 401, outsider: 404, owner, admin, ..all(403) }
}
/// A decision with a digest that was not shown. The admin made a password link for the requester, so a hold keeps them from
/// deciding.
const STALE_DECISION: Statuses =
    Statuses { nobody: 401, approver: 409, auditor: 403, owner: 409, admin: 403, ..all(404) };
/// A request for confirmation that does not exist.
const NO_CONFIRMATION: Statuses = Statuses { nobody: 401, ..all(404) };
/// Cancellation of a finished task.
const CANCEL_FINISHED: Statuses = Statuses { nobody: 401, outsider: 404, owner: 409, admin: 409, ..all(403) };
const CANCEL_FINISHED_PRIVATE: Statuses = Statuses { nobody: 401, auditor: 403, admin: 409, ..all(404) };

/// An enrollment request with an invalid certificate request.
const ENROLL: &str = r#"{"name":"build-1","version":"1","capabilities":["bash"],"csr":""}"#;

/// A digest that matches no request.
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
    row("page GET /address", "/address?token=nothing", "", NOT_FOUND),
    row("page GET /dev/gallery", "/dev/gallery", "", PAGE),
    row("page GET /forgot", "/forgot", "", PUBLIC),
    row("page GET /account/sign-in", "/account/sign-in", "", PAGE),
    row("page GET /approvals", "/approvals?state=all", "", PAGE),
    row("page GET /approvals", "/approvals?organization=$organization", "", PAGE),
    row("page GET /approvals/{id}", "/approvals/$approval", "", APPROVAL_PAGE),
    row("page GET /audit", "/audit", "", Statuses { nobody: 303, outsider: 200, auditor: 200, admin: 200, ..all(403) }),
    row(
        "page GET /audit",
        "/audit?target=$private&person=$mia",
        "",
        Statuses { nobody: 303, outsider: 200, auditor: 200, admin: 200, ..all(403) },
    ),
    row(
        "page GET /audit/{seq}",
        "/audit/$seq",
        "",
        Statuses { nobody: 303, outsider: 404, auditor: 200, admin: 200, ..all(403) },
    ),
    row("page GET /emergency", "/emergency", "", ADMIN_PAGE),
    row("page GET /anomalies", "/anomalies", "", AUDITOR_PAGE),
    row("page GET /anomalies", "/anomalies?person=$lea&kind=sign_in&reviewed=no", "", AUDITOR_PAGE),
    row("page GET /authenticator", "/authenticator", "", all(303)),
    row("page GET /keys", "/keys", "", PAGE),
    row("page GET /keys/new", "/keys/new", "", PAGE),
    row("page GET /keys/service-accounts", "/keys/service-accounts", "", PAGE),
    row("page GET /keys/service-accounts/{id}", "/keys/service-accounts/$robot", "", READ_ALL_PAGE),
    row("page GET /keys/service-accounts/{id}/access", "/keys/service-accounts/$robot/access", "", READ_ALL_PAGE),
    row("page GET /keys/{id}", "/keys/$key", "", READ_ALL_PAGE),
    row("page GET /organizations", "/organizations", "", PAGE),
    row("page GET /organizations/new", "/organizations/new", "", ADMIN_PAGE),
    row("page GET /organizations/{id}", "/organizations/$organization", "", TENANT_PAGE),
    row("page GET /organizations/{id}/access", "/organizations/$organization/access", "", MANAGER_PAGE),
    row(
        "page GET /organizations/{id}/settings",
        "/organizations/$organization/settings",
        "",
        Statuses { nobody: 303, outsider: 404, owner: 200, admin: 200, ..all(403) },
    ),
    row(
        "page GET /organizations/{id}/members/{person}",
        "/organizations/$organization/members/$mia",
        "",
        Statuses { nobody: 303, owner: 200, admin: 200, ..all(404) },
    ),
    row("page GET /invitation", "/invitation?token=nothing", "", NOT_FOUND),
    row("page GET /password", "/password?token=nothing", "", NOT_FOUND),
    row(
        "page GET /people",
        "/people",
        "",
        Statuses { nobody: 303, outsider: 200, auditor: 200, admin: 200, ..all(404) },
    ),
    row("page GET /people/new", "/people/new", "", ADMIN_PAGE),
    row("page GET /people/{id}", "/people/$mia", "", READ_ALL_PAGE),
    row("page GET /prove", "/prove?next=/keys", "", PAGE),
    row("page GET /rules", "/rules", "", PAGE),
    row("page GET /rules/edit", "/rules/edit", "", ADMIN_PAGE),
    row("page GET /rules/proposals/{id}", "/rules/proposals/$mia", "", Statuses { nobody: 303, ..all(404) }),
    row("page GET /rules/review", "/rules/review?version=1", "", ADMIN_PAGE),
    row("page GET /rules/versions", "/rules/versions", "", PAGE),
    row("page GET /rules/versions/{version}", "/rules/versions/1", "", PAGE),
    row("page GET /runners", "/runners", "", PAGE),
    row("page GET /runners/new", "/runners/new", "", ADMIN_PAGE),
    row("page GET /runners/{id}", "/runners/$runner", "", TENANT_PAGE),
    row(
        "page GET /runners/{id}/access",
        "/runners/$runner/access",
        "",
        Statuses { nobody: 303, outsider: 404, auditor: 200, admin: 200, ..all(403) },
    ),
    row("page GET /search", "/search?q=cme", "", PAGE),
    row("page GET /second-factor", "/second-factor", "", all(303)),
    row("page GET /sign-in/tenant", "/sign-in/tenant", "", all(303)),
    row("page GET /browser-sessions", "/browser-sessions", "", PAGE),
    row("page GET /settings/approvals", "/settings/approvals", "", PAGE),
    row("page GET /settings/second-factors", "/settings/second-factors", "", ADMIN_PAGE),
    row("page GET /setup", "/setup?token=nothing", "", NOT_FOUND),
    row("page GET /reviews", "/reviews", "", AUDITOR_PAGE),
    row(
        "page GET /reviews/{id}",
        "/reviews/$review",
        "",
        Statuses { nobody: 303, outsider: 404, auditor: 200, admin: 200, ..all(403) },
    ),
    row("page GET /settings/backups", "/settings/backups", "", ADMIN_PAGE),
    row("page GET /settings/retention", "/settings/retention", "", AUDITOR_PAGE),
    row("page GET /inbox", "/inbox", "", PAGE),
    row("page GET /account/notifications", "/account/notifications", "", PAGE),
    row("page GET /settings/webhooks", "/settings/webhooks", "", AUDITOR_PAGE),
    row("page GET /settings/webhooks/new", "/settings/webhooks/new", "", ADMIN_PAGE),
    row(
        "page GET /settings/webhooks/{id}",
        "/settings/webhooks/$webhook",
        "",
        Statuses { nobody: 303, outsider: 404, auditor: 200, admin: 200, ..all(403) },
    ),
    row("page GET /settings/authentication", "/settings/authentication", "", AUDITOR_PAGE),
    row("page GET /settings/authentication/new", "/settings/authentication/new", "", ADMIN_PAGE),
    row(
        "page GET /settings/authentication/{id}",
        "/settings/authentication/$provider",
        "",
        Statuses { nobody: 303, outsider: 404, admin: 200, ..all(403) },
    ),
    row("page GET /sign-in", "/sign-in", "", Statuses { nobody: 200, ..all(303) }),
    row("page GET /tasks", "/tasks?text=acme", "", PAGE),
    row("page GET /tasks", "/tasks?organization=$organization", "", PAGE),
    row("page GET /tasks/new", "/tasks/new", "", PAGE),
    row(
        "page GET /tasks/new",
        "/tasks/new?again=$private",
        "",
        Statuses { nobody: 303, viewer: 200, auditor: 200, admin: 200, ..all(404) },
    ),
    row("page GET /tasks/{id}", "/tasks/$private", "", READ_ALL_PAGE),
    row("page GET /tasks/{id}", "/tasks/$unrestricted", "", APPROVAL_PAGE),
    row("page GET /tasks/{id}", "/tasks/$org", "", TENANT_PAGE),
    row("page GET /tasks/{id}/access", "/tasks/$private/access", "", READ_ALL_PAGE),
    row("page GET /tasks/{id}/access", "/tasks/$org/access", "", MANAGER_PAGE),
    row("page GET /tasks/{id}/access", "/tasks/$public/access", "", MANAGER_PAGE),
    row("page GET /tasks/{id}", "/tasks/$public", "", TENANT_PAGE),
    //
    row("provider GET /account/link/{provider}", "/account/link/nothing", "", Statuses { nobody: 303, ..all(404) }),
    row("provider GET /sign-in/from/{provider}", "/sign-in/from/nothing?code=x&state=x", "", NOT_FOUND),
    row("provider GET /sign-in/with/{provider}", "/sign-in/with/nothing", "", NOT_FOUND),
    //
    row("stream GET /live", "/live?topics=tasks,approvals,runners,people,keys,rules", "", API),
    row("stream GET /reviews/{id}/export", "/reviews/$review/export", "", READ_ALL_API),
    row("stream GET /tasks/{id}/live", "/tasks/$private/live", "", READ_ALL_API),
    row("stream GET /tasks/{id}/live", "/tasks/$org/live", "", TENANT_API),
    row("stream GET /tasks/{id}/live", "/tasks/$public/live", "", TENANT_API),
    row("stream GET /tasks/{id}/log", "/tasks/$private/log", "", READ_ALL_API),
    row("stream GET /tasks/{id}/log", "/tasks/$org/log", "", TENANT_API),
    row("stream GET /tasks/{id}/log", "/tasks/$public/log", "", TENANT_API),
    row("stream GET /tasks/{id}/log/lines", "/tasks/$private/log/lines?attempt=1&from=1&until=9", "", READ_ALL_API),
    row("stream GET /tasks/{id}/log/lines", "/tasks/$org/log/lines?attempt=1&from=1&until=9", "", TENANT_API),
    row("stream GET /tasks/{id}/log/find", "/tasks/$private/log/find?attempt=1&text=x", "", READ_ALL_API),
    row("stream GET /tasks/{id}/log/find", "/tasks/$org/log/find?attempt=1&text=x", "", TENANT_API),
    //
    row("api GET /api/v1/approvals", "/api/v1/approvals", "", API),
    row("api GET /api/v1/approvals", "/api/v1/approvals?organization=$organization", "", API),
    row("api GET /api/v1/approvals/{id}", "/api/v1/approvals/$approval", "", APPROVAL_API),
    row(
        "api GET /api/v1/audit",
        "/api/v1/audit",
        "",
        Statuses { nobody: 401, outsider: 200, auditor: 200, admin: 200, ..all(403) },
    ),
    row(
        "api GET /api/v1/audit",
        "/api/v1/audit?target=$private",
        "",
        Statuses { nobody: 401, outsider: 200, auditor: 200, admin: 200, ..all(403) },
    ),
    row("api GET /api/v1/me", "/api/v1/me", "", API),
    row("api GET /api/v1/openapi.json", "/api/v1/openapi.json", "", PUBLIC),
    row("api GET /api/v1/runners", "/api/v1/runners", "", API),
    row("api GET /api/v1/tasks", "/api/v1/tasks?q=acme", "", API),
    row("api GET /api/v1/tasks", "/api/v1/tasks?organization=$organization", "", API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$private", "", READ_ALL_API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$unrestricted", "", APPROVAL_API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$org", "", TENANT_API),
    row("api GET /api/v1/tasks/{id}", "/api/v1/tasks/$public", "", TENANT_API),
    row("api GET /api/v1/tasks/{id}/log", "/api/v1/tasks/$private/log", "", READ_ALL_API),
    row("api GET /api/v1/tasks/{id}/log", "/api/v1/tasks/$org/log", "", TENANT_API),
    row("api GET /api/v1/tasks/{id}/log", "/api/v1/tasks/$public/log?follow=1", "", TENANT_API),
    row(
        "api POST /api/v1/approvals/{id}/approve",
        "/api/v1/approvals/$approval/approve",
        concat!(r#"{"request_digest":""#, zeros!(), r#""}"#),
        STALE_DECISION,
    ),
    row(
        "api POST /api/v1/approvals/{id}/deny",
        "/api/v1/approvals/$approval/deny",
        concat!(r#"{"reason":"no","request_digest":""#, zeros!(), r#""}"#),
        STALE_DECISION,
    ),
    row(
        "api POST /api/v1/tasks",
        "/api/v1/tasks",
        r#"{"script":"true","organization":"$organization"}"#,
        Statuses { nobody: 401, outsider: 403, viewer: 403, auditor: 403, ..all(201) },
    ),
    row("api POST /api/v1/tasks/{id}/cancel", "/api/v1/tasks/$private/cancel", "", CANCEL_FINISHED_PRIVATE),
    row("api POST /api/v1/tasks/{id}/cancel", "/api/v1/tasks/$org/cancel", "", CANCEL_FINISHED),
    row("api POST /api/v1/tasks/{id}/cancel", "/api/v1/tasks/$public/cancel", "", CANCEL_FINISHED),
    //
    row(
        "action POST /actions/approvals/decide",
        "/actions/approvals/decide",
        concat!("id=$approval&answer=approve&request_digest=", zeros!()),
        STALE_DECISION,
    ),
    // This deployment sends no mail.
    row(
        "action POST /actions/account/address",
        "/actions/account/address",
        "email=new@$who.example",
        Statuses { nobody: 401, ..all(409) },
    ),
    row("action POST /actions/account/confirm-address", "/actions/account/confirm-address", "token=nothing", NOT_FOUND),
    row(
        "action POST /actions/account/password",
        "/actions/account/password",
        "old_password=no&new_password=no",
        Statuses { nobody: 401, ..all(422) },
    ),
    row("action POST /actions/login/forgot", "/actions/login/forgot", "email=nobody@$who.example", PUBLIC),
    row("action POST /actions/account/seen", "/actions/account/seen", "last=01900000-0000-7000-8000-000000000000", API),
    // No caller has a second factor or needs one; `partial_session.rs` covers partial sessions.
    row(
        "action POST /actions/factors/add-passkey",
        "/actions/factors/add-passkey",
        "name=x&ceremony=x&passkey={}",
        all(401),
    ),
    row("action POST /actions/factors/ask-passkey", "/actions/factors/ask-passkey", "purpose=sign-in", PUBLIC),
    row("action POST /actions/factors/ask-passkey", "/actions/factors/ask-passkey", "purpose=register", API),
    row("action POST /actions/factors/ask-passkey", "/actions/factors/ask-passkey", "purpose=show", all(401)),
    row(
        "action POST /actions/factors/remove-passkey",
        "/actions/factors/remove-passkey",
        "id=$session",
        Statuses { nobody: 401, ..all(404) },
    ),
    row(
        "action POST /actions/factors/sign-passkey",
        "/actions/factors/sign-passkey",
        "id=$session&at=1&passkey={}",
        Statuses { nobody: 401, ..all(422) },
    ),
    row(
        "action POST /actions/factors/show-passkey",
        "/actions/factors/show-passkey",
        "ceremony=x&passkey={}",
        all(401),
    ),
    row("action POST /actions/login/passkey", "/actions/login/passkey", "ceremony=x&passkey={}", all(401)),
    row(
        "action POST /actions/factors/confirm-totp",
        "/actions/factors/confirm-totp",
        "code=000000",
        Statuses { nobody: 401, ..all(404) },
    ),
    row("action POST /actions/factors/offer-totp", "/actions/factors/offer-totp", "", API),
    row(
        "action POST /actions/approvals/self-approval",
        "/actions/approvals/self-approval",
        "allowed=false",
        admins(200, 200),
    ),
    row(
        "action POST /actions/approvals/lift-hold",
        "/actions/approvals/lift-hold",
        "person=$lea&maker=$lea",
        admins(404, 404),
    ),
    row(
        "action POST /actions/approvals/dual-control",
        "/actions/approvals/dual-control",
        "enabled=true",
        admins(200, 200),
    ),
    row(
        "action POST /actions/approvals/confirm-change",
        "/actions/approvals/confirm-change",
        "id=$mia",
        NO_CONFIRMATION,
    ),
    row(
        "action POST /actions/approvals/decline-change",
        "/actions/approvals/decline-change",
        "id=$mia",
        NO_CONFIRMATION,
    ),
    row("action POST /actions/retention/preview", "/actions/retention/preview", "days[output]=30", admins(200, 200)),
    row("action POST /actions/retention/set", "/actions/retention/set", "days[output]=3650", admins(200, 200)),
    row("action POST /actions/retention/set-hold", "/actions/retention/set-hold", "reason=audit", admins(200, 200)),
    row("action POST /actions/retention/lift-hold", "/actions/retention/lift-hold", "", admins(200, 200)),
    row("action POST /actions/factors/policy", "/actions/factors/policy", "who=nobody", admins(200, 200)),
    row("action POST /actions/factors/prove", "/actions/factors/prove", "next=/keys", API),
    row(
        "action POST /actions/factors/recovery-codes",
        "/actions/factors/recovery-codes",
        "",
        Statuses { nobody: 401, ..all(409) },
    ),
    row(
        "action POST /actions/factors/remove-totp",
        "/actions/factors/remove-totp",
        "",
        Statuses { nobody: 401, ..all(404) },
    ),
    row("action POST /actions/factors/show", "/actions/factors/show", "code=000000", all(401)),
    row(
        "action POST /actions/account/unlink",
        "/actions/account/unlink",
        "id=00000000-0000-0000-0000-000000000000",
        Statuses { nobody: 401, ..all(404) },
    ),
    row(
        "action POST /actions/keys/change",
        "/actions/keys/change",
        "id=$key&name=acme&networks=&days=30",
        Statuses { nobody: 401, auditor: 403, admin: 409, ..all(404) }, // it is revoked already
    ),
    row("action POST /actions/keys/create", "/actions/keys/create", "name=acme&scopes[]=tasks:read&days=1", API),
    row(
        "action POST /actions/keys/revoke",
        "/actions/keys/revoke",
        "id=$key",
        Statuses { nobody: 401, auditor: 403, admin: 409, ..all(404) },
    ),
    row(
        "action POST /actions/keys/revoke-all",
        "/actions/keys/revoke-all",
        "owner=$mia",
        Statuses { nobody: 401, auditor: 403, admin: 200, ..all(404) },
    ),
    row(
        "action POST /actions/keys/revoke-selected",
        "/actions/keys/revoke-selected",
        "keys[]=$key",
        Statuses { nobody: 401, auditor: 200, admin: 200, ..all(404) }, // already revoked, so there is no effect
    ),
    row(
        "action POST /actions/keys/rotate",
        "/actions/keys/rotate",
        "id=$key&hours=1",
        Statuses { nobody: 401, auditor: 403, admin: 403, ..all(404) },
    ),
    row(
        "action POST /actions/keys/transfer",
        "/actions/keys/transfer",
        "account=$robot&successor=admin@acme.example",
        Statuses { nobody: 401, auditor: 403, admin: 200, ..all(404) },
    ),
    row(
        "action POST /actions/keys/service-account",
        "/actions/keys/service-account",
        "name=Robot&responsible=mia@acme.example&organization=$organization&role=member",
        admins(200, 422),
    ),
    row(
        "action POST /actions/login/choose-tenant",
        "/actions/login/choose-tenant",
        "tenant=00000000-0000-0000-0000-000000000000",
        all(401),
    ),
    row("action POST /actions/login/sign-in", "/actions/login/sign-in", "email=$who@acme.example&password=x", all(401)),
    row(
        "action POST /actions/organizations/add-member",
        "/actions/organizations/add-member",
        "organization=$organization&email=mia@acme.example&role=member",
        Statuses { nobody: 401, auditor: 403, owner: 200, admin: 200, ..all(422) },
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
        managers(200, 404), // she has been removed before
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
        "action POST /actions/organizations/resend-invitation",
        "/actions/organizations/resend-invitation",
        "organization=$organization&invitation=$session",
        managers(404, 404),
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
        Statuses { nobody: 401, ..all(404) },
    ),
    row(
        "action POST /actions/setup/join",
        "/actions/setup/join",
        "token=nothing&name=Eve&email=eve@evil.example&password=violet tractor cloud 91",
        NOT_FOUND,
    ),
    row(
        "action POST /actions/join-requests/ask",
        "/actions/join-requests/ask",
        "organization=$organization",
        Statuses { nobody: 401, outsider: 404, auditor: 200, ..all(409) }, // the auditor is the only one who is not in it
    ),
    row(
        "action POST /actions/join-requests/withdraw",
        "/actions/join-requests/withdraw",
        "request=$session",
        Statuses { nobody: 401, ..all(404) },
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
    row("action POST /actions/emergency/unfreeze", "/actions/emergency/unfreeze", "", admins(200, 200)),
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
    row("action POST /actions/rules/review", "/actions/rules/review", "version=1", admins(200, 200)),
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
        Statuses { nobody: 401, ..all(404) },
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
        "action POST /actions/notifications/read",
        "/actions/notifications/read",
        "last=$organization&event=task.ended",
        API,
    ),
    row(
        "action POST /actions/notifications/preferences",
        "/actions/notifications/preferences",
        "inbox[task_ended]=true",
        API,
    ),
    row(
        "action POST /actions/webhooks/save",
        "/actions/webhooks/save",
        "kind=generic&name=acme&url_secret=https://hook.invalid",
        admins(200, 200),
    ),
    row(
        "action POST /actions/webhooks/save",
        "/actions/webhooks/save",
        "kind=slack&name=acme&id=$webhook",
        admins(200, 404),
    ),
    row("action POST /actions/webhooks/test", "/actions/webhooks/test", "id=$webhook", admins(200, 404)),
    row("action POST /actions/webhooks/rotate", "/actions/webhooks/rotate", "id=$webhook", admins(404, 404)),
    row(
        "action POST /actions/webhooks/redeliver",
        "/actions/webhooks/redeliver",
        "id=$webhook&delivery=$mia",
        admins(404, 404),
    ),
    row("action POST /actions/webhooks/remove", "/actions/webhooks/remove", "id=$webhook", admins(200, 404)),
    row(
        "action POST /actions/setup/set-password",
        "/actions/setup/set-password",
        "token=nothing&password=violet tractor cloud 91",
        NOT_FOUND,
    ),
    row(
        "action POST /actions/setup/set-up",
        "/actions/setup/set-up",
        "token=nothing&tenant=Evil&organization=Evil&name=Eve&email=eve@evil.example&password=violet tractor cloud 91",
        NOT_FOUND,
    ),
    row("action POST /actions/tasks/cancel", "/actions/tasks/cancel", "id=$private", CANCEL_FINISHED_PRIVATE),
    row("action POST /actions/tasks/cancel", "/actions/tasks/cancel", "id=$org", CANCEL_FINISHED),
    row(
        "action POST /actions/tasks/submit",
        "/actions/tasks/submit",
        "script=true&organization=$organization",
        Statuses { nobody: 401, outsider: 403, viewer: 403, auditor: 403, ..all(200) },
    ),
    //
    row("enrollment POST /api/v1/runners/enroll", "/api/v1/runners/enroll", ENROLL, all(401)),
    row("file GET /pkg/{*file}", "/pkg/nothing.css", "", NOT_FOUND),
    row("file GET /pkg/{*file}", "/pkg/..%2fmanifest.json", "", NOT_FOUND),
    row("health GET /healthz", "/healthz", "", PUBLIC),
    // Metrics are off without a token in the configuration.
    row("health GET /metrics", "/metrics", "", all(403)),
    row("health GET /readyz", "/readyz", "", PUBLIC),
    // Runner routes exist only on the runner port.
    row("runner POST /castellan.runner.v1.Runner/Work", "/castellan.runner.v1.Runner/Work", "", all(405)),
    // Everyone else has left before, so the admin is the last owner.
    row(
        "action POST /actions/organizations/leave",
        "/actions/organizations/leave",
        "organization=$organization",
        Statuses { nobody: 401, outsider: 404, auditor: 404, admin: 409, ..all(200) },
    ),
    // Last, because nobody is signed in afterwards.
    row("action POST /actions/login/sign-out", "/actions/login/sign-out", "", PUBLIC),
];
