-- How many users each referral link brought, so that the admins' list of links is read in its order from an index.

alter table referral_tokens add column signups integer not null default 0;

update referral_tokens set signups = (select count(*) from referrals r where r.token = referral_tokens.token);

-- One referral is added or removed at a time. Its token and referee do not change.
create trigger referrals_counted_insert after insert on referrals begin
    update referral_tokens set signups = signups + 1 where token = new.token;
end;

create trigger referrals_counted_delete after delete on referrals begin
    update referral_tokens set signups = signups - 1 where token = old.token;
end;

-- The order of the list: first the links without an owner, then the members' links.
create index referral_tokens_campaigns on referral_tokens (signups desc, created_at desc, token) where owner_id is null;
create index referral_tokens_members on referral_tokens (signups desc, created_at desc, token) where owner_id is not null;
