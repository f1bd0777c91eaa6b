//! The OpenAPI document.

use hermes_tests::World;
use reqwest::Method;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_served_and_is_the_one_that_was_agreed_on() {
    let world = World::start().await;
    let answer = world.hermes().get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut document = answer.expect_ok();
    assert_eq!(document, serde_json::from_str::<Value>(hermes_http::openapi()).unwrap());
    document["info"]["version"] = "of the release".into();
    insta::assert_json_snapshot!("openapi", document);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_documented_path_answers_with_a_documented_status() {
    let world = World::start().await;
    let document = world.hermes().get("/openapi.json").await.expect_ok();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = world.hermes().send(world.hermes().request(method.clone(), path)).await;
            let documented = operation["responses"].as_object().unwrap();
            let status = answer.status.to_string();
            assert!(documented.contains_key(&status), "{method} {path}: {status} {}", answer.body);
            operations += 1;
        }
    }
    assert!(operations >= 5, "{operations}");
    world.finish().await;
}
