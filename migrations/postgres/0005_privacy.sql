-- Consent, erasure, and leases for jobs that only one replica may run at a time.

-- What a visitor decided about consent: one row for the first decision, and one for each change. If the visitor is not stored,
-- the decision is only in the browser's cookie.
create table consents (
    visitor_id uuid    not null constraint consents_visitor_id_fkey references visitors (id) on delete cascade,
    decided_at bigint not null,
    granted    boolean not null,
    -- The version of the text that the visitor was shown.
    wording    text    not null,
    constraint consents_pkey primary key (visitor_id, decided_at)
);

-- When a user was erased. The row stays without e-mail address and password, so that totals stay the same.
alter table users add column erased_at bigint;

-- For retention, which deletes old visitors who are not linked to a user.
create index visitors_unlinked on visitors (first_seen_at) where user_id is null;

-- Leases: the replica in `holder` may run the job until `leased_until`. After that time any replica may take the lease.
create table jobs (
    name         text    not null primary key,
    holder       uuid,
    leased_until bigint not null,
    finished_at  bigint
);
