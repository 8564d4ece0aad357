//! Every number of a report against its recomputation from all rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::tz::TimeZone;

use super::{
    credit::settings,
    facts, question, ranking,
    sample::{DAY, ORIGIN, Sample, Touch, User, WINDOW},
    totals, trend,
};
use crate::{
    attribution::{
        model::Model,
        report::{
            Filter, FilterField, Preset, Range,
            campaigns::{CampaignColumn, CampaignOrder, CampaignRow, campaigns, sort},
            credit::Revenue,
            filter::NOT_SET,
            leads::find_leads,
            period::{FIRST_DAY, Period},
            ranking::{Dimension, Ranked},
            totals::Totals,
            trend::Metric,
        },
    },
    db::{page::Position, testing::each_database},
    random::Random,
    timestamp::{MILLISECOND, Timestamp},
};

pub(super) const NOW: Timestamp = Timestamp::from_millis(ORIGIN.as_millis() + 80 * 86_400_000);

/// Filters with every kind of condition.
pub(super) const QUERIES: [&str; 14] = [
    "period=all",
    "from=2026-04-01&to=2026-04-30",
    "from=2026-04-01&to=2026-04-30&tz=Asia%2FKolkata",
    "from=2026-03-29&to=2026-03-29&tz=Europe%2FBerlin",
    "period=all&campaign=spring",
    "period=all&campaign=SPRING&source=google",
    "from=2026-04-10&to=2026-05-20&campaign=%28not+set%29",
    "period=all&medium=%28not+set%29&channel=Referral",
    "from=2026-04-10&to=2026-05-20&channel=Email",
    "period=all&q=50%25_",
    "period=all&q=SPRI",
    "period=all&q=person1",
    "period=all&q=%C3%9CN%C3%8FC",
    "from=2020-01-01&to=2020-12-31",
];

/// Recomputes from all rows what reports count from facts.
pub(super) struct Recomputed<'a> {
    pub sample: &'a Sample,
    pub filter: &'a Filter,
}

