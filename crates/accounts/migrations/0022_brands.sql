-- Providers whose customers do not meet: the same login may exist once in each. An account of a brand is 'brand:login' in account.login;
-- without a brand, which is the one that nobody has to name, it is the login as before.
ALTER TABLE domain ADD COLUMN brand_id BIGINT NOT NULL DEFAULT 0;      -- whose accounts have addresses in it; 0: the default brand's

-- Until now a plan's brand was a word that nothing hung on; from now on accounts are issued in it.
UPDATE plan SET brand_id = 0;
