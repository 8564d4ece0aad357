-- Work that runs in the background, such as sending mail. A request writes a row in the transaction that causes the work, and a
-- worker of any replica runs the row soon after.
create table queued_jobs (
    id         blob    not null primary key,
    -- What is to be done: the name of a type that implements `Job`, such as 'account_mail'.
    kind       text    not null,
    -- The job as JSON. Empty once the job is done.
    payload    text    not null,
    -- The user that the job is about, if there is one. Erasing the user removes the row.
    user_id    blob    constraint queued_jobs_user_id_fkey references users (id) on delete cascade,
    -- SHA-256 of the e-mail address that the job is about, in lower case. Limits count by address, whether an account has the
    -- address or not.
    subject    blob,
    state      text    not null default 'waiting' constraint queued_jobs_state_known check (state in ('waiting', 'done', 'dead')),
    created_at integer not null,
    -- From when on a worker may run the job. While a worker runs the job, this is the end of the worker's lease.
    due_at     integer not null,
    -- How often a worker began to run the job. The number also tells apart two workers of which one lost its lease.
    tries      integer not null default 0,
    -- Why the last try failed.
    last_error text,
    -- When the job was done, or given up.
    ended_at   integer
) strict;

create index queued_jobs_due_at on queued_jobs (due_at) where state = 'waiting';
create index queued_jobs_ended_at on queued_jobs (ended_at) where ended_at is not null;
create index queued_jobs_user_id on queued_jobs (user_id) where user_id is not null;
create index queued_jobs_subject on queued_jobs (subject, created_at) where subject is not null;
