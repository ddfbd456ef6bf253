//! Accounts of several tenants with one email address: signing in, the choice of a tenant, and what each tenant can learn about
//! the accounts of the others (M-11).
use super::browser::{AuthenticatorApp, Browser, PASSWORD, STEP, browser, person};
use crate::test_env::{Response, TenantFixture, TestEnv, on_both};
use domain::{
    Actor, Email, OrganizationId, PersonId,
    policy::{CreateOrganization, CreatePerson, LockPerson, ReadAudit, SetMembership},
    role::{Role, TenantRole},
};
use server::authentication::{self, Hasher, Sessions, SignIn, SignInRequest};
use std::{net::IpAddr, sync::Arc, time::Duration};
use store::{AuditFilter, Mail};
use tower_sessions::Session;

const MO: &str = "mo@acme.example";
const OTHER_PASSWORD: &str = "harbor lantern quilt 37";
const WRONG: &str = "orchard violin cement 64";

async fn create(
    env: &TestEnv,
    console: &Actor,
    ops: OrganizationId,
    name: &str,
    role: TenantRole,
    password: &str,
) -> PersonId {
    let hash = Hasher::new().unwrap().hash(password.into()).await.unwrap();
    env.change(console, async |write| {
        let new = CreatePerson { email: Email::parse(MO)?, name: name.into(), tenant_role: role };
        let person = write.create_person(console.may(new)?).await?;
        write.set_membership(console.may(SetMembership { organization: ops, person, role: Role::Owner })?).await?;
        write.set_password(person, &hash).await?;
        Ok(person)
    })
    .await
}

/// Creates an account for mo@acme.example in a tenant.
async fn account(env: &TestEnv, tenant: &TenantFixture, name: &str, password: &str) -> PersonId {
    create(env, &tenant.console, tenant.ops, name, TenantRole::Person, password).await
}

/// Creates an account for mo@acme.example in a new tenant.
async fn account_in_new_tenant(env: &TestEnv, name: &str, password: &str) {
    let console = Actor::console(env.app.store.system().create_tenant(name).await.unwrap(), env.app.store.now());
    let new = CreateOrganization { name: "ops".into() };
    let ops = env.change(&console, async |write| write.create_organization(console.may(new)?).await).await;
    create(env, &console, ops, name, TenantRole::Person, password).await;
}

async fn set_password(env: &TestEnv, tenant: &TenantFixture, person: PersonId, password: &str) {
    let hash = Hasher::new().unwrap().hash(password.into()).await.unwrap();
    env.change(&tenant.console, async |write| write.set_password(person, &hash).await).await;
}

/// Returns the number of audit events of an action, after the background writes.
async fn events(env: &TestEnv, tenant: &TenantFixture, action: &str) -> usize {
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut read = env.app.store.read(&tenant.console).await.unwrap();
    let filter = AuditFilter { action: Some(action.into()), ..Default::default() };
    read.audit(&tenant.console.may(ReadAudit).unwrap(), filter, None, 200).await.unwrap().items.len()
}

/// Returns a sign-in service whose hashes the test counts.
fn counted(env: &TestEnv) -> (SignIn, Hasher) {
    let hasher = Hasher::new().unwrap();
    let service = authentication::service(&env.app, hasher.clone(), "http://127.0.0.1:9876").unwrap();
    let sessions = Sessions::new(env.app.store.clone(), &env.app.keys.sessions, env.app.config.sessions.idle);
    let session = Session::new(None, Arc::new(sessions), None);
    (SignIn::new(service, SignInRequest::new(session, IpAddr::from([127, 0, 0, 1]), "Tests")), hasher)
}

/// Returns the parts of a response that a client sees, with addresses and tokens masked.
fn masked(response: &Response, address: &str) -> (u16, Vec<String>, String) {
    let names = response.headers.iter().filter(|(name, _)| !["x-request-id", "ratelimit"].contains(&name.as_str()));
    let header =
        |(name, value): (&http::HeaderName, &http::HeaderValue)| format!("{name}: {}", hidden(value.to_str().unwrap()));
    (response.status.as_u16(), names.map(header).collect(), hidden(&response.body).replace(address, "ADDRESS"))
}

