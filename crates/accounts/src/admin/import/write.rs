//! Makes the accounts of a batch, all in a few statements.

use crate::error::Unavailable;
use crate::quota::Allowance;
use crate::sql::many::{self, Cell, Many};
use crate::store::{self, Change, now};

use super::super::account::mailbox_key;
use super::super::address::AddressKind;
use super::judge::Fresh;

/// With the hashes of their passwords, where they have one.
pub(super) async fn make_all(
    change: &mut Change,
    fresh: &[(Fresh<'_>, Option<&str>)],
) -> Result<(), Unavailable> {
    let Some(first) = store::next_many(change, "account", fresh.len()).await? else { return Ok(()) };
    let made: Vec<_> = (first..).zip(fresh).map(|(id, (fresh, hash))| (id, fresh, *hash)).collect();
    let now = now();
    let accounts = made.iter().map(|(id, fresh, _)| account_row(*id, fresh, now)).collect();
    execute(change, &many::ADD_ACCOUNTS, accounts).await?;

    let taken_back = made.iter().flat_map(|(_, fresh, _)| &fresh.taken_back);
    let taken_back = taken_back.map(|(home, name)| vec![(*home).into(), name.as_str().into()]).collect();
    execute(change, &many::TAKE_BACK_MANY, taken_back).await?;

    let addresses = made.iter().flat_map(|(id, fresh, _)| address_rows(*id, fresh, now)).collect();
    execute(change, &many::ADD_ADDRESSES, addresses).await?;

    let credential = |(id, _, hash): &(i64, _, Option<&str>)| {
        hash.map(|hash| vec![(*id).into(), "password".into(), hash.into(), now.into()])
    };
    execute(change, &many::ADD_CREDENTIALS, made.iter().filter_map(credential).collect()).await?;

    let subjects: Vec<(i64, &str)> =
        made.iter().map(|(id, fresh, _)| (*id, fresh.account.login.as_str())).collect();
    change.note_new("account import", &subjects).await
}

fn account_row(id: i64, fresh: &Fresh<'_>, now: i64) -> Vec<Cell> {
    let login = &fresh.account.login;
    let octets = fresh.account.incoming.quota.unwrap_or(Allowance::Configured).column();
    let contract = fresh.account.incoming.contract.as_str();
    let (plan, mailbox) = (fresh.plan.unwrap_or(0), mailbox_key(login, id));
    vec![
        id.into(),
        login.as_str().into(),
        Cell::Text(mailbox),
        now.into(),
        octets.into(),
        plan.into(),
        contract.into(),
    ]
}

fn address_rows(id: i64, fresh: &Fresh<'_>, now: i64) -> impl Iterator<Item = Vec<Cell>> {
    fresh.addresses.iter().map(move |((home, local_part), kind)| {
        let primary = i64::from(*kind == AddressKind::Issued);
        let kind = kind.word();
        vec![(*home).into(), local_part.as_str().into(), id.into(), kind.into(), now.into(), primary.into()]
    })
}

async fn execute(change: &mut Change, statement: &Many, rows: Vec<Vec<Cell>>) -> Result<(), Unavailable> {
    statement.execute(change, rows).await.map_err(Unavailable::when("making accounts"))
}
