//! The private PostgreSQL: it works, it comes and goes as told, and nothing of it stays behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use hermes_sandbox::postgres::{Postgres, PostgresOptions};
use tokio_postgres::{Client, NoTls, error::SqlState};
use uuid::Uuid;

#[tokio::test]
async fn databases_are_made_copied_and_dropped() {
    let postgres = private(PostgresOptions::default());
    let odd_name = "Template \"one\"";
    postgres.create_database("plain", None).await.unwrap();
    connect(&postgres.url("plain"))
        .await
        .batch_execute("create table t (x int); insert into t values (7)")
        .await
        .unwrap();

    wait_until("nobody is connected to the template", async || {
        postgres.create_database(odd_name, Some("plain")).await.is_ok()
    })
    .await;
    postgres.create_database("copy", Some(odd_name)).await.unwrap();
    let copy = connect(&postgres.url("copy")).await;
    assert_eq!(copy.query_one("select x from t", &[]).await.unwrap().get::<_, i32>(0), 7);

    // Also while somebody uses it, and also when it is gone.
    postgres.drop_database("copy").await.unwrap();
    postgres.drop_database("copy").await.unwrap();
    assert_eq!(refusal(&postgres.url("copy")).await, SqlState::INVALID_CATALOG_NAME);
    assert!(postgres.create_database("plain", None).await.is_err(), "there is one already");
}

#[tokio::test]
async fn text_is_unicode_to_the_server() {
    let postgres = private(PostgresOptions::default());
    let admin = connect(&postgres.admin_url()).await;
    let row = admin.query_one("select lower('ÉCOLE Ø'), current_setting('TimeZone')", &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("école ø", "UTC"));
}