/// Replaces long words, such as tokens and nonces.
fn hidden(text: &str) -> String {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let parts = text.split_inclusive(|c| !in_word(c)).map(|part| match part.trim_end_matches(|c| !in_word(c)) {
        word if word.len() >= 20 => part.replace(word, "RANDOM"),
        _ => part.to_owned(),
    });
    parts.collect()
}

impl Browser<'_> {
    async fn try_sign_in(&self, password: &str) -> Response {
        self.act("login/sign-in", &[("email", MO), ("password", password), ("next", "/account")]).await
    }

    async fn choose(&self, tenant: &TenantFixture) -> Response {
        self.act("login/choose-tenant", &[("tenant", &tenant.id.to_string()), ("next", "/account")]).await
    }

    /// Returns the name of the signed-in person, if there is one.
    async fn who(&self) -> Option<String> {
        let page = self.get("/account").await.body;
        let name = page.split_once("class=\"person-name\">")?.1;
        Some(name.split('<').next().unwrap().to_owned())
    }
}

on_both! {
    async fn m_11_each_account_is_signed_in_to_with_its_own_password(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Mo of bolt", OTHER_PASSWORD).await;
        for (password, name) in [(PASSWORD, "Mo of acme"), (OTHER_PASSWORD, "Mo of bolt")] {
            let theirs = browser(env);
            let response = theirs.try_sign_in(password).await;
            assert_eq!((response.status.as_u16(), response.json()["go_to"].as_str()), (200, Some("/account")));
            assert_eq!(theirs.who().await.as_deref(), Some(name));
        }
        let nobody = browser(env);
        assert_eq!((nobody.try_sign_in(WRONG).await.status.as_u16(), nobody.who().await), (401, None));
    }

    async fn m_11_a_password_of_several_accounts_leads_to_a_choice_of_their_tenants(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Mo of bolt", PASSWORD).await;
        account_in_new_tenant(env, "core", OTHER_PASSWORD).await;
        let theirs = browser(env);
        let fields = [("email", MO), ("password", PASSWORD), ("next", "/account")];
        let response = theirs.submit("/sign-in", "login/sign-in", &fields).await;
        let page = "/sign-in/tenant?next=%2Faccount";
        assert_eq!((response.status.as_u16(), response.header("location")), (303, Some(page)), "{response:?}");
        assert!(!theirs.is_signed_in().await);
        let choice = theirs.get(page).await.body;
        assert!(choice.contains("Sign in to acme") && choice.contains("Sign in to bolt") && !choice.contains("core"), "{choice}");
        assert_eq!(browser(env).get(page).await.header("location"), Some("/sign-in?next=%2Faccount"), "another browser");
        assert_eq!(browser(env).choose(&env.bolt).await.status, 401, "another browser");

        let copy = theirs.copy();
        let fields = [("tenant", &*env.bolt.id.to_string()), ("next", "/account")];
        let chosen = theirs.submit(page, "login/choose-tenant", &fields).await;
        assert_eq!((chosen.status.as_u16(), chosen.header("location")), (303, Some("/account")), "{chosen:?}");
        assert_eq!(theirs.who().await.as_deref(), Some("Mo of bolt"));
        assert_eq!(copy.choose(&env.acme).await.status, 401, "a choice is made once");
        assert!(!copy.is_signed_in().await);
        assert_eq!(theirs.get(page).await.header("location"), Some("/sign-in?next=%2Faccount"));
        assert_eq!(events(env, &env.acme, "browser_session.open").await, 0, "acme learns nothing of it");
    }

    async fn m_11_a_choice_offers_only_tenants_in_which_the_password_is_right(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        let mo = account(env, &env.bolt, "Mo of bolt", PASSWORD).await;
        account_in_new_tenant(env, "core", OTHER_PASSWORD).await;
        let core = env.app.store.system().tenants().await.unwrap().pop().unwrap();
        assert_eq!(core.name, "core");
        let theirs = browser(env);
        theirs.try_sign_in(PASSWORD).await;
        for tenant in [core.id.to_string(), store::new_id().to_string(), "core".into(), String::new()] {
            assert_eq!(theirs.act("login/choose-tenant", &[("tenant", &tenant)]).await.status, 401, "{tenant}");
        }
        // A password that changed in the meantime, and a locked account, are not offered.
        set_password(env, &env.bolt, mo, OTHER_PASSWORD).await;
        assert_eq!(theirs.choose(&env.bolt).await.status, 401);
        set_password(env, &env.bolt, mo, PASSWORD).await;
        theirs.try_sign_in(PASSWORD).await;
        let console = &env.bolt.console;
        env.change(console, async |write| write.lock_person(console.may(LockPerson { person: mo })?).await).await;
        assert_eq!(theirs.choose(&env.bolt).await.status, 401);
        assert!(!theirs.is_signed_in().await);
        assert_eq!(theirs.choose(&env.acme).await.status, 200);
        assert_eq!(theirs.who().await.as_deref(), Some("Mo of acme"));
    }

    async fn m_11_a_choice_does_not_outlive_a_sign_out(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Mo of bolt", PASSWORD).await;
        let theirs = browser(env);
        theirs.try_sign_in(PASSWORD).await;
        let signed_out = theirs.act("login/sign-out", &[]).await;
        let removal = |line: &http::HeaderValue| {
            let line = line.to_str().unwrap();
            line.starts_with("castellan-tenants=;") && line.contains("Max-Age=0")
        };
        assert!(signed_out.headers.get_all("set-cookie").iter().any(removal), "{signed_out:?}");
        assert_eq!(theirs.choose(&env.acme).await.status, 401);
        assert!(!theirs.is_signed_in().await);
    }

    async fn m_11_a_choice_expires_after_five_minutes(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Mo of bolt", PASSWORD).await;
        let (late, early) = (browser(env), browser(env));
        late.try_sign_in(PASSWORD).await;
        early.try_sign_in(PASSWORD).await;
        env.advance_clock(Duration::from_secs(299));
        assert_eq!(early.choose(&env.acme).await.status, 200);
        env.advance_clock(Duration::from_secs(1));
        assert_eq!(late.get("/sign-in/tenant").await.header("location"), Some("/sign-in?next=%2F"));
        assert_eq!(late.choose(&env.acme).await.status, 401);
    }

    async fn m_14_each_account_has_its_own_second_factor(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Mo of bolt", PASSWORD).await;
        let mut apps: Vec<AuthenticatorApp> = vec![];
        for (tenant, name) in [(&env.acme, "acme"), (&env.bolt, "bolt")] {
            let theirs = browser(env);
            theirs.try_sign_in(PASSWORD).await;
            assert_eq!(theirs.choose(tenant).await.status, 200);
            let options = theirs.act("factors/ask-passkey", &[("purpose", "register")]).await;
            assert!(options.body.contains(&format!("{MO} ({name})")), "an authenticator distinguishes them: {options:?}");
            apps.push(theirs.enroll().await.0);
        }
        env.advance_clock(STEP);
        for (tenant, own, other) in [(&env.acme, &apps[0], &apps[1]), (&env.bolt, &apps[1], &apps[0])] {
            let theirs = browser(env);
            theirs.try_sign_in(PASSWORD).await;
            theirs.choose(tenant).await;
            assert!(!theirs.is_signed_in().await, "the second factor is missing");
            assert_eq!(theirs.act("factors/show", &[("code", &other.code(env, 0))]).await.status, 422);
            assert_eq!(theirs.act("factors/show", &[("code", &own.code(env, 0))]).await.status, 200);
            assert!(theirs.is_signed_in().await);
        }
    }

    async fn k_05_a_wrong_password_is_recorded_in_each_tenant_and_throttles_each_account(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Mo of bolt", OTHER_PASSWORD).await;
        let theirs = browser(env);
        for _ in 0..5 {
            assert_eq!(theirs.try_sign_in(WRONG).await.status, 401);
        }
        for password in [PASSWORD, OTHER_PASSWORD] {
            assert_eq!(theirs.try_sign_in(password).await.status, 429);
        }
        for tenant in [&env.acme, &env.bolt] {
            assert_eq!(events(env, tenant, "browser_session.open").await, 5);
            assert_eq!(events(env, tenant, "rate_limit_exceeded").await, 1);
        }
        env.advance_clock(Duration::from_secs(2));
        assert_eq!(theirs.try_sign_in(PASSWORD).await.status, 200);
        assert_eq!(events(env, &env.acme, "browser_session.open").await, 6);
        assert_eq!(events(env, &env.bolt, "browser_session.open").await, 5, "the right password of another account is no event");
    }

    /// An admin can create an account with somebody's address and reset the count of the address by signing in to it. The count of
    /// the other account stays.
    async fn d_02_signing_in_to_one_account_allows_no_more_guesses_at_another(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Eve of bolt", OTHER_PASSWORD).await;
        let at = |last| browser(env).from(IpAddr::from([198, 51, 100, last]));
        let mine = at(200);
        assert_eq!(mine.try_sign_in(PASSWORD).await.status, 200);
        for network in 0..20 {
            let guesser = at(network);
            for _ in 0..4 {
                assert_eq!(guesser.try_sign_in(WRONG).await.status, 401);
            }
            assert_eq!(guesser.try_sign_in(OTHER_PASSWORD).await.status, 200, "this also counts for the account of acme");
        }
        assert_eq!(at(100).try_sign_in(PASSWORD).await.status, 401, "one more guess, and the right one, is not verified");
        assert_eq!(at(101).try_sign_in(OTHER_PASSWORD).await.status, 200, "of which bolt notices nothing");
        assert_eq!(events(env, &env.acme, "rate_limit_exceeded").await, 1);
        assert_eq!(events(env, &env.bolt, "rate_limit_exceeded").await, 0);
        assert_eq!(mine.try_sign_in(PASSWORD).await.status, 200, "a known browser has a count of its own");
        assert_eq!(at(102).try_sign_in(PASSWORD).await.status, 200, "the proof has reset the count");
    }

    /// The admin of a tenant can make a browser known to an account of any address.
    async fn k_05_a_browser_that_one_account_knows_has_no_more_guesses_at_the_others(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Eve of bolt", OTHER_PASSWORD).await;
        let at = |last| browser(env).from(IpAddr::from([198, 51, 100, last]));
        let (mo, eve) = (at(1), at(2));
        assert_eq!(mo.try_sign_in(PASSWORD).await.status, 200);
        for _ in 0..2 {
            assert_eq!(eve.try_sign_in(OTHER_PASSWORD).await.status, 200, "this resets the count of the browser");
            for _ in 0..4 {
                assert_eq!(eve.try_sign_in(WRONG).await.status, 401);
            }
        }
        assert_eq!(eve.try_sign_in(PASSWORD).await.status, 401, "the right password of the other account is not verified");
        assert_eq!(mo.try_sign_in(PASSWORD).await.status, 200, "the browser of the other account is not affected");
        assert_eq!(at(3).try_sign_in(PASSWORD).await.status, 200, "nor are other networks");
    }

    async fn k_05_a_sign_in_verifies_as_many_passwords_for_no_account_as_for_one_and_two(env) {
        let (sign_in, hasher) = counted(env);
        let mut before = 0;
        let mut hashes = async |email: &str, password: &str| {
            let outcome = sign_in.sign_in(email.into(), password.into()).await;
            let count = hasher.verifications() - std::mem::replace(&mut before, hasher.verifications());
            (outcome.is_ok(), count)
        };
        assert_eq!(hashes(MO, WRONG).await, (false, 2));
        assert_eq!(hashes("no address", WRONG).await, (false, 2));
        let mo = account(env, &env.acme, "Mo of acme", PASSWORD).await;
        assert_eq!(hashes(MO, WRONG).await, (false, 2));
        assert_eq!(hashes(MO, PASSWORD).await, (true, 2));
        account(env, &env.bolt, "Mo of bolt", OTHER_PASSWORD).await;
        assert_eq!(hashes(MO, WRONG).await, (false, 2));
        assert_eq!(hashes(MO, PASSWORD).await, (true, 2));
        let console = &env.acme.console;
        env.change(console, async |write| write.lock_person(console.may(LockPerson { person: mo })?).await).await;
        assert_eq!(hashes(MO, PASSWORD).await, (false, 2), "a locked account");
    }

    async fn d_02_a_password_is_verified_against_at_most_eight_accounts(env) {
        for number in 1..=9 {
            account_in_new_tenant(env, &format!("tenant {number}"), &format!("{PASSWORD} {number}")).await;
        }
        let (sign_in, hasher) = counted(env);
        let tries = async |number: u8| sign_in.sign_in(MO.into(), format!("{PASSWORD} {number}")).await.is_ok();
        assert!(tries(8).await && !tries(9).await, "the oldest accounts count");
        assert_eq!(hasher.verifications(), 16);
    }

    async fn d_02_a_forgotten_password_is_reset_for_each_account_by_a_mail_of_its_own(env) {
        let mo = account(env, &env.acme, "Mo of acme", PASSWORD).await;
        account(env, &env.bolt, "Mo of bolt", PASSWORD).await;
        env.app.store.enable_mail();
        let theirs = browser(env);
        let forget = async |email: &str| theirs.act("login/forgot", &[("email", email)]).await;
        let (known, unknown) = (forget(MO).await, forget("nobody@acme.example").await);
        assert_eq!(masked(&known, MO), masked(&unknown, "nobody@acme.example"));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut links = vec![];
        while let Some(mail) = env.app.store.system().take_mail().await.unwrap() {
            assert_eq!(mail.to.as_str(), MO);
            let Mail::PasswordLink { token, tenant } = mail.mail else { continue };
            links.push((tenant, token));
        }
        links.sort();
        let tenants: Vec<_> = links.iter().map(|(tenant, _)| tenant.as_str()).collect();
        assert_eq!(tenants, ["acme", "bolt"]);
        let set = theirs.act("setup/set-password", &[("token", &links[1].1), ("password", OTHER_PASSWORD)]).await;
        assert_eq!((set.status.as_u16(), theirs.who().await.as_deref()), (200, Some("Mo of bolt")), "{set:?}");
        let other = browser(env);
        other.try_sign_in(PASSWORD).await;
        assert_eq!(other.who().await.as_deref(), Some("Mo of acme"), "the other password is unchanged");
        assert!(env.app.store.system().credential(env.acme.id, mo).await.unwrap().is_some());
    }

    async fn m_11_an_admin_gets_the_same_responses_for_an_address_of_another_tenant_as_for_a_new_one(env) {
        account(env, &env.acme, "Mo of acme", PASSWORD).await;
        let adam = person(env, &env.bolt, "adam", TenantRole::Admin).await;
        let (console, organization) = (&env.bolt.console, env.bolt.ops);
        let owner = SetMembership { organization, person: adam, role: Role::Owner };
        env.change(console, async |write| write.set_membership(console.may(owner)?).await).await;
        let his = browser(env);
        his.sign_in("adam").await;
        his.enroll().await;
        let ops = organization.to_string();
        for mail in [false, true] {
            if mail {
                env.app.store.enable_mail();
            }
            let mut seen = vec![];
            let new = if mail { "mi@acme.example" } else { "my@acme.example" };
            for address in [new, MO] {
                let invite = [("organization", &*ops), ("role", "member"), ("email", address), ("uses", "1"), ("days", "1")];
                let invited = his.act("organizations/invite", &invite).await;
                assert_eq!(invited.status, 200, "{invited:?}");
                let mut responses = vec![masked(&invited, address)];
                if !mail {
                    let link = invited.json()["secret"].as_str().unwrap().to_owned();
                    let token = link.split_once("token=").unwrap().1;
                    let guest = browser(env);
                    responses.push(masked(&guest.get(&format!("/invitation?token={token}")).await, address));
                    let joining = [("token", token), ("name", "Mo of bolt"), ("email", address), ("password", OTHER_PASSWORD)];
                    let joined = guest.act("setup/join", &joining).await;
                    assert_eq!((joined.status.as_u16(), guest.who().await.as_deref()), (200, Some("Mo of bolt")), "{joined:?}");
                    responses.push(masked(&joined, address));
                }
                seen.push(responses);
            }
            assert_eq!(seen[0], seen[1]);
        }
        let created = async |email: &str| {
            let fields = [("name", "Mo"), ("email", email), ("tenant_role", "person")];
            his.act("people/create", &fields).await
        };
        let (acme, lone) = (&env.acme.console, "lone@acme.example");
        let new = CreatePerson { email: Email::parse(lone).unwrap(), name: "Lone".into(), tenant_role: TenantRole::Person };
        env.change(acme, async |write| write.create_person(acme.may(new)?).await).await;
        let (fresh, other) = (created("long@acme.example").await, created(lone).await);
        assert_eq!(fresh.status, 200, "{fresh:?}");
        assert_eq!(masked(&fresh, "long@acme.example"), masked(&other, lone));
        assert_eq!(created(lone).await.status, 409, "within the tenant it is in use");
    }
}
