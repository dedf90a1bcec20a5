//! What the daemons ask.

use std::net::IpAddr;
use std::time::Instant;

use auth_sasl::{Claim, Secret};

use crate::error::Unavailable;
use crate::guesses::Budget;
use crate::names::{DomainName, LocalPart, Login};
use crate::pop3::Pop3Rules;
use crate::quota::Allowances;
use crate::{AccountId, Accounts, Shared, sql};

/// Where mail for an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Into this mailbox.
    Mailbox(Mailbox),
    /// The domain is ours, and nobody there has this local part: `550 5.1.1`, at RCPT.
    UnknownUser,
    /// Mail for this domain is not ours to keep.
    NotOurs,
}

/// An account's mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Whose it is.
    pub account: AccountId,
    /// The owner's login, for logs.
    pub login: String,
    /// The name of the Maildir's directory: lower-case letters, digits, `-`, `.` and `_`, beginning with a letter or
    /// digit, under 100 octets. Fixed for ever, never given to another account.
    pub key: String,
    /// How much it may hold.
    pub quota: Allowances,
}

/// Whether a claim is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is; this is who it is.
    Accepted(Account),
    /// It was not looked at: too many wrong ones came before it. A client is told to come again later (`454 4.7.0`,
    /// `[SYS/TEMP]`), never that its password is wrong.
    Deferred(Budget),
    /// It is not. The reason is for the log: a client is told the same in every case.
    Rejected(Why),
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account's number.
    pub id: AccountId,
    /// The login as first issued, lower case, however the client wrote it.
    pub login: String,
    /// The name of the Maildir's directory, see [`Mailbox::key`].
    pub mailbox: String,
    /// How much it may hold.
    pub quota: Allowances,
    /// What POP3 does with its mail: its own rules, and its domain's where it has none.
    pub pop3: Pop3Rules,
}

/// Why a claim was rejected. Never part of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No account has this login. An address or an alias is no login.
    UnknownLogin,
    /// The account has nothing to verify such a claim with: no password, or APOP is off.
    NoCredential,
    /// The password or the digest is wrong.
    WrongSecret,
    /// The password is right, but PLAIN's authorization identity names somebody else.
    ActingAsAnother,
}

impl Why {
    /// A stable word for the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::UnknownLogin => "unknown-login",
            Self::NoCredential => "no-credential",
            Self::WrongSecret => "wrong-secret",
            Self::ActingAsAnother => "acting-as-another",
        }
    }
}

/// What the database has on a login.
struct Found {
    account: Account,
    credential: Option<String>,
}

