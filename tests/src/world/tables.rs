//! What is in the tables.

use serde_json::Value;

use super::World;
use crate::database::Database;

/// The tables.
impl World {
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Has the test look into the database over a new connection, after PostgreSQL was away.
    pub async fn reconnect(&mut self) {
        self.database.reconnect().await;
    }

    /// The company of a TC2 client.
    pub async fn company(&self, client: i64) -> Value {
        self.database.row(&format!("SELECT * FROM company WHERE tc2_cligency_id = {client}")).await
    }

    /// The contacts of a TC2 client's company, oldest first.
    pub async fn contacts(&self, client: i64) -> Vec<Value> {
        self.of_company("contact", client).await
    }

    /// The deals of a TC2 client's company, oldest first.
    pub async fn deals(&self, client: i64) -> Vec<Value> {
        self.of_company("deal", client).await
    }

    /// The one deal of a TC2 client's company.
    pub async fn deal(&self, client: i64) -> Value {
        let mut deals = self.deals(client).await;
        assert_eq!(deals.len(), 1, "{deals:?}");
        deals.remove(0)
    }

    /// Every event that is stored, oldest first.
    pub async fn events(&self) -> Vec<Value> {
        self.database.rows("SELECT * FROM webhook_event ORDER BY id").await
    }

    async fn of_company(&self, table: &str, client: i64) -> Vec<Value> {
        self.database
            .rows(&format!(
                "SELECT {table}.* FROM {table} JOIN company ON company.id = company_id
                 WHERE tc2_cligency_id = {client} ORDER BY {table}.id"
            ))
            .await
    }
}
