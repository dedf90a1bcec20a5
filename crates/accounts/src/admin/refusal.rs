//! Every text with which a change is refused, next to each other so that they speak alike: what is the matter, then
//! the command that helps.

use crate::cost::HashFault;
use crate::error::AdminError;
use crate::limits;
use crate::names::{AccountName, Address, DomainName};

use super::DomainKind;

fn refused(text: String) -> AdminError {
    AdminError::Refused(text)
}

pub(super) fn no_domain() -> AdminError {
    refused(
        "there is no domain yet, so the account would have no address; first run: yubin domain add DOMAIN"
            .into(),
    )
}

pub(super) fn no_domain_of(brand: &str) -> AdminError {
    refused(format!(
        "the brand {brand} has no domain yet, so the account would have no address; first run: yubin domain add DOMAIN --brand {brand}"
    ))
}

pub(super) fn domain_exists(name: &DomainName, kind: &DomainKind) -> AdminError {
    refused(match kind {
        DomainKind::Ours => format!("the domain {name} is there already; see: yubin domain list"),
        DomainKind::Equivalent(home) => {
            format!(
                "the domain {name} is equivalent to {home}; to change that, first run: yubin domain remove {name}"
            )
        }
        DomainKind::Barred(_) => {
            format!("the domain {name} is barred; to change that, first run: yubin domain remove {name}")
        }
    })
}

pub(super) fn domain_unknown(name: &DomainName) -> AdminError {
    refused(format!("the domain {name} is not known here; see: yubin domain list"))
}

pub(super) fn domain_is_equivalent(name: &str, home: &str) -> AdminError {
    refused(format!("the domain {name} is equivalent to {home}; name {home} itself"))
}

pub(super) fn domain_barred(name: &str) -> AdminError {
    refused(format!("the domain {name} is barred: nobody has addresses there; see: yubin domain show {name}"))
}

pub(super) fn default_stays(name: &DomainName, home: &str) -> AdminError {
    refused(format!(
        "{name} is the default domain, in which issued addresses are; make the other one equivalent to it: yubin domain equivalent {home} {name}"
    ))
}

pub(super) fn domains_clash(home: &str, clashes: &[String]) -> AdminError {
    let names = clashes.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if clashes.len() > 5 { " and more" } else { "" };
    refused(format!(
        "these names belong to one account here and to another at {home}: {names}{more}; remove one of each first: yubin address remove ADDRESS"
    ))
}

pub(super) fn domain_has_addresses(name: &str, addresses: i64) -> AdminError {
    refused(format!(
        "the domain {name} has {addresses} addresses; remove them first, see: yubin address list"
    ))
}

pub(super) fn domain_has_equivalents(name: &str) -> AdminError {
    refused(format!("other domains are equivalent to {name}; remove those first, see: yubin domain list"))
}

pub(super) fn account_has_a_duty(login: &AccountName, domain: &str, option: &str) -> AdminError {
    refused(format!(
        "{login} is the {option} of {domain}; name another first: yubin domain set {domain} {option}=LOGIN"
    ))
}

pub(super) fn no_reply_text() -> AdminError {
    refused(format!(
        "a text for clients is one line of at most {} ASCII characters; write it without line breaks and accents",
        limits::REPLY_TEXT
    ))
}

pub(super) fn no_separators() -> AdminError {
    refused(
        "separators are up to four of + - = # _, for example separators=+ ; for none write separators=none"
            .into(),
    )
}

pub(super) fn name_reserved(name: &str) -> AdminError {
    refused(format!("the name {name} is reserved; see: yubin address reserved; if you mean it, give --force"))
}

pub(super) fn name_is_a_login(address: &Address) -> AdminError {
    let name = address.local_part();
    refused(format!(
        "{name} is another account's login, so {address} would be taken for it; choose another, or see: yubin account show {name}; if you mean it, give --force"
    ))
}

pub(super) fn login_is_a_name(login: &str, domain: &str, owner: &str) -> AdminError {
    refused(format!(
        "{login}@{domain} was chosen by {owner}, so the login would be taken for it; choose another login, or see: yubin account show {owner}; if you mean it, give --force"
    ))
}

pub(super) fn address_released(address: &Address, login: &str, seconds: i64) -> AdminError {
    let days = (seconds + 24 * 60 * 60 - 1) / (24 * 60 * 60);
    refused(format!(
        "the address {address} was {login}'s; it is free again in {days} days; if nobody writes to its old owner any more, give --force"
    ))
}