impl Recomputed<'_> {
    pub fn owner(&self, touch: &Touch) -> Option<&User> {
        let visitor =
            self.sample.visitors.iter().find(|visitor| visitor.id == touch.visitor).expect("a touch has a visitor");
        let user = visitor.user?;
        self.sample.users.iter().find(|row| row.id == user)
    }

    /// Returns the name under which reports show the touch's campaign.
    pub fn campaign(&self, touch: &Touch) -> Option<&'static str> {
        touch.campaign.map(|campaign| self.sample.merged(campaign))
    }

    pub fn matches(&self, touch: &Touch) -> bool {
        let equal = |field, value: Option<&str>| match self.filter.get(field) {
            None => true,
            Some(NOT_SET) => value.is_none(),
            Some(asked) => value.is_some_and(|value| value == asked || value == asked.to_lowercase()),
        };
        let found = self.filter.q.as_ref().is_none_or(|q| {
            let q = q.to_lowercase();
            let email = self.owner(touch).map(|user| user.email.to_lowercase());
            [
                touch.campaign.map(str::to_owned),
                self.campaign(touch).map(str::to_owned),
                touch.term.map(str::to_owned),
                email,
            ]
            .into_iter()
            .flatten()
            .any(|text| text.contains(&q))
        });
        found
            && equal(FilterField::Source, touch.source)
            && equal(FilterField::Medium, touch.medium)
            && self.filter.get(FilterField::Campaign).is_none_or(|asked| match (asked, self.campaign(touch)) {
                (NOT_SET, campaign) => campaign.is_none(),
                (asked, campaign) => campaign == Some(self.sample.merged(&asked.to_lowercase())),
            })
            && equal(FilterField::Term, touch.term)
            && equal(FilterField::Channel, Some(touch.channel))
    }

    fn touches(&self, range: Range) -> Vec<&Touch> {
        self.sample.touches.iter().filter(|touch| range.contains(touch.occurred_at) && self.matches(touch)).collect()
    }

    fn signups(&self, range: Range) -> Vec<&User> {
        self.sample.users.iter().filter(|user| range.contains(user.created_at)).collect()
    }

    /// Returns the touches that brought a user.
    fn brought(&self, user: &User) -> Vec<&Touch> {
        let within = user.created_at - WINDOW..=user.created_at;
        self.sample
            .touches
            .iter()
            .filter(|touch| {
                within.contains(&touch.occurred_at)
                    && self.owner(touch).is_some_and(|owner| owner.id == user.id)
                    && self.matches(touch)
            })
            .collect()
    }

    fn totals(&self, range: Range) -> Totals {
        let touches = self.touches(range);
        let attributed = self.signups(range).into_iter().filter(|user| !self.brought(user).is_empty()).count() as i64;
        Totals {
            touches: touches.len() as i64,
            visitors: touches.iter().map(|touch| touch.visitor).collect::<BTreeSet<_>>().len() as i64,
            leads: touches.iter().filter(|touch| self.owner(touch).is_some()).count() as i64,
            users: touches
                .iter()
                .filter_map(|touch| self.owner(touch))
                .map(|user| user.id)
                .collect::<BTreeSet<_>>()
                .len() as i64,
            signups: if self.filter.is_bare() { self.signups(range).len() as i64 } else { attributed },
            attributed,
        }
    }

    fn metric(&self, metric: Metric, range: Range) -> i64 {
        let totals = self.totals(range);
        match metric {
            Metric::Touches => totals.touches,
            Metric::Visitors => totals.visitors,
            Metric::Leads => totals.leads,
            Metric::Signups => totals.signups,
        }
    }

    fn campaigns(&self, range: Range) -> Vec<CampaignRow> {
        let key = |touch: &Touch| (touch.source, touch.medium, self.campaign(touch), touch.channel);
        let mut groups: BTreeMap<_, Vec<&Touch>> = BTreeMap::new();
        for touch in self.touches(range) {
            groups.entry(key(touch)).or_default().push(touch);
        }
        let mut signups: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for user in self.signups(range) {
            for touch in self.brought(user) {
                signups.entry(key(touch)).or_default().insert(user.id);
                groups.entry(key(touch)).or_default();
            }
        }
        groups
            .into_iter()
            .map(|(key, touches)| {
                let owners: Vec<_> = touches.iter().filter_map(|touch| self.owner(touch)).map(|user| user.id).collect();
                CampaignRow {
                    source: key.0.map(str::to_owned),
                    medium: key.1.map(str::to_owned),
                    campaign: key.2.map(str::to_owned),
                    channel: key.3.to_owned(),
                    touches: touches.len() as i64,
                    visitors: touches.iter().map(|touch| touch.visitor).collect::<BTreeSet<_>>().len() as i64,
                    leads: owners.len() as i64,
                    users: owners.iter().collect::<BTreeSet<_>>().len() as i64,
                    signups: signups.get(&key).map_or(0, BTreeSet::len) as i64,
                    internal: touches.iter().filter(|touch| touch.internal).count() as i64,
                    earned: Revenue::default(),
                }
            })
            .collect()
    }

    fn ranking(&self, dimension: Dimension, metric: Metric, range: Range) -> Vec<Ranked> {
        let value = |touch: &Touch| match dimension {
            Dimension::Source => Some(touch.source.map(str::to_owned)),
            Dimension::Channel => Some(Some(touch.channel.to_owned())),
            Dimension::LandingPage => Some(Some(touch.landing_path.to_owned())),
            Dimension::Referrer => touch.referrer.map(|referrer| referrer.split('/').next().map(str::to_owned)),
        };
        let mut groups: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
        let mut add = |touch: &Touch, what: String| {
            if let Some(value) = value(touch) {
                groups.entry(value).or_default().insert(what);
            }
        };
        match metric {
            Metric::Touches => self.touches(range).into_iter().for_each(|touch| add(touch, touch.id.to_string())),
            Metric::Visitors => self.touches(range).into_iter().for_each(|touch| add(touch, touch.visitor.to_string())),
            Metric::Leads => {
                let leads = self.touches(range).into_iter().filter(|touch| self.owner(touch).is_some());
                leads.for_each(|touch| add(touch, touch.id.to_string()));
            }
            Metric::Signups => {
                for user in self.signups(range) {
                    self.brought(user).into_iter().for_each(|touch| add(touch, user.id.to_string()));
                }
            }
        }
        let mut ranked: Vec<_> =
            groups.into_iter().map(|(value, of)| Ranked { value, count: of.len() as i64 }).collect();
        ranked.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| nulls_last(&a.value).cmp(&nulls_last(&b.value))));
        ranked
    }
}

fn nulls_last(value: &Option<String>) -> (bool, Option<&str>) {
    (value.is_none(), value.as_deref())
}

fn by_name(campaign: &CampaignRow) -> (Option<String>, Option<String>, Option<String>, String) {
    (campaign.source.clone(), campaign.medium.clone(), campaign.campaign.clone(), campaign.channel.clone())
}

#[tokio::test]
async fn reports_equal_their_recomputation() {
    compare(&Sample::pseudo_random(7)).await;
}

