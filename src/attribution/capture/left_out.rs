//! Parts of links that are left out, and their counters. The arrival itself may count.

use std::borrow::Cow;

use crate::attribution::signal::Dropped;

/// A part of a link that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut<'a> {
    /// A click id that is too long or not text.
    ClickId,
    /// The part of a query beyond the limits.
    Query,
    /// A placeholder instead of the value of this parameter: `utm_campaign`.
    Placeholder(&'a str),
}

const CLICK_ID: &str = "click_id_dropped";
const QUERY: &str = "query_cut";
/// The beginning of a placeholder's counter; the name of the parameter follows. The names are those of UTM fields, click ids and the
/// owner's tags, so there are few counters.
const PLACEHOLDER: &str = "placeholder_";

impl<'a> LeftOut<'a> {
    /// Reads the word of a counter. Returns `None` for a counter of arrivals.
    pub fn of(counter: &'a str) -> Option<Self> {
        match counter {
            CLICK_ID => Some(Self::ClickId),
            QUERY => Some(Self::Query),
            _ => counter.strip_prefix(PLACEHOLDER).map(Self::Placeholder),
        }
    }
}

/// Returns the counters of what an arrival's link lost. Without a loss, nothing is allocated.
pub fn counters(dropped: &Dropped) -> impl Iterator<Item = Cow<'static, str>> {
    let Dropped { ids, pairs, cut, placeholders } = dropped;
    let click_id = (*ids > 0).then_some(CLICK_ID.into());
    let query = (*pairs > 0 || *cut).then_some(QUERY.into());
    let placeholders = placeholders.iter().map(|name| format!("{PLACEHOLDER}{name}").into());
    click_id.into_iter().chain(query).chain(placeholders)
}
