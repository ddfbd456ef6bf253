//! Browser sessions (E11, D-02): an ended session stays ended, whatever requests are in flight.
use crate::{
    raw::Raw,
    world::{World, hash, on_both},
};
use domain::{
    Actor, BrowserSessionId, SignedInBy,
    policy::{EndBrowserSession, EndOtherBrowserSessions, ReadAudit, SetMembership},
    role::Role,
};
use futures::future::{BoxFuture, join_all};
use std::time::Duration;
use store::{AuditFilter, Error, MAX_BROWSER_SESSIONS, NewBrowserSession, SignInBasis};

const IDLE: Duration = Duration::from_hours(2);
const LIFE: Duration = Duration::from_hours(12);

async fn open(world: &World, who: &Actor, token: &str) -> BrowserSessionId {
    open_with(world, who, token, false).await
}

async fn open_with(world: &World, who: &Actor, token: &str, second_factor_verified: bool) -> BrowserSessionId {
    let id = BrowserSessionId(store::new_id());
    let new = NewBrowserSession {
        token_hash: hash(token),
        id,
        person: who.person().unwrap(),
        by: SignedInBy::Password,
        basis: SignInBasis::Password(None),
        second_factor_verified,
        device: "Firefox on Linux".into(),
        address: "192.0.2.7".into(),
        authenticated_at: world.now(),
        expires_at: world.now().after(LIFE),
    };
    world.store.system().open_browser_session(who, new).await.unwrap();
    id
}

async fn opens(world: &World, token: &str) -> bool {
    world.store.system().session(hash(token), IDLE).await.unwrap().is_some()
}

/// Ends a session as Mia.
async fn end(world: &World, session: BrowserSessionId) {
    let mia = &world.acme.mia;
    let proof = || mia.may(EndBrowserSession { session, owner: mia.person().unwrap() });
    world.change(mia, async |write| write.end_browser_session(proof()?).await).await.unwrap();
}

/// Changes Mia's role, so that her sessions need a new token.
async fn promote(world: &World, role: Role) {
    let acme = &world.acme;
    let set = SetMembership { organization: acme.ops, person: acme.mia.person().unwrap(), role };
    world.change(&acme.olga, async |write| write.set_membership(acme.olga.may(set)?).await).await.unwrap();
}

