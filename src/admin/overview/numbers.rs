use super::{
    revenue::chart_and_lists,
    shown::{LISTS, Shown, TOP},
};
use crate::{
    admin::page::PageRequest,
    attribution::report::{
        Filter,
        ranking::{Ranked, ranking},
        totals::{Totals, any_touch, totals},
        trend::{Trend, trend},
    },
    db::Error,
};

/// The headline numbers of the period and of the period before.
#[derive(Clone)]
pub struct HeadlineNumbers {
    pub current: Totals,
    pub previous: Option<Totals>,
    /// Whether the database has no touch at all, in any period.
    pub nothing_yet: bool,
}

impl HeadlineNumbers {
    pub async fn load(request: &PageRequest, filter: &Filter) -> Result<Self, Error> {
        let mut conn = request.state.db.read_for_report().await?;
        let current = totals(&mut conn, filter, request.window()).await?;
        let previous = match filter.previous() {
            Some(before) => Some(totals(&mut conn, &before, request.window()).await?),
            None => None,
        };
        let nothing_yet = current.touches == 0 && !any_touch(&mut conn).await?;
        Ok(Self { current, previous, nothing_yet })
    }
}

/// The rows of a list.
#[derive(Clone)]
pub struct RankedList {
    pub rows: Vec<Ranked>,
    /// The sum of which the rows are shares. `None` stands for the headline number.
    pub total: Option<i64>,
}

/// The chart and the lists.
pub struct Details {
    pub trend: Trend,
    /// In the order of [`LISTS`].
    pub lists: Vec<RankedList>,
}

impl Details {
    pub async fn load(request: &PageRequest, filter: &Filter, shown: Shown) -> Result<Self, Error> {
        let mut conn = request.state.db.read_for_report().await?;
        let Shown::Counted(metric) = shown else {
            let (trend, lists) = chart_and_lists(&mut conn, request, filter).await?;
            let lists = lists.into_iter().map(|(rows, total)| RankedList { rows, total: Some(total) });
            return Ok(Self { trend, lists: lists.collect() });
        };
        let trend = trend(&mut conn, filter, request.window(), metric, request.now).await?;
        let mut lists = Vec::with_capacity(LISTS.len());
        for (dimension, _) in LISTS {
            let rows = ranking(&mut conn, filter, request.window(), dimension, metric, TOP).await?;
            lists.push(RankedList { rows, total: None });
        }
        Ok(Self { trend, lists })
    }
}
