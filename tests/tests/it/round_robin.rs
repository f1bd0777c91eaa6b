//! Whose turn it is to take a new company on.

use chrono::{DateTime, TimeDelta, Utc};
use hermes_tests::{
    World,
    seed::{self, BEA_DEVELOPMENT, SALLY_SALES, SAM_SUPPORT, Staff},
};
use serde_json::{Value, json};

const UNKNOWN_PLAN: &str = r#"Price plan must be one of "payg", "startup", "enterprise""#;

/// The European countries of which the United Kingdom is not sold to as such.
const EUROPEAN: &str = "MD BG DE AL ME ES SE AD MT CZ GI CY MC RU IE FR BY PT HR LI HU IS PL CH MK XK BE RS NL DK LU \
                        FO SI UA FI AT BA GR GG EE SM VA IT SK LT IM NO LV RO SJ JE AX";

/// Takes somebody on who does what the last name says, for every plan and region.
async fn hire(world: &World, id: i32, first_name: &'static str, last_name: &'static str) {
    // Two admins may be one user of Pipedrive.
    let staff = Staff { id, tc2_id: id + 1000, pd_user_id: SALLY_SALES.pd_user_id, first_name, last_name };
    seed::add_staff(world.database(), staff).await;
}

/// Sally alone sells in the beginning; now these two do so as well.
async fn three_sellers() -> World {
    let world = World::start().await;
    hire(&world, 111, "Tom", "Sales").await;
    hire(&world, 110, "Una", "Sales").await;
    world
}

/// Changes columns of an admin.
async fn set(world: &World, admin: i32, changes: &str) {
    world.database().execute(&format!("UPDATE admin SET {changes} WHERE id = {admin}")).await;
}

/// A company that somebody has put into the table.
async fn company(world: &World, plan: &str, created: &str, sales: i32, support: Option<i32>) -> Value {
    let support = support.map_or_else(|| "NULL".to_owned(), |id| id.to_string());
    let database = world.database();
    database
        .execute(&format!(
            "INSERT INTO company (name, created, price_plan, has_booked_call, has_signed_up, narc, sales_person_id,
                                  support_person_id)
             VALUES ('A company', '{created}', '{plan}', false, false, false, {sales}, {support})"
        ))
        .await;
    database.value("SELECT max(id) FROM company").await
}

/// Whoever is chosen, by id.
async fn chosen(world: &World, path: &str) -> i64 {
    world.hermes().get(path).await.expect_ok()["id"].as_i64().unwrap()
}

async fn sales(world: &World, query: &str) -> i64 {
    chosen(world, &format!("/choose-roundrobin/sales/?{query}")).await
}

