-- Attribution: who came, from where, and whom it brought.

-- A visitor is one browser. It has touches long before anyone signs in, and belongs to at most one user, for good.
create table visitors (
    id            uuid    not null primary key,
    user_id       uuid    constraint visitors_user_id_fkey references users (id),
    first_seen_at bigint  not null,
    linked_at     bigint,
    sample        boolean not null default false,
    constraint visitors_linked_together check ((user_id is null) = (linked_at is null))
);

create index visitors_user_id on visitors (user_id) where user_id is not null;

-- A touch is one arrival that carried a marketing signal. Rows are only added; `hits` counts the same arrival seen again
-- within 30 minutes.
create table touches (
    id                 uuid    not null primary key,
    visitor_id         uuid    not null constraint touches_visitor_id_fkey references visitors (id),
    occurred_at        bigint  not null,
    -- The tuple. What the link did not say is null and is never filled from another touch.
    source             text,
    medium             text,
    campaign           text,
    term               text,
    content            text,
    utm_id             text,
    source_platform    text,
    creative_format    text,
    marketing_tactic   text,
    channel            text    not null,
    -- JSON objects: {"gclid": "…"} and {"tag": ["…"]}.
    click_ids          text    not null default '{}',
    tags               text    not null default '{}',
    -- Without its query.
    landing_path       text    not null,
    -- Host and path, never its query.
    referrer           text,
    -- Source and medium were not in the link but follow from a click id.
    derived            boolean not null default false,
    -- The link stood on a page of our own.
    internal           boolean not null default false,
    hits               bigint  not null default 1,
    -- A digest of the tuple, the click ids and the tags: equal for the same arrival.
    fingerprint        bigint  not null
);

create index touches_visitor on touches (visitor_id, occurred_at);
create index touches_occurred_at on touches (occurred_at);
create index touches_campaign on touches (campaign, occurred_at);

-- A lead source is a touch of a visitor that belongs to a user.
create view lead_sources as
select
    t.id, v.user_id, t.visitor_id, t.medium, t.source, t.campaign, t.term, t.content, t.channel, t.click_ids,
    t.tags as custom_tags, t.landing_path, t.referrer, t.derived, t.internal, t.hits,
    -- When it was clicked, and when it became the user's.
    t.occurred_at as "timestamp",
    case when v.linked_at > t.occurred_at then v.linked_at else t.occurred_at end as created_at
from touches t
join visitors v on v.id = t.visitor_id
where v.user_id is not null;

-- Links that bring people: /r/{token}. A member has one of their own; an admin makes others for campaigns.
create table referral_tokens (
    token        text    not null primary key,
    -- Whose it is; null for a link that an admin made.
    owner_id     uuid    constraint referral_tokens_owner_id_key unique
                         constraint referral_tokens_owner_id_fkey references users (id) on delete cascade,
    campaign     text    not null default 'referral',
    landing_path text    not null default '/',
    created_at   bigint  not null,
    expires_at   bigint,
    disabled_at  bigint
);

-- Who brought whom: a new user has one referrer.
create table referrals (
    referee_id uuid    not null primary key constraint referrals_referee_id_fkey references users (id) on delete cascade,
    token      text    not null constraint referrals_token_fkey references referral_tokens (token) on delete cascade,
    created_at bigint  not null
);

create index referrals_token on referrals (token);
