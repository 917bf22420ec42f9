-- What lets somebody without an account into one room.
CREATE TABLE join_tokens (
    id BLOB PRIMARY KEY NOT NULL,
    -- SHA-256 of the token.
    token_hash BLOB NOT NULL UNIQUE,
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The sign-in or API token it was made with.
    made_by BLOB NOT NULL,
    room BLOB NOT NULL,
    name TEXT NOT NULL,
    -- With what the person joins at once; none: they see the lobby first.
    audio INTEGER,
    video INTEGER,
    expires_ms INTEGER NOT NULL,
    -- The device that came by it first, and nobody after it.
    device BLOB,
    used_ms INTEGER
) STRICT;
CREATE INDEX join_tokens_of_user ON join_tokens (user_id);
