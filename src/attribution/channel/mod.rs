//! The channel of a touch: an ordered table of rules, of which the first that matches decides.
//!
//! The rules follow GA4's default channel group (support.google.com/analytics/answer/9756891) with
//! a channel added for referral programs, with webmail as email, and with click ids and ad-suffixed
//! sources as proof of payment. The owner's own rules go before them ([`Rules`](self::rules::Rules)).
//! Every touch has exactly one channel, and the same facts under the same rules always have the same
//! one. `fbclid`, `srsltid` and `igshid` come with unpaid clicks too, so no rule looks at them.

use std::{borrow::Cow, fmt, str::FromStr};

use super::source::{self, Kind, Source};

/// The owner's rules, before the built-in ones.
pub mod rules;

/// Raise this with every change to the rules or the lists of sources: stored touches carry the
/// channel of the version that classified them, until they are reclassified
/// ([`Rules::version`](self::rules::Rules::version)).
pub const RULES_VERSION: u32 = 2;

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
    pub term: Option<&'a str>,
    pub content: Option<&'a str>,
    /// Host and path in one, as [`Referrer::as_string`](super::signal::referrer::Referrer::as_string) writes them.
    pub referrer: Option<&'a str>,
    /// Without its query.
    pub landing_path: Option<&'a str>,
    /// The names of the click ids that are present, e.g. `["gclid"]`.
    pub click_ids: &'a [&'a str],
    /// `gad_source` is present and is `1`: a click on a Google search ad.
    pub gad_source_is_1: bool,
}

/// A touch's channel, and which rule put it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified<'r> {
    pub channel: Channel,
    /// The name of the rule: [`Rule::name`], or that of a rule of the owner's.
    pub rule: &'r str,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Unique among the rules.
    pub name: &'static str,
    pub channel: Channel,
    /// What it matches, in words for a page: the end of a sentence that begins with "It matches when".
    pub about: &'static str,
    matches: fn(&Signals<'_>) -> bool,
}

/// The facts made ready for rules: lower case, "" for what is absent, the source resolved.
#[derive(Debug)]
pub(crate) struct Signals<'a> {
    pub source: Cow<'a, str>,
    pub medium: Cow<'a, str>,
    pub campaign: Cow<'a, str>,
    /// As they came.
    pub facts: &'a Facts<'a>,
    pub resolved: Option<Source>,
}

impl<'a> Signals<'a> {
    pub fn new(facts: &'a Facts<'a>) -> Self {
        let source = lower(facts.source);
        Signals {
            resolved: source::resolve(&source),
            source,
            medium: lower(facts.medium),
            campaign: lower(facts.campaign),
            facts,
        }
    }

    /// The source is a platform of this kind.
    fn is_from(&self, kind: Kind) -> bool {
        self.resolved.is_some_and(|source| source.platform.kind == kind)
    }

    /// The source is this platform, by its canonical name.
    fn is_from_platform(&self, name: &str) -> bool {
        self.resolved.is_some_and(|source| source.platform.name == name)
    }

    /// The medium says that the click was paid for, or the source is a platform's advertising.
    fn is_paid(&self) -> bool {
        is_paid_medium(&self.medium) || self.resolved.is_some_and(|source| source.ads)
    }

    /// One of these click ids is present.
    fn has_click_id(&self, ids: &[&str]) -> bool {
        self.facts.click_ids.iter().any(|present| ids.iter().any(|id| id.eq_ignore_ascii_case(present)))
    }

    /// An id of Google's says that the click was on an ad.
    fn is_google_ad(&self) -> bool {
        self.is_from_platform("google") && (self.has_click_id(&GOOGLE_CLICKS) || self.facts.gad_source_is_1)
    }

    /// A click on one of Google's ads that the medium places elsewhere than on a results page. Google's ids come from its display
    /// network too: an ad network's frame on somebody's page, from which `google / display` is derived, is no search page. Neither is
    /// `google / cpm`: results pages are not sold by the impression.
    fn is_google_display(&self) -> bool {
        is_display_medium(&self.medium) && self.is_google_ad()
    }
}

/// The ids that Google's auto-tagging appends to an ad's link.
const GOOGLE_CLICKS: [&str; 3] = ["gclid", "gbraid", "wbraid"];

/// Lower case; "" for nothing. Values that came through a link are lower case already, and cost nothing.
pub(crate) fn lower(value: Option<&str>) -> Cow<'_, str> {
    let value = value.unwrap_or_default();
    if value.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        value.into()
    } else {
        value.to_lowercase().into()
    }
}

