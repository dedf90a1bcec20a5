-- What an account may hold: -1 as the configuration says, 0 without a limit, else the limit.
ALTER TABLE account ADD COLUMN quota_octets BIGINT NOT NULL DEFAULT -1;
ALTER TABLE account ADD COLUMN quota_messages BIGINT NOT NULL DEFAULT -1;
