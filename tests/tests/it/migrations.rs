//! The database's way from nothing, or from v4, to this version, and back.

use std::{collections::BTreeMap, fs, path::Path, process::Stdio};

use hermes_store::Store;
use hermes_tests::{Database, Process, World};
use serde_json::Value;
use tokio::{process::Command, task::JoinSet};

use crate::processes::HERMES;

const V4_SCHEMA: &str = include_str!("../../fixtures/v4-schema.sql");

/// Rows in every table of v4, with moments as v4 kept them: in UTC, without saying so.
const V4_ROWS: &str = "
    INSERT INTO alembic_version VALUES ('b2f0c1d9e8a7');
    INSERT INTO admin (tc2_admin_id, pd_owner_id, first_name, last_name, username, timezone, is_sales_person,
                       is_support_person, is_bdr_person, sells_payg, sells_startup, sells_enterprise, sells_us,
                       sells_gb, sells_au, sells_ca, sells_eu, sells_row)
        SELECT n, 100 + n, 'First', 'Last', 'a@example.com', 'Europe/London', true, false, true, true, true, true,
               true, true, true, true, true, true FROM generate_series(1, 3) AS n;
    INSERT INTO stage (pd_stage_id, name) VALUES (11, 'New'), (12, 'Next');
    INSERT INTO pipeline (pd_pipeline_id, name, dft_entry_stage_id) VALUES (1, 'One', 1), (2, 'Two', NULL);
    INSERT INTO config (meeting_dur_mins, meeting_buffer_mins, meeting_min_start, meeting_max_end, payg_pipeline_id,
                        startup_pipeline_id, enterprise_pipeline_id) VALUES (30, 15, '10:00', '17:30', 1, 1, 2);
    INSERT INTO company (name, tc2_agency_id, tc2_cligency_id, pd_org_id, created, price_plan, has_booked_call,
                         has_signed_up, narc, paid_invoice_count, tc2_status, pay0_dt, pay1_dt, pay3_dt,
                         gclid_expiry_dt, email_confirmed_dt, card_saved_dt, sales_person_id, is_deleted)
        SELECT 'Company ' || n, n, 10 + n, 100 + n, '2025-03-30 01:30:00.123456', 'payg', false, true, false, 0,
               'trial', '2025-07-01 12:00:00', '2025-07-02 12:00:00', NULL, '2025-12-31 23:59:59.999999',
               '2024-02-29 00:00:00', '1999-12-31 23:59:59', 1, n = 2 FROM generate_series(1, 4) AS n;
    INSERT INTO contact (tc2_sr_id, pd_person_id, created, first_name, last_name, email, company_id)
        VALUES (1, 2, '2025-10-26 01:30:00', 'Ada', 'Lovelace', 'ada@example.com', 1),
               (NULL, NULL, '2025-01-01 00:00:00', NULL, NULL, NULL, 2);
    INSERT INTO deal (pd_deal_id, name, status, admin_id, pipeline_id, stage_id, company_id, contact_id)
        VALUES (7, 'Deal', 'open', 1, 1, 1, 1, 1), (NULL, NULL, 'deleted', 1, 1, 1, 2, NULL);
    INSERT INTO meeting (created, start_time, end_time, status, meeting_type, admin_id, contact_id, company_id, deal_id)
        VALUES ('2025-06-01 08:00:00', '2025-06-02 09:00:00', '2025-06-02 09:30:00', 'PLANNED', 'sales', 1, 1, 1, 1),
               ('2025-06-01 08:00:00', NULL, NULL, 'CANCELED', 'support', 1, 1, 1, NULL);
    -- Rows come and go, so numbers are ahead of what is there.
    DELETE FROM company WHERE id = 4;";

const V4_TABLES: [&str; 8] = ["admin", "stage", "pipeline", "config", "company", "contact", "deal", "meeting"];

