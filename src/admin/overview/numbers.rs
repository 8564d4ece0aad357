use super::shown::{LISTS, Shown, TOP};
use crate::{
    admin::page::{PageError, PageRequest},
    attribution::{
        facts::Facts,
        model::{Credit, Model},
        report::{
            Filter, Question, Range,
            campaigns::{CampaignOrder, CampaignRow, CampaignTally, sort},
            credit::{CreditSettings, CreditTally, PeriodCredit, PeriodSum, Revenue},
            leads::{Lead, LeadTally, read_leads},
            matcher::Matcher,
            page::Found,
            ranking::{Ranked, RankingTally},
            totals::{Totals, TotalsTally},
            trend::{Axis, Trend, TrendTally},
        },
    },
    db::page::Position,
    timestamp::Timestamp,
};

/// How many leads are listed.
const LATEST: u32 = 7;

/// What the page shows.
#[derive(Clone)]
pub struct Numbers {
    pub totals: Totals,
    /// The totals of the period before.
    pub previous: Option<Totals>,
    /// Whether there is no touch at all, in any period.
    pub nothing_yet: bool,
    pub revenue: PeriodRevenue,
    pub trend: Trend,
    /// In the order of [`LISTS`].
    pub lists: Vec<RankedList>,
    /// The largest campaigns.
    pub campaigns: Vec<CampaignRow>,
    /// How many campaigns there are.
    pub campaign_count: i64,
    /// With a filter on touches: the latest leads that the filter finds.
    pub latest: Vec<Lead>,
}

/// Conversions and money of a period, credited by the model of the page.
#[derive(Clone)]
pub struct PeriodRevenue {
    /// The kinds of conversions there are, in any period.
    pub kinds: Vec<String>,
    pub current: Revenue,
    pub previous: Option<Revenue>,
}

/// The rows of a list.
#[derive(Clone)]
pub struct RankedList {
    pub rows: Vec<Ranked>,
    /// The sum of which the rows are shares. `None` stands for the headline number.
    pub total: Option<i64>,
}

impl Numbers {
    pub async fn load(request: &PageRequest, filter: &Filter, shown: Shown) -> Result<Self, PageError> {
        let (facts, question) = (request.facts().await?, request.question(filter).await?);
        let asked = question.clone();
        let (settings, model, now) = (request.credit(), request.model(filter), request.now);
        let (mut numbers, found) =
            request.count(&facts, move |facts| count(facts, &asked, shown, &settings, model, now)).await?;
        if let Some(found) = found {
            let mut conn = request.state.db.read_for_report().await?;
            numbers.latest = read_leads(&mut conn, &facts, &question, &found).await?.rows;
        }
        Ok(numbers)
    }
}

/// Counts all numbers in one pass. With a filter on touches, finds the latest leads too.
fn count(
    facts: &Facts,
    question: &Question,
    shown: Shown,
    settings: &CreditSettings,
    model: Model,
    now: Timestamp,
) -> (Numbers, Option<Found>) {
    let before = question.previous();
    let (current, previous) =
        (Matcher::new(facts, question), before.as_ref().map(|before| Matcher::new(facts, before)));
    let axis = Axis::new(facts, question, now);
    let metric = if let Shown::Counted(metric) = shown { Some(metric) } else { None };
    let dimensions = LISTS.map(|(dimension, _)| dimension);
    let credit = |matcher, ranges: &[Range]| {
        let sum = match shown {
            Shown::Counted(_) => PeriodSum::new(facts.dictionary(), &[], &[]),
            Shown::Conversions => PeriodSum::new(facts.dictionary(), ranges, &dimensions),
        };
        CreditTally::new(matcher, settings, vec![model], sum)
    };
    let with_leads = !question.filter.is_bare();
    let (totals, campaigns, counted, earned, latest) = current.scan(axis.range(current.range), || {
        let counted = metric.map(|metric| {
            let rankings = dimensions.map(|dimension| RankingTally::new(&current, dimension, metric));
            (TrendTally::new(&current, &axis, metric), Vec::from(rankings))
        });
        let before = axis.previous.as_deref().unwrap_or_default();
        (
            (TotalsTally::new(&current), previous.as_ref().map(TotalsTally::new)),
            CampaignTally::new(&current),
            counted,
            (credit(&current, &axis.current), previous.as_ref().map(|previous| credit(previous, before))),
            with_leads.then(|| LeadTally::new(&current, Position::Newest, LATEST)),
        )
    });
    let (earned, earned_before) = (earned.0.sum.finish(TOP), earned.1.map(|before| before.sum.finish(TOP)));
    let (campaigns, campaign_count) = largest(campaigns, &earned);
    let revenue = PeriodRevenue {
        kinds: facts.kinds(),
        current: earned.total.clone(),
        previous: earned_before.as_ref().map(|before| before.total.clone()),
    };
    let (trend, lists) = match counted {
        Some((trend, rankings)) => {
            let list = |ranking: RankingTally<'_>| RankedList { rows: ranking.finish(TOP), total: None };
            (trend.finish(&axis), rankings.into_iter().map(list).collect())
        }
        None => conversions(axis, earned, earned_before),
    };
    let numbers = Numbers {
        totals: totals.0.finish(),
        previous: totals.1.map(TotalsTally::finish),
        nothing_yet: facts.counts().touches == 0,
        revenue,
        trend,
        lists,
        campaigns,
        campaign_count,
        latest: Vec::new(),
    };
    (numbers, latest.map(LeadTally::finish))
}

/// Returns the largest campaigns, and how many there are.
fn largest(campaigns: CampaignTally<'_>, earned: &PeriodCredit) -> (Vec<CampaignRow>, i64) {
    let mut campaigns = campaigns.finish(earned);
    sort(&mut campaigns, CampaignOrder::default());
    let count = campaigns.len() as i64;
    campaigns.truncate(TOP);
    (campaigns, count)
}

/// Returns the conversions over time, rounded to whole ones for the chart, and the lists by conversions, whose numbers are
/// millionths of a conversion.
fn conversions(axis: Axis, earned: PeriodCredit, before: Option<PeriodCredit>) -> (Trend, Vec<RankedList>) {
    let whole = |earned: &PeriodCredit| earned.over_time.iter().map(|credit| credit.rounded()).collect();
    let (current, previous) = (whole(&earned), before.as_ref().map(whole));
    let list = |(rows, total): (Vec<Ranked>, Credit)| RankedList { rows, total: Some(total.0) };
    let lists = earned.rankings.into_iter().map(list).collect();
    (Trend { buckets: axis.buckets, current, previous }, lists)
}
