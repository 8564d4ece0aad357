-- When a worker began to run the job; null while no worker runs it. The job runs until due_at at most.
alter table queued_jobs add column started_at bigint;
