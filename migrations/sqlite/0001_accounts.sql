-- Accounts, sessions and the slowing down of password guessing.
--
-- Conventions of this schema: ids are UUIDs (version 7, 16 bytes), times are milliseconds since the Unix epoch in UTC, names of
-- unique constraints are table_column_key, and the code matches on them.

create table users (
    id            blob    not null primary key,
    -- As typed, without surrounding white space: what pages show.
    email         text    not null,
    -- The same in lower case: what identifies an account.
    email_lower   text    not null constraint users_email_lower_key unique,
    -- A PHC string: Argon2id with its parameters and salt.
    password_hash text    not null,
    role          text    not null default 'member' constraint users_role_known check (role in ('member', 'admin')),
    -- Part of what a session is checked against: raising it ends all sessions of the user.
    session_epoch integer not null default 0,
    -- A disabled user cannot sign in, and is out with the next request.
    disabled_at   integer,
    created_at    integer not null,
    -- Made by `waymark demo`.
    sample        integer not null default false constraint users_sample_boolean check (sample in (0, 1))
) strict;

create index users_created_at on users (created_at);

-- One row a session. The columns id, data and expiry_date belong to tower-sessions-sqlx-store; the id is a digest of
-- the one in the cookie, so that a copy of this table opens no session.
create table tower_sessions (
    id          text not null primary key,
    data        blob not null,
    expiry_date text not null,
    user_id     blob constraint tower_sessions_user_id_fkey references users (id) on delete cascade
) strict;

create index tower_sessions_expiry_date on tower_sessions (expiry_date);
create index tower_sessions_user_id on tower_sessions (user_id) where user_id is not null;

-- Failed sign-ins of an account name, whether it exists or not: each doubles the wait before the next try.
create table sign_in_failures (
    -- SHA-256 of the e-mail address in lower case.
    account        blob    not null primary key,
    failures       integer not null,
    last_failed_at integer not null,
    blocked_until  integer not null
) strict;

create index sign_in_failures_last_failed_at on sign_in_failures (last_failed_at);
