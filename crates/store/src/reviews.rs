//! Access reviews: every right as it is when the review begins, kept or revoked one by one, and afterwards a record.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        id::new_id,
        insert::insert,
    },
};
use domain::{
    Allowed, KeyId, OrganizationId, PersonId, ReviewId, Timestamp,
    policy::{FinishReview, KeepReviewed, RemoveMembership, RevokeKey, RevokeReviewed, SetTenantRole, StartReview},
    review::{Right, Verdict},
    role::TenantRole,
};
use serde_json::json;

row_type! {
    /// A review.
    pub struct Review {
        pub id: ReviewId,
        /// The organization that it is about; the whole tenant, if none.
        pub organization: Option<String>,
        pub started_by: String,
        pub started_at: Timestamp,
        /// When it ended, if it did.
        pub ended_at: Option<Timestamp>,
        /// How many rights are in it.
        pub items: i64,
        /// How many of them are answered.
        pub answered: i64,
    }
}

row_type! {
    /// A right in a review.
    pub struct ReviewItem {
        /// Its number, from 1.
        pub item_number: i64,
        pub kind: Right,
        pub person_id: PersonId,
        pub person: String,
        /// Their address; a service account has none.
        pub email: Option<String>,
        /// Whether they are locked out.
        pub locked_at: Option<Timestamp>,
        /// Where, for a membership, and for a key that is limited to one.
        pub organization: Option<String>,
        /// Which key, if it is one.
        pub key_id: Option<KeyId>,
        pub key: Option<String>,
        pub prefix: Option<String>,
        /// When it was last used.
        pub last_used_at: Option<Timestamp>,
        /// The role or the scopes, when the review began.
        pub held: String,
        /// The same now; none, where it is gone.
        pub now_held: Option<String>,
        /// When its time was over, if it is a key and it is: nobody is asked about it any more, whoever revokes it later.
        pub expired_at: Option<Timestamp>,
        /// The answer, if there is one.
        pub verdict: Option<Verdict>,
        pub decided_by: Option<String>,
        pub decided_at: Option<Timestamp>,
    }
}

row_type! {
    /// What is revoked with an item.
    pub struct Subject {
        pub kind: Right,
        pub person_id: PersonId,
        pub organization_id: Option<OrganizationId>,
        pub key_id: Option<KeyId>,
        /// Who answers for the person, if that is a service account.
        pub responsible_id: Option<PersonId>,
    }
}

macro_rules! columns {
    () => {
        "select r.id, o.name as organization, p.name as started_by, r.started_at, r.ended_at, r.items, r.answered from review r
         join person p on p.tenant_id = r.tenant_id and p.id = r.started_by
         left join organization o on o.tenant_id = r.tenant_id and o.id = r.organization_id where r.tenant_id = $1"
    };
}

/// Whether an item `i` with its key `k` still asks for an answer at `$now`: a key that has expired does not.
macro_rules! asks {
    ($now:literal) => {
        concat!("i.verdict is null and (k.expires_at is null or k.expires_at > ", $now, ")")
    };
}

