//! Conflicts: why a change that the policy allows cannot be made in the present state.
use std::fmt;

macro_rules! conflicts {
    ($($name:ident => $message:literal,)*) => {
        /// Why a change conflicts with the present state; each has a sentence for the person who asked for the change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Conflict { $($name),* }

        impl Conflict {
            /// Returns the sentence that a person sees.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }
        }
    };
}

conflicts! {
    AddressInUse => "This address is already in use.",
    AccountExists => "An account with this address already exists.",
    AnomalyReviewed => "This anomaly is already reviewed.",
    AnomalyRepeated => "This anomaly was detected again since you opened the page. Reload the page and review it again.",
    DeciderNotAPerson => "Only people can decide approval requests.",
    ApprovalExpired => "This request has expired.",
    ApprovalApproved => "This request has already been approved.",
    ApprovalDenied => "This request has already been denied.",
    ApprovalWithdrawn => "This request was withdrawn: the task was cancelled.",
    DeciderIsResponsible => "You are responsible for the service account that made this request. Someone else must decide it.",
    DeciderCreatedKey => "You created the API key of this request. Someone else must decide it.",
    RequestChanged => "The request has changed since the page was loaded. Reload the page and review it again.",
    AlreadyDecided => "You have already decided this request.",
    TenantFrozen => "This tenant is frozen. Changes are blocked and no task starts until an admin ends the freeze.",
    AlreadyLocked => "This account is already locked.",
    NotLocked => "This account is not locked.",
    LastAdminLocked => "This is the last active admin, and nobody else could unlock the account. Use the server console instead.",
    AlreadyFrozen => "This tenant is already frozen.",
    NotFrozen => "This tenant is not frozen.",
    TotpExists => "You already have an authenticator app. Remove it first.",
    LastSignInMethod => "This is your only sign-in method. Link another account or set a password first.",
    IdentityLinked => "This identity is already linked to an account.",
    InviterNotAPerson => "Only people can create invitations.",
    TooManyInvitations => "This organization has reached the limit of 200 open invitations. Revoke some first.",
    InvitationForAnotherAddress => "This invitation is for another address. Sign in with the account that uses it.",
    AlreadyMember => "You are already a member of this organization.",
    AddressUnconfirmed => "Confirm this address first.",
    AccountExistsForInvitation =>
        "An account with this address already exists. Sign in to return to the invitation.",
    TooManyJoinRequests => "You have reached the limit of join requests for today. Try again tomorrow.",
    JoinRequestExists => "You have already requested to join. The owners have been notified.",
    JoinRequestSettled => "This request was already decided or withdrawn.",
    KeyReplaced => "This API key has already been replaced. Rotate its successor.",
    KeyRevoked => "This API key is already revoked.",
    KeyInactive => "This API key is no longer active. Create a new one.",
    ServiceAccountExceedsResponsible =>
        "This service account may do more somewhere than you, who answer for it. An admin makes its keys, or has somebody else answer for it.",
    KeyOverlapEnding => "This API key is being replaced and expires after the overlap.",
    OutputLinesMissing => "Some output lines are missing.",
    LastOwner => "This is the last active owner of the organization. Make another member an owner first.",
    OrganizationNameTaken => "An organization with this name already exists.",
    OrganizationNameFormer =>
        "This name belonged to another organization, and group rules still refer to it. Only an admin can reuse it.",
    OrganizationAlreadyArchived => "This organization is already archived.",
    OrganizationNotArchived => "This organization is not archived.",
    OrganizationArchived =>
        "This organization is archived. Changes are blocked and no task starts until an owner or an admin restores it.",
    TooManyPasskeys => "You have reached the limit of 20 passkeys. Remove one that you do not use.",
    PasskeyKnown => "This passkey is already registered.",
    LastAdmin => "This is the last admin. Make another person an admin first.",
    ReviewerNotAPerson => "Access reviews can only be decided by a person.",
    ReviewOpen => "Another access review is still open. End it first.",
    ReviewItemDecided => "This was already decided.",
    RightsOfResponsible =>
        "They answer for service accounts there. Remove them on the organization's page, where you choose who answers for these from then on; then revoke it here as well.",
    ReviewIncomplete => "Some rights in this review have no decision yet.",
    ReviewEnded => "This review has ended.",
    RulesChanged => "Someone else changed the rules. Reload the page to see the current rules.",
    RunnerNameTaken => "An active runner with this name already exists. Revoke it or choose another name.",
    RunnerRevoked => "This runner is already revoked.",
    ResponsibleIsServiceAccount => "The responsible person of a service account must be a person, not another service account.",
    AlreadyResponsible => "This person is already responsible for the service account.",
    TaskEnded => "This task has already ended.",
    TaskStateChanged => "The task is no longer in a state that allows this.",
    NoLongerSubmitter => "You can no longer submit tasks in this organization.",
    SubmitterNotAPerson => "Only people and their API keys can submit tasks.",
    IdempotencyKeyReused => "This idempotency key was already used for a different task.",
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
