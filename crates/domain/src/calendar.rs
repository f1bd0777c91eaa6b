//! Calendar events, as Hermes puts them into the calendars of its staff.

use std::fmt;

use crate::time_range::TimeRange;

/// What an event is known by in its calendar. Hermes chooses it, so that the same event is never put there twice.
///
/// An id stays taken when its event is deleted. Several deployments may write to one calendar, so it must be unique
/// beyond one database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarEventId(String);

/// Text that cannot be the id of a calendar event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a calendar event is 5 to 1024 of the characters 0-9 and a-v")]
pub struct InvalidCalendarEventId;

impl CalendarEventId {
    /// Takes what calendars take: the lower-case alphabet of base32hex, which hexadecimal digits are part of.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidCalendarEventId> {
        let text = text.into();
        let fits = (5..=1024).contains(&text.len()) && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'v'));
        if fits { Ok(Self(text)) } else { Err(InvalidCalendarEventId) }
    }

    /// An id of random bits, in hexadecimal digits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CalendarEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A call, as it is to stand in a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarEvent {
    pub id: CalendarEventId,
    pub summary: String,
    /// HTML.
    pub description: String,
    pub time: TimeRange,
    /// The email addresses of all who take part.
    pub guests: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_a_calendar_takes() {
        for good in ["01234", "abcuv", "deadbeef", &"0".repeat(1024)] {
            assert_eq!(CalendarEventId::new(good).map(|id| id.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "0123", &"0".repeat(1025), "0123w", "0123A", "0123-", "0123 ", "0123é"] {
            assert_eq!(CalendarEventId::new(bad), Err(InvalidCalendarEventId), "{bad:?}");
        }
    }
}
