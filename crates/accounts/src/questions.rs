//! What the daemons ask.

use std::net::IpAddr;
use std::time::Instant;

use auth_sasl::{Claim, Secret};

use crate::admin::DUTIES;
use crate::error::Unavailable;
use crate::guesses::Budget;
use crate::names::{DomainName, LocalPart, Login};
use crate::quota::Allowances;
use crate::{AccountId, Accounts, Shared, sql};

/// Where mail for an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The domain is known as one where nobody has mail: `550 5.1.2`, with this text for the sender if it is not empty.
    Barred(String),
    /// Into this mailbox.
    Mailbox(Mailbox),
    /// It is `postmaster@` or `abuse@` a domain of ours, and nobody is appointed yet: `451`, and the operator has to hear of it.
    NoPostmaster,
    /// Mail for this domain is not ours to keep.
    NotOurs,
    /// The domain is ours, and nobody there has this local part: `550 5.1.1`, at RCPT.
    UnknownUser,
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

type MailboxRow = (i64, String, String, i64, i64);

type Resolved =
    (String, String, i64, String, i64, Option<i64>, Option<String>, Option<String>, Option<i64>, Option<i64>);

/// What the database has on an address.
enum Found {
    Answer(Resolution),
    /// The domain is ours, and nobody has the address itself.
    Nobody(Home),
}

/// The domain in which an address stands, whichever name was used.
struct Home {
    id: i64,
    separators: String,
    catch_all: i64,
}

impl Mailbox {
    fn new((account, login, key, octets, messages): MailboxRow) -> Self {
        let quota = Allowances::from_columns(octets, messages);
        Self { account: AccountId::new(account), login, key, quota }
    }
}

/// The name in front of the first separator, if there is one and there is a name.
fn without_tag<'l>(local_part: &'l str, separators: &str) -> Option<&'l str> {
    let (name, _) = local_part.split_once(|c| separators.contains(c))?;
    (!name.is_empty()).then_some(name)
}

/// What the database has on a login.
struct Known {
    account: Account,
    credential: Option<String>,
}

impl Accounts {
    /// Which mailbox an address belongs to. Neither part's case matters, nor which of a domain's equivalent names is used.
    ///
    /// An address itself goes before the sub-address that it may look like, that before `postmaster@` and `abuse@`, which every domain
    /// has (RFC 5321 §4.5.1, RFC 2142 §2), and those before a catch-all.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn resolve(&self, local_part: &str, domain: &str) -> Result<Resolution, Unavailable> {
        let Ok(domain) = DomainName::parse(domain) else { return Ok(Resolution::NotOurs) };
        // A local part that no account can have is looked up as the empty one, which none has: the domain decides.
        let local_part = LocalPart::parse(local_part);
        let local_part = local_part.as_ref().map_or("", LocalPart::as_str);
        let home = match self.look_up(local_part, &domain).await? {
            Found::Answer(resolution) => return Ok(resolution),
            Found::Nobody(home) => home,
        };
        if let Some(name) = without_tag(local_part, &home.separators)
            && let Found::Answer(resolution) = self.look_up(name, &domain).await?
        {
            return Ok(resolution);
        }
        if DUTIES.contains(&local_part) {
            let appointed = self.mailbox(sql::POSTMASTER, home.id).await?;
            return Ok(appointed.map_or(Resolution::NoPostmaster, Resolution::Mailbox));
        }
        let catch_all = match home.catch_all {
            0 => None,
            _ if local_part.is_empty() => None,
            account => self.mailbox(sql::MAILBOX, account).await?,
        };
        Ok(catch_all.map_or(Resolution::UnknownUser, Resolution::Mailbox))
    }

    /// Who gets mail for `postmaster` without a domain (RFC 5321 §4.5.1): that of this host's own domain, else the default domain's.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn postmaster(&self, hostname: &str) -> Result<Resolution, Unavailable> {
        match self.resolve("postmaster", hostname).await? {
            Resolution::NotOurs | Resolution::Barred(_) => {
                let appointed = self.mailbox(sql::POSTMASTER, 0).await?;
                Ok(appointed.map_or(Resolution::NoPostmaster, Resolution::Mailbox))
            }
            resolution => Ok(resolution),
        }
    }

    async fn look_up(&self, local_part: &str, domain: &DomainName) -> Result<Found, Unavailable> {
        let row: Option<Resolved> = sqlx::query_as(sql::RESOLVE)
            .bind(domain.as_str())
            .bind(local_part)
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up an address"))?;
        let Some((kind, refusal, id, separators, catch_all, account, login, key, octets, messages)) = row
        else {
            return Ok(Found::Answer(Resolution::NotOurs));
        };
        if kind == "barred" {
            return Ok(Found::Answer(Resolution::Barred(refusal)));
        }
        Ok(match (account, login, key) {
            (Some(account), Some(login), Some(key)) => {
                let quota = (octets.unwrap_or(-1), messages.unwrap_or(-1));
                let mailbox = Mailbox::new((account, login, key, quota.0, quota.1));
                Found::Answer(Resolution::Mailbox(mailbox))
            }
            _ => Found::Nobody(Home { id, separators, catch_all }),
        })
    }

    async fn mailbox(&self, statement: &'static str, id: i64) -> Result<Option<Mailbox>, Unavailable> {
        let row: Option<MailboxRow> = sqlx::query_as(statement)
            .bind(id)
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up a mailbox"))?;
        Ok(row.map(Mailbox::new))
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
            Some(Known { credential: None, .. }) => Verdict::Rejected(Why::NoCredential),
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
        found: Option<&Known>,
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

    async fn find(&self, login: &str, kind: &str) -> Result<Option<Known>, Unavailable> {
        let Ok(login) = Login::parse(login) else { return Ok(None) };
        let row: Option<(i64, String, String, i64, i64, Option<String>)> = sqlx::query_as(sql::CREDENTIAL)
            .bind(login.as_str())
            .bind(kind)
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up a login"))?;
        Ok(row.map(|(id, login, mailbox, octets, messages, credential)| {
            let quota = Allowances::from_columns(octets, messages);
            Known { account: Account { id: AccountId::new(id), login, mailbox, quota }, credential }
        }))
    }

    /// The secret to verify an APOP claim with; an empty one, which [`Accounts::authenticate`] does not accept, where
    /// there is none.
    fn shared_secret(&self, found: Option<&Known>) -> Result<Secret, Unavailable> {
        let Some(Known { account, credential: Some(sealed) }) = found else {
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