#[tokio::test]
async fn reports_with_merged_campaigns_equal_their_recomputation() {
    let aliases = vec![("autumn", "spring"), ("50%_off", "spring"), ("never seen", "spring")];
    compare(&Sample { aliases, ..Sample::pseudo_random(8) }).await;
    // merged into a name that no link has
    let aliases = vec![("spring", "50%_all"), ("autumn", "50%_all")];
    compare(&Sample { aliases, ..Sample::pseudo_random(9) }).await;
}

/// Returns random filters, in many time zones.
fn random_queries(seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let mut query = || {
        let tz = *random.pick(&["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"]);
        let mut query = format!("tz={tz}");
        let from = ORIGIN + random.below(60) as u32 * DAY;
        let to = from + random.below(40) as u32 * DAY;
        let day = |at| Period::between(FIRST_DAY, FIRST_DAY, TimeZone::UTC).day_of(at);
        if random.chance(0.7) {
            query += &format!("&from={}&to={}", day(from), day(to));
        }
        for (name, values) in [
            ("source", &["google", "newsletter", "(not set)"][..]),
            ("medium", &["cpc", "email", "(not set)"]),
            ("campaign", &["spring", "Autumn", "50%25_off", "(not set)", "never seen"]),
            ("term", &["boots", "(not set)"]),
            ("channel", &["Email", "Referral", "Paid Search"]),
            ("q", &["spr", "person1", "o", "50%25"]),
        ] {
            if random.chance(0.25) {
                query += &format!("&{name}={}", random.pick(values).replace(' ', "+"));
            }
        }
        query
    };
    (0..40).map(|_| query()).collect()
}

async fn compare(sample: &Sample) {
    each_database(async |db| {
        sample.store(&db).await;
        let facts = facts(&db).await;
        let mut nonzero = 0;
        let random = random_queries(sample.touches.len() as u64);
        for query in QUERIES.into_iter().chain(random.iter().map(String::as_str)) {
            let parsed = Filter::parse(query, Preset::All, NOW);
            assert_eq!(parsed.problems, [], "{query}");
            let filter = &parsed.filter;
            let asked = question(&db, filter).await;
            let range = filter.period.range();
            let naive = Recomputed { sample, filter };

            let expected = naive.totals(range);
            assert_eq!(totals(&facts, &asked), expected, "{query}");
            assert_eq!(find_leads(&facts, &asked, Position::Newest, 1).count, expected.leads, "{query}");
            nonzero += i64::from(expected.touches > 0 && expected.attributed > 0);

            let counted = campaigns(&facts, &asked, &settings(), Model::First, CampaignOrder::default());
            assert_eq!((counted.totals, counted.earned), (expected, Revenue::default()), "{query}");
            let mut rows = counted.rows;
            rows.sort_by_key(by_name);
            assert_eq!(rows, naive.campaigns(range), "{query}");
            // a row's link finds what the row counts
            for row in rows.iter().take(3) {
                let narrow = totals(&facts, &question(&db, &row.narrow(filter)).await);
                let counted = (narrow.touches, narrow.visitors, narrow.leads, narrow.users, narrow.signups);
                assert_eq!(counted, (row.touches, row.visitors, row.leads, row.users, row.signups), "{query} {row:?}");
            }

            for metric in Metric::ALL {
                for dimension in [Dimension::Source, Dimension::Channel, Dimension::LandingPage, Dimension::Referrer] {
                    let rows = ranking(&facts, &asked, dimension, metric, 100);
                    assert_eq!(rows, naive.ranking(dimension, metric, range), "{query} {dimension:?} {metric:?}");
                }
                let trend = trend(&facts, &asked, metric, NOW);
                for (bucket, count) in trend.buckets.iter().zip(&trend.current) {
                    assert_eq!(
                        *count,
                        naive.metric(metric, bucket.range(&filter.period.tz)),
                        "{query} {metric:?} {bucket:?}"
                    );
                }
                if metric != Metric::Visitors {
                    assert_eq!(trend.current.iter().sum::<i64>(), naive.metric(metric, range), "{query} {metric:?}");
                }
                let Some(previous) = trend.previous else { continue };
                let before = filter.previous().expect("both ends are known").period.range();
                if metric != Metric::Visitors && filter.period.days() <= Some(370) {
                    assert_eq!(previous.iter().sum::<i64>(), naive.metric(metric, before), "{query} {metric:?}");
                }
            }
        }
        // most filters must find something for this test to be worth anything
        assert!(nonzero >= 20, "{nonzero}");
    })
    .await;
}

