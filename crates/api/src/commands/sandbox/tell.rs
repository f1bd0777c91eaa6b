//! The story in words, and as JSON.

use std::fmt::Write;

use hermes_sandbox::{
    pipedrive::{Kind, LoggedDelivery},
    request_log::LoggedRequest,
};
use serde_json::{Value, json};

use super::{
    call::Call,
    database::Database,
    house::House,
    story::{Step, Story},
};

/// Custom fields that the story is about.
const SHOWN: [(Kind, &[&str]); 2] = [
    (Kind::Organization, &["hermes_id", "tc2_status", "price_plan", "paid_invoice_count", "pay0_dt", "utm_source"]),
    (Kind::Deal, &["hermes_id", "paid_invoice_count"]),
];

pub(super) fn step(step: &Step, house: &House) -> String {
    let mut text = headline(step.title);
    for delivery in &step.sent {
        let event = delivery.body.pointer("/events/0");
        let field = |pointer| event.and_then(|event| event.pointer(pointer)).map(plain).unwrap_or_default();
        let statuses: Vec<String> = delivery
            .attempts
            .iter()
            .map(|attempt| attempt.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string()))
            .collect();
        line(
            &mut text,
            "sent",
            &format!(
                "TutorCruncher: {} of client {} ({}/clients/{}/) -> {}",
                field("/action"),
                field("/subject/id"),
                house.tc2.base_url(),
                field("/subject/id"),
                statuses.join(", "),
            ),
        );
    }
    let told = step.told.iter().map(webhook_in_words);
    if step.sent.is_empty() {
        lines(&mut text, "told", told.clone());
    }
    for company in step.stored.as_array().into_iter().flatten() {
        let field = |name| company.get(name).map(plain).unwrap_or_default();
        line(
            &mut text,
            "stored",
            &format!(
                "Hermes: company {} \"{}\", plan {}, organization {}",
                field("id"),
                field("name"),
                field("price_plan"),
                field("pd_org_id"),
            ),
        );
    }
    if step.calls.is_empty() {
        line(&mut text, "calls", "none: there was nothing to change");
    }
    lines(&mut text, "call", step.calls.iter().map(call_in_words));
    if !step.sent.is_empty() {
        // What Hermes did itself comes back.
        lines(&mut text, "told", told);
    }
    for (kind, objects) in
        [(Kind::Organization, &step.organizations), (Kind::Person, &step.persons), (Kind::Deal, &step.deals)]
    {
        for object in objects {
            line(&mut text, "holds", &object_in_words(kind, object, house));
        }
    }
    text.trim_end().to_owned()
}

pub(super) fn call(call: &Call) -> String {
    let mut text = headline("A visitor of the website books a call");
    line(&mut text, "asked", &format!("Hermes: who sells {}? -> {}", Call::wanted(), call.sales_person));
    line(&mut text, "asked", &format!("Hermes: when is there time for a call? -> {} free times", call.free_times));
    line(&mut text, "booked", &format!("Hermes: a call of {} at {}", Call::visitor(), call.starts()));
    for held in &call.held {
        let shown = |name| held.card.get(name).map_or_else(|| "nothing".to_owned(), plain);
        line(
            &mut text,
            "holds",
            &format!("{}: {} \"{}\"\n         {}", held.by, held.kind, shown("title"), shown("page")),
        );
    }
    text.trim_end().to_owned()
}

fn headline(title: &str) -> String {
    format!("\n{title}\n{}\n", "=".repeat(title.chars().count()))
}

fn lines(text: &mut String, label: &str, all: impl Iterator<Item = String>) {
    for rest in all {
        line(text, label, &rest);
    }
}

fn line(text: &mut String, label: &str, rest: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {label:<7}{rest}");
}

fn call_in_words(call: &LoggedRequest) -> String {
    let status = call.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("{} {} -> {status}", call.method, call.path)
}

fn webhook_in_words(delivery: &LoggedDelivery) -> String {
    let meta = |name| delivery.body.pointer(&format!("/meta/{name}")).map(plain).unwrap_or_default();
    let status = delivery.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("Pipedrive: {} of {} {} -> {status}", meta("action"), meta("entity"), meta("entity_id"))
}

