//! Column types: how values of `domain` are stored, and how rows become structs.
use domain::{
    ApprovalId, BrowserSessionId, ConfirmationId, DeliveryId, Email, EnrollmentId, EventId, IdentityId, InvitationId,
    JoinRequestId, KeyId, Networks, NotificationId, OrganizationId, PasskeyId, PersonId, ProviderId, ReviewId,
    RunnerId, SignedInBy, TaskId, TenantId, Timestamp, WebhookId,
    account::{AccountChange, AccountNotice},
    anomalies::{AnomalyDetails, AnomalyKind},
    ansi::Styles,
    approval::{Answer, ApprovalState},
    confirmation::{ConfirmationState, ProtectedChange},
    joining::JoinState,
    network::NetworkPolicy,
    notification::{Events, Notification, WebhookKind},
    request::RequestDigest,
    retention::RetentionDays,
    review::{Right, Verdict},
    role::{Role, TenantRole},
    scope::Scopes,
    security::SecurityEvent,
    task::{Priority, TaskState, Tool},
    visibility::Visibility,
};
use uuid::Uuid;

/// The reason why a stored value cannot be read.
pub(crate) type Unreadable = Box<dyn std::error::Error + Send + Sync>;

/// A value that is stored in one column as `Raw`, a type that both databases know.
pub(crate) trait Column: Sized {
    type Raw;
    fn raw(self) -> Self::Raw;
    fn read(raw: Self::Raw) -> Result<Self, Unreadable>;
}

macro_rules! as_is {
    ($($type:ty),*) => {$(
        impl Column for $type {
            type Raw = Self;
            fn raw(self) -> Self { self }
            fn read(raw: Self) -> Result<Self, Unreadable> { Ok(raw) }
        }
    )*};
}
macro_rules! as_uuid {
    ($($type:ident),*) => {$(
        impl Column for $type {
            type Raw = Uuid;
            fn raw(self) -> Uuid { self.0 }
            fn read(raw: Uuid) -> Result<Self, Unreadable> { Ok(Self(raw)) }
        }
    )*};
}
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Column for $type {
            type Raw = String;
            fn raw(self) -> String { self.to_string() }
            fn read(raw: String) -> Result<Self, Unreadable> { Ok(raw.parse()?) }
        }
    )*};
}

as_is!(Uuid, i64, bool, String, Vec<u8>);
as_uuid!(
    TenantId,
    OrganizationId,
    PersonId,
    TaskId,
    ApprovalId,
    RunnerId,
    KeyId,
    BrowserSessionId,
    EnrollmentId,
    PasskeyId,
    EventId,
    ProviderId,
    IdentityId,
    ReviewId,
    InvitationId,
    JoinRequestId,
    ConfirmationId,
    NotificationId,
    WebhookId,
    DeliveryId
);
as_text!(
    Styles,
    Role,
    TenantRole,
    TaskState,
    ApprovalState,
    Answer,
    Visibility,
    NetworkPolicy,
    Networks,
    Tool,
    SignedInBy,
    Scopes,
    AccountNotice,
    AccountChange,
    ConfirmationState,
    ProtectedChange,
    Right,
    Verdict,
    SecurityEvent,
    AnomalyKind,
    AnomalyDetails,
    JoinState,
    Notification,
    WebhookKind,
    Events
);

impl Column for Timestamp {
    type Raw = i64;
    fn raw(self) -> i64 {
        self.0
    }
    fn read(raw: i64) -> Result<Self, Unreadable> {
        Ok(Self(raw))
    }
}

impl Column for Priority {
    type Raw = i64;
    fn raw(self) -> i64 {
        self.rank()
    }
    fn read(raw: i64) -> Result<Self, Unreadable> {
        Ok(Self::from_rank(raw)?)
    }
}

impl Column for u32 {
    type Raw = i64;
    fn raw(self) -> i64 {
        self.into()
    }
    fn read(raw: i64) -> Result<Self, Unreadable> {
        Ok(raw.try_into()?)
    }
}

impl Column for RetentionDays {
    type Raw = i64;
    fn raw(self) -> i64 {
        self.get().into()
    }
    fn read(raw: i64) -> Result<Self, Unreadable> {
        Ok(raw.try_into()?)
    }
}

impl Column for Email {
    type Raw = String;
    fn raw(self) -> String {
        self.into()
    }
    fn read(raw: String) -> Result<Self, Unreadable> {
        Ok(Self::parse(&raw)?)
    }
}

impl Column for RequestDigest {
    type Raw = Vec<u8>;
    fn raw(self) -> Vec<u8> {
        self.0.to_vec()
    }
    fn read(raw: Vec<u8>) -> Result<Self, Unreadable> {
        Ok(Self(raw.as_slice().try_into()?))
    }
}

impl Column for [u8; 32] {
    type Raw = Vec<u8>;
    fn raw(self) -> Vec<u8> {
        self.to_vec()
    }
    fn read(raw: Vec<u8>) -> Result<Self, Unreadable> {
        Ok(raw.as_slice().try_into()?)
    }
}

impl<T: Column> Column for Option<T> {
    type Raw = Option<T::Raw>;
    fn raw(self) -> Self::Raw {
        self.map(T::raw)
    }
    fn read(raw: Self::Raw) -> Result<Self, Unreadable> {
        raw.map(T::read).transpose()
    }
}

/// Declares a struct that is read from a row by the names of its fields.
macro_rules! row_type {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }
        $crate::db::column::row_type!(@from sqlx::sqlite::SqliteRow, $name, $($field: $type),*);
        $crate::db::column::row_type!(@from sqlx::postgres::PgRow, $name, $($field: $type),*);
    };
    (@from $row:ty, $name:ident, $($field:ident: $type:ty),*) => {
        impl sqlx::FromRow<'_, $row> for $name {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                use $crate::db::column::Column;
                Ok(Self { $($field: {
                    let raw = sqlx::Row::try_get::<<$type as Column>::Raw, _>(row, stringify!($field))?;
                    <$type as Column>::read(raw).map_err(|source| sqlx::Error::ColumnDecode {
                        index: stringify!($field).into(),
                        source,
                    })?
                }),* })
            }
        }
    };
}
pub(crate) use row_type;

row_type! {
    /// The result of a `count(*) as n`.
    pub struct Number {
        pub n: i64,
    }
}
