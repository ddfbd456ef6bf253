//! The inbox page: what happened, newest first, with links to the subjects.
use super::{INBOX, PREFERENCES, actions::MarkRead, digest::digests, messages};
use crate::{
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, Button, EmptyState, Form, LinkButton, Live, Page, PageFuture, Pager, Section, TimeAgo,
        UntrustedText, ctx, page,
    },
    webhooks::WEBHOOKS,
};
use domain::{Actor, NotificationId};
use leptos::{prelude::*, server_fn::ServerFn};
use store::InboxEntry;

/// Number of entries on a page.
const PER_PAGE: u32 = 100;
/// Maximum number of subjects that a digest names.
const MAX_NAMED: usize = 5;

/// `/inbox`.
pub fn inbox() -> PageFuture {
    page(load)
}

async fn load(actor: Actor) -> Result<Page, Refusal> {
    let after = ctx::here().get("after").map(ctx::id::<NotificationId>).transpose()?;
    let mut read = ctx::store()?.read(&actor).await?;
    let found = read.inbox(after, PER_PAGE).await?;
    let has_unread = found.items.iter().any(|entry| entry.read_at.is_none());
    let newest = found.items.first().map(|entry| entry.id.to_string());
    let next = found.next;
    let list = match found.items.is_empty() {
        true => view! { <EmptyState title=t!("inbox-empty") text=t!("inbox-empty-text") /> }.into_any(),
        false => view! {
            <ul class="flex flex-col gap-2">{digests(found.items).into_iter().map(|digest| view! { <Digest entries=digest /> }).collect_view()}</ul>
        }
        .into_any(),
    };
    let actions = view! {
        <LinkButton href=PREFERENCES>{t!("notification-settings")}</LinkButton>
        {actor.can_read_everything().then(|| view! { <LinkButton href=WEBHOOKS>{t!("webhooks-title")}</LinkButton> })}
    };
    Ok(Page::new(Section::Other, t!("inbox-title")).lead(t!("inbox-lead")).action(actions).body(view! {
        <Live topics="people" region="inbox">
            {newest.filter(|_| has_unread).map(|last| view! {
                <Form action=MarkRead::PATH page=INBOX hidden=vec![("last", last)]>
                    <Button>{t!("inbox-mark-all")}</Button>
                </Form>
            })}
            {list}
            <Pager next=next />
        </Live>
    }))
}

/// One entry of the inbox: one notification, or several of one kind.
#[component]
fn Digest(entries: Vec<InboxEntry>) -> impl IntoView {
    let (Some(newest), Some(oldest)) = (entries.first().cloned(), entries.last().map(|entry| entry.id)) else {
        return ().into_any();
    };
    let (event, is_unread, count) = (newest.event, newest.read_at.is_none(), entries.len());
    let fields =
        vec![("event", event.as_str().to_owned()), ("first", oldest.to_string()), ("last", newest.id.to_string())];
    let headline = messages::headline(event, count);
    let about = headline.clone();
    let subject = |entry: &InboxEntry| {
        let (href, title) = (event.path(entry.subject_id), entry.title.clone());
        let title = match title.is_empty() {
            true => view! { {t!("inbox-open")} }.into_any(),
            false => view! { <UntrustedText text=title /> }.into_any(),
        };
        view! { <li><a href=href>{title}</a>{messages::state(entry).map(|state| format!(" · {state}"))}</li> }
    };
    let subjects = entries.iter().take(MAX_NAMED).map(subject).collect_view();
    view! {
        <li class="flex flex-wrap items-start gap-3 border-b border-line py-3">
            <div class="grow min-w-0">
                <p class=if is_unread { "font-semibold" } else { "" }>
                    {headline}" "
                    {is_unread.then(|| view! { <Badge tone=BadgeTone::Waiting label=t!("inbox-unread") /> })}
                </p>
                <ul class="break-words">
                    {subjects}
                    {(count > MAX_NAMED).then(|| view! { <li><a href=event.list()>{t!("inbox-more", n = count - MAX_NAMED)}</a></li> })}
                </ul>
                <p class="muted"><TimeAgo at=newest.created_at /></p>
            </div>
            {is_unread.then(|| view! {
                <Form action=MarkRead::PATH page=INBOX class="in-row" hidden=fields>
                    <Button label=format!("{}: {about}", t!("inbox-mark"))>{t!("inbox-mark")}</Button>
                </Form>
            })}
        </li>
    }
    .into_any()
}