impl Read {
    /// The tenant's reviews, newest first, for those who read everything.
    pub async fn reviews(&mut self) -> Result<Vec<Review>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        tenant_query!(self, Review, fetch_all, concat!(columns!(), " order by r.id desc limit 200"))
    }

    /// One of them.
    pub async fn review(&mut self, id: ReviewId) -> Result<Review> {
        if !self.actor.can_read_everything() {
            return Err(Error::NotFound);
        }
        tenant_query!(self, Review, fetch_one, concat!(columns!(), " and r.id = $2"), id)
    }

    /// How many rights in a review still ask for an answer at `now`.
    pub async fn review_open(&mut self, id: ReviewId, now: Timestamp) -> Result<i64> {
        self.review(id).await?;
        const SQL: &str = concat!(
            "select count(*) as n from review_item i left join api_key k on k.tenant_id = i.tenant_id and k.id = i.key_id
             where i.tenant_id = $1 and i.review_id = $2 and ",
            asks!("$3")
        );
        Ok(tenant_query!(self, Number, fetch_one, SQL, id, now)?.n)
    }

    /// What is in a review, after a number, as it is at `now`; what asks for an answer alone, or all.
    pub async fn review_items(
        &mut self,
        id: ReviewId,
        open: bool,
        now: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<Vec<ReviewItem>> {
        macro_rules! items {
            ($only:expr) => {
                concat!(
                    "select i.item_number, i.kind, i.person_id, p.name as person, p.locked_at, o.name as organization, i.key_id,
                        case when p.responsible_id is null then p.email end as email,
                        k.name as key, k.prefix, k.last_used_at, i.held, i.verdict, d.name as decided_by, i.decided_at,
                        case i.kind when 'tenant_role' then p.tenant_role
                            when 'membership' then (select m.role from membership m where m.tenant_id = i.tenant_id
                                and m.organization_id = i.organization_id and m.person_id = i.person_id)
                            else case when k.revoked_at is null and (k.expires_at is null or k.expires_at > $5)
                                then k.scopes end end as now_held,
                        case when k.expires_at <= $5 then k.expires_at end as expired_at
                     from review_item i join person p on p.tenant_id = i.tenant_id and p.id = i.person_id
                     left join organization o on o.tenant_id = i.tenant_id and o.id = i.organization_id
                     left join api_key k on k.tenant_id = i.tenant_id and k.id = i.key_id
                     left join person d on d.tenant_id = i.tenant_id and d.id = i.decided_by
                     where i.tenant_id = $1 and i.review_id = $2 and i.item_number > $3",
                    $only,
                    " order by i.item_number limit $4"
                )
            };
        }
        self.review(id).await?;
        match open {
            true => {
                const SQL: &str = items!(concat!(" and ", asks!("$5")));
                tenant_query!(self, ReviewItem, fetch_all, SQL, id, after, limit, now)
            }
            false => tenant_query!(self, ReviewItem, fetch_all, items!(""), id, after, limit, now),
        }
    }
}

