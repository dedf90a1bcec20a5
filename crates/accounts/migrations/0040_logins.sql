-- How somebody came lately, for the desk: one row for each way, of the last of them. What one attempt was is in the daemons' logs.
CREATE TABLE login_attempt (
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    service    TEXT   NOT NULL,          -- pop, smtp_auth
    place      TEXT   NOT NULL,          -- the listener's name and port
    address    TEXT   NOT NULL,          -- of the client
    tls        TEXT   NOT NULL,          -- the version; '' in clear text
    mechanism  TEXT   NOT NULL,          -- password, apop
    outcome    TEXT   NOT NULL,          -- ok, or the reason that is in the log
    hint       TEXT   NOT NULL,          -- at the mistake; '' where there is none
    claimed    TEXT   NOT NULL,          -- the name that was said, where it is not the login
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    times      BIGINT NOT NULL,
    PRIMARY KEY (account_id, service, place, address, tls, mechanism, outcome, hint, claimed)
);
CREATE INDEX login_attempt_by_time ON login_attempt (account_id, last_at);
