//! Plans and brands: as what accounts are issued, with which shape of login, and which services they have unless something else is set.

use std::collections::BTreeMap;

use auth_sasl::Secret;

use crate::error::{AdminError, Unavailable};
use crate::names::{AccountName, DomainName, Login};
use crate::password::{Pattern, generate_password};
use crate::standing::Service;
use crate::store::{self, Change, now};
use crate::{AccountId, Accounts, sql};

use super::account::{self, AccountDetails};
use super::{domain, refusal, reserved};

/// A plan to be made.
#[derive(Debug, Clone, Default)]
pub struct NewPlan {
    /// Letters, digits and `-`.
    pub name: String,
    /// The shape of logins: `@` a letter, `#` a digit, everything else itself.
    pub pattern: String,
    /// The domain of issued addresses; without one the default domain.
    pub domain: Option<String>,
    /// How many accounts a contract may have; 0 for any number.
    pub accounts: u32,
    /// What accounts have unless something else is set for them; what is not named is as everywhere.
    pub services: Vec<(Service, bool)>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanInfo {
    /// Its name.
    pub name: String,
    /// The shape of logins.
    pub pattern: String,
    /// The brand that it belongs to.
    pub brand: Option<String>,
    /// The domain of issued addresses; without one the default domain.
    pub domain: Option<String>,
    /// How many accounts a contract may have; 0 for any number.
    pub accounts: i64,
    /// How many accounts it has.
    pub issued: i64,
    /// What it says of services.
    pub services: Vec<(Service, bool)>,
}

/// What is to be issued.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The plan.
    pub plan: String,
    /// The provider's own key of the contract; may be empty.
    pub contract: String,
    /// Asking again with the same key issues nothing again.
    pub request: Option<String>,
}

/// An account that was issued.
#[derive(Debug, Clone)]
pub struct IssuedAccount {
    /// All about it.
    pub details: AccountDetails,
    /// Its password; nothing when it was issued for an earlier request of the same key.
    pub password: Option<Secret>,
}

pub(super) struct Plan {
    pub(super) id: i64,
    name: String,
    pattern: String,
    pub(super) domain: Option<String>,
    accounts: i64,
    /// As which its accounts are made.
    pub(super) brand: String,
}

/// How many logins of a shape are tried before it counts as used up.
const TRIES: usize = 100;

impl Accounts {
    /// Makes a brand: a provider, of whom one installation may host several.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it can be no name or is there.
    pub async fn brand_add(&self, name: &str) -> Result<(), AdminError> {
        let name = name_of("a name of a brand", name)?;
        let mut change = self.begin().await?;
        let id = store::next(&mut change, "brand").await?;
        let added = sqlx::query(sql::ADD_BRAND).bind(id).bind(&name).bind(now()).execute(&mut *change).await;
        if added.map_err(Unavailable::when("adding a brand"))?.rows_affected() == 0 {
            return Err(refusal::brand_exists(&name));
        }
        Ok(self.shared.store.commit(change, "brand add", &name).await?)
    }

