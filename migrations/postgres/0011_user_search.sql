-- Searching users by a part of their e-mail address.
--
-- An index finds texts by how they begin. The extension pg_trgm makes an index that finds every address with three given
-- characters. Shorter texts are looked for in all addresses.
--
-- A server may not have the extension, or may not allow it. All addresses are then looked at for every search. To get the index
-- later, install the extension as a superuser, and run the `create index` below.
do '
begin
    create extension if not exists pg_trgm;
    create index users_email_lower_trigrams on users using gin (email_lower gin_trgm_ops);
exception
    -- The migration is tried again.
    when lock_not_available or query_canceled or deadlock_detected then raise;
    when others then raise notice ''no index for searching users by e-mail address: %'', sqlerrm;
end ';
