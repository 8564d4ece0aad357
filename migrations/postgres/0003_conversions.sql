-- Conversions, and the tokens with which other systems report conversions over HTTP.

create table conversions (
    id          uuid    not null primary key,
    user_id     uuid    not null constraint conversions_user_id_fkey references users (id) on delete cascade,
    -- 'signup', or a name that the application chose, such as 'purchase' or 'demo'.
    kind        text    not null,
    -- In minor units of the currency, such as cents. Negative for a refund, 0 where no money was paid.
    value       bigint  not null default 0,
    -- An ISO 4217 code such as 'EUR'. Null where no money was paid.
    currency    text,
    occurred_at bigint  not null,
    recorded_at bigint  not null,
    -- The system that reported the conversion, and its own id of the conversion. A second report with the same source and id is
    -- the same conversion. After the user was erased, external_id is a digest.
    source      text    not null,
    external_id text    not null,
    -- The conversion that a refund takes back.
    refund_of   uuid    constraint conversions_refund_of_fkey references conversions (id) on delete cascade,
    sample      boolean not null default false,
    constraint conversions_source_external_id_key unique (source, external_id),
    constraint conversions_money_has_currency check (value = 0 or currency is not null),
    constraint conversions_negative_is_refund check ((value < 0) = (refund_of is not null))
);

create index conversions_occurred_at on conversions (occurred_at);
create index conversions_user_id on conversions (user_id, occurred_at);
create index conversions_refund_of on conversions (refund_of) where refund_of is not null;

-- Adds the sign-ups of the existing users. A sign-up has the id of its user.
insert into conversions (id, user_id, kind, occurred_at, recorded_at, source, external_id, sample)
select id, id, 'signup', created_at, created_at, 'waymark', 'signup:' || replace(id::text, '-', ''), sample from users;

-- Bearer tokens with which other systems report conversions over HTTP.
create table api_tokens (
    id           uuid   not null primary key,
    -- Also the source of a conversion whose report names no source.
    name         text   not null constraint api_tokens_name_key unique,
    -- SHA-256 of the token. The token itself is shown once and not stored.
    token_hash   bytea  not null constraint api_tokens_token_hash_key unique,
    created_at   bigint not null,
    last_used_at bigint,
    revoked_at   bigint
);
