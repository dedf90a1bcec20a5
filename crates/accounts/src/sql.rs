//! Every statement, named. One text serves SQLite and PostgreSQL: `$n` placeholders, TEXT and BIGINT only,
//! `ON CONFLICT DO NOTHING` where two writers may want the same name (the row count tells who won).
//! What the two do not share is in [`crate::backend`].

mod customers;
pub(crate) mod many;

pub(crate) use customers::*;

/// `$1` counter name, `$2` how many → the last of so many next values.
pub(crate) const NEXT: &str = "UPDATE counter SET value = value + $2 WHERE name = $1 RETURNING value";

/// `$1` domain, `$2` local part → a row if the domain is known: what it is, and the account that has the address there, or NULLs; whether
/// the address is on, of one that somebody had when it is free, and to how many addresses the account would send mail on.
pub(crate) const RESOLVE: &str = "SELECT domain.kind, domain.refusal, home.id AS home_id, home.separators, home.catch_all_id, \
     account.id, account.login, account.mailbox, account.quota_octets, account.quota_messages, \
     account.state, account.stops, address.enabled, released.free_at, \
     (SELECT COUNT(*) FROM forward WHERE forward.account_id = account.id) AS forwards FROM domain JOIN domain home ON home.id = domain.home_id \
     LEFT JOIN address ON address.domain_id = home.id AND address.local_part = $2 \
     LEFT JOIN account ON account.id = address.account_id AND address.enabled = 1 \
     LEFT JOIN released ON released.domain_id = home.id AND released.local_part = $2 \
     WHERE domain.name = $1";

/// `$1` account id → as in [`RESOLVE`].
pub(crate) const MAILBOX: &str = "SELECT id, login, mailbox, quota_octets, quota_messages, state, stops, \
     (SELECT COUNT(*) FROM forward WHERE forward.account_id = account.id) AS forwards FROM account WHERE id = $1";

/// `$1` domain id, or 0 → the account that `postmaster@` leads to: the domain's, else that of its brand's default domain, else the one of
/// that name.
pub(crate) const POSTMASTER: &str = "SELECT id, login, mailbox, quota_octets, quota_messages, state, stops, \
     (SELECT COUNT(*) FROM forward WHERE forward.account_id = account.id) AS forwards FROM account WHERE id = COALESCE( \
     (SELECT postmaster_id FROM domain WHERE id = $1 AND postmaster_id > 0), \
     (SELECT postmaster_id FROM domain WHERE postmaster_id > 0 \
        AND id = (SELECT MIN(id) FROM domain WHERE kind = 'ours' \
        AND brand_id = COALESCE((SELECT brand_id FROM domain WHERE id = $1), 0))), \
     (SELECT id FROM account WHERE login = COALESCE((SELECT brand.name || ':' FROM brand \
        JOIN domain ON domain.brand_id = brand.id WHERE domain.id = $1), '') || 'postmaster'))";

/// `$1` a domain's name → the account that is appointed for `postmaster@` and `abuse@` in that domain itself.
pub(crate) const APPOINTED: &str = "SELECT account.id, account.login, account.mailbox, account.quota_octets, \
     account.quota_messages, account.state, account.stops, (SELECT COUNT(*) FROM forward WHERE forward.account_id = account.id) AS forwards \
     FROM domain JOIN domain home ON home.id = domain.home_id \
     JOIN account ON account.id = home.postmaster_id WHERE domain.name = $1";

/// `$1` account's name, `$2` credential kind, `$3` service → the account, its state, whether it has the service (NULL where nobody set it),
/// the number of the last change, and the credential's value or NULL.
pub(crate) const CREDENTIAL: &str = "SELECT account.id, account.login, account.mailbox, account.quota_octets, \
     account.quota_messages, account.state, account.stops, account.state_text, account.state_since, \
     account.state_until, COALESCE(service.enabled, plan_service.enabled) AS enabled, \
     (SELECT value FROM counter WHERE name = 'audit') AS as_of, account.pop3_rules, \
     (SELECT domain.pop3_rules FROM address JOIN domain \
     ON domain.id = address.domain_id WHERE address.account_id = account.id AND address.kind = 'issued') AS domain_rules, \
     credential.value FROM account \
     LEFT JOIN credential ON credential.account_id = account.id AND credential.kind = $2 \
     LEFT JOIN service ON service.account_id = account.id AND service.name = $3 \
     LEFT JOIN plan_service ON plan_service.plan_id = account.plan_id AND plan_service.name = $3 \
     WHERE account.login = $1";

