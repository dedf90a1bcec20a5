//! Domains: ours, equivalent to one of ours, or barred. The first of ours is the default: every account has its issued address there,
//! unless its plan names another domain; and so for each brand.

use std::collections::BTreeSet;

use crate::error::{AdminError, Unavailable};
use crate::names::{DomainName, brand_of};
use crate::pop3::Pop3Rules;
use crate::store::{self, Change, now};
use crate::{AccountId, Accounts, limits, sql};

use super::language::ReportLanguage;
use super::{account, refusal};

/// A domain that we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainInfo {
    /// Lower case.
    pub name: String,
    /// What it is to us.
    pub kind: DomainKind,
    /// Whose accounts have addresses there; nothing for the default brand.
    pub brand: Option<String>,
    /// Whether issued addresses of its brand are in it where no plan names another domain: the first that was ours.
    pub default: bool,
    /// How many addresses are in it.
    pub addresses: i64,
    /// The login that gets `postmaster@` and `abuse@`; without one, that of the default domain gets them.
    pub postmaster: Option<String>,
    /// The login that gets what nobody has; without one it is refused.
    pub catch_all: Option<String>,
    /// Each of these characters ends the name in `user+tag`; empty where there are no sub-addresses.
    pub separators: String,
    /// Seconds that a released address is given to nobody else.
    pub quarantine: i64,
    /// What POP3 does with the mail of its accounts.
    pub pop3: Pop3Rules,
    /// The language of reports to senders in it; none as the configuration says.
    pub report_language: Option<ReportLanguage>,
}

/// What a domain is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainKind {
    /// Addresses are in it.
    Ours,
    /// Every address in the named domain is one in this, too.
    Equivalent(String),
    /// Known, and nobody has mail here. The text is for senders; an empty one leaves the words to the server.
    Barred(String),
}

impl DomainKind {
    /// The word for it, in the database and in output.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Equivalent(_) => "equivalent",
            Self::Barred(_) => "barred",
        }
    }
}

/// An option of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainSetting {
    /// The login that gets `postmaster@` and `abuse@`; none leaves it to the default domain's.
    Postmaster(Option<String>),
    /// The login that gets what nobody has; none refuses it.
    CatchAll(Option<String>),
    /// The characters that end the name in `user+tag`; empty for none.
    Separators(String),
    /// Seconds that a released address is given to nobody else.
    Quarantine(i64),
    /// The language of reports to senders in it; none leaves it to the configuration.
    ReportLanguage(Option<ReportLanguage>),
}

/// A domain as it stands in the database.
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(super) name: String,
    pub(super) kind: DomainKind,
    home: i64,
    brand: String,
}

/// The domain in which an address stands: that of the address itself, or of what it is equivalent to.
pub(crate) struct Home {
    pub(super) id: i64,
    pub(super) name: DomainName,
    /// Whose accounts have addresses there; empty for the default brand.
    pub(super) brand: String,
}

type ListRow = (
    String,
    String,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
    String,
    i64,
    String,
    Option<String>,
    String,
);

impl Accounts {
    /// Makes a domain ours: one of this brand's.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is no domain name or known already, or there is no such brand.
    pub async fn domain_add(&self, name: &str) -> Result<DomainInfo, AdminError> {
        let name = DomainName::parse(name)?;
        let mut change = self.begin().await?;
        if let Some(known) = find(&mut change, name.as_str()).await? {
            return Err(refusal::domain_exists(&name, &known.kind));
        }
        brand_must_exist(&mut change, &self.brand).await?;
        insert(&mut change, &name, &DomainKind::Ours, None, &self.brand).await?;
        self.shared.store.commit(change, "domain add", name.as_str()).await?;
        self.domain_show(name.as_str()).await
    }

