//! Admin rights from allowed addresses only (M-14). The console is exempt.
use crate::{
    client::{Credential, client},
    program::{Program, on_both},
};
use testkit::{ADAM, MIA};

on_both! {
    async fn m_14_admin_rights_apply_from_allowed_addresses_only(program) {
        program.set("CASTELLAN_ADMIN_ALLOW", "127.0.0.9, 203.0.113.0/24");
        program.tenant("acme");
        let adam = program.person(ADAM, "acme");
        program.start().await;
        let browser = program.sign_in(&adam.email).await;
        let admin = Credential::Browser(&browser);
        let new = [("name", "Nina"), ("email", "nina@acme.example"), ("tenant_role", domain::role::TenantRole::Person.as_str()), ("organization", ""), ("role", domain::role::Role::Member.as_str())];

        // From 127.0.0.1 the admin is only a member of their organization.
        let page = program.get(admin, "/tasks").await.is(200);
        assert!(page.body.contains("Admin permissions are not available from this network"), "{page}");
        program.get(admin, "/people").await.is(404);
        program.get(admin, "/people/new").await.is(403);
        program.get(admin, "/audit").await.is(403);
        let refused = program.act(admin, "people/create", &new).await.is(403);
        assert!(refused.body.contains("not available from this network"), "{refused}");
        program.get(Credential::Key(&adam.key), "/api/v1/audit").await.is(403);
        program.submit(&adam.key, "true").await;
        let me = program.get(Credential::Key(&adam.key), "/api/v1/me").await.is(200).json();
        assert_eq!((&me["tenant_role"], &me["admin_blocked"]), (&"person".into(), &true.into()));
        assert!(!me["scopes"].to_string().contains("audit:read") && me["scopes"].to_string().contains("tasks:submit"), "{me}");
        // A forwarding header from an untrusted client changes nothing.
        let request = program.request(admin, reqwest::Method::GET, "/people").header("x-forwarded-for", "203.0.113.9");
        program.send(admin, request).await.is(404);
        // The console still works.
        program.person(MIA, "acme");

        program.client = client(9);
        program.get(admin, "/people").await.is(200);
        program.act(admin, "people/create", &new).await.is(200);
        let me = program.get(Credential::Key(&adam.key), "/api/v1/me").await.is(200).json();
        assert_eq!((&me["tenant_role"], &me["admin_blocked"]), (&"admin".into(), &false.into()));
        assert!(me["scopes"].to_string().contains("audit:read"), "{me}");
        let held = program.audit(&adam.key, Some("admin.admin_blocked")).await;
        assert_eq!(held.len(), 2, "once a minute for each, the admin and the admin's key: {held:?}");
        let refused = program.audit(&adam.key, Some("person.create")).await;
        assert!(refused.iter().any(|record| record.to_string().contains("refused")), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_14_invalid_admin_addresses_are_refused_at_startup() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_ADMIN_ALLOW", "the office");
    assert!(program.startup_error().await.contains("admin.allow"));
}
