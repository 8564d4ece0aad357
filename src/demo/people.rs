use std::{borrow::Cow, collections::HashSet, time::Duration};

use super::{
    arrivals::{Arrivals, FirstArrival, cumulated},
    calendar::{Calendar, times},
    campaigns::{CAMPAIGNS, FALLBACK, REFERRAL, SampleCampaign, SampleLink, TAGS},
    names::Emails,
    options::{Demo, LargeDemo},
    variety,
};
use crate::{
    attribution::{
        channel::rules::Rules,
        signal::{custom_tags::CustomTags, from_click_ids, parse, referrer::Referrer},
        touch::{Landing, Touch, TouchOrigin},
    },
    id::{UserId, VisitorId},
    page_parameters::PAGE_PARAMETERS,
    random::Random,
    timestamp::{DAY, MILLISECOND, Timestamp},
};

/// The most days that sample data covers.
const LONGEST: u32 = 3650;
const HOUR: Duration = Duration::from_hours(1);
/// The longest time between a touch of a referral link and a sign-up that counts for the link.
const REFERRAL_WINDOW: Duration = Duration::from_hours(30 * 24);

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";
/// The letters of real tokens, without those that are easily confused.
const TOKEN: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A made-up visitor, and the user that the visitor became.
#[derive(Clone, Debug)]
pub struct Person {
    pub visitor: VisitorId,
    pub first_seen_at: Timestamp,
    /// In the order of time. A user who signed up without a touch has none.
    pub touches: Vec<Touch>,
    pub user: Option<Member>,
    /// The other browsers of a user, in large samples.
    pub further: Vec<Browser>,
}

/// A browser that a user signs in with later: a visitor of its own, until then.
#[derive(Clone, Debug)]
pub struct Browser {
    pub visitor: VisitorId,
    pub first_seen_at: Timestamp,
    pub linked_at: Timestamp,
    /// In the order of time; at least one.
    pub touches: Vec<Touch>,
}

/// A made-up user.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: UserId,
    pub email: String,
    pub created_at: Timestamp,
    /// The token of the user's own referral link.
    pub token: Option<String>,
    /// The token of the link through which the user came.
    pub referred_by: Option<String>,
}

impl Person {
    /// Returns the touches of all browsers.
    pub fn touches(&self) -> impl Iterator<Item = &Touch> {
        self.touches.iter().chain(self.further.iter().flat_map(|browser| &browser.touches))
    }
}

/// Makes up the people, in the order of the days of their first arrivals.
///
/// The same [`Demo`] on the same day makes the same people, except for e-mail addresses that are taken.
pub struct People {
    random: Random,
    calendar: Calendar,
    tags: CustomTags,
    emails: Emails,
    arrivals: Arrivals,
    /// The users with a referral link: when they signed up, and their tokens.
    sharers: Vec<(Timestamp, String)>,
    /// Whether the sample has the variety of a large site.
    large: bool,
}

impl People {
    /// Prepares the people of a small sample. `taken` are the e-mail addresses of existing accounts, in lower case.
    pub fn new(demo: &Demo, now: Timestamp, taken: HashSet<String>) -> Self {
        let calendar = Calendar::new(demo.days.clamp(1, LONGEST) as usize, now, demo.seed);
        let mut random = Random::new(demo.seed);
        let arrivals = Arrivals::listed(demo, &mut random, &calendar);
        Self::arriving(arrivals, random, calendar, Emails::kept(taken), false)
    }

    /// Prepares the people of a large sample, which ends with the day before `now`.
    pub fn many(demo: &LargeDemo, now: Timestamp, taken: HashSet<String>) -> Self {
        let calendar = Calendar::new(demo.days.clamp(1, LONGEST) as usize, now, demo.seed);
        let arrivals = Arrivals::made(demo, &calendar);
        Self::arriving(arrivals, Random::new(demo.seed), calendar, Emails::numbered(taken), true)
    }

    fn arriving(arrivals: Arrivals, random: Random, calendar: Calendar, emails: Emails, large: bool) -> Self {
        // The names are constants. A test checks that they are accepted.
        let tags = CustomTags::parse(TAGS, &PAGE_PARAMETERS).unwrap_or_default();
        Self { random, calendar, tags, emails, arrivals, sharers: Vec::new(), large }
    }

    /// Returns the end of the data: a small sample covers today, too.
    pub fn end(&self) -> Timestamp {
        if self.large { self.calendar.today() } else { self.calendar.end() }
    }

