-- Rooms that an administrator has closed: their links lead nowhere any more.
CREATE TABLE closed_rooms (
    room BYTEA PRIMARY KEY NOT NULL,
    closed_ms BIGINT NOT NULL
);
