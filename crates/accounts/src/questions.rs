//! What the daemons ask.

use std::net::IpAddr;

use auth_sasl::{Claim, Secret};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::answers::Question;
use crate::error::Unavailable;
use crate::guesses::{Budget, Visit, claimed};
use crate::hash::is_foreign;
use crate::names::Login;
use crate::pop3::Pop3Rules;
use crate::quota::Allowances;
use crate::readers::in_time;
use crate::remembered::Mark;
use crate::standing::{Bar, Service, State};
use crate::{AccountId, Accounts, Shared, limits, sql};

/// Where mail for an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The domain is known as one where nobody has mail: `550 5.1.2`, with this text for the sender if it is not empty.
    Barred(String),
    /// The account gets no mail: it is suspended or closing. `550 5.2.1`.
    Disabled,
    /// Into this mailbox.
    Mailbox(Mailbox),
    /// It is `postmaster@` or `abuse@` a domain of ours, and nobody is appointed yet: `451`, and the operator has to hear of it.
    NoPostmaster,
    /// Mail for this domain is not ours to keep.
    NotOurs,
    /// The domain is ours, and nobody there has this local part: `550 5.1.1`, at RCPT.
    UnknownUser,
    /// The account gets no mail from outside yet: `450 4.2.1`.
    Unready,
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
    /// Whether there are addresses to which its mail is sent on if it may be: see [`Accounts::forwards`].
    pub forwards: bool,
}

/// Whether a claim is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is; this is who it is.
    Accepted(Account),
    /// It is, but this account may not do what it came for. It may know why.
    Barred(Account, Bar),
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
    /// The login as first issued, lower case, however the client wrote it; with `brand:` before it where that is not the default one.
    pub login: String,
    /// The name of the Maildir's directory, see [`Mailbox::key`].
    pub mailbox: String,
    /// How much it may hold.
    pub quota: Allowances,
    /// What POP3 does with its mail: its own rules, and its domain's where it has none.
    pub pop3: Pop3Rules,
    /// The last change that was made when this was true.
    pub(crate) as_of: i64,
    /// The file of the database which said so, see [`crate::readers::Readers::current`].
    pub(crate) file: u64,
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
#[derive(Clone)]
pub(crate) struct Known {
    account: Account,
    state: State,
    /// Where somebody set it.
    service: Option<bool>,
    credential: Option<String>,
}

impl FromRow<'_, AnyRow> for Known {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let of_domain: Option<&str> = row.try_get("domain_rules")?;
        let of_domain = of_domain.map(Pop3Rules::from_column).unwrap_or_default();
        let enabled: Option<i64> = row.try_get("enabled")?;
        Ok(Self {
            account: Account {
                id: AccountId::new(row.try_get("id")?),
                login: row.try_get("login")?,
                mailbox: row.try_get("mailbox")?,
                quota: Allowances::from_columns(row.try_get("quota_octets")?, row.try_get("quota_messages")?),
                pop3: Pop3Rules::from_column(row.try_get("pop3_rules")?).or(of_domain),
                as_of: row.try_get("as_of")?,
                file: 0,
            },
            state: State::from_columns(
                row.try_get("state")?,
                row.try_get("stops")?,
                row.try_get("state_text")?,
                row.try_get("state_since")?,
                row.try_get("state_until")?,
            ),
            service: enabled.map(|enabled| enabled != 0),
            credential: row.try_get("value")?,
        })
    }
}

impl Accounts {
    /// Whether a claim is true that came from an address outside, and whether its account may use a service: wrong claims are counted,
    /// and too many of them are not looked at ([`Verdict::Deferred`]).
    ///
    /// # Errors
    /// [`Unavailable`]: `454 4.7.0` or `[SYS/TEMP]`; it says nothing about the claim.
    pub async fn authenticate_from(
        &self,
        claim: &Claim,
        from: IpAddr,
        service: Service,
    ) -> Result<Verdict, Unavailable> {
        let claimed = claimed(&self.brand, claim.login());
        let mut visit = match Visit::begin(&self.shared, &claimed, from).await {
            Ok(visit) => visit,
            Err(Budget::Known) => {
                let compared = self.compare(claim, service);
                let compared = self.shared.guesses.in_turn(&claimed, from, compared).await?;
                return Ok(compared.unwrap_or(Verdict::Deferred(Budget::Known)));
            }
            Err(budget) => return Ok(Verdict::Deferred(budget)),
        };
        let verdict = self.judge(claim, Some((service, &mut visit))).await;
        match &verdict {
            Ok(Verdict::Accepted(account) | Verdict::Barred(account, _)) => visit.was_true(account.id),
            Ok(Verdict::Rejected(_)) => visit.was_wrong().await,
            Ok(Verdict::Deferred(_)) => visit.was_deferred(),
            Err(_) => visit.was_not_judged(),
        }
        verdict
    }

