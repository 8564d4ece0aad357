-- Consent, erasure, and the jobs that one replica runs at a time.

-- What a visitor decided, where somebody is known to have decided: with consent there is a visitor.
create table consents (
    visitor_id blob    not null constraint consents_visitor_id_fkey references visitors (id) on delete cascade,
    decided_at integer not null,
    granted    integer not null constraint consents_granted_boolean check (granted in (0, 1)),
    -- The version of the text that was agreed to.
    wording    text    not null,
    constraint consents_pkey primary key (visitor_id, decided_at)
) strict, without rowid;

-- An erased user: the row stays, as nobody's, so that totals do.
alter table users add column erased_at integer;

-- Retention goes by these.
create index visitors_unlinked on visitors (first_seen_at) where user_id is null;

-- Whose turn a job is. A lease that ran out is anyone's.
create table jobs (
    name         text    not null primary key,
    holder       blob,
    leased_until integer not null,
    finished_at  integer
) strict, without rowid;
