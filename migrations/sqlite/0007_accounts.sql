-- Browsers that a user signed in with, a limit for the whole site, and what an API token may do.

-- Browsers in which a user signed in. Each browser keeps a random token in a cookie, and this table keeps a digest of the token.
-- Failed sign-ins from such a browser are counted here and not in sign_in_failures. So a stranger who guesses a user's password
-- does not make the user wait. A user has at most ten rows.
create table known_devices (
    user_id        blob    not null constraint known_devices_user_id_fkey references users (id) on delete cascade,
    -- SHA-256 of the token. A copy of this table is of no use to a guesser.
    token_hash     blob    not null,
    created_at     integer not null,
    -- The last sign-in.
    last_used_at   integer not null,
    -- Failed sign-ins since the last successful one. They wait as in sign_in_failures.
    failures       integer not null default 0,
    last_failed_at integer,
    blocked_until  integer not null default 0,
    constraint known_devices_pkey primary key (user_id, token_hash)
) strict, without rowid;

create index known_devices_last_used_at on known_devices (last_used_at);

-- How often something was done on the whole site within an hour. All replicas count in the same row.
create table hourly_limits (
    -- What is counted: 'sign_up'.
    name  text    not null primary key,
    -- When the hour that is counted began.
    since integer not null,
    used  integer not null
) strict, without rowid;

-- The sources that a token may report as: a JSON array of names. Null means only the token's own name.
alter table api_tokens add column sources text;
-- When the token ends. Null means never.
alter table api_tokens add column expires_at integer;
