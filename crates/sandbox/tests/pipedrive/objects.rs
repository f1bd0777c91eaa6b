//! Single objects: what is accepted, what is refused, and what becomes of it.

use hermes_sandbox::pipedrive::{DeletedReads, Kind, MergeStyle, PipedriveOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Account, DEAL_HERMES_ID, HERMES_ID, PAY0, SALLY, SUPPORT_PERSON, id};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_answered_whole() {
    let account = Account::demo().await;
    let body = json!({
        "name": "Ada's Tutors", "owner_id": SALLY, "address": { "value": "GB", "country": "GB" },
        "custom_fields": { HERMES_ID: "5", PAY0: "2026-01-31", SUPPORT_PERSON: 12_345_680 },
    });
    let created = account.create("organizations", body).await;
    assert_eq!(created["owner_id"], SALLY);
    assert_eq!(created["is_deleted"], false);
    assert_eq!(created["address"]["country"], "GB");
    assert_eq!(created["address"]["route"], Value::Null, "parts that were not given are null");
    let custom = created["custom_fields"].as_object().unwrap();
    assert_eq!(custom.len(), 20, "every custom field is there");
    assert_eq!(custom.values().filter(|value| !value.is_null()).count(), 3);
    let time = created["update_time"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z'), "{time} is RFC 3339 in whole seconds");

    let (status, read) = account.get(&format!("/api/v2/organizations/{}", id(&created))).await;
    assert_eq!((status, &read["data"]), (200, &created));
    let (_, only) = account.get(&format!("/api/v2/organizations/{}?custom_fields={HERMES_ID}", id(&created))).await;
    assert_eq!(only["data"]["custom_fields"], json!({ HERMES_ID: "5" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_body_is_said() {
    let account = Account::demo().await;
    let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
    let gone = id(&account.create("organizations", json!({ "name": "Gone" })).await);
    account.delete(&format!("/api/v2/organizations/{gone}")).await;
    let long = "x".repeat(256);
    for (plural, body, fault) in [
        ("organizations", json!({}), "name: Required"),
        ("organizations", json!({ "name": " " }), "name: String"),
        ("organizations", json!({ "name": 5 }), "name: Expected string, received number"),
        ("organizations", json!({ "name": long }), "name: String must contain at most 255"),
        ("organizations", json!({ "name": "A", "owner_id": "5" }), "owner_id: Expected integer"),
        ("organizations", json!({ "name": "A", "owner_id": 5 }), "owner_id: User 5 not found"),
        ("organizations", json!({ "name": "A", HERMES_ID: "5" }), "is not allowed"),
        ("organizations", json!({ "name": "A", "org_id": org }), "org_id: Parameter 'org_id' is not allowed"),
        ("organizations", json!({ "name": "A", "address": "GB" }), "address: Expected object"),
        ("organizations", json!({ "name": "A", "address": { "country": "GB" } }), "address: value is required"),
        ("organizations", json!({ "name": "A", "address": { "value": "", "city": "x" } }), "'city'"),
        ("organizations", json!({ "name": "A", "custom_fields": { "beef": "5" } }), "custom field 'beef'"),
        ("organizations", json!({ "name": "A", "custom_fields": { HERMES_ID: 5 } }), HERMES_ID),
        ("organizations", json!({ "name": "A", "custom_fields": { HERMES_ID: long } }), HERMES_ID),
        ("organizations", json!({ "name": "A", "custom_fields": { PAY0: "31/01/2026" } }), PAY0),
        ("organizations", json!({ "name": "A", "custom_fields": { SUPPORT_PERSON: "5" } }), SUPPORT_PERSON),
        ("organizations", json!([]), "body: Expected object"),
        ("persons", json!({ "org_id": org }), "name: Required"),
        ("persons", json!({ "name": "Ada", "first_name": "Ada" }), "cannot be set at the same time"),
        ("persons", json!({ "name": "Ada", "org_id": 1 }), "org_id: Organization 1 not found"),
        ("persons", json!({ "name": "Ada", "org_id": gone }), "org_id: Organization"),
        ("persons", json!({ "name": "Ada", "emails": ["a@b.c"] }), "emails: Expected object"),
        ("persons", json!({ "name": "Ada", "emails": [{ "primary": true }] }), "emails: value is required"),
        (
            "persons",
            json!({ "name": "Ada", "phones": [{ "value": "1", "primary": true }, { "value": "2", "primary": true }] }),
            "phones: Only one",
        ),
        ("deals", json!({ "org_id": org }), "title: Required"),
        ("deals", json!({ "title": "Deal" }), "must be linked"),
        ("deals", json!({ "title": "Deal", "org_id": org, "pipeline_id": 1, "stage_id": 21 }), "stage_id"),
        ("deals", json!({ "title": "Deal", "org_id": org, "stage_id": 99 }), "stage_id: Stage 99 not found"),
        ("deals", json!({ "title": "Deal", "org_id": org, "status": "deleted" }), "status"),
        ("deals", json!({ "title": "Deal", "org_id": org, "won_time": "2026-01-01T00:00:00Z" }), "won_time"),
        ("deals", json!({ "title": "Deal", "org_id": org, "expected_close_date": null }), "expected_close_date"),
        ("activities", json!({ "subject": "Call", "person_id": 1 }), "person_id"),
        ("activities", json!({ "subject": "Call", "participants": [{ "person_id": 1 }] }), "Person 1 not found"),
        ("activities", json!({ "subject": "Call", "due_time": "10am" }), "due_time"),
        ("stages", json!({ "name": "Stage" }), "pipeline_id: Required"),
    ] {
        let (status, answer) = account.post(&format!("/api/v2/{plural}"), body.clone()).await;
        assert_eq!((status, &answer["success"]), (400, &json!(false)), "{plural} {body}: {answer}");
        assert_eq!(answer["code"], "ERR_SCHEMA_VALIDATION_FAILED");
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with("Validation failed: ") && error.contains(fault), "{plural} {body}: {error}");
    }
    assert_eq!(account.server.organizations().len(), 1, "nothing of it was stored");
    assert!(account.server.persons().is_empty() && account.server.deals().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_body_is_said_at_once() {
    let account = Account::demo().await;
    let (_, answer) = account.post("/api/v2/organizations", json!({ "owner_id": "x", "shoe_size": 7 })).await;
    let error = answer["error"].as_str().unwrap();
    assert!(error.contains("owner_id") && error.contains("shoe_size"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_touches_what_it_names() {
    let account = Account::demo().await;
    let created = account
        .create(
            "organizations",
            json!({
                "name": "Org", "address": { "value": "Hill 1", "country": "UK", "locality": "Leeds" },
                "custom_fields": { HERMES_ID: "5", PAY0: "2026-01-31" },
            }),
        )
        .await;
    let path = format!("/api/v2/organizations/{}", id(&created));
    let (status, changed) =
        account.patch(&path, json!({ "address": { "value": "FR" }, "custom_fields": { PAY0: null } })).await;
    assert_eq!(status, 200);
    let changed = &changed["data"];
    assert_eq!(changed["name"], "Org");
    assert_eq!(changed["address"]["value"], "FR");
    assert_eq!(changed["address"]["locality"], Value::Null, "an address is replaced, not merged");
    assert_eq!(changed["custom_fields"][HERMES_ID], "5", "custom fields are merged");
    assert_eq!(changed["custom_fields"][PAY0], Value::Null);

    let (status, _) = account.patch("/api/v2/organizations/1", json!({ "name": "x" })).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_names_and_contact_points_follow_each_other() {
    let account = Account::demo().await;
    let person = account
        .create(
            "persons",
            json!({ "name": "Ada King Lovelace", "emails": [{ "value": "a@x.org" }, { "value": "b@x.org" }] }),
        )
        .await;
    assert_eq!((&person["first_name"], &person["last_name"]), (&json!("Ada"), &json!("King Lovelace")));
    assert_eq!(
        person["emails"],
        json!([
            { "value": "a@x.org", "primary": true, "label": "work" },
            { "value": "b@x.org", "primary": false, "label": "work" },
        ])
    );
    let emails = json!([{ "value": "c@x.org", "primary": true, "label": "home" }]);
    let body = json!({ "first_name": "Augusta", "emails": emails });
    let (_, changed) = account.patch(&format!("/api/v2/persons/{}", id(&person)), body).await;
    assert_eq!(changed["data"]["name"], "Augusta King Lovelace");
    assert_eq!(changed["data"]["emails"], emails, "the list is replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deals_stage_and_pipeline_follow_each_other() {
    let account = Account::demo().await;
    let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
    for (given, pipeline, stage) in [
        (json!({}), 1, 11),
        (json!({ "pipeline_id": 2 }), 2, 21),
        (json!({ "stage_id": 33 }), 3, 33),
        (json!({ "pipeline_id": 3, "stage_id": 34 }), 3, 34),
    ] {
        let mut body = json!({ "title": "Deal", "org_id": org });
        body.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let deal = account.create("deals", body).await;
        assert_eq!((&deal["pipeline_id"], &deal["stage_id"]), (&json!(pipeline), &json!(stage)), "{given}");
    }
    let deal = account.create("deals", json!({ "title": "Deal", "org_id": org, "stage_id": 12 })).await;
    let path = format!("/api/v2/deals/{}", id(&deal));
    for (changes, stage) in [(json!({ "pipeline_id": 1 }), 12), (json!({ "pipeline_id": 3 }), 31)] {
        let (_, changed) = account.patch(&path, changes).await;
        assert_eq!(changed["data"]["stage_id"], stage);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_deal_sets_times_and_opening_it_clears_them() {
    let account = Account::demo().await;
    let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
    let deal = account.create("deals", json!({ "title": "Deal", "org_id": org })).await;
    let path = format!("/api/v2/deals/{}", id(&deal));
    let times =
        |deal: &Value| ["won_time", "lost_time", "close_time", "lost_reason"].map(|name| deal[name].is_string());

    let (_, won) = account.patch(&path, json!({ "status": "won" })).await;
    assert_eq!(times(&won["data"]), [true, false, true, false]);
    let (_, lost) = account.patch(&path, json!({ "status": "lost", "lost_reason": "price" })).await;
    assert_eq!(times(&lost["data"]), [false, true, true, true]);
    let (_, open) = account.patch(&path, json!({ "status": "open" })).await;
    assert_eq!(times(&open["data"]), [false; 4]);
    let (status, _) = account.patch(&path, json!({ "lost_reason": "price" })).await;
    assert_eq!(status, 400, "a reason needs a lost deal");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_deal_can_only_be_taken_out_again() {
    let account = Account::demo().await;
    let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
    let deal = id(&account.create("deals", json!({ "title": "Deal", "org_id": org })).await);
    let path = format!("/api/v2/deals/{deal}");
    account.patch(&path, json!({ "is_archived": true })).await;
    assert_eq!(account.page("/api/v2/deals").await.0, [0_i64; 0]);
    assert_eq!(account.page("/api/v2/deals/archived").await.0, [deal]);
    assert_eq!(account.patch(&path, json!({ "title": "New" })).await.0, 403);
    assert_eq!(account.patch(&path, json!({ "is_archived": false })).await.0, 200);
    assert_eq!(account.patch(&path, json!({ "title": "New" })).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_is_flagged_missing_or_gone_and_purged_in_the_end() {
    for (reads, status) in [(DeletedReads::Flagged, 200), (DeletedReads::NotFound, 404), (DeletedReads::Gone, 410)] {
        let account = Account::of(PipedriveOptions { deleted_reads: reads, ..PipedriveOptions::demo() }).await;
        let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
        let deal = id(&account.create("deals", json!({ "title": "Deal", "org_id": org })).await);
        for path in [format!("/api/v2/organizations/{org}"), format!("/api/v2/deals/{deal}")] {
            let (deleted, answer) = account.delete(&path).await;
            assert_eq!((deleted, answer["data"]["id"].is_i64()), (200, true));
            let (read, answer) = account.get(&path).await;
            assert_eq!(read, status, "{reads:?}: {answer}");
            if read == 200 {
                assert_eq!(answer["data"]["is_deleted"], true);
            }
            assert_eq!(account.patch(&path, json!({ "visible_to": 3 })).await.0, 404);
            let again = if reads == DeletedReads::Gone { 410 } else { 404 };
            assert_eq!(account.delete(&path).await.0, again);
        }
        assert!(account.page("/api/v2/organizations").await.0.is_empty());
        assert!(account.page("/api/v2/deals").await.0.is_empty());
        assert_eq!(account.page("/api/v2/deals?status=deleted").await.0, [deal]);
        account.server.purge(Kind::Deal, deal);
        assert_eq!(account.get(&format!("/api/v2/deals/{deal}")).await.0, 404);
        assert!(account.page("/api/v2/deals?status=deleted").await.0.is_empty());
        assert_eq!(account.server.all_objects(Kind::Organization).len(), 1);
        assert!(account.server.organizations().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_deal_can_be_restored() {
    let account = Account::demo().await;
    let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
    let path =
        format!("/api/v2/deals/{}", id(&account.create("deals", json!({ "title": "Deal", "org_id": org })).await));
    account.delete(&path).await;
    assert_eq!(account.get(&path).await.1["data"]["status"], "deleted");
    let (status, restored) = account.patch(&path, json!({ "is_deleted": false })).await;
    assert_eq!((status, &restored["data"]["status"]), (200, &json!("open")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_derives_its_person_from_the_participants() {
    let account = Account::demo().await;
    let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
    let person = id(&account.create("persons", json!({ "name": "Ada", "org_id": org })).await);
    let body = json!({
        "type": "meeting", "subject": "Demo", "due_date": "2026-03-02", "due_time": "10:30", "org_id": org,
        "owner_id": SALLY, "participants": [{ "person_id": person, "primary": true }],
    });
    let activity = account.create("activities", body).await;
    assert_eq!(activity["person_id"], person);
    assert_eq!(activity["due_time"], "10:30:00");
    assert_eq!(account.page(&format!("/api/v2/activities?person_id={person}&done=false")).await.0, [id(&activity)]);
    let (_, done) = account.patch(&format!("/api/v2/activities/{}", id(&activity)), json!({ "done": true })).await;
    assert!(done["data"]["marked_as_done_time"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_keeps_one_and_moves_the_links() {
    for (style, hermes_id) in [(MergeStyle::Survivor, "7"), (MergeStyle::Joined, "7, 5")] {
        let account = Account::of(PipedriveOptions { merge_style: style, ..PipedriveOptions::demo() }).await;
        let fields = |value: &str| json!({ HERMES_ID: value });
        let five = account
            .create("organizations", json!({ "name": "Five", "custom_fields": { HERMES_ID: "5", PAY0: "2026-01-31" } }))
            .await;
        let seven = account.create("organizations", json!({ "name": "Seven", "custom_fields": fields("7") })).await;
        let person = account.create("persons", json!({ "name": "Ada", "org_id": id(&five) })).await;
        let (status, merged) = account
            .put(&format!("/v1/organizations/{}/merge", id(&five)), json!({ "merge_with_id": id(&seven) }))
            .await;
        assert_eq!(status, 200);
        assert_eq!(merged["data"]["name"], "Seven");
        assert_eq!(merged["data"]["custom_fields"][HERMES_ID], hermes_id);
        assert_eq!(merged["data"]["custom_fields"][PAY0], "2026-01-31", "what the winner lacks comes from the loser");
        assert_eq!(account.server.object(Kind::Person, id(&person)).unwrap()["org_id"], id(&seven));
        assert_eq!(account.server.organizations().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_can_be_listed_and_made() {
    let account = Account::demo().await;
    let (_, fields) = account.get("/api/v2/dealFields?limit=500").await;
    let known = fields["data"].as_array().unwrap().iter().any(|field| field["field_code"] == DEAL_HERMES_ID);
    assert!(known, "{fields}");
    let (status, made) =
        account.post("/api/v2/dealFields", json!({ "field_name": "shoe_size", "field_type": "double" })).await;
    assert_eq!(status, 200);
    let key = made["data"]["field_code"].as_str().unwrap();
    assert_eq!(key.len(), 40);
    let org = id(&account.create("organizations", json!({ "name": "Org" })).await);
    let deal = account.create("deals", json!({ "title": "D", "org_id": org, "custom_fields": { key: 7.5 } })).await;
    assert_eq!(deal["custom_fields"][key], 7.5);
    for body in [json!({ "field_name": "x" }), json!({ "field_name": "x", "field_type": "enum" }), json!({})] {
        assert_eq!(account.post("/api/v2/dealFields", body).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_token_opens_the_api() {
    let account = Account::demo().await;
    for (path, token) in [("/api/v2/organizations", None), ("/v1/users", Some("wrong")), ("/api/v1/users", None)] {
        let mut request = account.http.get(format!("{}{path}", account.server.base_url()));
        if let Some(token) = token {
            request = request.header("x-api-token", token);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["success"], &body["errorCode"]), (&json!(false), &json!(401)));
    }
    let (_, me) = account.get("/v1/users/me").await;
    assert_eq!((&me["data"]["id"], &me["data"]["is_you"]), (&json!(12_345_678), &json!(true)));
    let (_, users) = account.get("/api/v1/users").await;
    assert_eq!(users["data"].as_array().unwrap().len(), 4);
    let (_, found) = account.get("/v1/users/find?term=sally&search_by_email=1").await;
    assert_eq!(found["data"][0]["id"], SALLY);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_can_look_at_what_there_is() {
    let account = Account::demo().await;
    let org = account.server.create(Kind::Organization, &json!({ "name": "<Ada & Co>" })).unwrap();
    for path in [String::new(), format!("/organization/{}/", id(&org))] {
        let page = account.http.get(format!("{}{path}", account.server.base_url())).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        let page = page.text().await.unwrap();
        assert!(page.contains("&lt;Ada &amp; Co&gt;") && !page.contains("<Ada"), "{page}");
    }
    assert_eq!(account.send(Method::GET, "/organization/1", None).await.unwrap().status(), 404);
}
