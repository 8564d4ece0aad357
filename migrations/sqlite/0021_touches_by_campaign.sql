-- Reports find the touches of a campaign in the facts, so no statement looks for them by this index. Each landing would write to
-- it.

drop index if exists touches_campaign;