/// The built-in rules. The last one matches everything.
#[rustfmt::skip] // One line or two a rule read as the table it is.
pub static RULES: &[Rule] = &[
    rule("referral_program", Channel::ReferralProgram, "the medium is referral and the source is internal: a referral link of this site",
        |s| s.medium == "referral" && s.source == "internal"),
    rule("cross_network", Channel::CrossNetwork, "the campaign contains cross-network",
        |s| s.campaign.contains("cross-network")),
    rule("paid_shopping_source", Channel::PaidShopping, "the source is a shopping site and the click was paid for",
        |s| s.is_from(Kind::Shopping) && s.is_paid()),
    rule("paid_shopping_campaign", Channel::PaidShopping, "the campaign has the word shop or shopping and the click was paid for",
        |s| is_shopping_campaign(&s.campaign) && s.is_paid()),
    rule("paid_search_source", Channel::PaidSearch, "the source is a search engine and the click was paid for",
        |s| s.is_from(Kind::Search) && s.is_paid() && !s.is_google_display()),
    rule("paid_search_google_click", Channel::PaidSearch, "the source is Google and there is a gclid, gbraid or wbraid",
        |s| s.is_from_platform("google") && s.has_click_id(&GOOGLE_CLICKS) && !s.is_google_display()),
    rule("paid_search_google_gad_source", Channel::PaidSearch, "the source is Google and gad_source is 1, an ad beside search results",
        |s| s.is_from_platform("google") && s.facts.gad_source_is_1 && !s.is_google_display()),
    rule("paid_search_bing_click", Channel::PaidSearch, "the source is Bing and there is a msclkid",
        |s| s.is_from_platform("bing") && s.has_click_id(&["msclkid"])),
    rule("paid_social", Channel::PaidSocial, "the source is a social network and the click was paid for",
        |s| s.is_from(Kind::Social) && s.is_paid()),
    rule("paid_video", Channel::PaidVideo, "the source is a video site and the click was paid for",
        |s| s.is_from(Kind::Video) && s.is_paid()),
    rule("display", Channel::Display, "the medium is display, banner, expandable, interstitial or cpm",
        |s| is_display_medium(&s.medium)),
    rule("paid_other", Channel::PaidOther, "the medium says that the click was paid for: it contains cp, is ppc or retargeting, or begins with paid",
        |s| s.is_paid()),
    rule("organic_shopping_source", Channel::OrganicShopping, "the source is a shopping site",
        |s| s.is_from(Kind::Shopping)),
    rule("organic_shopping_campaign", Channel::OrganicShopping, "the campaign has the word shop or shopping",
        |s| is_shopping_campaign(&s.campaign)),
    rule("organic_social_source", Channel::OrganicSocial, "the source is a social network",
        |s| s.is_from(Kind::Social)),
    rule("organic_social_medium", Channel::OrganicSocial, "the medium is social, social-network, social-media, sm, social network or social media",
        |s| ["social", "social-network", "social-media", "sm", "social network", "social media"].contains(&&*s.medium)),
    rule("organic_video_source", Channel::OrganicVideo, "the source is a video site",
        |s| s.is_from(Kind::Video)),
    rule("organic_video_medium", Channel::OrganicVideo, "the medium contains video",
        |s| s.medium.contains("video")),
    rule("ai_assistants", Channel::AiAssistants, "the source is an AI assistant",
        |s| s.is_from(Kind::AiAssistant)),
    rule("ai_assistants_medium", Channel::AiAssistants, "the medium is ai-assistant",
        |s| s.medium == "ai-assistant"),
    rule("organic_search_source", Channel::OrganicSearch, "the source is a search engine",
        |s| s.is_from(Kind::Search)),
    rule("organic_search_medium", Channel::OrganicSearch, "the medium is organic",
        |s| s.medium == "organic"),
    rule("email_source", Channel::Email, "the source is email, e-mail, e_mail, e mail or newsletter",
        |s| is_email(&s.source)),
    rule("email_webmail", Channel::Email, "the source is a mailbox on the web",
        |s| s.is_from(Kind::Webmail)),
    rule("email_medium", Channel::Email, "the medium is email, e-mail, e_mail, e mail or newsletter",
        |s| is_email(&s.medium)),
    rule("affiliates", Channel::Affiliates, "the medium is affiliate or affiliates",
        |s| ["affiliate", "affiliates"].contains(&&*s.medium)),
    rule("audio", Channel::Audio, "the medium is audio",
        |s| s.medium == "audio"),
    rule("sms", Channel::Sms, "the medium or the source is sms",
        |s| s.medium == "sms" || s.source == "sms"),
    rule("mobile_push_medium", Channel::MobilePush, "the medium ends with push, or contains mobile or notification",
        |s| s.medium.ends_with("push") || s.medium.contains("mobile") || s.medium.contains("notification")),
    rule("mobile_push_source", Channel::MobilePush, "the source is firebase",
        |s| s.source == "firebase"),
    rule("referral_medium", Channel::Referral, "the medium is referral, app or link",
        |s| ["referral", "app", "link"].contains(&&*s.medium)),
    rule("referral_source", Channel::Referral, "there is a source, and no rule above knows it",
        |s| !s.source.is_empty()),
    DIRECT,
];

const DIRECT: Rule =
    rule("direct", Channel::Direct, "no rule above matches: nothing says where it came from", |_| true);

const fn rule(name: &'static str, channel: Channel, about: &'static str, matches: fn(&Signals<'_>) -> bool) -> Rule {
    Rule { name, channel, about, matches }
}

/// The channel of a touch by the built-in rules.
pub fn classify(facts: &Facts<'_>) -> Classified<'static> {
    by_built_in(&Signals::new(facts))
}

/// The first built-in rule that matches.
pub(crate) fn by_built_in(signals: &Signals<'_>) -> Classified<'static> {
    let Rule { channel, name, .. } = *RULES.iter().find(|rule| (rule.matches)(signals)).unwrap_or(&DIRECT);
    Classified { channel, rule: name }
}

fn is_display_medium(medium: &str) -> bool {
    ["display", "banner", "expandable", "interstitial", "cpm"].contains(&medium)
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
mod tests;

#[cfg(test)]
mod table_tests;
