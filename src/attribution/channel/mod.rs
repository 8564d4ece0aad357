//! An ordered table of rules decides a touch's channel: the first rule that matches decides.
//!
//! The owner's rules ([`Rules`](rules::Rules)) are tried first, then the built-in ones ([`RULES`]). Every touch has exactly one
//! channel, and the same facts under the same rules always have the same channel. Example: source `fb`, medium `cpc` →
//! [`Channel::PaidSocial`] by the rule `paid_social`.
//!
//! # To add a channel
//!
//! 1. Add a line to [`Channel`], at its place in the order of the rules.
//! 2. Add its rules at the same place of [`RULES`] (`built_in.rs`), and raise [`RULES_VERSION`].
//! 3. Add its name to the list of channels in `docs/attribution-rules.example.toml`.
//! 4. Add a case for each rule to `tests/mod.rs`. The tests fail until 1 to 4 agree.
//! 5. Add two arrivals to `channels.toml` of `tests/conformance`.

use std::{borrow::Cow, fmt, str::FromStr};

use super::source::{self, PlatformKind, ResolvedSource};
use crate::word_enum::word_enum;

/// The rules that follow Google Analytics 4.
mod built_in;
/// The owner's rules, which are tried before the built-in ones.
pub mod rules;

pub use built_in::{RULES, RULES_VERSION, Rule, classify};

word_enum! {
    /// The group that a touch belongs to. Pages show the text and the database stores it, so the text of a channel never changes.
    pub enum Channel {
        ReferralProgram = "Referral program",
        CrossNetwork = "Cross-network",
        PaidShopping = "Paid Shopping",
        PaidSearch = "Paid Search",
        PaidSocial = "Paid Social",
        PaidVideo = "Paid Video",
        Display = "Display",
        PaidOther = "Paid Other",
        OrganicShopping = "Organic Shopping",
        OrganicSocial = "Organic Social",
        OrganicVideo = "Organic Video",
        AiAssistants = "AI Assistants",
        OrganicSearch = "Organic Search",
        Email = "Email",
        Affiliates = "Affiliates",
        Audio = "Audio",
        Sms = "SMS",
        MobilePush = "Mobile Push",
        Referral = "Referral",
        Direct = "Direct",
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// No channel has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no channel has this name")]
pub struct UnknownChannel;

/// Reads a channel's name in any ASCII case, since filters are typed into URLs.
impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(name: &str) -> Result<Self, UnknownChannel> {
        Self::ALL.into_iter().find(|channel| channel.as_str().eq_ignore_ascii_case(name)).ok_or(UnknownChannel)
    }
}

/// The facts about a touch on which its channel depends. Case does not matter, and an empty text counts as `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    pub source: Option<&'a str>,
    pub medium: Option<&'a str>,
    pub campaign: Option<&'a str>,
    pub term: Option<&'a str>,
    pub content: Option<&'a str>,
    /// Host and path in one, as [`Referrer::as_string`](super::signal::referrer::Referrer::as_string) writes them.
    pub referrer: Option<&'a str>,
    /// The landing's path, without its query.
    pub landing_path: Option<&'a str>,
    /// The names of the click ids that are present, e.g. `["gclid"]`.
    pub click_ids: &'a [&'a str],
    /// `gad_source` is present and is `1`: a click on a Google search ad.
    pub gad_source_is_1: bool,
}

/// A touch's channel, and the rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified<'r> {
    pub channel: Channel,
    /// The name of the rule: [`Rule::name`], or the name of one of the owner's rules.
    pub rule: &'r str,
}

/// [`Facts`] prepared for the rules: texts are in lower case, a missing text is "", and the source's platform is looked up.
#[derive(Debug)]
struct PreparedFacts<'a> {
    source: Cow<'a, str>,
    medium: Cow<'a, str>,
    /// The channel that the medium itself names.
    named: Option<Channel>,
    campaign: Cow<'a, str>,
    /// The facts as given. Few rules look at the other fields, so those fields are not prepared.
    facts: &'a Facts<'a>,
    resolved: Option<ResolvedSource>,
}

impl<'a> PreparedFacts<'a> {
    fn new(facts: &'a Facts<'a>) -> Self {
        let (source, medium) = (lower(facts.source), lower(facts.medium));
        Self {
            resolved: source::resolve(&source),
            named: built_in::named_channel(&medium),
            source,
            medium,
            campaign: lower(facts.campaign),
            facts,
        }
    }

    /// Returns whether the source is a platform of this kind.
    fn is_from(&self, kind: PlatformKind) -> bool {
        self.resolved.is_some_and(|source| source.platform.kind == kind)
    }

    /// Returns whether the source is this platform, by its canonical name.
    fn is_from_platform(&self, name: &str) -> bool {
        self.resolved.is_some_and(|source| source.platform.name == name)
    }

    /// Returns whether one of these click ids is present.
    fn has_click_id(&self, ids: &[&str]) -> bool {
        self.facts.click_ids.iter().any(|present| ids.iter().any(|id| id.eq_ignore_ascii_case(present)))
    }
}

/// Returns the text in lower case, and "" for `None`. A text that is in lower case already, as most values from links are, is not
/// copied.
fn lower(value: Option<&str>) -> Cow<'_, str> {
    let value = value.unwrap_or_default();
    if value.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        value.into()
    } else {
        value.to_lowercase().into()
    }
}

#[cfg(test)]
mod tests;
