//! How much may be sent, by accounts and by plans.

use crate::Allowance;
use crate::error::{AdminError, Unavailable};
use crate::sending::{Sending, SendingLimit};
use crate::store::Change;

use super::plan;

pub(crate) async fn plan_id(change: &mut Change, name: &str) -> Result<i64, AdminError> {
    Ok(plan::must_find(change, name).await?.id)
}

/// Changes limits by the statements to read and to write them; what they are then.
pub(crate) async fn set_sending(
    change: &mut Change,
    (read, write): (&'static str, &'static str),
    id: i64,
    changes: &[(SendingLimit, Allowance)],
) -> Result<Sending<Allowance>, Unavailable> {
    let setting = || Unavailable::when("setting how much may be sent");
    let limits: String =
        sqlx::query_scalar(read).bind(id).fetch_one(&mut **change).await.map_err(setting())?;
    let limits = Sending::from_column(&limits).with(changes);
    let written = sqlx::query(write).bind(id).bind(limits.column()).execute(&mut **change).await;
    written.map(|_| limits).map_err(setting())
}
