-- Consent, erasure, and the jobs that one replica runs at a time.

-- What a visitor decided, where somebody is known to have decided: with consent there is a visitor.
create table consents (
    visitor_id uuid    not null constraint consents_visitor_id_fkey references visitors (id) on delete cascade,
    decided_at bigint not null,
    granted    boolean not null,
    -- The version of the text that was agreed to.
    wording    text    not null,
    constraint consents_pkey primary key (visitor_id, decided_at)
);

-- An erased user: the row stays, as nobody's, so that totals do.
alter table users add column erased_at bigint;

-- Retention goes by these.
create index visitors_unlinked on visitors (first_seen_at) where user_id is null;

-- Whose turn a job is. A lease that ran out is anyone's.
create table jobs (
    name         text    not null primary key,
    holder       uuid,
    leased_until bigint not null,
    finished_at  bigint
);
