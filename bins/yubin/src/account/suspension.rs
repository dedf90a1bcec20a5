//! `yubin account suspend` and `resume`: what becomes of the account's queue with it.

use accounts::Accounts;

use super::{Shown, as_facts, whole};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Output;
use crate::{held, life};

pub(super) async fn suspend(
    settings: &Settings,
    accounts: &Accounts,
    wanted: &life::Suspend,
    output: Output,
) -> Result<(), Failure> {
    let stops_sending = life::suspend(accounts, wanted).await?;
    let shown = whole(settings, accounts, wanted.login()).await?;
    let held = if stops_sending { held::hold(settings, &shown.login).await? } else { 0 };
    print_with_queue(shown, held, output)
}

pub(super) async fn resume(
    settings: &Settings,
    accounts: &Accounts,
    login: &str,
    release_queue: bool,
    output: Output,
) -> Result<(), Failure> {
    accounts.account_resume(login).await?;
    let shown = whole(settings, accounts, login).await?;
    let held = match release_queue {
        true => held::release(settings, &shown.login).await?,
        false => held::count(settings, &shown.login)?,
    };
    print_with_queue(shown, held, output)
}

/// What is held, and what to do with it.
fn print_with_queue(shown: Shown, held: usize, output: Output) -> Result<(), Failure> {
    output.print(&Shown { held_messages: Some(held), ..shown }, |shown| match held {
        0 => as_facts(shown),
        held => format!("{}\n\n{}", as_facts(shown), held::advice(&shown.login, held)),
    })
}
