-- How far the numbers can be trusted: what did not count and why, which rules classified a touch, names that mean the same.

-- What made a touch: its link (UTM, click id, tag), the page that linked here, a handler's sentinel values, or an import.
alter table touches add column origin text not null default 'link'
    constraint touches_origin_known check (origin in ('link', 'referrer', 'seeded', 'import'));
-- The version of the rules that chose the channel.
alter table touches add column rules_version text not null default '1';

-- Arrivals that carried a signal and did not count, by day (UTC, 2026-11-23) and reason.
create table ignored_arrivals (
    day    text    not null,
    reason text    not null,
    count  integer not null,
    constraint ignored_arrivals_pkey primary key (day, reason)
) strict, without rowid;

-- Campaign names that stand for another in reports. Touches keep what their link said, so that removing a row undoes it.
create table campaign_aliases (
    alias      text    not null primary key,
    campaign   text    not null,
    created_at integer not null,
    constraint campaign_aliases_no_loop check (alias <> campaign)
) strict, without rowid;

create index campaign_aliases_campaign on campaign_aliases (campaign);
