use std::{collections::HashSet, time::Duration};

use super::{
    calendar::{Calendar, times},
    campaigns::{CAMPAIGNS, FALLBACK, REFERRAL, SampleCampaign, SampleLink, TAGS},
    names,
    options::Demo,
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

/// The number of visitors for each user.
const VISITORS: usize = 12;
/// One user in ten signs up without a touch.
const DIRECT: usize = 10;
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

/// What a visitor does after arriving for the first time.
#[derive(Clone, Copy, Debug)]
enum FirstArrival {
    /// Never signs up.
    Passing {
        campaign: usize,
    },
    SigningUp {
        campaign: usize,
    },
    /// Signs up without a touch.
    Direct,
}

/// Makes up the people, in the order of the days of their first arrivals.
///
/// The same [`Demo`] on the same day makes the same people, except for e-mail addresses that are taken.
pub struct People {
    random: Random,
    calendar: Calendar,
    tags: CustomTags,
    taken: HashSet<String>,
    arrivals: std::vec::IntoIter<(usize, FirstArrival)>,
    /// The users with a referral link: when they signed up, and their tokens.
    sharers: Vec<(Timestamp, String)>,
}

impl People {
    /// Prepares the people of a run. `taken` are the e-mail addresses of existing accounts, in lower case.
    pub fn new(demo: &Demo, now: Timestamp, taken: HashSet<String>) -> Self {
        let calendar = Calendar::new(demo.days.clamp(1, LONGEST) as usize, now, demo.seed);
        let mut random = Random::new(demo.seed);
        let arrivals = arrivals(&mut random, &calendar, demo.users as usize).into_iter();
        // The names are constants. A test checks that they are accepted.
        let tags = CustomTags::parse(TAGS, &PAGE_PARAMETERS).unwrap_or_default();
        Self { random, calendar, tags, taken, arrivals, sharers: Vec::new() }
    }

    fn person(&mut self, day: usize, arrival: FirstArrival) -> Person {
        let at = self.calendar.midnight(day) + self.time_of_day();
        let (mut touches, created_at) = match arrival {
            FirstArrival::Direct => (Vec::new(), Some(at)),
            FirstArrival::Passing { campaign } => {
                let count = *self.random.pick(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 5]);
                (self.path(campaign, at, count, self.calendar.end()), None)
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
                let (campaign, end) = (self.campaign_on(later), self.calendar.end());
                if campaign != REFERRAL && later < end {
                    touches.push(self.touch(campaign, later));
                }
            }
            if let Some(token) = &user.token {
                self.sharers.push((user.created_at, token.clone()));
            }
        }
        Person { visitor: self.random.id(first_seen_at), first_seen_at, touches, user }
    }

    fn member(&mut self, created_at: Timestamp, touches: &[Touch]) -> Member {
        let referral = touches.iter().rev().find(|touch| {
            touch.utm.medium.as_deref() == Some("referral")
                && touch.utm.source.as_deref() == Some("internal")
                && touch.occurred_at > created_at - REFERRAL_WINDOW
        });
        Member {
            id: self.random.id(created_at),
            email: names::email(&mut self.random, &mut self.taken),
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
            at = if self.random.chance(0.25) {
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
            None => (&CAMPAIGNS[campaign], (*self.random.pick(CAMPAIGNS[campaign].landings)).to_owned()),
        };
        let link = self.random.pick(campaign.links);
        let referrer = Referrer::parse(&format!("https://{}", self.random.pick(link.referrers)));
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
                add("utm_campaign", &name.replace("{n}", &issue.to_string()));
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
        let (day, arrival) = self.arrivals.next()?;
        Some(self.person(day, arrival))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.arrivals.size_hint()
    }
}

impl ExactSizeIterator for People {}

/// Makes the first arrivals with their days, in the order of days.
fn arrivals(random: &mut Random, calendar: &Calendar, users: usize) -> Vec<(usize, FirstArrival)> {
    let place = |at: usize| (at / CAMPAIGNS.len(), at % CAMPAIGNS.len());
    let weights = calendar.weights();
    let before_today = &weights[..calendar.days() * CAMPAIGNS.len()];
    let all = cumulated(weights.iter().copied());
    let rates = CAMPAIGNS.iter().map(|campaign| campaign.rate).cycle();
    let signing_up = cumulated(before_today.iter().zip(rates).map(|(weight, rate)| weight * rate));

    let direct = (users + DIRECT / 2) / DIRECT;
    let passing = users.saturating_mul(VISITORS) - users;
    let mut arrivals = Vec::with_capacity(passing + users);
    // every campaign that runs has a visitor, small ones too
    for campaign in (0..CAMPAIGNS.len()).take(passing) {
        let days = cumulated(before_today.iter().skip(campaign).step_by(CAMPAIGNS.len()).copied());
        if days.last().is_some_and(|sum| *sum > 0.0) {
            arrivals.push((random.weighted(&days), FirstArrival::Passing { campaign }));
        }
    }
    while arrivals.len() < passing {
        let (day, campaign) = place(random.weighted(&all));
        arrivals.push((day, FirstArrival::Passing { campaign }));
    }
    for user in 0..users {
        let (day, campaign) = place(random.weighted(&signing_up));
        arrivals.push((day, if user < direct { FirstArrival::Direct } else { FirstArrival::SigningUp { campaign } }));
    }
    arrivals.sort_by_key(|(day, _)| *day);
    arrivals
}

/// Returns the running sums.
fn cumulated(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}
