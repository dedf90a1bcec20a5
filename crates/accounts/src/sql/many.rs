//! Statements about many rows at once: a trip to the database for each of a million accounts' names takes an hour. What differs between
//! two texts of one is how many rows it has.

use sqlx::any::AnyArguments;
use sqlx::{Any, AnyConnection, Arguments as _, AssertSqlSafe, Error, FromRow, any::AnyRow};

use crate::limits;

/// A statement with a list of rows in it.
pub(crate) struct Many {
    before: &'static str,
    /// Of each row.
    columns: usize,
    after: &'static str,
}

/// A number or a text in a row.
pub(crate) enum Cell {
    Number(i64),
    Text(String),
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Names → name and id of the accounts that have them.
pub(crate) const ACCOUNTS_NAMED: Many =
    Many { before: "SELECT login, id FROM account WHERE login IN (VALUES ", columns: 1, after: ")" };

/// Domain and local part each → domain, local part and owner's name of those that somebody has.
pub(crate) const OWNERS: Many = Many {
    before: "SELECT address.domain_id, address.local_part, account.login FROM address \
         JOIN account ON account.id = address.account_id \
         WHERE (address.domain_id, address.local_part) IN (VALUES ",
    columns: 2,
    after: ")",
};

/// Domain and local part each → domain, local part, account, its login, when it is free, of those that somebody had.
pub(crate) const RELEASED_MANY: Many = Many {
    before: "SELECT domain_id, local_part, account_id, login, free_at FROM released \
         WHERE (domain_id, local_part) IN (VALUES ",
    columns: 2,
    after: ")",
};

/// Local parts → brand, local part, domain and owner's name of addresses of that name that were chosen.
pub(crate) const CHOSEN_MANY: Many = Many {
    before: "SELECT COALESCE(brand.name, ''), address.local_part, domain.name, account.login FROM address \
         JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
         LEFT JOIN brand ON brand.id = domain.brand_id \
         WHERE address.kind IN ('alias', 'personal') AND address.local_part IN (VALUES ",
    columns: 1,
    after: ")",
};

/// Domain and local part each.
pub(crate) const TAKE_BACK_MANY: Many =
    Many { before: "DELETE FROM released WHERE (domain_id, local_part) IN (VALUES ", columns: 2, after: ")" };

/// Id, login, mailbox key, time, octets, plan, contract each.
pub(crate) const ADD_ACCOUNTS: Many = Many {
    before: "INSERT INTO account (id, login, mailbox, created_at, quota_octets, plan_id, contract) VALUES ",
    columns: 7,
    after: "",
};

/// Domain, local part, account, kind, time, primary each.
pub(crate) const ADD_ADDRESSES: Many = Many {
    before: "INSERT INTO address (domain_id, local_part, account_id, kind, created_at, is_primary) VALUES ",
    columns: 6,
    after: "",
};

/// Account, kind, value, time each.
pub(crate) const ADD_CREDENTIALS: Many = Many {
    before: "INSERT INTO credential (account_id, kind, value, changed_at) VALUES ",
    columns: 4,
    after: "",
};

/// Id, time, action, subject, who, account, which of its sessions end, each.
pub(crate) const ADD_AUDITS: Many = Many {
    before: "INSERT INTO audit (id, at, action, subject, who, account_id, ends) VALUES ",
    columns: 7,
    after: "",
};

impl Many {
    fn text(&self, rows: usize) -> String {
        let mut text = self.before.to_owned();
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 1..=self.columns {
                let comma = if column == 1 { "" } else { ", " };
                text.push_str(&format!("{comma}${}", row * self.columns + column));
            }
            text.push(')');
        }
        text + self.after
    }

    /// The rows that it finds for these.
    pub(crate) async fn fetch<T>(
        &self,
        connection: &mut AnyConnection,
        rows: Vec<Vec<Cell>>,
    ) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        let mut found = Vec::new();
        for (text, arguments, is_whole) in self.parts(rows) {
            let query =
                sqlx::query_as_with::<Any, T, _>(AssertSqlSafe(text), arguments?).persistent(is_whole);
            found.extend(query.fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }

    /// Does it with these.
    pub(crate) async fn execute(
        &self,
        connection: &mut AnyConnection,
        rows: Vec<Vec<Cell>>,
    ) -> Result<(), Error> {
        for (text, arguments, is_whole) in self.parts(rows) {
            let query = sqlx::query_with::<Any, _>(AssertSqlSafe(text), arguments?).persistent(is_whole);
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// Texts with what belongs into them. Those of whole parts are all one, which the connection keeps prepared.
    fn parts(
        &self,
        rows: Vec<Vec<Cell>>,
    ) -> impl Iterator<Item = (String, Result<AnyArguments, Error>, bool)> + Send {
        let (mut rest, whole) = (rows.into_iter(), limits::VALUES_AT_ONCE / self.columns);
        std::iter::from_fn(move || {
            let part: Vec<Vec<Cell>> = rest.by_ref().take(whole).collect();
            let rows = part.len();
            (rows > 0).then(|| (self.text(rows), arguments(part), rows == whole))
        })
    }
}

fn arguments(rows: Vec<Vec<Cell>>) -> Result<AnyArguments, Error> {
    let mut arguments = AnyArguments::default();
    for cell in rows.into_iter().flatten() {
        let added = match cell {
            Cell::Number(number) => arguments.add(number),
            Cell::Text(text) => arguments.add(text),
        };
        added.map_err(Error::Encode)?;
    }
    Ok(arguments)
}