/// `$1` local part, `$2` brand → the name of the account that has it at one of the provider's own domains, which were made before any customer's:
/// a name that is guessed at shall not cost a search through thousands of domains.
pub(crate) const LOGIN_OF_ALIAS: &str = "SELECT account.login FROM address \
     JOIN account ON account.id = address.account_id \
     WHERE address.domain_id IN (SELECT id FROM domain WHERE kind = 'ours' \
     AND brand_id = COALESCE((SELECT id FROM brand WHERE name = $2), 0) ORDER BY id LIMIT 20) \
     AND address.local_part = $1 ORDER BY address.domain_id LIMIT 1";

/// `$1` account id, `$2` service → whether it has it; NULL where nobody set it.
pub(crate) const HAS_SERVICE: &str = "SELECT COALESCE(service.enabled, plan_service.enabled) FROM account \
     LEFT JOIN service ON service.account_id = account.id AND service.name = $2 \
     LEFT JOIN plan_service ON plan_service.plan_id = account.plan_id AND plan_service.name = $2 \
     WHERE account.id = $1";

/// → the number of the last change.
pub(crate) const NEWEST_CHANGE: &str = "SELECT value FROM counter WHERE name = 'audit'";

/// `$1` a change, `$2` a later one → the changes after the one, up to the other, that end sessions: number, account, which.
pub(crate) const ENDINGS: &str =
    "SELECT id, account_id, ends FROM audit WHERE id > $1 AND id <= $2 AND ends > 0 ORDER BY id";

/// `$1` account id, `$2` state, `$3` stops, `$4` text, `$5` since, `$6` until.
pub(crate) const SET_STATE: &str = "UPDATE account SET state = $2, stops = $3, state_text = $4, state_since = $5, \
     state_until = $6 WHERE id = $1";

/// `$1` account id, `$2` service, `$3` enabled, `$4` time, `$5` who.
pub(crate) const SET_SERVICE: &str = "INSERT INTO service (account_id, name, enabled, changed_at, changed_by) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, name) DO UPDATE \
     SET enabled = excluded.enabled, changed_at = excluded.changed_at, changed_by = excluded.changed_by";

/// `$1` login → name, enabled, time, who of each service that was set for it.
pub(crate) const SERVICES_OF: &str = "SELECT service.name, service.enabled, service.changed_at, service.changed_by \
     FROM service JOIN account ON account.id = service.account_id WHERE account.login = $1";

/// `$1` login → name, enabled of each service that its plan sets.
pub(crate) const PLAN_SERVICES_OF: &str = "SELECT plan_service.name, plan_service.enabled FROM plan_service \
     JOIN account ON account.plan_id = plan_service.plan_id WHERE account.login = $1";

/// `$1` plan id → id and login of its accounts.
pub(crate) const ACCOUNTS_OF_PLAN: &str = "SELECT id, login FROM account WHERE plan_id = $1 ORDER BY id";

/// `$1` plan id, `$2` service → id and login of its accounts for which the plan decides.
pub(crate) const ACCOUNTS_BY_PLAN: &str = "SELECT id, login FROM account WHERE plan_id = $1 AND NOT EXISTS ( \
     SELECT 1 FROM service WHERE service.account_id = account.id AND service.name = $2)";

/// → id and login of every account.
pub(crate) const ALL_LOGINS: &str = "SELECT id, login FROM account ORDER BY id";

/// `$1` id, `$2` name, `$3` time.
pub(crate) const ADD_BRAND: &str =
    "INSERT INTO brand (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";

/// → names.
pub(crate) const BRANDS: &str = "SELECT name FROM brand ORDER BY name";

/// `$1` name → id.
pub(crate) const BRAND: &str = "SELECT id FROM brand WHERE name = $1";

/// `$1` id, `$2` name, `$3` brand, `$4` pattern, `$5` domain, `$6` accounts, `$7` time.
pub(crate) const ADD_PLAN: &str = "INSERT INTO plan (id, name, brand_id, pattern, domain_id, accounts, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING";

