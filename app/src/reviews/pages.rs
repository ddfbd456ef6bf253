//! Access review pages: the list, and one review with its permissions.
use super::{
    ROWS_PER_PAGE,
    actions::{FinishReview, KeepReviewed, RevokeReviewed, StartReview},
};
use crate::{
    organizations::choice::display_name,
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, Button, ButtonVariant, Chip, Choice, Confirm, EmptyState, FilterRow, Form, FormState, Glyph,
        LinkButton, Live, PLACEHOLDER, Page, PageFuture, Pager, RowLink, Section, Select, Sentence, Table, TimeAgo,
        UntrustedText, ctx, labels, page,
    },
};
use domain::{
    Actor, ReviewId,
    policy::DenialReason,
    review::{Right, Verdict},
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Review, ReviewItem};

/// `/reviews`.
pub fn list() -> PageFuture {
    page(reviews_page)
}

async fn reviews_page(actor: Actor) -> Result<Page, Refusal> {
    readers_only(&actor)?;
    let mut read = ctx::store()?.read(&actor).await?;
    let (reviews, organizations) = (read.reviews().await?, read.organizations().await?);
    // Members of an archived organization can still read it.
    let organizations = organizations.into_iter().chain(read.archived_organizations().await?);
    let open = reviews.iter().any(|review| review.ended_at.is_none());
    let all = Choice::new("", t!("review-of-tenant"));
    let organizations = organizations.map(|o| Choice::new(o.id.to_string(), display_name(&o)));
    let choices: Vec<_> = [all].into_iter().chain(organizations).collect();
    let start = (actor.is_admin() && !open).then(|| {
        view! {
            <section>
                <h2>{t!("review-start-title")}</h2>
                <Form action=StartReview::PATH>
                    <Select name="organization" label=t!("review-of") choices=choices value="" />
                    <Button variant=ButtonVariant::Primary>{t!("review-start")}</Button>
                </Form>
            </section>
        }
    });
    let rows = match reviews.is_empty() {
        true => view! { <EmptyState title=t!("reviews-empty") text=t!("reviews-empty-text") /> }.into_any(),
        false => {
            let headings =
                vec![t!("review-of"), t!("review-started"), t!("review-by"), t!("review-answered"), t!("review-ended")];
            view! {
                <Table caption=t!("reviews-title") headings=headings>
                    {reviews.into_iter().map(|review| view! { <Row review=review /> }).collect_view()}
                </Table>
            }
            .into_any()
        }
    };
    let page = Page::new(Section::Reviews, t!("reviews-title"));
    Ok(page.lead(t!("reviews-lead")).body(view! {
        <Live topics="people" region="reviews">{rows}</Live>
        {start}
    }))
}

#[component]
fn Row(review: Review) -> impl IntoView {
    let Review { id, started_at, started_by, ended_at, items, answered, .. } = review.clone();
    view! {
        <tr>
            <RowLink href=format!("/reviews/{id}")><Subject review=review /></RowLink>
            <td><TimeAgo at=started_at /></td>
            <td><UntrustedText text=started_by /></td>
            <td>{t!("review-progress", answered = answered, items = items)}</td>
            <td>
                {match ended_at {
                    Some(at) => view! { <TimeAgo at=at /> }.into_any(),
                    None => view! { <Badge tone=BadgeTone::Waiting label=t!("review-open") /> }.into_any(),
                }}
            </td>
        </tr>
    }
}

/// What a review covers.
#[component]
fn Subject(review: Review) -> impl IntoView {
    match review.organization {
        Some(name) => view! { <UntrustedText text=name /> }.into_any(),
        None => t!("review-of-tenant").into_any(),
    }
}

/// `/reviews/{id}`.
pub fn review_page() -> PageFuture {
    page(load_review)
}

