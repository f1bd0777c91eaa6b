//! Ids. Each of the three systems numbers its own objects, and a number of one system means nothing in another; so each
//! is a type of its own, and the compiler refuses to mix them.
//!
//! `…Id` without a prefix is a row of Hermes's own tables, `Tc2…Id` is TutorCruncher's, `Pd…Id` is Pipedrive's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number that does not fit an id: ids are 32-bit integers in every table of Hermes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is too large or too small to be an id")]
pub struct IdOutOfRange(pub i64);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i32);

        impl $name {
            pub const fn new(raw: i32) -> Self {
                Self(raw)
            }

            pub const fn get(self) -> i32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = IdOutOfRange;

            fn try_from(raw: i64) -> Result<Self, IdOutOfRange> {
                i32::try_from(raw).map(Self).map_err(|_| IdOutOfRange(raw))
            }
        }
    )*};
}

ids! {
    /// A member of staff (`admin.id`).
    AdminId;
    /// A business that is or may become a customer (`company.id`).
    CompanyId;
    /// Someone who works for a company (`contact.id`).
    ContactId;
    /// A possible sale (`deal.id`).
    DealId;
    /// A call that was booked (`meeting.id`).
    MeetingId;
    /// A sales pipeline (`pipeline.id`).
    PipelineId;
    /// A stage of a sales pipeline (`stage.id`).
    StageId;

    /// TutorCruncher's number of a member of staff.
    Tc2AdminId;
    /// TutorCruncher's number of an agency: the business itself.
    Tc2AgencyId;
    /// TutorCruncher's number of a client ("cligency"): the agency as a customer.
    Tc2ClientId;
    /// TutorCruncher's number of a client's paid recipient ("SR").
    Tc2RecipientId;

    /// Pipedrive's number of an activity.
    PdActivityId;
    /// Pipedrive's number of a deal.
    PdDealId;
    /// Pipedrive's number of an organization.
    PdOrgId;
    /// Pipedrive's number of a person.
    PdPersonId;
    /// Pipedrive's number of a pipeline.
    PdPipelineId;
    /// Pipedrive's number of a stage.
    PdStageId;
    /// Pipedrive's number of a user, who owns organizations, persons and deals.
    PdUserId;
}
