-- Ids are 16 bytes, times milliseconds since the Unix epoch, truth 0 or 1.

-- ---- people ----

CREATE TABLE users (
    id BLOB PRIMARY KEY NOT NULL,
    login TEXT NOT NULL,
    -- In lower case: a login name is somebody's, however it is written.
    login_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    password_hash TEXT,
    do_not_disturb INTEGER NOT NULL DEFAULT 0,
    call_waiting INTEGER NOT NULL DEFAULT 1,
    created_ms INTEGER NOT NULL,
    -- A closed account keeps its row: its login name is nobody else's, and histories show its name.
    closed_ms INTEGER
) STRICT;

CREATE TABLE passkeys (
    -- The credential id (WebAuthn).
    id BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- The credential, in JSON.
    credential TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms INTEGER
) STRICT;
CREATE INDEX passkeys_of_user ON passkeys (user_id);

CREATE TABLE logins (
    id BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of what the cookie holds.
    secret_hash BLOB NOT NULL UNIQUE,
    -- The device's.
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT;
CREATE INDEX logins_of_user ON logins (user_id);

CREATE TABLE contacts (
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    contact_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, contact_id)
) STRICT;

CREATE TABLE blocks (
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    blocked_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) STRICT;

CREATE TABLE invitations (
    id BLOB PRIMARY KEY NOT NULL,
    -- SHA-256 of what the link holds.
    token_hash BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    -- Whose password the link sets; without one it makes a new account.
    user_id BLOB REFERENCES users ON DELETE CASCADE,
    created_by BLOB REFERENCES users ON DELETE SET NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms INTEGER,
    used_by BLOB REFERENCES users ON DELETE SET NULL
) STRICT;

CREATE TABLE api_tokens (
    id BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of the token.
    token_hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Words with a space between.
    scopes TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER,
    expires_ms INTEGER
) STRICT;
CREATE INDEX api_tokens_of_user ON api_tokens (user_id);

CREATE TABLE settings (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE push_subscriptions (
    login_id BLOB PRIMARY KEY NOT NULL REFERENCES logins ON DELETE CASCADE,
    endpoint TEXT NOT NULL UNIQUE,
    p256dh BLOB NOT NULL,
    auth BLOB NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

-- ---- what the exchange keeps ----
-- Nothing here refers to a user by constraint: a record must never fail for who is in it.

CREATE TABLE calls (
    id BLOB PRIMARY KEY NOT NULL,
    room BLOB NOT NULL,
    opened_ms INTEGER NOT NULL,
    connected_ms INTEGER,
    ended_ms INTEGER,
    reason TEXT
) STRICT;
CREATE INDEX calls_going_on ON calls (id) WHERE ended_ms IS NULL;
CREATE INDEX calls_ended ON calls (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE seats (
    call_id BLOB NOT NULL,
    participant BLOB NOT NULL,
    device BLOB NOT NULL,
    user_id BLOB,
    name TEXT NOT NULL,
    -- They came by a ring.
    rung INTEGER NOT NULL,
    -- When it was taken first, and last.
    first_ms INTEGER NOT NULL,
    seated_ms INTEGER NOT NULL,
    left_ms INTEGER,
    PRIMARY KEY (call_id, participant)
) STRICT;

CREATE TABLE chat (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id BLOB NOT NULL,
    id BLOB NOT NULL,
    participant BLOB NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (call_id, id)
) STRICT;

CREATE TABLE rings (
    id BLOB PRIMARY KEY NOT NULL,
    call_id BLOB NOT NULL,
    caller BLOB NOT NULL,
    caller_device BLOB NOT NULL,
    callee BLOB NOT NULL,
    audio INTEGER NOT NULL,
    video INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    ringing_ms INTEGER,
    ended_ms INTEGER,
    outcome TEXT
) STRICT;
CREATE INDEX rings_of_call ON rings (call_id);
CREATE INDEX rings_going_on ON rings (id) WHERE ended_ms IS NULL;
CREATE INDEX rings_ended ON rings (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE ring_messages (
    ring_id BLOB PRIMARY KEY NOT NULL,
    id BLOB NOT NULL,
    body TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- One row for each user whom an ended ring, or a call without one, concerned. The rest of an
-- entry is in the ring and the call.
CREATE TABLE history (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BLOB NOT NULL,
    -- The ring's id, or the call's.
    subject BLOB NOT NULL,
    ring_id BLOB,
    call_id BLOB NOT NULL,
    seen INTEGER NOT NULL,
    UNIQUE (user_id, subject)
) STRICT;
CREATE INDEX history_of_user ON history (user_id, position);
CREATE INDEX history_unseen ON history (user_id) WHERE NOT seen;
CREATE INDEX history_of_call ON history (call_id);

-- ---- webhooks ----

CREATE TABLE webhooks (
    id BLOB PRIMARY KEY NOT NULL,
    created_by BLOB REFERENCES users ON DELETE SET NULL,
    url TEXT NOT NULL,
    -- Signs what is delivered.
    secret TEXT NOT NULL,
    -- Names of events with a space before, between and behind.
    events TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    disabled_ms INTEGER
) STRICT;

CREATE TABLE webhook_deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id BLOB NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event TEXT NOT NULL,
    -- What happened to: the ring's id, or the call's.
    subject BLOB NOT NULL,
    of_ring INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When to try (again); none when it is done or given up.
    next_ms INTEGER,
    delivered_ms INTEGER,
    -- The HTTP status of the last attempt, or what went wrong.
    status INTEGER,
    error TEXT,
    UNIQUE (webhook_id, event, subject, at_ms)
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_ms) WHERE next_ms IS NOT NULL;
