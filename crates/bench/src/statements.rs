//! Makes sure that the yardstick is the right one: what pgbench runs are the statements that Hermes issues.
//!
//! PostgreSQL itself is the witness. On a database that logs every statement, Hermes answers a request of each kind, and
//! pgbench runs each of its scripts once; then the two must have said the same, to the letter, except that a constant may
//! stand for a parameter.

use std::{collections::HashMap, mem, time::Duration};

use anyhow::{Context, bail};
use chrono::Utc;
use hermes_sandbox::google::{GoogleOptions, GoogleServer};
use tokio::time::{Instant, sleep};

use crate::{
    call::{self, Caller},
    database::Database,
    hermes::Hermes,
    house::{House, Worker},
    load,
    pgbench::{About, Amount, Pgbench},
    progress,
    request::Request,
    webhook::{self, KnownClients},
};

/// Every transaction that is compared says one of these, and no other does.
const MARKS: [&str; 2] = [r#"INSERT INTO "webhook_event""#, r#""call_reservation""#];

/// How long PostgreSQL may take to write its log.
const PATIENCE: Duration = Duration::from_secs(10);

/// The statements of a transaction, one way to write each.
type Transaction = Vec<String>;

/// What Hermes is asked, and what stands for it.
struct Case {
    request: Request,
    about: About,
    /// How many of them Hermes answers it with.
    transactions: usize,
}

/// Fails when a script about webhooks says anything else than Hermes.
pub(crate) async fn check_webhooks(house: &House, pgbench: &Pgbench) -> anyhow::Result<()> {
    let database = logging(house, "hermes_bench_statements").await?;
    let hermes = house.hermes(&database, Worker::Nobody).await?;
    let now = Utc::now();
    let sign_up = webhook::sign_up(&webhook::new_client(1), now);
    let edit = webhook::edit(&webhook::paying_client(1, 1, now), now);
    let known = KnownClients { first: 1, count: 1 };
    let cases = [
        Case { request: sign_up, about: About::New { first: 2 }, transactions: 1 },
        Case { request: edit, about: About::Known(known), transactions: 1 },
    ];
    check(pgbench, &database, &hermes, cases).await?;
    hermes.stop().await
}

/// Fails when a script about calls says anything else than Hermes.
pub(crate) async fn check_calls(house: &House, pgbench: &Pgbench) -> anyhow::Result<()> {
    let database = logging(house, "hermes_bench_call_statements").await?;
    database.execute(call::ADD_STAFF).await?;
    let google = GoogleServer::start(GoogleOptions::default()).await?;
    let hermes = house.callbooker(&database, &google).await?;
    let now = Utc::now();
    let caller = Caller { number: 1, from: now };
    let cases = [
        Case { request: call::availability(call::week_after(now)), about: About::FirstOfStaff, transactions: 1 },
        Case { request: caller.booking(), about: About::Callers { first: 2 }, transactions: 2 },
    ];
    check(pgbench, &database, &hermes, cases).await?;
    hermes.stop().await
}

/// A database whose every statement is logged.
async fn logging(house: &House, name: &str) -> anyhow::Result<Database> {
    let database = house.database(name).await?;
    // Holds for connections that are made from now on.
    database.execute(&format!("ALTER DATABASE {name} SET log_statement = 'all'")).await?;
    Ok(database)
}

async fn check<const N: usize>(
    pgbench: &Pgbench,
    database: &Database,
    hermes: &Hermes,
    cases: [Case; N],
) -> anyhow::Result<()> {
    progress::tell("Comparing what pgbench's scripts say to PostgreSQL with what Hermes says …");
    let mut witness = Witness::of(database).await?;
    for Case { request, about, transactions } in cases {
        load::ask(hermes.address(), &request).await?;
        let of_hermes = witness.next(transactions).await?;
        let compared = async {
            pgbench.run(database, about, Amount::Once).await?;
            compare(&of_hermes, &witness.next(transactions).await?)
        };
        if let Err(error) = compared.await {
            progress::tell(&format!("Hermes says:\n  {};", of_hermes.join(";\n  ")));
            return Err(error.context(format!("{} has to be brought up to date", about.script())));
        }
    }
    Ok(())
}

fn compare(of_hermes: &Transaction, of_pgbench: &Transaction) -> anyhow::Result<()> {
    for (hermes, pgbench) in of_hermes.iter().zip(of_pgbench) {
        if hermes != pgbench {
            bail!("Hermes says\n  {hermes}\nand the script says\n  {pgbench}");
        }
    }
    let (hermes, pgbench) = (of_hermes.len(), of_pgbench.len());
    if hermes != pgbench {
        bail!("Hermes has {hermes} statements, and the script has {pgbench}");
    }
    Ok(())
}

struct Witness<'a> {
    database: &'a Database,
    name: String,
    /// So many transactions have been told.
    heard: usize,
}

impl<'a> Witness<'a> {
    async fn of(database: &'a Database) -> anyhow::Result<Self> {
        let name = database.text("SELECT current_database()::text").await?.context("a database without a name")?;
        Ok(Self { database, name, heard: 0 })
    }

    /// What PostgreSQL logs as the next transactions that are compared, one after the other.
    async fn next(&mut self, count: usize) -> anyhow::Result<Transaction> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let log = self.database.text("SELECT pg_read_file(pg_current_logfile())").await?;
            let log = log.context("PostgreSQL keeps no log")?;
            let next: Vec<_> = transactions(&log, &self.name).into_iter().skip(self.heard).take(count).collect();
            if next.len() == count {
                self.heard += count;
                return Ok(next.concat());
            }
            sleep(Duration::from_millis(10)).await;
        }
        bail!("PostgreSQL has logged nothing further to compare")
    }
}

