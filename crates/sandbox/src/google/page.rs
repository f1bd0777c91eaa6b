//! The page for people: everybody's calendar, with the links to meet at.

use std::fmt::Write;

use super::{
    event::{Event, written},
    world::World,
};

/// Sends what the form holds to the sandbox, and shows the page anew.
const SCRIPT: &str = "\
<script>
async function send(method, path, body) {
  const answer = await fetch(path, {method, body: body && JSON.stringify(body)});
  if (answer.ok) location.reload(); else alert(await answer.text());
}
function busy(form) {
  const {email, start, end} = Object.fromEntries(new FormData(form));
  send('POST', '/sandbox/busy', {email, start: start + 'Z', end: end + 'Z'});
  return false;
}
</script>";

const STYLE: &str = "\
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #223; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #dde; vertical-align: top; }
.cancelled { text-decoration: line-through; color: #889; }
</style>";

pub(super) fn calendars(world: &World) -> String {
    let mut body = String::new();
    for email in world.people() {
        let mut rows = String::new();
        for event in world.events(email) {
            row(&mut rows, event);
        }
        let mut busy = String::new();
        for (start, end) in
            world.busy(email, chrono::DateTime::<chrono::Utc>::MIN_UTC, chrono::DateTime::<chrono::Utc>::MAX_UTC)
        {
            // Writing to a string cannot fail.
            let _ = write!(busy, "<li>{} to {}", written(start), written(end));
        }
        let _ = write!(
            body,
            "<h2>{}</h2><table><tr><th>From<th>To<th>Event<th>Guests<th>Meet</tr>{rows}</table>\
             <p>Busy, events included:</p><ul>{busy}</ul>",
            escaped(email)
        );
    }
    if body.is_empty() {
        body.push_str("<p>Nobody has a calendar yet.</p>");
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Google Calendar sandbox</title>{STYLE}\
         </head><body><h1>Google Calendar sandbox</h1>\
         <form onsubmit=\"return busy(this)\"><label>Who <input type=\"email\" name=\"email\" required></label> \
         <label>is busy from <input type=\"datetime-local\" name=\"start\" required></label> \
         <label>to <input type=\"datetime-local\" name=\"end\" required></label> (UTC) <button>Add</button></form>\
         {body}{SCRIPT}</body></html>\n"
    )
}

fn row(rows: &mut String, event: &Event) {
    let class = if event.is_cancelled() { " class=\"cancelled\"" } else { "" };
    let meet = event.meet_link().map(|link| format!("<a href=\"{link}\">{link}</a>")).unwrap_or_default();
    let _ = write!(
        rows,
        "<tr{class}><td>{}<td>{}<td>{}<td>{}<td>{meet}</tr>",
        written(event.start),
        written(event.end),
        escaped(event.text("summary")),
        escaped(&event.guests.join(", ")),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