/// `$1` plan id, `$2` service, `$3` enabled.
pub(crate) const SET_PLAN_SERVICE: &str = "INSERT INTO plan_service (plan_id, name, enabled) VALUES ($1, $2, $3) \
     ON CONFLICT (plan_id, name) DO UPDATE SET enabled = excluded.enabled";

/// `$1` name → id, pattern, domain, accounts, brand.
pub(crate) const PLAN: &str = "SELECT plan.id, plan.pattern, domain.name, plan.accounts, COALESCE(brand.name, '') FROM plan \
     LEFT JOIN domain ON domain.id = plan.domain_id LEFT JOIN brand ON brand.id = plan.brand_id WHERE plan.name = $1";

/// → name, pattern, brand, domain, accounts a contract, accounts that it has.
pub(crate) const PLANS: &str = "SELECT plan.name, plan.pattern, brand.name, domain.name, plan.accounts, \
     (SELECT COUNT(*) FROM account WHERE account.plan_id = plan.id) FROM plan \
     LEFT JOIN brand ON brand.id = plan.brand_id LEFT JOIN domain ON domain.id = plan.domain_id ORDER BY plan.name";

/// → plan, service, enabled.
pub(crate) const PLAN_SERVICES: &str = "SELECT plan.name, plan_service.name, plan_service.enabled FROM plan_service \
     JOIN plan ON plan.id = plan_service.plan_id ORDER BY plan.name, plan_service.name";

/// `$1` contract, `$2` plan → how many accounts.
pub(crate) const ACCOUNTS_OF_CONTRACT: &str =
    "SELECT COUNT(*) FROM account WHERE contract = $1 AND plan_id = $2";

/// `$1` account, `$2` plan, `$3` contract.
pub(crate) const ASSIGN: &str = "UPDATE account SET plan_id = $2, contract = $3 WHERE id = $1";

/// `$1` request → login.
pub(crate) const REQUESTED: &str = "SELECT account.login FROM request JOIN account ON account.id = request.account_id \
     WHERE request.name = $1";

/// `$1` request, `$2` account, `$3` time.
pub(crate) const NOTE_REQUEST: &str = "INSERT INTO request (name, account_id, at) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET account_id = excluded.account_id, at = excluded.at";

/// `$1` how many → id, time, who, action, subject; the newest first.
pub(crate) const AUDIT: &str = "SELECT id, at, who, action, subject FROM audit ORDER BY id DESC LIMIT $1";

/// The same of `$2` login, as it is or, of one that is gone, as its last entry names it.
pub(crate) const AUDIT_OF: &str = "SELECT id, at, who, action, subject FROM audit WHERE account_id = COALESCE( \
     (SELECT id FROM account WHERE login = $2), \
     (SELECT MAX(account_id) FROM audit WHERE action = 'account remove' AND substr(subject, 1, length($2) + 1) = $2 || ' ')) \
     ORDER BY id DESC LIMIT $1";

/// `$1` brand → id and name of the domain that its issued addresses are in.
pub(crate) const DEFAULT_DOMAIN: &str = "SELECT id, name FROM domain WHERE kind = 'ours' \
     AND brand_id = COALESCE((SELECT id FROM brand WHERE name = $1), 0) ORDER BY id LIMIT 1";

/// `$1` name → id, kind, name of its home, refusal, home's id, brand.
pub(crate) const DOMAIN: &str = "SELECT domain.id, domain.kind, home.name, domain.refusal, home.id, COALESCE(brand.name, '') FROM domain \
     JOIN domain home ON home.id = domain.home_id LEFT JOIN brand ON brand.id = home.brand_id WHERE domain.name = $1";

/// `$1` id, `$2` name, `$3` time, `$4` kind, `$5` home, `$6` refusal, `$7` quarantine, `$8` brand.
pub(crate) const ADD_DOMAIN: &str = "INSERT INTO domain (id, name, created_at, kind, home_id, refusal, quarantine, brand_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE((SELECT id FROM brand WHERE name = $8), 0))";

/// `$1` id, `$2` home.
pub(crate) const MAKE_EQUIVALENT: &str = "UPDATE domain SET kind = 'equivalent', home_id = $2 WHERE id = $1";

/// `$1` id, `$2` home: what was equivalent to the one is equivalent to the other.
pub(crate) const MOVE_EQUIVALENTS: &str = "UPDATE domain SET home_id = $2 WHERE home_id = $1";

