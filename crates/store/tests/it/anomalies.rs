//! Anomaly detection (N-06): anomalies are reported once to the people concerned and to admins; usual behavior is not.
use crate::{
    raw::Raw,
    walls::arrival,
    world::{TenantFixture, World, on_both, sealed},
};
use domain::{
    Actor, KeyId, PersonId, Principal, Timestamp,
    account::AccountNotice,
    anomalies::{AnomalyDetails, AnomalyKind},
    policy::{CreateKey, CreateServiceAccount, ReadAudit, ReviewAnomaly},
    security::SecurityEvent,
};
use std::time::Duration;
use store::{AnomalyFilter, AnomalyRow, AuditFilter, Error};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Returns all anomalies of a tenant, newest first.
pub async fn found(world: &World, fixture: &TenantFixture) -> Vec<AnomalyRow> {
    let mut read = world.store.read(&fixture.adam).await.unwrap();
    let proof = fixture.adam.may(ReadAudit).unwrap();
    read.anomalies(&proof, AnomalyFilter::default(), None, 100).await.unwrap().items
}

async fn kinds(world: &World) -> Vec<AnomalyKind> {
    found(world, &world.acme).await.iter().map(|row| row.kind).collect()
}

/// Returns the account events of a person.
async fn notices(world: &World, actor: &Actor) -> Vec<AccountNotice> {
    let events = world.store.read(actor).await.unwrap().account_events(50).await.unwrap();
    events.into_iter().map(|event| event.happened).collect()
}

pub fn at(actor: &Actor, address: &str) -> Actor {
    Actor { address: Some(address.into()), ..actor.clone() }
}

/// Returns the server itself as actor, for a visitor at an address.
pub fn door(world: &World, address: &str) -> Actor {
    at(&Actor::clock(world.acme.tenant, world.now()), address)
}

async fn arrives(world: &World, person: PersonId, device: &str, address: &str) {
    let door = door(world, address);
    world.change(&door, async |write| write.arrive(person, &arrival(device, true)).await).await.unwrap();
}

pub async fn fails(world: &World, person: PersonId, address: &str) {
    let door = door(world, address);
    world.change(&door, async |write| write.note_refused_sign_in(person, "wrong password").await).await.unwrap();
}

pub async fn uses(world: &World, key: &Actor, address: &str, last: Option<Timestamp>) {
    let key = at(key, address);
    world.change(&key, async |write| write.note_key_use(last).await).await.unwrap();
}

pub fn id_of(key: &Actor) -> KeyId {
    let Principal::Key { key, .. } = key.principal else { unreachable!() };
    key
}