    /// Makes a domain another name of one of ours: for mail, for who may write as an address, and for what is taken. Addresses that
    /// it had as one of ours move over.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when either is no domain name, the second is not ours, the first is the default domain or barred, or an
    /// address in both belongs to two accounts; then nothing is moved.
    pub async fn domain_equivalent(&self, name: &str, home: &str) -> Result<DomainInfo, AdminError> {
        let (name, home) = (DomainName::parse(name)?, DomainName::parse(home)?);
        let mut change = self.begin().await?;
        let home = must_be_ours(&mut change, home.as_str()).await?;
        match find(&mut change, name.as_str()).await? {
            None => {
                let kind = DomainKind::Equivalent(home.name.clone());
                insert(&mut change, &name, &kind, Some(home.id), &home.brand).await?
            }
            Some(known) if known.home == home.id => {
                return Err(refusal::domain_exists(&name, &DomainKind::Equivalent(home.name)));
            }
            Some(Row { kind: DomainKind::Ours, brand, .. }) if brand != home.brand => {
                return Err(refusal::another_brand(&format!("the domain {name}"), &brand, &home.brand));
            }
            Some(Row { kind: DomainKind::Ours, id, brand, .. }) => {
                if default_domain(&mut change, &brand).await?.is_some_and(|(first, _)| first == id) {
                    return Err(refusal::default_stays(&name, &home.name));
                }
                move_addresses(&mut change, id, &home).await?;
                run(&mut change, sql::MOVE_EQUIVALENTS, "moving equivalent domains", (id, home.id)).await?;
                run(&mut change, sql::MAKE_EQUIVALENT, "making a domain equivalent", (id, home.id)).await?;
            }
            Some(known) => return Err(refusal::domain_exists(&name, &known.kind)),
        }
        self.shared.store.commit(change, "domain equivalent", &format!("{name} {}", home.name)).await?;
        self.domain_show(name.as_str()).await
    }

    /// Makes a domain known as one in which nobody has mail: at RCPT it is refused with the text, and no address in it can be had.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is no domain name, the text cannot be a reply, or addresses or other domains hang on it.
    pub async fn domain_bar(&self, name: &str, text: &str) -> Result<DomainInfo, AdminError> {
        let name = DomainName::parse(name)?;
        check_reply_text(text)?;
        let mut change = self.begin().await?;
        let barred = DomainKind::Barred(text.to_owned());
        match find(&mut change, name.as_str()).await? {
            None => insert(&mut change, &name, &barred, None, "").await?,
            Some(known) => {
                must_be_unused(&mut change, &known).await?;
                sqlx::query(sql::BAR_DOMAIN)
                    .bind(known.id)
                    .bind(text)
                    .execute(&mut *change)
                    .await
                    .map_err(Unavailable::when("barring a domain"))?;
            }
        }
        self.shared.store.commit(change, "domain bar", &format!("{name} {text}")).await?;
        self.domain_show(name.as_str()).await
    }

    /// Forgets a domain. Mail for it is that of a foreign domain from then on.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is not known, or addresses or other domains hang on it.
    pub async fn domain_remove(&self, name: &str) -> Result<(), AdminError> {
        let name = DomainName::parse(name)?;
        let mut change = self.begin().await?;
        let known = find(&mut change, name.as_str()).await?;
        let known = known.ok_or_else(|| refusal::domain_unknown(&name))?;
        must_be_unused(&mut change, &known).await?;
        for statement in [sql::FORGET_RELEASED_IN, sql::REMOVE_DOMAIN] {
            sqlx::query(statement)
                .bind(known.id)
                .execute(&mut *change)
                .await
                .map_err(Unavailable::when("removing a domain"))?;
        }
        Ok(self.shared.store.commit(change, "domain remove", name.as_str()).await?)
    }

    /// Sets an option of a domain that is ours.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is not ours, a login does not exist, or a separator cannot be one.
    pub async fn domain_set(&self, name: &str, setting: &DomainSetting) -> Result<DomainInfo, AdminError> {
        let name = DomainName::parse(name)?;
        let mut change = self.begin().await?;
        let Row { id, brand, .. } = must_be_ours(&mut change, name.as_str()).await?;
        change.brand = brand.as_str().into();
        let (statement, said) = match setting {
            DomainSetting::Postmaster(login) => {
                (sql::SET_POSTMASTER, format!("postmaster={}", login.as_deref().unwrap_or("none")))
            }
            DomainSetting::CatchAll(login) => {
                (sql::SET_CATCH_ALL, format!("catch_all={}", login.as_deref().unwrap_or("none")))
            }
            DomainSetting::Separators(characters) => {
                check_separators(characters)?;
                (sql::SET_SEPARATORS, format!("separators={characters}"))
            }
            DomainSetting::Quarantine(seconds) => (sql::SET_QUARANTINE, format!("quarantine={seconds}s")),
            DomainSetting::ReportLanguage(language) => {
                let word = language.map_or("default", ReportLanguage::word);
                (sql::SET_REPORT_LANGUAGE, format!("report_language={word}"))
            }
        };
        let query = sqlx::query(statement).bind(id);
        let query = match setting {
            DomainSetting::Postmaster(None) | DomainSetting::CatchAll(None) => query.bind(0_i64),
            DomainSetting::Postmaster(Some(login)) | DomainSetting::CatchAll(Some(login)) => {
                let account = account::must_find(&mut change, login).await?;
                if brand_of(&account.login) != brand {
                    let account = format!("the account {}", account.login);
                    return Err(refusal::another_brand(&account, brand_of(login), &brand));
                }
                query.bind(account.id.get())
            }
            DomainSetting::Separators(characters) => query.bind(characters.as_str()),
            DomainSetting::Quarantine(seconds) => query.bind((*seconds).max(0)),
            DomainSetting::ReportLanguage(language) => query.bind(language.map_or("", ReportLanguage::word)),
        };
        query.execute(&mut *change).await.map_err(Unavailable::when("setting an option of a domain"))?;
        self.shared.store.commit(change, "domain set", &format!("{name} {said}")).await?;
        self.domain_show(name.as_str()).await
    }