/// `$1` id, `$2` refusal.
pub(crate) const BAR_DOMAIN: &str =
    "UPDATE domain SET kind = 'barred', home_id = id, refusal = $2 WHERE id = $1";

/// `$1` id.
pub(crate) const REMOVE_DOMAIN: &str = "DELETE FROM domain WHERE id = $1";

/// `$1` id → number of its addresses, of domains equivalent to it.
pub(crate) const DOMAIN_USES: &str = "SELECT (SELECT COUNT(*) FROM address WHERE domain_id = $1), \
     (SELECT COUNT(*) FROM domain WHERE home_id = $1 AND id <> $1)";

/// `$1` id, `$2` value, each.
pub(crate) const SET_POSTMASTER: &str = "UPDATE domain SET postmaster_id = $2 WHERE id = $1";
/// See [`SET_POSTMASTER`].
pub(crate) const SET_CATCH_ALL: &str = "UPDATE domain SET catch_all_id = $2 WHERE id = $1";
/// See [`SET_POSTMASTER`].
pub(crate) const SET_SEPARATORS: &str = "UPDATE domain SET separators = $2 WHERE id = $1";
/// See [`SET_POSTMASTER`].
pub(crate) const SET_QUARANTINE: &str = "UPDATE domain SET quarantine = $2 WHERE id = $1";

/// `$1` account id → a domain whose postmaster or catch-all it is, and that postmaster.
pub(crate) const DUTY: &str =
    "SELECT name, postmaster_id FROM domain WHERE postmaster_id = $1 OR catch_all_id = $1 LIMIT 1";

/// `$1` a domain, `$2` another → local parts that two accounts have, one in each.
pub(crate) const CLASHES: &str = "SELECT one.local_part FROM address one JOIN address other \
     ON other.domain_id = $2 AND other.local_part = one.local_part AND other.account_id <> one.account_id \
     WHERE one.domain_id = $1 ORDER BY one.local_part LIMIT 6";

/// `$1` a domain, `$2` another: what is in both is in the other only.
pub(crate) const DROP_DOUBLES: &str = "DELETE FROM address WHERE domain_id = $1 \
     AND EXISTS (SELECT 1 FROM address other WHERE other.domain_id = $2 AND other.local_part = address.local_part)";

/// `$1` from, `$2` to.
pub(crate) const MOVE_ADDRESSES: &str = "UPDATE address SET domain_id = $2 WHERE domain_id = $1";

/// Whose primary address was one of the doubles writes as the issued one.
pub(crate) const RESTORE_PRIMARY: &str = "UPDATE address SET is_primary = 1 WHERE kind = 'issued' AND enabled = 1 \
     AND NOT EXISTS (SELECT 1 FROM address other WHERE other.account_id = address.account_id AND other.is_primary = 1)";

/// As [`DROP_DOUBLES`].
pub(crate) const DROP_RELEASED_DOUBLES: &str = "DELETE FROM released WHERE domain_id = $1 \
     AND EXISTS (SELECT 1 FROM released other WHERE other.domain_id = $2 AND other.local_part = released.local_part)";

/// As [`MOVE_ADDRESSES`].
pub(crate) const MOVE_RELEASED: &str = "UPDATE released SET domain_id = $2 WHERE domain_id = $1";

/// `$1` domain.
pub(crate) const FORGET_RELEASED_IN: &str = "DELETE FROM released WHERE domain_id = $1";

/// → name, kind, home's name, refusal, number of addresses, postmaster's and catch-all's login, separators, quarantine, rules, brand; the
/// default domain first, then the others of ours.
pub(crate) const DOMAINS: &str = "SELECT domain.name, domain.kind, home.name, domain.refusal, \
     (SELECT COUNT(*) FROM address WHERE address.domain_id = domain.id), \
     postmaster.login, catch_all.login, domain.separators, domain.quarantine, domain.pop3_rules, brand.name, \
     domain.report_language FROM domain \
     JOIN domain home ON home.id = domain.home_id LEFT JOIN brand ON brand.id = home.brand_id \
     LEFT JOIN account postmaster ON postmaster.id = domain.postmaster_id \
     LEFT JOIN account catch_all ON catch_all.id = domain.catch_all_id \
     ORDER BY CASE domain.kind WHEN 'ours' THEN 0 ELSE 1 END, domain.id";

