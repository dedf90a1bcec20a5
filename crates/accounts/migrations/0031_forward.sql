-- Where an account sends its mail on. It does while it has the service and may send.
CREATE TABLE forward (
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    address    TEXT   NOT NULL,          -- the domain in lower case
    added_at   BIGINT NOT NULL,
    PRIMARY KEY (account_id, address)
);
ALTER TABLE account ADD COLUMN keeps_copy BIGINT NOT NULL DEFAULT 1;   -- 1: what is sent on is in its mailbox, too
