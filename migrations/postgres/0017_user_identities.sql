-- People at providers such as GitHub, and the accounts that they open.
create table user_identities (
    provider     text    not null constraint user_identities_provider_known check (provider in ('github', 'google')),
    -- The provider's number for the person. It never changes, while addresses and names do.
    subject      text    not null,
    user_id      uuid    not null constraint user_identities_user_id_fkey references users (id) on delete cascade,
    -- The person's address at the provider, if the provider has verified it. For the user to see. It opens nothing.
    email        text,
    created_at   bigint  not null,
    -- The last sign-in with the provider.
    last_used_at bigint  not null,
    constraint user_identities_pkey primary key (provider, subject),
    constraint user_identities_user_id_provider_key unique (user_id, provider)
);

-- When this site, a provider or the operator first confirmed that the user reads the present e-mail address. Null means never.
alter table users add column email_verified_at bigint;