    fn person(&mut self, day: usize, arrival: FirstArrival) -> Person {
        let at = self.calendar.midnight(day) + self.time_of_day();
        let (mut touches, created_at) = match arrival {
            FirstArrival::Direct => (Vec::new(), Some(at)),
            FirstArrival::Passing { campaign } => {
                let count = *self.random.pick(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 5]);
                (self.path(campaign, at, count, self.end()), None)
            }
            FirstArrival::SigningUp { campaign } => {
                let count = *self.random.pick(&[1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6]);
                let touches = self.path(campaign, at, count, self.calendar.today());
                let last = touches.last().map_or(at, |touch| touch.occurred_at);
                let created_at = last + self.hesitation();
                // Users sign up before today. Otherwise some sign-ups would be in the future and left out.
                (touches, Some(created_at.min(self.calendar.today() - MILLISECOND)))
            }
        };
        let first_seen_at = touches.first().map_or(at, |touch| touch.occurred_at);
        let user = created_at.map(|created_at| self.member(created_at, &touches));
        if let Some(user) = &user {
            if (1..6).contains(&touches.len()) && self.random.chance(0.2) {
                let later = user.created_at + DAY + times(DAY, self.random.unit() * 40.0);
                // a member does not come back through a referral link
                let (campaign, end) = (self.campaign_on(later), self.end());
                if campaign != REFERRAL && later < end {
                    touches.push(self.touch(campaign, later));
                }
            }
            if let Some(token) = &user.token
                && (!self.large || self.sharers.len() < variety::SHARERS)
            {
                self.sharers.push((user.created_at, token.clone()));
            }
        }
        let visitor = self.random.id(first_seen_at);
        let further = match &user {
            Some(user) if self.large => self.further_browsers(first_seen_at, user.created_at),
            _ => Vec::new(),
        };
        Person { visitor, first_seen_at, touches, user, further }
    }

    /// Makes the other browsers of a user, with one or two touches each.
    fn further_browsers(&mut self, first_seen_at: Timestamp, signed_up: Timestamp) -> Vec<Browser> {
        let mut browsers = Vec::new();
        for _ in 0..variety::further_browsers(&mut self.random) {
            let mut at = variety::first_arrival(&mut self.random, first_seen_at, signed_up);
            let (start, mut touches) = (at, Vec::new());
            for _ in 0..*self.random.pick(&[1, 1, 2]) {
                if at < self.end() {
                    // a member does not come back through a referral link
                    let campaign = Some(self.campaign_on(at)).filter(|campaign| *campaign != REFERRAL);
                    touches.push(self.touch(campaign.unwrap_or(FALLBACK), at));
                }
                at = at + DAY + times(DAY, self.random.unit() * 10.0);
            }
            let last = touches.last().map_or(start, |touch| touch.occurred_at);
            let linked_at = last.max(signed_up) + variety::until_sign_in(&mut self.random);
            if !touches.is_empty() && linked_at < self.end() {
                let visitor = self.random.id(start);
                browsers.push(Browser { visitor, first_seen_at: start, linked_at, touches });
            }
        }
        browsers
    }

    fn member(&mut self, created_at: Timestamp, touches: &[Touch]) -> Member {
        let referral = touches.iter().rev().find(|touch| {
            touch.utm.medium.as_deref() == Some("referral")
                && touch.utm.source.as_deref() == Some("internal")
                && touch.occurred_at > created_at - REFERRAL_WINDOW
        });
        Member {
            id: self.random.id(created_at),
            email: self.emails.next(&mut self.random),
            created_at,
            token: self.random.chance(0.4).then(|| self.random.text(TOKEN, 12)),
            referred_by: referral.and_then(|touch| touch.utm.term.clone()),
        }
    }

    /// Makes up to `count` touches before `end`, hours or days apart.
    fn path(&mut self, first: usize, start: Timestamp, count: usize, end: Timestamp) -> Vec<Touch> {
        let mut touches = vec![self.touch(first, start)];
        let mut at = start;
        while touches.len() < count {
            let long = if self.large { variety::long_pause(&mut self.random) } else { None };
            at = if let Some(pause) = long {
                self.calendar.midnight(self.calendar.day_of(at + pause)) + self.time_of_day()
            } else if self.random.chance(0.25) {
                at + HOUR + times(HOUR, self.random.unit() * 4.0)
            } else {
                // mostly a few days, sometimes weeks
                let days = 1 + (self.random.unit() * self.random.unit() * 14.0) as usize;
                self.calendar.midnight(self.calendar.day_of(at) + days) + self.time_of_day()
            };
            if at >= end {
                break;
            }
            let campaign = self.campaign_on(at);
            touches.push(self.touch(campaign, at));
        }
        touches
    }

    /// Picks the campaign that brings an earlier visitor back.
    fn campaign_on(&mut self, at: Timestamp) -> usize {
        let strengths = self.calendar.strengths(self.calendar.day_of(at));
        let running = strengths.iter().zip(&CAMPAIGNS).map(|(strength, campaign)| strength * campaign.again);
        self.random.weighted(&cumulated(running))
    }

    /// Makes the touch of a landing through a link of a campaign.
    fn touch(&mut self, campaign: usize, at: Timestamp) -> Touch {
        let sharer = if campaign == REFERRAL { self.sharer(at) } else { None };
        let (campaign, path) = match &sharer {
            Some(token) => (&CAMPAIGNS[REFERRAL], format!("/r/{token}")),
            // there was no referral link yet
            None if campaign == REFERRAL => (&CAMPAIGNS[FALLBACK], "/".to_owned()),
            None => {
                let landing = *self.random.pick(CAMPAIGNS[campaign].landings);
                let page = match self.large {
                    true => variety::landing_page(&mut self.random, landing),
                    false => landing.into(),
                };
                (&CAMPAIGNS[campaign], page.into_owned())
            }
        };
        let link = self.random.pick(campaign.links);
        let referrer = match self.large {
            true => variety::referrer(&mut self.random, link),
            false => Cow::Borrowed(*self.random.pick(link.referrers)),
        };
        let referrer = Referrer::parse(&format!("https://{referrer}"));
        let query = self.query(campaign, link, sharer.as_deref(), at);
        let mut signals = parse(&query, &self.tags);
        from_click_ids::fill(&mut signals, referrer.as_ref());
        let landing = Landing { signals, path, referrer, origin: TouchOrigin::Link, internal: link.internal };
        let mut touch = Touch::new(landing, at, &Rules::default());
        touch.id = self.random.id(at);
        // repeated visits through the same link
        if self.random.chance(0.1) {
            touch.hits += 1 + self.random.below(3) as i64;
        }
        touch
    }

    /// Returns the query string of a link.
    fn query(&mut self, campaign: &SampleCampaign, link: &SampleLink, sharer: Option<&str>, at: Timestamp) -> String {
        let issue = self.calendar.issue(self.calendar.day_of(at));
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.random.chance(link.bare) {
            let mut add = |name: &str, value: &str| {
                query.append_pair(name, value);
            };
            add("utm_source", link.source);
            if let Some(medium) = link.medium {
                add("utm_medium", medium);
            }
            if let Some(name) = campaign.name {
                let name = name.replace("{n}", &issue.to_string());
                let run = self.large && sharer.is_none();
                add("utm_campaign", &if run { variety::campaign(&mut self.random, &name) } else { name });
            }
            if let Some(term) = sharer.or_else(|| self.pick_some(campaign.terms)) {
                add("utm_term", term);
            }
            if let Some(content) = self.pick_some(campaign.contents) {
                add("utm_content", content);
            }
        }
        if let Some(name) = link.click_id {
            query.append_pair(name, &self.click_id(name, issue));
            if name == "gclid" {
                query.append_pair("gad_source", "1");
            }
        }
        if let Some((name, value)) = link.tag {
            query.append_pair(name, value);
        }
        query.finish()
    }

    fn pick_some(&mut self, from: &[&'static str]) -> Option<&'static str> {
        (!from.is_empty()).then(|| *self.random.pick(from))
    }

    /// Makes a click id in the form of its platform.
    fn click_id(&mut self, name: &str, issue: i64) -> String {
        match name {
            "gclid" => format!("Cj0KCQjw{}_wcB", self.random.text(BASE64, 64)),
            "fbclid" => format!("IwY2xjaw{}", self.random.text(BASE64, 52)),
            "msclkid" => self.random.text(HEX, 32),
            // all mails of an issue have the same id
            "mc_cid" => Random::new(issue as u64).text(HEX, 10),
            _ => self.random.text(BASE64, 24),
        }
    }

    /// Picks the token of a user who had a referral link at that time. The first users share most.
    fn sharer(&mut self, at: Timestamp) -> Option<String> {
        for _ in 0..8 {
            let point = self.random.unit() * self.random.unit();
            match self.sharers.get((point * self.sharers.len() as f64) as usize) {
                Some((since, token)) if *since + HOUR < at => return Some(token.clone()),
                _ => {}
            }
        }
        None
    }

    /// Picks a time between 5:00 and 23:00, mostly about 14:00.
    fn time_of_day(&mut self) -> Duration {
        5 * HOUR + times(HOUR, (self.random.unit() + self.random.unit()) * 9.0)
    }

    /// Picks the time from the last arrival to the sign-up.
    fn hesitation(&mut self) -> Duration {
        let longest = if self.random.chance(0.12) { 6 * HOUR } else { Duration::from_mins(40) };
        Duration::from_mins(1) + times(longest, self.random.unit() * self.random.unit())
    }
}

impl Iterator for People {
    type Item = Person;

    fn next(&mut self) -> Option<Person> {
        let (day, arrival) = self.arrivals.next(&mut self.random, &self.calendar)?;
        let mut person = self.person(day, arrival);
        let mut left = self.arrivals.take(person.touches().count());
        for touches in
            std::iter::once(&mut person.touches).chain(person.further.iter_mut().map(|other| &mut other.touches))
        {
            touches.truncate(left);
            left -= touches.len();
        }
        person.further.retain(|browser| !browser.touches.is_empty());
        Some(person)
    }
}
