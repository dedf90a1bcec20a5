-- POP before SMTP: who has fetched mail lately, and from where. An expired row is as good as none.
CREATE TABLE ticket (
    address    TEXT   NOT NULL,          -- an IPv4 address, or the /64 of an IPv6 one
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (address, account_id)
);
CREATE INDEX ticket_by_end ON ticket (expires_at);
