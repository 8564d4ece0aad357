-- The ways into an account that go by mail: confirming an address, a new password, signing in by a link, another address.

-- Imported leads whose user has not confirmed the e-mail address: this visitor becomes the user's when the user does.
alter table visitors add column pending_user_id uuid constraint visitors_pending_user_id_fkey references users (id);

create index visitors_pending_user_id on visitors (pending_user_id) where pending_user_id is not null;

-- Links in mails that work once. Using a link removes its row. A change of the user's password or address ends all links,
-- because a link works only while the user has the same session_epoch and address.
create table one_time_tokens (
    -- SHA-256 of the token in the link. A copy of this table opens no account.
    token_hash    bytea  not null primary key,
    purpose       text   not null constraint one_time_tokens_purpose_known
        check (purpose in ('verify', 'reset', 'sign_in', 'change_email', 'invite')),
    -- Null for an invitation, whose user is not there yet.
    user_id       uuid   constraint one_time_tokens_user_id_fkey references users (id) on delete cascade,
    -- The address to which the link was sent.
    email         text   not null,
    -- The user's session_epoch when the link was made.
    session_epoch bigint not null,
    -- The visitor of the browser that asked for the link. It becomes the user's when the link is used. No foreign key: retention
    -- may remove the visitor before.
    visitor_id    uuid,
    created_at    bigint not null,
    expires_at    bigint not null
);

create index one_time_tokens_user_id on one_time_tokens (user_id, purpose) where user_id is not null;
create index one_time_tokens_expires_at on one_time_tokens (expires_at);
