-- How many users each referral link brought, so that the admins' list of links is read in its order from an index.

alter table referral_tokens add column signups bigint not null default 0;

update referral_tokens k set signups = r.signups
from (select token, count(*) as signups from referrals group by token) r where r.token = k.token;

-- The functions run once for each statement. They find the table in the schema of this migration, whatever search_path the
-- statement has. A referral's token and referee do not change.
create function count_added_referrals() returns trigger language plpgsql set search_path from current as '
begin
    update referral_tokens k set signups = k.signups + c.count
    from (select token, count(*) as count from changed group by token) c where c.token = k.token;
    return null;
end ';

create function count_removed_referrals() returns trigger language plpgsql set search_path from current as '
begin
    update referral_tokens k set signups = k.signups - c.count
    from (select token, count(*) as count from changed group by token) c where c.token = k.token;
    return null;
end ';

create trigger referrals_counted_insert after insert on referrals
    referencing new table as changed for each statement execute function count_added_referrals();
create trigger referrals_counted_delete after delete on referrals
    referencing old table as changed for each statement execute function count_removed_referrals();

-- The order of the list: first the links without an owner, then the members' links.
create index referral_tokens_campaigns on referral_tokens (signups desc, created_at desc, token) where owner_id is null;
create index referral_tokens_members on referral_tokens (signups desc, created_at desc, token) where owner_id is not null;