/// → all names.
pub(crate) const RESERVED: &str = "SELECT name FROM reserved ORDER BY name";

/// `$1` name.
pub(crate) const RESERVE: &str = "INSERT INTO reserved (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";

/// `$1` name.
pub(crate) const UNRESERVE: &str = "DELETE FROM reserved WHERE name = $1";

/// `$1` name → 1 if it is reserved.
pub(crate) const IS_RESERVED: &str = "SELECT COUNT(*) FROM reserved WHERE name = $1";

/// `$1` domain, `$2` local part → account, login, when it is free.
pub(crate) const RELEASED: &str =
    "SELECT account_id, login, free_at FROM released WHERE domain_id = $1 AND local_part = $2";

/// `$1` local part, `$2` now → in how many domains it is in quarantine.
pub(crate) const COUNT_RELEASED: &str =
    "SELECT COUNT(*) FROM released WHERE local_part = $1 AND free_at > $2";

/// `$1` domain, `$2` local part.
pub(crate) const TAKE_BACK: &str = "DELETE FROM released WHERE domain_id = $1 AND local_part = $2";

/// `$1` domain, `$2` local part, `$3` account, `$4` login, `$5` now.
pub(crate) const RELEASE: &str = "INSERT INTO released (domain_id, local_part, account_id, login, free_at) \
     SELECT id, $2, $3, $4, $5 + quarantine FROM domain WHERE id = $1 \
     ON CONFLICT (domain_id, local_part) DO UPDATE \
     SET account_id = excluded.account_id, login = excluded.login, free_at = excluded.free_at";

/// `$1` account, `$2` login, `$3` now: all that the account has.
pub(crate) const RELEASE_ALL: &str = "INSERT INTO released (domain_id, local_part, account_id, login, free_at) \
     SELECT address.domain_id, address.local_part, address.account_id, $2, $3 + domain.quarantine \
     FROM address JOIN domain ON domain.id = address.domain_id WHERE address.account_id = $1 \
     ON CONFLICT (domain_id, local_part) DO UPDATE \
     SET account_id = excluded.account_id, login = excluded.login, free_at = excluded.free_at";

/// `$1` login → id.
pub(crate) const ACCOUNT_ID: &str = "SELECT id FROM account WHERE login = $1";

/// `$1` local part, `$2` brand → domain and owner's name of an address of that name that was chosen.
pub(crate) const CHOSEN: &str = "SELECT domain.name, account.login FROM address \
     JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
     WHERE address.local_part = $1 AND address.kind IN ('alias', 'personal') \
     AND domain.brand_id = COALESCE((SELECT id FROM brand WHERE name = $2), 0) LIMIT 1";

/// `$1` id, `$2` login, `$3` mailbox key, `$4` time.
pub(crate) const ADD_ACCOUNT: &str = "INSERT INTO account (id, login, mailbox, created_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (login) DO NOTHING";

/// `$1` login → the account, its state, contract and plan.
pub(crate) const ACCOUNT: &str = "SELECT account.id, account.login, account.mailbox, account.created_at, account.quota_octets, account.quota_messages, \
     account.pop3_rules, account.state, account.stops, account.state_text, account.state_since, account.state_until, \
     account.contract, plan.name \
     FROM account LEFT JOIN plan ON plan.id = account.plan_id WHERE account.login = $1";

/// → all accounts.
pub(crate) const ACCOUNTS: &str = "SELECT account.id, account.login, account.mailbox, account.created_at, account.quota_octets, account.quota_messages, \
     account.pop3_rules, account.state, account.stops, account.state_text, account.state_since, account.state_until, \
     account.contract, plan.name \
     FROM account LEFT JOIN plan ON plan.id = account.plan_id ORDER BY account.login";

/// `$1` account id, `$2` rules, as the migration has them.
pub(crate) const SET_ACCOUNT_POP3: &str = "UPDATE account SET pop3_rules = $2 WHERE id = $1";

/// `$1` domain id, `$2` language.
pub(crate) const SET_REPORT_LANGUAGE: &str = "UPDATE domain SET report_language = $2 WHERE id = $1";