#[tokio::test]
async fn campaigns_are_sorted_by_every_column() {
    let sample = Sample::pseudo_random(11);
    each_database(async |db| {
        sample.store(&db).await;
        let asked = question(&db, &Filter::parse("", Preset::All, NOW).filter).await;
        let mut rows = campaigns(&*facts(&db).await, &asked, &settings(), Model::First, CampaignOrder::default()).rows;
        let mut orders = 0;
        for column in CampaignColumn::ALL {
            for descending in [false, true] {
                let order = CampaignOrder { column, descending };
                assert_eq!(CampaignOrder::parse(&order.to_string()), Some(order));
                sort(&mut rows, order);
                let numbers: Option<fn(&CampaignRow) -> i64> = match column {
                    CampaignColumn::Touches => Some(|row| row.touches),
                    CampaignColumn::Visitors => Some(|row| row.visitors),
                    CampaignColumn::Leads => Some(|row| row.leads),
                    CampaignColumn::Users => Some(|row| row.users),
                    CampaignColumn::Signups => Some(|row| row.signups),
                    _ => None,
                };
                if let Some(number) = numbers {
                    let numbers: Vec<i64> = rows.iter().map(number).collect();
                    let sorted = |pair: &[i64]| if descending { pair[0] >= pair[1] } else { pair[0] <= pair[1] };
                    assert!(numbers.windows(2).all(sorted), "{order} {numbers:?}");
                    assert_ne!(numbers.first(), numbers.last(), "{order}");
                }
                let text: Option<fn(&CampaignRow) -> Option<&str>> = match column {
                    CampaignColumn::Campaign => Some(|row| row.campaign.as_deref()),
                    CampaignColumn::Source => Some(|row| row.source.as_deref()),
                    CampaignColumn::Medium => Some(|row| row.medium.as_deref()),
                    CampaignColumn::Channel => Some(|row| Some(&row.channel)),
                    _ => None,
                };
                if let Some(text) = text {
                    let texts: Vec<Option<&str>> = rows.iter().map(text).collect();
                    let sorted = |pair: &[Option<&str>]| match (pair[0], pair[1]) {
                        (None, Some(_)) => false,
                        (_, None) => true,
                        (one, next) => {
                            if descending {
                                one >= next
                            } else {
                                one <= next
                            }
                        }
                    };
                    assert!(texts.windows(2).all(sorted), "{order} {texts:?}");
                }
                orders += 1;
            }
        }
        assert_eq!(orders, 22);
        assert_eq!(CampaignOrder::parse("-password"), None);
    })
    .await;
}

#[tokio::test]
async fn an_empty_database_has_empty_reports() {
    each_database(async |db| {
        let facts = facts(&db).await;
        assert_eq!(facts.counts().touches, 0);
        for query in ["", "period=all", "campaign=x&q=y"] {
            let asked = question(&db, &Filter::parse(query, Preset::Days30, NOW).filter).await;
            assert_eq!(totals(&facts, &asked), Totals::default());
            assert_eq!(totals(&facts, &asked).rate(), None);
            let order = CampaignOrder::default();
            assert_eq!(campaigns(&facts, &asked, &settings(), Model::First, order).rows, []);
            assert_eq!(ranking(&facts, &asked, Dimension::Referrer, Metric::Leads, 5), []);
            let trend = trend(&facts, &asked, Metric::Leads, NOW);
            assert!(!trend.buckets.is_empty() && trend.current.iter().all(|count| *count == 0));
        }
    })
    .await;
}

#[tokio::test]
async fn a_day_of_the_clock_change_counts_its_own_touches_only() {
    // In Berlin, March 29 lasts from 28th 23:00Z to 29th 22:00Z, and October 25 from 24th 22:00Z to 25th 23:00Z.
    let hour = Duration::from_hours(1);
    let october = ORIGIN + 210 * DAY;
    let mut sample = Sample::default();
    let visitor = sample.visitor(None);
    for at in [ORIGIN - hour - MILLISECOND, ORIGIN - hour, ORIGIN + 22 * hour - MILLISECOND, ORIGIN + 22 * hour] {
        sample.touch(visitor, at, None);
    }
    for at in
        [october - 2 * hour - MILLISECOND, october - 2 * hour, october + 23 * hour - MILLISECOND, october + 23 * hour]
    {
        sample.touch(visitor, at, None);
    }
    each_database(async |db| {
        sample.store(&db).await;
        let facts = facts(&db).await;
        for (from, to) in [("2026-03-28", "2026-03-30"), ("2026-10-24", "2026-10-26")] {
            let filter = Filter::parse(&format!("from={from}&to={to}&tz=Europe/Berlin"), Preset::All, NOW).filter;
            let trend = trend(&facts, &question(&db, &filter).await, Metric::Touches, NOW);
            assert_eq!(trend.current, [1, 2, 1], "{from}");
        }
    })
    .await;
}
