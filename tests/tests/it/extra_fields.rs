//! Fields that only this account has: named in the file of custom fields, and known to no code.

use std::net::{SocketAddr, TcpListener, TcpStream};

use hermes_sandbox::pipedrive::{CustomField, FieldType, Kind};
use hermes_tests::{Caller, CommandLine, World, WorldBuilder, seed::SALLY_SALES, until};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::processes::HERMES;

const CLIENT: i64 = 7;

/// A field that organizations and deals have in Pipedrive.
#[derive(Clone, Copy)]
struct Extra {
    name: &'static str,
    field_type: FieldType,
    /// Where TC2 tells of it, if it does.
    from: Option<&'static str>,
}

impl Extra {
    const fn told(name: &'static str, field_type: FieldType, from: &'static str) -> Self {
        Self { name, field_type, from: Some(from) }
    }

    fn key(self, kind: Kind) -> String {
        hex::encode(&Sha256::digest(format!("{kind:?} {}", self.name))[..20])
    }

    /// What the file says of it.
    fn entry(self) -> String {
        let Self { name, from, .. } = self;
        let field_type = json!(self.field_type);
        let [company, deal] = [Kind::Organization, Kind::Deal].map(|kind| self.key(kind));
        let from = from.map(|from| format!("from = \"{from}\"\n")).unwrap_or_default();
        format!(
            "[company.extra.{name}]\nkey = \"{company}\"\ntype = {field_type}\n{from}\n\
             [deal.extra.{name}]\nkey = \"{deal}\"\ntype = {field_type}\n\n"
        )
    }
}

const NEW: Extra = Extra::told("new_field", FieldType::Text, "tc2.meta_agency.new_field");
const ATTRIBUTE: Extra = Extra::told("how_found", FieldType::Varchar, "tc2.extra_attrs.how_found");
const BY_PEOPLE: Extra = Extra { name: "by_people", field_type: FieldType::Text, from: None };
const COUNT: Extra = Extra::told("tutors", FieldType::Double, "tc2.meta_agency.tutors");
const DAY: Extra = Extra::told("renewal", FieldType::Date, "tc2.meta_agency.renewal");

fn file(fields: &[Extra]) -> String {
    fields.iter().map(|field| field.entry()).collect()
}

/// With these fields in Pipedrive.
fn having(fields: &[Extra]) -> WorldBuilder {
    let fields = fields.to_vec();
    World::with().pipedrive(move |options| {
        for kind in [Kind::Organization, Kind::Deal] {
            let in_pipedrive = |field: &Extra| CustomField::new(kind, &field.key(kind), field.name, field.field_type);
            options.fields.extend(fields.iter().map(in_pipedrive));
        }
    })
}

/// With these fields in Pipedrive and in the file, and webhooks that tell of every change.
async fn world_with(fields: &[Extra]) -> World {
    having(fields).fields(&file(fields)).webhooks().start().await
}

/// What the tables hold of the field: of the company, and of the deal itself.
async fn stored(world: &World, field: Extra) -> [Value; 2] {
    let (company, deal) = (world.company(CLIENT).await, world.deal(CLIENT).await);
    [&company, &deal].map(|row| row["extra"][field.name].clone())
}

/// What the organization and the deal hold of it in Pipedrive.
async fn shown(world: &World, field: Extra) -> [Value; 2] {
    let (company, deal) = (world.company(CLIENT).await, world.deal(CLIENT).await);
    let (organization, deal) = (world.organization(&company["id"]), world.pd_deal(&deal["id"]));
    [(Kind::Organization, organization), (Kind::Deal, deal)]
        .map(|(kind, object)| world.custom(kind, &object, field.name))
}

/// Somebody writes into the field at the screen of Pipedrive.
async fn write(world: &World, kind: Kind, field: Extra, value: impl Into<Value>) {
    let id = match kind {
        Kind::Organization => world.company(CLIENT).await["pd_org_id"].clone(),
        _ => world.deal(CLIENT).await["pd_deal_id"].clone(),
    };
    let changes = json!({ "custom_fields": { field.key(kind): value.into() } });
    world.edit(kind, id.as_i64().unwrap(), &changes);
    world.settle().await;
}

