//! The move from version 4: a database and an account with thousands of rows, taken over in place.

use chrono::{SecondsFormat, TimeDelta, Utc};
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{CustomField, FieldType, Kind},
    tc2::ClientSpec,
};
use hermes_tests::{CommandLine, Process, World, free_address, until};
use serde_json::{Value, json};

use crate::processes::HERMES;

/// With an organization, a person and a deal each.
const CLIENTS: i64 = 700;

/// So many that Pipedrive lists them in two pages each, and archived deals by themselves.
const PAGES: usize = 3 * 2 + 1;

/// What v4 did not know of an object that it had made: it had stopped before it kept the number.
const FORGET: &str = "
    UPDATE company SET pd_org_id = NULL WHERE tc2_cligency_id IN (10, 20);
    UPDATE contact SET pd_person_id = NULL WHERE company_id = (SELECT id FROM company WHERE tc2_cligency_id = 30);
    UPDATE deal SET pd_deal_id = NULL WHERE company_id = (SELECT id FROM company WHERE tc2_cligency_id = 40);";

/// The tables as v4 has them, and nothing else.
const LEAVE_TO_V4: &str = "
    DROP TABLE __diesel_schema_migrations;
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);";

fn client(id: i64) -> ClientSpec {
    ClientSpec::new(id).created(Utc::now())
}

/// Has TC2 tell of all clients, some at a time.
async fn tell_of(world: &World, hermes: &Process, clients: &[ClientSpec]) {
    for some in clients.chunks(100) {
        let events: Vec<_> = some.iter().map(|client| world.event(client)).collect();
        hermes.deliver(&events, Utc::now()).await.expect_ok();
        world.settle().await;
    }
}

/// A world in which v4 has kept many clients in step with Pipedrive, with its faults.
async fn after_years_of_v4(clients: &[ClientSpec]) -> World {
    let world = World::with().for_processes().start().await;
    let mut v4 = Process::start(HERMES, &world, &[]).await;
    tell_of(&world, &v4, clients).await;
    v4.terminate().await;
    v4.wait().await;
    world.database().execute(FORGET).await;
    let command_line = CommandLine::new(HERMES, &world);
    let migrations = command_line.run(&["migrate", "--status"]).await.expect_ok();
    let ours = (migrations.lines().count() - 1).to_string();
    command_line.run(&["migrate", "--down", &ours]).await.expect_ok();
    world.database().execute(LEAVE_TO_V4).await;
    world.forget_calls();
    world
}

