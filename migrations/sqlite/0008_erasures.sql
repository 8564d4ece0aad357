-- Erasures of users. The request of an erasure closes the account. A job does the rest: it looks through all touches, and then
-- cleans the database's files. Every erasure has a confirmation page, /erased/{token}, which shows how far the job is.
create table erasures (
    id               blob    not null primary key,
    user_id          blob    not null constraint erasures_user_id_fkey references users (id) on delete cascade,
    -- SHA-256 of the token in the address of the confirmation page.
    token_hash       blob    not null constraint erasures_token_hash_key unique,
    requested_at     integer not null,
    -- What the job still needs, as JSON: the erasure's random key, a salted digest by which the job recognizes the e-mail
    -- address, and how far the job is. The address itself is not stored. Null once no table has anything of the person.
    task             text,
    -- When the last row was cleaned, and when the database's files were. The row of the erasure is removed 30 days later.
    rows_cleaned_at  integer,
    files_cleaned_at integer
) strict;

create index erasures_user_id on erasures (user_id);
create index erasures_unfinished on erasures (requested_at) where files_cleaned_at is null;
create index erasures_files_cleaned_at on erasures (files_cleaned_at) where files_cleaned_at is not null;

-- For late arrivals: a request that was in flight while its user was erased may add a row afterwards.
create index users_erased_at on users (erased_at) where erased_at is not null;
