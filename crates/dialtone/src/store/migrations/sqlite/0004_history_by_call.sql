-- Entries are told apart by their call first: those of one call, which are written together, are then
-- neighbours, and what looks for the histories of a call needs no index of its own.
CREATE TABLE history_by_call (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BLOB NOT NULL,
    -- The ring's id, or the call's.
    subject BLOB NOT NULL,
    ring_id BLOB,
    call_id BLOB NOT NULL,
    seen INTEGER NOT NULL,
    UNIQUE (call_id, subject, user_id)
) STRICT;
INSERT INTO history_by_call SELECT position, user_id, subject, ring_id, call_id, seen FROM history;
-- A later entry has a greater position, also than those that were deleted.
DELETE FROM sqlite_sequence WHERE name = 'history_by_call';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'history_by_call', seq FROM sqlite_sequence WHERE name = 'history';
DROP TABLE history;
ALTER TABLE history_by_call RENAME TO history;
CREATE INDEX history_of_user ON history (user_id, position);
CREATE INDEX history_unseen ON history (user_id) WHERE NOT seen;
