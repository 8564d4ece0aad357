//! The channel of a touch: an ordered table of rules, of which the first that matches decides.
//!
//! The rules follow GA4's default channel group (support.google.com/analytics/answer/9756891) with
//! channels added for referral programs and AI assistants, and with click ids and ad-suffixed
//! sources as proof of payment. Every touch has exactly one channel, and the same facts under the
//! same [`RULES_VERSION`] always have the same one. `fbclid`, `srsltid` and `igshid` come with
//! unpaid clicks too, so no rule looks at them.

use std::{fmt, str::FromStr};

use super::sources::{self, Kind, Source};

/// Raise this with every change to the rules or the lists of sources: stored touches carry the
/// channel of the version that classified them, until they are reclassified.
pub const RULES_VERSION: u32 = 1;

/// The group a touch falls in. Stored and shown as [`Channel::as_str`] spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    ReferralProgram,
    CrossNetwork,
    PaidShopping,
    PaidSearch,
    PaidSocial,
    PaidVideo,
    Display,
    PaidOther,
    OrganicShopping,
    OrganicSocial,
    OrganicVideo,
    AiAssistants,
    OrganicSearch,
    Email,
    Affiliates,
    Audio,
    Sms,
    MobilePush,
    Referral,
    Direct,
}

impl Channel {
    /// All channels, in the order of their rules.
    pub const ALL: [Channel; 20] = [
        Channel::ReferralProgram,
        Channel::CrossNetwork,
        Channel::PaidShopping,
        Channel::PaidSearch,
        Channel::PaidSocial,
        Channel::PaidVideo,
        Channel::Display,
        Channel::PaidOther,
        Channel::OrganicShopping,
        Channel::OrganicSocial,
        Channel::OrganicVideo,
        Channel::AiAssistants,
        Channel::OrganicSearch,
        Channel::Email,
        Channel::Affiliates,
        Channel::Audio,
        Channel::Sms,
        Channel::MobilePush,
        Channel::Referral,
        Channel::Direct,
    ];

    /// The name that people read and that the database keeps: it never changes for a channel.
    pub const fn as_str(self) -> &'static str {
        match self {
            Channel::ReferralProgram => "Referral program",
            Channel::CrossNetwork => "Cross-network",
            Channel::PaidShopping => "Paid Shopping",
            Channel::PaidSearch => "Paid Search",
            Channel::PaidSocial => "Paid Social",
            Channel::PaidVideo => "Paid Video",
            Channel::Display => "Display",
            Channel::PaidOther => "Paid Other",
            Channel::OrganicShopping => "Organic Shopping",
            Channel::OrganicSocial => "Organic Social",
            Channel::OrganicVideo => "Organic Video",
            Channel::AiAssistants => "AI Assistants",
            Channel::OrganicSearch => "Organic Search",
            Channel::Email => "Email",
            Channel::Affiliates => "Affiliates",
            Channel::Audio => "Audio",
            Channel::Sms => "SMS",
            Channel::MobilePush => "Mobile Push",
            Channel::Referral => "Referral",
            Channel::Direct => "Direct",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no channel's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownChannel;

impl fmt::Display for UnknownChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no channel has this name")
    }
}

impl std::error::Error for UnknownChannel {}

/// Reads what [`Channel::as_str`] wrote, in any ASCII case, since filters are typed into URLs.
impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(name: &str) -> Result<Self, UnknownChannel> {
        Channel::ALL.into_iter().find(|channel| channel.as_str().eq_ignore_ascii_case(name)).ok_or(UnknownChannel)
    }
}

/// What is known of a touch, as far as its channel depends on it. Case does not matter, and an empty
/// value is no value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    pub source: Option<&'a str>,
    pub medium: Option<&'a str>,
    pub campaign: Option<&'a str>,
    /// The names of the click ids that are present, e.g. `["gclid"]`.
    pub click_ids: &'a [&'a str],
    /// `gad_source` is present and is `1`: a click on a Google search ad.
    pub gad_source_is_1: bool,
}

/// A touch's channel, and which rule put it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    pub channel: Channel,
    /// The [`Rule::name`].
    pub rule: &'static str,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Unique among the rules.
    pub name: &'static str,
    pub channel: Channel,
    pub matches: fn(&Signals<'_>) -> bool,
}

/// The facts made ready for rules: lower case, "" for what is absent, the source resolved.
#[derive(Debug)]
pub struct Signals<'a> {
    pub source: String,
    pub medium: String,
    pub campaign: String,
    click_ids: &'a [&'a str],
    gad_source_is_1: bool,
    resolved: Option<Source>,
}

impl<'a> Signals<'a> {
    fn new(facts: &Facts<'a>) -> Self {
        let lower = |value: Option<&str>| value.unwrap_or_default().to_lowercase();
        let source = lower(facts.source);
        Signals {
            resolved: sources::resolve(&source),
            source,
            medium: lower(facts.medium),
            campaign: lower(facts.campaign),
            click_ids: facts.click_ids,
            gad_source_is_1: facts.gad_source_is_1,
        }
    }

    /// The source is a platform of this kind.
    pub fn is_from(&self, kind: Kind) -> bool {
        self.resolved.is_some_and(|source| source.platform.kind == kind)
    }

    /// The source is this platform, by its canonical name.
    pub fn is_from_platform(&self, name: &str) -> bool {
        self.resolved.is_some_and(|source| source.platform.name == name)
    }

    /// The medium says that the click was paid for, or the source is a platform's advertising.
    pub fn is_paid(&self) -> bool {
        is_paid_medium(&self.medium) || self.resolved.is_some_and(|source| source.ads)
    }