impl Write {
    /// Begins a review of all rights there are now: roles in the tenant, memberships, keys that work. One at a time.
    pub async fn start_review(&mut self, proof: Allowed<StartReview>) -> Result<ReviewId> {
        let (id, of) = (ReviewId(new_id()), proof.action().organization);
        let by = self.actor.person().ok_or(Error::Conflict(Conflict::ReviewerNotAPerson))?;
        if let Some(organization) = of {
            self.know_organization(organization).await?;
        }
        let begun = insert!(self, "review" {
            id: id,
            organization_id: of,
            started_by: by,
            started_at: self.now,
            items: 0_i64,
            answered: 0_i64,
        },
            "on conflict do nothing"
        )?;
        if begun == 0 {
            return Err(Error::Conflict(Conflict::ReviewOpen));
        }
        let items = tenant_query!(
            self,
            execute,
            "insert into review_item (tenant_id, review_id, item_number, kind, person_id, organization_id, key_id, held)
             select $1, $2, row_number() over (order by rank, person_id, organization_id, key_id), kind, person_id,
                organization_id, key_id, held
             from (select 3 as rank, 'key' as kind, k.owner_id as person_id, k.organization_id, k.id as key_id, k.scopes as held
                from api_key k where k.tenant_id = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $4)
                    and ($3 is null or k.organization_id = $3 or (k.organization_id is null and exists (select 1
                        from membership m where m.tenant_id = $1 and m.organization_id = $3 and m.person_id = k.owner_id)))
                union all select 2, 'membership', person_id, organization_id, null, role
                from membership where tenant_id = $1 and ($3 is null or organization_id = $3)
                union all select 1, 'tenant_role', id, null, null, tenant_role
                from person where tenant_id = $1 and tenant_role <> 'person' and $3 is null) a",
            id,
            of,
            self.now
        )?;
        let items = i64::try_from(items).unwrap_or(i64::MAX);
        tenant_query!(self, execute, "update review set items = $3 where tenant_id = $1 and id = $2", id, items)?;
        let entry = self.entry(&proof)?.on("review", id.to_string()).with_detail("items", json!(items));
        self.record(entry).await?;
        self.publish(Topic::People, id.0);
        Ok(id)
    }

    /// Keeps rights that are not answered yet; those that are stay as they are.
    pub async fn keep_reviewed(&mut self, proof: Allowed<KeepReviewed>) -> Result<()> {
        let review = proof.action().review;
        let mut kept = vec![];
        for item in proof.action().items.clone() {
            if self.answer(review, item, Verdict::Keep).await? {
                kept.push(item);
            }
        }
        if kept.is_empty() {
            return Err(Error::Conflict(Conflict::ReviewItemDecided));
        }
        let entry = self.entry(&proof)?.with_detail("items", json!(kept));
        self.record(entry).await?;
        self.publish(Topic::People, review.0);
        Ok(())
    }

    /// Takes a right away, as it would be without a review: with its own record, and refused for the same reasons.
    pub async fn revoke_reviewed(&mut self, proof: Allowed<RevokeReviewed>) -> Result<()> {
        let &RevokeReviewed { review, item } = proof.action();
        if !self.answer(review, item, Verdict::Revoke).await? {
            return Err(Error::Conflict(Conflict::ReviewItemDecided));
        }
        let subject = tenant_query!(
            self,
            Subject,
            fetch_one,
            "select i.kind, i.person_id, i.organization_id, i.key_id, p.responsible_id from review_item i
             join person p on p.tenant_id = i.tenant_id and p.id = i.person_id
             where i.tenant_id = $1 and i.review_id = $2 and i.item_number = $3",
            review,
            item
        )?;
        let (actor, person) = (self.actor.clone(), subject.person_id);
        let revoked = match (subject.kind, subject.organization_id, subject.key_id) {
            (Right::TenantRole, ..) => {
                let tenant_role = TenantRole::Person;
                self.set_tenant_role(actor.may(SetTenantRole { person, tenant_role })?).await
            }
            (Right::Membership, Some(organization), _) => {
                self.remove_membership(actor.may(RemoveMembership { organization, person, successor: None })?).await
            }
            (Right::Key, _, Some(key)) => {
                let responsible = subject.responsible_id;
                match self.revoke_key(actor.may(RevokeKey { key, owner: person, responsible })?).await {
                    Err(Error::Conflict(_)) => Ok(()), // it is already
                    revoked => revoked,
                }
            }
            (Right::Membership | Right::Key, ..) => return Err(Error::Corrupt("review_item")),
        };
        match revoked {
            Ok(()) | Err(Error::NotFound) => {} // whoever went meanwhile has nothing left to take
            Err(Error::Invalid(invalid)) if invalid.field == "successor" => {
                return Err(Error::Conflict(Conflict::RightsOfResponsible));
            }
            Err(error) => return Err(error),
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, review.0);
        Ok(())
    }

    /// Ends a review. Whatever is not answered keeps it open, but for keys that have expired since it began.
    pub async fn finish_review(&mut self, proof: Allowed<FinishReview>) -> Result<()> {
        const SQL: &str = concat!(
            "update review set ended_at = $3 where tenant_id = $1 and id = $2 and ended_at is null
                and not exists (select 1 from review_item i
                    left join api_key k on k.tenant_id = i.tenant_id and k.id = i.key_id
                    where i.tenant_id = $1 and i.review_id = $2 and ",
            asks!("$3"),
            ")"
        );
        let review = proof.action().review;
        self.running(review).await?;
        if tenant_query!(self, execute, SQL, review, self.now)? == 0 {
            return Err(Error::Conflict(Conflict::ReviewIncomplete));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, review.0);
        Ok(())
    }

    /// Writes down an answer, and says whether there was none before.
    async fn answer(&mut self, review: ReviewId, item: i64, verdict: Verdict) -> Result<bool> {
        self.running(review).await?;
        let viewer = self.actor.person();
        let answered = tenant_query!(
            self,
            execute,
            "update review_item set verdict = $4, decided_by = $5, decided_at = $6
             where tenant_id = $1 and review_id = $2 and item_number = $3 and verdict is null",
            review,
            item,
            verdict,
            viewer,
            self.now
        )?;
        const COUNT: &str = "update review set answered = answered + $3 where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, COUNT, review, i64::try_from(answered).unwrap_or(i64::MAX))?;
        Ok(answered > 0)
    }

    /// That there is such a review, and that it has not ended. Takes its lock.
    async fn running(&mut self, review: ReviewId) -> Result<()> {
        const SQL: &str = "update review set items = items where tenant_id = $1 and id = $2 returning ended_at";
        match tenant_query!(self, Ended, fetch_one, SQL, review)?.ended_at {
            None => Ok(()),
            Some(_) => Err(Error::Conflict(Conflict::ReviewEnded)),
        }
    }
}

row_type! {
    /// Whether a review goes on.
    pub struct Ended {
        /// When it ended, if it did.
        pub ended_at: Option<Timestamp>,
    }
}
