//! A headless Chromium, driven over the `DevTools` protocol: messages of JSON, each ended by a zero byte, on two pipes.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use hermes_tests::until;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use uuid::Uuid;

/// From a command to its answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// One tab of a browser of its own, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Chromium {
    process: Child,
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    profile: PathBuf,
    session: Option<String>,
    last_id: u64,
    /// What went wrong in the page's scripts, and what its policy has kept it from.
    faults: Vec<String>,
}

impl Chromium {
    /// A browser whose user lives in this time zone. Nothing, and a notice, where there is no Chromium; in CI that is a
    /// failure.
    pub(crate) async fn start(zone: &str) -> Option<Self> {
        let Some(program) = installed() else {
            let notice = "no Chromium is installed (chromium, chromium-browser or google-chrome)";
            assert!(env::var_os("CI").is_none(), "{notice}, and CI is set: the booking page would go untested");
            // Past the test harness, which shows nothing of a test that passes.
            let _ =
                writeln!(io::stderr(), "\n*** NOT TESTED: {notice}, so nobody has looked at the booking page. ***\n");
            return None;
        };
        let profile = env::temp_dir().join(format!("hermes-chromium-{}", Uuid::new_v4().simple()));
        let mut command = Command::new("sh");
        command.arg("-c").arg(WITH_PIPES).arg(program);
        // It sees no page but ours; its own sandbox does not run as root, nor in most containers.
        command.args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"]);
        command.args(["--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server", "--lang=en-GB"]);
        command.arg(format!("--user-data-dir={}", profile.display())).env("TZ", zone);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut chromium = Self {
            commands: process.stdin.take().unwrap(),
            messages: BufReader::new(process.stdout.take().unwrap()),
            process,
            profile,
            session: None,
            last_id: 0,
            faults: Vec::new(),
        };
        let target = chromium.command("Target.createTarget", json!({ "url": "about:blank" })).await;
        let tab = json!({ "targetId": target["targetId"], "flatten": true });
        let session = chromium.command("Target.attachToTarget", tab).await;
        chromium.session = session["sessionId"].as_str().map(str::to_owned);
        chromium.command("Runtime.enable", json!({})).await;
        chromium.command("Log.enable", json!({})).await;
        Some(chromium)
    }

    /// Opens a page, and waits until its script says that it is ready.
    pub(crate) async fn open(&mut self, url: &str) {
        self.command("Page.navigate", json!({ "url": url })).await;
        let ready = format!(
            "location.href.startsWith({}) && document.documentElement?.dataset.ready === 'true'",
            json!(url.split('?').next())
        );
        self.until_true(&ready).await;
    }

    /// Clicks on the one element that the selector names.
    pub(crate) async fn click(&mut self, selector: &str) {
        self.eval(&format!("{}.click()", one(selector))).await;
    }

    /// Puts the cursor into a field, and types over what is in it.
    pub(crate) async fn type_into(&mut self, selector: &str, text: &str) {
        let field = one(selector);
        self.eval(&format!("{field}.focus(), {field}.select()")).await;
        self.command("Input.insertText", json!({ "text": text })).await;
    }

    /// What is shown of each element that the selector names; nothing of what is hidden.
    pub(crate) async fn texts(&mut self, selector: &str) -> Vec<String> {
        let shown = "element => element.checkVisibility()";
        let selected = format!("[...document.querySelectorAll({})]", json!(selector));
        let texts = self.eval(&format!("{selected}.filter({shown}).map(element => element.innerText.trim())")).await;
        texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until exactly this is shown of the elements that the selector names.
    pub(crate) async fn shows(&mut self, selector: &str, expected: &[&str]) {
        let what = format!("{selector} shows {expected:?}");
        until(&what, async || (self.texts(selector).await == expected).then_some(())).await;
    }

    async fn until_true(&mut self, script: &str) {
        until(script, async || (self.eval(script).await == true).then_some(())).await;
    }

    /// What a script comes to.
    pub(crate) async fn eval(&mut self, script: &str) -> Value {
        let parameters = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let answer = self.command("Runtime.evaluate", parameters).await;
        assert!(answer["exceptionDetails"].is_null(), "{script}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Ends, and makes sure that no script of the page broke down, and that none tried what the page must not do.
    pub(crate) async fn finish(mut self) {
        self.session = None;
        self.command("Browser.close", json!({})).await;
        tokio::time::timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap();
        assert!(self.faults.is_empty(), "the page is at fault:\n{}", self.faults.join("\n"));
    }

    async fn command(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut message = command.to_string().into_bytes();
        message.push(0);
        self.commands.write_all(&message).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.answer()).await.unwrap();
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// The answer to the last command. Fails when Chromium has ended. What is told meanwhile is taken note of.
    async fn answer(&mut self) -> Value {
        loop {
            let mut message = Vec::new();
            self.messages.read_until(0, &mut message).await.unwrap();
            assert_eq!(message.pop(), Some(0), "Chromium has ended");
            let message: Value = serde_json::from_slice(&message).unwrap();
            if message["id"] == self.last_id {
                return message;
            }
            let told = &message["params"];
            match message["method"].as_str() {
                Some("Runtime.exceptionThrown") => self.faults.push(told["exceptionDetails"].to_string()),
                // Refusals by Hermes are logged as well, and are no fault of the page.
                Some("Log.entryAdded") if told["entry"]["source"] != "network" => {
                    self.faults.push(told["entry"]["text"].to_string());
                }
                _ => {}
            }
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // When a test has failed, its processes may still be writing there. It is the folder for temporary things.
        drop(fs::remove_dir_all(&self.profile));
    }
}

/// The one element that a selector names.
fn one(selector: &str) -> String {
    format!("document.querySelector({})", json!(selector))
}

fn installed() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|program| Path::is_file(program))
}
