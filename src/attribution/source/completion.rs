//! A landing's source and medium are completed from the same request, where the link does not name them.
//!
//! - A missing source comes from the click ids, else from the referrer.
//! - A missing medium comes from the click ids alone, where the link says something. Where the link says nothing, both come from
//!   the referrer.
//!
//! What the link names is never changed. The referrer here is a page of another site: only the caller knows this site's hosts.

use std::mem;

use super::from_referrer::{IgnoredReferrers, ReferrerExclusion, ReferrerOrigin, origin};
use crate::attribution::signal::{Signals, click_ids::implications, from_click_ids, referrer::Referrer};

/// What says where the visitor came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// The link, by UTM fields, a click id or a tag.
    Link,
    /// The referrer alone.
    Referrer,
    /// Nothing. There is a referrer, which does not count.
    IgnoredReferrer(ReferrerExclusion),
    Nothing,
}

/// Completes source and medium, and marks them as derived.
///
/// Examples: `utm_source=youtube&gclid=x` → youtube/cpc. `utm_medium=cpc` from `https://www.youtube.com/` → youtube/cpc. No query
/// from `https://www.google.com/` → google/organic.
pub fn complete(signals: &mut Signals, referrer: Option<&Referrer>, ignored: &IgnoredReferrers) -> ToldBy {
    from_click_ids::fill(signals, referrer);
    let by_link = !signals.is_empty();
    if signals.utm.source.is_some() {
        return ToldBy::Link;
    }
    match referrer.map(|referrer| origin(referrer, ignored)) {
        Some(ReferrerOrigin::From { source, medium }) => {
            signals.utm.source = Some(source);
            signals.derived = true;
            if by_link {
                return ToldBy::Link;
            }
            signals.utm.medium = Some(medium.to_owned());
            ToldBy::Referrer
        }
        _ if by_link => ToldBy::Link,
        Some(ReferrerOrigin::Ignored(why)) => ToldBy::IgnoredReferrer(why),
        None => ToldBy::Nothing,
    }
}

/// Removes what [`complete`] derived from the signals of a stored touch, so that [`complete`] can derive it by the present rules.
/// `by_referrer` says that the referrer alone made the touch.
///
/// A stored touch tells whether something was derived, and not what. A source and a medium that equal what the click ids imply
/// count as derived: if the link named them, [`complete`] gives them again. Without a click id only the source can be derived,
/// from the referrer.
pub fn undo(signals: &mut Signals, referrer: Option<&Referrer>, by_referrer: bool) {
    let Signals { utm, click_ids, derived, .. } = signals;
    if !mem::take(derived) {
        return;
    }
    match implications(click_ids, referrer).next() {
        _ if by_referrer => (utm.source, utm.medium) = (None, None),
        Some(implied) if utm.source.as_deref() == Some(implied.source) => {
            utm.source = None;
            utm.medium.take_if(|medium| medium == implied.medium);
        }
        Some(_) => utm.medium = None,
        None => utm.source = None,
    }
}

#[cfg(test)]
mod tests;
