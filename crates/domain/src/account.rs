//! A person's own account: what it is proved by beside a password, and what happened with it.
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// What is shown beside a password, or instead of it.
    Factor, "factor", {
        /// An app that shows a new code every half minute (RFC 6238).
        Totp = "totp",
        /// A key in a device or a password manager (WebAuthn).
        Passkey = "passkey",
    }
}

string_enum! {
    /// Something that its owner should know of.
    Happened, "happened", {
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// An admin made a link that sets the password.
        PasswordLink = "password_link",
        /// An authenticator app was set up.
        TotpAdded = "totp_added",
        /// The authenticator app was removed.
        TotpRemoved = "totp_removed",
        /// A passkey was added.
        PasskeyAdded = "passkey_added",
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed",
        /// An account at a provider was linked: it leads in from then on.
        IdentityLinked = "identity_linked",
        /// Such a link was ended.
        IdentityUnlinked = "identity_unlinked",
        /// New recovery codes were made; those before are void.
        RecoveryCodesMade = "recovery_codes_made",
        /// A recovery code was used to sign in.
        RecoveryCodeUsed = "recovery_code_used",
        /// An admin removed all second factors.
        FactorsReset = "factors_reset",
        /// Another address was asked for.
        AddressAsked = "address_asked",
        /// The address was changed.
        AddressChanged = "address_changed",
        /// Somebody signed in from a new place.
        NewPlace = "new_place",
        /// There were many wrong passwords or second factors.
        ManyFailures = "many_failures",
        /// A key was used in an unusual way.
        KeyAnomaly = "key_anomaly",
        /// A key of theirs, or of a service account that they answer for, ends soon.
        KeyEndsSoon = "key_ends_soon",
        /// Somebody asks to be let into an organization of theirs.
        JoinAsked = "join_asked",
        /// They were let into an organization that they asked to join.
        JoinAccepted = "join_accepted",
        /// They were not.
        JoinDeclined = "join_declined",
        /// Somebody removed them from an organization.
        MembershipRemoved = "membership_removed",
        /// They answer for service accounts that somebody else answered for before.
        ServiceAccountsGiven = "service_accounts_given",
    }
}
