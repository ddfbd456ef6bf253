//! Holds and announcements about approvers (D-04): nobody makes an account an approver, or gains access to the account of one, unseen,
//! and for a day an account and the person who made it or gained access to it do not decide each other's requests.
use crate::{
    Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
    dual_control::{Maker, Manager, Managers},
    former_roles::DAY,
    role_sql::is_approver,
};
use domain::{
    Allowed, PersonId, Timestamp,
    account::{AccountChange, AccountNotice},
    confirmation::ProtectedChange,
    policy::LiftHold,
};

/// Length of a hold.
const HOLD: std::time::Duration = DAY;

row_type! {
    /// A hold that is in force.
    pub struct Hold {
        /// The account on hold.
        pub person_id: PersonId,
        pub person: String,
        /// The person who made the change.
        pub maker_id: PersonId,
        pub maker: String,
        pub cause: AccountChange,
        pub expires_at: Timestamp,
    }
}

/// Whether a hold is in force at a time.
macro_rules! in_force {
    ($hold:literal, $time:literal) => {
        concat!(
            $hold,
            ".created_at <= ",
            $time,
            " and ",
            $hold,
            ".expires_at > ",
            $time,
            " and (",
            $hold,
            ".lifted_at is null or ",
            $hold,
            ".lifted_at > ",
            $time,
            ")"
        )
    };
}
pub(crate) use in_force;

/// The end of the holds because of which a person does not decide requests of these people at a time; null if there are none. A hold on
/// either because of the other counts, and holds on both because of a third person: that one may have access to both accounts.
macro_rules! held_until {
    ($person:literal, $people:literal, $time:literal) => {
        concat!(
            "(select max(h.expires_at) from account_hold h where h.tenant_id = $1 and h.person_id in (",
            $person,
            ", ",
            $people,
            ") and ",
            $crate::holds::in_force!("h", $time),
            " and case when h.person_id = ",
            $person,
            " then h.maker_id in (",
            $people,
            ") or exists (select 1 from account_hold o where o.tenant_id = $1 and o.person_id in (",
            $people,
            ") and o.person_id <> ",
            $person,
            " and o.maker_id = h.maker_id and ",
            $crate::holds::in_force!("o", $time),
            ") else h.maker_id = ",
            $person,
            " end)"
        )
    };
}
pub(crate) use held_until;

impl Read {
    /// Returns the holds in force, for actors who can read everything.
    pub async fn holds(&mut self) -> Result<Vec<Hold>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        let now = self.store.now();
        tenant_query!(
            self,
            Hold,
            fetch_all,
            "select h.person_id, p.name as person, h.maker_id, m.name as maker, h.cause, h.expires_at from account_hold h
             join person p on p.tenant_id = h.tenant_id and p.id = h.person_id
             join person m on m.tenant_id = h.tenant_id and m.id = h.maker_id
             where h.tenant_id = $1 and h.lifted_at is null and h.expires_at > $2
             order by h.expires_at, p.name, m.name limit 200",
            now
        )
    }
}