async fn load_review(actor: Actor) -> Result<Page, Refusal> {
    readers_only(&actor)?;
    let id: ReviewId = ctx::param("id")?;
    let here = ctx::here();
    let after = here.get("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let mut read = ctx::store()?.read(&actor).await?;
    let review = read.review(id).await?;
    let now = ctx::now();
    let mut items = read.review_items(id, here.get("open").is_some(), now, after, ROWS_PER_PAGE + 1).await?;
    let left = read.review_open(id, now).await?;
    let more = u32::try_from(items.len()).is_ok_and(|n| n > ROWS_PER_PAGE);
    items.truncate(usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX));
    let next = items.last().filter(|_| more).map(|item| item.item_number.to_string());
    let answers = actor.is_admin() && review.ended_at.is_none();
    let open = items.iter().any(needs_answer);
    let progress = t!("review-progress", answered = review.answered, items = review.items);
    let (done, left) = (answers && left == 0, u64::try_from(left).unwrap_or(0));
    let title = review.organization.clone().unwrap_or_else(|| t!("review-of-tenant"));
    let page = Page::new(Section::Reviews, t!("review-title", of = title));
    let export = view! { <LinkButton href=format!("/reviews/{id}/export")>{t!("review-export")}</LinkButton> };
    let headings =
        [t!("review-select"), t!("person-name"), t!("review-right"), t!("review-used"), t!("review-decision")];
    let headings = headings.into_iter().skip(usize::from(!answers)).collect();
    let rows = items.into_iter().map(|item| view! { <Item item=item review=id answers=answers /> }).collect_view();
    Ok(page.lead(progress).action(export).body(view! {
        <Live topics="people" region="review" quiet=true>
            {match (review.ended_at, done) {
                (Some(at), _) => view! { <p class="notice"><Sentence text=t!("review-over", ago = PLACEHOLDER)><TimeAgo at=at /></Sentence></p> }.into_any(),
                (None, true) => view! {
                    <p class="notice">{t!("review-complete")}</p>
                    <Form action=FinishReview::PATH hidden=vec![("id", id.to_string())]>
                        <Button variant=ButtonVariant::Primary>{t!("review-finish")}</Button>
                    </Form>
                }.into_any(),
                (None, false) => ().into_any(),
            }}
        </Live>
        <FilterRow label=t!("review-filter")><Chip name="open" value="1" label=t!("review-only-open") count=left /></FilterRow>
        <Table caption=t!("review-rights") headings=headings>{rows}</Table>
        {(answers && open).then(|| view! {
            <div class="mt-4">
                <Form action=KeepReviewed::PATH hidden=vec![("id", id.to_string())]>
                    <Button variant=ButtonVariant::Primary>{t!("review-keep-selected")}</Button>
                </Form>
            </div>
        })}
        <Pager next=next by_name=true />
    }))
}

