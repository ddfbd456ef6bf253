//! Texts of policy denials.
use domain::{Denied, policy::DenialReason};

/// Returns the text of a denial with the time at which it ends, if it does.
pub fn denied_text(denied: &Denied) -> String {
    match denied.until {
        Some(until) => format!("{} {}", denial_text(denied.reason), t!("denied-until", time = until.exact())),
        None => denial_text(denied.reason),
    }
}

/// Returns the text of a denial for the person who was denied.
pub fn denial_text(reason: DenialReason) -> String {
    match reason {
        DenialReason::BrowserOnly => t!("denied-browser-only"),
        DenialReason::MissingScope => t!("denied-missing-scope"),
        DenialReason::KeyOfAnotherOrganization => t!("denied-key-of-another-organization"),
        DenialReason::StepUpRequired => t!("denied-step-up-required"),
        DenialReason::AdminNetworkOnly => t!("denied-admin-network-only"),
        DenialReason::AdminOnly => t!("denied-admin-only"),
        DenialReason::ManagerOnly => t!("denied-manager-only"),
        DenialReason::AuditorOnly => t!("denied-auditor-only"),
        DenialReason::MemberOnly => t!("denied-member-only"),
        DenialReason::ApproverOnly => t!("denied-approver-only"),
        DenialReason::SubmitterOrManagerOnly => t!("denied-submitter-or-manager-only"),
        DenialReason::OwnApprovalRequest => t!("denied-own-approval-request"),
        DenialReason::ResponsibleForRequester => t!("denied-responsible-for-requester"),
        DenialReason::PasskeyRequired => t!("denied-passkey-required"),
        DenialReason::ApproverOnHold => t!("denied-approver-on-hold"),
        DenialReason::OwnConfirmation => t!("denied-own-confirmation"),
        DenialReason::InvolvedInHold => t!("denied-involved-in-hold"),
        DenialReason::KeyOwnerOnly => t!("denied-key-owner-only"),
        DenialReason::KeyEditorOnly => t!("denied-key-editor-only"),
        DenialReason::KeyRevokerOnly => t!("denied-key-revoker-only"),
        DenialReason::AccessReaderOnly => t!("denied-access-reader-only"),
        DenialReason::OwnSessionOnly => t!("denied-own-session-only"),
        DenialReason::OwnAccountOnly => t!("denied-own-account-only"),
        DenialReason::OwnSignInOnly => t!("denied-own-sign-in-only"),
        DenialReason::OwnMembershipOnly => t!("denied-own-membership-only"),
        DenialReason::OwnDepartureOnly => t!("denied-own-departure-only"),
        DenialReason::OwnTenantRole => t!("denied-own-tenant-role"),
        DenialReason::OwnLock => t!("denied-own-lock"),
        DenialReason::OwnFactorReset => t!("denied-own-factor-reset"),
        DenialReason::OwnAddressReplacement => t!("denied-own-address-replacement"),
        DenialReason::InviterNotAPerson => t!("denied-inviter-not-a-person"),
        DenialReason::InvitationOnly => t!("denied-invitation-only"),
        DenialReason::ProviderRulesOnly => t!("denied-provider-rules-only"),
        DenialReason::ConsoleOnly => t!("denied-console-only"),
    }
}
