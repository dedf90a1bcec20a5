//! Which account an address leads to: asked for mail that comes, and for who may write as it.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::admin::DUTIES;
use crate::error::Unavailable;
use crate::names::{DomainName, LocalPart};
use crate::questions::{Account, Mailbox, Resolution};
use crate::quota::Allowances;
use crate::standing::RECEIVING;
use crate::store::now;
use crate::{AccountId, Accounts, sql};

/// The account that an address leads to.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    mailbox: Mailbox,
    receives: Receives,
}

/// Whether mail from outside comes to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receives {
    Yes,
    NotYet,
    No,
}

impl FromRow<'_, AnyRow> for Owner {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let forwards: i64 = row.try_get("forwards")?;
        let mailbox = Mailbox {
            account: AccountId::new(row.try_get("id")?),
            login: row.try_get("login")?,
            key: row.try_get("mailbox")?,
            quota: Allowances::from_columns(row.try_get("quota_octets")?, row.try_get("quota_messages")?),
            forwards: forwards > 0,
        };
        let (state, stops): (&str, i64) = (row.try_get("state")?, row.try_get("stops")?);
        let receives = match state {
            "active" => Receives::Yes,
            "suspended" if stops & RECEIVING == 0 => Receives::Yes,
            "staged" => Receives::NotYet,
            _ => Receives::No,
        };
        Ok(Self { mailbox, receives })
    }
}

/// What there is of an address in a domain that is known.
struct Place {
    kind: String,
    refusal: String,
    home: Home,
    owner: Option<Owner>,
    /// Of an address that is there.
    enabled: Option<i64>,
    /// Of one that somebody had.
    free_at: Option<i64>,
}

impl FromRow<'_, AnyRow> for Place {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let owner: Option<i64> = row.try_get("id")?;
        Ok(Self {
            kind: row.try_get("kind")?,
            refusal: row.try_get("refusal")?,
            home: Home {
                id: row.try_get("home_id")?,
                separators: row.try_get("separators")?,
                catch_all: row.try_get("catch_all_id")?,
            },
            owner: owner.map(|_| Owner::from_row(row)).transpose()?,
            enabled: row.try_get("enabled")?,
            free_at: row.try_get("free_at")?,
        })
    }
}

/// What an address leads to.
enum Lead {
    Barred(String),
    NotOurs,
    /// To this account, by an address of its own or a catch-all.
    Owner(Owner),
    /// To this account, or none yet, because a domain has to have `postmaster@` and `abuse@`.
    Duty(Option<Owner>),
    Nobody,
}

/// What the database has on an address itself.
enum Found {
    Lead(Lead),
    /// The domain is ours, and the address is one that leads nowhere: it is off, or it was somebody's a short while ago.
    Held(Home),
    /// The domain is ours, and nobody has the address.
    Nobody(Home),
}

/// The domain in which an address stands, whichever name was used.
struct Home {
    id: i64,
    separators: String,
    catch_all: i64,
}

