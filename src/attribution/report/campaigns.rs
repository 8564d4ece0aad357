use std::cmp::Ordering;

use super::{
    Filter, Question,
    credit::{CreditSettings, CreditTally, PeriodCredit, PeriodSum, Revenue},
    distinct::Distinct,
    filter::{FilterField, NOT_SET},
    matcher::Matcher,
    totals::{Totals, TotalsTally},
};
use crate::{
    attribution::{
        channel::Channel,
        facts::{Campaign, Facts, Person, scan::Tally},
        model::Model,
    },
    word_enum::word_enum,
};

/// The touches of one source, medium, campaign and channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignRow {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub channel: String,
    pub touches: i64,
    /// Distinct visitors.
    pub visitors: i64,
    /// Touches of visitors who belong to a user.
    pub leads: i64,
    /// Distinct users.
    pub users: i64,
    /// Users who signed up in the period, with a touch of this campaign at or before the sign-up and within the
    /// look-back window.
    pub signups: i64,
    /// Touches from links on pages of this site.
    pub internal: i64,
    /// The conversions and the money that the campaign is credited with.
    pub earned: Revenue,
}

impl CampaignRow {
    /// Returns sign-ups divided by visitors. The rate can be more than 1, because people who came before the period may sign up
    /// in it.
    pub fn rate(&self) -> Option<f64> {
        (self.visitors > 0).then(|| self.signups as f64 / self.visitors as f64)
    }

    /// Returns whether the row stands for people who came without a touch.
    pub fn is_direct(&self) -> bool {
        let names = [&self.source, &self.medium, &self.campaign];
        names.into_iter().all(Option::is_none) && self.channel == Channel::Direct.as_str()
    }

    /// Returns the filter narrowed to the touches of this row.
    pub fn narrow(&self, filter: &Filter) -> Filter {
        let exactly = |value: &Option<String>| Some(value.clone().unwrap_or_else(|| NOT_SET.to_owned()));
        filter
            .clone()
            .with(FilterField::Source, exactly(&self.source).as_deref())
            .with(FilterField::Medium, exactly(&self.medium).as_deref())
            .with(FilterField::Campaign, exactly(&self.campaign).as_deref())
            .with(FilterField::Channel, Some(&self.channel))
    }
}

word_enum! {
    /// A column that campaigns can be sorted by. The text is its name in addresses.
    pub enum CampaignColumn {
        Campaign = "campaign",
        Source = "source",
        Medium = "medium",
        Channel = "channel",
        Touches = "touches",
        Visitors = "visitors",
        Leads = "leads",
        Users = "users",
        Signups = "signups",
        Rate = "rate",
        Credit = "credit",
    }
}

impl CampaignColumn {
    /// Returns whether the column holds numbers. A first click sorts numbers from the largest, and names from A.
    pub const fn is_numeric(self) -> bool {
        !matches!(self, Self::Campaign | Self::Source | Self::Medium | Self::Channel)
    }
}

/// An order of campaigns: `leads` is ascending, `-leads` descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignOrder {
    pub column: CampaignColumn,
    pub descending: bool,
}

impl Default for CampaignOrder {
    fn default() -> Self {
        Self { column: CampaignColumn::Leads, descending: true }
    }
}

impl CampaignOrder {
    /// The order of files, by source and then by the other names. New touches do not change this order.
    pub const BY_SOURCE: Self = Self { column: CampaignColumn::Source, descending: false };

    pub fn parse(text: &str) -> Option<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        Some(Self { column: CampaignColumn::from_word(name)?, descending })
    }

    /// Returns the order after a click on a column's heading: the other direction, or that column in its first
    /// direction.
    pub fn pressed(self, column: CampaignColumn) -> Self {
        let descending = if self.column == column { !self.descending } else { column.is_numeric() };
        Self { column, descending }
    }

    /// Compares two rows. The order has no ties, since a row's names are unique.
    fn compare(self, one: &CampaignRow, other: &CampaignRow) -> Ordering {
        /// A missing value comes last in both directions.
        fn directed<T: PartialOrd>(one: Option<T>, other: Option<T>, descending: bool) -> Ordering {
            match (one, other) {
                (Some(one), Some(other)) => {
                    let order = one.partial_cmp(&other).unwrap_or(Ordering::Equal);
                    if descending { order.reverse() } else { order }
                }
                (one, other) => one.is_none().cmp(&other.is_none()),
            }
        }
        let number = |of: fn(&CampaignRow) -> i64| directed(Some(of(one)), Some(of(other)), self.descending);
        let text = |of: fn(&CampaignRow) -> Option<&str>| directed(of(one), of(other), self.descending);
        let first = match self.column {
            CampaignColumn::Campaign => text(|row| row.campaign.as_deref()),
            CampaignColumn::Source => text(|row| row.source.as_deref()),
            CampaignColumn::Medium => text(|row| row.medium.as_deref()),
            CampaignColumn::Channel => text(|row| Some(&row.channel)),
            CampaignColumn::Touches => number(|row| row.touches),
            CampaignColumn::Visitors => number(|row| row.visitors),
            CampaignColumn::Leads => number(|row| row.leads),
            CampaignColumn::Users => number(|row| row.users),
            CampaignColumn::Signups => number(|row| row.signups),
            CampaignColumn::Rate => directed(one.rate(), other.rate(), self.descending),
            CampaignColumn::Credit => number(|row| row.earned.conversions.0),
        };
        first.then_with(|| by_name(one).cmp(&by_name(other)))
    }
}

