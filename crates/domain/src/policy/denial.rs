//! Denial reasons: what an actor lacks for an action. Their texts are in the catalog of `app`.
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// Why the policy denies an action, by what the actor would need or what is their own. The spellings are stored in the
    /// audit log, so they never change.
    DenialReason, "reason", {
        /// An API key was used, and no scope allows the action.
        BrowserOnly = "browser_only",
        /// The API key lacks the scope of the action.
        MissingScope = "missing_scope",
        KeyOfAnotherOrganization = "key_of_another_organization",
        /// Only recent authentication is missing (M-14).
        StepUpRequired = "step_up_required",
        /// The actor is outside the networks that admin work is allowed from (M-14).
        AdminNetworkOnly = "admin_network_only",
        AdminOnly = "admin_only",
        /// Owners of the organization and admins.
        ManagerOnly = "manager_only",
        /// Auditors and admins.
        AuditorOnly = "auditor_only",
        MemberOnly = "member_only",
        ApproverOnly = "approver_only",
        SubmitterOrManagerOnly = "submitter_or_manager_only",
        /// The actor requested the approval that they would decide (D-04).
        OwnApprovalRequest = "own_approval_request",
        /// The actor is responsible for the service account that requests, or created its key (D-04, M-01).
        ResponsibleForRequester = "responsible_for_requester",
        /// The approval must be confirmed with the approver's passkey (X19).
        PasskeyRequired = "passkey_required",
        /// The requester gave the actor's account its role, or access to it, less than a day ago (D-04).
        ApproverOnHold = "approver_on_hold",
        /// The actor requested the change that they would confirm, or it concerns their account (D-04).
        OwnConfirmation = "own_confirmation",
        /// The actor made the change that a hold follows, or has the account on hold (D-04).
        InvolvedInHold = "involved_in_hold",
        /// The owner of the key, or the responsible person of the service account.
        KeyOwnerOnly = "key_owner_only",
        /// Those who may change a key: its owner and admins.
        KeyEditorOnly = "key_editor_only",
        /// Those who may revoke a key: its owner and admins.
        KeyRevokerOnly = "key_revoker_only",
        /// Those who may read who has access to a resource.
        AccessReaderOnly = "access_reader_only",
        OwnSessionOnly = "own_session_only",
        OwnAccountOnly = "own_account_only",
        /// Identities are linked and unlinked by their person alone.
        OwnSignInOnly = "own_sign_in_only",
        /// Invitations are accepted and join requests made by their person alone, in a browser.
        OwnMembershipOnly = "own_membership_only",
        /// An organization is left by the member alone.
        OwnDepartureOnly = "own_departure_only",
        /// Admins cannot change their own role.
        OwnTenantRole = "own_tenant_role",
        /// Admins cannot lock their own account.
        OwnLock = "own_lock",
        /// Admins cannot reset their own second factors.
        OwnFactorReset = "own_factor_reset",
        /// Admins cannot replace their own address as admins.
        OwnAddressReplacement = "own_address_replacement",
        InviterNotAPerson = "inviter_not_a_person",
        InvitationOnly = "invitation_only",
        /// The group rules of an identity provider.
        ProviderRulesOnly = "provider_rules_only",
        ConsoleOnly = "console_only",
    }
}
