//! The sandbox's Pipedrive, as a client and a subscriber see it: over HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod lists;
mod objects;
mod trouble;
mod webhooks;

use std::time::Duration;

use hermes_sandbox::pipedrive::{PipedriveOptions, PipedriveServer};
use reqwest::{Client, Method};
use serde_json::Value;

/// How long a test waits for what is bound to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A user of the demo account that is not the token's.
const SALLY: i64 = 12_345_679;

const HERMES_ID: &str = "7f8959760703808f36b3795c15310566b74f5134";
const PAY0: &str = "8ca7c3d5c4d2a343ddfbca712606e27ad9714188";
const SUPPORT_PERSON: &str = "5ce5a41297410f570d97d78341aa2fbcf5801012";
const DEAL_HERMES_ID: &str = "5be1188db52a8c7f0ea49331eb391ae54aeabafc";

struct Account {
    server: PipedriveServer,
    http: Client,
}

impl Account {
    async fn demo() -> Self {
        Self::of(PipedriveOptions::demo()).await
    }

    async fn of(options: PipedriveOptions) -> Self {
        let server = PipedriveServer::start(options).await.unwrap();
        Self { server, http: Client::new() }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}{path}", self.server.base_url());
        let request = self.http.request(method, url).header("x-api-token", self.server.token());
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    /// The status and the JSON body.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.send(method, path, body).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, Some(body)).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, None).await
    }

    /// Creates an object and gives it as answered.
    async fn create(&self, plural: &str, body: Value) -> Value {
        let (status, answer) = self.post(&format!("/api/v2/{plural}"), body).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["success"], true);
        answer["data"].clone()
    }

    /// The ids of a page of a list, and the cursor of the next one.
    async fn page(&self, path: &str) -> (Vec<i64>, Option<String>) {
        let (status, answer) = self.get(path).await;
        assert_eq!(status, 200, "{answer}");
        let ids = answer["data"].as_array().unwrap().iter().map(id).collect();
        (ids, answer["additional_data"]["next_cursor"].as_str().map(str::to_owned))
    }
}

fn id(object: &Value) -> i64 {
    object["id"].as_i64().unwrap()
}
