-- The first tables. The text must run on SQLite and on PostgreSQL as it stands: TEXT and BIGINT only, no NULL,
-- no default that one of them computes differently, ids from `counter`.

-- Numbers that are handed out once and never again, even after what had them is gone.
CREATE TABLE counter (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('account', 0), ('domain', 0), ('audit', 0);

-- The lowest id is the default domain: the one in which every account has its issued address.
CREATE TABLE domain (
    id         BIGINT NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,   -- lower case, A-labels
    created_at BIGINT NOT NULL           -- seconds since 1970-01-01T00:00:00Z, as all times here
);

CREATE TABLE account (
    id         BIGINT NOT NULL PRIMARY KEY,
    login      TEXT   NOT NULL UNIQUE,   -- as first issued, lower case; never an address
    mailbox    TEXT   NOT NULL UNIQUE,   -- the Maildir's directory name; fixed for ever when the account is made
    created_at BIGINT NOT NULL
);

-- One table says both where mail goes and, later, who may write as an address.
CREATE TABLE address (
    domain_id  BIGINT NOT NULL REFERENCES domain (id),
    local_part TEXT   NOT NULL,          -- lower case
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind       TEXT   NOT NULL,          -- 'issued' or 'alias'
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, local_part)
);
CREATE INDEX address_by_account ON address (account_id);

CREATE TABLE credential (
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind       TEXT   NOT NULL,          -- 'password': Argon2id as a PHC string; 'apop': the sealed password
    value      TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, kind)
);

-- One row for each administrative change, written in its transaction.
CREATE TABLE audit (
    id      BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    action  TEXT   NOT NULL,
    subject TEXT   NOT NULL
);
