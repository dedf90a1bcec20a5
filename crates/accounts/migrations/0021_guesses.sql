-- What all machines know together of who guesses passwords and who does not.

-- Wrong claims. A row whose moment has passed is as good as none.
CREATE TABLE guess (
    subject  TEXT   NOT NULL PRIMARY KEY, -- 'address 192.0.2.1', 'prefix 192.0.2.0'; 'account …', 'known … 192.0.2.1' with a hash of the login
    empty_at BIGINT NOT NULL              -- when all that was taken has leaked back
);
CREATE INDEX guess_by_end ON guess (empty_at);

-- From where accounts have logged in: an IPv4 address, or the first of an IPv6 /64.
CREATE TABLE known (
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    place      TEXT   NOT NULL,
    seen_at    BIGINT NOT NULL,           -- the last time, to within a week
    PRIMARY KEY (account_id, place)
);
CREATE INDEX known_by_time ON known (seen_at);
