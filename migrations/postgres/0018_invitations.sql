-- People whom an admin has invited to have an account. An accepted or revoked invitation has no row.
create table invitations (
    id          uuid   not null primary key,
    -- The address that the account will have, as the admin typed it.
    email       text   not null,
    -- The address in lower case: an address has one invitation.
    email_lower text   not null constraint invitations_email_lower_key unique,
    -- The role that the account will have.
    role        text   not null constraint invitations_role_known check (role in ('member', 'admin')),
    -- The admin. The invitation works while this user is an admin who can sign in.
    invited_by  uuid   not null constraint invitations_invited_by_fkey references users (id) on delete cascade,
    -- When the admin invited the person, and until when the links of the last mail work.
    created_at  bigint not null,
    expires_at  bigint not null
);

create index invitations_created_at on invitations (created_at);
create index invitations_invited_by on invitations (invited_by);

-- The invitation that a link accepts. The invitation's end ends its links.
alter table one_time_tokens add column invitation_id uuid
    constraint one_time_tokens_invitation_id_fkey references invitations (id) on delete cascade;

create index one_time_tokens_invitation_id on one_time_tokens (invitation_id) where invitation_id is not null;
