-- Rules of POP3 that differ from the configuration's: 'expire_read=14 login_delay=60', in days and seconds; 0 is none. A domain's
-- are for the accounts whose issued address is in it.
ALTER TABLE account ADD COLUMN pop3_rules TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN pop3_rules TEXT NOT NULL DEFAULT '';
