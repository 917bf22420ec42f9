-- Entries are told apart by their call first, and what looks for the histories of a call needs no index of
-- its own.
ALTER TABLE history ADD UNIQUE (call_id, subject, user_id);
ALTER TABLE history DROP CONSTRAINT history_user_id_subject_key;
DROP INDEX history_of_call;