/// That nothing but these fields was sent, of the organization and of the deal, in one request each.
fn assert_sent_alone(world: &World, fields: &[Extra]) {
    for (kind, path) in [(Kind::Organization, "/organizations"), (Kind::Deal, "/deals")] {
        let bodies = world.bodies("PATCH", path);
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        let mut sent: Vec<&String> = bodies[0]["custom_fields"].as_object().unwrap().keys().collect();
        let mut keys: Vec<String> = fields.iter().map(|field| field.key(kind)).collect();
        sent.sort_unstable();
        keys.sort_unstable();
        assert_eq!(sent, keys.iter().collect::<Vec<_>>());
        assert_eq!(bodies[0].as_object().unwrap().len(), 1, "{bodies:?}");
    }
    let others = world.calls().into_iter().filter(|call| !call.starts_with("GET") && !call.starts_with("PATCH"));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tc2_tells_of_one_is_stored_and_shown_in_the_organization_and_the_deal() {
    let world = world_with(&[NEW, ATTRIBUTE]).await;
    let client = world.client(CLIENT).agency_field("new_field", "Some Text").attribute("how_found", "-A Friend-");
    world.sync(&client).await;
    assert_eq!(stored(&world, NEW).await, [json!("Some Text"), json!(null)]);
    assert_eq!(shown(&world, NEW).await, ["Some Text", "Some Text"]);
    assert_eq!(shown(&world, ATTRIBUTE).await, ["a friend", "a friend"]);

    world.forget_calls();
    world.sync(&client.agency_field("new_field", "Another").attribute("how_found", "search")).await;
    assert_eq!(stored(&world, NEW).await, [json!("Another"), json!(null)]);
    assert_eq!(shown(&world, NEW).await, ["Another", "Another"]);
    assert_eq!(shown(&world, ATTRIBUTE).await, ["search", "search"]);
    assert_sent_alone(&world, &[NEW, ATTRIBUTE]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_into_the_organization_is_stored_and_nothing_bounces_until_tc2_tells_it_again() {
    let world = world_with(&[NEW]).await;
    let client = world.client(CLIENT).agency_field("new_field", "told");
    world.sync(&client).await;
    world.forget_calls();
    write(&world, Kind::Organization, NEW, "by hand").await;
    assert_eq!(stored(&world, NEW).await, [json!("by hand"), json!(null)]);
    world.assert_nothing_sent().await;

    world.sync(&client).await;
    assert_eq!(stored(&world, NEW).await[0], "told");
    assert_eq!(shown(&world, NEW).await, ["told", "told"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_into_the_deal_is_the_deals_own_from_then_on() {
    let world = world_with(&[NEW]).await;
    let client = world.client(CLIENT).agency_field("new_field", "told");
    world.sync(&client).await;
    world.forget_calls();
    write(&world, Kind::Deal, NEW, "of this deal").await;
    assert_eq!(stored(&world, NEW).await, ["told", "of this deal"]);
    world.assert_nothing_sent().await;

    world.sync(&client.agency_field("new_field", "told anew")).await;
    assert_eq!(stored(&world, NEW).await, ["told anew", "of this deal"]);
    assert_eq!(shown(&world, NEW).await, ["told anew", "of this deal"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_without_a_source_is_filled_by_people_and_the_deal_follows_with_the_next_sync() {
    let world = world_with(&[BY_PEOPLE]).await;
    let client = world.client(CLIENT).agency_field("by_people", "not asked for");
    world.sync(&client).await;
    assert_eq!(shown(&world, BY_PEOPLE).await, [json!(null), json!(null)]);
    world.forget_calls();
    write(&world, Kind::Organization, BY_PEOPLE, "by hand").await;
    assert_eq!(stored(&world, BY_PEOPLE).await, [json!("by hand"), json!(null)]);
    world.assert_nothing_sent().await;

    world.sync(&client).await;
    assert_eq!(shown(&world, BY_PEOPLE).await, ["by hand", "by hand"]);
    assert_eq!(stored(&world, BY_PEOPLE).await, [json!("by hand"), json!(null)]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tc2_leaves_out_or_says_nothing_of_stays_as_it_is() {
    let world = world_with(&[NEW, ATTRIBUTE]).await;
    world.sync(&world.client(CLIENT).agency_field("new_field", "kept").attribute("how_found", "kept")).await;
    world.forget_calls();
    for client in [
        world.client(CLIENT),
        world.client(CLIENT).agency_field("new_field", Value::Null).attribute("how_found", Value::Null),
        world.client(CLIENT).agency_field("new_field", " ").attribute("how_found", " - "),
    ] {
        world.sync(&client).await;
        for field in [NEW, ATTRIBUTE] {
            assert_eq!(stored(&world, field).await[0], "kept");
            assert_eq!(shown(&world, field).await, ["kept", "kept"]);
        }
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_and_a_date_are_written_as_pipedrive_has_them_and_come_back_without_a_stir() {
    let world = world_with(&[COUNT, DAY]).await;
    let client = world.client(CLIENT);
    for (told, day, count) in [
        (json!([12, "2026-03-01"]), "2026-03-01", json!(12)),
        (json!(["12.5", "2026-03-02T10:00:00.123Z"]), "2026-03-02", json!(12.5)),
        (json!([7.0, " 2026-03-03 "]), "2026-03-03", json!(7.0)),
    ] {
        let client = client.clone().agency_field("tutors", told[0].clone()).agency_field("renewal", told[1].clone());
        world.sync(&client).await;
        for value in shown(&world, COUNT).await {
            assert_eq!(value.as_f64(), count.as_f64(), "{told}");
        }
        assert_eq!(shown(&world, DAY).await, [day, day]);
        world.forget_calls();
        world.sync(&client).await;
        world.assert_nothing_sent().await;
    }
    write(&world, Kind::Organization, COUNT, 8).await;
    write(&world, Kind::Deal, DAY, "2027-01-01").await;
    assert_eq!(stored(&world, COUNT).await, [json!("8"), json!(null)]);
    assert_eq!(stored(&world, DAY).await, ["2026-03-03", "2027-01-01"]);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_values_harm_nothing() {
    let long = "ä".repeat(10_000);
    let short: String = long.chars().take(255).collect();
    let odd = Extra::told;
    for (field, value, in_pipedrive) in [
        (odd("odd", FieldType::Varchar, "tc2.meta_agency.odd"), json!(long), json!(short)),
        (odd("odd", FieldType::Text, "tc2.meta_agency.odd"), json!(long), json!(long)),
        (odd("odd", FieldType::Text, "tc2.meta_agency.odd"), json!([1, "a"]), json!(r#"[1, "a"]"#)),
        (odd("odd", FieldType::Text, "tc2.meta_agency.odd"), json!(false), json!("false")),
        (odd("odd", FieldType::Text, "tc2.meta_agency.odd"), json!("a\0b"), json!("ab")),
        (odd("odd", FieldType::Text, "tc2.meta_agency.odd"), Value::Null, Value::Null),
        (odd("odd", FieldType::Date, "tc2.meta_agency.odd"), json!("soon"), Value::Null),
        (odd("odd", FieldType::Date, "tc2.meta_agency.odd"), json!(1_700_000_000), Value::Null),
        (odd("odd", FieldType::Double, "tc2.meta_agency.odd"), json!("a dozen"), Value::Null),
        (odd("odd", FieldType::Double, "tc2.meta_agency.odd"), json!({ "n": 1 }), Value::Null),
        (odd("odd", FieldType::Text, "tc2.extra_attrs.odd"), json!([]), Value::Null),
    ] {
        let world = world_with(&[field]).await;
        let client = world.client(CLIENT).agency_field("odd", value.clone());
        world.sync(&client).await;
        assert_eq!(shown(&world, field).await, [in_pipedrive.clone(), in_pipedrive], "{value}");
        world.forget_calls();
        world.sync(&client).await;
        world.assert_nothing_sent().await;
        // And what makes sense is taken later.
        let sound = if field.field_type == FieldType::Double { json!(5) } else { json!("2026-03-01") };
        if field.from == Some("tc2.meta_agency.odd") {
            world.sync(&client.agency_field("odd", sound.clone())).await;
            assert_eq!(shown(&world, field).await, [sound.clone(), sound], "{value}");
        }
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odd_value_that_comes_later_leaves_pipedrive_as_it_is() {
    let world = world_with(&[DAY]).await;
    let client = world.client(CLIENT).agency_field("renewal", "2026-03-01");
    world.sync(&client).await;
    for _ in 0..2 {
        world.forget_calls();
        world.sync(&client.clone().agency_field("renewal", "soon")).await;
        assert_eq!(shown(&world, DAY).await, ["2026-03-01", "2026-03-01"]);
        assert_eq!(world.bodies("PATCH", "/"), Vec::<Value>::new());
    }
    world.sync(&client.agency_field("renewal", "2026-03-02")).await;
    assert_eq!(shown(&world, DAY).await, ["2026-03-02", "2026-03-02"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_named_later_is_all_that_is_sent_of_a_company_that_is_known() {
    let mut world = having(&[NEW, BY_PEOPLE]).webhooks().start().await;
    let client = world.client(CLIENT).agency_field("new_field", "told");
    world.sync(&client).await;
    assert_eq!(world.company(CLIENT).await["extra"], json!({}));

    world.set_fields(&file(&[NEW, BY_PEOPLE]));
    world.restart_hermes().await;
    world.forget_calls();
    world.sync(&client).await;
    assert_eq!(shown(&world, NEW).await, ["told", "told"]);
    assert_sent_alone(&world, &[NEW]);
    world.forget_calls();
    world.sync(&client).await;
    world.assert_nothing_sent().await;
    for kind in [Kind::Organization, Kind::Person, Kind::Deal] {
        assert_eq!(world.pipedrive().all_objects(kind).len(), 1, "{kind:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_wrote_into_a_field_before_it_was_named_is_theirs() {
    let mut world = having(&[NEW, BY_PEOPLE]).webhooks().start().await;
    let client = world.client(CLIENT).agency_field("new_field", "told");
    world.sync(&client).await;
    write(&world, Kind::Deal, NEW, "of this deal").await;
    write(&world, Kind::Organization, BY_PEOPLE, "by hand").await;

    world.set_fields(&file(&[NEW, BY_PEOPLE]));
    world.restart_hermes().await;
    world.forget_calls();
    world.sync(&client).await;
    assert_eq!(shown(&world, NEW).await, ["told", "of this deal"]);
    assert_eq!(stored(&world, NEW).await, ["told", "of this deal"]);

    // Any change of the organization tells of all that is in it.
    let organization = world.company(CLIENT).await["pd_org_id"].as_i64().unwrap();
    world.edit(Kind::Organization, organization, &json!({ "name": "Palace Tutors" }));
    world.settle().await;
    assert_eq!(stored(&world, BY_PEOPLE).await, [json!("by hand"), json!(null)]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_goes_on_to_follow_its_company_when_another_field_is_named() {
    let mut world = having(&[NEW, BY_PEOPLE]).fields(&file(&[BY_PEOPLE])).webhooks().start().await;
    let client = world.client(CLIENT);
    world.sync(&client).await;
    write(&world, Kind::Organization, BY_PEOPLE, "first").await;
    world.sync(&client).await;
    assert_eq!(shown(&world, BY_PEOPLE).await, ["first", "first"]);
    write(&world, Kind::Organization, BY_PEOPLE, "second").await;

    world.set_fields(&file(&[NEW, BY_PEOPLE]));
    world.restart_hermes().await;
    world.forget_calls();
    let deal = world.deal(CLIENT).await["pd_deal_id"].as_i64().unwrap();
    world.edit(Kind::Deal, deal, &json!({ "title": "Palace deal" }));
    world.settle().await;
    assert_eq!(stored(&world, BY_PEOPLE).await, [json!("second"), json!(null)]);
    assert_eq!(world.calls(), Vec::<String>::new());
    world.sync(&client).await;
    assert_eq!(shown(&world, BY_PEOPLE).await, ["second", "second"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_kept_elsewhere_from_now_on_is_filled_there() {
    const MOVED: Extra = Extra::told("moved", FieldType::Text, "tc2.meta_agency.new_field");
    let mut world = having(&[NEW, MOVED]).fields(&file(&[NEW])).webhooks().start().await;
    let client = world.client(CLIENT).agency_field("new_field", "told");
    world.sync(&client).await;

    // The same name, and the keys of the other fields.
    world.set_fields(&file(&[MOVED]).replace("extra.moved", "extra.new_field"));
    world.restart_hermes().await;
    world.forget_calls();
    world.sync(&client).await;
    assert_eq!(shown(&world, MOVED).await, ["told", "told"]);
    assert_sent_alone(&world, &[MOVED]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_named_no_longer_keeps_what_is_stored_and_is_not_sent() {
    let mut world = world_with(&[NEW, BY_PEOPLE]).await;
    let client = world.client(CLIENT).agency_field("new_field", "told");
    world.sync(&client).await;
    write(&world, Kind::Deal, NEW, "of this deal").await;

    world.set_fields(&file(&[BY_PEOPLE]));
    world.restart_hermes().await;
    world.forget_calls();
    world.sync(&client.clone().agency_field("new_field", "not asked for").paid_invoices(1)).await;
    write(&world, Kind::Organization, BY_PEOPLE, "by hand").await;
    write(&world, Kind::Organization, NEW, "not looked at").await;
    assert_eq!(stored(&world, NEW).await, ["told", "of this deal"]);
    assert_eq!(stored(&world, BY_PEOPLE).await[0], "by hand");
    for body in world.bodies("PATCH", "/") {
        assert!(!body.to_string().contains(&NEW.key(Kind::Organization)), "{body}");
        assert!(!body.to_string().contains(&NEW.key(Kind::Deal)), "{body}");
    }

    world.set_fields(&file(&[NEW, BY_PEOPLE]));
    world.restart_hermes().await;
    world.sync(&client.agency_field("new_field", "told again")).await;
    assert_eq!(stored(&world, NEW).await[0], "told again");
    assert_eq!(shown(&world, NEW).await[0], "told again");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_made_in_pipedrive_comes_with_all_that_they_wrote() {
    let world = world_with(&[NEW, COUNT]).await;
    let owner = SALLY_SALES.pd_user_id;
    let values = |kind| json!({ NEW.key(kind): format!("of the {}", kind.singular()), COUNT.key(kind): 3 });
    let organization =
        json!({ "name": "Castle Tutors", "owner_id": owner, "custom_fields": values(Kind::Organization) });
    let organization = world.pipedrive().create(Kind::Organization, &organization).unwrap()["id"].clone();
    let deal = json!({
        "title": "Castle deal", "owner_id": owner, "org_id": organization, "custom_fields": values(Kind::Deal),
    });
    let deal = world.pipedrive().create(Kind::Deal, &deal).unwrap()["id"].clone();
    world.settle().await;
    let company = world.row_of(Kind::Organization, organization.as_i64().unwrap()).await;
    assert_eq!(company["extra"], json!({ "new_field": "of the organization", "tutors": "3" }));
    // What is the same as the company's is no value of its own.
    let deal = world.row_of(Kind::Deal, deal.as_i64().unwrap()).await;
    assert_eq!(deal["extra"], json!({ "new_field": "of the deal" }));
    world.assert_nothing_sent().await;
    world.finish().await;
}

fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_takes_a_field_from_the_file_in_its_directory() {
    let world = having(&[NEW]).for_processes().start().await;
    let address = free_address();
    let command = CommandLine::new(HERMES, &world).with("HOST", "127.0.0.1").with("PORT", &address.port().to_string());
    command.write("hermes-fields.toml", &file(&[NEW]));
    let told = async {
        until("the program listens", async || TcpStream::connect(address).ok()).await;
        let event = world.event(&world.client(CLIENT).agency_field("new_field", "told"));
        Caller::new(address).deliver(&[event], world.now()).await.expect_ok();
        let holds = |kind, value: &Value| !world.pipedrive().holding(kind, NEW.name, value).is_empty();
        until("Pipedrive has it", async || {
            [Kind::Organization, Kind::Deal].iter().all(|kind| holds(*kind, &json!("told"))).then_some(())
        })
        .await;
    };
    tokio::select! {
        said = command.run(&["serve"]) => panic!("the program ended: {said:?}"),
        () = told => {}
    }
    assert_eq!(stored(&world, NEW).await, [json!("told"), json!(null)]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_makes_no_sense_keeps_the_program_from_starting_and_every_fault_is_told() {
    let world = World::with().for_processes().start().await;
    let command = CommandLine::new(HERMES, &world);
    let key = NEW.key(Kind::Organization);
    command.write(
        "hermes-fields.toml",
        &format!(
            "[company.extra.website]\nkey = \"{key}\"\ntype = \"text\"\n\n\
             [company.extra.new_field]\ntype = \"text\"\nfrom = \"tc2.agency.new_field\"\n\n\
             [contact.extra.new_field]\nkey = \"{key}\"\ntype = \"text\"\n\n\
             [deal.extra.another]\nkey = \"{key}\"\ntype = \"list\"\n"
        ),
    );
    for arguments in [&["serve"][..], &["worker"], &["status"]] {
        let said = command.run(arguments).await.expect_code(2);
        for fault in [
            "the file hermes-fields.toml cannot be used",
            "line 1, [company.extra] website: Hermes has a field of this name itself",
            "line 5, [company.extra] new_field: there is no key; `hermes setup fields --create` makes the field",
            "line 5, [company.extra] new_field from: \"tc2.agency.new_field\" is nowhere in what TutorCruncher tells",
            "line 9, [contact] extra: contacts have no extra fields",
            "line 13, [deal.extra] another: \"list\" is no type that Hermes can fill",
            "line 13, [deal.extra] another: there is no [company.extra.another] whose value it could show",
        ] {
            assert!(said.contains(fault), "{arguments:?} does not say {fault:?}:\n{said}");
        }
    }
    assert_eq!(world.pipedrive().requests().len(), 0);
    world.leave().await;
}
