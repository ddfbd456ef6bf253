//! Access reviews (N-06): a review lists every right, each is kept or revoked, and the decisions remain as a record.
use crate::world::{World, new_key, on_both};
use domain::{
    OrganizationId, ReviewId,
    policy::{FinishReview, KeepReviewed, RevokeReviewed, SetMembership, StartReview},
    review::{Right, Verdict},
    role::Role,
};
use std::time::Duration;
use store::{Error, Result, ReviewItem};

impl World {
    async fn begin_review(&self, organization: Option<OrganizationId>) -> Result<ReviewId> {
        let adam = &self.acme.adam;
        self.change(adam, async |write| write.start_review(adam.may(StartReview { organization })?).await).await
    }

    async fn items(&self, review: ReviewId, open: bool) -> Vec<ReviewItem> {
        self.store.read(&self.acme.adam).await.unwrap().review_items(review, open, self.now(), 0, 500).await.unwrap()
    }

    async fn keep(&self, review: ReviewId, items: Vec<i64>) -> Result<()> {
        let adam = &self.acme.adam;
        self.change(adam, async |write| write.keep_reviewed(adam.may(KeepReviewed { review, items })?).await).await
    }

    async fn revoke(&self, review: ReviewId, item: i64) -> Result<()> {
        let adam = &self.acme.adam;
        self.change(adam, async |write| write.revoke_reviewed(adam.may(RevokeReviewed { review, item })?).await).await
    }

    async fn finish_review(&self, review: ReviewId) -> Result<()> {
        let adam = &self.acme.adam;
        self.change(adam, async |write| write.finish_review(adam.may(FinishReview { review })?).await).await
    }
}

fn item_number(items: &[ReviewItem], who: &str, kind: Right) -> i64 {
    items.iter().find(|item| item.person.starts_with(who) && item.kind == kind).unwrap().item_number
}