#[tokio::test]
async fn settings_of_the_caller_win() {
    let settings = vec![("max_connections".to_owned(), "17".to_owned()), ("work_mem".to_owned(), "9MB".to_owned())];
    let postgres = private(PostgresOptions { settings, durable: true, ..PostgresOptions::default() });
    let admin = connect(&postgres.admin_url()).await;
    for (name, expected) in [("max_connections", "17"), ("work_mem", "9MB"), ("fsync", "on")] {
        assert_eq!(setting(&admin, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn only_who_knows_the_password_gets_in() {
    let postgres = private(PostgresOptions::default());
    let mut url = url::Url::parse(&postgres.admin_url()).unwrap();
    url.set_password(Some("guess")).unwrap();
    assert_eq!(refusal(url.as_str()).await, SqlState::INVALID_PASSWORD);
}

#[tokio::test]
async fn a_server_stops_crashes_and_comes_back_where_it_was() {
    let postgres = private(PostgresOptions { durable: true, ..PostgresOptions::default() });
    let url = postgres.admin_url();
    connect(&url).await.batch_execute("create table t (x int)").await.unwrap();

    for (row, way) in (1i64..).zip(["stopped", "crashed", "restarted"]) {
        let client = connect(&url).await;
        client.batch_execute("insert into t values (1)").await.unwrap();
        match way {
            "stopped" => postgres.stop_fast().and_then(|()| postgres.stop_fast()).unwrap(),
            "crashed" => postgres.crash().unwrap(),
            _ => postgres.restart().unwrap(),
        }
        assert!(client.batch_execute("select 1").await.is_err(), "{way}: the old connection is cut");
        if way != "restarted" {
            assert!(tokio_postgres::connect(&url, NoTls).await.is_err(), "{way}: nobody answers");
        }
        postgres.start_again().unwrap();
        assert_eq!(postgres.admin_url(), url);
        let count = connect(&url).await.query_one("select count(*) from t", &[]).await.unwrap();
        assert_eq!(count.get::<_, i64>(0), row, "{way}: what was committed is there");
    }
}

#[tokio::test]
async fn a_temporary_server_is_gone_with_its_value() {
    let postgres = private(PostgresOptions::default());
    let url = postgres.admin_url();
    let admin = connect(&url).await;
    let folder = folder(&admin).await;
    assert!(folder.exists());

    drop(postgres);
    assert!(!folder.exists(), "{} is left", folder.display());
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
}

#[tokio::test]
async fn a_named_folder_keeps_its_data_and_serves_one_at_a_time() {
    let folder = PathBuf::from("/var/tmp").join(format!("hermes-test-{}", Uuid::new_v4().simple()));
    let options = PostgresOptions { data_dir: Some(folder.clone()), ..PostgresOptions::default() };
    let first = private(options.clone());
    first.create_database("kept", None).await.unwrap();

    let second = Postgres::start_private(options.clone()).unwrap_err().to_string();
    assert!(second.contains("running"), "{second}");
    connect(&first.url("kept")).await.batch_execute("create table t (x int)").await.unwrap();

    drop(first);
    let again = private(options);
    connect(&again.url("kept")).await.batch_execute("select x from t").await.unwrap();
    drop(again);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let folder = env::temp_dir().join(format!("hermes-test-{}", Uuid::new_v4().simple()));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("letters.txt"), "precious").unwrap();
    let options = PostgresOptions { data_dir: Some(folder.clone()), ..PostgresOptions::default() };
    let error = Postgres::start_private(options).unwrap_err().to_string();
    assert!(error.contains("something else"), "{error}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_server_that_cannot_start_says_why_and_leaves_nothing() {
    let folder = PathBuf::from("/var/tmp").join(format!("hermes-test-{}", Uuid::new_v4().simple()));
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let options = PostgresOptions { settings, data_dir: Some(folder.clone()), ..PostgresOptions::default() };
    let error = Postgres::start_private(options).unwrap_err().to_string();
    assert!(error.contains("unrecognized configuration parameter \"no_such_setting\""), "{error}");
    assert!(!folder.join("data/postmaster.pid").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn programs_that_are_not_there_are_named() {
    for (folder, named) in [("/no/such/folder", "/no/such/folder"), ("/", "/initdb")] {
        let options = PostgresOptions { binaries: Some(PathBuf::from(folder)), ..PostgresOptions::default() };
        let error = format!("{:#}", Postgres::start_private(options).unwrap_err());
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn a_server_of_somebody_else_is_used_and_left_alone() {
    let postgres = Postgres::external("postgres://u:p%40ss@db.example:6543/hermes?connect_timeout=5").unwrap();
    assert_eq!(postgres.admin_url(), "postgres://u:p%40ss@db.example:6543/hermes?connect_timeout=5");
    assert_eq!(postgres.url("other"), "postgres://u:p%40ss@db.example:6543/other?connect_timeout=5");
    assert!(!postgres.is_private());
    assert!(postgres.restart().is_err());
    for wrong in ["", "localhost:5432", "mysql://secret@db.example/hermes"] {
        let error = format!("{:#}", Postgres::external(wrong).unwrap_err());
        assert!(!error.contains("secret"), "{error}");
    }
}

/// Runs twice: as the test, and, started by the test, as the process that owns a server and is killed.
#[tokio::test]
async fn a_killed_owner_leaves_neither_server_nor_files() {
    const OWNER: &str = "HERMES_TEST_OWNS_A_SERVER";
    if env::var_os(OWNER).is_some() {
        let postgres = private(PostgresOptions::default());
        writeln!(io::stdout(), "\nserver {}", postgres.admin_url()).unwrap();
        loop {
            thread::park();
        }
    }

    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_killed_owner_leaves_neither_server_nor_files", "--nocapture"])
        .env(OWNER, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let url = lines.find_map(|line| Some(line.unwrap().strip_prefix("server ")?.to_owned())).unwrap();
    let folder = folder(&connect(&url).await).await;
    assert!(folder.exists());

    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_until("the server and its folder are gone", async || {
        !folder.exists() && tokio_postgres::connect(&url, NoTls).await.is_err()
    })
    .await;
}

fn private(options: PostgresOptions) -> Postgres {
    Postgres::start_private(options).unwrap()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn refusal(url: &str) -> SqlState {
    let refused = tokio_postgres::connect(url, NoTls).await.map(|_| ()).unwrap_err();
    refused.code().cloned().unwrap()
}

async fn setting(client: &Client, name: &str) -> String {
    client.query_one("select current_setting($1)", &[&name]).await.unwrap().get(0)
}

/// The folder above the server's data.
async fn folder(client: &Client) -> PathBuf {
    Path::new(&setting(client, "data_directory").await).parent().unwrap().to_path_buf()
}

async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(30), "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
