-- What lets somebody without an account into one room.
CREATE TABLE join_tokens (
    id BYTEA PRIMARY KEY NOT NULL,
    -- SHA-256 of the token.
    token_hash BYTEA NOT NULL UNIQUE,
    user_id BYTEA NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The sign-in or API token it was made with.
    made_by BYTEA NOT NULL,
    room BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- With what the person joins at once; none: they see the lobby first.
    audio BOOLEAN,
    video BOOLEAN,
    expires_ms BIGINT NOT NULL,
    -- The device that came by it first, and nobody after it.
    device BYTEA,
    used_ms BIGINT
);
CREATE INDEX join_tokens_of_user ON join_tokens (user_id);