async fn live_v4() -> Database {
    let database = Database::empty().await;
    database.execute(V4_SCHEMA).await;
    database.execute(V4_ROWS).await;
    database
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_leaves_an_empty_database_of_this_version_and_what_is_not_ours() {
    let (v4, new) = (live_v4().await, Database::migrated().await);
    migrate(&v4.store()).await;
    v4.execute("CREATE TABLE diary (entry text); INSERT INTO diary VALUES ('of somebody else')").await;
    for _ in 0..2 {
        v4.store().reset().await.unwrap();
        for table in V4_TABLES {
            assert_eq!(v4.count(table).await, 0, "{table}");
        }
        assert_eq!(v4.count("diary").await, 1);
    }
    v4.execute("DROP TABLE diary").await;
    assert_eq!(schema(&v4).await, schema(&new).await);
    assert_eq!(migrate(&v4.store()).await, Vec::<String>::new());
    for database in [v4, new] {
        database.remove().await;
    }
}

async fn migrate(store: &Store) -> Vec<String> {
    store.migrate().await.unwrap()
}

/// Everything about a schema that can be told apart, but the bookkeeping of the migrations themselves.
async fn schema(database: &Database) -> Value {
    let of = async |query: &str| Value::from(database.rows(query).await);
    let ours = "NOT IN ('alembic_version', '__diesel_schema_migrations')";
    let columns = format!(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name {ours}
         ORDER BY table_name, column_name"
    );
    let indexes = format!(
        "SELECT tablename, indexname, indexdef FROM pg_indexes
         WHERE schemaname = 'public' AND tablename {ours} ORDER BY indexname"
    );
    let constraints = format!(
        "SELECT conrelid::regclass::text AS table_name, conname, contype, pg_get_constraintdef(oid) AS definition
         FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text {ours}
         ORDER BY conrelid::regclass::text, conname"
    );
    let sequences = "SELECT sequencename, data_type::text, start_value, increment_by FROM pg_sequences ORDER BY 1";
    let owners = "SELECT sequence.relname, owner.relname AS table_name, attname
         FROM pg_depend JOIN pg_class AS sequence ON sequence.oid = objid AND sequence.relkind = 'S'
         JOIN pg_class AS owner ON owner.oid = refobjid JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
         WHERE deptype IN ('a', 'i') ORDER BY 1";
    Value::from_iter([
        ("columns", of(&columns).await),
        ("indexes", of(&indexes).await),
        ("constraints", of(&constraints).await),
        ("sequences", of(sequences).await),
        ("owners", of(owners).await),
    ])
}

/// What is in the tables of v4.
async fn rows_of_v4(database: &Database) -> BTreeMap<&'static str, Vec<Value>> {
    let mut rows = BTreeMap::new();
    for table in V4_TABLES {
        rows.insert(table, database.rows(&format!("SELECT * FROM {table} ORDER BY id")).await);
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_database_and_a_live_v4_database_come_to_the_same_schema() {
    let (empty, v4) = (Database::empty().await, live_v4().await);
    let applied = migrate(&empty.store()).await;
    assert_eq!(migrate(&v4.store()).await, applied);
    assert!(!applied.is_empty());

    let (of_empty, of_v4) = (schema(&empty).await, schema(&v4).await);
    for (aspect, expected) in of_empty.as_object().unwrap() {
        assert!(expected.as_array().unwrap().len() > 5, "{aspect}: {expected}");
        assert_eq!(&of_v4[aspect], expected, "{aspect}");
    }
    assert_eq!(migrate(&v4.store()).await, Vec::<String>::new(), "once is enough");
    empty.remove().await;
    v4.remove().await;
}

fn is_moment(column: &str) -> bool {
    column == "created" || column.ends_with("_dt") || column.ends_with("_time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_v4_database_keeps_every_row_and_its_moments_are_taken_as_utc() {
    let database = live_v4().await;
    // Wherever the server takes itself to be.
    database
        .execute(
            "DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'America/New_York');
             END $$",
        )
        .await;
    let before = rows_of_v4(&database).await;
    migrate(&database.store()).await;
    let after = rows_of_v4(&database).await;

    for (table, rows) in &before {
        assert!(!rows.is_empty(), "{table}");
        assert_eq!(after[table].len(), rows.len(), "{table}");
        for (before, after) in rows.iter().zip(&after[table]) {
            for (column, value) in before.as_object().unwrap() {
                let expected = match value.as_str() {
                    Some(moment) if is_moment(column) => Value::from(format!("{moment}+00:00")),
                    _ => value.clone(),
                };
                assert_eq!(after[column], expected, "{table}.{column}");
            }
        }
    }
    assert_eq!(database.value("SELECT version_num FROM alembic_version").await, "b2f0c1d9e8a7");
    // What was sent before is not sent again, and new rows get numbers that were never given.
    assert_eq!(database.count("meeting WHERE crm_pending").await, 0);
    assert_eq!(database.count("dirty_company").await, 0);
    assert_eq!(database.value("SELECT nextval('company_id_seq')").await, 5);
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn up_down_and_up_again_come_back_to_the_same_schema() {
    let database = Database::empty().await;
    let store = database.store();
    let applied = migrate(&store).await;
    let there = schema(&database).await;
    for steps in 1..=applied.len() {
        let reverted = store.migrate_down(steps).await.unwrap();
        let expected: Vec<String> = applied.iter().rev().take(steps).cloned().collect();
        assert_eq!(reverted, expected);
        assert_eq!(migrate(&store).await.len(), steps);
        assert_eq!(schema(&database).await, there, "{steps} steps");
    }

    store.migrate_down(applied.len() + 5).await.unwrap();
    let left = schema(&database).await;
    assert!(left.as_object().unwrap().values().all(|rows| rows.as_array().unwrap().is_empty()), "{left}");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_to_v4_keeps_its_tables_and_rows_as_they_were() {
    let database = live_v4().await;
    let (schema_of_v4, rows) = (schema(&database).await, rows_of_v4(&database).await);
    let store = database.store();
    let applied = migrate(&store).await;
    store.migrate_down(applied.len()).await.unwrap();

    assert_eq!(schema(&database).await, schema_of_v4);
    assert_eq!(rows_of_v4(&database).await, rows);
    assert_eq!(database.count("alembic_version").await, 1);
    assert_eq!(migrate(&store).await, applied, "and up again");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_never_deletes_companies_that_there_is_no_v4_to_keep() {
    let database = Database::empty().await;
    let store = database.store();
    let applied = migrate(&store).await;
    database.execute("INSERT INTO stage (pd_stage_id, name) VALUES (1, 'New')").await;

    let error = store.migrate_down(applied.len()).await.unwrap_err();
    assert!(error.to_string().contains("hold data"), "{error}");
    assert_eq!(database.count("stage").await, 1);
    migrate(&store).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_once_take_turns() {
    let v4 = live_v4().await;
    let empty = Database::empty().await;
    for database in [&empty, &v4] {
        let mut processes = JoinSet::new();
        for _ in 0..4 {
            let mut migrate = Command::new(env!("CARGO_BIN_EXE_hermes-under-test"));
            migrate.arg("migrate").env_clear().env("DATABASE_URL", database.url()).current_dir(std::env::temp_dir());
            migrate.stdin(Stdio::null()).kill_on_drop(true);
            processes.spawn(async move { migrate.output().await.unwrap() });
        }
        let mut applied = 0;
        while let Some(ended) = processes.join_next().await {
            let ended = ended.unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            applied +=
                String::from_utf8(ended.stdout).unwrap().lines().filter(|line| line.starts_with("applied")).count();
        }
        let all = database.store().migration_status().await.unwrap();
        assert!(all.iter().all(|migration| migration.applied));
        assert_eq!(applied, all.len(), "each is applied once");
    }
    assert_eq!(schema(&empty).await, schema(&v4).await);
    empty.remove().await;
    v4.remove().await;
}

/// Table and column -> type and whether it may be empty.
type Columns = BTreeMap<(String, String), (String, bool)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_that_the_code_knows_are_those_of_the_database() {
    let database = Database::migrated().await;
    let rows = database
        .rows(
            "SELECT table_name, column_name, udt_name, is_nullable = 'YES' AS nullable FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'",
        )
        .await;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let of_database: Columns = rows
        .iter()
        .map(|row| {
            let place = (text(row, "table_name"), text(row, "column_name"));
            (place, (text(row, "udt_name"), row["nullable"].as_bool().unwrap()))
        })
        .collect();
    assert_eq!(columns_of_code(), of_database);
    database.remove().await;
}

fn columns_of_code() -> Columns {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/src/schema.rs");
    let mut columns = Columns::new();
    let mut table = String::new();
    for line in fs::read_to_string(file).unwrap().lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix(" {").and_then(|head| head.split_once(" (")) {
            name.clone_into(&mut table);
        } else if let Some((column, diesel_type)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
            let inner = diesel_type.strip_prefix("Nullable<").and_then(|rest| rest.strip_suffix('>'));
            let place = (table.clone(), column.to_owned());
            columns.insert(place, (udt_name(inner.unwrap_or(diesel_type)).to_owned(), inner.is_some()));
        }
    }
    columns
}

fn udt_name(diesel_type: &str) -> &'static str {
    match diesel_type {
        "SmallInt" => "int2",
        "Integer" => "int4",
        "BigInt" => "int8",
        "Bool" => "bool",
        "Varchar" => "varchar",
        "Text" => "text",
        "Timestamptz" => "timestamptz",
        "Jsonb" => "jsonb",
        "Bytea" => "bytea",
        unknown => panic!("what does PostgreSQL call {unknown}?"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_not_done_by_accident() {
    let world = World::with().for_processes().start().await;
    world.database().execute("INSERT INTO webhook_event (source, received_at, payload, state, attempts) VALUES ('tc2', now(), '{}', 'applied', 1)").await;
    let refused = Process::output(HERMES, &["reset-db"], &world).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("say --yes to do it"), "{refused:?}");
    assert_eq!((world.database().count("webhook_event").await, world.database().count("admin").await), (1, 3));

    let done = Process::output(HERMES, &["reset-db", "--yes"], &world).await;
    assert!(done.status.success(), "{done:?}");
    assert_eq!((world.database().count("webhook_event").await, world.database().count("admin").await), (0, 0));
    world.leave().await;
}