/// `$1` domain, an equivalent one too → language.
pub(crate) const REPORT_LANGUAGE: &str = "SELECT home.report_language FROM domain \
     JOIN domain home ON home.id = domain.home_id WHERE domain.name = $1";

/// `$1` domain id → its rules.
pub(crate) const DOMAIN_POP3: &str = "SELECT pop3_rules FROM domain WHERE id = $1";

/// `$1` domain id, `$2` rules.
pub(crate) const SET_DOMAIN_POP3: &str = "UPDATE domain SET pop3_rules = $2 WHERE id = $1";

/// → login and the rules of the domain of its issued address.
pub(crate) const POP3_OF_DOMAINS: &str = "SELECT account.login, domain.pop3_rules FROM account \
     JOIN address ON address.account_id = account.id AND address.kind = 'issued' \
     JOIN domain ON domain.id = address.domain_id";

/// → rules that anybody has.
pub(crate) const POP3_IN_USE: &str = "SELECT pop3_rules FROM account WHERE pop3_rules <> '' \
     UNION SELECT pop3_rules FROM domain WHERE pop3_rules <> ''";

/// `$1` account id, `$2` octets, `$3` messages, as the migration has them.
pub(crate) const SET_QUOTA: &str = "UPDATE account SET quota_octets = $2, quota_messages = $3 WHERE id = $1";

/// `$1` account id.
pub(crate) const REMOVE_ACCOUNT: &str = "DELETE FROM account WHERE id = $1";

/// `$1` account id → kind and time of each credential.
pub(crate) const CREDENTIALS: &str = "SELECT kind, changed_at FROM credential WHERE account_id = $1";

/// → account id, kind and time of every credential.
pub(crate) const ALL_CREDENTIALS: &str = "SELECT account_id, kind, changed_at FROM credential";

/// `$1` account id, `$2` kind, `$3` value, `$4` time.
pub(crate) const SET_CREDENTIAL: &str = "INSERT INTO credential (account_id, kind, value, changed_at) \
     VALUES ($1, $2, $3, $4) \
     ON CONFLICT (account_id, kind) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at";

/// `$1` account id, `$2` the password's hash as it was, `$3` as it shall be. It is the same password, set when it was.
pub(crate) const RENEW_CREDENTIAL: &str =
    "UPDATE credential SET value = $3 WHERE account_id = $1 AND kind = 'password' AND value = $2";

/// `$1` account id, `$2` kind.
pub(crate) const DROP_CREDENTIAL: &str = "DELETE FROM credential WHERE account_id = $1 AND kind = $2";

/// `$1` kind → how many.
pub(crate) const COUNT_CREDENTIALS: &str = "SELECT COUNT(*) FROM credential WHERE kind = $1";

/// `$1` domain id, `$2` local part, `$3` account id, `$4` kind, `$5` time, `$6` primary.
pub(crate) const ADD_ADDRESS: &str = "INSERT INTO address (domain_id, local_part, account_id, kind, created_at, is_primary) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// `$1` domain id, `$2` local part → local part, domain, login, kind, enabled, primary.
pub(crate) const ADDRESS: &str = "SELECT address.local_part, domain.name, account.login, address.kind, address.enabled, address.is_primary \
     FROM address \
     JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
     WHERE address.domain_id = $1 AND address.local_part = $2";

/// The same for `$1` domain name, an equivalent one too.
pub(crate) const ADDRESS_BY_NAME: &str = "SELECT address.local_part, domain.name, account.login, address.kind, address.enabled, address.is_primary \
     FROM address \
     JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
     WHERE address.domain_id = (SELECT home_id FROM domain WHERE name = $1) AND address.local_part = $2";

/// `$1` domain id, `$2` local part, each.
pub(crate) const REMOVE_ADDRESS: &str = "DELETE FROM address WHERE domain_id = $1 AND local_part = $2";
/// See [`REMOVE_ADDRESS`].
pub(crate) const ENABLE_ADDRESS: &str =
    "UPDATE address SET enabled = 1 WHERE domain_id = $1 AND local_part = $2";
/// See [`REMOVE_ADDRESS`].
pub(crate) const DISABLE_ADDRESS: &str =
    "UPDATE address SET enabled = 0 WHERE domain_id = $1 AND local_part = $2";
/// See [`REMOVE_ADDRESS`].
pub(crate) const MAKE_PRIMARY: &str =
    "UPDATE address SET is_primary = 1 WHERE domain_id = $1 AND local_part = $2";

