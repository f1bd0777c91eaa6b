//! Pages for people: the clients, what was sent, and one client to look at and change.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{ClientSpec, Delivery, Outcome};

const STATUSES: [&str; 7] =
    ["pending_email_conf", "trial", "active", "active-not-paying", "suspended", "terminated", "in-arrears"];
const PLANS: [&str; 3] = ["monthly-payg", "monthly-startup", "monthly-enterprise"];

/// Sends what the form holds, in its type, to the sandbox, and shows the page anew.
const SCRIPT: &str = "\
<script>
async function send(method, path, body) {
  const answer = await fetch(path, {method, body: body && JSON.stringify(body)});
  if (answer.ok) location.reload(); else alert(await answer.text());
}
function save(form) {
  const agency = Object.fromEntries(new FormData(form));
  agency.paid_invoice_count = Number(agency.paid_invoice_count);
  agency.narc = form.narc.checked;
  send('POST', '/sandbox/clients', {id: Number(form.dataset.id), meta_agency: agency});
  return false;
}
</script>";

const STYLE: &str = "\
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #223; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #dde; }
label { display: block; margin: .6rem 0; } pre { background: #f4f5f9; padding: 1rem; overflow: auto; }
</style>";

pub(super) fn overview(clients: &[ClientSpec], deliveries: &[Delivery]) -> String {
    let mut rows = String::new();
    for client in clients {
        let agency = |name| text(client.get("meta_agency").get(name).unwrap_or(&Value::Null));
        let id = client.id();
        let cells =
            [agency("name"), agency("status"), agency("price_plan"), agency("country"), agency("paid_invoice_count")];
        row(&mut rows, &format!("<a href=\"/clients/{id}/\">{id}</a>"), &cells);
    }
    let mut sent = String::new();
    for delivery in deliveries {
        let event = delivery.body.pointer("/events/0").unwrap_or(&Value::Null);
        let statuses: Vec<String> = delivery
            .attempts
            .iter()
            .map(|attempt| attempt.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string()))
            .collect();
        let outcome = match delivery.outcome {
            Outcome::Pending => "under way",
            Outcome::Delivered => "delivered",
            Outcome::Refused => "refused",
            Outcome::GivenUp => "given up",
        };
        let subject = text(event.pointer("/subject/id").unwrap_or(&Value::Null));
        let cells =
            [text(event.get("action").unwrap_or(&Value::Null)), subject, outcome.to_owned(), statuses.join(", ")];
        row(&mut sent, &delivery.number.to_string(), &cells);
    }
    page(
        "TutorCruncher sandbox",
        &format!(
            "<p><button onclick=\"send('POST', '/sandbox/clients', {{}})\">New client</button> \
             <button onclick=\"send('POST', '/sandbox/resend')\">Send all again</button></p>\
             <table><tr><th>Client<th>Agency<th>Status<th>Plan<th>Country<th>Paid invoices</tr>{rows}</table>\
             <h2>Webhooks, newest first</h2>\
             <table><tr><th>No.<th>Action<th>Client<th>Outcome<th>Answers</tr>{sent}</table>"
        ),
    )
}

pub(super) fn client(client: &ClientSpec) -> String {
    let id = client.id();
    let agency = client.get("meta_agency");
    let field = |name| agency.get(name).unwrap_or(&Value::Null);
    let checked = if field("narc") == &json!(true) { " checked" } else { "" };
    let whole = serde_json::to_string_pretty(&client.to_json(super::ApiVersion::V1)).unwrap_or_default();
    page(
        &format!("Client {id}: {}", text(field("name"))),
        &format!(
            "<p><a href=\"/\">All clients</a></p>\
             <form data-id=\"{id}\" onsubmit=\"return save(this)\">\
             <label>Status {}</label><label>Plan {}</label>\
             <label>Paid invoices <input type=\"number\" name=\"paid_invoice_count\" value=\"{}\"></label>\
             <label><input type=\"checkbox\" name=\"narc\"{checked}> Narc</label>\
             <button>Save and send the webhook</button></form>\
             <pre>{}</pre>",
            choice("status", &STATUSES, &text(field("status"))),
            choice("price_plan", &PLANS, &text(field("price_plan"))),
            escaped(&text(field("paid_invoice_count"))),
            escaped(&whole),
        ),
    )
}

pub(super) fn nobody(id: &str) -> String {
    page(&format!("There is no client {id}"), "<p><a href=\"/\">All clients</a></p>")
}

fn page(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>{STYLE}</head>\
         <body><h1>{title}</h1>{body}{SCRIPT}</body></html>\n"
    )
}

/// Appends a table row; the first cell is HTML, the others are text.
fn row(rows: &mut String, first: &str, cells: &[String]) {
    let cells = cells.iter().fold(String::new(), |row, cell| row + "<td>" + &escaped(cell));
    // Writing to a string cannot fail.
    let _ = write!(rows, "<tr><td>{first}{cells}</tr>");
}

fn choice(name: &str, options: &[&str], chosen: &str) -> String {
    // A value that is none of the usual ones stays choosable.
    let unusual = Some(chosen).filter(|chosen| !options.contains(chosen));
    let options = options.iter().copied().chain(unusual).fold(String::new(), |list, option| {
        let selected = if option == chosen { " selected" } else { "" };
        list + &format!("<option{selected}>{}</option>", escaped(option))
    });
    format!("<select name=\"{name}\">{options}</select>")
}

/// A JSON value as people write it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