fn object_in_words(kind: Kind, object: &Value, house: &House) -> String {
    let id = object.get("id").map(plain).unwrap_or_default();
    let name = object.get("name").or_else(|| object.get("title")).map(plain).unwrap_or_default();
    let mut text = format!("Pipedrive: {} \"{name}\"", kind.singular());
    if let Some(status) = object.get("status") {
        let _ = write!(text, ", {}", plain(status));
    }
    if let Some(stage) = object.get("stage_id") {
        let _ = write!(text, " at stage {}", plain(stage));
    }
    let shown = SHOWN.iter().find(|(shown, _)| *shown == kind).map_or(&[][..], |(_, fields)| fields);
    for field in shown {
        let value = house.pipedrive.custom_value(kind, object, field);
        if !value.is_null() {
            let _ = write!(text, ", {field} {}", plain(&value));
        }
    }
    let _ = write!(text, "\n         {}/{}/{id}", house.pipedrive.base_url(), kind.singular());
    text
}

pub(super) fn outcome(faults: &[String]) -> String {
    if faults.is_empty() {
        return "\nPipedrive holds exactly what it should.".to_owned();
    }
    let listed = faults.join("\n  - ");
    format!("\nNot everything is as it should be:\n  - {listed}")
}

pub(super) fn invitation(story: &Story<'_>, house: &House, database: &Database) -> String {
    let (hermes, tc2, pipedrive) = (house.url(), house.tc2.base_url(), house.pipedrive.base_url());
    let (google, page) = (house.google.base_url(), house.booking_page.url());
    let (company, organization) = story.company();
    let organizations = format!("{pipedrive}/sandbox/organizations");
    let held = house.pipedrive.organizations();
    let next = held.iter().filter_map(|it| it.get("id")?.as_i64()).max().unwrap_or(organization) + 1;
    let json = "-H 'content-type: application/json' -d";
    let postgres = database.shown_url();
    let masked = if postgres == database.url() { "" } else { "        ****** stands for the password" };
    format!(
        "\nEverything stays up until Ctrl-C:
  Hermes          {hermes}/
  TutorCruncher   {tc2}/        change a client on its page, and Hermes is told
  Pipedrive       {pipedrive}/        see what it holds
  Google          {google}/        see everybody's calendar, and make somebody busy
  PostgreSQL      {postgres}{masked}

Book a call: {page}/

Try more:
  curl -X POST {tc2}/sandbox/clients {json} '{{\"id\": 4800}}'
  curl -X PUT {pipedrive}/sandbox/faults {json} '{{\"rules\": [{{\"fault\": {{\"kind\": \"cut_after\"}}}}]}}'
  curl {pipedrive}/sandbox/log
  DATABASE_URL='{postgres}' hermes status

Be a sales person: edit the organization in Pipedrive, merge that of client 4800 into it, delete it, and see what Hermes
makes of it:
  curl -X PATCH {organizations}/{organization} {json} '{{\"name\": \"Castle & Sons\"}}'
  curl -X PUT {organizations}/{next}/merge {json} '{{\"merge_with_id\": {organization}}}'
  curl -X DELETE {organizations}/{organization}
  curl '{hermes}/companies/?id={company}'
  curl '{hermes}/companies/?is_deleted=true'"
    )
}

pub(super) fn json(story: &Story<'_>, call: &Call, faults: &[String], house: &House) -> Value {
    let steps: Vec<Value> = story
        .steps()
        .iter()
        .map(|step| {
            json!({
                "title": step.title,
                "sent": step.sent,
                "told": step.told,
                "stored": step.stored,
                "calls": step.calls,
                "organizations": step.organizations,
                "persons": step.persons,
                "deals": step.deals,
            })
        })
        .collect();
    json!({
        "ok": faults.is_empty(),
        "faults": faults,
        "hermes": house.url(),
        "tc2": house.tc2.base_url(),
        "pipedrive": house.pipedrive.base_url(),
        "google": house.google.base_url(),
        "booking_page": house.booking_page.url(),
        "steps": steps,
        "call": call.json(),
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
