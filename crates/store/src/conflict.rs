//! Conflicts: why a change that the policy allows cannot be made in the present state.
use std::fmt;

macro_rules! conflicts {
    ($($name:ident => $code:literal,)*) => {
        /// Why a change conflicts with the present state. Its text for people is in the catalog of `app`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Conflict { $($name),* }

        impl Conflict {
            /// Returns the spelling used in the logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }
        }
    };
}

conflicts! {
    AddressInUse => "address_in_use",
    AccountExists => "account_exists",
    AnomalyReviewed => "anomaly_reviewed",
    AnomalyRepeated => "anomaly_repeated",
    DeciderNotAPerson => "decider_not_a_person",
    ApprovalExpired => "approval_expired",
    ApprovalApproved => "approval_approved",
    ApprovalDenied => "approval_denied",
    ApprovalWithdrawn => "approval_withdrawn",
    ConfirmationExists => "confirmation_exists",
    ConfirmationSettled => "confirmation_settled",
    ConfirmationOutdated => "confirmation_outdated",
    ConfirmerOnHold => "confirmer_on_hold",
    TooManyConfirmations => "too_many_confirmations",
    RequesterLostRights => "requester_lost_rights",
    DeciderIsRequester => "decider_is_requester",
    DeciderOnHold => "decider_on_hold",
    DeciderIsResponsible => "decider_is_responsible",
    DeciderCreatedKey => "decider_created_key",
    RequestChanged => "request_changed",
    NotAsSigned => "not_as_signed",
    AlreadyDecided => "already_decided",
    TenantFrozen => "tenant_frozen",
    AlreadyLocked => "already_locked",
    NotLocked => "not_locked",
    LastAdminLocked => "last_admin_locked",
    AlreadyFrozen => "already_frozen",
    NotFrozen => "not_frozen",
    TotpExists => "totp_exists",
    LastSignInMethod => "last_sign_in_method",
    IdentityLinked => "identity_linked",
    InviterNotAPerson => "inviter_not_a_person",
    TooManyInvitations => "too_many_invitations",
    InvitationForAnotherAddress => "invitation_for_another_address",
    AlreadyMember => "already_member",
    AddressUnconfirmed => "address_unconfirmed",
    AccountExistsForInvitation => "account_exists_for_invitation",
    TooManyJoinRequests => "too_many_join_requests",
    JoinRequestExists => "join_request_exists",
    JoinRequestSettled => "join_request_settled",
    KeyReplaced => "key_replaced",
    KeyRevoked => "key_revoked",
    KeyInactive => "key_inactive",
    ServiceAccountExceedsResponsible => "service_account_exceeds_responsible",
    KeyOverlapEnding => "key_overlap_ending",
    OutputLinesMissing => "output_lines_missing",
    LastOwner => "last_owner",
    OrganizationNameTaken => "organization_name_taken",
    OrganizationNameFormer => "organization_name_former",
    OrganizationAlreadyArchived => "organization_already_archived",
    OrganizationNotArchived => "organization_not_archived",
    OrganizationArchived => "organization_archived",
    TooManyPasskeys => "too_many_passkeys",
    PasskeyRefused => "passkey_refused",
    PasskeyKnown => "passkey_known",
    LastAdmin => "last_admin",
    ReviewerNotAPerson => "reviewer_not_a_person",
    ReviewOpen => "review_open",
    ReviewItemDecided => "review_item_decided",
    RightsOfResponsible => "rights_of_responsible",
    LegalHoldExists => "legal_hold_exists",
    NoLegalHold => "no_legal_hold",
    ReviewIncomplete => "review_incomplete",
    ReviewEnded => "review_ended",
    RulesChanged => "rules_changed",
    RunnerKeyTaken => "runner_key_taken",
    RunnerNameTaken => "runner_name_taken",
    RunnerRevoked => "runner_revoked",
    ResponsibleIsServiceAccount => "responsible_is_service_account",
    AlreadyResponsible => "already_responsible",
    TaskEnded => "task_ended",
    TaskStateChanged => "task_state_changed",
    NoLongerSubmitter => "no_longer_submitter",
    SubmitterNotAPerson => "submitter_not_a_person",
    IdempotencyKeyReused => "idempotency_key_reused",
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
