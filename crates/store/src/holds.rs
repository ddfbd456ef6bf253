//! Holds and announcements about approvers (D-04): nobody makes an account an approver, or gains access to the account of one, unseen,
//! and for a day such an account does not decide requests of the person who did.
use crate::{
    Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
    dual_control::{Maker, Managers},
    memberships::PersonIdRow,
    role_sql::is_approver,
};
use domain::{
    Allowed, PersonId, Timestamp,
    account::{AccountNotice, ApproverChange},
    confirmation::ProtectedChange,
    policy::LiftHold,
};
use std::time::Duration;

/// Length of a hold.
const HOLD: Duration = Duration::from_hours(24);

row_type! {
    /// A hold that is in force.
    pub struct Hold {
        /// The account on hold.
        pub person_id: PersonId,
        pub person: String,
        /// The person whose requests it does not decide.
        pub maker_id: PersonId,
        pub maker: String,
        pub cause: ApproverChange,
        pub expires_at: Timestamp,
    }
}

/// Whether decision `d` was made in a hold of a change by one of these people.
macro_rules! decided_in_hold {
    ($people:literal) => {
        concat!(
            "exists (select 1 from approver_hold h where h.tenant_id = $1 and h.person_id = d.person_id
                and h.created_at <= d.created_at and h.expires_at > d.created_at
                and (h.lifted_at is null or h.lifted_at > d.created_at) and h.maker_id in (",
            $people,
            "))"
        )
    };
}
pub(crate) use decided_in_hold;

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
            "select h.person_id, p.name as person, h.maker_id, m.name as maker, h.cause, h.expires_at from approver_hold h
             join person p on p.tenant_id = h.tenant_id and p.id = h.person_id
             join person m on m.tenant_id = h.tenant_id and m.id = h.maker_id
             where h.tenant_id = $1 and h.lifted_at is null and h.expires_at > $2
             order by h.expires_at, p.name, m.name limit 200",
            now
        )
    }
}

impl Write {
    /// Lifts the holds in force on an account that follow changes by one person. Returns `NotFound` if there are none.
    pub async fn lift_hold(&mut self, proof: Allowed<LiftHold>) -> Result<()> {
        let &LiftHold { person, maker } = proof.action();
        let lifted = tenant_query!(
            self,
            execute,
            "update approver_hold set lifted_at = $4
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
        self.announce(AccountNotice::HoldLifted, Some(person), &by, &managers).await?;
        self.publish(Topic::Approvals, person.0);
        Ok(())
    }

    /// Returns until when a person does not decide requests of the given people, if they are on hold.
    pub(crate) async fn held_until(
        &mut self,
        person: PersonId,
        requesters: [Option<PersonId>; 3],
    ) -> Result<Option<Timestamp>> {
        let [requester, responsible, creator] = requesters;
        let found = tenant_query!(
            self,
            HeldUntil,
            fetch_one,
            "select max(h.expires_at) as until from approver_hold h where h.tenant_id = $1 and h.person_id = $2
                and h.lifted_at is null and h.expires_at > $3 and h.maker_id in ($4, $5, $6)",
            person,
            self.now,
            requester,
            responsible,
            creator
        )?;
        Ok(found.until)
    }

    /// Returns the admins of the tenant and the owners of its organizations.
    pub(crate) async fn managers(&mut self) -> Result<Managers> {
        let found = tenant_query!(
            self,
            PersonIdRow,
            fetch_all,
            "select p.id as person_id from person p where p.tenant_id = $1 and p.locked_at is null and p.responsible_id is null
                and (p.tenant_role = 'admin' or exists (select 1 from membership m
                    where m.tenant_id = $1 and m.person_id = p.id and m.role = 'owner')) order by p.id"
        )?;
        Ok(Managers(found.into_iter().map(|row| row.person_id).collect()))
    }

    /// Returns whether this is a person of the tenant and no service account.
    pub(crate) async fn is_person(&mut self, person: PersonId) -> Result<bool> {
        const SQL: &str =
            "select count(*) as n from person where tenant_id = $1 and id = $2 and responsible_id is null";
        Ok(tenant_query!(self, Number, fetch_one, SQL, person)?.n > 0)
    }

    /// Returns whether a person may approve somewhere, or manage the people who do.
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
                "))"
            ),
            person
        )?;
        Ok(found.n > 0)
    }

    /// Returns who makes a change: the requester of one that the actor confirms, otherwise the actor.
    pub(crate) fn maker(&self) -> Maker {
        match &self.confirmed {
            Some(confirmed) => confirmed.requester.clone(),
            None => self.actor_as_maker(),
        }
    }

    pub(crate) fn actor_as_maker(&self) -> Maker {
        Maker { id: self.actor.person(), name: self.actor.name.clone() }
    }

    /// Starts a hold and announces a change by which somebody became an approver, or which gives access to the account of one.
    /// Does nothing if the account may not approve after it. `managers` are those before the change: a tenant with only one of them has
    /// nobody else who could approve.
    pub(crate) async fn follow_approver_change(
        &mut self,
        person: PersonId,
        change: ApproverChange,
        maker: &Maker,
        managers: &Managers,
    ) -> Result<()> {
        if !self.may_approve(person).await? {
            return Ok(()); // such as a service account
        }
        if change == ApproverChange::Role && managers.ids().all(|manager| manager == person) {
            return Ok(()); // the first one, whom nobody else has to know of
        }
        if let Some(maker) = maker.id.filter(|maker| *maker != person && managers.0.len() > 1) {
            self.start_hold(person, maker, change).await?;
        }
        self.announce(change.notice(), Some(person), maker, managers).await
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
    pub(crate) async fn follow_access_to_account(&mut self, person: PersonId, change: ApproverChange) -> Result<()> {
        let (managers, maker) = (self.managers().await?, self.maker());
        self.follow_approver_change(person, change, &maker, &managers).await?;
        // The person who confirms a link sees it.
        let reader = self.actor.person().filter(|reader| maker.id != Some(*reader) && *reader != person);
        match reader.filter(|_| change == ApproverChange::PasswordLink) {
            Some(reader) if self.may_approve(person).await? => self.start_hold(person, reader, change).await,
            _ => Ok(()),
        }
    }

    /// Starts a hold on an account. Holds on the maker extend to it: otherwise a held account could make another approver.
    async fn start_hold(&mut self, person: PersonId, maker: PersonId, cause: ApproverChange) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "insert into approver_hold (tenant_id, person_id, maker_id, cause, created_at, expires_at)
             select $1, p.id, m.id, $4, $5, $6 from person p join person m on m.tenant_id = p.tenant_id
             where p.tenant_id = $1 and p.id = $2 and m.id <> $2 and (m.id = $3 or exists (select 1 from approver_hold h
                where h.tenant_id = $1 and h.person_id = $3 and h.maker_id = m.id and h.lifted_at is null and h.expires_at > $5))
             on conflict do nothing",
            person,
            maker,
            cause,
            self.now,
            self.now.after(HOLD)
        )?;
        self.publish(Topic::Approvals, person.0);
        Ok(())
    }

    /// Notifies the admins and owners, and the person concerned, of a change.
    pub(crate) async fn announce(
        &mut self,
        notice: AccountNotice,
        person: Option<PersonId>,
        maker: &Maker,
        managers: &Managers,
    ) -> Result<()> {
        let mut recipients: Vec<_> = managers.ids().collect();
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
