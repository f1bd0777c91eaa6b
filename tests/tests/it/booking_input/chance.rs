//! Bodies that chance has made up.

use chrono::TimeDelta;
use hermes_tests::World;
use proptest::{
    collection::btree_map,
    option,
    prelude::{Just, Strategy, any},
    prop_oneof, sample,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

use super::{REQUIRED, SALES, SUPPORT, TABLES};
use crate::bookings::thursday;

const CASES: u32 = 64;

/// Any JSON that is not too deep.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5..2_000_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[ \\x00-\\x1f]{0,4}".prop_map(Value::from),
        "\\PC{250,300}".prop_map(Value::from),
        sample::select(vec!["101", "1001", "payg", "ann@castle.example", "2026-03-05T14:00", "GB", "'", "%"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,8}", inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A value that the field takes.
fn sensible(field: &str) -> impl Strategy<Value = Value> + use<> {
    let values = match field {
        "admin_id" => vec![json!(101), json!("102"), json!(103), json!(999)],
        "company_id" | "bdr_person_id" => vec![json!(1001), json!("1002"), json!(2), json!(999_999), Value::Null],
        "email" => vec![json!("ann@castle.example"), json!(" BOB@tower.example "), json!("ann@localhost")],
        "meeting_dt" => {
            let start = |hours| json!(thursday("09:00") + TimeDelta::hours(hours));
            (0..40).map(|step| start(step * 7)).chain([json!("2026-03-05T14:00"), json!("2020-01-01T00:00Z")]).collect()
        }
        "price_plan" => vec![json!("payg"), json!("startup"), json!("enterprise")],
        "estimated_income" => vec![json!(1000), json!("10k"), json!("")],
        "name" => vec![json!("ann other"), json!("bob"), json!("  ÅSA  öberg ")],
        "company_name" => vec![json!("Castle"), json!("cASTLE"), json!("100%_"), json!("To\u{0}wer")],
        _ => vec![json!("x"), json!(""), json!("GB"), json!("a\u{0}\u{202e}b")],
    };
    sample::select(values)
}

/// Mostly what the fields take, with a few that are anything, absent or unheard of.
fn bodies() -> impl Strategy<Value = Value> {
    let optional = ["phone", "website", "company_id", "bdr_person_id", "utm_campaign", "utm_source"];
    let fields: Vec<_> = REQUIRED
        .into_iter()
        .chain(optional)
        .map(|field| {
            let value =
                prop_oneof![40 => sensible(field).prop_map(Some), 1 => anything().prop_map(Some), 1 => Just(None)];
            value.prop_map(move |value| (field.to_owned(), value))
        })
        .collect();
    (fields, option::weighted(0.1, (".{0,9}", anything()))).prop_map(|(fields, odd)| {
        let known = fields.into_iter().filter_map(|(field, value)| Some((field, value?)));
        Value::Object(known.chain(odd).collect::<Map<_, _>>())
    })
}

async fn counts(world: &World) -> Vec<u64> {
    let mut counts = Vec::new();
    for table in TABLES {
        counts.push(world.database().count(table).await);
    }
    counts
}

/// What does not hold of the answer to this body.
async fn play(world: &World, path: &str, body: &Value) -> Result<u16, String> {
    // What is to be done for Pipedrive would change the tables meanwhile.
    world.settle().await;
    let before = counts(world).await;
    let answer = world.hermes().post(path, body).await;
    let after = counts(world).await;
    let meetings = after[3] - before[3];
    match answer.status {
        200 if meetings == 1 && after[4] == 0 => {}
        400 if meetings == 0 && after[4] == 0 => {}
        404 | 422 if after == before => {}
        status => return Err(format!("{status} {}: {before:?} became {after:?}", answer.body)),
    }
    Ok(answer.status)
}

#[test]
fn whatever_is_sent_is_booked_or_refused_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = runtime.block_on(World::with().google().start());
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let outcome = runner.run(&(bodies(), sample::select(vec![SALES, SALES, SUPPORT])), |(body, path)| {
        let status = runtime.block_on(play(&world, path, &body)).map_err(TestCaseError::fail)?;
        seen.borrow_mut().insert(status);
        Ok(())
    });
    runtime.block_on(world.finish());
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(seen.into_inner().into_iter().collect::<Vec<_>>(), [200, 400, 404, 422], "chance reaches everything");
}
