//! Who reconciles: one process at a time, by an advisory lock on a connection of its own. PostgreSQL releases the lock the
//! moment the process dies, and within seconds when its machine does.

use std::{pin::pin, time::Duration};

use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::StreamExt;

use crate::{
    error::StoreError,
    pool::{Store, Tx},
};

const LEADER_LOCK: i64 = 0x4865_726d_6573_0002;

/// How often the leader makes sure that its connection, and with it the lock, still exists.
const HEARTBEAT: Duration = Duration::from_secs(1);

const CHANNEL: &str = "hermes_work";

diesel::define_sql_function! {
    fn pg_try_advisory_lock(key: BigInt) -> Bool;
}

/// The right to reconcile, as long as this lives and [`Leadership::next_call`] succeeds.
pub struct Leadership {
    connection: AsyncPgConnection,
}

impl std::fmt::Debug for Leadership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leadership")
    }
}

/// How often a process that does not lead asks whether it can.
const CANDIDACY: Duration = Duration::from_secs(1);

impl Store {
    /// Waits until this process may lead. From then on it also hears of work that other processes announce.
    ///
    /// Asks again and again instead of waiting in the lock's queue: a statement that waits for days would keep
    /// PostgreSQL from vacuuming.
    pub async fn lead(&self) -> Result<Leadership, StoreError> {
        let mut connection = self.connect().await?;
        while !diesel::select(pg_try_advisory_lock(LEADER_LOCK)).get_result::<bool>(&mut connection).await? {
            tokio::time::sleep(CANDIDACY).await;
        }
        // Should this machine vanish, the lock goes with the session; a living leader is heard every second.
        diesel::sql_query("SET idle_session_timeout = '10s'").execute(&mut connection).await?;
        diesel::sql_query(format!("LISTEN {CHANNEL}")).execute(&mut connection).await?;
        Ok(Leadership { connection })
    }
}

impl Leadership {
    /// Waits until another process announces work, or the heartbeat is due. An error means that the leadership is lost:
    /// another process may have it already.
    pub async fn next_call(&mut self) -> Result<(), StoreError> {
        {
            let mut notifications = pin!(self.connection.notifications_stream());
            match tokio::time::timeout(HEARTBEAT, notifications.next()).await {
                Ok(Some(Ok(_))) => return Ok(()),
                Ok(Some(Err(error))) => return Err(error.into()),
                Ok(None) => return Err(StoreError::Unavailable("the leader's connection ended".to_owned())),
                Err(_elapsed) => {}
            }
        }
        tokio::time::timeout(HEARTBEAT, diesel::sql_query("SELECT 1").execute(&mut self.connection))
            .await
            .map_err(|_| StoreError::Unavailable("the leader's connection does not answer".to_owned()))??;
        Ok(())
    }
}

/// Tells the process that leads, whichever it is, that there is work.
pub async fn wake_others(tx: &mut Tx) -> Result<(), StoreError> {
    diesel::sql_query(format!("NOTIFY {CHANNEL}")).execute(tx).await?;
    Ok(())
}
