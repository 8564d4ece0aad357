//! A click id completes a link that names no source or no medium.
//!
//! What the link names is never changed. Only an id that its platform puts on paid clicks alone completes the medium of a link
//! that names its source: `utm_source=facebook&fbclid=x` has no medium, because Facebook puts `fbclid` on every link.

use super::{Signals, click_ids::implications, referrer::Referrer};

/// Fills a missing source and a missing medium from the click ids, and marks them as derived. The referrer refines what an id
/// implies; it is a page of another site.
///
/// Examples: `gclid=x` → google/cpc; `utm_source=tiktok&ttclid=x` → tiktok/paid_social; `utm_medium=email&gclid=x` →
/// google/email.
pub fn fill(signals: &mut Signals, referrer: Option<&Referrer>) {
    let mut implied = implications(&signals.click_ids, referrer);
    let (source, medium) = match (&signals.utm.source, &signals.utm.medium) {
        (Some(_), Some(_)) => return,
        (None, None) => implied.next().map(|implied| (Some(implied.source), Some(implied.medium))),
        (None, Some(_)) => implied.next().map(|implied| (Some(implied.source), None)),
        (Some(_), None) => implied.find(|implied| implied.paid).map(|implied| (None, Some(implied.medium))),
    }
    .unwrap_or_default();
    drop(implied);
    signals.derived |= source.or(medium).is_some();
    let utm = &mut signals.utm;
    utm.source = utm.source.take().or(source.map(str::to_owned));
    utm.medium = utm.medium.take().or(medium.map(str::to_owned));
}