on_both! {
    async fn n_06_a_sign_in_from_a_new_place_is_an_anomaly_except_the_first(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        arrives(world, mia, "laptop", "192.0.2.7").await;
        arrives(world, mia, "laptop", "192.0.2.200").await;
        assert!(found(world, acme).await.is_empty(), "the first, and the same network");
        arrives(world, mia, "laptop", "198.51.100.1").await;
        let rows = found(world, acme).await;
        let new = |device: &str, new_device, new_network| AnomalyDetails::SignIn { device: device.into(), new_device, new_network, half: false };
        assert_eq!((rows.len(), &rows[0].facts), (1, &new("laptop", false, true)));
        assert_eq!((rows[0].address.as_str(), rows[0].network.as_str()), ("198.51.100.1", "198.51.100.0/24"));
        assert_eq!(rows[0].person_id, Some(mia));
        world.wait(HOUR);
        arrives(world, mia, "phone", "192.0.2.7").await;
        assert_eq!(found(world, acme).await[0].facts, new("phone", true, false));
        world.wait(HOUR);
        for device in ["laptop", "phone"] {
            arrives(world, mia, device, "198.51.100.9").await;
        }
        assert_eq!(found(world, acme).await.len(), 2, "both are known now");
        assert_eq!(notices(world, &acme.mia).await, [AccountNotice::NewPlace; 2]);
        assert!(!notices(world, &acme.olga).await.contains(&AccountNotice::NewPlace));
        let own = world.store.read(&acme.mia).await.unwrap().own_anomalies(10).await.unwrap();
        assert_eq!(own.len(), 2);
    }

    async fn n_06_many_new_places_in_an_hour_are_one_anomaly_and_one_message(world) {
        let mia = world.acme.mia.person().unwrap();
        for n in 0..40 {
            arrives(world, mia, &format!("device {n}"), &format!("10.0.{n}.1")).await;
        }
        let rows = found(world, &world.acme).await;
        assert_eq!((rows.len(), rows[0].times), (1, 39));
        assert_eq!(notices(world, &world.acme.mia).await, [AccountNotice::NewPlace]);
        let mut raw = Raw::of(world).await;
        assert_eq!(raw.number("select count(*) from known_network").await, 30, "the latest are remembered");
        world.wait(DAY * 90);
        arrives(world, mia, "device 39", "10.0.39.1").await;
        assert_eq!(raw.number("select count(*) from known_network").await, 1, "and each expires");
    }

    async fn n_06_an_incomplete_sign_in_is_marked_until_it_is_complete(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        let enroll = || acme.mia.may(domain::policy::EnrollFactor { owner: mia, factor: domain::account::Factor::Totp }).unwrap();
        world.change(&acme.mia, async |write| {
            write.begin_totp_enrollment(&enroll(), b"secret").await?;
            write.confirm_totp(enroll(), 1).await
        }).await.unwrap();
        arrives(world, mia, "laptop", "192.0.2.7").await;
        let elsewhere = door(world, "198.51.100.1");
        let half = async |whole| world.change(&elsewhere, async |write| write.arrive(mia, &arrival("other", whole)).await).await.unwrap();
        let is_half = async || matches!(found(world, acme).await[..], [AnomalyRow { facts: AnomalyDetails::SignIn { half: true, .. }, .. }]);
        half(false).await;
        assert!(is_half().await, "the password was right, the factor is missing");
        half(true).await;
        assert!(!is_half().await && found(world, acme).await.len() == 1);
        // An incomplete sign-in does not replace it and is a separate anomaly.
        world.change(&elsewhere, async |write| write.arrive(mia, &arrival("third", false)).await).await.unwrap();
        let halves: Vec<_> = found(world, acme).await.into_iter().map(|row| matches!(row.facts, AnomalyDetails::SignIn { half: true, .. })).collect();
        assert_eq!(halves.len(), 2);
        assert_eq!(halves.iter().filter(|half| **half).count(), 1);
        // A person who has not shown the second factor is still new after a day.
        world.wait(DAY);
        let later = door(world, "203.0.113.9");
        world.change(&later, async |write| write.arrive(mia, &arrival("third", true)).await).await.unwrap();
        assert!(matches!(found(world, acme).await[0].facts, AnomalyDetails::SignIn { half: false, new_device: true, new_network: true, .. }));
    }

    async fn n_06_many_wrong_passwords_are_reported_once_a_day_and_when_they_double(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        for _ in 0..9 {
            fails(world, mia, "192.0.2.7").await;
        }
        assert!(found(world, acme).await.is_empty(), "nine are not many");
        fails(world, mia, "198.51.100.7").await;
        let rows = found(world, acme).await;
        assert_eq!(rows[0].facts, AnomalyDetails::Guessing { failures: 10, networks: 2 });
        assert_eq!(notices(world, &acme.mia).await, [AccountNotice::ManyFailures]);
        let look = ReviewAnomaly { id: rows[0].id, seen: rows[0].last_at };
        world.change(&acme.adam, async |write| write.review_anomaly(acme.adam.may(look)?).await).await.unwrap();
        for _ in 0..9 {
            fails(world, mia, "192.0.2.7").await;
        }
        let row = &found(world, acme).await[0];
        assert_eq!((row.times, row.reviewed_by.is_some()), (10, true), "nineteen are not twice as many");
        fails(world, mia, "192.0.2.7").await;
        let rows = found(world, acme).await;
        assert_eq!((rows.len(), rows[0].times, rows[0].reviewed_at), (1, 20, None), "it needs another review");
        assert_eq!(notices(world, &acme.mia).await, [AccountNotice::ManyFailures], "its owner is not notified twice a day");
        let olga = acme.olga.person().unwrap();
        for _ in 0..30 {
            fails(world, olga, "192.0.2.7").await;
            world.wait(Duration::from_mins(10));
        }
        assert_eq!(kinds(world).await, [AnomalyKind::Guessing], "one every ten minutes is nobody's burst");
        let mut raw = Raw::of(world).await;
        assert!(raw.number("select count(*) from failure_count").await <= 7, "what is counted is forgotten after an hour");
    }

    async fn n_06_password_spraying_is_reported_to_admins(world) {
        let acme = &world.acme;
        let mut people = vec![];
        for n in 0..8 {
            let new = domain::policy::CreatePerson {
                email: crate::world::email(&format!("p{n}"), "acme"), name: format!("P {n}"), tenant_role: domain::role::TenantRole::Person,
            };
            people.push(world.change(&acme.adam, async |write| write.create_person(acme.adam.may(new)?).await).await.unwrap());
        }
        for (n, person) in people.iter().enumerate() {
            fails(world, *person, &format!("10.0.{n}.1")).await;
        }
        assert!(found(world, acme).await.is_empty(), "each from somewhere else, once");
        world.wait(HOUR * 2);
        for (n, person) in people.iter().enumerate() {
            fails(world, *person, &format!("192.0.2.{n}")).await;
        }
        let rows = found(world, acme).await;
        assert_eq!((rows.len(), &rows[0].facts), (1, &AnomalyDetails::Spraying { accounts: 8, failures: 8 }));
        assert_eq!((rows[0].network.as_str(), rows[0].person_id), ("192.0.2.0/24", None));
        assert_eq!(world.store.read(&acme.adam).await.unwrap().unreviewed_anomalies().await.unwrap(), 1);
        assert_eq!(world.store.read(&acme.mia).await.unwrap().unreviewed_anomalies().await.unwrap(), 0);
    }

    async fn n_06_the_owner_is_notified_of_a_key_in_a_new_network_unless_it_is_bound(world) {
        let acme = &world.acme;
        let key = world.key(&acme.mia, "tasks:*").await;
        uses(world, &key, "192.0.2.7", None).await;
        uses(world, &key, "192.0.2.8", Some(world.now())).await;
        assert!(found(world, acme).await.is_empty(), "the first network, and the same");
        uses(world, &key, "2001:db8::1", Some(world.now())).await;
        uses(world, &key, "2001:db8:0:9::1", Some(world.now())).await;
        let rows = found(world, acme).await;
        assert_eq!((rows.len(), &rows[0].facts), (1, &AnomalyDetails::KeyNetwork { known: 1 }));
        assert_eq!((rows[0].key_id, rows[0].network.as_str()), (Some(id_of(&key)), "2001:db8::/48"));
        assert_eq!(notices(world, &acme.mia).await, [AccountNotice::KeyAnomaly]);
        let bound = CreateKey { networks: "10.0.0.0/8".parse().unwrap(), ..crate::world::new_key(&acme.mia, "bound", "tasks:*") };
        let bound = world.change(&acme.mia, async |write| write.create_key(acme.mia.may(bound)?, "mk_2", [2; 32]).await).await.unwrap();
        let bound = Actor { principal: Principal::Key { key: bound, owner: acme.mia.person().unwrap() }, ..key.clone() };
        for network in ["10.0.0.1", "10.1.0.1", "10.2.0.1"] {
            uses(world, &bound, network, Some(world.now())).await;
        }
        assert_eq!(found(world, acme).await.len(), 1, "a key that is bound is bound already");
    }

    async fn n_06_the_responsible_person_is_notified_when_a_dormant_key_is_used(world) {
        let acme = &world.acme;
        let responsible = acme.mia.person().unwrap();
        let account = CreateServiceAccount { name: "Robot".into(), responsible };
        let robot = world.change(&acme.adam, async |write| write.create_service_account(acme.adam.may(account)?).await).await.unwrap();
        let new = CreateKey { owner: robot, responsible: Some(responsible), ..crate::world::new_key(&acme.mia, "robot's", "tasks:read") };
        // The service account is in no organization yet, so the console creates its key.
        let key = world.change(&acme.console, async |write| write.create_key(acme.console.may(new)?, "mk_3", [3; 32]).await).await.unwrap();
        let key = Actor { principal: Principal::Key { key, owner: robot }, ..acme.mia.clone() };
        let last = world.now();
        uses(world, &key, "192.0.2.7", None).await;
        world.wait(DAY * 89);
        uses(world, &key, "192.0.2.7", Some(last)).await;
        assert!(found(world, acme).await.is_empty());
        let last = world.now();
        world.wait(DAY * 91);
        uses(world, &key, "192.0.2.7", Some(last)).await;
        let rows = found(world, acme).await;
        assert_eq!((rows.len(), &rows[0].facts), (1, &AnomalyDetails::KeySilent { days: 91 }));
        assert_eq!(notices(world, &acme.mia).await, [AccountNotice::KeyAnomaly]);
        assert_eq!(world.store.read(&acme.mia).await.unwrap().own_anomalies(10).await.unwrap().len(), 1);
    }

    async fn n_06_an_unusual_number_of_tasks_is_reported_with_figures(world) {
        let acme = &world.acme;
        let key = world.key(&acme.mia, "tasks:*").await;
        for _ in 0..25 {
            world.submit(&key, sealed(acme.ops)).await;
        }
        assert!(found(world, acme).await.is_empty(), "there is no history to hold it against");
        world.wait(HOUR * 24 * 40); // beyond the volume window
        for _ in 0..7 {
            for _ in 0..3 {
                world.submit(&key, sealed(acme.ops)).await;
            }
            world.wait(DAY);
        }
        for _ in 0..19 {
            world.submit(&key, sealed(acme.ops)).await;
        }
        assert!(found(world, acme).await.is_empty(), "nineteen are not many");
        world.submit(&key, sealed(acme.ops)).await;
        let rows = found(world, acme).await;
        assert_eq!((rows.len(), &rows[0].facts), (1, &AnomalyDetails::TaskVolume { tasks: 20, most: 3, days: 7 }));
        for _ in 0..20 {
            world.submit(&key, sealed(acme.ops)).await;
        }
        let rows = found(world, acme).await;
        assert_eq!((rows.len(), rows[0].times), (1, 40));
        assert_eq!(notices(world, &acme.mia).await, [AccountNotice::KeyAnomaly]);
        for _ in 0..30 {
            world.submit(&acme.mia, sealed(acme.ops)).await;
        }
        assert_eq!(found(world, acme).await.len(), 1, "a person in a browser has no such habits");
    }

    async fn n_06_a_task_outside_the_usual_hours_of_a_key_is_an_anomaly(world) {
        let acme = &world.acme;
        let key = world.key(&acme.mia, "tasks:*").await;
        // At noon and at one o'clock, every day for five weeks.
        for _ in 0..35 {
            world.submit(&key, sealed(acme.ops)).await;
            world.wait(HOUR);
            world.submit(&key, sealed(acme.ops)).await;
            world.wait(HOUR * 23);
        }
        assert!(found(world, acme).await.is_empty());
        world.wait(HOUR * 2);
        world.submit(&key, sealed(acme.ops)).await;
        assert!(found(world, acme).await.is_empty(), "an hour later than usual");
        world.wait(HOUR * 12);
        world.submit(&key, sealed(acme.ops)).await;
        world.submit(&key, sealed(acme.ops)).await;
        let rows = found(world, acme).await;
        assert_eq!(rows.len(), 1);
        assert!(matches!(rows[0].facts, AnomalyDetails::TaskHour { active: 71, days: 35, .. }), "{:?}", rows[0].facts);
    }

    async fn n_06_only_an_admin_marks_an_anomaly_as_reviewed_and_only_once(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        for address in ["192.0.2.7", "198.51.100.1"] {
            arrives(world, mia, "laptop", address).await;
        }
        let (id, seen) = (found(world, acme).await[0].id, world.now());
        for who in [&acme.mia, &acme.olga, &acme.audrey, &acme.kit] {
            assert!(who.may(ReviewAnomaly { id, seen }).is_err());
        }
        let look = async || world.change(&acme.adam, async |write| write.review_anomaly(acme.adam.may(ReviewAnomaly { id, seen })?).await).await;
        look().await.unwrap();
        let row = found(world, acme).await.remove(0);
        assert_eq!((row.reviewed_at, row.reviewed_by.as_deref()), (Some(world.now()), Some(acme.adam.name.as_str())));
        assert!(matches!(look().await, Err(Error::Conflict(_))));
        let mut read = world.store.read(&acme.adam).await.unwrap();
        assert_eq!(read.unreviewed_anomalies().await.unwrap(), 0);
        let proof = acme.adam.may(ReadAudit).unwrap();
        let filter = AnomalyFilter { new: true, ..AnomalyFilter::default() };
        assert!(read.anomalies(&proof, filter, None, 10).await.unwrap().items.is_empty());
        for (filter, n) in [
            (AnomalyFilter { kind: Some(AnomalyKind::SignIn), ..AnomalyFilter::default() }, 1),
            (AnomalyFilter { kind: Some(AnomalyKind::KeySilent), ..AnomalyFilter::default() }, 0),
            (AnomalyFilter { person: Some(mia), ..AnomalyFilter::default() }, 1),
            (AnomalyFilter { person: acme.olga.person(), ..AnomalyFilter::default() }, 0),
        ] {
            assert_eq!(read.anomalies(&proof, filter, None, 10).await.unwrap().items.len(), n, "{filter:?}");
        }
        let actions = |action: &str| AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
        for action in ["anomaly.detect", "anomaly.review"] {
            assert_eq!(read.audit(&proof, actions(action), None, 10).await.unwrap().items.len(), 1, "{action}");
        }
        drop(read);
        // This remains possible while the tenant is frozen.
        world.change(&acme.adam, async |write| write.freeze(acme.adam.may(domain::policy::FreezeTenant {})?).await).await.unwrap();
        world.wait(HOUR);
        arrives(world, mia, "laptop", "203.0.113.1").await;
        assert_eq!(found(world, acme).await.len(), 2);
    }

    async fn k_05_each_security_event_is_found_in_the_log_by_its_name(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        fails(world, mia, "192.0.2.7").await;
        let session = domain::BrowserSessionId(store::new_id());
        world.store.system().open_browser_session(&acme.mia, crate::walls::new_session(world, session, mia, "acme")).await.unwrap();
        let end = domain::policy::EndBrowserSession { session, owner: mia };
        world.change(&acme.mia, async |write| write.end_browser_session(acme.mia.may(end)?).await).await.unwrap();
        let mut key = world.key(&acme.mia, "tasks:read").await;
        (key.key_prefix, key.address) = (Some("mk_abcdefgh".into()), Some("192.0.2.9".into()));
        let create = domain::policy::CreateOrganization { name: "mine".into() };
        assert!(world.store.authorize(&key, create).await.is_err());
        world.change(&acme.rex, async |write| write.note_refused_runner(None, "revoked").await).await.unwrap();
        world.change(&key, async |write| write.note_rate_limited(crate::walls::rate_limited()).await).await.unwrap();
        let proof = acme.adam.may(ReadAudit).unwrap();
        let mut read = world.store.read(&acme.adam).await.unwrap();
        for event in SecurityEvent::ALL {
            let filter = AuditFilter { event: Some(*event), ..AuditFilter::default() };
            let rows = read.audit(&proof, filter, None, 10).await.unwrap().items;
            assert_eq!(rows.iter().map(|row| row.event).collect::<Vec<_>>(), [Some(*event)], "{event}");
            assert!(rows[0].at == world.now() && rows[0].personal.is_some());
            if *event == SecurityEvent::UnauthorizedCommandAttempt {
                assert!(rows[0].body.contains("mk_abcdefgh"), "{}", rows[0].body);
                assert!(rows[0].personal.as_ref().unwrap().contains("192.0.2.9"));
            }
        }
    }
}
