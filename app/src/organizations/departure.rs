//! The confirmation page for leaving an organization or removing a member, which lists the consequences first.
use super::actions::{Leave, RemoveMember};
use crate::{
    outcome::{Kind, Refusal},
    ui::{Button, ButtonVariant, Choice, Form, Page, PageFuture, Section, Select, UntrustedText, ctx, labels, page},
};
use domain::{Actor, OrganizationId, PersonId};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Departure, Member};

/// `/organizations/{id}/members/{person}`, for the member and for those who manage the organization.
pub fn departure() -> PageFuture {
    page(departure_page)
}

async fn departure_page(actor: Actor) -> Result<Page, Refusal> {
    let (id, person): (OrganizationId, PersonId) = (ctx::param("id")?, ctx::param("person")?);
    let oneself = actor.person() == Some(person);
    if !oneself && !actor.can_manage(id) {
        return Err(Refusal::new(Kind::NotFound, t!("refused-not-found")));
    }
    let mut read = ctx::store()?.read(&actor).await?;
    let (organization, departure) = (read.organization(id).await?.name, read.departure(id, person).await?);
    let name = departure.member.name.clone();
    let title = match oneself {
        true => t!("leave-title", organization = organization.clone()),
        false => t!("remove-title", name = name, organization = organization.clone()),
    };
    let page = Page::new(Section::Organizations, title).breadcrumb(format!("/organizations/{id}"), organization);
    let blocked = !departure.accounts.is_empty() && departure.successors.is_empty();
    let Departure { member, successors, accounts, .. } = departure.clone();
    let form = (!blocked).then(|| view! { <DepartureForm organization=id member=member successors=successors needs_successor=!accounts.is_empty() oneself=oneself /> });
    Ok(page.body(view! {
        <Consequences departure=departure oneself=oneself />
        {blocked.then(|| view! { <p class="notice">{t!("departure-no-successor")}</p> })}
        <div class="after">{form}</div>
        <p class="after"><a href=format!("/organizations/{id}")>{t!("departure-back")}</a></p>
    }))
}

/// The consequences that apply, with counts.
#[component]
fn Consequences(departure: Departure, oneself: bool) -> impl IntoView {
    let Departure { member, waiting, running, keys, accounts, .. } = departure;
    let role = match oneself {
        true => t!("leave-consequence", role = labels::role(member.role)),
        false => t!("member-remove-consequence", role = labels::role(member.role)),
    };
    let names = accounts.iter().map(|account| account.name.clone()).collect::<Vec<_>>().join(", ");
    let count = i64::try_from(accounts.len()).unwrap_or(i64::MAX);
    view! {
        <ul class="events">
            <li>{role}</li>
            {(waiting > 0).then(|| view! { <li>{t!("departure-waiting", n = waiting)}</li> })}
            {(running > 0).then(|| view! { <li>{t!("departure-running", n = running)}</li> })}
            {(keys > 0).then(|| view! { <li>{t!("departure-keys", n = keys)}</li> })}
            <li>{t!("departure-other-keys")}</li>
            {(count > 0).then(|| view! {
                <li>{t!("departure-accounts", n = count)}" "<UntrustedText text=names /></li>
                <li>{t!("departure-accounts-keys")}</li>
            })}
        </ul>
    }
}

#[component]
fn DepartureForm(
    organization: OrganizationId,
    member: Member,
    successors: Vec<Member>,
    needs_successor: bool,
    oneself: bool,
) -> impl IntoView {
    let mut hidden = vec![("organization", organization.to_string())];
    if !oneself {
        hidden.push(("person", member.person_id.to_string()));
    }
    let choice =
        |member: Member| Choice::new(member.person_id.to_string(), format!("{} ({})", member.name, member.email));
    let choose = Choice::new("", t!("successor-choose"));
    let choices = [choose].into_iter().chain(successors.into_iter().map(choice)).collect();
    let action = if oneself { Leave::PATH } else { RemoveMember::PATH };
    view! {
        <Form action=action hidden=hidden>
            {needs_successor
                .then(|| view! { <Select name="successor" label=t!("successor") help=t!("successor-help") choices=choices /> })}
            <Button variant=ButtonVariant::Danger>{if oneself { t!("leave") } else { t!("member-remove") }}</Button>
        </Form>
    }
}
