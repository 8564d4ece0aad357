//! The rules follow GA4's default channel group (support.google.com/analytics/answer/9756891), and differ from it in these places:
//!
//! - Referral programs have a channel of their own.
//! - Mailboxes on the web (`mail.google.com`) are Email.
//! - A medium that names a channel, such as `email` or `sms`, is stronger than the kind of an unpaid source: `substack / email` is
//!   Email, although Substack is a social network.
//! - A paid medium is a word such as `cpc`, alone or between separators. GA4 takes any text with `cp` in it, so also `mcp`.
//! - Click ids, and sources such as `fb-ads`, prove that a click was paid for. `fbclid`, `srsltid` and `igshid` also come with
//!   unpaid clicks, so no rule looks at them.

use super::{Channel, Classified, Facts, PreparedFacts};
use crate::attribution::source::{PlatformKind as Kind, fold};

/// Raise this number with every change of the built-in rules or of the lists of platforms. A stored touch carries the version
/// that classified it ([`Rules::version`](super::rules::Rules::version)), and keeps its channel until it is reclassified.
pub const RULES_VERSION: u32 = 3;

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Unique among the rules.
    pub name: &'static str,
    pub channel: Channel,
    /// What the rule matches, in words for a page: the end of a sentence that begins with "It matches when".
    pub about: &'static str,
    matches: fn(&PreparedFacts<'_>) -> bool,
}

