//! A referrer → source and medium, for a landing whose link says nothing of where it came from.
//!
//! Payment and identity providers are never where somebody came from: a visitor who returns from them was on this site before
//! (`data/ignored.tsv`). The owner can name more. The hosts of the site itself are the caller's business: it knows them.

use std::sync::LazyLock;

use super::{
    Kind,
    host_map::{HostMap, is_under, site},
};
use crate::attribution::{
    signal::{Signals, clean, referrer::Referrer},
    source,
};

/// What a referrer says about where a visitor came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing: the visitor was away for a moment.
    Ignored(Ignored),
    From {
        /// The platform's name, or the host without its `www.`.
        source: String,
        /// [`Kind::medium`], or `referral`.
        medium: &'static str,
        /// `None` for a site like any other.
        kind: Option<Kind>,
    },
}

/// Why a referrer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// A payment provider: the visitor returns from the checkout.
    Payment,
    /// An identity provider: the visitor returns from signing in.
    Identity,
    /// The owner named it.
    Configured,
}

impl Ignored {
    /// A fixed word, fit for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Identity => "identity",
            Self::Configured => "configured",
        }
    }
}

/// Further referrers that never make a touch, as the owner listed them.
///
/// `example.com` is that host and all below it, `example.com/pay` that host and all below it under that path only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredReferrers(Vec<Referrer>);

impl IgnoredReferrers {
    /// Reads the setting: hosts, with a path where only that is meant, separated by commas. `Err` names all that is wrong with it.
    pub fn parse(setting: &str) -> Result<Self, String> {
        let mut referrers = Vec::new();
        let mut wrong = Vec::new();
        for entry in setting.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            // what a header could not hold, no referrer will match; a scheme, a port or a query would be dropped in silence
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
            "has {}, which is no host like pay.example.com or host with a path like example.com/pay (no scheme, port, query or *)",
            wrong.join(", ")
        ))
    }

    fn contains(&self, referrer: &Referrer) -> bool {
        self.0.iter().any(|ignored| referrer.is_under(&ignored.host) && is_under(&referrer.path, &ignored.path))
    }
}

/// Where a visitor came from who came from that page, which is on another site than this.
pub fn origin(referrer: &Referrer, ignored: &IgnoredReferrers) -> Origin {
    if ignored.contains(referrer) {
        return Origin::Ignored(Ignored::Configured);
    }
    if let Some(why) = IGNORED.0.get(&referrer.host, &referrer.path) {
        return Origin::Ignored(why);
    }
    match source::resolve_host(&referrer.host, &referrer.path) {
        Some(platform) => {
            Origin::From { source: platform.name.to_owned(), medium: platform.kind.medium(), kind: Some(platform.kind) }
        }
        None => {
            let host = site(&referrer.host);
            // an international host can have capitals beyond ASCII, and a source has none
            let source = clean(host).unwrap_or_else(|| host.to_owned());
            Origin::From { source, medium: "referral", kind: None }
        }
    }
}

/// Completes what a link said with what the referrer says, where the link said nothing: source and medium, derived.
///
/// An explicit signal is never touched, whatever page it came from. Answers why the referrer did not count, where it did not.
pub fn complete(signals: &mut Signals, referrer: Option<&Referrer>, ignored: &IgnoredReferrers) -> Option<Ignored> {
    let referrer = referrer.filter(|_| signals.is_empty())?;
    match origin(referrer, ignored) {
        Origin::Ignored(why) => Some(why),
        Origin::From { source, medium, .. } => {
            signals.utm.source = Some(source);
            signals.utm.medium = Some(medium.to_owned());
            signals.derived = true;
            None
        }
    }
}

static IGNORED: LazyLock<(HostMap<Ignored>, Vec<String>)> = LazyLock::new(|| {
    let mut map = HostMap::default();
    let mut mistakes = Vec::new();
    for line in source::lines(include_str!("data/ignored.tsv")) {
        let mut fields = line.split('\t');
        let why = match fields.next() {
            Some("payment") => Ignored::Payment,
            Some("identity") => Ignored::Identity,
            _ => {
                mistakes.push(format!("{line:?} is neither payment nor identity"));
                continue;
            }
        };
        let (Some(_name), Some(hosts), None) = (fields.next(), fields.next(), fields.next()) else {
            mistakes.push(format!("{line:?} has not three fields"));
            continue;
        };
        for pattern in source::words(hosts) {
            if let Err(what) = map.insert(pattern, why) {
                mistakes.push(format!("{pattern:?} of {line:?} {what}"));
            }
        }
    }
    (map, mistakes)
});

#[cfg(test)]
mod tests;