    /// All brands.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn brand_list(&self) -> Result<Vec<String>, AdminError> {
        let brands = sqlx::query_scalar(sql::BRANDS).fetch_all(self.shared.store.readers()).await;
        Ok(brands.map_err(Unavailable::when("listing brands"))?)
    }

    /// Whether there is the brand that these accounts are of, see [`Accounts::at_brand`].
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is none.
    pub async fn brand_must_exist(&self) -> Result<(), AdminError> {
        let brand = &*self.brand;
        if brand.is_empty() || self.brand_list().await?.iter().any(|name| name == brand) {
            return Ok(());
        }
        Err(refusal::no_brand(brand))
    }

    /// Makes a plan of this brand.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when it is there, its pattern makes no logins, its brand or domain is not there, or its domain is another
    /// brand's.
    pub async fn plan_add(&self, new: &NewPlan) -> Result<PlanInfo, AdminError> {
        let name = name_of("a name of a plan", &new.name)?;
        Pattern::parse(&new.pattern)?;
        let mut change = self.begin().await?;
        let domain = match &new.domain {
            None => 0,
            Some(name) => {
                let home = domain::home(&mut change, DomainName::parse(name)?.as_str()).await?;
                if home.brand != *self.brand {
                    let domain = format!("the domain {}", home.name);
                    return Err(refusal::another_brand(&domain, &home.brand, &self.brand));
                }
                home.id
            }
        };
        let brand = domain::brand_must_exist(&mut change, &self.brand).await?;
        let id = store::next(&mut change, "plan").await?;
        let added = sqlx::query(sql::ADD_PLAN)
            .bind(id)
            .bind(&name)
            .bind(brand)
            .bind(&new.pattern)
            .bind(domain)
            .bind(i64::from(new.accounts))
            .bind(now())
            .execute(&mut *change)
            .await
            .map_err(Unavailable::when("adding a plan"))?;
        if added.rows_affected() == 0 {
            return Err(refusal::plan_exists(&name));
        }
        for (service, on) in &new.services {
            set_default(&mut change, id, *service, *on).await?;
        }
        self.shared.store.commit(change, "plan add", &name).await?;
        self.plan_show(&name).await
    }

    /// Sets what the accounts of a plan have unless something else is set for them. It holds at once for all of them: what they may not do
    /// any more ends, live sessions and tickets too.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such plan.
    pub async fn plan_set(&self, name: &str, services: &[(Service, bool)]) -> Result<PlanInfo, AdminError> {
        let mut change = self.begin().await?;
        let plan = must_find(&mut change, name).await?;
        let mut said = plan.name.clone();
        let mut concerned: BTreeMap<(i64, String), i64> = BTreeMap::new();
        for (service, on) in services {
            set_default(&mut change, plan.id, *service, *on).await?;
            said.push_str(&format!(" {}={}", service.word(), if *on { "on" } else { "off" }));
            for account in by_default(&mut change, plan.id, *service).await? {
                *concerned.entry(account).or_default() |= if *on { 0 } else { service.ends() };
            }
        }
        for ((id, login), ends) in concerned {
            change.note("plan set", &format!("{login} plan={said}"), AccountId::new(id), ends).await?;
        }
        self.shared.store.commit(change, "plan set", &said).await?;
        self.plan_show(name).await
    }

    /// All plans.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`].
    pub async fn plan_list(&self) -> Result<Vec<PlanInfo>, AdminError> {
        type Row = (String, String, Option<String>, Option<String>, i64, i64);
        let listing = || Unavailable::when("listing plans");
        let readers = self.shared.store.readers();
        let rows: Vec<Row> = sqlx::query_as(sql::PLANS).fetch_all(readers).await.map_err(listing())?;
        let services: Vec<(String, String, i64)> =
            sqlx::query_as(sql::PLAN_SERVICES).fetch_all(readers).await.map_err(listing())?;
        let info = |(name, pattern, brand, domain, accounts, issued): Row| {
            let of_it = services.iter().filter(|(plan, ..)| *plan == name);
            let services =
                of_it.filter_map(|(_, service, on)| Some((Service::from_word(service)?, *on != 0))).collect();
            PlanInfo { name, pattern, brand, domain, accounts, issued, services }
        };
        Ok(rows.into_iter().map(info).collect())
    }

    /// One plan.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is none of this name.
    pub async fn plan_show(&self, name: &str) -> Result<PlanInfo, AdminError> {
        let name = name_of("a name of a plan", name)?;
        let found = self.plan_list().await?.into_iter().find(|plan| plan.name == name);
        found.ok_or_else(|| refusal::no_plan(&name))
    }

    /// Issues an account: a login of the plan's shape, its address, a password that is easy to type, the plan's services. With a request
    /// key, asking again gives the same account.
    ///
    /// # Errors
    /// [`AdminError::Refused`] when there is no such plan, the contract has all it may have, or the shape is used up.
    pub async fn issue(&self, order: &Order) -> Result<IssuedAccount, AdminError> {
        let password = generate_password()?;
        let hash = self.shared.hasher.hash(&password).await?;
        let mut change = self.begin().await?;
        if let Some(request) = &order.request
            && let Some(login) = requested(&mut change, request).await?
        {
            drop(change);
            return Ok(IssuedAccount { details: self.account_show(&login).await?, password: None });
        }
        let plan = must_find(&mut change, &order.plan).await?;
        contract_has_room(&mut change, &plan, &order.contract).await?;
        let login = free_login(&mut change, &plan).await?;
        let id = account::make(&mut change, &login, plan.domain.as_deref(), &[], self.insists).await?;
        account::set_credential(&mut change, id, "password", &hash).await?;
        assign(&mut change, id, &plan, &order.contract).await?;
        if let Some(request) = &order.request {
            note_request(&mut change, request, id).await?;
        }
        change.about(id, 0);
        let subject = format!("{login} plan={} contract={}", plan.name, order.contract);
        self.shared.store.commit(change, "account issue", &subject).await?;
        let details = self.account_show(login.as_str()).await?;
        Ok(IssuedAccount { details, password: Some(password) })
    }
}

