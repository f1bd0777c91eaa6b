//! What can go wrong with the store, by what the caller can do about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is shutting down, or could not serve us in time. The same work may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Somebody else holds this value already. Nothing was changed.
    #[error("{0}")]
    Conflict(String),
    /// The database refused the statement: a bug of ours, or a table that was changed by hand.
    #[error("the database refused: {0}")]
    Refused(String),
    /// The migrations could not be carried out.
    #[error("migration failed: {0}")]
    Migration(String),
    /// The configuration of the store makes no sense.
    #[error("{0}")]
    Configuration(String),
}

impl StoreError {
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Somebody else held what the work needs for too long, or waited for it in turn.
    pub fn is_contention(&self) -> bool {
        const CONTENTION: [&str; 2] = ["canceling statement due to lock timeout", "deadlock detected"];
        matches!(self, Self::Unavailable(message) if CONTENTION.iter().any(|beginning| message.starts_with(beginning)))
    }
}

/// Whether PostgreSQL refuses for now only. Diesel does not hand the error's code on; in another language than English such
/// an error counts as a refusal, which is tried again as well, but not without end.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 7] = [
        "terminating connection",
        "canceling statement",
        "deadlock detected",
        "the database system is",
        "sorry, too many clients",
        "remaining connection slots",
        "could not extend file",
    ];
    PASSING.iter().any(|beginning| message.starts_with(beginning))
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Conflict(info.details().unwrap_or_else(|| info.message()).to_owned())
            }
            DieselError::DatabaseError(
                DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation,
                info,
            ) => Self::Refused(info.message().to_owned()),
            DieselError::DatabaseError(
                DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ReadOnlyTransaction,
                info,
            ) => Self::Unavailable(info.message().to_owned()),
            DieselError::DatabaseError(_, info) if is_passing(info.message()) => {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::DatabaseError(_, info) => Self::Refused(info.message().to_owned()),
            DieselError::BrokenTransactionManager
            | DieselError::RollbackErrorOnCommit { .. }
            | DieselError::RollbackTransaction
            | DieselError::AlreadyInTransaction
            | DieselError::NotInTransaction => Self::Unavailable(error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}