/// The transactions of this database that bear a mark and were committed, in the order of their ends.
fn transactions(log: &str, database: &str) -> Vec<Transaction> {
    let mut open: HashMap<&str, Transaction> = HashMap::new();
    let mut committed = Vec::new();
    // A message goes on as long as lines begin with a tab.
    let log = log.replace("\n\t", " ");
    for line in log.lines() {
        let mut words = line.splitn(3, ' ');
        let (Some(of), Some(session), Some(message)) = (words.next(), words.next(), words.next()) else { continue };
        if of != database {
            continue;
        }
        let Some(statement) = statement(message) else { continue };
        let transaction = open.entry(session).or_default();
        if statement == "BEGIN" {
            transaction.clear();
        }
        transaction.push(normalized(statement));
        if statement == "COMMIT" {
            let ended = mem::take(transaction);
            if ended.iter().any(|statement| MARKS.iter().any(|mark| statement.contains(mark))) {
                committed.push(ended);
            }
        }
    }
    committed
}

/// What was executed: `LOG:  statement: …` in the simple protocol, `LOG:  execute <name>: …` in the extended one.
fn statement(message: &str) -> Option<&str> {
    let (kind, statement) = message.strip_prefix("LOG:  ")?.split_once(": ")?;
    (kind == "statement" || kind.starts_with("execute ")).then(|| statement.trim_end_matches(';'))
}

/// With one space wherever there are any, and a question mark for each parameter or constant.
fn normalized(statement: &str) -> String {
    let mut normal = String::with_capacity(statement.len());
    let mut rest = statement.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => rest.chars().skip(1).position(|c| c == first).map_or(rest.len(), |inside| inside + 2),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c if c.is_whitespace() => rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, further) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = further;
        let is_constant = matches!(first, '\'' | '$' | '0'..='9') || matches!(token, "NULL" | "true" | "false");
        normal.push_str(match token {
            _ if is_constant => "?",
            _ if first.is_whitespace() && further.is_empty() => "",
            _ if first.is_whitespace() => " ",
            token => token,
        });
    }
    normal
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_may_stand_for_a_parameter_and_nothing_else_may_differ() {
        let of_hermes = normalized(r#"UPDATE "t" SET "pay0_dt" = $1, "narc" = $2, "n" = $3 WHERE x1 = 0"#);
        assert_eq!(of_hermes, r#"UPDATE "t" SET "pay0_dt" = ?, "narc" = ?, "n" = ? WHERE x1 = ?"#);
        let same = "UPDATE  \"t\"\n  SET \"pay0_dt\" = NULL, \"narc\" = false, \"n\" = 'a $1 \"b\"'\tWHERE x1 = $1 ";
        assert_eq!(normalized(same), of_hermes);
        for other in [
            r#"UPDATE "t" SET "pay1_dt" = $1, "narc" = $2, "n" = $3 WHERE x1 = 0"#,
            r#"UPDATE "t" SET "pay0_dt" = $1, "narc" = $2, "n" = $3 WHERE x2 = 0"#,
            r#"UPDATE "t" SET "pay0_dt" = $1, "narc" = $2 WHERE x1 = 0"#,
            r#"UPDATE "t" SET "pay0_dt" = $1, "narc" = DEFAULT, "n" = $3 WHERE x1 = 0"#,
        ] {
            assert_ne!(normalized(other), of_hermes);
        }
    }

    #[test]
    fn transactions_are_told_apart_by_their_sessions() {
        let log = "\
a 1.1 LOG:  statement: BEGIN
a 1.2 LOG:  statement: BEGIN
a 1.1 LOG:  execute s0: INSERT INTO \"webhook_event\" VALUES ($1)
a 1.1 DETAIL:  parameters: $1 = 'x'
b 1.3 LOG:  execute s0: INSERT INTO \"webhook_event\" VALUES ($1)
a 1.2 LOG:  execute s0: SELECT pg_notify($1, $2)
a 1.2 LOG:  statement: COMMIT
a 1.1 LOG:  execute <unnamed>: SELECT 1
\tFROM two_lines;
b 1.3 LOG:  statement: COMMIT
a 1.1 LOG:  statement: COMMIT;
a 1.1 LOG:  statement: BEGIN
a 1.1 LOG:  execute s0: INSERT INTO \"webhook_event\" VALUES ($1)
a 1.1 LOG:  statement: ROLLBACK
a 1.2 LOG:  statement: BEGIN
a 1.2 LOG:  execute s1: SELECT 1 FROM \"call_reservation\"
a 1.2 LOG:  statement: COMMIT
";
        let webhook = ["BEGIN", "INSERT INTO \"webhook_event\" VALUES (?)", "SELECT ? FROM two_lines", "COMMIT"];
        let call = ["BEGIN", "SELECT ? FROM \"call_reservation\"", "COMMIT"];
        assert_eq!(transactions(log, "a"), [&webhook[..], &call[..]]);
    }

    #[test]
    fn a_difference_is_found() {
        let transaction = |statements: &[&str]| statements.iter().map(|s| (*s).to_owned()).collect::<Transaction>();
        let hermes = transaction(&["BEGIN", "SELECT a", "COMMIT"]);
        assert!(compare(&hermes, &hermes.clone()).is_ok());
        let shorter = transaction(&["BEGIN", "SELECT a"]);
        assert!(compare(&hermes, &shorter).unwrap_err().to_string().contains("3 statements"));
        let other = transaction(&["BEGIN", "SELECT b", "COMMIT"]);
        assert!(compare(&hermes, &other).unwrap_err().to_string().contains("SELECT b"));
    }
}
