use super::{
    calendar::Calendar,
    campaigns::CAMPAIGNS,
    options::{Demo, LargeDemo, VISITORS},
};
use crate::random::Random;

/// One user in ten signs up without a touch.
const DIRECT: usize = 10;
/// The share of the visitors who become users, in a sample with a number of touches.
const SIGNING_UP: f64 = 0.05;

/// What a visitor does after arriving for the first time.
#[derive(Clone, Copy, Debug)]
pub enum FirstArrival {
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

/// The first arrivals with their days, in the order of days.
#[derive(Debug)]
pub enum Arrivals {
    /// A number of users. All arrivals are known at the start.
    Listed(std::vec::IntoIter<(usize, FirstArrival)>),
    /// A number of touches. Each arrival is made when it is asked for, so any number takes the same memory.
    Made(MadeArrivals),
}

impl Arrivals {
    /// Makes the first arrivals of a sample with a number of users.
    pub fn listed(demo: &Demo, random: &mut Random, calendar: &Calendar) -> Self {
        Self::Listed(list(random, calendar, demo.users as usize).into_iter())
    }

    /// Makes the first arrivals of a sample with a number of touches.
    pub fn made(demo: &LargeDemo, calendar: &Calendar) -> Self {
        Self::Made(MadeArrivals::new(demo.touches, calendar))
    }

    pub fn next(&mut self, random: &mut Random, calendar: &Calendar) -> Option<(usize, FirstArrival)> {
        match self {
            Self::Listed(arrivals) => arrivals.next(),
            Self::Made(arrivals) => arrivals.next(random, calendar),
        }
    }

    /// Notes how many touches the last visitor has. Returns how many of them the sample still needs.
    pub fn take(&mut self, touches: usize) -> usize {
        match self {
            Self::Listed(_) => touches,
            Self::Made(arrivals) => arrivals.take(touches),
        }
    }
}

/// Makes visitors day by day, until there are enough touches.
#[derive(Debug)]
pub struct MadeArrivals {
    /// How many touches there are by the end of each day, counted at the day of their visitor's first touch.
    by_the_end_of: Vec<u64>,
    made: u64,
    day: usize,
    /// The shares of the campaigns on the day, as running sums.
    passing: Vec<f64>,
    signing_up: Vec<f64>,
}

impl MadeArrivals {
    fn new(touches: u64, calendar: &Calendar) -> Self {
        let weights = &calendar.weights()[..calendar.days() * CAMPAIGNS.len()];
        let by_day = cumulated(weights.chunks(CAMPAIGNS.len()).map(|day| day.iter().sum()));
        let all = by_day.last().copied().unwrap_or(1.0);
        let mut by_the_end_of: Vec<u64> = by_day.iter().map(|sum| (sum / all * touches as f64) as u64).collect();
        if let Some(last) = by_the_end_of.last_mut() {
            *last = touches;
        }
        let mut made = Self { by_the_end_of, made: 0, day: 0, passing: Vec::new(), signing_up: Vec::new() };
        made.begin(0, calendar);
        made
    }

    fn begin(&mut self, day: usize, calendar: &Calendar) {
        let weights = &calendar.weights()[day * CAMPAIGNS.len()..][..CAMPAIGNS.len()];
        self.day = day;
        self.passing = cumulated(weights.iter().copied());
        self.signing_up = cumulated(weights.iter().zip(&CAMPAIGNS).map(|(weight, campaign)| weight * campaign.rate));
    }

    fn next(&mut self, random: &mut Random, calendar: &Calendar) -> Option<(usize, FirstArrival)> {
        let day = self.day + self.by_the_end_of[self.day..].iter().position(|touches| *touches > self.made)?;
        if day != self.day {
            self.begin(day, calendar);
        }
        let arrival = if !random.chance(SIGNING_UP) {
            FirstArrival::Passing { campaign: random.weighted(&self.passing) }
        } else if random.below(DIRECT as u64) == 0 {
            FirstArrival::Direct
        } else {
            FirstArrival::SigningUp { campaign: random.weighted(&self.signing_up) }
        };
        Some((day, arrival))
    }

    fn take(&mut self, touches: usize) -> usize {
        let left = self.by_the_end_of.last().map_or(0, |all| all - self.made);
        let taken = left.min(touches as u64);
        self.made += taken;
        taken as usize
    }
}

fn list(random: &mut Random, calendar: &Calendar, users: usize) -> Vec<(usize, FirstArrival)> {
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
pub(super) fn cumulated(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}
