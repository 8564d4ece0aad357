-- Data quality: where a touch came from, which rules classified it, what did not count, and merged campaign names.

-- What a touch was made from:
-- - link: UTM fields, a click id or a tag in the link
-- - referrer: the page that linked here, where the link itself said nothing
-- - seeded: sentinel values that a handler put into the session
-- - import: a row of another system
alter table touches add column origin text not null default 'link'
    constraint touches_origin_known check (origin in ('link', 'referrer', 'seeded', 'import'));
-- The version of the channel rules that classified the touch.
alter table touches add column rules_version text not null default '1';

-- Marketing signals that did not count, by day and reason. The arrival became no touch, or a touch that lacks a part of what its
-- link said. The day is in UTC: '2026-11-23'.
create table ignored_arrivals (
    day    text    not null,
    reason text    not null,
    count  integer not null,
    constraint ignored_arrivals_pkey primary key (day, reason)
) strict, without rowid;

-- Merged campaign names: reports show `campaign` where a touch says `alias`. Touches are not changed, so deleting a row undoes
-- the merge.
create table campaign_aliases (
    alias      text    not null primary key,
    campaign   text    not null,
    created_at integer not null,
    constraint campaign_aliases_no_loop check (alias <> campaign)
) strict, without rowid;

create index campaign_aliases_campaign on campaign_aliases (campaign);
