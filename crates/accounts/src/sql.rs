//! Every statement, named. One text serves SQLite and PostgreSQL: `$n` placeholders, TEXT and BIGINT only,
//! `ON CONFLICT DO NOTHING` where two writers may want the same name (the row count tells who won).
//! What the two do not share is in [`crate::backend`].

/// `$1` counter name → its next value.
pub(crate) const NEXT: &str = "UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value";

/// `$1` domain, `$2` local part → a row if the domain is ours; in it NULLs if the local part is unknown there.
pub(crate) const RESOLVE: &str = "SELECT account.id, account.login, account.mailbox, account.quota_octets, \
     account.quota_messages FROM domain \
     LEFT JOIN address ON address.domain_id = domain.id AND address.local_part = $2 \
     LEFT JOIN account ON account.id = address.account_id \
     WHERE domain.name = $1";

/// `$1` login, `$2` credential kind → the account, and the credential's value or NULL.
pub(crate) const CREDENTIAL: &str = "SELECT account.id, account.login, account.mailbox, account.quota_octets, \
     account.quota_messages, account.pop3_rules, (SELECT domain.pop3_rules FROM address JOIN domain \
     ON domain.id = address.domain_id WHERE address.account_id = account.id AND address.kind = 'issued'), \
     credential.value FROM account LEFT JOIN credential ON credential.account_id = account.id AND credential.kind = $2 \
     WHERE account.login = $1";

/// → id and name of the domain that issued addresses are in.
pub(crate) const DEFAULT_DOMAIN: &str = "SELECT id, name FROM domain ORDER BY id LIMIT 1";

/// `$1` name → id.
pub(crate) const DOMAIN_ID: &str = "SELECT id FROM domain WHERE name = $1";

/// `$1` id, `$2` name, `$3` time.
pub(crate) const ADD_DOMAIN: &str =
    "INSERT INTO domain (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";

/// → name, number of addresses; the default domain first.
pub(crate) const DOMAINS: &str = "SELECT domain.name, domain.pop3_rules, COUNT(address.local_part) FROM domain \
     LEFT JOIN address ON address.domain_id = domain.id \
     GROUP BY domain.id, domain.name, domain.pop3_rules ORDER BY domain.id";

/// `$1` id, `$2` login, `$3` mailbox key, `$4` time.
pub(crate) const ADD_ACCOUNT: &str = "INSERT INTO account (id, login, mailbox, created_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (login) DO NOTHING";

/// `$1` login → the account.
pub(crate) const ACCOUNT: &str = "SELECT id, login, mailbox, created_at, quota_octets, quota_messages, pop3_rules FROM account WHERE login = $1";

/// → all accounts.
pub(crate) const ACCOUNTS: &str = "SELECT id, login, mailbox, created_at, quota_octets, quota_messages, pop3_rules FROM account ORDER BY login";

/// `$1` login, `$2` rules, as the migration has them.
pub(crate) const SET_ACCOUNT_POP3: &str = "UPDATE account SET pop3_rules = $2 WHERE login = $1";

/// `$1` domain, `$2` rules.
pub(crate) const SET_DOMAIN_POP3: &str = "UPDATE domain SET pop3_rules = $2 WHERE name = $1";

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

/// `$1` account id, `$2` kind.
pub(crate) const DROP_CREDENTIAL: &str = "DELETE FROM credential WHERE account_id = $1 AND kind = $2";

/// `$1` kind → how many.
pub(crate) const COUNT_CREDENTIALS: &str = "SELECT COUNT(*) FROM credential WHERE kind = $1";

/// `$1` domain id, `$2` local part, `$3` account id, `$4` kind, `$5` time.
pub(crate) const ADD_ADDRESS: &str = "INSERT INTO address (domain_id, local_part, account_id, kind, created_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (domain_id, local_part) DO NOTHING";

/// `$1` domain id, `$2` local part → login of the owner, kind.
pub(crate) const ADDRESS: &str = "SELECT account.login, address.kind FROM address \
     JOIN account ON account.id = address.account_id \
     WHERE address.domain_id = $1 AND address.local_part = $2";

/// `$1` domain id, `$2` local part.
pub(crate) const REMOVE_ADDRESS: &str = "DELETE FROM address WHERE domain_id = $1 AND local_part = $2";

/// → local part, domain, login, kind of every address, by login, the issued one first.
pub(crate) const ADDRESSES: &str = "SELECT address.local_part, domain.name, account.login, address.kind \
     FROM address JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
     ORDER BY account.login, address.kind DESC, domain.name, address.local_part";

/// The same for `$1` login.
pub(crate) const ADDRESSES_OF: &str = "SELECT address.local_part, domain.name, account.login, address.kind \
     FROM address JOIN domain ON domain.id = address.domain_id JOIN account ON account.id = address.account_id \
     WHERE account.login = $1 \
     ORDER BY address.kind DESC, domain.name, address.local_part";

/// `$1` address, `$2` account id → when it expires.
pub(crate) const TICKET: &str = "SELECT expires_at FROM ticket WHERE address = $1 AND account_id = $2";

/// `$1` address, `$2` account id, `$3` time.
pub(crate) const SET_TICKET: &str = "INSERT INTO ticket (address, account_id, expires_at) VALUES ($1, $2, $3) \
     ON CONFLICT (address, account_id) DO UPDATE SET expires_at = excluded.expires_at";

/// `$1` time: those that are over.
pub(crate) const DROP_TICKETS: &str = "DELETE FROM ticket WHERE expires_at <= $1";

/// `$1` address, `$2` time → login of each account whose ticket holds there, the latest first.
pub(crate) const TICKET_HOLDERS: &str = "SELECT account.login FROM ticket \
     JOIN account ON account.id = ticket.account_id \
     WHERE ticket.address = $1 AND ticket.expires_at > $2 ORDER BY ticket.expires_at DESC, account.login";

/// `$1` id, `$2` time, `$3` action, `$4` subject.
pub(crate) const ADD_AUDIT: &str = "INSERT INTO audit (id, at, action, subject) VALUES ($1, $2, $3, $4)";

/// `$1` id → 1 if that change is in the database.
pub(crate) const COUNT_AUDIT: &str = "SELECT COUNT(*) FROM audit WHERE id = $1";

/// → how many domains, accounts, addresses.
pub(crate) const COUNTS: &str = "SELECT (SELECT COUNT(*) FROM domain), (SELECT COUNT(*) FROM account), \
     (SELECT COUNT(*) FROM address)";

/// Every table with all of its rows, in an order in which a row comes after those it refers to.
pub(crate) const DUMP: &[(&str, &str)] = &[
    ("counter", "SELECT * FROM counter ORDER BY name"),
    ("domain", "SELECT * FROM domain ORDER BY id"),
    ("account", "SELECT * FROM account ORDER BY id"),
    ("address", "SELECT * FROM address ORDER BY domain_id, local_part"),
    ("credential", "SELECT * FROM credential ORDER BY account_id, kind"),
    ("ticket", "SELECT * FROM ticket ORDER BY address, account_id"),
    ("audit", "SELECT * FROM audit ORDER BY id"),
];

/// Takes away what an empty database holds.
pub(crate) const CLEAR: &[(&str, &str)] =
    &[("counter", "DELETE FROM counter"), ("audit", "DELETE FROM audit")];

/// → versions of the migrations that are in the database.
pub(crate) const MIGRATIONS: &str = "SELECT version FROM _sqlx_migrations ORDER BY version";