impl Write {
    /// Lifts the holds in force on an account that follow changes by one person. Returns `NotFound` if there are none, and a conflict if the
    /// actor is on hold with one of the two.
    pub async fn lift_hold(&mut self, proof: Allowed<LiftHold>) -> Result<()> {
        let &LiftHold { person, maker } = proof.action();
        self.require_independence([Some(maker), Some(person), None]).await?;
        let lifted = tenant_query!(
            self,
            execute,
            "update account_hold set lifted_at = $4
             where tenant_id = $1 and person_id = $2 and maker_id = $3 and lifted_at is null and expires_at > $4",
            person,
            maker,
            self.now
        )?;
        if lifted == 0 {
            return Err(crate::Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        let (managers, by) = (self.managers().await?, self.actor_as_maker());
        self.announce(AccountNotice::HoldLifted, Some(person), &by, managers.ids()).await?;
        self.publish(Topic::Approvals, person.0);
        Ok(())
    }

    /// Returns a conflict if a hold keeps the actor from deciding requests of one of these people: they may have access to the actor's
    /// account.
    pub(crate) async fn require_independence(&mut self, people: [Option<PersonId>; 3]) -> Result<()> {
        let Some(person) = self.actor.person() else { return Ok(()) };
        match self.held_until(person, people).await? {
            Some(_) => Err(crate::Error::Conflict(crate::Conflict::ConfirmerOnHold)),
            None => Ok(()),
        }
    }

    /// Returns until when a person does not decide requests of the given people, if they are on hold.
    pub(crate) async fn held_until(
        &mut self,
        person: PersonId,
        people: [Option<PersonId>; 3],
    ) -> Result<Option<Timestamp>> {
        let [first, second, third] = people;
        let found = tenant_query!(
            self,
            HeldUntil,
            fetch_one,
            concat!("select ", held_until!("$2", "$4, $5, $6", "$3"), " as until"),
            person,
            self.now,
            first,
            second,
            third
        )?;
        Ok(found.until)
    }

    /// Returns the admins of the tenant and the owners of its organizations.
    pub(crate) async fn managers(&mut self) -> Result<Managers> {
        let mut found = tenant_query!(
            self,
            Manager,
            fetch_all,
            // `<>` lets SQLite use the index.
            "select p.id as person_id, cast(null as uuid) as organization_id from person p
                where p.tenant_id = $1 and p.tenant_role <> 'person' and p.tenant_role = 'admin'
             union all select m.person_id, m.organization_id from membership m
                join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
                where m.tenant_id = $1 and m.role = 'owner' and p.responsible_id is null
             union all select former_role.person_id, former_role.organization_id from former_role
                join person p on p.tenant_id = former_role.tenant_id and p.id = former_role.person_id
                where former_role.tenant_id = $1 and former_role.ended_at > $2 and former_role.role <> 'approver'
                    and p.responsible_id is null",
            self.now.before(DAY)
        )?;
        found.sort_by_key(|manager| manager.person_id);
        Ok(Managers(found))
    }

    /// Returns whether this is a person of the tenant and no service account.
    pub(crate) async fn is_person(&mut self, person: PersonId) -> Result<bool> {
        const SQL: &str =
            "select count(*) as n from person where tenant_id = $1 and id = $2 and responsible_id is null";
        Ok(tenant_query!(self, Number, fetch_one, SQL, person)?.n > 0)
    }

    /// Returns whether a person may approve somewhere, or manage the people who do, or could in the last 24 hours.
    pub(crate) async fn may_approve(&mut self, person: PersonId) -> Result<bool> {
        let found = tenant_query!(
            self,
            Number,
            fetch_one,
            concat!(
                "select count(*) as n from person p where p.tenant_id = $1 and p.id = $2 and p.responsible_id is null
                    and (p.tenant_role = 'admin' or exists (select 1 from membership m
                        where m.tenant_id = $1 and m.person_id = p.id and ",
                is_approver!(),
                ") or exists (select 1 from former_role where former_role.tenant_id = $1
                        and former_role.person_id = p.id and former_role.ended_at > $3))"
            ),
            person,
            self.now.before(DAY)
        )?;
        Ok(found.n > 0)
    }

    /// Returns who makes a change: the requester of one that the actor confirms, otherwise the actor.
    pub(crate) fn maker(&self) -> Maker {
        match &self.confirmed {
            Some(confirmed) => Maker { id: Some(confirmed.requester), name: confirmed.name.clone() },
            None => self.actor_as_maker(),
        }
    }

    pub(crate) fn actor_as_maker(&self) -> Maker {
        Maker { id: self.actor.person(), name: self.actor.name.clone() }
    }

    /// Returns the actor if they confirm a change of somebody else: they see a link that it creates.
    pub(crate) fn confirmer(&self) -> Option<PersonId> {
        self.actor.person().filter(|_| self.confirmed.is_some())
    }

    /// Starts a hold after a change by which somebody became an approver, or which gives access to an account. Announces it if the account
    /// may approve. `managers` are those before the change.
    pub(crate) async fn follow_account_change(
        &mut self,
        person: PersonId,
        change: AccountChange,
        maker: &Maker,
        managers: &Managers,
    ) -> Result<()> {
        if change == AccountChange::Role && !managers.include_other_than(person) {
            return Ok(()); // the first one, whom nobody else has to know of
        }
        self.hold(person, maker.id, change, managers).await?;
        match change.notice() {
            Some(notice) if self.may_approve(person).await? => {
                self.announce(notice, Some(person), maker, managers.ids()).await
            }
            _ => Ok(()),
        }
    }

    /// Returns whether access to an account waits for confirmation, because it may approve.
    pub(crate) async fn access_awaits_confirmation(&mut self, change: ProtectedChange) -> Result<bool> {
        let Some(person) = change.person() else { return Ok(false) };
        if !self.may_approve(person).await? {
            return Ok(false);
        }
        let (managers, maker) = (self.managers().await?, self.maker());
        self.awaits_confirmation(change, &maker, &managers).await
    }

    /// Follows a change that gives access to an account.
    pub(crate) async fn follow_access_to_account(&mut self, person: PersonId, change: AccountChange) -> Result<()> {
        let (managers, maker) = (self.managers().await?, self.maker());
        self.follow_account_change(person, change, &maker, &managers).await?;
        let reader = self.confirmer().filter(|_| change == AccountChange::PasswordLink);
        self.hold(person, reader, change, &managers).await
    }

    /// Starts a hold on the account of a person. Holds on the maker extend to it: otherwise a held account could make another approver.
    /// There is none for service accounts, for the console, and in a tenant without another manager, where nobody else could approve.
    pub(crate) async fn hold(
        &mut self,
        person: PersonId,
        maker: Option<PersonId>,
        cause: AccountChange,
        managers: &Managers,
    ) -> Result<()> {
        let Some(maker) = maker.filter(|maker| *maker != person && managers.include_other_than(*maker)) else {
            return Ok(());
        };
        tenant_query!(
            self,
            execute,
            concat!(
                "insert into account_hold (tenant_id, person_id, maker_id, cause, created_at, expires_at)
                 select p.tenant_id, p.id, m.id, $4, $5, $6 from person p join (select $3 as id
                    union select h.maker_id from account_hold h where h.tenant_id = $1 and h.person_id = $3 and ",
                in_force!("h", "$5"),
                ") m on m.id <> p.id where p.tenant_id = $1 and p.id = $2 and p.responsible_id is null on conflict do nothing"
            ),
            person,
            maker,
            cause,
            self.now,
            self.now.after(HOLD)
        )?;
        self.publish(Topic::Approvals, person.0);
        Ok(())
    }

    /// Notifies people, and the person concerned, of a change.
    pub(crate) async fn announce(
        &mut self,
        notice: AccountNotice,
        person: Option<PersonId>,
        maker: &Maker,
        mut recipients: Vec<PersonId>,
    ) -> Result<()> {
        let mut detail = maker.name.clone();
        if let Some(person) = person {
            const SQL: &str = "select name from person where tenant_id = $1 and id = $2";
            let name = tenant_query!(self, PersonName, fetch_one, SQL, person)?.name;
            detail = format!("{name} · {detail}");
            if !recipients.contains(&person) {
                recipients.push(person);
            }
        }
        for recipient in recipients {
            self.notify_person(recipient, notice, &detail).await?;
        }
        Ok(())
    }
}

row_type! {
    pub struct HeldUntil {
        pub until: Option<Timestamp>,
    }
}

row_type! {
    pub struct PersonName {
        pub name: String,
    }
}
