-- In which language reports are written for senders in a domain: 'en', 'ja', or '' as the configuration says.
ALTER TABLE domain ADD COLUMN report_language TEXT NOT NULL DEFAULT '';
