-- The second factor: an authenticator app (TOTP), and recovery codes for a lost device.

-- When the user turned the second factor on. Null: signing in takes the password alone.
alter table users add column second_factor_at integer;

-- A user has a row while the second factor is being set up, and while it is on.
create table second_factors (
    user_id    blob    not null primary key constraint second_factors_user_id_fkey references users (id) on delete cascade,
    -- The secret that the app has too, as it is: the server needs it to compute codes.
    secret     blob    not null,
    created_at integer not null,
    -- The half minute since 1970 whose code was used last. Only codes of later half minutes count.
    last_step  integer not null default 0
) strict;

-- Recovery codes that were not used yet.
create table recovery_codes (
    user_id    blob    not null constraint recovery_codes_user_id_fkey references users (id) on delete cascade,
    -- SHA-256 of the code, which has 80 random bits.
    code_hash  blob    not null,
    created_at integer not null,
    constraint recovery_codes_pkey primary key (user_id, code_hash)
) strict;
