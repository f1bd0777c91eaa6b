//! What Hermes tells Pipedrive comes back as a webhook, and must not move anything, however odd the values are.

use hermes_sandbox::{
    pipedrive::Kind,
    tc2::{ClientSpec, Event},
};
use hermes_tests::World;
use serde_json::{Value, json};

const ROUNDS: usize = 50;

/// Values that come back in another form if anything in between writes them in its own way.
const ODD: [&str; 2] = [
    "  Smith, Cafe\u{301} \"Zu\u{308}rich\" & 'Sons' <Co> \\n 👩\u{200d}🏫 🇬🇧 \u{202e}tfel\u{202c} \t",
    // As if two objects had been merged.
    "5, 9",
];

/// A client for each of them, one whose texts are all too long, and one that has hardly any.
fn odd_clients(world: &World) -> Vec<ClientSpec> {
    let long = "ä1, ".repeat(75);
    assert_eq!(long.chars().count(), 300);
    let texts = ODD.into_iter().chain([long.as_str()]);
    let odd = texts.zip(1..).map(|(text, id)| odd_client(world.client(id), text));
    odd.chain([empty_client(world.client(4))]).collect()
}

fn odd_client(client: ClientSpec, text: &str) -> ClientSpec {
    let recipient = client.id() + 2_000_000;
    let email = format!("Ada.{}@Example.com ", client.id());
    client
        .name(text)
        .country("Côte d'Ivoire (CI)")
        .website(Some(text))
        .support_person(2)
        .bdr_person(3)
        .recipient(recipient, text, text, &email)
        .phone(Some(text))
        .attribute("utm_source", text)
        .attribute("utm_campaign", text)
        .attribute("estimated_monthly_income", text)
        .signup_questionnaire(json!({ "how": text, "why": [text, null, 1.50] }))
        .agency_field("gclid", text)
        .agency_field("gclid_expiry_dt", "2026-03-29T00:30:00+02:00")
        .agency_field("created", "2026-02-28T23:59:59.999999Z")
        .agency_field("pay0_dt", "2024-02-29T23:30:00-05:00")
        .agency_field("card_saved_dt", 1_767_225_599)
}

fn empty_client(client: ClientSpec) -> ClientSpec {
    let recipient = client.id() + 2_000_000;
    client
        .website(Some(" "))
        .country("")
        .email(None)
        .phone(Some(""))
        .recipient(recipient, "", " Curie ", "")
        .attribute("utm_source", " - ")
        .signup_questionnaire("")
        .agency_field("gclid", "")
        .agency_field("pay0_dt", "")
}

/// A world in which all of them are in Pipedrive, and every webhook of that has come back.
async fn odd_world() -> (World, Vec<ClientSpec>) {
    let world = World::with().webhooks().start().await;
    let clients = odd_clients(&world);
    for client in &clients {
        world.tc2(client).await.expect_ok();
    }
    world.settle().await;
    for kind in [Kind::Organization, Kind::Person, Kind::Deal] {
        assert_eq!(world.pipedrive().objects(kind).len(), clients.len(), "{kind:?}");
    }
    (world, clients)
}

/// All that Hermes knows, but for when it last heard of it.
async fn tables(world: &World) -> Vec<Value> {
    let mut rows = Vec::new();
    for query in [
        "SELECT to_jsonb(company) - 'tc2_as_of' AS row FROM company ORDER BY id",
        "SELECT * FROM contact ORDER BY id",
        "SELECT * FROM deal ORDER BY id",
        "SELECT kind, hermes_id, pipedrive_id, sent, shown, withheld FROM pipedrive_object ORDER BY kind, hermes_id",
    ] {
        rows.extend(world.database().rows(query).await);
    }
    rows
}

/// The newest event.
async fn newest_event(world: &World) -> Value {
    world.database().value("SELECT max(id) FROM webhook_event").await
}

/// How many webhooks of Pipedrive there have been since this event; fails if one of them has changed anything.
async fn echoes(world: &World, since: &Value) -> usize {
    let query = format!("SELECT state, reason, payload FROM webhook_event WHERE source = 'pipedrive' AND id > {since}");
    let echoes = world.database().rows(&query).await;
    for echo in &echoes {
        assert_eq!(echo["state"], "ignored", "{echo:#}");
    }
    echoes.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_times_told_of_again_odd_values_move_nothing() {
    let (world, clients) = odd_world().await;
    let before = tables(&world).await;
    world.forget_calls();

    for round in 1..=ROUNDS {
        let known = newest_event(&world).await;
        // Something that is none of Hermes's business has changed: the whole object comes back, as new as can be.
        for (kind, touch) in [
            (Kind::Organization, json!({ "employee_count": round })),
            (Kind::Person, json!({ "label_ids": [round] })),
            (Kind::Deal, json!({ "value": round })),
        ] {
            for object in world.pipedrive().objects(kind) {
                world.edit(kind, object["id"].as_i64().unwrap(), &touch);
            }
        }
        let told: Vec<Event> = clients.iter().map(|client| world.event(client)).collect();
        world.deliver(&told).await.expect_ok();
        world.settle().await;
        assert_eq!(echoes(&world, &known).await, 3 * clients.len(), "round {round}");
        assert_eq!(world.calls(), Vec::<String>::new(), "round {round}");
    }
    assert_eq!(tables(&world).await, before);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_pushes_of_odd_values_are_one_call_each_and_their_echoes_change_nothing() {
    let (world, clients) = odd_world().await;
    for round in 1..=ROUNDS {
        let known = newest_event(&world).await;
        world.forget_calls();
        let client = &clients[round % clients.len()];
        let text = format!("{round}{}", ODD[round % ODD.len()]);
        world.sync(&client.clone().attribute("utm_source", text)).await;

        let company = world.company(client.id()).await;
        assert_eq!(world.calls(), [format!("PATCH /api/v2/organizations/{}", company["pd_org_id"])], "round {round}");
        let shown = world.organization(&company["id"]);
        assert_eq!(world.custom(Kind::Organization, &shown, "utm_source"), company["utm_source"], "round {round}");
        assert_eq!(echoes(&world, &known).await, 1, "round {round}");
    }
    world.finish().await;
}