impl Accounts {
    /// Which mailbox an address belongs to. Neither part's case matters, nor which of a domain's equivalent names is used.
    ///
    /// An address itself goes before the sub-address that it may look like, that before `postmaster@` and `abuse@`, which every domain
    /// has (RFC 5321 §4.5.1, RFC 2142 §2), and those before a catch-all. Mail to `postmaster@` and `abuse@` comes to who is appointed in
    /// the domain, else to who has the address, else to who is appointed in the default domain; it is taken in whatever state they are.
    /// An address that is off, or in quarantine, is an unknown user's, whatever else it looks like: mail for its owner is nobody else's.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn resolve(&self, local_part: &str, domain: &str) -> Result<Resolution, Unavailable> {
        Ok(match self.lead(local_part, domain).await? {
            Lead::Barred(text) => Resolution::Barred(text),
            Lead::NotOurs => Resolution::NotOurs,
            Lead::Nobody => Resolution::UnknownUser,
            Lead::Duty(None) => Resolution::NoPostmaster,
            // Never refused, whatever the state of the account.
            Lead::Duty(Some(owner)) => Resolution::Mailbox(owner.mailbox),
            Lead::Owner(owner) => match owner.receives {
                Receives::Yes => Resolution::Mailbox(owner.mailbox),
                Receives::NotYet => Resolution::Unready,
                Receives::No => Resolution::Disabled,
            },
        })
    }

    /// Who gets mail for `postmaster` without a domain (RFC 5321 §4.5.1): that of this host's own domain, else that of
    /// the default domain of the brand of [`Accounts::at_brand`].
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn postmaster(&self, hostname: &str) -> Result<Resolution, Unavailable> {
        match self.resolve("postmaster", hostname).await? {
            Resolution::NotOurs | Resolution::Barred(_) => {
                let home: Option<(i64, String)> = sqlx::query_as(sql::DEFAULT_DOMAIN)
                    .bind(&*self.brand)
                    .fetch_optional(self.shared.store.readers())
                    .await
                    .map_err(Unavailable::when("looking up a brand's domain"))?;
                let appointed = self.owner(sql::POSTMASTER, home.map_or(0, |(id, _)| id)).await?;
                Ok(appointed.map_or(Resolution::NoPostmaster, |owner| Resolution::Mailbox(owner.mailbox)))
            }
            resolution => Ok(resolution),
        }
    }

    /// Whether an account may write as an address: it may as each by which mail would come to it, in whatever state it is.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn owns(&self, account: &Account, local_part: &str, domain: &str) -> Result<bool, Unavailable> {
        Ok(match self.lead(local_part, domain).await? {
            Lead::Owner(owner) | Lead::Duty(Some(owner)) => owner.mailbox.account == account.id,
            _ => false,
        })
    }

    /// The address that an account writes as by default.
    ///
    /// # Errors
    /// [`Unavailable`]: try again later, `4xx`.
    pub async fn primary_address(&self, account: &Account) -> Result<Option<String>, Unavailable> {
        let row: Option<(String, String)> = sqlx::query_as(sql::PRIMARY)
            .bind(account.id.get())
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up an address"))?;
        Ok(row.map(|(local_part, domain)| format!("{local_part}@{domain}")))
    }

    async fn lead(&self, local_part: &str, domain: &str) -> Result<Lead, Unavailable> {
        let Ok(domain) = DomainName::parse(domain) else { return Ok(Lead::NotOurs) };
        // A local part that no account can have is looked up as the empty one, which none has: the domain decides.
        let local_part = LocalPart::parse(local_part);
        let local_part = local_part.as_ref().map_or("", LocalPart::as_str);
        let (home, held) = match self.look_up(local_part, &domain).await? {
            // Accounts of these names have the addresses without asking for them: who was asked to answer goes first.
            Found::Lead(Lead::Owner(owner)) if DUTIES.contains(&local_part) => {
                let appointed = self.owner(sql::APPOINTED, domain.as_str()).await?;
                return Ok(Lead::Duty(Some(appointed.unwrap_or(owner))));
            }
            Found::Lead(lead) => return Ok(lead),
            Found::Held(home) => (home, true),
            Found::Nobody(home) => (home, false),
        };
        if !held && let Some(name) = without_tag(local_part, &home.separators) {
            match self.look_up(name, &domain).await? {
                Found::Lead(lead) => return Ok(lead),
                Found::Held(_) => return Ok(Lead::Nobody),
                Found::Nobody(_) => {}
            }
        }
        if DUTIES.contains(&local_part) {
            return Ok(Lead::Duty(self.owner(sql::POSTMASTER, home.id).await?));
        }
        let catch_all = match home.catch_all {
            0 => None,
            _ if held || local_part.is_empty() => None,
            account => self.owner(sql::MAILBOX, account).await?,
        };
        Ok(catch_all.map_or(Lead::Nobody, Lead::Owner))
    }

    /// What the database has on an address: from it, or for an owner as it answered before if nothing changed in it since.
    async fn look_up(&self, local_part: &str, domain: &DomainName) -> Result<Found, Unavailable> {
        let answers = &self.shared.answers;
        let looking = Unavailable::when("looking up an address");
        let Some(now) = self.shared.as_of().await.map_err(looking)? else {
            return self.ask_for(local_part, domain).await;
        };
        let address = (local_part.to_owned(), domain.as_str().to_owned());
        if let Some(owner) = answers.owners.find(now, &address) {
            return Ok(Found::Lead(Lead::Owner(owner)));
        }
        if answers.foreign.find(now, domain.as_str()).is_some() {
            return Ok(Found::Lead(Lead::NotOurs));
        }
        let found = self.ask_for(local_part, domain).await?;
        match &found {
            Found::Lead(Lead::Owner(owner)) => answers.owners.keep(now, address, owner.clone()),
            Found::Lead(Lead::NotOurs) => answers.foreign.keep(now, address.1, ()),
            // Of what has no owner in a domain of ours the time decides too, and strangers make up any number of addresses.
            _ => {}
        }
        Ok(found)
    }

    async fn ask_for(&self, local_part: &str, domain: &DomainName) -> Result<Found, Unavailable> {
        let place: Option<Place> = sqlx::query_as(sql::RESOLVE)
            .bind(domain.as_str())
            .bind(local_part)
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up an address"))?;
        let Some(place) = place else { return Ok(Found::Lead(Lead::NotOurs)) };
        if place.kind == "barred" {
            return Ok(Found::Lead(Lead::Barred(place.refusal)));
        }
        let is_held = place.enabled == Some(0) || place.free_at.is_some_and(|free_at| free_at > now());
        Ok(match place.owner {
            Some(owner) => Found::Lead(Lead::Owner(owner)),
            None if is_held => Found::Held(place.home),
            None => Found::Nobody(place.home),
        })
    }

    async fn owner<'k, K>(&self, statement: &'static str, key: K) -> Result<Option<Owner>, Unavailable>
    where
        K: sqlx::Encode<'k, sqlx::Any> + sqlx::Type<sqlx::Any> + Send + 'k,
    {
        sqlx::query_as(statement)
            .bind(key)
            .fetch_optional(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("looking up a mailbox"))
    }
}

/// The name in front of the first separator, if there is one and there is a name.
fn without_tag<'l>(local_part: &'l str, separators: &str) -> Option<&'l str> {
    let (name, _) = local_part.split_once(|c| separators.contains(c))?;
    (!name.is_empty()).then_some(name)
}
