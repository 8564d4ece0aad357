-- The example to copy. Your own migrations begin with 5002. Numbers below 5000 belong to the starter, whose later versions add some.
create table projects (
    id         blob    not null primary key,
    user_id    blob    not null constraint projects_user_id_fkey references users (id) on delete cascade,
    name       text    not null,
    note       text    not null,
    created_at integer not null,
    constraint projects_user_id_name_key unique (user_id, name)
) strict, without rowid;

-- The list of a user, newest first: ids sort by time.
create index projects_user_id_id on projects (user_id, id);
