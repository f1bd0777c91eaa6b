//! Between the domain and Google's objects.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use google_calendar3::api::{
    ConferenceData, ConferenceSolutionKey, CreateConferenceRequest, Event, EventAttendee, EventDateTime,
    EventReminders, FreeBusyCalendar, FreeBusyRequest, FreeBusyRequestItem, FreeBusyResponse,
};
use hermes_domain::{CalendarEvent, TimeRange, ports::CalendarError};

use crate::answer::Failure;

/// A window in whole seconds, without losing a part of it.
pub(crate) fn in_seconds(window: TimeRange) -> TimeRange {
    let end = window.end.trunc_subsecs(0);
    let end = if end < window.end { end + TimeDelta::seconds(1) } else { end };
    TimeRange::new(window.start.trunc_subsecs(0), end)
}

pub(crate) fn question(owner: &str, window: TimeRange) -> FreeBusyRequest {
    FreeBusyRequest {
        time_min: Some(window.start),
        time_max: Some(window.end),
        time_zone: Some("UTC".to_owned()),
        items: Some(vec![FreeBusyRequestItem { id: Some(owner.to_owned()) }]),
        calendar_expansion_max: None,
        group_expansion_max: None,
    }
}

/// When the owner is busy. An answer that does not say so is an error.
pub(crate) fn busy(answer: FreeBusyResponse, owner: &str) -> Result<Vec<TimeRange>, Failure> {
    let calendars = answer.calendars.unwrap_or_default();
    let calendar = calendars.into_iter().find(|(id, _)| id.eq_ignore_ascii_case(owner)).map(|(_, calendar)| calendar);
    let calendar = calendar.ok_or_else(|| unknown("the answer leaves the calendar out"))?;
    if let Some(failure) = failure(&calendar) {
        return Err(failure);
    }
    let periods = calendar.busy.ok_or_else(|| unknown("the answer does not say when the owner is busy"))?;
    let ranges = periods.into_iter().map(|period| {
        let range = period.start.zip(period.end).map(|(start, end)| TimeRange::new(start, end));
        range.filter(|range| range.start <= range.end).ok_or_else(|| unknown("a busy period has no proper ends"))
    });
    Ok(joined(ranges.collect::<Result<_, _>>()?))
}

fn unknown(message: &str) -> Failure {
    Failure::again(CalendarError::Unavailable { message: message.to_owned() })
}

/// What an answer says against a calendar while it is good for the others.
fn failure(calendar: &FreeBusyCalendar) -> Option<Failure> {
    let reason = calendar.errors.as_ref()?.first()?.reason.as_deref().unwrap_or("no reason");
    Some(match reason {
        "notFound" => Failure::lasting(CalendarError::NotFound),
        "groupTooBig" | "tooManyCalendarsRequested" => {
            Failure::lasting(CalendarError::Rejected { message: reason.to_owned() })
        }
        _ => unknown(&format!("the calendar cannot be read: {}", crate::answer::without_secrets(reason))),
    })
}

/// In order, with those that overlap or follow each other made one.
fn joined(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    ranges.sort_unstable();
    let mut joined: Vec<TimeRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => joined.push(range),
        }
    }
    joined
}

pub(crate) fn event(event: &CalendarEvent) -> Event {
    let id = event.id.to_string();
    let guests = event.guests.iter().map(|email| EventAttendee { email: Some(email.clone()), ..Default::default() });
    let meeting = CreateConferenceRequest {
        // A repeated request makes no second meeting.
        request_id: Some(id.clone()),
        conference_solution_key: Some(ConferenceSolutionKey { type_: Some("hangoutsMeet".to_owned()) }),
        status: None,
    };
    Event {
        id: Some(id),
        summary: Some(event.summary.clone()),
        description: Some(event.description.clone()),
        start: Some(moment(event.time.start)),
        end: Some(moment(event.time.end)),
        attendees: Some(guests.collect()),
        reminders: Some(EventReminders { use_default: Some(true), overrides: None }),
        conference_data: Some(ConferenceData { create_request: Some(meeting), ..Default::default() }),
        ..Default::default()
    }
}

fn moment(at: DateTime<Utc>) -> EventDateTime {
    EventDateTime { date_time: Some(at.trunc_subsecs(0)), time_zone: Some("UTC".to_owned()), date: None }
}

/// A calendar's id as a part of a path. The library puts it there as it is.
pub(crate) fn in_path(owner: &str) -> String {
    owner.bytes().fold(String::with_capacity(owner.len()), |path, byte| {
        if byte.is_ascii_alphanumeric() || b"@.-_+'".contains(&byte) {
            path + char::from(byte).encode_utf8(&mut [0; 1])
        } else {
            path + &format!("%{byte:02X}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-23T{text}Z").parse().unwrap()
    }

    fn range(start: &str, end: &str) -> TimeRange {
        TimeRange::new(at(start), at(end))
    }

    #[test]
    fn a_window_in_seconds_covers_the_whole_window() {
        let whole = range("10:00:00", "11:00:00");
        assert_eq!(in_seconds(whole), whole);
        assert_eq!(in_seconds(range("10:00:00.9", "10:59:59.1")), whole);
    }

    #[test]
    fn periods_come_in_order_and_joined() {
        let periods = vec![
            range("15:00:00", "15:30:00"),
            range("10:00:00", "11:00:00"),
            range("10:15:00", "10:30:00"),
            range("11:00:00", "11:30:00"),
            range("12:00:00", "12:00:00"),
        ];
        let expected = [range("10:00:00", "11:30:00"), range("12:00:00", "12:00:00"), range("15:00:00", "15:30:00")];
        assert_eq!(joined(periods), expected);
    }

    #[test]
    fn an_address_cannot_lead_to_another_path() {
        assert_eq!(in_path("zoë.o'neil+x@castle.example"), "zo%C3%AB.o'neil+x@castle.example");
        assert_eq!(in_path("a/b?c#d%e f@x"), "a%2Fb%3Fc%23d%25e%20f@x");
    }
}