/// A name of a brand or a plan (`what`): what can be a login can be one, too.
fn name_of(what: &str, name: &str) -> Result<String, AdminError> {
    Ok(Login::parse_as(what, name)?.as_str().to_owned())
}

pub(super) async fn must_find(change: &mut Change, name: &str) -> Result<Plan, AdminError> {
    let name = name_of("a name of a plan", name)?;
    let row: Option<(i64, String, Option<String>, i64, String)> = sqlx::query_as(sql::PLAN)
        .bind(&name)
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a plan"))?;
    match row {
        Some((id, pattern, domain, accounts, brand)) => {
            Ok(Plan { id, name, pattern, domain, accounts, brand })
        }
        None => Err(refusal::no_plan(&name)),
    }
}

async fn set_default(change: &mut Change, plan: i64, service: Service, on: bool) -> Result<(), Unavailable> {
    sqlx::query(sql::SET_PLAN_SERVICE)
        .bind(plan)
        .bind(service.word())
        .bind(i64::from(on))
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("setting a plan's service"))
}

/// Number and login of the accounts of a plan for which nothing else is set.
async fn by_default(
    change: &mut Change,
    plan: i64,
    service: Service,
) -> Result<Vec<(i64, String)>, Unavailable> {
    sqlx::query_as(sql::ACCOUNTS_BY_PLAN)
        .bind(plan)
        .bind(service.word())
        .fetch_all(&mut **change)
        .await
        .map_err(Unavailable::when("looking up the accounts of a plan"))
}

/// The login that was issued for a request.
pub(super) async fn requested(change: &mut Change, request: &str) -> Result<Option<String>, Unavailable> {
    sqlx::query_scalar(sql::REQUESTED)
        .bind(request)
        .fetch_optional(&mut **change)
        .await
        .map_err(Unavailable::when("looking up a request"))
}

pub(super) async fn note_request(
    change: &mut Change,
    request: &str,
    account: AccountId,
) -> Result<(), Unavailable> {
    sqlx::query(sql::NOTE_REQUEST)
        .bind(request)
        .bind(account.get())
        .bind(now())
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("noting a request"))
}

pub(super) async fn assign(
    change: &mut Change,
    account: AccountId,
    plan: &Plan,
    contract: &str,
) -> Result<(), Unavailable> {
    sqlx::query(sql::ASSIGN)
        .bind(account.get())
        .bind(plan.id)
        .bind(contract)
        .execute(&mut **change)
        .await
        .map(drop)
        .map_err(Unavailable::when("assigning a plan"))
}

async fn contract_has_room(change: &mut Change, plan: &Plan, contract: &str) -> Result<(), AdminError> {
    if plan.accounts == 0 || contract.is_empty() {
        return Ok(());
    }
    let has: i64 = sqlx::query_scalar(sql::ACCOUNTS_OF_CONTRACT)
        .bind(contract)
        .bind(plan.id)
        .fetch_one(&mut **change)
        .await
        .map_err(Unavailable::when("counting the accounts of a contract"))?;
    if has < plan.accounts {
        Ok(())
    } else {
        Err(refusal::contract_is_full(contract, &plan.name, plan.accounts))
    }
}

async fn free_login(change: &mut Change, plan: &Plan) -> Result<AccountName, AdminError> {
    let pattern = Pattern::parse(&plan.pattern)?;
    for _ in 0..TRIES {
        let login = Login::parse(&pattern.fill()?)?.at(&plan.brand);
        let taken: Option<i64> = sqlx::query_scalar(sql::ACCOUNT_ID)
            .bind(login.as_str())
            .fetch_optional(&mut **change)
            .await
            .map_err(Unavailable::when("looking for a free login"))?;
        if taken.is_some() || reserved::is_released(change, login.login().as_str()).await? {
            continue;
        }
        match reserved::login_must_be_free(change, &login).await {
            Ok(()) => return Ok(login),
            Err(AdminError::Refused(_)) => {}
            Err(unavailable) => return Err(unavailable),
        }
    }
    Err(refusal::pattern_used_up(&plan.name, &plan.pattern))
}
