-- Changes that reports have to learn about.
--
-- Reports count from facts: a copy of touches, links and conversions in memory. The triggers below note each change of these
-- rows, whoever makes the change, so that the facts are brought up to date before a report answers. A row names the visitor or
-- the user who has to be read again. A row with neither says that campaign names were merged or parted.

-- Triggers need these locks anyway. A release that serves meanwhile takes its locks in this order, so nobody waits in a circle.
lock table users, conversions, visitors, touches, campaign_aliases in share row exclusive mode;

create table fact_changes (
    number         bigint not null generated always as identity constraint fact_changes_pkey primary key,
    visitor_id     uuid,
    user_id        uuid,
    -- The transaction that made the change. Numbers are not in the order of commits: a change with a smaller number may become
    -- visible after a change with a larger one. Transaction ids tell which changes may still become visible.
    transaction_id bigint not null
);

create index fact_changes_transaction_id on fact_changes (transaction_id);

-- The functions run once for each statement. They find the table in the schema of this migration, whatever search_path the
-- statement has.
create function note_touches() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (visitor_id, transaction_id)
    select distinct visitor_id, pg_current_xact_id()::text::bigint from changed;
    return null;
end ';

create function note_updated_touches() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (visitor_id, transaction_id)
    select visitor_id, pg_current_xact_id()::text::bigint
    from (select visitor_id from changed union select visitor_id from former) touched;
    return null;
end ';

create trigger touches_noted_insert after insert on touches
    referencing new table as changed for each statement execute function note_touches();
create trigger touches_noted_update after update on touches
    referencing new table as changed old table as former for each statement execute function note_updated_touches();
create trigger touches_noted_delete after delete on touches
    referencing old table as changed for each statement execute function note_touches();

-- A visitor without touches means nothing to reports, so inserts are not noted.
create function note_updated_visitors() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (visitor_id, user_id, transaction_id)
    select id, user_id, pg_current_xact_id()::text::bigint
    from (select id, user_id from changed union select id, user_id from former) linked;
    return null;
end ';

create function note_deleted_visitors() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (visitor_id, user_id, transaction_id)
    select id, user_id, pg_current_xact_id()::text::bigint from changed where user_id is not null;
    return null;
end ';

create trigger visitors_noted_update after update on visitors
    referencing new table as changed old table as former for each statement execute function note_updated_visitors();
create trigger visitors_noted_delete after delete on visitors
    referencing old table as changed for each statement execute function note_deleted_visitors();

-- Reports know of a user the id and the time of the sign-up. A sign-in that updates another column is not noted.
create function note_users() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (user_id, transaction_id)
    select id, pg_current_xact_id()::text::bigint from changed;
    return null;
end ';

create function note_updated_users() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (user_id, transaction_id)
    select id, pg_current_xact_id()::text::bigint
    from (select id, created_at from changed except select id, created_at from former) differing
    union
    select id, pg_current_xact_id()::text::bigint
    from (select id, created_at from former except select id, created_at from changed) differing;
    return null;
end ';

create trigger users_noted_insert after insert on users
    referencing new table as changed for each statement execute function note_users();
create trigger users_noted_update after update on users
    referencing new table as changed old table as former for each statement execute function note_updated_users();
create trigger users_noted_delete after delete on users
    referencing old table as changed for each statement execute function note_users();

create function note_conversions() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (user_id, transaction_id)
    select distinct user_id, pg_current_xact_id()::text::bigint from changed;
    return null;
end ';

create function note_updated_conversions() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (user_id, transaction_id)
    select user_id, pg_current_xact_id()::text::bigint
    from (select user_id from changed union select user_id from former) converted;
    return null;
end ';

create trigger conversions_noted_insert after insert on conversions
    referencing new table as changed for each statement execute function note_conversions();
create trigger conversions_noted_update after update on conversions
    referencing new table as changed old table as former for each statement execute function note_updated_conversions();
create trigger conversions_noted_delete after delete on conversions
    referencing old table as changed for each statement execute function note_conversions();

create function note_campaign_aliases() returns trigger language plpgsql set search_path from current as '
begin
    insert into fact_changes (transaction_id) values (pg_current_xact_id()::text::bigint);
    return null;
end ';

create trigger campaign_aliases_noted after insert or update or delete on campaign_aliases
    for each statement execute function note_campaign_aliases();
