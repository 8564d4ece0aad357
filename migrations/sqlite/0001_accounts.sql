-- Accounts, sessions and failed sign-ins.
--
-- Conventions of the whole schema:
-- - Ids are UUIDs of version 7, which sort by the time they were made, in 16 bytes.
-- - Times are milliseconds since the Unix epoch, in UTC.
-- - A unique constraint is named table_column_key. The code matches on these names.
-- - Both databases have the same tables, columns, constraints and indexes: tests/migrations.rs compares them.
-- - Statements of a released migration never change; comments may.

create table users (
    id            blob    not null primary key,
    -- The address as the user typed it, without surrounding white space. Pages show this column.
    email         text    not null,
    -- The address in lower case. This column identifies the account.
    email_lower   text    not null constraint users_email_lower_key unique,
    -- A PHC string: Argon2id with its parameters and salt. No password matches '!'.
    password_hash text    not null,
    role          text    not null default 'member' constraint users_role_known check (role in ('member', 'admin')),
    -- Every session stores a digest of the password hash and this number. Raising the number ends all sessions of the user.
    session_epoch integer not null default 0,
    -- A disabled user cannot sign in, and the user's sessions end with their next request.
    disabled_at   integer,
    created_at    integer not null,
    -- True for sample data, which `waymark demo` makes.
    sample        integer not null default false constraint users_sample_boolean check (sample in (0, 1))
) strict;

create index users_created_at on users (created_at);

-- One row per session. tower-sessions-sqlx-store defines the columns id, data and expiry_date. The id is a digest of the
-- session id in the cookie, so a copy of this table opens no session.
create table tower_sessions (
    id          text not null primary key,
    data        blob not null,
    expiry_date text not null,
    user_id     blob constraint tower_sessions_user_id_fkey references users (id) on delete cascade
) strict;

create index tower_sessions_expiry_date on tower_sessions (expiry_date);
create index tower_sessions_user_id on tower_sessions (user_id) where user_id is not null;

-- Failed sign-ins by e-mail address, whether an account has the address or not. After five free failures the account has to wait
-- before the next try: 1 second at first, then twice as long with each failure. The longest wait is 15 minutes.
create table sign_in_failures (
    -- SHA-256 of the e-mail address in lower case.
    account        blob    not null primary key,
    failures       integer not null,
    last_failed_at integer not null,
    blocked_until  integer not null
) strict;

create index sign_in_failures_last_failed_at on sign_in_failures (last_failed_at);
