//! Identity providers: encrypted secrets, identities linked only by issuer and subject, roles from groups, and break-glass
//!
use crate::{
    raw::Raw,
    world::{TenantFixture, World, email, on_both, person},
};
use domain::{
    Actor, BrowserSessionId, PersonId, ProviderId, SignedInBy,
    account::AccountNotice,
    policy::{
        AdmitPerson, CloseBreakGlass, LinkIdentity, OpenBreakGlass, ReadAudit, RemoveProvider, SetMembership,
        SetProvider, SyncProviderRoles, UnlinkIdentity,
    },
    provider::{Provider, ProviderForm},
    role::{Role, TenantRole},
    security::SecurityEvent,
};
use futures::join;
use std::time::Duration;
use store::{AuditFilter, Error, NewBrowserSession, NewIdentity, Result, SignInBasis, SignInMethods};

const ISSUER: &str = "https://id.acme.example";

fn idp() -> Provider {
    let (kind, client_id, issuer) = ("oidc".into(), "us".into(), ISSUER.into());
    ProviderForm { kind, client_id, issuer, ..ProviderForm::default() }.check().unwrap()
}

fn known_as(issuer: &str, subject: &str) -> NewIdentity {
    NewIdentity { issuer: issuer.into(), subject: subject.into(), provider: "id".into(), name: subject.into() }
}

fn ways(password: bool, issuers: &[&str]) -> SignInMethods {
    SignInMethods { password, issuers: issuers.iter().map(|issuer| (*issuer).to_owned()).collect() }
}

async fn link(world: &World, actor: &Actor, issuer: &str, subject: &str) -> Result<domain::IdentityId> {
    let action = LinkIdentity { person: actor.person().unwrap(), provider: "ID".into() };
    world.change(actor, async |write| write.link_identity(actor.may(action)?, known_as(issuer, subject)).await).await
}

async fn unlink(world: &World, actor: &Actor, identity: domain::IdentityId, ways: &SignInMethods) -> Result<()> {
    let action = UnlinkIdentity { identity, person: actor.person().unwrap() };
    world.change(actor, async |write| write.unlink_identity(actor.may(action)?, ways, None).await).await
}

async fn admit(world: &World, fixture: &TenantFixture, who: &str, subject: &str) -> Result<PersonId> {
    let provider = Actor::provider(fixture.tenant, "ID", world.now());
    let new = AdmitPerson { email: email(who, fixture.name), name: who.into(), provider: "ID".into() };
    world.change(&provider, async |write| write.admit_person(provider.may(new)?, known_as(ISSUER, subject)).await).await
}

async fn follow(
    world: &World,
    fixture: &TenantFixture,
    who: PersonId,
    role: TenantRole,
    roles: &[Role],
) -> Result<bool> {
    let provider = Actor::provider(fixture.tenant, "ID", world.now());
    let roles = Some(roles.iter().map(|role| (fixture.ops, *role)).collect());
    let action = SyncProviderRoles { person: who, provider: "id".into(), tenant_role: role, roles };
    world.change(&provider, async |write| write.sync_roles_from_provider(provider.may(action)?).await).await
}