on_both! {
    async fn n_06_a_review_lists_every_right_and_revokes_rights(world) {
        let acme = &world.acme;
        world.key(&acme.mia, "tasks:*").await;
        let review = world.begin_review(None).await.unwrap();
        assert!(matches!(world.begin_review(None).await, Err(Error::Conflict(_))), "one at a time");
        let items = world.items(review, true).await;
        let of = |kind| items.iter().filter(|item| item.kind == kind).count();
        assert_eq!((of(Right::TenantRole), of(Right::Membership), of(Right::Key)), (2, 6, 2));
        assert!(items.iter().all(|item| item.now_held.as_ref() == Some(&item.held)));
        let total = items.len();

        world.revoke(review, item_number(&items, "mia", Right::Key)).await.unwrap();
        world.revoke(review, item_number(&items, "vera", Right::Membership)).await.unwrap();
        world.revoke(review, item_number(&items, "audrey", Right::TenantRole)).await.unwrap();
        let again = world.revoke(review, item_number(&items, "vera", Right::Membership)).await;
        assert!(matches!(again, Err(Error::Conflict(_))), "answered once: {again:?}");
        let own = item_number(&items, "adam", Right::TenantRole);
        assert!(matches!(world.revoke(review, own).await, Err(Error::Denied(_))), "one's own role is another admin's to take");
        let last_owner = items.iter().find(|item| item.person.starts_with("olga") && item.kind == Right::Membership).unwrap().item_number;
        assert!(matches!(world.revoke(review, last_owner).await, Err(Error::Conflict(_))));
        let open = world.items(review, true).await;
        assert_eq!(open.len(), total - 3, "what was refused is still open");
        assert!(matches!(world.finish_review(review).await, Err(Error::Conflict(_))));

        let answered: Vec<_> = world.items(review, false).await.into_iter().filter(|item| item.verdict.is_some()).collect();
        assert!(answered.iter().all(|item| item.verdict == Some(Verdict::Revoke) && item.now_held.as_ref() != Some(&item.held)));
        assert!(answered.iter().all(|item| item.decided_by.as_deref() == Some("adam of acme")));
        let mut read = world.store.read(&acme.adam).await.unwrap();
        assert!(!read.members(acme.ops).await.unwrap().iter().any(|member| member.name.starts_with("vera")));
        assert!(read.keys().await.unwrap().iter().any(|key| key.owner.starts_with("mia") && key.revoked_at.is_some()));
        drop(read);

        world.keep(review, open.iter().map(|item| item.item_number).collect()).await.unwrap();
        world.finish_review(review).await.unwrap();
        let ended = world.store.read(&acme.audrey).await.unwrap().review(review).await.unwrap();
        assert!(ended.ended_at.is_some() && ended.answered == ended.items);
        for late in [world.keep(review, vec![1]).await, world.finish_review(review).await] {
            assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
        }
        world.begin_review(None).await.unwrap();
    }

    async fn n_06_a_review_of_one_organization_lists_the_rights_in_it(world) {
        let acme = &world.acme;
        world.key(&acme.mia, "tasks:*").await;
        let elsewhere = domain::policy::CreateKey { organization: Some(acme.lab), ..new_key(&acme.olga, "lab", "tasks:*") };
        world.change(&acme.olga, async |write| write.create_key(acme.olga.may(elsewhere)?, "mk_", [5; 32]).await).await.unwrap();
        let review = world.begin_review(Some(acme.lab)).await.unwrap();
        let items = world.items(review, true).await;
        let listed: Vec<_> = items.iter().map(|item| (item.kind, item.person.as_str())).collect();
        let olga = "olga of acme";
        assert_eq!(listed, [(Right::Membership, olga), (Right::Key, olga), (Right::Key, olga)]);
        let nowhere = world.begin_review(Some(world.bolt.lab)).await;
        assert!(matches!(nowhere, Err(Error::NotFound)), "{nowhere:?}");
    }

    /// A key that expires during the review is marked and needs no decision.
    async fn n_06_an_expired_key_needs_no_review_decision(world) {
        let acme = &world.acme;
        let soon = world.now().after(Duration::from_hours(1));
        let brief = domain::policy::CreateKey { expires_at: Some(soon), ..new_key(&acme.mia, "brief", "tasks:*") };
        world.change(&acme.mia, async |write| write.create_key(acme.mia.may(brief)?, "mk_", [6; 32]).await).await.unwrap();
        let review = world.begin_review(Some(acme.ops)).await.unwrap();
        let open = async || world.store.read(&acme.adam).await.unwrap().review_open(review, world.now()).await.unwrap();
        let before = world.items(review, true).await;
        let key = item_number(&before, "mia", Right::Key);
        assert_eq!(open().await, i64::try_from(before.len()).unwrap());
        assert!(before.iter().all(|item| item.expired_at.is_none()));
        world.wait(Duration::from_hours(1));
        let after = world.items(review, true).await;
        assert_eq!((after.len(), open().await), (before.len() - 1, i64::try_from(after.len()).unwrap()));
        assert!(after.iter().all(|item| item.item_number != key));
        let all = world.items(review, false).await;
        let expired = all.iter().find(|item| item.item_number == key).unwrap();
        assert_eq!((expired.expired_at, expired.now_held.as_ref(), expired.verdict), (Some(soon), None, None));
        assert!(matches!(world.finish_review(review).await, Err(Error::Conflict(_))), "the rest still waits");
        world.keep(review, after.iter().map(|item| item.item_number).collect()).await.unwrap();
        assert_eq!(open().await, 0);
        world.finish_review(review).await.unwrap();
        // Later changes to the key do not reopen a finished item.
        let all = domain::policy::RevokeKeysOf { owner: acme.mia.person().unwrap(), responsible: None };
        world.change(&acme.adam, async |write| write.revoke_keys_of(acme.adam.may(all)?).await).await.unwrap();
        let all = world.items(review, false).await;
        let revoked = all.iter().find(|item| item.item_number == key).unwrap();
        assert_eq!((revoked.expired_at, revoked.now_held.as_ref(), revoked.verdict), (Some(soon), None, None));
        assert!(world.items(review, true).await.is_empty());
    }

    /// Its members can still read it, and its owners can restore it.
    async fn n_06_an_archived_organization_is_reviewed_like_an_active_one(world) {
        let acme = &world.acme;
        let archive = domain::policy::ArchiveOrganization { organization: acme.ops };
        world.change(&acme.olga, async |write| write.archive_organization(acme.olga.may(archive)?).await).await.unwrap();
        let review = world.begin_review(Some(acme.ops)).await.unwrap();
        let items = world.items(review, true).await;
        world.revoke(review, item_number(&items, "vera", Right::Membership)).await.unwrap();
        assert_eq!(world.again(&acme.vera).await.role_in(acme.ops), None);
    }

    async fn n_06_a_review_shows_changes_since_its_start(world) {
        let acme = &world.acme;
        let review = world.begin_review(Some(acme.ops)).await.unwrap();
        let person = acme.mia.person().unwrap();
        let set = SetMembership { organization: acme.ops, person, role: Role::Owner };
        world.change(&acme.adam, async |write| write.set_membership(acme.adam.may(set)?).await).await.unwrap();
        let items = world.items(review, true).await;
        let mia = items.iter().find(|item| item.person.starts_with("mia")).unwrap();
        assert_eq!((mia.held.as_str(), mia.now_held.as_deref()), ("member", Some("owner")));
        for actor in [&acme.olga, &acme.mia, &acme.audrey] {
            let items = vec![mia.item_number];
            let kept = world.change(actor, async |write| write.keep_reviewed(actor.may(KeepReviewed { review, items })?).await).await;
            assert!(matches!(kept, Err(Error::Denied(_))), "{}: {kept:?}", actor.name);
        }
    }
}
