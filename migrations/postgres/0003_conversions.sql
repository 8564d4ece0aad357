-- Conversions: what users did that counts, and who may report one.

create table conversions (
    id          uuid    not null primary key,
    user_id     uuid    not null constraint conversions_user_id_fkey references users (id) on delete cascade,
    -- 'signup', or what the application calls it: 'purchase', 'demo'.
    kind        text    not null,
    -- In minor units of the currency: cents. Negative for a refund, 0 where no money changed hands.
    value       bigint  not null default 0,
    -- ISO 4217. Null where there is no money.
    currency    text,
    occurred_at bigint  not null,
    recorded_at bigint  not null,
    -- Who reported it, and under which name they know it: reported again, it is the same conversion.
    source      text    not null,
    external_id text    not null,
    -- What a refund takes back.
    refund_of   uuid    constraint conversions_refund_of_fkey references conversions (id) on delete cascade,
    sample      boolean not null default false,
    constraint conversions_source_external_id_key unique (source, external_id),
    constraint conversions_money_has_currency check (value = 0 or currency is not null),
    constraint conversions_negative_is_refund check ((value < 0) = (refund_of is not null))
);

create index conversions_occurred_at on conversions (occurred_at);
create index conversions_user_id on conversions (user_id, occurred_at);
create index conversions_refund_of on conversions (refund_of) where refund_of is not null;

-- The sign-ups so far. A sign-up has the id of its user.
insert into conversions (id, user_id, kind, occurred_at, recorded_at, source, external_id, sample)
select id, id, 'signup', created_at, created_at, 'waymark', 'signup:' || replace(id::text, '-', ''), sample from users;

-- Bearer tokens of those who report conversions over HTTP.
create table api_tokens (
    id           uuid   not null primary key,
    -- Also the conversions' source, where a report names none.
    name         text   not null constraint api_tokens_name_key unique,
    -- SHA-256 of the token, which is shown once and kept nowhere.
    token_hash   bytea  not null constraint api_tokens_token_hash_key unique,
    created_at   bigint not null,
    last_used_at bigint,
    revoked_at   bigint
);