    /// One of these click ids is present.
    pub fn has_click_id(&self, ids: &[&str]) -> bool {
        self.click_ids.iter().any(|present| ids.iter().any(|id| id.eq_ignore_ascii_case(present)))
    }
}

/// The built-in rules. The last one matches everything.
pub static RULES: &[Rule] = &[
    rule("referral_program", Channel::ReferralProgram, |s| s.medium == "referral" && s.source == "internal"),
    rule("cross_network", Channel::CrossNetwork, |s| s.campaign.contains("cross-network")),
    rule("paid_shopping_source", Channel::PaidShopping, |s| s.is_from(Kind::Shopping) && s.is_paid()),
    rule("paid_shopping_campaign", Channel::PaidShopping, |s| is_shopping_campaign(&s.campaign) && s.is_paid()),
    rule("paid_search_source", Channel::PaidSearch, |s| s.is_from(Kind::Search) && s.is_paid()),
    rule("paid_search_google_click", Channel::PaidSearch, |s| {
        s.is_from_platform("google") && s.has_click_id(&["gclid", "gbraid", "wbraid"])
    }),
    rule("paid_search_google_gad_source", Channel::PaidSearch, |s| s.is_from_platform("google") && s.gad_source_is_1),
    rule("paid_search_bing_click", Channel::PaidSearch, |s| s.is_from_platform("bing") && s.has_click_id(&["msclkid"])),
    rule("paid_social", Channel::PaidSocial, |s| s.is_from(Kind::Social) && s.is_paid()),
    rule("paid_video", Channel::PaidVideo, |s| s.is_from(Kind::Video) && s.is_paid()),
    rule("display", Channel::Display, |s| {
        ["display", "banner", "expandable", "interstitial", "cpm"].contains(&&*s.medium)
    }),
    rule("paid_other", Channel::PaidOther, |s| s.is_paid()),
    rule("organic_shopping_source", Channel::OrganicShopping, |s| s.is_from(Kind::Shopping)),
    rule("organic_shopping_campaign", Channel::OrganicShopping, |s| is_shopping_campaign(&s.campaign)),
    rule("organic_social_source", Channel::OrganicSocial, |s| s.is_from(Kind::Social)),
    rule("organic_social_medium", Channel::OrganicSocial, |s| {
        ["social", "social-network", "social-media", "sm", "social network", "social media"].contains(&&*s.medium)
    }),
    rule("organic_video_source", Channel::OrganicVideo, |s| s.is_from(Kind::Video)),
    rule("organic_video_medium", Channel::OrganicVideo, |s| s.medium.contains("video")),
    rule("ai_assistants", Channel::AiAssistants, |s| s.is_from(Kind::AiAssistant)),
    rule("organic_search_source", Channel::OrganicSearch, |s| s.is_from(Kind::Search)),
    rule("organic_search_medium", Channel::OrganicSearch, |s| s.medium == "organic"),
    rule("email_source", Channel::Email, |s| is_email(&s.source)),
    rule("email_medium", Channel::Email, |s| is_email(&s.medium)),
    rule("affiliates", Channel::Affiliates, |s| ["affiliate", "affiliates"].contains(&&*s.medium)),
    rule("audio", Channel::Audio, |s| s.medium == "audio"),
    rule("sms", Channel::Sms, |s| s.medium == "sms" || s.source == "sms"),
    rule("mobile_push_medium", Channel::MobilePush, |s| {
        s.medium.ends_with("push") || s.medium.contains("mobile") || s.medium.contains("notification")
    }),
    rule("mobile_push_source", Channel::MobilePush, |s| s.source == "firebase"),
    rule("referral_medium", Channel::Referral, |s| ["referral", "app", "link"].contains(&&*s.medium)),
    rule("referral_source", Channel::Referral, |s| !s.source.is_empty()),
    DIRECT,
];

const DIRECT: Rule = rule("direct", Channel::Direct, |_| true);

const fn rule(name: &'static str, channel: Channel, matches: fn(&Signals<'_>) -> bool) -> Rule {
    Rule { name, channel, matches }
}

/// The channel of a touch by the built-in rules.
pub fn classify(facts: &Facts<'_>) -> Classified {
    classify_with(&[], facts)
}

/// The channel of a touch where `custom` rules go before the built-in ones.
pub fn classify_with(custom: &[Rule], facts: &Facts<'_>) -> Classified {
    let signals = Signals::new(facts);
    let first = custom.iter().chain(RULES).find(|rule| (rule.matches)(&signals));
    let Rule { channel, name, .. } = *first.unwrap_or(&DIRECT);
    Classified { channel, rule: name }
}

/// GA4's `^(.*cp.*|ppc|retargeting|paid.*)$`: `cpc`, `cpm`, `paid_social`, and whatever else has `cp`.
fn is_paid_medium(medium: &str) -> bool {
    medium.contains("cp") || medium == "ppc" || medium == "retargeting" || medium.starts_with("paid")
}

/// GA4's `^(.*(([^a-df-z]|^)shop|shopping).*)$`: `shop` counts at the start and after anything but a
/// letter, or after an `e`. So `e-shop`, `eshop` and `pet shop` do, `bishop` and `workshop` do not.
fn is_shopping_campaign(campaign: &str) -> bool {
    campaign.contains("shopping")
        || campaign.match_indices("shop").any(|(at, _)| {
            campaign[..at].chars().next_back().is_none_or(|before| before == 'e' || !before.is_ascii_lowercase())
        })
}

fn is_email(value: &str) -> bool {
    ["email", "e-mail", "e_mail", "e mail", "newsletter"].contains(&value)
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