async fn support(world: &World) -> i64 {
    chosen(world, "/choose-roundrobin/support/").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_chosen_is_told_with_name_email_and_numbers() {
    let world = World::start().await;
    for slash in ["", "/"] {
        let answer = world.hermes().get(&format!("/choose-roundrobin/sales{slash}?plan=payg")).await.expect_ok();
        assert_eq!(
            answer,
            json!({
                "id": SALLY_SALES.id, "first_name": "Sally", "last_name": "Sales", "email": "sally@sandbox.example",
                "tc2_admin_id": SALLY_SALES.tc2_id, "pd_owner_id": SALLY_SALES.pd_user_id,
            })
        );
    }
    set(&world, SAM_SUPPORT.id, "tc2_admin_id = NULL, pd_owner_id = NULL").await;
    assert_eq!(
        world.hermes().get("/choose-roundrobin/support/").await.expect_ok(),
        json!({
            "id": SAM_SUPPORT.id, "first_name": "Sam", "last_name": "Support", "email": "sam@sandbox.example",
            "tc2_admin_id": null, "pd_owner_id": null,
        })
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_sold_by_the_sales_people_who_sell_it() {
    let world = three_sellers().await;
    // Sam and Bea have every flag but that of a sales person.
    set(&world, SALLY_SALES.id, "sells_payg = false, sells_startup = false").await;
    set(&world, 110, "sells_payg = false, sells_enterprise = false").await;
    set(&world, 111, "sells_startup = false, sells_enterprise = false").await;
    for (plan, seller) in [("payg", 111), ("startup", 110), ("enterprise", 101)] {
        assert_eq!(sales(&world, &format!("plan={plan}")).await, seller, "{plan}");
        company(&world, plan, "2026-03-01", 101, None).await;
        assert_eq!(sales(&world, &format!("plan={plan}")).await, seller, "{plan}, and nobody else has a turn");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_country_is_sold_to_by_those_who_sell_to_its_region() {
    let world = three_sellers().await;
    for (id, name) in [(112, "Vic"), (113, "Wyn"), (114, "Xan")] {
        hire(&world, id, name, "Sales").await;
    }
    let regions = ["us", "gb", "au", "ca", "eu", "row"];
    for (id, own) in [101, 110, 111, 112, 113, 114].into_iter().zip(regions) {
        for region in regions {
            set(&world, id, &format!("sells_{region} = {}", region == own)).await;
        }
    }
    let known = [("US", 101), ("GB", 110), ("AU", 111), ("CA", 112)].into_iter();
    let european = EUROPEAN.split(' ').map(|code| (code, 113));
    let others = ["TR", "NZ", "UK", "CN", "XX", "T1", "USA", "%C3%A9", "%00"].into_iter().map(|code| (code, 114));
    for (code, seller) in known.chain(european).chain(others) {
        assert_eq!(sales(&world, &format!("plan=payg&country_code={code}")).await, seller, "{code}");
    }
    for query in ["plan=payg", "plan=payg&country_code=", "country_code=GB&plan=payg"] {
        assert_eq!(sales(&world, query).await, 110, "{query}");
    }
    assert_eq!(EUROPEAN.split(' ').count(), 52);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_sells_to_the_region_all_who_sell_the_plan_take_turns() {
    let world = three_sellers().await;
    set(&world, SALLY_SALES.id, "sells_us = false, sells_eu = false").await;
    set(&world, 110, "sells_us = false, sells_eu = false, sells_startup = false").await;
    set(&world, 111, "sells_us = false").await;
    for (last, plan, country, next) in [
        (101, "payg", "US", 110),
        (110, "payg", "US", 111),
        (111, "payg", "US", 101),
        (101, "startup", "US", 111),
        (111, "startup", "US", 101),
        // Of Europe somebody takes care.
        (101, "payg", "FR", 111),
        (111, "payg", "FR", 111),
    ] {
        world.database().execute("DELETE FROM company").await;
        company(&world, plan, "2026-03-01", last, None).await;
        let query = format!("plan={plan}&country_code={country}");
        assert_eq!(sales(&world, &query).await, next, "{query} after {last}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_sales_person_of_the_newest_company_comes_the_next_by_id_and_after_the_last_the_first() {
    let world = three_sellers().await;
    hire(&world, 105, "Yve", "Sales").await;
    set(&world, 105, "sells_payg = false").await;
    assert_eq!(sales(&world, "plan=payg").await, 101, "before there is any company");
    for (last, next) in [
        (101, 110),
        (110, 111),
        (111, 101),
        // These are not in the row.
        (SAM_SUPPORT.id, 101),
        (105, 101),
    ] {
        world.database().execute("DELETE FROM company").await;
        company(&world, "payg", "2026-03-01", last, None).await;
        for _ in 0..2 {
            assert_eq!(sales(&world, "plan=payg").await, next, "after {last}; asking alone changes nothing");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_company_is_the_one_of_the_plan_that_was_created_last_and_of_two_the_one_with_the_greater_id() {
    let world = three_sellers().await;
    company(&world, "payg", "2026-02-20T10:00:00.000001Z", 110, None).await;
    company(&world, "payg", "2026-02-20T10:00:00Z", 101, None).await;
    assert_eq!(sales(&world, "plan=payg").await, 111, "by created, not by id");
    company(&world, "payg", "2026-02-20T11:00:00.000001+01:00", 111, None).await;
    assert_eq!(sales(&world, "plan=payg").await, 101, "of the same moment, by id");
    company(&world, "startup", "2026-02-27", 110, None).await;
    assert_eq!(sales(&world, "plan=payg").await, 101, "another plan has a row of its own");
    assert_eq!(sales(&world, "plan=startup").await, 111);
    assert_eq!(sales(&world, "plan=enterprise").await, 101);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_that_sign_up_go_to_all_sales_people_in_turns() {
    let world = three_sellers().await;
    let mut turns = Vec::new();
    for id in 1..=7 {
        let seller = world.hermes().get("/choose-roundrobin/sales/?plan=payg").await.expect_ok();
        turns.push(seller["id"].as_i64().unwrap());
        world.clock().advance(TimeDelta::seconds(1));
        world.tc2(&world.client(id).sales_person(seller["tc2_admin_id"].as_i64().unwrap())).await.expect_ok();
    }
    assert_eq!(turns, [101, 110, 111, 101, 110, 111, 101]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn support_is_given_in_turns_by_support_people_of_every_region_and_plan() {
    let world = World::start().await;
    hire(&world, 121, "Zoe", "Support").await;
    hire(&world, 120, "Abe", "Support").await;
    let nothing = "sells_payg = false, sells_startup = false, sells_enterprise = false, sells_gb = false";
    set(&world, 120, nothing).await;
    assert_eq!(support(&world).await, 102, "before there is any company");
    company(&world, "payg", "2026-02-20", 101, None).await;
    assert_eq!(support(&world).await, 102, "before any company has a support person");
    for (last, next) in [(102, 120), (120, 121), (121, 102), (SALLY_SALES.id, 102), (BEA_DEVELOPMENT.id, 102)] {
        world.database().execute("DELETE FROM company").await;
        company(&world, "startup", "2026-02-20", 101, Some(last)).await;
        company(&world, "payg", "2026-02-19", 101, Some(120)).await;
        company(&world, "payg", "2026-02-21", 101, None).await;
        assert_eq!(support(&world).await, next, "after {last}, whom the newest company with a support person has");
    }
    company(&world, "enterprise", "2026-02-20", 101, Some(120)).await;
    assert_eq!(support(&world).await, 121, "of the same moment, by id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_change_in_the_tables_counts_at_once() {
    let world = three_sellers().await;
    hire(&world, 120, "Abe", "Support").await;
    let newest = company(&world, "payg", "2026-03-01", 101, Some(102)).await;
    assert_eq!((sales(&world, "plan=payg").await, support(&world).await), (110, 120));

    let company_to = async |change: &str| {
        world.database().execute(&format!("UPDATE company SET {change} WHERE id = {newest}")).await;
    };
    company_to("sales_person_id = 110, support_person_id = 120").await;
    assert_eq!((sales(&world, "plan=payg").await, support(&world).await), (111, 102));
    company_to("price_plan = 'startup', support_person_id = NULL").await;
    assert_eq!((sales(&world, "plan=payg").await, support(&world).await), (101, 102));

    set(&world, 101, "is_sales_person = false").await;
    assert_eq!(sales(&world, "plan=payg").await, 110);
    set(&world, 110, "sells_gb = false, first_name = 'Ulla'").await;
    assert_eq!(sales(&world, "plan=payg").await, 111);
    set(&world, 111, "sells_payg = false").await;
    let answer = world.hermes().get("/choose-roundrobin/sales/?plan=payg").await.expect_ok();
    assert_eq!((&answer["id"], &answer["first_name"]), (&json!(110), &json!("Ulla")));
    hire(&world, 109, "New", "Sales").await;
    assert_eq!(sales(&world, "plan=payg").await, 109);
    set(&world, 102, "is_support_person = false").await;
    assert_eq!(support(&world).await, 120);

    world.database().execute("DELETE FROM company; DELETE FROM admin;").await;
    world.hermes().get("/choose-roundrobin/sales/?plan=payg").await.expect(404);
    world.hermes().get("/choose-roundrobin/support/").await.expect(404);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_nobody_to_choose_it_is_404() {
    let world = World::start().await;
    set(&world, SALLY_SALES.id, "sells_startup = false").await;
    set(&world, SAM_SUPPORT.id, "is_support_person = false").await;
    let startup = world.hermes().get("/choose-roundrobin/sales/?plan=startup").await;
    assert_eq!(startup.expect(404), json!({ "detail": "No admins found" }));
    let support = world.hermes().get("/choose-roundrobin/support/").await;
    assert_eq!(support.expect(404), json!({ "detail": "No support admins found" }));
    assert_eq!(sales(&world, "plan=payg").await, 101, "for another plan there is somebody");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_unknown_plan_422_says_so_in_one_sentence_and_of_a_missing_one_where_it_is_missing() {
    let world = World::start().await;
    for plan in ["gold", "monthly-payg", "payg,startup", "PAYG", "", "%20", "1", "%C3%A9", "payg%00"] {
        let answer = world.hermes().get(&format!("/choose-roundrobin/sales/?plan={plan}&country_code=US")).await;
        assert_eq!(answer.expect(422), json!({ "detail": UNKNOWN_PLAN }), "{plan:?}");
    }
    for query in ["", "?", "?country_code=US", "?Plan=payg"] {
        let answer = world.hermes().get(&format!("/choose-roundrobin/sales/{query}")).await;
        let fault = json!({ "loc": ["query", "plan"], "msg": "Field required", "type": "missing" });
        assert_eq!(answer.expect(422), json!({ "detail": [fault] }), "{query:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_company_is_found_by_an_index_and_one_row() {
    let world = World::start().await;
    let start: DateTime<Utc> = world.now();
    world
        .database()
        .execute(&format!(
            "INSERT INTO company (name, created, price_plan, has_booked_call, has_signed_up, narc, sales_person_id,
                                  support_person_id)
             SELECT 'Company ' || n, timestamptz '{start}' + n * interval '1 minute',
                    (ARRAY['payg', 'startup', 'enterprise'])[n % 3 + 1], false, false, false, 101,
                    CASE WHEN n % 5 = 0 THEN 102 END
             FROM generate_series(1, 5000) AS n;
             ANALYZE company;"
        ))
        .await;
    let connection = world.database().connect().await;
    for (person, condition) in
        [("sales_person_id", "price_plan = 'payg'"), ("support_person_id", "support_person_id IS NOT NULL")]
    {
        let query = format!("SELECT {person} FROM company WHERE {condition} ORDER BY created DESC, id DESC LIMIT 1");
        let rows = connection.query(&format!("EXPLAIN (ANALYZE, TIMING OFF) {query}"), &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let scan = plan.iter().find(|line| line.contains("Scan")).unwrap();
        assert!(scan.contains("Index") && !plan.concat().contains("Sort"), "{plan:#?}");
        let read = scan.split("actual rows=").nth(1).unwrap();
        assert!(read.starts_with("1 ") || read.starts_with("1.00 "), "{plan:#?}");
    }
    world.leave().await;
}