/// The calls of Hermes that change something.
fn writes(world: &World) -> Vec<String> {
    let mut writes: Vec<_> = world.calls().into_iter().filter(|call| !call.starts_with("GET ")).collect();
    writes.sort();
    writes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_rows_of_v4_are_taken_over_without_a_duplicate_and_without_a_flood_of_calls() {
    let mut clients: Vec<ClientSpec> = (1..=CLIENTS).map(client).collect();
    let mut world = after_years_of_v4(&clients).await;
    let command_line = CommandLine::new(HERMES, &world);
    let held = [Kind::Organization, Kind::Person, Kind::Deal].map(|kind| world.pipedrive().objects(kind).len());
    assert_eq!(held.map(i64::try_from), [Ok(CLIENTS); 3]);

    command_line.run(&["migrate"]).await.expect_ok();
    world.reconnect().await;
    let told = command_line.run(&["setup", "baseline"]).await.expect_ok();
    assert_eq!(world.calls().len(), PAGES, "{told}");
    assert_eq!(writes(&world), Vec::<String>::new());
    for row in ["│ Organizations ┆ 698   ┆ 2", "│ Persons       ┆ 699   ┆ 1", "│ Deals         ┆ 699   ┆ 1"]
    {
        assert!(told.contains(row), "{told}");
    }
    let again = command_line.run(&["setup", "baseline"]).await.expect_ok();
    assert!(again.contains("│ Organizations ┆ 0     ┆ 0      ┆ 700 "), "{again}");
    world.forget_calls();

    // What has happened at TC2 while nobody listened.
    clients[6] = client(7).price_plan("monthly-enterprise");
    let hermes = Process::start(HERMES, &world, &[]).await;
    tell_of(&world, &hermes, &clients).await;
    let enterprise = world.organization(&world.company(7).await["id"]);
    assert_eq!(world.custom(Kind::Organization, &enterprise, "price_plan"), json!("enterprise"));
    assert_eq!(writes(&world), [format!("PATCH /api/v2/organizations/{}", enterprise["id"])]);
    // The fields of the account are compared with the field map, once.
    let reads: Vec<_> = world.calls().into_iter().filter(|call| call.starts_with("GET ")).collect();
    assert!(reads.len() == 3 && reads.iter().all(|call| call.ends_with("Fields")), "{reads:?}");
    let now = [Kind::Organization, Kind::Person, Kind::Deal].map(|kind| world.pipedrive().objects(kind).len());
    assert_eq!(now, held);
    drop(hermes);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_baseline_that_breaks_off_goes_on_where_it_is_run_again() {
    let clients: Vec<ClientSpec> = (1..=3).map(client).collect();
    let mut world = after_years_of_v4(&clients).await;
    let command_line = CommandLine::new(HERMES, &world);
    command_line.run(&["migrate"]).await.expect_ok();
    world.reconnect().await;
    world.pipedrive().faults().set([Rule::new(Fault::internal_error()).on_path("/api/v2/persons")]);
    let broken = command_line.run(&["setup", "baseline"]).await.expect_code(1);
    assert!(broken.contains("run the command again"), "{broken}");

    world.pipedrive().faults().clear();
    let told = command_line.run(&["setup", "baseline"]).await.expect_ok();
    assert!(told.contains("│ Organizations ┆ 0     ┆ 0      ┆ 3 "), "{told}");
    assert!(told.contains("│ Persons       ┆ 3 "), "{told}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_hermes_or_is_held_by_another_row_is_left_alone() {
    let mut world = after_years_of_v4(&[client(1)]).await;
    let hermes_id = hermes_tests::custom_key(Kind::Organization, "hermes_id");
    let company = world.database().value("SELECT id FROM company").await;
    for (name, carried) in
        [("Somebody else's", json!(null)), ("A copy", json!(company.to_string())), ("Odd", json!("x"))]
    {
        let organization = json!({"name": name, "custom_fields": {(hermes_id.as_str()): carried}});
        world.pipedrive().create(Kind::Organization, &organization).unwrap();
    }
    let command_line = CommandLine::new(HERMES, &world);
    command_line.run(&["migrate"]).await.expect_ok();
    world.reconnect().await;
    let before = world.company(1).await;
    let told = command_line.run(&["setup", "baseline"]).await.expect_ok();
    assert!(told.contains("│ Organizations ┆ 1     ┆ 0      ┆ 0            ┆ 3 "), "{told}");
    assert_eq!(world.company(1).await, before);
    assert_eq!(world.database().count("company").await, 1);
    assert_eq!(writes(&world), Vec::<String>::new());
    world.leave().await;
}

/// Says where extra fields of the account are.
const EXTRA: &str = "
[company.extra.region]
key = \"1111111111111111111111111111111111111111\"
type = \"text\"
from = \"tc2.meta_agency.region\"

[deal.extra.region]
key = \"2222222222222222222222222222222222222222\"
type = \"text\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_did_that_v4_did_not_hear_of_is_theirs() {
    let clients: Vec<ClientSpec> = (1..=3).map(client).collect();
    let mut world = after_years_of_v4(&clients).await;
    let pipedrive = world.pipedrive();
    for (kind, key) in [(Kind::Organization, "1"), (Kind::Deal, "2")] {
        pipedrive.add_field(CustomField::new(kind, &key.repeat(40), "region", FieldType::Text));
    }
    let [deal, other, archived] = [1, 2, 3].map(|client: i64| id_of_deal(&world, client));
    let region = json!({ "custom_fields": { "2".repeat(40): "of this deal" } });
    pipedrive.edit(Kind::Deal, deal, &region).unwrap();
    pipedrive.edit(Kind::Deal, other, &json!({ "status": "won" })).unwrap();
    pipedrive.edit(Kind::Deal, archived, &json!({ "is_archived": true })).unwrap();
    let organization = pipedrive.organizations()[0]["id"].as_i64().unwrap();
    pipedrive.edit(Kind::Organization, organization, &json!({ "name": "Before the night" })).unwrap();
    // To the second, as Pipedrive tells times.
    let stopped = Utc::now() + TimeDelta::seconds(1);
    until("the second is over", async || (Utc::now() > stopped + TimeDelta::seconds(1)).then_some(())).await;
    let second = pipedrive.organizations()[1]["id"].as_i64().unwrap();
    pipedrive.edit(Kind::Organization, second, &json!({ "name": "In the night" })).unwrap();
    let organizations = pipedrive.organizations().len();

    let command_line = CommandLine::new(HERMES, &world);
    command_line.write("hermes-fields.toml", EXTRA);
    command_line.run(&["migrate"]).await.expect_ok();
    world.reconnect().await;
    let since = stopped.to_rfc3339_opts(SecondsFormat::Secs, true);
    let told = command_line.run(&["setup", "baseline", "--since", &since]).await.expect_ok();
    assert!(told.contains("│ Deals         ┆ 3 "), "{told}");
    let name =
        async |id: i64| world.database().value(&format!("SELECT name FROM company WHERE pd_org_id = {id}")).await;
    assert_eq!(name(second).await, "In the night");
    assert_ne!(name(organization).await, "Before the night");
    let deals = world.database().rows("SELECT pd_deal_id, status, extra FROM deal ORDER BY pd_deal_id").await;
    let of = |id: i64| deals.iter().find(|deal| deal["pd_deal_id"] == id).unwrap();
    assert_eq!(of(deal)["extra"], json!({ "region": "of this deal" }));
    assert_eq!(of(other)["status"], "won");
    world.forget_calls();

    let clients: Vec<_> = clients.into_iter().map(|client| client.agency_field("region", "north")).collect();
    let hermes = command_line.serve(free_address()).await;
    tell_of(&world, &hermes, &clients).await;
    assert_eq!(pipedrive_value(&world, deal), json!("of this deal"));
    let wrote: Vec<_> = writes(&world).into_iter().filter(|call| call.starts_with("POST")).collect();
    assert_eq!(wrote, Vec::<String>::new());
    assert_eq!(world.pipedrive().organizations().len(), organizations);
    drop(hermes);
    world.leave().await;
}

fn id_of_deal(world: &World, nth: i64) -> i64 {
    world.pipedrive().deals()[usize::try_from(nth - 1).unwrap()]["id"].as_i64().unwrap()
}

fn pipedrive_value(world: &World, deal: i64) -> Value {
    let deal = world.pipedrive().object(Kind::Deal, deal).unwrap();
    world.custom(Kind::Deal, &deal, "region")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_is_gone_as_a_whole_or_not_at_all() {
    let world = World::with().for_processes().start().await;
    let command_line = CommandLine::new(HERMES, &world);
    let event = "INSERT INTO webhook_event (source, received_at, payload, state, attempts, next_attempt_at)
                 VALUES ('tc2', now(), '{}', 'waiting', 1, now())";
    world.database().execute(event).await;
    let refused = command_line.run(&["migrate", "--down", "5"]).await.expect_code(1);
    assert!(refused.contains("hermes status"), "{refused}");
    let status = command_line.run(&["migrate", "--status"]).await.expect_ok();
    assert!(!status.contains("not applied") && !status.contains("missing"), "{status}");
    world.database().execute("SELECT extra, tc2_as_of FROM company").await;
    world.leave().await;
}
