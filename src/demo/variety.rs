use std::{borrow::Cow, time::Duration};

use super::{calendar::times, campaigns::SampleLink};
use crate::{
    random::Random,
    timestamp::{DAY, Timestamp},
};

const MARKETS: [&str; 8] = ["us", "uk", "de", "fr", "nl", "es", "br", "jp"];
/// How many times a campaign ran in each market.
const RUNS: usize = 4;
/// How many pages there are in each section of the site.
const PAGES: usize = 1000;
/// The sections: the landing pages with other pages below them.
const SECTIONS: [&str; 4] = ["/blog/attribution", "/docs/start", "/compare", "/changelog"];
const SITES: [&str; 8] = ["blog", "forum", "news", "weekly", "digest", "wiki", "club", "lab"];
/// How many sites of each kind there are.
const SITES_OF_A_KIND: usize = 50;
/// How many members' links are shared. All members have links.
pub const SHARERS: usize = 2000;

/// Picks a number below `limit`, small numbers more often: half of them are in the first quarter.
fn skewed(random: &mut Random, limit: usize) -> usize {
    let point = random.unit();
    (point * point * limit as f64) as usize
}

/// Names the market and the run of a campaign: `brand-search` → `brand-search-de-2`.
pub fn campaign(random: &mut Random, name: &str) -> String {
    format!("{name}-{}-{}", MARKETS[skewed(random, MARKETS.len())], 1 + skewed(random, RUNS))
}

/// Picks a page of a landing page's section: `/blog/attribution` → `/blog/attribution/17`.
pub fn landing_page(random: &mut Random, path: &'static str) -> Cow<'static, str> {
    match SECTIONS.contains(&path) && random.chance(0.7) {
        true => format!("{path}/{}", 1 + skewed(random, PAGES)).into(),
        false => path.into(),
    }
}

/// Picks the page on which a link stands. Links without a click id are copied to other sites.
pub fn referrer(random: &mut Random, link: &SampleLink) -> Cow<'static, str> {
    match link.click_id.is_none() && !link.internal && random.chance(0.4) {
        true => format!("{}-{}.example/", random.pick(&SITES), 1 + skewed(random, SITES_OF_A_KIND)).into(),
        false => (*random.pick(link.referrers)).into(),
    }
}

/// Returns how many further browsers a user signs in with.
pub fn further_browsers(random: &mut Random) -> usize {
    if random.chance(0.25) { *random.pick(&[1, 1, 1, 2]) } else { 0 }
}

/// Picks the time until a visitor's next touch where it is long: one to five months.
pub fn long_pause(random: &mut Random) -> Option<Duration> {
    random.chance(0.1).then(|| times(DAY, 30.0 + random.unit() * 120.0))
}

/// Picks the time from the last touch of a further browser to the sign-in that links the browser.
pub fn until_sign_in(random: &mut Random) -> Duration {
    Duration::from_mins(1) + times(DAY, random.unit() * random.unit() * 6.0)
}

/// Picks the first arrival of a further browser: between the user's first arrival and two months after the sign-up.
pub fn first_arrival(random: &mut Random, first: Timestamp, signed_up: Timestamp) -> Timestamp {
    first + times(signed_up - first + 60 * DAY, random.unit())
}
