-- Reports find the touches of a campaign in the facts, so no statement looks for them by this index. Each landing would write it.

drop index touches_campaign;
