//! The rules by which a touch gets its channel: the owner's, then the built-in ones.
//!
//! The owner's stand in a TOML file (`docs/attribution-rules.example.toml` shows all it can say). The first rule of which all
//! conditions hold decides. Rules are read once, at the start, and are cheap to ask and to clone.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use super::{Channel, Classified, Facts, RULES, RULES_VERSION, Signals, by_built_in, lower};
use crate::attribution::source::host_map::{is_under, site};

/// Reading the rules from TOML.
mod file;

/// A set of rules, with its version.
#[derive(Clone, Debug)]
pub struct Rules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    custom: Vec<Custom>,
    version: String,
}

/// One rule of the owner's.
#[derive(Debug)]
struct Custom {
    name: String,
    channel: Channel,
    /// At least one; all must hold.
    conditions: Vec<Condition>,
}

/// What must hold of one field.
#[derive(Debug)]
struct Condition {
    field: Field,
    /// At least one, in lower case; one must match.
    patterns: Vec<String>,
}

/// What a condition can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, reason = "only the file has conditions, and only the server reads it")
)]
enum Field {
    Source,
    Medium,
    Campaign,
    Term,
    Content,
    Referrer,
    LandingPath,
    ClickId,
}

impl Field {
    /// Its key in the file.
    const fn key(self) -> &'static str {
        match self {
            Field::Source => "source",
            Field::Medium => "medium",
            Field::Campaign => "campaign",
            Field::Term => "term",
            Field::Content => "content",
            Field::Referrer => "referrer",
            Field::LandingPath => "landing_path",
            Field::ClickId => "click_id",
        }
    }
}

/// A rule as a page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'r> {
    pub name: &'r str,
    pub channel: Channel,
    /// When it matches: the end of a sentence that begins with "It matches when".
    pub about: Cow<'r, str>,
    /// It is the owner's.
    pub custom: bool,
}

/// The built-in rules alone.
impl Default for Rules {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Rules> =
            LazyLock::new(|| Rules(Arc::new(Inner { custom: Vec::new(), version: RULES_VERSION.to_string() })));
        BUILT_IN.clone()
    }
}

impl Rules {
    /// The channel of a touch, and the name of the rule that put it there.
    pub fn classify(&self, facts: &Facts<'_>) -> Classified<'_> {
        let signals = Signals::new(facts);
        match self.0.custom.iter().find(|rule| rule.conditions.iter().all(|condition| condition.holds(&signals))) {
            Some(rule) => Classified { channel: rule.channel, rule: &rule.name },
            None => by_built_in(&signals),
        }
    }

    /// What a touch keeps to say which rules classified it: `2`, or `2+1a2b3c4d` with rules of the owner's. It is another where a
    /// rule may answer otherwise; names, comments and the order of conditions do not matter.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// All rules in the order in which they are asked.
    pub fn list(&self) -> impl Iterator<Item = Listed<'_>> {
        let custom = self.0.custom.iter().map(|rule| Listed {
            name: &rule.name,
            channel: rule.channel,
            about: rule.about().into(),
            custom: true,
        });
        let built_in = RULES.iter().map(|rule| Listed {
            name: rule.name,
            channel: rule.channel,
            about: rule.about.into(),
            custom: false,
        });
        custom.chain(built_in)
    }
}

impl Custom {
    fn about(&self) -> String {
        let conditions = self.conditions.iter().map(|Condition { field, patterns }| {
            format!("{} is {}", field.key().replace('_', " "), patterns.join(" or "))
        });
        conditions.collect::<Vec<_>>().join(", and ")
    }
}

impl Condition {
    fn holds(&self, signals: &Signals<'_>) -> bool {
        let facts = signals.facts;
        let whole = |value: &str| !value.is_empty() && self.patterns.iter().any(|pattern| matches(pattern, value));
        match self.field {
            // `facebook` means fb and l.facebook.com too, as it does in the built-in rules
            Field::Source => {
                whole(&signals.source) || signals.resolved.is_some_and(|source| whole(source.platform.name))
            }
            Field::Medium => whole(&signals.medium),
            Field::Campaign => whole(&signals.campaign),
            Field::Term => whole(&lower(facts.term)),
            Field::Content => whole(&lower(facts.content)),
            Field::LandingPath => whole(&lower(facts.landing_path)),
            Field::ClickId => facts.click_ids.iter().any(|id| whole(&lower(Some(id)))),
            Field::Referrer => {
                let referrer = lower(facts.referrer);
                !referrer.is_empty() && self.patterns.iter().any(|pattern| matches_referrer(pattern, &referrer))
            }
        }
    }
}

/// Whether a value is that pattern, in which each `*` stands for any characters or none.
fn matches(pattern: &str, value: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = value.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether `host/path` lies under that pattern: `example.com` is that host and all below it, `example.com/blog` only what is under
/// that path there. A pattern whose host has a `*` says itself what it means.
fn matches_referrer(pattern: &str, referrer: &str) -> bool {
    let split = |text: &str| text.find('/').unwrap_or(text.len());
    let (host, path) = referrer.split_at(split(referrer));
    let (wanted, under) = pattern.split_at(split(pattern));
    let below = || {
        let wanted = site(wanted);
        host.strip_suffix(wanted).is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    let on_host = if wanted.contains('*') { matches(wanted, host) } else { below() };
    on_host && (under.is_empty() || is_under(path, under) || matches(under, path))
}

#[cfg(test)]
mod tests;
