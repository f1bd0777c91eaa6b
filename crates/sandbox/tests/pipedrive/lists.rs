//! Lists and the search.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use hermes_sandbox::{
    clock::Clock,
    pipedrive::{Kind, PipedriveOptions},
};
use serde_json::{Value, json};

use crate::{Account, HERMES_ID, PATIENCE, SALLY, id};

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_to_the_end() {
    let account = Account::demo().await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(id(&account.create("organizations", json!({ "name": format!("Org {number}") })).await));
    }
    for (order, expected) in [
        ("", made.clone()),
        ("&sort_direction=desc", made.iter().rev().copied().collect()),
        ("&sort_by=update_time", made.clone()),
        ("&sort_by=add_time&sort_direction=desc", made.iter().rev().copied().collect()),
    ] {
        let mut seen = Vec::new();
        let mut sizes = Vec::new();
        let mut cursor = None;
        loop {
            let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let (ids, next) = account.page(&format!("/api/v2/organizations?limit=3{order}{after}")).await;
            sizes.push(ids.len());
            seen.extend(ids);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((seen, sizes), (expected, vec![3, 3, 1]), "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_behind_the_last_one_when_objects_vanish() {
    let account = Account::demo().await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(id(&account.create("organizations", json!({ "name": "Org" })).await));
    }
    let (first, cursor) = account.page("/api/v2/organizations?limit=2").await;
    account.delete(&format!("/api/v2/organizations/{}", first[1])).await;
    let (second, _) = account.page(&format!("/api/v2/organizations?limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!(second, made[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_select() {
    let account = Account::demo().await;
    let a = id(&account.create("organizations", json!({ "name": "A", "owner_id": SALLY })).await);
    let b = id(&account.create("organizations", json!({ "name": "B" })).await);
    let person = id(&account.create("persons", json!({ "name": "Ada", "org_id": a })).await);
    account.create("persons", json!({ "name": "Bob", "org_id": b })).await;
    let open = account.create("deals", json!({ "title": "Open", "org_id": a, "person_id": person })).await;
    let lost = account.create("deals", json!({ "title": "Lost", "org_id": a, "status": "lost", "stage_id": 22 })).await;
    let (open, lost) = (id(&open), id(&lost));
    for (path, expected) in [
        (format!("organizations?owner_id={SALLY}"), vec![a]),
        (format!("organizations?ids={b},1"), vec![b]),
        (format!("persons?org_id={a}"), vec![person]),
        (format!("persons?deal_id={open}"), vec![person]),
        (format!("persons?deal_id={lost}"), vec![]),
        (format!("deals?org_id={a}"), vec![open, lost]),
        (format!("deals?person_id={person}"), vec![open]),
        ("deals?status=lost".to_owned(), vec![lost]),
        ("deals?status=open,lost".to_owned(), vec![open, lost]),
        ("deals?pipeline_id=2&stage_id=22".to_owned(), vec![lost]),
        ("deals?stage_id=23".to_owned(), vec![]),
        ("stages?pipeline_id=1".to_owned(), vec![11, 12, 13]),
        ("stages?pipeline_id=99".to_owned(), vec![]),
        ("pipelines".to_owned(), vec![1, 2, 3]),
    ] {
        assert_eq!(account.page(&format!("/api/v2/{path}")).await.0, expected, "{path}");
    }
    let (_, answer) = account.get(&format!("/api/v2/organizations?custom_fields={HERMES_ID}")).await;
    assert_eq!(answer["data"][0]["custom_fields"], json!({ HERMES_ID: null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_parameters_are_refused() {
    let account = Account::demo().await;
    for query in [
        "limit=0",
        "limit=many",
        "cursor=%21",
        "owner_id=me",
        "ids=1,x",
        "updated_since=yesterday",
        "updated_since=2026-01-01T00:00:00.5Z",
        "updated_until=2026-01-01T00:00:00.000Z",
        "sort_by=name",
        "sort_direction=up",
        "include_fields=custom_fields",
        "stage_id=11",
        "start=0",
    ] {
        let (status, answer) = account.get(&format!("/api/v2/organizations?{query}")).await;
        assert_eq!((status, &answer["code"]), (400, &json!("ERR_SCHEMA_VALIDATION_FAILED")), "{query}");
    }
    assert_eq!(account.get("/api/v2/organizations?limit=5000").await.0, 200, "too many is as many as there may be");
    assert_eq!(account.get("/api/v2/unicorns").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_can_be_asked_for_by_their_time() {
    let start: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    let now = Arc::new(Mutex::new(start));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || *told.lock().unwrap());
    let account = Account::of(PipedriveOptions { clock, ..PipedriveOptions::demo() }).await;
    let early = id(&account.create("organizations", json!({ "name": "Early" })).await);
    *now.lock().unwrap() = start + TimeDelta::seconds(10);
    let late = account.create("organizations", json!({ "name": "Late" })).await;
    assert_eq!(late["update_time"], "2026-03-01T12:00:10Z");
    let late = id(&late);
    for (query, expected) in [
        ("updated_since=2026-03-01T12:00:00Z", vec![early, late]),
        ("updated_since=2026-03-01T12:00:01Z", vec![late]),
        ("updated_since=2026-03-01T13:00:10%2B01:00", vec![late]),
        ("updated_until=2026-03-01T12:00:10Z", vec![early]),
        ("updated_since=2026-03-01T12:00:11Z", vec![]),
    ] {
        assert_eq!(account.page(&format!("/api/v2/organizations?{query}")).await.0, expected, "{query}");
    }
    *now.lock().unwrap() = start + TimeDelta::seconds(20);
    account.patch(&format!("/api/v2/organizations/{early}"), json!({ "name": "Changed" })).await;
    assert_eq!(account.page("/api/v2/organizations?updated_since=2026-03-01T12:00:20Z").await.0, [early]);
}

async fn found(account: &Account, path: &str) -> Vec<i64> {
    let (status, answer) = account.get(&format!("/api/v2/{path}")).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"]["items"].as_array().unwrap().iter().map(|hit| id(&hit["item"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_looks_where_it_is_told() {
    let account = Account::demo().await;
    let org = account.create("organizations", json!({ "name": "Ada's Tutors", "custom_fields": { HERMES_ID: "57" } }));
    let org = id(&org.await);
    let emails = json!([{ "value": "Ada@Example.org" }]);
    let person = id(&account.create("persons", json!({ "name": "Ada King", "org_id": org, "emails": emails })).await);
    let deal = id(&account.create("deals", json!({ "title": "Big deal", "org_id": org })).await);
    for (path, expected) in [
        ("organizations/search?term=ada", vec![org]),
        ("organizations/search?term=57&fields=custom_fields&exact_match=true", vec![org]),
        ("organizations/search?term=5&fields=custom_fields&exact_match=true", vec![]),
        ("organizations/search?term=57&fields=name", vec![]),
        ("persons/search?term=ada@example.org&fields=email&exact_match=true", vec![person]),
        ("persons/search?term=ada@example&fields=email&exact_match=true", vec![]),
        ("persons/search?term=king&organization_id=1", vec![]),
        ("deals/search?term=DEAL", vec![deal]),
    ] {
        assert_eq!(found(&account, path).await, expected, "{path}");
    }
    let (_, answer) = account.get("/api/v2/persons/search?term=king").await;
    let item = &answer["data"]["items"][0]["item"];
    assert_eq!((&item["organization"]["id"], &item["emails"]), (&json!(org), &json!(["Ada@Example.org"])));
    for query in ["term=a", "fields=name", "term=ada&fields=shoes", "term=&exact_match=true"] {
        assert_eq!(account.get(&format!("/api/v2/organizations/search?{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_lags_and_keeps_what_is_deleted() {
    let lag = Duration::from_millis(150);
    let account = Account::of(PipedriveOptions { search_lag: lag, ..PipedriveOptions::demo() }).await;
    let asked = Instant::now();
    let org: Value = account.server.create(Kind::Organization, &json!({ "name": "Late riser" })).unwrap();
    let search = "organizations/search?term=riser";
    let seen_at = tokio::time::timeout(PATIENCE, async {
        while found(&account, search).await.is_empty() {}
        asked.elapsed()
    });
    let seen_at = seen_at.await.unwrap();
    assert!(seen_at >= lag, "seen after {seen_at:?}");
    account.server.delete(Kind::Organization, id(&org)).unwrap();
    assert_eq!(found(&account, search).await, [id(&org)], "a deleted organization is still found");
    account.server.purge(Kind::Organization, id(&org));
    assert!(found(&account, search).await.is_empty());
}
