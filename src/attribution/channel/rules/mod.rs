//! The first rule whose conditions all hold decides a touch's channel. The owner's rules are tried first, in the order of their
//! file, then the built-in ones. `docs/attribution-rules.example.toml` shows everything that the file can say. The rules are read
//! once, when the server starts. Cloning [`Rules`] copies a pointer.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use super::{Channel, Classified, Facts, PreparedFacts, RULES, RULES_VERSION, built_in::classify_prepared, lower};
use crate::{
    attribution::{
        signal::referrer::Referrer,
        source::host_map::{path_is_under, site},
    },
    host::is_under,
    word_enum::word_enum,
};

/// Reading the owner's rules from TOML.
mod file;

/// A set of rules, with its version.
#[derive(Clone, Debug)]
pub struct Rules(Arc<RuleSet>);

#[derive(Debug)]
struct RuleSet {
    owner: Vec<OwnerRule>,
    version: String,
}

/// One of the owner's rules.
#[derive(Debug)]
struct OwnerRule {
    name: String,
    channel: Channel,
    /// At least one condition. All must hold.
    conditions: Vec<Condition>,
}

/// What must hold of one field.
#[derive(Debug)]
struct Condition {
    field: RuleField,
    /// At least one pattern, in lower case. One must match.
    patterns: Vec<String>,
}

word_enum! {
    /// What a condition can look at. The text is its key in the file.
    enum RuleField {
        Source = "source",
        Medium = "medium",
        Campaign = "campaign",
        Term = "term",
        Content = "content",
        Referrer = "referrer",
        LandingPath = "landing_path",
        ClickId = "click_id",
    }
}

/// A rule as a page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRule<'r> {
    pub name: &'r str,
    pub channel: Channel,
    /// What the rule matches: the end of a sentence that begins with "It matches when".
    pub about: Cow<'r, str>,
    /// Whether the rule is one of the owner's.
    pub custom: bool,
}

/// The built-in rules alone.
impl Default for Rules {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Rules> =
            LazyLock::new(|| Rules(Arc::new(RuleSet { owner: Vec::new(), version: RULES_VERSION.to_string() })));
        BUILT_IN.clone()
    }
}

impl Rules {
    /// Reads the owner's rules from TOML.
    ///
    /// Errors: everything that is wrong with the file, one sentence each.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let owner = file::read(text)?;
        if owner.is_empty() {
            return Ok(Self::default());
        }
        let version = format!("{RULES_VERSION}+{}", file::digest(&owner));
        Ok(Self(Arc::new(RuleSet { owner, version })))
    }

    /// Returns the channel of a touch, and the name of the rule that decided.
    pub fn classify(&self, facts: &Facts<'_>) -> Classified<'_> {
        let facts = PreparedFacts::new(facts);
        match self.0.owner.iter().find(|rule| rule.conditions.iter().all(|condition| condition.holds(&facts))) {
            Some(rule) => Classified { channel: rule.channel, rule: &rule.name },
            None => classify_prepared(&facts),
        }
    }

    /// Returns the version of the rules, which each touch stores with its channel: `2`, or `2+1a2b3c4d` with owner's rules.
    ///
    /// Two sets of rules that can classify a touch differently have different versions. The names of rules, comments, and the
    /// order of the conditions in a rule do not change the version.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Returns all rules, in the order in which they are tried.
    pub fn list(&self) -> impl Iterator<Item = ListedRule<'_>> {
        let owner = self.0.owner.iter().map(|rule| ListedRule {
            name: &rule.name,
            channel: rule.channel,
            about: rule.about().into(),
            custom: true,
        });
        let built_in = RULES.iter().map(|rule| ListedRule {
            name: rule.name,
            channel: rule.channel,
            about: rule.about.into(),
            custom: false,
        });
        owner.chain(built_in)
    }
}

impl OwnerRule {
    fn about(&self) -> String {
        let conditions = self.conditions.iter().map(|Condition { field, patterns }| {
            format!("{} is {}", field.as_str().replace('_', " "), patterns.join(" or "))
        });
        conditions.collect::<Vec<_>>().join(", and ")
    }
}

impl Condition {
    fn holds(&self, prepared: &PreparedFacts<'_>) -> bool {
        let facts = prepared.facts;
        let whole = |value: &str| !value.is_empty() && self.patterns.iter().any(|pattern| matches(pattern, value));
        match self.field {
            // The pattern "facebook" matches the sources `fb` and `l.facebook.com` too, as in the built-in rules.
            RuleField::Source => {
                whole(&prepared.source) || prepared.resolved.is_some_and(|source| whole(source.platform.name))
            }
            RuleField::Medium => whole(&prepared.medium),
            RuleField::Campaign => whole(&prepared.campaign),
            RuleField::Term => whole(&lower(facts.term)),
            RuleField::Content => whole(&lower(facts.content)),
            RuleField::LandingPath => whole(&lower(facts.landing_path)),
            RuleField::ClickId => facts.click_ids.iter().any(|id| whole(&lower(Some(id)))),
            RuleField::Referrer => {
                let referrer = lower(facts.referrer);
                !referrer.is_empty() && self.patterns.iter().any(|pattern| matches_referrer(pattern, &referrer))
            }
        }
    }
}

/// Returns whether a pattern matches the whole value. Each `*` in the pattern stands for any characters or none: `spring*`
/// matches `spring` and `spring-sale`.
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

/// Returns whether a pattern matches a referrer, given as `host/path`.
///
/// `example.com` matches that host and every host below it. `example.com/blog` matches only the pages under that path on these
/// hosts. A host with a `*` must match as a whole: `*.example.com` does not match `example.com`.
fn matches_referrer(pattern: &str, referrer: &str) -> bool {
    let (host, path) = Referrer::split(referrer);
    let (wanted, under) = Referrer::split(pattern);
    let on_host = if wanted.contains('*') { matches(wanted, host) } else { is_under(host, site(wanted)) };
    on_host && (under.is_empty() || path_is_under(path, under) || matches(under, path))
}

#[cfg(test)]
mod tests;