/// Returns what sorts rows by their names, missing ones last.
fn by_name(row: &CampaignRow) -> [(bool, Option<&str>); 4] {
    let names = [row.source.as_deref(), row.medium.as_deref(), row.campaign.as_deref(), Some(&*row.channel)];
    names.map(|name| (name.is_none(), name))
}

impl std::fmt::Display for CampaignOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.column.as_str())
    }
}

/// The campaigns of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaigns {
    /// The campaigns with touches, sign-ups or credit in the period.
    pub rows: Vec<CampaignRow>,
    pub totals: Totals,
    /// What all campaigns earned.
    pub earned: Revenue,
}

/// Counts the campaigns of a period, in this order, with credit by a model.
pub fn campaigns(
    facts: &Facts,
    question: &Question,
    settings: &CreditSettings,
    model: Model,
    order: CampaignOrder,
) -> Campaigns {
    let matcher = Matcher::new(facts, question);
    let (totals, campaigns, credit) = matcher.scan(matcher.range, || {
        let sum = PeriodSum::new(matcher.dictionary, &[], &[]);
        let credit = CreditTally::new(&matcher, settings, vec![model], sum);
        (TotalsTally::new(&matcher), CampaignTally::new(&matcher), credit)
    });
    let credit = credit.sum.finish(0);
    let mut rows = campaigns.finish(&credit);
    sort(&mut rows, order);
    Campaigns { rows, totals: totals.finish(), earned: credit.total }
}

/// Sorts campaigns.
pub fn sort(rows: &mut [CampaignRow], order: CampaignOrder) {
    rows.sort_unstable_by(|one, other| order.compare(one, other));
}

/// Counts [`CampaignRow`]s.
pub struct CampaignTally<'a> {
    matcher: &'a Matcher<'a>,
    /// By campaign: touches, leads, internal touches.
    touches: Vec<[u32; 3]>,
    visitors: Distinct,
    users: Distinct,
    signups: Distinct,
}

impl<'a> CampaignTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>) -> Self {
        let campaigns = matcher.dictionary.campaigns().len();
        let distinct = Distinct::new(campaigns);
        Self {
            matcher,
            touches: vec![[0; 3]; campaigns],
            visitors: distinct.clone(),
            users: distinct.clone(),
            signups: distinct,
        }
    }

    /// Returns the rows, in no order.
    pub fn finish(self, credit: &PeriodCredit) -> Vec<CampaignRow> {
        let dictionary = self.matcher.dictionary;
        let text = |text| dictionary.texts.get(text).to_owned();
        let row = |(place, &Campaign { source, medium, campaign, channel }): (usize, &Campaign)| {
            let [touches, leads, internal] = self.touches[place].map(i64::from);
            let signups = self.signups.get(place);
            let earned = &credit.campaigns[place];
            (touches > 0 || signups > 0 || earned.is_some()).then(|| CampaignRow {
                source: source.map(text),
                medium: medium.map(text),
                campaign: campaign.map(text),
                channel: text(channel),
                touches,
                visitors: self.visitors.get(place),
                leads,
                users: self.users.get(place),
                signups,
                internal,
                earned: earned.clone().unwrap_or_default(),
            })
        };
        dictionary.campaigns().iter().enumerate().filter_map(row).collect()
    }
}

impl Tally for CampaignTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let (matching, range, dictionary) = (self.matcher.of(person), self.matcher.range, self.matcher.dictionary);
        let is_user = person.user().is_some();
        self.visitors.next();
        self.users.next();
        for touch in person.touches() {
            if touch.next_visitor {
                self.visitors.next();
            }
            if !range.contains(touch.at) || !matching.finds(touch.tuple) {
                continue;
            }
            let place = dictionary.campaign_of(touch.tuple).place();
            let [touches, leads, internal] = &mut self.touches[place];
            *touches += 1;
            *internal += u32::from(dictionary.tuple(touch.tuple).internal);
            self.visitors.count(place);
            if is_user {
                *leads += 1;
                self.users.count(place);
            }
        }
        if let Some(created_at) = self.matcher.signed_up(person) {
            self.signups.next();
            for touch in self.matcher.brought(person, created_at) {
                self.signups.count(dictionary.campaign_of(touch.tuple).place());
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for (own, other) in self.touches.iter_mut().zip(&other.touches) {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        }
        self.visitors.merge(&other.visitors);
        self.users.merge(&other.users);
        self.signups.merge(&other.signups);
    }
}