    /// Whether a claim is true, without counting and whatever its account may do: for who is at the machine already.
    ///
    /// A password that was good a short while ago, with the credential that is stored now, is good. Any other costs one
    /// Argon2id computation, whether or not the login exists; it waits for its turn in a pool of half the cores.
    ///
    /// # Errors
    /// [`Unavailable`]: `454 4.7.0` or `[SYS/TEMP]`; it says nothing about the claim.
    pub async fn authenticate(&self, claim: &Claim) -> Result<Verdict, Unavailable> {
        self.judge(claim, None).await
    }

    async fn judge(
        &self,
        claim: &Claim,
        visit: Option<(Service, &mut Visit<'_>)>,
    ) -> Result<Verdict, Unavailable> {
        let kind = match claim {
            Claim::Password { .. } => "password",
            Claim::Apop { .. } => "apop",
        };
        let service = visit.as_ref().map(|(service, _)| *service);
        let found = self.find(claim.login(), kind, service.unwrap_or(Service::Pop)).await?;
        let mark = self.mark(claim, found.as_ref());
        let remembered = mark.is_some_and(|mark| self.shared.remembered.knows(mark));
        if let Some((_, visit)) = visit
            && !(remembered && visit.is_known())
        {
            let account = found.as_ref().map_or(AccountId::NOBODY, |found| found.account.id);
            if let Err(budget) = visit.look(account).await {
                return Ok(Verdict::Deferred(budget));
            }
        }
        let holds = match claim {
            Claim::Password { .. } if remembered => true,
            Claim::Password { password, .. } => self.password_holds(password, found.as_ref(), mark).await?,
            Claim::Apop { .. } => claim.verify_secret(&self.shared_secret(found.as_ref())?),
        };
        self.conclude(claim, service, found, holds).await
    }

    /// What becomes of a claim whose password is remembered as good; nothing of any other.
    async fn compare(&self, claim: &Claim, service: Service) -> Result<Option<Verdict>, Unavailable> {
        let Claim::Password { .. } = claim else { return Ok(None) };
        let found = self.find(claim.login(), "password", service).await?;
        match self.mark(claim, found.as_ref()).is_some_and(|mark| self.shared.remembered.knows(mark)) {
            true => self.conclude(claim, Some(service), found, true).await.map(Some),
            false => Ok(None),
        }
    }

    async fn conclude(
        &self,
        claim: &Claim,
        service: Option<Service>,
        found: Option<Known>,
        holds: bool,
    ) -> Result<Verdict, Unavailable> {
        // The order of these lines is that of what a client may not learn; all of them answer alike.
        let found = match found {
            None => return Ok(Verdict::Rejected(Why::UnknownLogin)),
            Some(Known { credential: None, .. }) => return Ok(Verdict::Rejected(Why::NoCredential)),
            Some(_) if !holds => return Ok(Verdict::Rejected(Why::WrongSecret)),
            Some(found) if !self.acts_as_itself(claim, &found.account) => {
                return Ok(Verdict::Rejected(Why::ActingAsAnother));
            }
            Some(found) => found,
        };
        // From here on the client has proved who it is.
        let Some(service) = service else { return Ok(Verdict::Accepted(found.account)) };
        let bar = match found.state.bars(service) {
            Some(bar) => Some(bar),
            None if !found.service.unwrap_or_else(|| service.by_default()) => Some(Bar::ServiceOff(service)),
            None if matches!(claim, Claim::Apop { .. })
                && !self.has_service(found.account.id, Service::Apop).await? =>
            {
                Some(Bar::ServiceOff(Service::Apop))
            }
            None => None,
        };
        Ok(match bar {
            Some(bar) => Verdict::Barred(found.account, bar),
            None => Verdict::Accepted(found.account),
        })
    }

    /// Whether an account has a service.
    ///
    /// # Errors
    /// [`Unavailable`]: it says nothing about the account.
    pub async fn has_service(&self, account: AccountId, service: Service) -> Result<bool, Unavailable> {
        let row: Option<Option<i64>> = sqlx::query_scalar(sql::HAS_SERVICE)
            .bind(account.get())
            .bind(service.word())
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up a service"))?;
        Ok(row.flatten().map_or_else(|| service.by_default(), |enabled| enabled != 0))
    }

    /// What stands for a password in the memory of good ones, where it could be in it.
    fn mark(&self, claim: &Claim, found: Option<&Known>) -> Option<Mark> {
        let Claim::Password { password, .. } = claim else { return None };
        let Known { account, credential, .. } = found?;
        let stored = credential.as_deref()?;
        self.acts_as_itself(claim, account).then(|| self.shared.remembered.mark(account.id, stored, password))
    }

    /// Every claim that will be rejected pays for a hash.
    async fn password_holds(
        &self,
        password: &Secret,
        found: Option<&Known>,
        mark: Option<Mark>,
    ) -> Result<bool, Unavailable> {
        let Shared { hasher, remembered, .. } = &*self.shared;
        let stored = found.and_then(|found| Some((&found.account, found.credential.as_deref()?)));
        let holds = hasher.verify(password, stored.map(|(_, stored)| stored.to_owned())).await;
        let holds = holds.map_err(|unavailable| match stored {
            Some((account, _)) => unavailable.concerning(&account.login),
            None => unavailable,
        })?;
        if let Some(mark) = mark.filter(|_| holds) {
            remembered.learn(mark);
        }
        if let Some((account, stored)) = stored
            && holds
            && is_foreign(stored)
        {
            self.renew(account.id, stored, password).await;
        }
        Ok(holds)
    }

    /// Replaces another program's hash by one of ours, unless somebody else just did, or set another password. That it cannot be done
    /// now is no fault of the login: the next one does it.
    async fn renew(&self, account: AccountId, stored: &str, password: &Secret) {
        let Ok(fresh) = self.shared.hasher.hash(password).await else { return };
        let Ok(mut renewal) = self.shared.store.begin_plain().await else { return };
        let renewed = in_time(limits::ANSWER_PATIENCE, async {
            let renewing = sqlx::query(sql::RENEW_CREDENTIAL).bind(account.get()).bind(stored).bind(fresh);
            renewing.execute(&mut *renewal).await?;
            renewal.commit().await
        });
        let _ = renewed.await;
    }

    /// What is known of a login: from the database, or as it answered before if nothing changed in it since.
    async fn find(
        &self,
        login: &str,
        kind: &'static str,
        service: Service,
    ) -> Result<Option<Known>, Unavailable> {
        let Ok(login) = Login::parse(login) else { return Ok(None) };
        let login = login.at(&self.brand);
        let answers = &self.shared.answers;
        let looking = Unavailable::when("looking up a login");
        let Some(now) = self.shared.as_of().await.map_err(looking)? else {
            return self.ask(login.as_str(), kind, service).await;
        };
        let question = Question { login: login.as_str().to_owned(), kind, service };
        if let Some(known) = answers.logins.find(now, &question) {
            return Ok(Some(known));
        }
        let found = self.ask(login.as_str(), kind, service).await?;
        // A foreign hash is renewed at a login, which is no change of the account.
        if let Some(known) =
            found.as_ref().filter(|known| !known.credential.as_deref().is_some_and(is_foreign))
        {
            answers.logins.keep(now, question, known.clone());
        }
        Ok(found)
    }

    async fn ask(
        &self,
        login: &str,
        kind: &'static str,
        service: Service,
    ) -> Result<Option<Known>, Unavailable> {
        let readers = self.shared.store.readers();
        let file = readers.current().await.map_err(Unavailable::when("looking up a login"))?;
        let found: Option<Known> = sqlx::query_as(sql::CREDENTIAL)
            .bind(login)
            .bind(kind)
            .bind(service.word())
            .fetch_optional(readers)
            .await
            .map_err(Unavailable::when("looking up a login"))?;
        Ok(found.map(|found| Known { account: Account { file, ..found.account }, ..found }))
    }

    /// The secret to verify an APOP claim with; an empty one, which [`Accounts::authenticate`] does not accept, where
    /// there is none.
    fn shared_secret(&self, found: Option<&Known>) -> Result<Secret, Unavailable> {
        let Some(Known { account, credential: Some(sealed), .. }) = found else {
            return Ok(Secret::new(Vec::new()));
        };
        match &self.shared.apop {
            Some(key) => key.open(account.id, sealed),
            None => Err(Unavailable::when("opening a sealed APOP secret")(
                "no key file is configured; set apop_key in [accounts]",
            )),
        }
    }

    /// RFC 4616 §2: an empty authorization identity is the authentication identity.
    fn acts_as_itself(&self, claim: &Claim, account: &Account) -> bool {
        match claim {
            Claim::Password { authorization, .. } if !authorization.is_empty() => {
                Login::parse(authorization).is_ok_and(|other| other.at(&self.brand).as_str() == account.login)
            }
            _ => true,
        }
    }
}