#[component]
fn Item(item: ReviewItem, review: ReviewId, answers: bool) -> impl IntoView {
    let form = FormState::of(KeepReviewed::PATH, &[("id", review.to_string())]);
    let (item_number, label) = (item.item_number.to_string(), t!("review-select-one", person = item.person.clone()));
    let ticked = form.ticked("items[]", &item_number, false);
    let answerable = answers && needs_answer(&item);
    let changed = item.now_held.as_ref() != Some(&item.held) && item.expired_at.is_none();
    let now = item.now_held.clone().map_or_else(|| t!("review-gone"), |now| held_label(item.kind, &now));
    view! {
        <tr>
            {answers.then(|| view! {
                <td>
                    {answerable.then(|| view! {
                        <input type="checkbox" name="items[]" value=item_number.clone() checked=ticked form=form.id aria-label=label />
                    })}
                </td>
            })}
            <th scope="row">
                <a href=format!("/people/{}", item.person_id)><UntrustedText text=item.person.clone() /></a>
                {item.locked_at.map(|_| view! { " " <Badge tone=BadgeTone::Bad glyph=Glyph::Lock label=t!("person-locked") /> })}
                <p class="muted">{match item.email.clone() {
                    Some(email) => view! { <UntrustedText text=email /> }.into_any(),
                    None => t!("service-mark").into_any(),
                }}</p>
            </th>
            <td>
                <Permission item=item.clone() />
                {(changed && item.verdict != Some(Verdict::Revoke)).then(|| view! {
                    <p class="muted">{t!("review-now", right = now)}</p>
                })}
            </td>
            <td>{item.last_used_at.map(|at| view! { <TimeAgo at=at /> })}</td>
            <td class="cell-action">
                {match item.verdict {
                    None if item.expired_at.is_some() => view! {
                        <Badge tone=BadgeTone::Stopped label=t!("review-expired") />
                        {item.expired_at.map(|at| view! { <p class="muted"><TimeAgo at=at /></p> })}
                    }.into_any(),
                    None if !answerable => view! { <Badge tone=BadgeTone::Waiting label=t!("review-open") /> }.into_any(),
                    None => view! {
                        <Confirm
                            label=t!("review-revoke-open") about=item.person.clone() consequence=consequence(item.kind)
                            act=t!("review-revoke") action=RevokeReviewed::PATH
                            hidden=vec![("id", review.to_string()), ("item", item_number)]
                        />
                    }.into_any(),
                    Some(verdict) => view! { <Answer verdict=verdict item=item.clone() /> }.into_any(),
                }}
            </td>
        </tr>
    }
}

/// Returns whether a permission still needs a decision; an expired key grants nothing.
const fn needs_answer(item: &ReviewItem) -> bool {
    item.verdict.is_none() && item.expired_at.is_none()
}

/// The permission under review.
#[component]
fn Permission(item: ReviewItem) -> impl IntoView {
    let right = held_label(item.kind, &item.held);
    match item.kind {
        Right::TenantRole => t!("review-in-tenant", right = right).into_any(),
        Right::Membership => view! {
            <Sentence text=t!("review-in", right = right, organization = PLACEHOLDER)>
                <UntrustedText text=item.organization.unwrap_or_default() />
            </Sentence>
        }
        .into_any(),
        Right::Key => {
            let href = item.key_id.map(|id| format!("/keys/{id}"));
            let only = item.organization.map(|name| view! { " " <Sentence text=t!("key-only-in", organization = PLACEHOLDER)><UntrustedText text=name /></Sentence> });
            view! {
                {t!("review-key")} " " <a href=href><UntrustedText text=item.key.unwrap_or_default() /></a> " "
                <code>{item.prefix}"…"</code> ": " <code>{item.held}</code> {only}
            }
            .into_any()
        }
    }
}

#[component]
fn Answer(verdict: Verdict, item: ReviewItem) -> impl IntoView {
    let by = item.decided_by.map(|name| view! { <UntrustedText text=name /> });
    let at = item.decided_at.map(|at| view! { <TimeAgo at=at /> });
    let badge = match verdict {
        Verdict::Keep => view! { <Badge tone=BadgeTone::Good label=t!("review-kept") /> },
        Verdict::Revoke => view! { <Badge tone=BadgeTone::Stopped label=t!("review-revoked") /> },
    };
    view! { {badge} <p class="muted">{by} ", " {at}</p> }
}

/// Returns the label of a role; scopes are shown unchanged.
fn held_label(kind: Right, held: &str) -> String {
    let label = match kind {
        Right::TenantRole => held.parse().ok().map(labels::tenant_role),
        Right::Membership => held.parse().ok().map(labels::role),
        Right::Key => None,
    };
    label.unwrap_or_else(|| held.to_owned())
}

fn consequence(kind: Right) -> String {
    match kind {
        Right::TenantRole => t!("review-revoke-role"),
        Right::Membership => t!("review-revoke-membership"),
        Right::Key => t!("key-revoke-consequence"),
    }
}

fn readers_only(actor: &Actor) -> Result<(), Refusal> {
    match actor.can_read_everything() {
        true => Ok(()),
        false => Err(DenialReason::AdminOnly.into()),
    }
}