    /// All domains that we know: ours with the default one first, then the others.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn domain_list(&self) -> Result<Vec<DomainInfo>, AdminError> {
        let rows: Vec<ListRow> = sqlx::query_as(sql::DOMAINS)
            .fetch_all(self.shared.store.readers())
            .await
            .map_err(Unavailable::when("listing domains"))?;
        let mut brands = BTreeSet::new();
        let info = |row: ListRow| {
            let mut info = DomainInfo::new(row);
            info.default = info.kind == DomainKind::Ours && brands.insert(info.brand.clone());
            info
        };
        Ok(rows.into_iter().map(info).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is not known.
    pub async fn domain_show(&self, name: &str) -> Result<DomainInfo, AdminError> {
        let name = DomainName::parse(name)?;
        let found = self.domain_list().await?.into_iter().find(|info| info.name == name.as_str());
        found.ok_or_else(|| refusal::domain_unknown(&name))
    }
}

impl DomainInfo {
    fn new(row: ListRow) -> Self {
        let (
            name,
            kind,
            home,
            text,
            addresses,
            postmaster,
            catch_all,
            separators,
            quarantine,
            rules,
            brand,
            language,
        ) = row;
        let kind = kind_from(&kind, home, text);
        let pop3 = Pop3Rules::from_column(&rules);
        let default = false;
        let report_language = ReportLanguage::from_word(&language);
        Self {
            name,
            kind,
            brand,
            default,
            addresses,
            postmaster,
            catch_all,
            separators,
            quarantine,
            pop3,
            report_language,
        }
    }
}

fn kind_from(word: &str, home: String, text: String) -> DomainKind {
    match word {
        "equivalent" => DomainKind::Equivalent(home),
        "barred" => DomainKind::Barred(text),
        _ => DomainKind::Ours,
    }
}

async fn insert(
    change: &mut Change,
    name: &DomainName,
    kind: &DomainKind,
    home: Option<i64>,
    brand: &str,
) -> Result<(), AdminError> {
    let id = store::next(change, "domain").await?;
    let text = if let DomainKind::Barred(text) = kind { text } else { "" };
    sqlx::query(sql::ADD_DOMAIN)
        .bind(id)
        .bind(name.as_str())
        .bind(now())
        .bind(kind.word())
        .bind(home.unwrap_or(id))
        .bind(text)
        .bind(limits::QUARANTINE)
        .bind(brand)
        .execute(&mut **change)
        .await
        .map_err(Unavailable::when("adding a domain"))?;
    Ok(())
}

/// What belongs to one account in both domains is one address afterwards.
async fn move_addresses(change: &mut Change, from: i64, home: &Row) -> Result<(), AdminError> {
    let clashes: Vec<String> = sqlx::query_scalar(sql::CLASHES)
        .bind(from)
        .bind(home.id)
        .fetch_all(&mut **change)
        .await
        .map_err(Unavailable::when("comparing two domains"))?;
    if !clashes.is_empty() {
        return Err(refusal::domains_clash(&home.name, &clashes));
    }
    for statement in [sql::DROP_DOUBLES, sql::MOVE_ADDRESSES, sql::DROP_RELEASED_DOUBLES, sql::MOVE_RELEASED]
    {
        run(change, statement, "moving addresses", (from, home.id)).await?;
    }
    let restored = sqlx::query(sql::RESTORE_PRIMARY).execute(&mut **change).await;
    restored.map_err(Unavailable::when("moving addresses"))?;
    Ok(())
}

async fn run(
    change: &mut Change,
    statement: &'static str,
    doing: &'static str,
    (id, home): (i64, i64),
) -> Result<(), Unavailable> {
    let done = sqlx::query(statement).bind(id).bind(home).execute(&mut **change).await;
    done.map(drop).map_err(Unavailable::when(doing))
}

async fn must_be_unused(change: &mut Change, domain: &Row) -> Result<(), AdminError> {
    let (addresses, equivalents): (i64, i64) = sqlx::query_as(sql::DOMAIN_USES)
        .bind(domain.id)
        .fetch_one(&mut **change)
        .await
        .map_err(Unavailable::when("looking at a domain"))?;
    match (addresses, equivalents) {
        (0, 0) => Ok(()),
        (0, _) => Err(refusal::domain_has_equivalents(&domain.name)),
        (addresses, _) => Err(refusal::domain_has_addresses(&domain.name, addresses)),
    }
}

/// RFC 5321 §4.2: the text of a reply is printable ASCII. Its length leaves room for code and status in a line of 512 octets.
pub(super) fn check_reply_text(text: &str) -> Result<(), AdminError> {
    if text.len() > limits::REPLY_TEXT || !text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return Err(refusal::no_reply_text());
    }
    Ok(())
}

