//! Access reviews: every right at the start of the review, kept or revoked one by one, and the resulting record.
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
    /// An access review.
    pub struct Review {
        pub id: ReviewId,
        /// The organization under review; the whole tenant if none.
        pub organization: Option<String>,
        pub started_by: String,
        pub started_at: Timestamp,
        pub ended_at: Option<Timestamp>,
        /// Number of rights in the review.
        pub items: i64,
        /// Number of rights with a decision.
        pub answered: i64,
    }
}

row_type! {
    /// A right under review.
    pub struct ReviewItem {
        /// Position in the review, from 1.
        pub item_number: i64,
        pub kind: Right,
        pub person_id: PersonId,
        pub person: String,
        /// Email address; none for a service account.
        pub email: Option<String>,
        pub locked_at: Option<Timestamp>,
        /// The organization of a membership, or the one that a key is limited to.
        pub organization: Option<String>,
        pub key_id: Option<KeyId>,
        pub key: Option<String>,
        pub prefix: Option<String>,
        pub last_used_at: Option<Timestamp>,
        /// The role or the scopes at the start of the review.
        pub held: String,
        /// The role or the scopes now; none if removed.
        pub now_held: Option<String>,
        /// When the key expired, if this is an expired key. It needs no decision, even if it is revoked later.
        pub expired_at: Option<Timestamp>,
        pub verdict: Option<Verdict>,
        pub decided_by: Option<String>,
        pub decided_at: Option<Timestamp>,
    }
}

row_type! {
    /// The right that an item refers to.
    pub struct Subject {
        pub kind: Right,
        pub person_id: PersonId,
        pub organization_id: Option<OrganizationId>,
        pub key_id: Option<KeyId>,
        /// The responsible person, if this is a service account.
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

/// Whether item `i` with its key `k` needs a decision at `$now`; an expired key does not.
macro_rules! needs_decision {
    ($now:literal) => {
        concat!("i.verdict is null and (k.expires_at is null or k.expires_at > ", $now, ")")
    };
}

impl Read {
    /// Returns the tenant's reviews, newest first, for actors who can read everything.
    pub async fn reviews(&mut self) -> Result<Vec<Review>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        tenant_query!(self, Review, fetch_all, concat!(columns!(), " order by r.id desc limit 200"))
    }

    /// Returns one review, for actors who can read everything.
    pub async fn review(&mut self, id: ReviewId) -> Result<Review> {
        if !self.actor.can_read_everything() {
            return Err(Error::NotFound);
        }
        tenant_query!(self, Review, fetch_one, concat!(columns!(), " and r.id = $2"), id)
    }

    /// Returns the number of rights in a review that need a decision at `now`.
    pub async fn review_open(&mut self, id: ReviewId, now: Timestamp) -> Result<i64> {
        self.review(id).await?;
        const SQL: &str = concat!(
            "select count(*) as n from review_item i left join api_key k on k.tenant_id = i.tenant_id and k.id = i.key_id
             where i.tenant_id = $1 and i.review_id = $2 and ",
            needs_decision!("$3")
        );
        Ok(tenant_query!(self, Number, fetch_one, SQL, id, now)?.n)
    }

    /// Returns the items of a review after a position, with the rights as of `now`: all, or only those that need a
    /// decision.
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
                const SQL: &str = items!(concat!(" and ", needs_decision!("$5")));
                tenant_query!(self, ReviewItem, fetch_all, SQL, id, after, limit, now)
            }
            false => tenant_query!(self, ReviewItem, fetch_all, items!(""), id, after, limit, now),
        }
    }
}

impl Write {
    /// Starts a review of all current rights: tenant roles, memberships and active keys. A tenant has one open review at a
    /// time.
    pub async fn start_review(&mut self, proof: Allowed<StartReview>) -> Result<ReviewId> {
        let (id, of) = (ReviewId(new_id()), proof.action().organization);
        let by = self.actor.person().ok_or(Error::Conflict(Conflict::ReviewerNotAPerson))?;
        if let Some(organization) = of {
            self.require_organization(organization).await?;
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

    /// Keeps rights without a decision; existing decisions do not change.
    pub async fn keep_reviewed(&mut self, proof: Allowed<KeepReviewed>) -> Result<()> {
        let review = proof.action().review;
        let mut kept = vec![];
        for item in proof.action().items.clone() {
            if self.store_decision(review, item, Verdict::Keep).await? {
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

    /// Revokes a right. It has the same audit event and the same refusals as outside of a review.
    pub async fn revoke_reviewed(&mut self, proof: Allowed<RevokeReviewed>) -> Result<()> {
        let &RevokeReviewed { review, item } = proof.action();
        if !self.store_decision(review, item, Verdict::Revoke).await? {
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
                self.set_tenant_role(actor.may(SetTenantRole { person, tenant_role })?).await.map(drop)
            }
            (Right::Membership, Some(organization), _) => {
                self.remove_membership(actor.may(RemoveMembership { organization, person, successor: None })?).await
            }
            (Right::Key, _, Some(key)) => {
                let responsible = subject.responsible_id;
                match self.revoke_key(actor.may(RevokeKey { key, owner: person, responsible })?).await {
                    Err(Error::Conflict(_)) => Ok(()), // already revoked
                    revoked => revoked,
                }
            }
            (Right::Membership | Right::Key, ..) => return Err(Error::Corrupt("review_item")),
        };
        match revoked {
            Ok(()) | Err(Error::NotFound) => {} // the right was removed in the meantime
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

    /// Finishes a review. Items without a decision prevent that, except keys that have expired.
    pub async fn finish_review(&mut self, proof: Allowed<FinishReview>) -> Result<()> {
        const SQL: &str = concat!(
            "update review set ended_at = $3 where tenant_id = $1 and id = $2 and ended_at is null
                and not exists (select 1 from review_item i
                    left join api_key k on k.tenant_id = i.tenant_id and k.id = i.key_id
                    where i.tenant_id = $1 and i.review_id = $2 and ",
            needs_decision!("$3"),
            ")"
        );
        let review = proof.action().review;
        self.lock_open_review(review).await?;
        if tenant_query!(self, execute, SQL, review, self.now)? == 0 {
            return Err(Error::Conflict(Conflict::ReviewIncomplete));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, review.0);
        Ok(())
    }

    /// Stores a decision and returns whether there was none before.
    async fn store_decision(&mut self, review: ReviewId, item: i64, verdict: Verdict) -> Result<bool> {
        self.lock_open_review(review).await?;
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

    /// Locks a review and returns a conflict if it has ended.
    async fn lock_open_review(&mut self, review: ReviewId) -> Result<()> {
        const SQL: &str = "update review set items = items where tenant_id = $1 and id = $2 returning ended_at";
        match tenant_query!(self, ReviewEnd, fetch_one, SQL, review)?.ended_at {
            None => Ok(()),
            Some(_) => Err(Error::Conflict(Conflict::ReviewEnded)),
        }
    }
}

row_type! {
    pub struct ReviewEnd {
        pub ended_at: Option<Timestamp>,
    }
}