/// `$1` account id → local part, domain.
pub(crate) const PRIMARY: &str = "SELECT address.local_part, domain.name FROM address \
     JOIN domain ON domain.id = address.domain_id WHERE address.account_id = $1 AND address.is_primary = 1";

/// `$1` account id.
pub(crate) const NO_PRIMARY: &str =
    "UPDATE address SET is_primary = 0 WHERE account_id = $1 AND is_primary = 1";

/// `$1` account id.
pub(crate) const ISSUED_IS_PRIMARY: &str =
    "UPDATE address SET is_primary = 1, enabled = 1 WHERE account_id = $1 AND kind = 'issued'";

/// → as [`ADDRESS`], of every address, by login, the issued one first.
pub(crate) const ADDRESSES: &str = "SELECT address.local_part, domain.name, account.login, address.kind, address.enabled, address.is_primary \
     FROM address \
     JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
     ORDER BY account.login, CASE address.kind WHEN 'issued' THEN 0 ELSE 1 END, domain.name, address.local_part";

/// The same for `$1` login.
pub(crate) const ADDRESSES_OF: &str = "SELECT address.local_part, domain.name, account.login, address.kind, address.enabled, address.is_primary \
     FROM address \
     JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
     WHERE account.login = $1 \
     ORDER BY CASE address.kind WHEN 'issued' THEN 0 ELSE 1 END, domain.name, address.local_part";

/// `$1` id, `$2` time, `$3` action, `$4` subject, `$5` who, `$6` account, `$7` which of its sessions end.
pub(crate) const ADD_AUDIT: &str = "INSERT INTO audit (id, at, action, subject, who, account_id, ends) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// `$1` id → 1 if that change is in the database.
pub(crate) const COUNT_AUDIT: &str = "SELECT COUNT(*) FROM audit WHERE id = $1";

/// → a row if there is a domain.
pub(crate) const ANY_DOMAIN: &str = "SELECT id FROM domain LIMIT 1";

/// → how many domains, accounts, addresses.
pub(crate) const COUNTS: &str = "SELECT (SELECT COUNT(*) FROM domain), (SELECT COUNT(*) FROM account), \
     (SELECT COUNT(*) FROM address)";

/// Every table with all of its rows, in an order in which a row comes after those it refers to; but for what daemons note for the desk, and
/// wrong claims, which are worth nothing a few minutes later.
pub(crate) const DUMP: &[(&str, &str)] = &[
    ("counter", "SELECT * FROM counter ORDER BY name"),
    ("domain", "SELECT * FROM domain ORDER BY id"),
    ("account", "SELECT * FROM account ORDER BY id"),
    ("address", "SELECT * FROM address ORDER BY domain_id, local_part"),
    ("credential", "SELECT * FROM credential ORDER BY account_id, kind"),
    ("service", "SELECT * FROM service ORDER BY account_id, name"),
    ("forward", "SELECT * FROM forward ORDER BY account_id, address"),
    ("released", "SELECT * FROM released ORDER BY domain_id, local_part"),
    ("reserved", "SELECT * FROM reserved ORDER BY name"),
    ("brand", "SELECT * FROM brand ORDER BY id"),
    ("plan", "SELECT * FROM plan ORDER BY id"),
    ("plan_service", "SELECT * FROM plan_service ORDER BY plan_id, name"),
    ("request", "SELECT * FROM request ORDER BY name"),
    ("ticket", "SELECT * FROM ticket ORDER BY address, account_id"),
    ("known", "SELECT * FROM known ORDER BY account_id, place"),
    ("guess", "SELECT * FROM guess WHERE subject = ''"),
    ("audit", "SELECT * FROM audit ORDER BY id"),
];

/// Takes away what an empty database holds, from a version on.
pub(crate) const CLEAR: &[(i64, &str)] =
    &[(1, "DELETE FROM counter"), (1, "DELETE FROM audit"), (10, "DELETE FROM reserved")];

/// → versions of the migrations that are in the database.
pub(crate) const MIGRATIONS: &str = "SELECT version FROM _sqlx_migrations ORDER BY version";

/// SQLite alone: `$1` path of an empty file, or of none.
pub(crate) const SNAPSHOT: &str = "VACUUM INTO $1";