pub(super) fn issued_is_not_added() -> AdminError {
    refused(
        "an issued address comes with its account; choose another kind: alias, personal, own or id".into(),
    )
}

pub(super) fn id_address_is_the_login(address: &Address, login: &str) -> AdminError {
    refused(format!(
        "an address of kind id is the login in another domain; that would be {login}@{}",
        address.domain()
    ))
}

pub(super) fn primary_stays_on(address: &Address, login: &str) -> AdminError {
    refused(format!(
        "{address} is the primary address of {login}; make another one primary first: yubin address primary ADDRESS"
    ))
}

pub(super) fn primary_must_be_on(address: &Address) -> AdminError {
    refused(format!("{address} is off; first run: yubin address on {address}"))
}

pub(super) fn domain_not_ours(domain: &str) -> AdminError {
    refused(format!("the domain {domain} is not ours; if it should be, run: yubin domain add {domain}"))
}

pub(super) fn login_taken(login: &AccountName) -> AdminError {
    refused(format!("the login {login} is taken; see it with: yubin account show {login}"))
}

pub(super) fn no_account(login: &AccountName) -> AdminError {
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

pub(super) fn no_address(address: &Address) -> AdminError {
    refused(format!("there is no address {address}; see: yubin address list"))
}

pub(super) fn issued_address_stays(address: &Address, login: &str) -> AdminError {
    refused(format!(
        "{address} is the address that {login} was issued with; it stays as long as the account (yubin account remove {login})"
    ))
}

pub(super) fn nothing_to_stop() -> AdminError {
    refused("a suspension stops something: sending, reading or receiving".into())
}

pub(super) fn no_brand(name: &str) -> AdminError {
    refused(format!(
        "there is no brand {name}; make it with: yubin brand add {name}, or see: yubin brand list"
    ))
}

pub(super) fn another_brand(what: &str, its: &str, wanted: &str) -> AdminError {
    let named = |brand: &str| {
        if brand.is_empty() { "the default brand".into() } else { format!("the brand {brand}") }
    };
    refused(format!(
        "{what} is of {}, not of {}; customers of two brands have nothing in common: choose one of the same brand, or name the other by --brand",
        named(its),
        named(wanted)
    ))
}

pub(super) fn brand_exists(name: &str) -> AdminError {
    refused(format!("the brand {name} is there already; see: yubin brand list"))
}

pub(super) fn no_plan(name: &str) -> AdminError {
    refused(format!("there is no plan {name}; see: yubin plan list"))
}

pub(super) fn plan_exists(name: &str) -> AdminError {
    refused(format!("the plan {name} is there already; see: yubin plan show {name}"))
}

pub(super) fn contract_is_full(contract: &str, plan: &str, accounts: i64) -> AdminError {
    refused(format!(
        "the contract {contract} has all {accounts} accounts that the plan {plan} allows; see: yubin account list --contract {contract}"
    ))
}

pub(super) fn pattern_used_up(plan: &str, pattern: &str) -> AdminError {
    refused(format!(
        "hardly a login of the shape {pattern} is free; make a plan with a longer one than {plan} has"
    ))
}

pub(super) fn hash(fault: &HashFault) -> AdminError {
    refused(fault.to_string())
}

pub(super) fn no_apop_key() -> AdminError {
    refused(
        "APOP needs a key file to seal the password with: write apop_key = \"FILE\" in [accounts], a file beside the account database, then run: yubin check --create"
            .into(),
    )
}

pub(super) fn apop_without_password() -> AdminError {
    refused("APOP needs the account to have a password".into())
}

pub(super) fn on_another_line(what: &str, line: u64) -> AdminError {
    AdminError::Refused(format!("{what} stands on line {line} already"))
}

pub(super) fn there_without(login: &AccountName, address: &Address) -> AdminError {
    AdminError::Refused(format!(
        "the account {login} is there already, without {address}; give it with: yubin address add {address} {login}"
    ))
}

pub(super) fn password_and_hash() -> AdminError {
    AdminError::Refused("there is a password and a hash; leave one of them empty".to_owned())
}

pub(super) fn contract_without_plan() -> AdminError {
    AdminError::Refused("a contract needs a plan; name one, or leave the contract empty".to_owned())
}
