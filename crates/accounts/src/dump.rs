//! The whole database as text: of one moment, the same from both kinds of database, and into both.
//!
//! One JSON object a line: first the version, then a row each, tables in an order in which every row finds what it refers to. The
//! hashes of passwords are in it, and sealed APOP secrets, whose key is not.

use std::io::{self, BufRead, Write};

use serde_json::{Map, Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Column as _, Row as _, Transaction};

use crate::error::{AdminError, OpenError, Unavailable};
use crate::store::Store;
use crate::{Accounts, DatabaseConfig, schema, sql};

/// An account that is in a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpedAccount {
    /// Its login.
    pub login: String,
    /// The name of its Maildir's directory.
    pub mailbox: String,
}

/// Why a dump was not restored. The database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The database cannot be made or opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is not empty, or the dump is none.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

const FORMAT: i64 = 1;

impl Accounts {
    /// Writes all that the database holds at one moment, while others may change it; the accounts that are in it.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`] for the database, [`AdminError::Refused`] where `out` cannot be written.
    pub async fn dump(&self, out: &mut (dyn Write + Send)) -> Result<Vec<DumpedAccount>, AdminError> {
        let store = &self.shared.store;
        let reading = || Unavailable::when("reading it for a dump");
        let mut moment = store.readers().begin_with(store.backend().snapshot()).await.map_err(reading())?;
        let versions: Vec<i64> =
            sqlx::query_scalar(sql::MIGRATIONS).fetch_all(&mut *moment).await.map_err(reading())?;
        let schema = versions.into_iter().max().unwrap_or(0);
        line(out, &json!({ "yubin_accounts": FORMAT, "schema": schema }))?;
        let mut accounts = Vec::new();
        for (table, statement) in sql::DUMP {
            let rows = sqlx::query(*statement).fetch_all(&mut *moment).await.map_err(reading())?;
            for row in rows {
                let row = columns(&row).map_err(reading())?;
                if *table == "account" {
                    let text =
                        |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                    accounts.push(DumpedAccount { login: text("login"), mailbox: text("mailbox") });
                }
                line(out, &json!({ "table": table, "row": row }))?;
            }
        }
        Ok(accounts)
    }

    /// Fills a database that does not exist, or is empty, with what a dump holds; a dump of an older program is brought up to date.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing is changed then, but that an empty database may be there.
    pub async fn restore(
        config: &DatabaseConfig,
        dump: &mut (dyn BufRead + Send),
    ) -> Result<(), RestoreError> {
        let mut lines = dump.lines();
        let head = lines.next().map(parse).transpose()?.unwrap_or_default();
        let number = |key: &str| head.get(key).and_then(Value::as_i64);
        let (Some(FORMAT), Some(version)) = (number("yubin_accounts"), number("schema")) else {
            return Err(refused("this is no dump of an account database that this program knows").into());
        };
        if version > schema::newest() {
            return Err(refused("this dump was made by a newer program; use that program").into());
        }
        let store = Store::create_of(config, version).await?;
        let filled = fill(&store, version, lines).await;
        store.close().await;
        filled?;
        let accounts = Accounts::create(config).await?;
        let change = accounts.begin().await.map_err(AdminError::from)?;
        accounts.shared.store.commit(change, "restore", "all").await.map_err(AdminError::from)?;
        accounts.close().await;
        Ok(())
    }
}

/// The tables are those of the dump's version, so that this is no change like others: those write what later versions know.
async fn fill(
    store: &Store,
    version: i64,
    lines: impl Iterator<Item = io::Result<String>>,
) -> Result<(), AdminError> {
    let writing = || Unavailable::when("filling it from a dump");
    let mut change = store.begin_plain().await?;
    let (domains, accounts, _): (i64, i64, i64) =
        sqlx::query_as(sql::COUNTS).fetch_one(&mut *change).await.map_err(writing())?;
    if domains + accounts > 0 {
        return Err(refused("the account database is not empty; a dump is restored into an empty one only"));
    }
    // What a new database begins with.
    for (_, statement) in sql::CLEAR.iter().filter(|(since, _)| *since <= version) {
        sqlx::query(*statement).execute(&mut *change).await.map_err(writing())?;
    }
    for line in lines {
        let line = parse(line)?;
        let (table, row) =
            (line.get("table").and_then(Value::as_str), line.get("row").and_then(Value::as_object));
        match (table, row) {
            (Some(table), Some(row)) if sql::DUMP.iter().any(|(name, _)| *name == table) => {
                insert(&mut change, table, row).await?;
            }
            _ => return Err(refused("the dump has a line that is no row")),
        }
    }
    Ok(change.commit().await.map_err(writing())?)
}

async fn insert(
    change: &mut Transaction<'static, Any>,
    table: &str,
    row: &Map<String, Value>,
) -> Result<(), AdminError> {
    // They become part of a statement.
    let harmless = |name: &String| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if row.is_empty() || !row.keys().all(harmless) {
        return Err(refused("the dump has a column that cannot be one"));
    }
    let names = row.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let places = (1..=row.len()).map(|nth| format!("${nth}")).collect::<Vec<_>>().join(", ");
    let statement = format!("INSERT INTO {table} ({names}) VALUES ({places})");
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for value in row.values() {
        query = match (value.as_i64(), value.as_str()) {
            (Some(number), _) => query.bind(number),
            (_, Some(text)) => query.bind(text.to_owned()),
            _ => return Err(refused("the dump has a value that is neither a number nor a text")),
        };
    }
    query.execute(&mut **change).await.map_err(Unavailable::when("filling it from a dump"))?;
    Ok(())
}

/// All columns are TEXT or BIGINT, and none is NULL.
fn columns(row: &AnyRow) -> Result<Map<String, Value>, sqlx::Error> {
    let mut columns = Map::new();
    for column in row.columns() {
        let at = column.ordinal();
        let value = match row.try_get::<i64, _>(at) {
            Ok(number) => number.into(),
            Err(_) => row.try_get::<String, _>(at)?.into(),
        };
        columns.insert(column.name().to_owned(), value);
    }
    Ok(columns)
}

fn line(out: &mut (dyn Write + Send), value: &Value) -> Result<(), AdminError> {
    writeln!(out, "{value}").map_err(|error| refused(&format!("the dump cannot be written: {error}")))
}

fn parse(line: io::Result<String>) -> Result<Map<String, Value>, AdminError> {
    let line = line.map_err(|error| refused(&format!("the dump cannot be read: {error}")))?;
    serde_json::from_str(&line)
        .map_err(|error| refused(&format!("the dump has a line that is no row: {error}")))
}

fn refused(text: &str) -> AdminError {
    AdminError::Refused(text.to_owned())
}
