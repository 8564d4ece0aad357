-- The fingerprint that a touch had before the page's beacon or a handler's seed completed the touch. By this number a reload or
-- a redirect of the same link is recognized. Null for touches that were not completed, and after erasure.
alter table touches add column first_fingerprint bigint;