/// The built-in rules, in the order in which they are tried. The last one matches everything.
#[rustfmt::skip] // One or two lines for each rule keep the table readable.
pub static RULES: &[Rule] = &[
    rule("referral_program", Channel::ReferralProgram, "the medium is referral and the source is internal: a referral link of this site",
        |s| s.medium == "referral" && s.source == "internal"),
    rule("cross_network", Channel::CrossNetwork, "the campaign contains cross-network",
        |s| s.campaign.contains("cross-network")),
    rule("paid_shopping_source", Channel::PaidShopping, "the source is a shopping site and the click was paid for",
        |s| s.is_from(Kind::Shopping) && is_paid(s)),
    rule("paid_shopping_campaign", Channel::PaidShopping, "the campaign has the word shop or shopping and the click was paid for",
        |s| is_shopping_campaign(&s.campaign) && is_paid(s)),
    rule("paid_search_source", Channel::PaidSearch, "the source is a search engine and the click was paid for",
        |s| s.is_from(Kind::Search) && is_paid(s)),
    rule("paid_search_google_click", Channel::PaidSearch, "the source is Google, there is no medium, and there is a gclid, gbraid or wbraid",
        |s| s.medium.is_empty() && s.is_from_platform("google") && s.has_click_id(&GOOGLE_CLICKS)),
    rule("paid_search_google_gad_source", Channel::PaidSearch, "the source is Google, there is no medium, and gad_source is 1: an ad beside search results",
        |s| s.medium.is_empty() && s.is_from_platform("google") && s.facts.gad_source_is_1),
    rule("paid_search_bing_click", Channel::PaidSearch, "the source is Bing, there is no medium, and there is a msclkid",
        |s| s.medium.is_empty() && s.is_from_platform("bing") && s.has_click_id(&["msclkid"])),
    rule("paid_social", Channel::PaidSocial, "the source is a social network and the click was paid for",
        |s| s.is_from(Kind::Social) && is_paid(s)),
    rule("paid_video", Channel::PaidVideo, "the source is a video site and the click was paid for",
        |s| s.is_from(Kind::Video) && is_paid(s)),
    rule("display", Channel::Display, "the medium is display, banner, expandable, interstitial or cpm",
        |s| ["display", "banner", "expandable", "interstitial", "cpm"].contains(&&*s.medium)),
    rule("paid_other", Channel::PaidOther, "the medium says that the click was paid for: it is ppc, retargeting or remarketing, begins with paid, or has a word such as cpc or cpm",
        is_paid),
    rule("organic_shopping_source", Channel::OrganicShopping, "the source is a shopping site, and the medium names no other channel",
        |s| is_unpaid(s, Kind::Shopping)),
    rule("organic_shopping_campaign", Channel::OrganicShopping, "the campaign has the word shop or shopping, and the medium names no other channel",
        |s| is_shopping_campaign(&s.campaign) && s.named.is_none()),
    rule("organic_social_source", Channel::OrganicSocial, "the source is a social network, and the medium names no other channel",
        |s| is_unpaid(s, Kind::Social)),
    rule("organic_social_medium", Channel::OrganicSocial, "the medium is social, social-network, social-media or sm",
        |s| ["social", "socialnetwork", "socialmedia", "sm"].contains(&&*fold(&s.medium))),
    rule("organic_video_source", Channel::OrganicVideo, "the source is a video site, and the medium names no other channel",
        |s| is_unpaid(s, Kind::Video)),
    rule("organic_video_medium", Channel::OrganicVideo, "the medium contains video",
        |s| s.medium.contains("video")),
    rule("ai_assistants", Channel::AiAssistants, "the source is an AI assistant, and the medium names no other channel",
        |s| is_unpaid(s, Kind::AiAssistant)),
    rule("ai_assistants_medium", Channel::AiAssistants, "the medium is ai-assistant",
        |s| s.medium == "ai-assistant"),
    rule("organic_search_source", Channel::OrganicSearch, "the source is a search engine, and the medium names no other channel",
        |s| is_unpaid(s, Kind::Search)),
    rule("organic_search_medium", Channel::OrganicSearch, "the medium is organic",
        |s| s.medium == "organic"),
    rule("email_source", Channel::Email, "the source is email, e-mail, newsletter, e-newsletter, mailing or edm",
        |s| named_channel(&s.source) == Some(Channel::Email)),
    rule("email_webmail", Channel::Email, "the source is a mailbox on the web, and the medium names no other channel",
        |s| is_unpaid(s, Kind::Webmail)),
    rule("email_medium", Channel::Email, "the medium is email, e-mail, newsletter, e-newsletter, mailing or edm",
        |s| s.named == Some(Channel::Email)),
    rule("affiliates", Channel::Affiliates, "the medium is affiliate or affiliates",
        |s| s.named == Some(Channel::Affiliates)),
    rule("audio", Channel::Audio, "the medium is audio or podcast",
        |s| s.named == Some(Channel::Audio)),
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

const fn rule(
    name: &'static str,
    channel: Channel,
    about: &'static str,
    matches: fn(&PreparedFacts<'_>) -> bool,
) -> Rule {
    Rule { name, channel, about, matches }
}

/// Returns the channel of a touch by the built-in rules alone.
pub fn classify(facts: &Facts<'_>) -> Classified<'static> {
    classify_prepared(&PreparedFacts::new(facts))
}

pub(super) fn classify_prepared(facts: &PreparedFacts<'_>) -> Classified<'static> {
    let Rule { channel, name, .. } = *RULES.iter().find(|rule| (rule.matches)(facts)).unwrap_or(&DIRECT);
    Classified { channel, rule: name }
}

/// The ids that Google's auto-tagging appends to an ad's link.
const GOOGLE_CLICKS: [&str; 3] = ["gclid", "gbraid", "wbraid"];

/// Returns whether the medium says that the click was paid for, or the source is a platform's advertising (`fb-ads`).
fn is_paid(facts: &PreparedFacts<'_>) -> bool {
    is_paid_medium(&facts.medium) || facts.resolved.is_some_and(|source| source.ads)
}

/// Returns whether a medium is paid: `cpc`, `paid_social`, `google-cpc`. A text that only contains `cp` is not: `mcp`, `cpanel`.
fn is_paid_medium(medium: &str) -> bool {
    /// What an advertiser pays for: a click, a thousand views, an action …
    const PAID_WORDS: [&str; 11] = ["cpc", "cpm", "cpa", "cpv", "cpi", "cpl", "cpe", "cps", "cpcv", "ocpc", "ocpm"];
    ["ppc", "retargeting", "remarketing"].contains(&medium)
        || medium.starts_with("paid")
        || medium.split(|separator: char| !separator.is_alphanumeric()).any(|word| PAID_WORDS.contains(&word))
}

/// Returns whether the source is a platform of this kind, and the medium does not name another channel.
fn is_unpaid(facts: &PreparedFacts<'_>, kind: Kind) -> bool {
    facts.is_from(kind) && facts.named.is_none()
}

/// Returns the channel that a medium itself names, which is stronger than the kind of an unpaid source: `youtube / affiliate` is
/// Affiliates.
///
/// Words are compared as [`fold`] leaves them: `e-mail` and `e mail` are `email`. A placement with such a word in its name says
/// less than its source: `facebook / facebook_mobile_feed` is Organic Social.
pub(super) fn named_channel(medium: &str) -> Option<Channel> {
    match &*fold(medium) {
        "email" | "newsletter" | "enewsletter" | "mailing" | "edm" => Some(Channel::Email),
        "affiliate" | "affiliates" => Some(Channel::Affiliates),
        "audio" | "podcast" => Some(Channel::Audio),
        "sms" => Some(Channel::Sms),
        "push" | "webpush" | "apppush" | "mobilepush" | "notification" => Some(Channel::MobilePush),
        "video" => Some(Channel::OrganicVideo),
        _ => None,
    }
}

/// Returns whether a campaign is a shopping campaign, by GA4's `^(.*(([^a-df-z]|^)shop|shopping).*)$`: `shop` counts at the start
/// and after anything but a letter, or after an `e`. So `e-shop`, `eshop` and `pet shop` count, `bishop` and `workshop` do not.
fn is_shopping_campaign(campaign: &str) -> bool {
    campaign.contains("shopping")
        || campaign.match_indices("shop").any(|(at, _)| {
            campaign[..at].chars().next_back().is_none_or(|before| before == 'e' || !before.is_ascii_lowercase())
        })
}