on_both! {
    async fn a_session_is_found_by_its_token_and_shown_to_its_owner_only(world) {
        let acme = &world.acme;
        let id = open(world, &acme.mia, "t").await;
        let (found, holder) = world.store.system().session(hash("t"), IDLE).await.unwrap().unwrap();
        assert_eq!((holder.name, holder.roles), (acme.mia.name.clone(), acme.mia.roles.clone()));
        assert_eq!((found.tenant_id, found.id, found.person_id), (acme.tenant, id, acme.mia.person().unwrap()));
        assert_eq!((found.created_at, found.rotate), (world.now(), false));
        let mine = world.store.read(&acme.mia).await.unwrap().sessions().await.unwrap();
        assert_eq!((mine.len(), mine[0].id, mine[0].device.as_str()), (1, id, "Firefox on Linux"));
        assert!(world.store.read(&acme.adam).await.unwrap().sessions().await.unwrap().is_empty());
        assert!(!opens(world, "T").await);
    }

    async fn k_07_the_number_of_sessions_is_bounded_and_the_least_recently_used_one_ends(world) {
        let mia = &world.acme.mia;
        let first = open(world, mia, "first").await;
        world.wait(Duration::from_secs(1));
        open(world, &world.acme.adam, "adam's").await;
        let complete = open_with(world, mia, "complete", true).await;
        for n in 2..MAX_BROWSER_SESSIONS {
            world.wait(Duration::from_secs(1));
            open(world, mia, &format!("t {n}")).await;
        }
        assert!(opens(world, "first").await, "the limit is not exceeded");
        for (next, ended) in [("next", "first"), ("last", "t 2")] {
            world.wait(Duration::from_secs(1));
            open(world, mia, next).await;
            assert!(!opens(world, ended).await && opens(world, next).await);
        }
        let mine = world.store.read(mia).await.unwrap().sessions().await.unwrap();
        assert_eq!(mine.len(), usize::try_from(MAX_BROWSER_SESSIONS).unwrap());
        assert!(mine.iter().any(|session| session.id == complete), "sessions with a second factor are last");
        assert!(opens(world, "adam's").await, "others are not concerned");
        let adam = &world.acme.adam;
        let filter = AuditFilter { action: Some("browser_session.end".into()), ..AuditFilter::default() };
        let mut read = world.store.read(adam).await.unwrap();
        let events = read.audit(&adam.may(ReadAudit).unwrap(), filter, None, 10).await.unwrap().items;
        assert_eq!(events.len(), 2);
        assert!(events.iter().any(|event| event.target_id == first.to_string()));
    }

    /// Runs every operation of a request in flight concurrently with the end of the session, in every order.
    async fn trap_e11_nothing_revives_an_ended_session(world) {
        let mia = &world.acme.mia;
        let mut raw = Raw::of(world).await;
        for round in 0..500 {
            let (old, new) = (format!("old {round}"), format!("new {round}"));
            let id = open(world, mia, &old).await;
            if round % 2 == 0 {
                raw.run("update browser_session set rotate = true").await.unwrap();
            }
            let (mut found, _) = world.store.system().session(hash(&old), IDLE).await.unwrap().unwrap();
            found.last_used_at = found.last_used_at.before(Duration::from_mins(2)); // so that touching writes
            let system = world.store.system();
            let mut under_way: Vec<BoxFuture<'_, ()>> = vec![
                Box::pin(async { system.rotate_browser_session(mia.tenant, id, hash(&new)).await.map(|_| ()).unwrap() }),
                Box::pin(async { system.touch_browser_session(&found).await.unwrap() }),
                Box::pin(end(world, id)),
            ];
            under_way.rotate_left(round % 3);
            under_way.swap(round / 3 % 3, 2);
            join_all(under_way).await;
            assert!(!opens(world, &old).await && !opens(world, &new).await, "round {round}");
            assert!(!system.rotate_browser_session(mia.tenant, id, hash("newer")).await.unwrap());
            system.touch_browser_session(&found).await.unwrap();
            assert_eq!(raw.number("select count(*) from browser_session").await, 0, "round {round}");
        }
    }

    async fn a_session_ends_when_idle_and_at_its_expiry_at_the_latest(world) {
        open(world, &world.acme.mia, "t").await;
        world.wait(IDLE - Duration::from_micros(1));
        assert!(opens(world, "t").await);
        let mut used = Duration::ZERO;
        while used + IDLE < LIFE {
            let (found, _) = world.store.system().session(hash("t"), IDLE).await.unwrap().expect("used often enough");
            world.store.system().touch_browser_session(&found).await.unwrap();
            used += IDLE - Duration::from_micros(1);
            world.wait(IDLE - Duration::from_micros(1));
        }
        world.wait(IDLE);
        assert!(!opens(world, "t").await);
        open(world, &world.acme.mia, "idle").await;
        world.wait(IDLE);
        assert!(!opens(world, "idle").await);
        open(world, &world.acme.mia, "long").await;
        world.wait(LIFE);
        let found = world.store.system().session(hash("long"), Duration::from_hours(1_000)).await.unwrap();
        assert!(found.is_none(), "however long it may be idle");
    }

    async fn last_use_is_kept_to_a_minute(world) {
        open(world, &world.acme.mia, "t").await;
        let begun = world.now();
        for (seconds, seen) in [(59, begun), (1, begun.after(Duration::from_mins(1)))] {
            world.wait(Duration::from_secs(seconds));
            let (found, _) = world.store.system().session(hash("t"), IDLE).await.unwrap().unwrap();
            world.store.system().touch_browser_session(&found).await.unwrap();
            let (found, _) = world.store.system().session(hash("t"), IDLE).await.unwrap().unwrap();
            assert_eq!(found.last_used_at, seen);
        }
    }

    async fn a_change_of_rights_gives_every_session_of_the_person_a_new_token(world) {
        let acme = &world.acme;
        let id = open(world, &acme.mia, "t").await;
        open(world, &acme.ada, "hers").await;
        promote(world, Role::Approver).await;
        let system = world.store.system();
        assert!(system.session(hash("t"), IDLE).await.unwrap().unwrap().0.rotate);
        assert!(!system.session(hash("hers"), IDLE).await.unwrap().unwrap().0.rotate, "nobody else's");
        let both = futures::join!(
            system.rotate_browser_session(acme.tenant, id, hash("u")),
            system.rotate_browser_session(acme.tenant, id, hash("v")),
        );
        assert_ne!(both.0.unwrap(), both.1.unwrap(), "only one of them rotates it");
        assert!(opens(world, "u").await != opens(world, "v").await);
        let now = if opens(world, "u").await { "u" } else { "v" };
        assert!(!system.session(hash(now), IDLE).await.unwrap().unwrap().0.rotate);
        assert!(opens(world, "t").await, "for requests that are under way");
        world.wait(Duration::from_secs(10));
        assert!(!opens(world, "t").await && opens(world, now).await, "but not for long");
    }

    async fn expired_sessions_are_deleted_when_their_owner_signs_in(world) {
        open(world, &world.acme.mia, "old").await;
        open(world, &world.acme.ada, "hers").await;
        world.wait(LIFE);
        open(world, &world.acme.mia, "new").await;
        let mut raw = Raw::of(world).await;
        assert_eq!(raw.number("select count(*) from browser_session").await, 2, "hers goes when she comes back");
    }

    /// Signing out with the previous token, while it is still valid, ends the session and not only that token.
    async fn trap_e11_signing_out_with_the_former_token_ends_the_session(world) {
        let acme = &world.acme;
        let id = open(world, &acme.mia, "t").await;
        promote(world, Role::Approver).await;
        assert!(world.store.system().rotate_browser_session(acme.tenant, id, hash("u")).await.unwrap());
        let (former, _) = world.store.system().session(hash("t"), IDLE).await.unwrap().unwrap();
        end(world, former.id).await;
        assert!(!opens(world, "t").await && !opens(world, "u").await);
    }

    async fn a_person_ends_one_session_or_all_others(world) {
        let acme = &world.acme;
        let this = open(world, &acme.mia, "this").await;
        let that = open(world, &acme.mia, "that").await;
        open(world, &acme.mia, "third").await;
        open(world, &acme.ada, "hers").await;
        let owner = acme.mia.person().unwrap();
        let end = async || world.change(&acme.mia, async |write| write.end_browser_session(acme.mia.may(EndBrowserSession { session: that, owner })?).await).await;
        end().await.unwrap();
        assert!(matches!(end().await, Err(Error::NotFound)));
        assert!(opens(world, "this").await && !opens(world, "that").await && opens(world, "third").await);
        let others = EndOtherBrowserSessions { owner };
        let ended = world.change(&acme.mia, async |write| write.end_other_browser_sessions(acme.mia.may(others)?, this).await).await.unwrap();
        assert_eq!(ended, 1);
        assert!(opens(world, "this").await && !opens(world, "third").await && opens(world, "hers").await);
    }

    async fn nobody_ends_another_persons_session(world) {
        let acme = &world.acme;
        let session = open(world, &acme.mia, "t").await;
        for who in [&acme.ada, &acme.adam, &acme.kit, &acme.console] {
            assert!(who.may(EndBrowserSession { session, owner: acme.mia.person().unwrap() }).is_err());
        }
        let claimed = EndBrowserSession { session, owner: acme.ada.person().unwrap() };
        let result = world.change(&acme.ada, async |write| write.end_browser_session(acme.ada.may(claimed)?).await).await;
        assert!(matches!(result, Err(Error::NotFound)));
        assert!(opens(world, "t").await);
    }

    async fn a_new_password_ends_every_session_of_the_person(world) {
        let acme = &world.acme;
        open(world, &acme.mia, "t").await;
        open(world, &acme.ada, "hers").await;
        world.change(&acme.mia, async |write| write.set_password(acme.mia.person().unwrap(), "$argon2id$new").await).await.unwrap();
        assert!(!opens(world, "t").await && opens(world, "hers").await);
        let found = world.store.system().credential(acme.tenant, acme.mia.person().unwrap()).await.unwrap().unwrap();
        assert_eq!((found.tenant_id, found.password_hash.as_deref()), (acme.tenant, Some("$argon2id$new")));
    }

    async fn tokens_are_not_in_the_database(world) {
        const SECRET: &str = "the-secret-in-the-cookie";
        open(world, &world.acme.mia, SECRET).await;
        let secret: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
        let mut raw = Raw::of(world).await;
        let mut values = 0;
        for column in raw.columns("").await {
            let (table, name) = (&column.table, &column.name);
            let text = match (world.is_sqlite(), column.kind.as_str()) {
                (true, _) => format!("hex(\"{name}\")"),
                (false, "bytea") => format!("upper(encode(\"{name}\", 'hex'))"),
                (false, _) => format!("upper(encode(convert_to(\"{name}\"::text, 'UTF8'), 'hex'))"),
            };
            for stored in raw.texts(&format!("select {text} from {table} where \"{name}\" is not null")).await {
                values += 1;
                assert!(!stored.contains(&secret), "{table}.{name}");
            }
        }
        assert!(values > 100, "{values}");
    }
}
