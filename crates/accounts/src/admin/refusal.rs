//! Every text with which a change is refused, next to each other so that they speak alike: what is the matter, then
//! the command that helps.

use crate::error::AdminError;
use crate::names::{Address, DomainName, Login};

fn refused(text: String) -> AdminError {
    AdminError::Refused(text)
}

pub(super) fn no_domain() -> AdminError {
    refused(
        "there is no domain yet, so the account would have no address; first run: yubin domain add DOMAIN"
            .into(),
    )
}

pub(super) fn domain_exists(name: &DomainName) -> AdminError {
    refused(format!("the domain {name} is there already; see: yubin domain list"))
}

pub(crate) fn domain_not_ours(domain: &str) -> AdminError {
    refused(format!("the domain {domain} is not ours; if it should be, run: yubin domain add {domain}"))
}

pub(super) fn login_taken(login: &Login) -> AdminError {
    refused(format!("the login {login} is taken; see it with: yubin account show {login}"))
}

pub(super) fn no_account(login: &Login) -> AdminError {
    refused(format!("there is no account {login}; see: yubin account list"))
}

pub(super) fn no_account_for_address(address: &Address, owner: Option<&str>) -> AdminError {
    refused(match owner {
        Some(login) => format!("{address} is an address, not a login; its account is {login}"),
        None => format!("{address} is an address, not a login; see: yubin account list"),
    })
}

pub(super) fn address_taken(address: &Address, owner: &str) -> AdminError {
    refused(format!(
        "the address {address} belongs to {owner}; choose another, or see: yubin account show {owner}"
    ))
}

pub(super) fn issued_address_taken(address: &Address, owner: &str) -> AdminError {
    refused(format!(
        "the login would have the address {address}, which belongs to {owner}; choose another login, or see: yubin account show {owner}"
    ))
}

pub(super) fn taken_at_the_same_instant() -> AdminError {
    refused("somebody else changed the same name at the same instant; look, and run the command again".into())
}

pub(super) fn no_address(address: &Address) -> AdminError {
    refused(format!("there is no address {address}; see: yubin address list"))
}

pub(super) fn issued_address_stays(address: &Address, login: &str) -> AdminError {
    refused(format!(
        "{address} is the address that {login} was issued with; it stays as long as the account (yubin account remove {login})"
    ))
}

pub(super) fn no_apop_key() -> AdminError {
    refused(
        "APOP needs a key file to seal the password with: write apop_key = \"apop.key\" in [accounts], then run: yubin check --create"
            .into(),
    )
}

pub(super) fn apop_without_password() -> AdminError {
    refused("APOP needs the account to have a password".into())
}
