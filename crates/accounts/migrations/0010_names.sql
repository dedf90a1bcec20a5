-- Domains of three kinds, addresses that can be off, names that are not given out.

ALTER TABLE domain ADD COLUMN kind TEXT NOT NULL DEFAULT 'ours';         -- 'ours', 'equivalent' or 'barred'
ALTER TABLE domain ADD COLUMN home_id BIGINT NOT NULL DEFAULT 0;         -- whose addresses its own are: itself, or what it is equivalent to
ALTER TABLE domain ADD COLUMN refusal TEXT NOT NULL DEFAULT '';          -- of a barred domain: what senders are told
ALTER TABLE domain ADD COLUMN postmaster_id BIGINT NOT NULL DEFAULT 0;   -- account that gets postmaster@ and abuse@; 0: the default domain's
ALTER TABLE domain ADD COLUMN catch_all_id BIGINT NOT NULL DEFAULT 0;    -- account that gets what nobody has; 0: nobody
ALTER TABLE domain ADD COLUMN separators TEXT NOT NULL DEFAULT '';       -- characters of which each ends the name in user+tag
ALTER TABLE domain ADD COLUMN quarantine BIGINT NOT NULL DEFAULT 7776000; -- seconds that a released address is given to nobody else
UPDATE domain SET home_id = id;

-- Kinds from now on: 'issued', 'alias', 'personal', 'own', 'id'. An address is in a domain that is its own home.
ALTER TABLE address ADD COLUMN enabled BIGINT NOT NULL DEFAULT 1;
ALTER TABLE address ADD COLUMN is_primary BIGINT NOT NULL DEFAULT 0;     -- 1 for the one that an account writes as
UPDATE address SET is_primary = 1 WHERE kind = 'issued';
CREATE UNIQUE INDEX address_primary ON address (account_id) WHERE is_primary = 1;

-- Addresses that somebody had. The same account may take its own back at once.
CREATE TABLE released (
    domain_id  BIGINT NOT NULL,
    local_part TEXT   NOT NULL,
    account_id BIGINT NOT NULL,
    login      TEXT   NOT NULL,          -- as it was, for people
    free_at    BIGINT NOT NULL,
    PRIMARY KEY (domain_id, local_part)
);

-- Local parts and logins that no customer chooses (RFC 2142 and what reads as the operator's own voice).
CREATE TABLE reserved (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO reserved (name) VALUES
    ('abuse'), ('admin'), ('administrator'), ('billing'), ('daemon'), ('dmarc'), ('ftp'), ('hostmaster'), ('info'),
    ('list'), ('list-request'), ('mailer-daemon'), ('majordomo'), ('marketing'), ('news'), ('no-reply'), ('nobody'),
    ('noc'), ('noreply'), ('operator'), ('owner'), ('postmaster'), ('root'), ('sales'), ('security'), ('ssladmin'),
    ('sslwebmaster'), ('staff'), ('support'), ('sysadmin'), ('system'), ('tls-rpt'), ('trouble'), ('usenet'),
    ('uucp'), ('webmaster'), ('www');

-- Who changed what on whose account; `changed` counts all changes in the order of their commits.
ALTER TABLE audit ADD COLUMN who TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN account_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN ends BIGINT NOT NULL DEFAULT 0;             -- sessions that end with it: 1 sending, 2 reading
CREATE INDEX audit_by_account ON audit (account_id, id);

-- A login is no other account's chosen name, in whichever domain.
CREATE INDEX address_by_local_part ON address (local_part);
