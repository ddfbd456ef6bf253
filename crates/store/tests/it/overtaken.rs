//! Sign-ins concurrent with the end of sessions (E11): in either order, no session remains.
use crate::{
    raw::Raw,
    walls::new_session,
    world::{World, hash, on_both},
};
use domain::{
    Actor, BrowserSessionId, PasskeyId, PersonId, SignedInBy,
    account::Factor,
    policy::{
        ChangePassword, CloseBreakGlass, EndBrowserSession, EndBrowserSessions, EndOtherBrowserSessions, EnrollFactor,
        LinkIdentity, LockPerson, OpenBreakGlass, RemoveFactor, ResetFactors, SetTenantRole, UnlinkIdentity,
        UnlockPerson,
    },
    role::TenantRole,
};
use futures::join;
use std::time::Duration;
use store::{Error, NewBrowserSession, NewIdentity, NewPasskey, Result, SignInBasis, SignInMethods, Write};
use uuid::Uuid;

/// Starts `b` before the changes of `a` are committed, and returns the result of `b`.
async fn meet(
    world: &World,
    a: &Actor,
    first: impl AsyncFnOnce(&mut Write) -> Result<()>,
    b: &Actor,
    second: impl AsyncFnOnce(&mut Write) -> Result<()>,
) -> Result<()> {
    let mut write = world.store.write(a).await.unwrap();
    first(&mut write).await.unwrap();
    let commit = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        write.commit().await.unwrap();
    };
    let (met, ()) = join!(world.change(b, second), commit);
    met
}

/// Returns the number of open sessions of a person.
async fn open_browser_sessions(world: &World, who: &Actor) -> usize {
    world.store.read(who).await.unwrap().sessions().await.unwrap().len()
}

fn entering(world: &World, who: &Actor, by: SignedInBy, basis: &SignInBasis) -> NewBrowserSession {
    let new = new_session(world, BrowserSessionId(store::new_id()), who.person().unwrap(), &Uuid::new_v4().to_string());
    NewBrowserSession { by, basis: basis.clone(), ..new }
}

/// Runs the sign-in of `who` and its end by `ender` in both orders; `before` resets the state.
async fn never_outlives(
    world: &World,
    (who, by, basis): (&Actor, SignedInBy, &SignInBasis),
    ender: &Actor,
    before: impl AsyncFn(),
    end: impl AsyncFn(&mut Write) -> Result<()>,
) {
    before().await;
    let open = async |write: &mut Write| write.open_browser_session(entering(world, who, by, basis)).await;
    let late = meet(world, ender, &end, who, open).await;
    assert!(matches!(late, Err(Error::NotFound)), "{basis:?}: {late:?}");
    assert_eq!(open_browser_sessions(world, who).await, 0, "{basis:?}");
    before().await;
    let mut raw = Raw::of(world).await;
    let ended = "select count(*) from audit where event = 'session_termination'";
    let were = raw.number(ended).await;
    meet(world, who, open, ender, &end).await.unwrap();
    assert_eq!(raw.number(ended).await, were + 1, "{basis:?}: it is recorded as a session termination (K-05)");
    assert_eq!(open_browser_sessions(world, who).await, 0, "{basis:?}");
}

fn new_key(id: PasskeyId) -> NewPasskey {
    let (credential_id, body) = (id.0.as_bytes().to_vec(), "{}".into());
    NewPasskey { id, name: "Phone".into(), credential_id, body, public_key: vec![], relying_party: "localhost".into() }
}

const OLD: &str = "$argon2id$old";

