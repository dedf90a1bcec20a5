-- How much may be sent, and how much was.

-- Limits that differ from the configuration's: 'messages_per_hour=200 recipients_per_day=0'; 0 is none. An account's go before its plan's.
ALTER TABLE account ADD COLUMN sending_limits TEXT NOT NULL DEFAULT '';
ALTER TABLE plan ADD COLUMN sending_limits TEXT NOT NULL DEFAULT '';

-- What each sent in the last hour and day in which it sent anything: one row each, which goes when its day is over.
CREATE TABLE sent (
    who             TEXT   NOT NULL PRIMARY KEY, -- 'account LOGIN', 'address 192.0.2.7' or 'address 2001:db8::/64'
    hour            BIGINT NOT NULL,             -- since 1970-01-01T00:00:00Z
    day             BIGINT NOT NULL,
    hour_messages   BIGINT NOT NULL,
    hour_recipients BIGINT NOT NULL,
    day_messages    BIGINT NOT NULL,
    day_recipients  BIGINT NOT NULL,
    told_hour       BIGINT NOT NULL,             -- the hour for which the operator was told that its limit is reached
    told_day        BIGINT NOT NULL
);
CREATE INDEX sent_by_day ON sent (day);
