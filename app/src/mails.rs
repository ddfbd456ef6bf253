//! Mail texts: plain text, in which only the names of things come from people.
use crate::{
    account::events::{description, related_page},
    approvals::APPROVAL_SETTINGS,
    notifications::messages,
};
use domain::account::AccountNotice;
use store::{InboxEntry, Mail};

/// Returns subject and body of a mail, with links to `origin`. `entries` are the notifications that it is about.
pub fn words(mail: &Mail, entries: &[InboxEntry], origin: &str) -> (String, String) {
    match mail {
        Mail::AccountNotice { happened, detail } => {
            let text = match detail.as_str() {
                "" => description(*happened),
                detail => format!("{}: {detail}", description(*happened)),
            };
            if let Some(path) = related_page(*happened) {
                let link = format!("{origin}{path}");
                if path == APPROVAL_SETTINGS {
                    return (t!("mail-approver-change-subject"), t!("mail-approver-change", what = text, link = link));
                }
                let subject = match happened {
                    AccountNotice::RunnerSilent => t!("mail-runner-silent-subject"),
                    AccountNotice::TaskExpired => t!("mail-task-expired-subject"),
                    _ => t!("mail-organization-update-subject"),
                };
                return (subject, t!("mail-organization-update", what = text, link = link));
            }
            (
                t!("mail-account-event-subject"),
                t!("mail-account-event", what = text, link = format!("{origin}/account")),
            )
        }
        Mail::Notifications { event, .. } => messages::mail(*event, entries, origin),
        Mail::PasswordLink { token, tenant } => {
            let link = format!("{origin}/password?token={token}");
            (t!("mail-password-subject"), t!("mail-password", tenant = tenant.clone(), link = link))
        }
        Mail::Invitation { token, organization, inviter } => {
            let link = format!("{origin}/invitation?token={token}");
            let (organization, inviter) = (organization.clone(), inviter.clone());
            (
                t!("mail-invitation-subject"),
                t!("mail-invitation", inviter = inviter, organization = organization, link = link),
            )
        }
        Mail::ReleaseAddress { token, email } => {
            let link = format!("{origin}/address?token={token}");
            (t!("mail-release-subject"), t!("mail-release", email = email.clone(), link = link))
        }
        Mail::ConfirmAddress { token } => {
            (t!("mail-address-subject"), t!("mail-address", link = format!("{origin}/address?token={token}")))
        }
    }
}
