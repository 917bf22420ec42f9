-- The secret before this one signs as well for a time, so that receivers can change theirs.
ALTER TABLE webhooks ADD COLUMN old_secret TEXT COLLATE "C";
ALTER TABLE webhooks ADD COLUMN old_secret_until_ms BIGINT;
-- When the first delivery failed after the last that did not.
ALTER TABLE webhooks ADD COLUMN failing_ms BIGINT;
