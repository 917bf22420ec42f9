-- Rooms that an administrator has closed: their links lead nowhere any more.
CREATE TABLE closed_rooms (
    room BLOB PRIMARY KEY NOT NULL,
    closed_ms INTEGER NOT NULL
) STRICT;