on_both! {
    /// The database does not contain the secret, and the ciphertext opens in no other row (M-06).
    async fn a_02_a_client_secret_is_sealed_for_its_row(world) {
        let adam = &world.acme.adam;
        let (id, other) = (ProviderId(store::new_id()), ProviderId(store::new_id()));
        for id in [id, other] {
            let sealed = world.store.seal_secret(world.acme.tenant, id, "correct horse").await.unwrap();
            let set = adam.may(SetProvider { id, provider: idp(), new_secret: true }).unwrap();
            world.change(adam, async |write| write.set_provider(set, Some(sealed)).await).await.unwrap();
        }
        let system = world.store.system();
        assert_eq!(system.provider(id).await.unwrap().unwrap().secret, "correct horse");
        let rename = SetProvider { id, provider: Provider { label: "Acme".into(), ..idp() }, new_secret: false };
        let rename = adam.may(rename).unwrap();
        world.change(adam, async |write| write.set_provider(rename, None).await).await.unwrap();
        let open = system.provider(id).await.unwrap().unwrap();
        assert_eq!((open.secret.as_str(), open.provider.label.as_str()), ("correct horse", "Acme"), "it stays");
        assert!(!format!("{open:?}").contains("horse"));
        let unknown = adam.may(SetProvider { id: ProviderId(store::new_id()), provider: idp(), new_secret: false }).unwrap();
        let unknown = world.change(adam, async |write| write.set_provider(unknown, None).await).await;
        assert!(matches!(unknown, Err(Error::NotFound)), "a new one needs a secret");

        let mut raw = Raw::of(world).await;
        let swap = "update identity_provider set secret = (select secret from identity_provider order by id desc limit 1)";
        raw.run(swap).await.unwrap();
        assert!(system.provider(other).await.is_ok());
        assert!(matches!(system.provider(id).await, Err(Error::Corrupt(_))), "another row's does not open here");

        let remove = adam.may(RemoveProvider { id }).unwrap();
        world.change(adam, async |write| write.remove_provider(remove).await).await.unwrap();
        assert!(system.provider(id).await.unwrap().is_none());
    }

    async fn a_02_an_identity_is_issuer_and_subject_in_one_tenant(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        let identity = link(world, &acme.mia, ISSUER, "7").await.unwrap();
        let system = world.store.system();
        let found = system.identity(acme.tenant, ISSUER, "7").await.unwrap().unwrap();
        assert_eq!((found.person_id, found.id), (acme.mia.person().unwrap(), identity));
        system.touch_identity(&found).await.unwrap();
        for (tenant, issuer, subject) in [
            (acme.tenant, "https://other.example", "7"),
            (acme.tenant, "https://id.acme.example/", "7"),
            (acme.tenant, ISSUER, "8"),
            (bolt.tenant, ISSUER, "7"),
        ] {
            assert!(system.identity(tenant, issuer, subject).await.unwrap().is_none(), "{issuer} {subject}");
        }
        assert!(matches!(link(world, &acme.ada, ISSUER, "7").await, Err(Error::Conflict(_))), "it is mia's");
        link(world, &bolt.mia, ISSUER, "7").await.unwrap();
        let own = world.store.read(&acme.mia).await.unwrap().identities().await.unwrap();
        assert!(own.len() == 1 && own[0].last_used_at.is_some());
        assert!(world.store.read(&acme.ada).await.unwrap().identities().await.unwrap().is_empty());
    }

    async fn a_02_a_newcomer_with_an_address_in_use_is_refused(world) {
        let nia = admit(world, &world.acme, "nia", "1").await.unwrap();
        let nia = person(&world.store, world.acme.tenant, nia).await;
        assert_eq!((nia.tenant_role, nia.roles.len()), (TenantRole::Person, 0));
        assert!(matches!(admit(world, &world.acme, "mia", "2").await, Err(Error::Conflict(_))));
        let provider = Actor::provider(world.bolt.tenant, "ID", world.now());
        let new = AdmitPerson { email: email("mia", "acme"), name: "Mia".into(), provider: "ID".into() };
        let new = provider.may(new).unwrap();
        let made = world.change(&provider, async |write| write.admit_person(new, known_as(ISSUER, "3")).await).await;
        let mia = person(&world.store, world.bolt.tenant, made.unwrap()).await;
        assert_eq!(mia.email, world.acme.mia.email, "in another tenant the address is free");
        assert!(world.store.system().identity(world.acme.tenant, ISSUER, "2").await.unwrap().is_none());
    }

    async fn a_02_the_last_sign_in_method_is_not_unlinked(world) {
        let mia = &world.acme.mia;
        let (first, second) =
            (link(world, mia, ISSUER, "1").await.unwrap(), link(world, mia, "https://b.example", "1").await.unwrap());
        let only = ways(true, &[ISSUER]);
        assert!(matches!(unlink(world, mia, first, &only).await, Err(Error::Conflict(_))), "the other one is closed");
        unlink(world, mia, second, &only).await.unwrap();
        assert!(matches!(unlink(world, mia, first, &only).await, Err(Error::Conflict(_))), "it is the only one");
        let hash = "$argon2id$".to_owned();
        world.change(mia, async |write| write.set_password(mia.person().unwrap(), &hash).await).await.unwrap();
        assert!(matches!(unlink(world, mia, first, &ways(false, &[ISSUER])).await, Err(Error::Conflict(_))), "passwords are closed");
        assert!(matches!(unlink(world, &world.acme.ada, first, &only).await, Err(Error::NotFound)), "it is not ada's");
        unlink(world, mia, first, &only).await.unwrap();
        assert!(matches!(unlink(world, mia, first, &only).await, Err(Error::NotFound)));
    }

    /// Of two sign-in methods removed at the same time, one remains.
    async fn a_02_the_last_sign_in_method_survives_concurrent_unlinking(world) {
        let mia = &world.acme.mia;
        let issuers = [ISSUER, "https://b.example"];
        let open = ways(true, &issuers);
        for round in 0..25 {
            let subject = round.to_string();
            let (first, second) = (link(world, mia, issuers[0], &subject).await.unwrap(), link(world, mia, issuers[1], &subject).await.unwrap());
            let ends = join!(unlink(world, mia, first, &open), unlink(world, mia, second, &open));
            let kept = match ends {
                (Ok(()), Err(Error::Conflict(_))) => second,
                (Err(Error::Conflict(_)), Ok(())) => first,
                ends => panic!("round {round}: {ends:?}"),
            };
            let left = world.store.read(mia).await.unwrap().identities().await.unwrap();
            assert_eq!(left.iter().map(|identity| identity.id).collect::<Vec<_>>(), [kept], "round {round}");
            // With another sign-in method both are removed, so that the next round starts without any.
            let hash = "$argon2id$".to_owned();
            world.change(mia, async |write| write.set_password(mia.person().unwrap(), &hash).await).await.unwrap();
            let other = link(world, mia, "https://c.example", &subject).await.unwrap();
            let ends = join!(unlink(world, mia, kept, &open), unlink(world, mia, other, &open));
            assert!(ends.0.is_ok() && ends.1.is_ok(), "round {round}: {ends:?}");
            Raw::of(world).await.run("update person set password_hash = null").await.unwrap();
        }
    }

    async fn a_02_unlinking_notifies_the_owner_and_ends_other_sessions(world) {
        let mia = &world.acme.mia;
        let person = mia.person().unwrap();
        let identity = link(world, mia, ISSUER, "7").await.unwrap();
        link(world, mia, "https://b.example", "7").await.unwrap();
        let system = world.store.system();
        let (this, other) = (BrowserSessionId(store::new_id()), BrowserSessionId(store::new_id()));
        for session in [this, other] {
            system.open_browser_session(mia, crate::walls::new_session(world, session, person, &session.to_string())).await.unwrap();
        }
        let action = UnlinkIdentity { identity, person };
        let ways = ways(false, &[ISSUER, "https://b.example"]);
        world.change(mia, async |w| w.unlink_identity(mia.may(action)?, &ways, Some(this)).await).await.unwrap();
        let mut read = world.store.read(mia).await.unwrap();
        let notices: Vec<_> = read.account_events(9).await.unwrap().into_iter().map(|event| (event.happened, event.detail)).collect();
        let (linked, name) = (AccountNotice::IdentityLinked, known_as(ISSUER, "7").name);
        assert_eq!(notices.len(), 3, "{notices:?}");
        assert_eq!(notices[0], (AccountNotice::IdentityUnlinked, name.clone()));
        assert_eq!(notices[2], (linked, format!("ID ({name})")));
        let open = read.sessions().await.unwrap();
        assert!(matches!(open.as_slice(), [one] if one.id == this), "{open:?}");
        let ended = AuditFilter { event: Some(SecurityEvent::SessionTermination), ..AuditFilter::default() };
        let proof = world.acme.adam.may(ReadAudit).unwrap();
        let mut read = world.store.read(&world.acme.adam).await.unwrap();
        assert_eq!(read.audit(&proof, ended, None, 9).await.unwrap().items.len(), 1, "K-05");
    }

    async fn a_02_roles_follow_groups_and_keep_roles_that_people_assigned(world) {
        let acme = &world.acme;
        let nia = admit(world, acme, "nia", "1").await.unwrap();
        let role = async || person(&world.store, acme.tenant, nia).await.roles.get(&acme.ops).copied();
        assert!(follow(world, acme, nia, TenantRole::Person, &[Role::Member]).await.unwrap());
        assert_eq!(role().await, Some(Role::Member));
        let before = world.records(acme).await;
        assert!(!follow(world, acme, nia, TenantRole::Person, &[Role::Member]).await.unwrap(), "nothing changed");
        assert_eq!(world.records(acme).await, before, "and so nothing is recorded");
        follow(world, acme, nia, TenantRole::Person, &[Role::Approver]).await.unwrap();
        assert_eq!(role().await, Some(Role::Approver));
        follow(world, acme, nia, TenantRole::Person, &[]).await.unwrap();
        assert_eq!(role().await, None, "what the provider gave it takes back");

        let by_hand = acme.adam.may(SetMembership { organization: acme.ops, person: nia, role: Role::Viewer }).unwrap();
        world.change(&acme.adam, async |write| write.set_membership(by_hand).await).await.unwrap();
        follow(world, acme, nia, TenantRole::Person, &[Role::Owner]).await.unwrap();
        assert_eq!(role().await, Some(Role::Viewer));
        follow(world, acme, nia, TenantRole::Person, &[]).await.unwrap();
        assert_eq!(role().await, Some(Role::Viewer), "what people gave stays");

        assert!(follow(world, acme, nia, TenantRole::Admin, &[]).await.unwrap());
        follow(world, acme, nia, TenantRole::Person, &[]).await.unwrap();
        assert!(person(&world.store, acme.tenant, nia).await.is_admin(), "admins are unmade by people");
        let foreign = world.bolt.mia.person().unwrap();
        let stranger = follow(world, acme, foreign, TenantRole::Admin, &[Role::Owner]).await;
        assert!(!stranger.unwrap() && !world.again(&world.bolt.mia).await.is_admin());
    }

    async fn a_02_the_last_owner_stays_regardless_of_groups(world) {
        let acme = &world.acme;
        let nia = admit(world, acme, "nia", "1").await.unwrap();
        follow(world, acme, nia, TenantRole::Person, &[Role::Owner]).await.unwrap();
        let olga = acme.adam.may(SetMembership { organization: acme.ops, person: acme.olga.person().unwrap(), role: Role::Member });
        world.change(&acme.adam, async |write| write.set_membership(olga?).await).await.unwrap();
        for roles in [&[][..], &[Role::Member][..]] {
            assert!(!follow(world, acme, nia, TenantRole::Person, roles).await.unwrap());
            assert_eq!(person(&world.store, acme.tenant, nia).await.roles[&acme.ops], Role::Owner);
        }
    }

    async fn a_02_a_sign_in_at_a_provider_returns_only_once(world) {
        let (system, until) = (world.store.system(), world.now().after(Duration::from_mins(10)));
        assert!(system.consume_sign_in([1; 32], until).await.unwrap());
        assert!(!system.consume_sign_in([1; 32], until).await.unwrap());
        world.wait(Duration::from_mins(11));
        assert!(system.consume_sign_in([2; 32], world.now().after(Duration::from_mins(10))).await.unwrap());
        let mut raw = Raw::of(world).await;
        assert_eq!(raw.number("select count(*) from used_sign_in").await, 1, "what is too old anyway goes");
    }

    async fn a_03_break_glass_is_for_admins_and_limited_in_time(world) {
        let (acme, system) = (&world.acme, world.store.system());
        let (adam, mia) = (acme.adam.person().unwrap(), acme.mia.person().unwrap());
        let open = async |person| {
            let until = world.now().after(Duration::from_hours(1));
            let proof = acme.console.may(OpenBreakGlass { person, until, reason: "the provider is down".into() });
            world.change(&acme.console, async |write| write.open_break_glass(proof?).await).await
        };
        assert!(matches!(open(mia).await, Err(Error::NotFound)), "she is no admin");
        open(adam).await.unwrap();
        assert!(system.may_break_glass(acme.tenant, adam).await.unwrap());
        assert!(!system.may_break_glass(acme.tenant, mia).await.unwrap());
        world.wait(Duration::from_mins(61));
        assert!(!system.may_break_glass(acme.tenant, adam).await.unwrap(), "it expires");

        open(adam).await.unwrap();
        let session = NewBrowserSession {
            token_hash: [7; 32],
            id: BrowserSessionId(store::new_id()),
            person: adam,
            by: SignedInBy::BreakGlass,
            basis: SignInBasis::Password(None),
            second_factor_verified: true,
            device: "a browser".into(),
            address: "192.0.2.1".into(),
            authenticated_at: world.now(), expires_at: world.now().after(Duration::from_hours(12)),
        };
        system.open_browser_session(&acme.adam, session).await.unwrap();
        let close = acme.console.may(CloseBreakGlass { person: adam }).unwrap();
        world.change(&acme.console, async |write| write.close_break_glass(close).await).await.unwrap();
        assert!(!system.may_break_glass(acme.tenant, adam).await.unwrap());
        assert!(world.store.read(&acme.adam).await.unwrap().sessions().await.unwrap().is_empty(), "and its sessions end");
    }
}
