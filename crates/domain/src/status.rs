//! The states that companies, deals and meetings can be in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A company's status in TC2. TC2 may add others at any time: they are kept as they come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Tc2Status {
    PendingEmailConf,
    Trial,
    Active,
    ActiveNotPaying,
    Suspended,
    Terminated,
    InArrears,
    Other(Text<25>),
}

impl Tc2Status {
    pub fn as_str(&self) -> &str {
        match self {
            Self::PendingEmailConf => "pending_email_conf",
            Self::Trial => "trial",
            Self::Active => "active",
            Self::ActiveNotPaying => "active-not-paying",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
            Self::InArrears => "in-arrears",
            Self::Other(text) => text,
        }
    }

    /// Whether a company with this status may still become a customer, so that a deal is worth opening.
    pub const fn is_prospect(&self) -> bool {
        match self {
            Self::PendingEmailConf | Self::Trial => true,
            Self::Active
            | Self::ActiveNotPaying
            | Self::Suspended
            | Self::Terminated
            | Self::InArrears
            | Self::Other(_) => false,
        }
    }
}

impl From<&str> for Tc2Status {
    fn from(text: &str) -> Self {
        match text {
            "pending_email_conf" => Self::PendingEmailConf,
            "trial" => Self::Trial,
            "active" => Self::Active,
            "active-not-paying" => Self::ActiveNotPaying,
            "suspended" => Self::Suspended,
            "terminated" => Self::Terminated,
            "in-arrears" => Self::InArrears,
            other => Self::Other(Text::new(other)),
        }
    }
}

impl From<String> for Tc2Status {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Tc2Status> for String {
    fn from(status: Tc2Status) -> Self {
        status.as_str().to_owned()
    }
}

impl fmt::Display for Tc2Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! named_states {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[serde(rename = $text)] $variant,)*
        }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The state of exactly this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named_states! {
    /// A deal's state; `Deleted` deals stay in the tables of Hermes.
    DealStatus { Open = "open", Won = "won", Lost = "lost", Deleted = "deleted", }
}

named_states! {
    /// A meeting's state.
    MeetingStatus { Planned = "PLANNED", Canceled = "CANCELED", NoShow = "NO_SHOW", Completed = "COMPLETED", }
}

named_states! {
    /// Why a meeting takes place. Only sales meetings are shown to the CRM.
    MeetingKind { Sales = "sales", Support = "support", }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_nobody_knows_is_kept_as_it_comes_and_cut_at_25_characters() {
        assert_eq!(Tc2Status::from("paused").as_str(), "paused");
        assert_eq!(Tc2Status::from("x".repeat(40).as_str()).as_str().len(), 25);
    }

    #[test]
    fn known_names_survive_a_round_trip() {
        for name in
            ["pending_email_conf", "trial", "active", "active-not-paying", "suspended", "terminated", "in-arrears"]
        {
            let status = Tc2Status::from(name);
            assert!(!matches!(status, Tc2Status::Other(_)), "{name}");
            assert_eq!(status.as_str(), name);
            assert_eq!(status.is_prospect(), name == "pending_email_conf" || name == "trial");
        }
        for status in [DealStatus::Open, DealStatus::Won, DealStatus::Lost, DealStatus::Deleted] {
            assert_eq!(DealStatus::from_name(status.as_str()), Some(status));
        }
        assert_eq!(DealStatus::from_name("OPEN"), None);
    }
}
