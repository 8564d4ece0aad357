-- Attribution: visitors, their touches, and referral links.

-- A visitor is one browser. A visitor can have touches long before anybody signs in. The first sign-in links the visitor to the
-- user, and the link does not change afterwards.
create table visitors (
    id            uuid    not null primary key,
    user_id       uuid    constraint visitors_user_id_fkey references users (id),
    first_seen_at bigint  not null,
    linked_at     bigint,
    sample        boolean not null default false,
    constraint visitors_linked_together check ((user_id is null) = (linked_at is null))
);

create index visitors_user_id on visitors (user_id) where user_id is not null;

-- A touch is one arrival with a marketing signal. A touch does not change afterwards, with these exceptions:
-- - The same arrival seen again within 30 minutes raises `hits`.
-- - A page's beacon or a handler's seed may complete a touch that the server saw only in part.
-- - A request that is sent again may move its touch to another visitor who is not linked yet.
-- - `waymark reclassify` changes the channel.
-- - Erasing a user removes what could identify the person.
-- - Retention and a visitor's objection delete rows.
create table touches (
    id                 uuid    not null primary key,
    visitor_id         uuid    not null constraint touches_visitor_id_fkey references visitors (id),
    occurred_at        bigint  not null,
    -- The UTM fields, to marketing_tactic. A field that the link did not have is null, and no other touch fills it.
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
    -- JSON objects: {"gclid": "…"} and {"partner": ["…", "…"]}.
    click_ids          text    not null default '{}',
    tags               text    not null default '{}',
    -- The path that the link led to, without query.
    landing_path       text    not null,
    -- Host and path of the page with the link, without query.
    referrer           text,
    -- True where a click id or the referrer implied the source, the medium or both. Example: for utm_source=youtube&gclid=x, the
    -- gclid implies the medium cpc.
    derived            boolean not null default false,
    -- True where the link stood on a page of this site.
    internal           boolean not null default false,
    hits               bigint  not null default 1,
    -- A digest of the UTM fields, click ids and tags. Two touches of the same link have the same fingerprint. After erasure the
    -- fingerprint is a number below 2^40.
    fingerprint        bigint  not null
);

create index touches_visitor on touches (visitor_id, occurred_at);
create index touches_occurred_at on touches (occurred_at);
create index touches_campaign on touches (campaign, occurred_at);

-- A lead source is a touch of a visitor who is linked to a user.
create view lead_sources as
select
    t.id, v.user_id, t.visitor_id, t.medium, t.source, t.campaign, t.term, t.content, t.channel, t.click_ids,
    t.tags as custom_tags, t.landing_path, t.referrer, t.derived, t.internal, t.hits,
    -- `timestamp` is the time of the touch; `created_at` is the time from which the touch belonged to the user.
    t.occurred_at as "timestamp",
    case when v.linked_at > t.occurred_at then v.linked_at else t.occurred_at end as created_at
from touches t
join visitors v on v.id = t.visitor_id
where v.user_id is not null;

-- Referral links: /r/{token}. Each member has one link; admins make further links for campaigns.
create table referral_tokens (
    token        text    not null primary key,
    -- The member. Null for a link that an admin made, and after the member was erased.
    owner_id     uuid    constraint referral_tokens_owner_id_key unique
                         constraint referral_tokens_owner_id_fkey references users (id) on delete cascade,
    campaign     text    not null default 'referral',
    landing_path text    not null default '/',
    created_at   bigint  not null,
    expires_at   bigint,
    disabled_at  bigint
);

-- The referral link that brought a new user. A user has one at most.
create table referrals (
    referee_id uuid    not null primary key constraint referrals_referee_id_fkey references users (id) on delete cascade,
    token      text    not null constraint referrals_token_fkey references referral_tokens (token) on delete cascade,
    created_at bigint  not null
);

create index referrals_token on referrals (token);
