//! The open invitations of an organization, and the form that creates one.
use super::actions::{Invite, ResendInvitation, RevokeInvitation};
use crate::{
    people::pages::roles,
    ui::{Button, Confirm, Field, Form, Live, SecretOnce, Select, Table, TimeAgo, UntrustedText, ctx, labels},
};
use domain::{OrganizationId, joining, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Invitation;

/// The form and the list of open invitations.
#[component]
pub fn Invitations(organization: OrganizationId, rows: Vec<Invitation>) -> impl IntoView {
    let mail = ctx::sign_in().is_ok_and(|sign_in| sign_in.is_mail_enabled());
    let help = if mail { t!("invitation-email-mailed") } else { t!("invitation-email-shown") };
    let consequence = if mail { t!("invitation-consequence-mail") } else { t!("invitation-consequence") };
    view! {
        <section class="stack">
            <h2>{t!("invitations")}</h2>
            <SecretOnce action=ResendInvitation::PATH title=t!("invitation-created-title") text=t!("invitation-created-text") />
            <SecretOnce action=Invite::PATH title=t!("invitation-created-title") text=t!("invitation-created-text")>
                <Form action=Invite::PATH hidden=vec![("organization", organization.to_string())]>
                    <Select name="role" label=t!("invitation-role") choices=roles() value=Role::Member.as_str() />
                    <Field name="email" label=t!("invitation-email") help=help kind="email" />
                    <Field
                        name="uses" label=t!("invitation-uses") help=t!("invitation-uses-help") kind="number" value="1" min=1
                        max=joining::MAX_INVITATION_USES
                    />
                    <Field name="days" label=t!("invitation-days") kind="number" value="7" min=1 max=joining::MAX_INVITATION_DAYS />
                    <p class="help">{consequence}</p>
                    <Button>{t!("invitation-create")}</Button>
                </Form>
            </SecretOnce>
            <Live topics="people" region="invitations" quiet=true>
                <OpenInvitations organization=organization rows=rows />
            </Live>
        </section>
    }
}

#[component]
fn OpenInvitations(organization: OrganizationId, rows: Vec<Invitation>) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="muted">{t!("invitations-none")}</p> }.into_any();
    }
    let row = move |invitation: Invitation| {
        let recipient = match (&invitation.email, invitation.mailed) {
            (Some(email), _) => email.to_string(),
            (None, _) => t!("invitation-anybody"),
        };
        let (about, failure) = (recipient.clone(), invitation.mail_failure);
        let hidden = vec![("organization", organization.to_string()), ("invitation", invitation.id.to_string())];
        let resend = invitation.email.is_some().then(|| hidden.clone());
        view! {
            <tr>
                <th scope="row">
                    <UntrustedText text=recipient />
                    {failure.map(|reason| view! { <p class="error"><UntrustedText text=t!("invitation-mail-failed", reason = reason) /></p> })}
                </th>
                <td>{labels::role(invitation.role)}</td>
                <td>{t!("invitation-used", used = invitation.used, uses = invitation.uses)}</td>
                <td><TimeAgo at=invitation.expires_at /></td>
                <td><UntrustedText text=invitation.inviter /></td>
                <td class="cell-action">
                    {resend.map(|hidden| view! {
                        <Form action=ResendInvitation::PATH hidden=hidden><Button>{t!("invitation-resend")}</Button></Form>
                    })}
                    <Confirm
                        label=t!("invitation-revoke-open") about=about consequence=t!("invitation-revoke-consequence")
                        act=t!("invitation-revoke") action=RevokeInvitation::PATH hidden=hidden
                    />
                </td>
            </tr>
        }
    };
    let headings = vec![
        t!("invitation-for"),
        t!("person-role"),
        t!("invitation-uses-of"),
        t!("invitation-expires"),
        t!("invitation-by"),
        String::new(),
    ];
    view! {
        <h3 class="after">{t!("invitations-open")}</h3>
        <Table caption=t!("invitations-open") headings=headings>
            {rows.into_iter().map(row).collect_view()}
        </Table>
    }
    .into_any()
}