impl Accounts {
    /// Which mailbox an address belongs to. Neither part's case matters.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn resolve(&self, local_part: &str, domain: &str) -> Result<Resolution, Unavailable> {
        let Ok(domain) = DomainName::parse(domain) else { return Ok(Resolution::NotOurs) };
        // A local part that no account can have is looked up as the empty one, which none has: the domain decides.
        let local_part = LocalPart::parse(local_part);
        let local_part = local_part.as_ref().map_or("", LocalPart::as_str);
        type Row = (Option<i64>, Option<String>, Option<String>, Option<i64>, Option<i64>);
        let row: Option<Row> = sqlx::query_as(sql::RESOLVE)
            .bind(domain.as_str())
            .bind(local_part)
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up an address"))?;
        Ok(match row {
            None => Resolution::NotOurs,
            Some((Some(id), Some(login), Some(key), octets, messages)) => {
                let quota = Allowances::from_columns(octets.unwrap_or(-1), messages.unwrap_or(-1));
                Resolution::Mailbox(Mailbox { account: AccountId::new(id), login, key, quota })
            }
            Some(_) => Resolution::UnknownUser,
        })
    }

    /// Whether a claim is true that came from an address outside: as [`Accounts::authenticate`], but wrong claims are
    /// counted, and too many of them are not looked at ([`Verdict::Deferred`]).
    ///
    /// # Errors
    /// [`Unavailable`]: `454 4.7.0` or `[SYS/TEMP]`; it says nothing about the claim.
    pub async fn authenticate_from(&self, claim: &Claim, from: IpAddr) -> Result<Verdict, Unavailable> {
        let guesses = &self.shared.guesses;
        let admitted = match guesses.admit(claim.login(), from, Instant::now()) {
            Ok(admitted) => admitted,
            Err(budget) => return Ok(Verdict::Deferred(budget)),
        };
        let verdict = self.authenticate(claim).await;
        match &verdict {
            Ok(Verdict::Accepted(_)) => guesses.was_true(&admitted, Instant::now()),
            Ok(Verdict::Rejected(_)) => {}
            Ok(Verdict::Deferred(_)) | Err(_) => guesses.was_not_judged(&admitted),
        }
        verdict
    }

    /// Whether a claim is true, without counting: for who is at the machine already.
    ///
    /// A password that was good a short while ago, with the credential that is stored now, is good. Any other costs one
    /// Argon2id computation, whether or not the login exists; it waits for its turn in a pool of half the cores.
    ///
    /// # Errors
    /// [`Unavailable`]: `454 4.7.0` or `[SYS/TEMP]`; it says nothing about the claim.
    pub async fn authenticate(&self, claim: &Claim) -> Result<Verdict, Unavailable> {
        let kind = match claim {
            Claim::Password { .. } => "password",
            Claim::Apop { .. } => "apop",
        };
        let found = self.find(claim.login(), kind).await?;
        let holds = match claim {
            Claim::Password { password, .. } => self.password_holds(claim, password, found.as_ref()).await?,
            Claim::Apop { .. } => claim.verify_secret(&self.shared_secret(found.as_ref())?),
        };
        // The order of these lines is that of what a client may not learn; all of them answer alike.
        Ok(match found {
            None => Verdict::Rejected(Why::UnknownLogin),
            Some(Found { credential: None, .. }) => Verdict::Rejected(Why::NoCredential),
            Some(_) if !holds => Verdict::Rejected(Why::WrongSecret),
            Some(found) if !acts_as_itself(claim, &found.account) => Verdict::Rejected(Why::ActingAsAnother),
            Some(found) => Verdict::Accepted(found.account),
        })
    }

    /// Every claim that will be rejected pays for a hash.
    async fn password_holds(
        &self,
        claim: &Claim,
        password: &Secret,
        found: Option<&Found>,
    ) -> Result<bool, Unavailable> {
        let Shared { hasher, remembered, .. } = &*self.shared;
        let stored = found.and_then(|found| Some((&found.account, found.credential.as_deref()?)));
        let mark = stored
            .filter(|(account, _)| acts_as_itself(claim, account))
            .map(|(account, stored)| remembered.mark(account.id, stored, password));
        if mark.is_some_and(|mark| remembered.knows(mark)) {
            return Ok(true);
        }
        let holds = hasher.verify(password, stored.map(|(_, stored)| stored.to_owned())).await?;
        if let Some(mark) = mark.filter(|_| holds) {
            remembered.learn(mark);
        }
        Ok(holds)
    }

    async fn find(&self, login: &str, kind: &str) -> Result<Option<Found>, Unavailable> {
        let Ok(login) = Login::parse(login) else { return Ok(None) };
        type Row = (i64, String, String, i64, i64, String, Option<String>, Option<String>);
        let row: Option<Row> = sqlx::query_as(sql::CREDENTIAL)
            .bind(login.as_str())
            .bind(kind)
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up a login"))?;
        Ok(row.map(|(id, login, mailbox, octets, messages, rules, domains, credential)| {
            let quota = Allowances::from_columns(octets, messages);
            let domains = domains.as_deref().map(Pop3Rules::from_column).unwrap_or_default();
            let pop3 = Pop3Rules::from_column(&rules).or(domains);
            Found { account: Account { id: AccountId::new(id), login, mailbox, quota, pop3 }, credential }
        }))
    }

    /// The secret to verify an APOP claim with; an empty one, which [`Accounts::authenticate`] does not accept, where
    /// there is none.
    fn shared_secret(&self, found: Option<&Found>) -> Result<Secret, Unavailable> {
        let Some(Found { account, credential: Some(sealed) }) = found else {
            return Ok(Secret::new(Vec::new()));
        };
        match &self.shared.apop {
            Some(key) => key.open(account.id, sealed),
            None => Err(Unavailable::when("opening a sealed APOP secret")(
                "no key file is configured; set apop_key in [accounts]",
            )),
        }
    }
}

/// RFC 4616 §2: an empty authorization identity is the authentication identity.
fn acts_as_itself(claim: &Claim, account: &Account) -> bool {
    match claim {
        Claim::Password { authorization, .. } if !authorization.is_empty() => {
            Login::parse(authorization).is_ok_and(|other| other.as_str() == account.login)
        }
        _ => true,
    }
}
