//! Server functions that start, decide and finish access reviews.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{Invalid, policy};
use leptos::prelude::*;

/// Starts a review of the whole tenant, or of one organization.
#[server(prefix = "/actions", endpoint = "reviews/start")]
pub async fn start_review(#[server(default)] organization: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let organization = match organization.as_str() {
        "" => None,
        id => Some(ctx::id(id)?),
    };
    let proof = store.authorize(&actor, policy::StartReview { organization }).await?;
    let mut write = store.write(&actor).await?;
    let review = write.start_review(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/reviews/{review}")))
}

/// Keeps the selected permissions.
#[server(prefix = "/actions", endpoint = "reviews/keep")]
pub async fn keep_reviewed(id: String, #[server(default)] items: Vec<String>) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    if items.is_empty() || u32::try_from(items.len()).is_ok_and(|n| n > super::ROWS_PER_PAGE) {
        return Err(Invalid::new("items", t!("review-select-range")).into());
    }
    let items = items.iter().map(|item| ctx::id(item)).collect::<Result<_, _>>()?;
    let proof = store.authorize(&actor, policy::KeepReviewed { review: ctx::id(&id)?, items }).await?;
    let mut write = store.write(&actor).await?;
    write.keep_reviewed(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Revokes one permission.
#[server(prefix = "/actions", endpoint = "reviews/revoke")]
pub async fn revoke_reviewed(id: String, item: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof =
        store.authorize(&actor, policy::RevokeReviewed { review: ctx::id(&id)?, item: ctx::id(&item)? }).await?;
    let mut write = store.write(&actor).await?;
    match write.revoke_reviewed(proof).await {
        // The actor may decide the review, but not revoke this permission; the refusal has an audit event of its own.
        Err(store::Error::Denied(denied)) => {
            drop(write);
            return Err(store.refuse(&actor, denied).await?.into());
        }
        revoked => revoked?,
    }
    write.commit().await?;
    Ok(Done::Stay)
}

/// Finishes a review in which every permission has a decision.
#[server(prefix = "/actions", endpoint = "reviews/finish")]
pub async fn finish_review(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::FinishReview { review: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    write.finish_review(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