/// Marks that may stand in a local part (RFC 5322 §3.2.3) but neither in front of it nor in a login's first letters.
fn check_separators(characters: &str) -> Result<(), AdminError> {
    if characters.len() <= 4 && characters.bytes().all(|b| b"+-=#_".contains(&b)) {
        return Ok(());
    }
    Err(refusal::no_separators())
}

/// Number and name of the default domain of a brand.
pub(super) async fn default_domain(
    change: &mut Change,
    brand: &str,
) -> Result<Option<(i64, String)>, Unavailable> {
    sqlx::query_as(sql::DEFAULT_DOMAIN)
        .bind(brand)
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up the default domain"))
}

async fn find(change: &mut Change, name: &str) -> Result<Option<Row>, Unavailable> {
    let row: Option<(i64, String, String, String, i64, String)> = sqlx::query_as(sql::DOMAIN)
        .bind(name)
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a domain"))?;
    Ok(row.map(|(id, kind, home_name, text, home, brand)| {
        let kind = kind_from(&kind, home_name, text);
        Row { id, name: name.to_owned(), kind, home, brand }
    }))
}

/// A domain that must be ours in its own name.
pub(crate) async fn must_be_ours(change: &mut Change, name: &str) -> Result<Row, AdminError> {
    match find(change, name).await? {
        Some(row) if row.kind == DomainKind::Ours => Ok(row),
        Some(Row { kind: DomainKind::Equivalent(home), .. }) => {
            Err(refusal::domain_is_equivalent(name, &home))
        }
        Some(_) => Err(refusal::domain_barred(name)),
        None => Err(refusal::domain_not_ours(name)),
    }
}

/// Where the addresses of a domain stand.
pub(super) async fn home(change: &mut Change, name: &str) -> Result<Home, AdminError> {
    let row = find(change, name).await?.ok_or_else(|| refusal::domain_not_ours(name))?;
    let home = match &row.kind {
        DomainKind::Ours => &row.name,
        DomainKind::Equivalent(home) => home,
        DomainKind::Barred(_) => return Err(refusal::domain_barred(name)),
    };
    Ok(Home { id: row.home, name: DomainName::parse(home)?, brand: row.brand })
}

/// The number of a brand; 0 for the default one.
pub(super) async fn brand_must_exist(change: &mut Change, name: &str) -> Result<i64, AdminError> {
    if name.is_empty() {
        return Ok(0);
    }
    let id: Option<i64> = sqlx::query_scalar(sql::BRAND)
        .bind(name)
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a brand"))?;
    id.ok_or_else(|| refusal::no_brand(name))
}

/// Whether an account is what `postmaster@` or a catch-all of some domain leads to; then that domain's name and the option's.
pub(super) async fn duty(
    change: &mut Change,
    account: AccountId,
) -> Result<Option<(String, &'static str)>, Unavailable> {
    let row: Option<(String, i64)> = sqlx::query_as(sql::DUTY)
        .bind(account.get())
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking at what an account is for"))?;
    Ok(row.map(|(name, postmaster)| {
        (name, if postmaster == account.get() { "postmaster" } else { "catch_all" })
    }))
}