on_both! {
    async fn d_02_a_session_opened_with_an_old_password_ends_with_it(world) {
        let (acme, mia) = (&world.acme, &world.acme.mia);
        let owner = mia.person().unwrap();
        let before = async || world.change(&acme.console, async |w| w.set_password(owner, OLD).await).await.unwrap();
        let basis = SignInBasis::Password(Some(OLD.into()));
        let entrance = (mia, SignedInBy::Password, &basis);
        never_outlives(world, entrance, mia, before, async |w| {
            w.change_password(mia.may(ChangePassword { owner })?, "$argon2id$new", None).await
        }).await;
        never_outlives(world, entrance, &acme.console, before, async |w| w.set_password(owner, "$argon2id$new").await).await;
        let late = world.change(mia, async |w| w.open_browser_session(entering(world, mia, SignedInBy::Password, &basis)).await).await;
        assert!(matches!(late, Err(Error::NotFound)), "nor any time later: {late:?}");
        before().await;
        world.change(mia, async |w| w.open_browser_session(entering(world, mia, SignedInBy::Password, &basis)).await).await.unwrap();
    }

    /// A session created while its owner is locked would become valid when they are unlocked.
    async fn k_09_a_session_cannot_be_opened_while_its_owner_is_locked(world) {
        let (mia, adam) = (&world.acme.mia, &world.acme.adam);
        let person = mia.person().unwrap();
        let basis = SignInBasis::Password(None);
        let before = async || match world.change(adam, async |w| w.unlock_person(adam.may(UnlockPerson { person })?).await).await {
            Ok(()) => assert_eq!(open_browser_sessions(world, mia).await, 0, "let in again, and nobody is in"),
            Err(error) => assert!(matches!(error, Error::Conflict(_)), "{error:?}"),
        };
        never_outlives(world, (mia, SignedInBy::Password, &basis), adam, before, async |w| {
            w.lock_person(adam.may(LockPerson { person })?).await
        }).await;
        let open = async |w: &mut Write| w.open_browser_session(entering(world, mia, SignedInBy::Password, &basis)).await;
        assert!(matches!(world.change(mia, open).await, Err(Error::NotFound)), "while it lasts");
        before().await;
        world.change(mia, open).await.unwrap();
    }

    async fn m_14_a_removed_passkey_opens_no_session(world) {
        let (mia, adam) = (&world.acme.mia, &world.acme.adam);
        let (owner, id) = (mia.person().unwrap(), PasskeyId(store::new_id()));
        let may = || mia.may(EnrollFactor { owner, factor: Factor::Passkey }).unwrap();
        let before = async || world.change(mia, async |w| w.add_passkey(may(), new_key(id)).await).await.unwrap();
        let basis = SignInBasis::Passkey(id);
        let entrance = (mia, SignedInBy::Passkey, &basis);
        never_outlives(world, entrance, adam, before, async |w| {
            w.reset_factors(adam.may(ResetFactors { person: owner })?).await.map(drop)
        }).await;
        never_outlives(world, entrance, mia, before, async |w| {
            w.remove_passkey(mia.may(RemoveFactor { owner, factor: Factor::Passkey })?, id, None).await
        }).await;
        before().await;
        let ada = world.acme.ada.clone();
        let others = world.change(&ada, async |w| w.open_browser_session(entering(world, &ada, SignedInBy::Passkey, &basis)).await).await;
        assert!(matches!(others, Err(Error::NotFound)), "nor does somebody else's: {others:?}");
    }

    async fn a_02_an_unlinked_identity_opens_no_session(world) {
        let mia = &world.acme.mia;
        let person = mia.person().unwrap();
        let identity = || NewIdentity {
            issuer: "https://id.example".into(), subject: "mia".into(), provider: "id".into(), name: "mia".into(),
        };
        let link = async || world.change(mia, async |w| {
            w.link_identity(mia.may(LinkIdentity { person, provider: "ID".into() })?, identity()).await.map(drop)
        }).await.unwrap();
        world.change(&world.acme.console, async |w| w.set_password(person, OLD).await).await.unwrap();
        let basis = SignInBasis::Identity { issuer: "https://id.example".into(), subject: "mia".into() };
        let ways = SignInMethods { password: true, issuers: vec![] };
        never_outlives(world, (mia, SignedInBy::Provider, &basis), mia, link, async |w| {
            let identity = world.store.read(mia).await?.identities().await?[0].id;
            w.unlink_identity(mia.may(UnlinkIdentity { identity, person })?, &ways, None).await
        }).await;
    }

    async fn a_03_closing_break_glass_ends_its_session(world) {
        let (console, mia) = (&world.acme.console, &world.acme.mia);
        let person = mia.person().unwrap();
        let make = || console.may(SetTenantRole { person, tenant_role: TenantRole::Admin });
        world.change(console, async |w| w.set_tenant_role(make()?).await).await.unwrap();
        let until = world.now().after(Duration::from_hours(1));
        let before = async || world.change(console, async |w| {
            w.open_break_glass(console.may(OpenBreakGlass { person, until, reason: "drill".into() })?).await
        }).await.unwrap();
        let basis = SignInBasis::Password(None);
        never_outlives(world, (mia, SignedInBy::BreakGlass, &basis), console, before, async |w| {
            w.close_break_glass(console.may(CloseBreakGlass { person })?).await
        }).await;
    }

    /// Ending a session also ends it under the token that it continues with.
    async fn trap_e11_no_second_factor_revives_an_ended_session(world) {
        let (mia, adam) = (&world.acme.mia, &world.acme.adam);
        let owner = mia.person().unwrap();
        for (ender, how) in [(mia, End::SignOut), (mia, End::Others), (adam, End::All), (adam, End::Lock), (mia, End::Password)] {
            for factor_first in [true, false] {
                let (session, next) = (BrowserSessionId(store::new_id()), hash(&format!("next {how:?} {factor_first}")));
                let known = world.store.system().credential(mia.tenant, mia.person().unwrap()).await.unwrap().unwrap();
                let basis = SignInBasis::Password(known.password_hash);
                let new = NewBrowserSession { id: session, second_factor_verified: false, ..entering(world, mia, SignedInBy::Password, &basis) };
                let before = new.token_hash;
                world.change(mia, async |w| w.open_browser_session(new).await).await.unwrap();
                let vouch = async |w: &mut Write| {
                    w.lock_browser_session(session).await?;
                    w.complete_second_factor(session, next).await
                };
                let end = async |w: &mut Write| end(ender, how, session, owner, w).await;
                match factor_first {
                    true => meet(world, mia, vouch, ender, end).await.unwrap(),
                    false => {
                        let late = meet(world, ender, end, mia, vouch).await;
                        assert!(matches!(late, Err(Error::NotFound)), "{how:?}: {late:?}");
                    }
                }
                for token in [before, next] {
                    let found = world.store.system().session(token, Duration::from_hours(1)).await.unwrap();
                    assert!(found.is_none(), "{how:?}, the factor first: {factor_first}");
                }
                assert_eq!(open_browser_sessions(world, mia).await, 0, "{how:?}, the factor first: {factor_first}");
                if let End::Lock = how {
                    world.change(adam, async |w| w.unlock_person(adam.may(UnlockPerson { person: owner })?).await).await.unwrap();
                    assert_eq!(open_browser_sessions(world, mia).await, 0, "let in again, and nobody is in");
                }
            }
        }
    }

    async fn m_14_a_session_is_completed_under_another_token(world) {
        let mia = &world.acme.mia;
        let session = BrowserSessionId(store::new_id());
        let new = NewBrowserSession { id: session, second_factor_verified: false, ..entering(world, mia, SignedInBy::Password, &SignInBasis::Password(None)) };
        let before = new.token_hash;
        world.change(mia, async |w| w.open_browser_session(new).await).await.unwrap();
        world.wait(Duration::from_mins(1));
        let ada = &world.acme.ada;
        let others = world.change(ada, async |w| w.complete_second_factor(session, [9; 32]).await).await;
        assert!(matches!(others, Err(Error::NotFound)), "only its owner's: {others:?}");
        world.change(mia, async |w| w.complete_second_factor(session, [9; 32]).await).await.unwrap();
        let find = async |token| world.store.system().session(token, Duration::from_hours(1)).await.unwrap();
        assert!(find(before).await.is_none(), "at once");
        let (found, _) = find([9; 32]).await.unwrap();
        assert_eq!((found.id, found.second_factor_verified, found.authenticated_at), (session, true, world.now()));
    }
}

/// The ways to end a session.
#[derive(Clone, Copy, Debug)]
enum End {
    SignOut,
    Others,
    All,
    Lock,
    Password,
}

/// Ends Mia's session.
async fn end(who: &Actor, how: End, session: BrowserSessionId, owner: PersonId, write: &mut Write) -> Result<()> {
    match how {
        End::SignOut => write.end_browser_session(who.may(EndBrowserSession { session, owner })?).await,
        End::Others => {
            let proof = who.may(EndOtherBrowserSessions { owner })?;
            write.end_other_browser_sessions(proof, BrowserSessionId(Uuid::nil())).await.map(drop)
        }
        End::All => {
            write.end_all_browser_sessions(who.may(EndBrowserSessions { of: Some(owner) })?, None).await.map(drop)
        }
        End::Lock => write.lock_person(who.may(LockPerson { person: owner })?).await,
        End::Password => write.change_password(who.may(ChangePassword { owner })?, "$argon2id$", None).await,
    }
}
