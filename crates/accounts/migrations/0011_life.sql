-- What an account may do: its state, its plan, its services.

ALTER TABLE account ADD COLUMN state TEXT NOT NULL DEFAULT 'active';   -- 'active', 'staged', 'suspended', 'closing'
ALTER TABLE account ADD COLUMN stops BIGINT NOT NULL DEFAULT 0;        -- of a suspended one: 1 sending, 2 reading, 4 receiving
ALTER TABLE account ADD COLUMN state_text TEXT NOT NULL DEFAULT '';    -- what its owner is told
ALTER TABLE account ADD COLUMN state_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN state_until BIGINT NOT NULL DEFAULT 0;  -- of a closing one: when reading ends
ALTER TABLE account ADD COLUMN plan_id BIGINT NOT NULL DEFAULT 0;      -- 0: none
ALTER TABLE account ADD COLUMN contract TEXT NOT NULL DEFAULT '';      -- the provider's own key; '' for none
UPDATE account SET state_since = created_at;
CREATE INDEX account_by_contract ON account (contract);

-- A service that was set for one account; without a row its plan's default holds, without that the program's.
CREATE TABLE service (
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    enabled    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT   NOT NULL,
    PRIMARY KEY (account_id, name)
);

-- A provider; one installation may host several.
CREATE TABLE brand (
    id         BIGINT NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- What accounts are issued as.
CREATE TABLE plan (
    id          BIGINT NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    brand_id    BIGINT NOT NULL,         -- 0: none
    pattern     TEXT   NOT NULL,         -- of logins
    domain_id   BIGINT NOT NULL,         -- of issued addresses; 0: the default domain
    accounts    BIGINT NOT NULL,         -- of one contract, at most; 0: any number
    created_at  BIGINT NOT NULL
);
CREATE TABLE plan_service (
    plan_id BIGINT NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    name    TEXT   NOT NULL,
    enabled BIGINT NOT NULL,
    PRIMARY KEY (plan_id, name)
);
INSERT INTO counter (name, value) VALUES ('brand', 0), ('plan', 0);

-- What was issued for a request, so that asking again issues nothing twice.
CREATE TABLE request (
    name       TEXT   NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL,
    at         BIGINT NOT NULL
);
