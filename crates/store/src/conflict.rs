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
    AddressInUse => "This address is in use already.",
    AccountExists => "There is an account with this address already.",
    AnomalyReviewed => "Somebody has looked at this already.",
    AnomalyRepeated => "It has happened again since you saw it. Look at it as it is now.",
    DeciderNotAPerson => "Only people decide.",
    ApprovalExpired => "This request has expired.",
    ApprovalApproved => "This request has been approved already.",
    ApprovalDenied => "This request has been denied already.",
    ApprovalWithdrawn => "This request was withdrawn: the task was cancelled.",
    DeciderIsResponsible => "This is a request of a service account that you answer for. Somebody else decides.",
    DeciderCreatedKey => "You made the key that this was asked with. Somebody else decides.",
    RequestChanged => "The request is not the one that was shown. Load the page again.",
    AlreadyDecided => "You have answered this request already.",
    TenantFrozen => "This tenant is frozen: nothing is changed and nothing starts until an admin ends the freeze.",
    AlreadyLocked => "This person is locked out already.",
    NotLocked => "This person is not locked out.",
    LastAdminLocked => "Nobody else could let them in again. Lock the last admin out at the console.",
    AlreadyFrozen => "This tenant is frozen already.",
    NotFrozen => "This tenant is not frozen.",
    TotpExists => "You have an authenticator app already. Remove it first.",
    LastSignInMethod => "This is your only way to sign in. Link another one first, or set a password.",
    IdentityLinked => "This identity is linked to an account already.",
    InviterNotAPerson => "Invitations are made by people.",
    TooManyInvitations => "This organization has 200 open invitations. Revoke some first.",
    InvitationForAnotherAddress => "This invitation is for another address. Sign in with the account that has it.",
    AlreadyMember => "You are in this organization already.",
    AddressUnconfirmed => "This address must be confirmed first.",
    AccountExistsForInvitation =>
        "There is an account with this address already. Sign in, and you come back to the invitation.",
    TooManyJoinRequests => "You have asked several times today. Ask again tomorrow.",
    JoinRequestExists => "You have asked already. Its owners have been told.",
    JoinRequestSettled => "This request was answered or withdrawn already.",
    KeyReplaced => "This key has a successor already. Rotate that one.",
    KeyRevoked => "This key is revoked already.",
    KeyInactive => "This key works no more. Make a new one instead.",
    ServiceAccountExceedsResponsible =>
        "This service account may do more somewhere than you, who answer for it. An admin makes its keys, or has somebody else answer for it.",
    KeyOverlapEnding => "This key is being replaced, and ends when both have worked long enough.",
    OutputLinesMissing => "Lines of output are missing.",
    LastOwner => "This is the last owner of the organization who can act. Make somebody else an owner first.",
    OrganizationNameTaken => "There is an organization of that name already.",
    OrganizationNameFormer =>
        "Another organization was called so, and group rules that name it still lead there. An admin can give this name.",
    OrganizationAlreadyArchived => "This organization is archived already.",
    OrganizationNotArchived => "This organization is not archived.",
    OrganizationArchived =>
        "This organization is archived: nothing is changed and nothing starts in it until an owner or an admin brings it back.",
    TooManyPasskeys => "You have 20 passkeys. Remove one that you do not use.",
    PasskeyKnown => "This passkey is known already.",
    LastAdmin => "This is the last admin. Make somebody else an admin first.",
    ReviewerNotAPerson => "A person must go through it.",
    ReviewOpen => "There is a review already that has not ended. Finish it first.",
    ReviewItemDecided => "This was answered already.",
    RightsOfResponsible =>
        "They answer for service accounts there. Remove them on the organization's page, where you choose who answers for these from then on; then revoke it here as well.",
    ReviewIncomplete => "Not everything in it is answered yet.",
    ReviewEnded => "This review has ended.",
    RulesChanged => "Somebody else changed the rules meanwhile. Load the page again to see them.",
    RunnerNameTaken => "There is an active runner of that name. Revoke it first, or choose another name.",
    RunnerRevoked => "This runner is revoked already.",
    ResponsibleIsServiceAccount => "A person answers for a service account, not another service account.",
    AlreadyResponsible => "They answer for it already.",
    TaskEnded => "This task has ended already.",
    TaskStateChanged => "The task is not in a state for this any more.",
    NoLongerSubmitter => "You may not submit tasks in this organization any more.",
    SubmitterNotAPerson => "Tasks are submitted by people and their keys.",
    IdempotencyKeyReused => "This idempotency key was used for another task.",
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
