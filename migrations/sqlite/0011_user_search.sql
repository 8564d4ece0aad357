-- Searching users by a part of their e-mail address.
--
-- An index finds texts by how they begin. The full-text table below finds every address that contains three given characters.
-- Shorter texts are looked for in all addresses.

-- A number for each user, because a full-text table has numbers as keys. A user's implicit rowid may change with `vacuum`.
create table user_numbers (
    number  integer not null primary key,
    user_id blob    not null constraint user_numbers_user_id_key unique
                    constraint user_numbers_user_id_fkey references users (id) on delete cascade
) strict;

-- Where the full-text table reads the addresses when it is built anew or checked.
create view user_emails as
select n.number, u.email_lower as email from user_numbers n join users u on u.id = n.user_id;

-- The table stores no address, only which three characters stand in which users' addresses. `detail=none` leaves out where in the
-- address they stand, so a search compares the addresses that it finds. What a deleted or changed address left is
-- merged away when the database's files are cleaned: src/db/wipe/search.rs.
create virtual table user_search using fts5 (
    email, content = 'user_emails', content_rowid = 'number', tokenize = 'trigram case_sensitive 1', detail = 'none',
    columnsize = 0
);

create trigger user_search_insert after insert on users begin
    insert into user_numbers (user_id) values (new.id);
    insert into user_search (rowid, email) select number, new.email_lower from user_numbers where user_id = new.id;
end;

create trigger user_search_update after update of email_lower on users when old.email_lower <> new.email_lower begin
    insert into user_search (user_search, rowid, email)
    select 'delete', number, old.email_lower from user_numbers where user_id = new.id;
    insert into user_search (rowid, email) select number, new.email_lower from user_numbers where user_id = new.id;
end;

-- Before the deletion, because the user's number is deleted with the user.
create trigger user_search_delete before delete on users begin
    insert into user_search (user_search, rowid, email)
    select 'delete', number, old.email_lower from user_numbers where user_id = old.id;
end;

insert into user_numbers (user_id) select id from users order by id;
insert into user_search (user_search) values ('rebuild');
