//! Account security: second factors, and the notices that a person gets about their account.
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// A second factor.
    Factor, "factor", {
        /// Codes of an authenticator app (RFC 6238).
        Totp = "totp",
        /// WebAuthn credential in a device or a password manager.
        Passkey = "passkey",
    }
}

string_enum! {
    /// An event that the owner of the account is notified about.
    AccountNotice, "happened", {
        PasswordChanged = "password_changed",
        /// An admin created a link to set the password.
        PasswordLink = "password_link",
        TotpAdded = "totp_added",
        TotpRemoved = "totp_removed",
        PasskeyAdded = "passkey_added",
        PasskeyRemoved = "passkey_removed",
        /// An account at a provider was linked as a way to sign in.
        IdentityLinked = "identity_linked",
        IdentityUnlinked = "identity_unlinked",
        /// New recovery codes replaced the old ones.
        RecoveryCodesMade = "recovery_codes_made",
        RecoveryCodeUsed = "recovery_code_used",
        FactorsReset = "factors_reset",
        /// A change of address was requested.
        AddressRequested = "address_requested",
        AddressChanged = "address_changed",
        /// A sign-in from a new browser or network.
        NewPlace = "new_place",
        /// Many wrong passwords or second factors.
        ManyFailures = "many_failures",
        KeyAnomaly = "key_anomaly",
        /// One of their keys, or of a service account that they are responsible for, expires soon.
        KeyEndsSoon = "key_ends_soon",
        /// A scheduled backup failed.
        BackupFailed = "backup_failed",
        /// A person requests to join an organization that they own.
        JoinRequested = "join_requested",
        /// Their join request was accepted.
        JoinAccepted = "join_accepted",
        JoinDeclined = "join_declined",
        MembershipRemoved = "membership_removed",
        /// They became the responsible person of service accounts.
        ServiceAccountsGiven = "service_accounts_given",
        /// Somebody was given a role that may approve requests, or manage those who do.
        ApproverAdded = "approver_added",
        /// A password link was issued for an approver, an owner or an admin.
        ApproverLinkIssued = "approver_link_issued",
        /// The second factors of an approver, an owner or an admin were reset.
        ApproverFactorsReset = "approver_factors_reset",
        /// The address of an approver, an owner or an admin is replaced by an admin.
        ApproverAddressReplaced = "approver_address_replaced",
        /// A hold on an approver ended early.
        HoldLifted = "hold_lifted",
        /// A change waits for the confirmation of a second admin or owner.
        ConfirmationRequested = "confirmation_requested",
        /// A change was not confirmed, or its requester withdrew it.
        ConfirmationDeclined = "confirmation_declined",
        /// The tenant's approval settings changed.
        ApprovalPolicyChanged = "approval_policy_changed",
        /// A runner stopped sending heartbeats.
        RunnerSilent = "runner_silent",
        /// A task expired in the queue because no runner could take it.
        TaskExpired = "task_expired",
    }
}

string_enum! {
    /// A change by which somebody becomes an approver, or another person gains access to an account (D-04).
    AccountChange, "cause", {
        Creation = "creation",
        Invitation = "invitation",
        Role = "role",
        PasswordLink = "password_link",
        FactorsReset = "factors_reset",
        Address = "address",
    }
}

impl AccountChange {
    /// Returns the notice that admins and owners get if the account may approve, if any.
    pub const fn notice(self) -> Option<AccountNotice> {
        match self {
            Self::Creation | Self::Invitation => None,
            Self::Role => Some(AccountNotice::ApproverAdded),
            Self::PasswordLink => Some(AccountNotice::ApproverLinkIssued),
            Self::FactorsReset => Some(AccountNotice::ApproverFactorsReset),
            Self::Address => Some(AccountNotice::ApproverAddressReplaced),
        }
    }
}
