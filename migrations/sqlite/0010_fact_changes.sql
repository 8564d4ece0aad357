-- Changes that reports have to learn about.
--
-- Reports count from facts: a copy of touches, links and conversions in memory. The triggers below note each change of these
-- rows, whoever makes the change, so that the facts are brought up to date before a report answers. A row names the visitor or
-- the user who has to be read again. A row with neither says that campaign names were merged or parted.

create table fact_changes (
    -- A later change has a larger number, because SQLite has one writer at a time.
    number     integer not null primary key autoincrement,
    visitor_id blob,
    user_id    blob
) strict;

create trigger touches_noted_insert after insert on touches begin
    insert into fact_changes (visitor_id) values (new.visitor_id);
end;

create trigger touches_noted_update after update on touches begin
    insert into fact_changes (visitor_id) values (new.visitor_id);
    insert into fact_changes (visitor_id) select old.visitor_id where old.visitor_id <> new.visitor_id;
end;

create trigger touches_noted_delete after delete on touches begin
    insert into fact_changes (visitor_id) values (old.visitor_id);
end;

-- A visitor without touches means nothing to reports, so inserts are not noted.
create trigger visitors_noted_update after update of id, user_id on visitors begin
    insert into fact_changes (visitor_id, user_id) values (new.id, new.user_id);
    insert into fact_changes (visitor_id, user_id) values (old.id, old.user_id);
end;

create trigger visitors_noted_delete after delete on visitors when old.user_id is not null begin
    insert into fact_changes (visitor_id, user_id) values (old.id, old.user_id);
end;

create trigger users_noted_insert after insert on users begin
    insert into fact_changes (user_id) values (new.id);
end;

create trigger users_noted_update after update of id, created_at on users begin
    insert into fact_changes (user_id) values (new.id);
    insert into fact_changes (user_id) select old.id where old.id <> new.id;
end;

create trigger users_noted_delete after delete on users begin
    insert into fact_changes (user_id) values (old.id);
end;

create trigger conversions_noted_insert after insert on conversions begin
    insert into fact_changes (user_id) values (new.user_id);
end;

create trigger conversions_noted_update after update on conversions begin
    insert into fact_changes (user_id) values (new.user_id);
    insert into fact_changes (user_id) select old.user_id where old.user_id <> new.user_id;
end;

create trigger conversions_noted_delete after delete on conversions begin
    insert into fact_changes (user_id) values (old.user_id);
end;

create trigger campaign_aliases_noted_insert after insert on campaign_aliases begin
    insert into fact_changes (visitor_id) values (null);
end;

create trigger campaign_aliases_noted_update after update on campaign_aliases begin
    insert into fact_changes (visitor_id) values (null);
end;

create trigger campaign_aliases_noted_delete after delete on campaign_aliases begin
    insert into fact_changes (visitor_id) values (null);
end;
