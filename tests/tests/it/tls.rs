//! The way to PostgreSQL, encrypted as the URL asks.

use hermes_sandbox::postgres::{Postgres, PostgresOptions};
use hermes_store::{Store, StoreConfig, StoreError, wake_others};
use hermes_tests::until;
use rcgen::CertifiedKey;
use tokio_postgres::{Client, NoTls};

/// A server that can be spoken to in secret, with a certificate that nobody vouches for, and a plain connection to it.
async fn server() -> (Postgres, Client) {
    let postgres = tokio::task::spawn_blocking(|| Postgres::start_private(PostgresOptions::default()));
    let postgres = postgres.await.unwrap().unwrap();
    let (client, connection) = tokio_postgres::connect(&postgres.admin_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    // PostgreSQL takes only a key that belongs to the user it runs as, so it writes its files itself.
    for (pem, file) in [(cert.pem(), "server.crt"), (signing_key.serialize_pem(), "server.key")] {
        let write =
            format!("COPY (SELECT regexp_split_to_table('{pem}', '\\r?\\n')) TO PROGRAM 'umask 077 && cat > {file}'");
        client.batch_execute(&write).await.unwrap();
    }
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    until("PostgreSQL offers encryption", async || {
        let offered: String = client.query_one("SHOW ssl", &[]).await.unwrap().get(0);
        (offered == "on").then_some(())
    })
    .await;
    (postgres, client)
}

/// Has a store with these parameters in its URL work with the database once.
async fn work(postgres: &Postgres, parameters: &str) -> Result<Store, StoreError> {
    let url = format!("{}?{parameters}", postgres.admin_url());
    let store = Store::new(&StoreConfig::new(url))?;
    store.transaction(async |tx| wake_others(tx).await).await?;
    Ok(store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_postgresql_is_encrypted_unless_the_url_says_otherwise() {
    let (postgres, client) = server().await;
    let modes = [("", true), ("&sslmode=prefer", true), ("&sslmode=require", true), ("&sslmode=disable", false)];
    for (number, (mode, encrypted)) in modes.into_iter().enumerate() {
        let name = format!("store_{number}");
        let _store = work(&postgres, &format!("application_name={name}{mode}")).await.unwrap();
        let query = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
        let connections = client.query(query, &[&name]).await.unwrap();
        let found: Vec<bool> = connections.iter().map(|row| row.get(0)).collect();
        assert_eq!(found, [encrypted], "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_vouches_for_is_refused_where_it_is_to_be_verified() {
    let (postgres, _client) = server().await;
    for mode in ["verify-full", "verify-ca"] {
        let error = work(&postgres, &format!("sslmode={mode}")).await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{mode}: {error}");
        assert!(!error.contains(&postgres.admin_url()), "{mode}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_encrypt_is_refused_where_encryption_is_required() {
    let postgres = tokio::task::spawn_blocking(|| Postgres::start_private(PostgresOptions::default()));
    let postgres = postgres.await.unwrap().unwrap();
    work(&postgres, "sslmode=prefer").await.unwrap();
    let error = work(&postgres, "sslmode=require").await.unwrap_err().to_string();
    assert!(error.contains("TLS"), "{error}");
}
