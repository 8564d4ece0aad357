-- The audit log: what admins, sign-ins and the command line changed. An entry is written in the transaction of its change.
--
-- Entries refer to no other table, because an entry outlasts what it is about. An erasure removes the addresses of the erased
-- person from all entries, and the networks the person came from. Retention removes old entries (AUDIT_KEEP).
create table audit_entries (
    -- A UUID of version 7, made of the time below and of random bits. So entries sort by time, and a range of time is a range
    -- of ids.
    id          uuid   not null primary key,
    occurred_at bigint not null,
    -- A word of `Action` in src/audit/action.rs.
    action      text   not null,
    -- Who changed something: a signed-in user, the command line, or a stranger, for failed sign-ins.
    actor_kind  text   not null constraint audit_entries_actor_kind_known check (actor_kind in ('user', 'command_line', 'stranger')),
    actor_id    uuid,
    -- The e-mail address at the time. Null once the user is erased.
    actor_email text,
    -- The user that the change is about, if it is about a user.
    target_id   uuid,
    -- What the change is about: the user's e-mail address at the time, a link, a name. Null for an erased user.
    target      text,
    -- What exactly changed: `member → admin`.
    detail      text,
    -- The network of the client, never an address: 203.0.113.0/24, 2001:db8:1::/48.
    network     text,
    -- The request's id, as the log has it.
    request_id  uuid
);

create index audit_entries_occurred_at on audit_entries (occurred_at);
create index audit_entries_action on audit_entries (action, id);
create index audit_entries_actor_id on audit_entries (actor_id, id) where actor_id is not null;
create index audit_entries_target_id on audit_entries (target_id, id) where target_id is not null;
