//! A referrer becomes a source and a medium. [`completion`](super::completion) says when.
//!
//! Payment and identity providers do not count, because a visitor who returns from such a page was on this site before
//! (`data/ignored.tsv`). Referrer spam does not count either (`data/spam.tsv`). The owner can name further referrers that do not
//! count. The caller leaves out this site's own hosts, since only the caller knows them.
//!
//! A visitor from an ad network's page or frame clicked an ad (`data/ads.tsv`).

use std::sync::LazyLock;

use super::{
    host_map::{HostMap, path_is_under, site},
    mirror::original_host,
    spam::is_spam,
};
use crate::attribution::{
    signal::{clean, referrer::Referrer},
    source,
    tsv::{rows, words},
};

/// What a referrer says about where a visitor came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferrerOrigin {
    /// The referrer does not count.
    Ignored(ReferrerExclusion),
    From {
        /// The platform's name, or the host without its `www.`.
        source: String,
        /// [`PlatformKind::medium`](super::PlatformKind::medium), the medium of an ad, or `referral` for a site that is not known.
        medium: &'static str,
    },
}

/// Why a referrer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferrerExclusion {
    /// A payment provider: the visitor returns from the checkout.
    Payment,
    /// An identity provider: the visitor returns from signing in.
    Identity,
    /// Referrer spam: a program named the referrer, and nobody came from there.
    Spam,
    /// The owner named the referrer in `ATTRIBUTION_IGNORED_REFERRERS`.
    Configured,
}

/// The owner's list of further referrers that never make a touch.
///
/// `example.com` means that host and all hosts below it. `example.com/pay` means only the pages of those hosts under that path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredReferrers(Vec<Referrer>);

impl IgnoredReferrers {
    /// Reads the setting: hosts, or hosts with a path, separated by commas.
    ///
    /// Errors: a sentence that names every wrong entry.
    pub fn parse(setting: &str) -> Result<Self, String> {
        let mut referrers = Vec::new();
        let mut wrong = Vec::new();
        for entry in setting.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            // An entry that is not a referrer's host would match nothing. A scheme, port or query would be dropped silently.
            match Referrer::parse(&format!("https://{entry}")) {
                Some(referrer) if !entry.contains([':', '?', '#', '@', '*', '\\']) => {
                    referrers.push(Referrer { host: site(&referrer.host).to_owned(), ..referrer });
                }
                _ => wrong.push(format!("{entry:?}")),
            }
        }
        if wrong.is_empty() {
            return Ok(Self(referrers));
        }
        Err(format!(
            "has {}, which is neither a host like pay.example.com nor a host with a path like example.com/pay (no scheme, port, query or *)",
            wrong.join(", ")
        ))
    }

    fn contains(&self, referrer: &Referrer) -> bool {
        self.0.iter().any(|ignored| referrer.is_under(&ignored.host) && path_is_under(&referrer.path, &ignored.path))
    }
}

/// Returns what a referrer says about where the visitor came from. The referrer is a page of another site.
///
/// Examples: `https://www.google.com/` → source `google`, medium `organic`; `https://blog.example/` → source `blog.example`,
/// medium `referral`; `https://checkout.stripe.com/` → ignored.
pub fn origin(referrer: &Referrer, ignored: &IgnoredReferrers) -> ReferrerOrigin {
    // A page in a mirror is a page of the site that the mirror shows.
    let shown = original_host(&referrer.host).map(|host| Referrer { host, ..referrer.clone() });
    let referrer = shown.as_ref().unwrap_or(referrer);
    if ignored.contains(referrer) {
        return ReferrerOrigin::Ignored(ReferrerExclusion::Configured);
    }
    if let Some(Some(why)) = IGNORED.0.get(&referrer.host, &referrer.path) {
        return ReferrerOrigin::Ignored(why);
    }
    if is_spam(&referrer.host) {
        return ReferrerOrigin::Ignored(ReferrerExclusion::Spam);
    }
    if let Some((source, medium)) = ADS.0.get(&referrer.host, &referrer.path) {
        return ReferrerOrigin::From { source: source.to_owned(), medium };
    }
    match source::resolve_host(&referrer.host, &referrer.path) {
        Some(platform) => ReferrerOrigin::From { source: platform.name.to_owned(), medium: platform.kind.medium() },
        None => {
            let host = site(&referrer.host);
            // An international host can have capitals beyond ASCII; a source has no capitals.
            let source = clean(host).unwrap_or_else(|| host.to_owned());
            ReferrerOrigin::From { source, medium: "referral" }
        }
    }
}

/// The hosts of a data file with their values, and the mistakes in the file, which are for the tests.
type HostList<T> = (HostMap<T>, Vec<String>);

/// `data/ignored.tsv` as a map. `None` marks hosts that count, although some of their pages do not.
static IGNORED: LazyLock<HostList<Option<ReferrerExclusion>>> = LazyLock::new(|| {
    read(include_str!("data/ignored.tsv"), |kind, _| match kind {
        "payment" => Ok(Some(ReferrerExclusion::Payment)),
        "identity" => Ok(Some(ReferrerExclusion::Identity)),
        "counts" => Ok(None),
        _ => Err("is neither payment, nor identity, nor counts"),
    })
});

/// `data/ads.tsv` as a map to source and medium.
static ADS: LazyLock<HostList<(&'static str, &'static str)>> =
    LazyLock::new(|| read(include_str!("data/ads.tsv"), |source, medium| Ok((source, medium))));

/// Reads a data file whose last field lists hosts. `value` makes the hosts' value of the first two fields. Also returns the
/// mistakes in the file.
fn read<T: Copy>(
    data: &'static str,
    value: impl Fn(&'static str, &'static str) -> Result<T, &'static str>,
) -> HostList<T> {
    let mut map = HostMap::default();
    let mut mistakes = Vec::new();
    for row in rows(data) {
        let row = row.and_then(|[first, second, hosts]| match value(first, second) {
            Ok(value) => Ok((value, hosts)),
            Err(what) => Err(format!("{first:?} {what}")),
        });
        match row {
            Ok((value, hosts)) => mistakes.extend(words(hosts).filter_map(|pattern| {
                let what = map.insert(pattern, value).err()?;
                Some(format!("{pattern:?} {what}"))
            })),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    (map, mistakes)
}

#[cfg(test)]
mod tests;
