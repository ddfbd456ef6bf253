//! Findings of the comparison of audit logs with what was signed of them.
use domain::{TenantId, audit::ChainError, checkpoint::Contradiction};
use serde::Serialize;
use std::fmt;
use store::UnexplainedStart;
use uuid::Uuid;

/// A difference between an audit log and its signed checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Two signed checkpoints cannot be of one log.
    Contradiction { tenant: TenantId, contradiction: Contradiction },
    /// The log has fewer events than were signed.
    Shorter { tenant: TenantId, size: i64, signed: i64 },
    /// The log has another event than the one that was signed.
    Different { tenant: TenantId, size: i64 },
    /// A tenant with a signed log no longer exists.
    Vanished { tenant: TenantId, signed: i64 },
    /// The file of checkpoints lost some that were signed.
    FileCut,
    /// The file of checkpoints cannot be read or contains something else.
    FileUnreadable(String),
    /// The database contains a checkpoint of a server that this deployment did not sign.
    Unsigned { tenant: TenantId, node: Uuid },
    /// An event or the head of the log was changed.
    Altered { tenant: TenantId, broken: ChainError },
    /// A task started without the consent that the rules required, or its rows were changed afterwards.
    Unexplained { tenant: TenantId, start: UnexplainedStart },
}

impl Finding {
    /// Returns the tenant whose log differs; `None` for the file.
    pub const fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Contradiction { tenant, .. }
            | Self::Shorter { tenant, .. }
            | Self::Different { tenant, .. }
            | Self::Vanished { tenant, .. }
            | Self::Unsigned { tenant, .. }
            | Self::Altered { tenant, .. }
            | Self::Unexplained { tenant, .. } => Some(*tenant),
            Self::FileCut | Self::FileUnreadable(_) => None,
        }
    }

    /// Whether the log is not the one that was signed, so that continuing abandons signed events.
    pub const fn is_rollback(&self) -> bool {
        matches!(
            self,
            Self::Contradiction { .. } | Self::Shorter { .. } | Self::Different { .. } | Self::Vanished { .. }
        )
    }

    /// Whether the file cannot be continued: it is damaged, or its checkpoints contradict each other.
    pub const fn is_of_file(&self) -> bool {
        matches!(self, Self::FileCut | Self::FileUnreadable(_) | Self::Contradiction { .. })
    }

    /// Returns the start that this is about, if it is about one.
    pub const fn start(&self) -> Option<&UnexplainedStart> {
        match self {
            Self::Unexplained { start, .. } => Some(start),
            _ => None,
        }
    }

    /// Returns the tenant as the beginning of a line.
    pub fn prefix(&self) -> String {
        self.tenant().map_or_else(String::new, |tenant| format!("tenant {tenant}: "))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction { contradiction, .. } => contradiction.fmt(f),
            Self::Shorter { size, signed, .. } => {
                write!(f, "event {} is missing; a signed checkpoint covers {signed} events", size + 1)
            }
            Self::Different { size, .. } => write!(f, "event {size} differs from the signed checkpoint"),
            Self::Vanished { tenant, signed } => {
                write!(f, "tenant {tenant} is missing with its audit log, of which {signed} events were signed")
            }
            Self::FileCut => f.write_str("the file of signed checkpoints was shortened, changed or removed"),
            Self::FileUnreadable(why) => f.write_str(why),
            Self::Unsigned { .. } => {
                f.write_str("the database contains a checkpoint that was not signed by this deployment")
            }
            Self::Altered { broken, .. } => write!(f, "event {} {}", broken.seq, broken.reason),
            Self::Unexplained { start, .. } => write!(f, "the start of task {}: {}", start.task, start.problem),
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
