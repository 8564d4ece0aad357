use std::collections::HashSet;

use super::{Channel::*, *};

/// Source, medium, campaign, click ids (with `gad_source=1` among them), channel, rule, reason.
type RuleCase = (&'static str, &'static str, &'static str, &'static str, Channel, &'static str, &'static str);

#[rustfmt::skip] // One line a case reads as the table it is.
const CASES: &[RuleCase] = &[
    // Referral program and Cross-network
    ("internal", "referral", "referral", "", ReferralProgram, "referral_program", "what /r/{token} seeds"),
    ("internal", "email", "", "", Email, "email_medium", "internal alone is no referral program"),
    ("partner.example", "referral", "", "", Referral, "referral_medium", "nor is referral alone"),
    ("internal", "referral", "cross-network", "", ReferralProgram, "referral_program", "the program goes first"),
    ("google", "cpc", "eu-cross-network-2026", "gclid", CrossNetwork, "cross_network", "contained, before Paid Search"),
    ("google", "cpc", "Cross-Network", "", CrossNetwork, "cross_network", "case does not matter"),
    ("google", "cpc", "cross network", "", PaidSearch, "paid_search_source", "the hyphen does"),

    // Paid Shopping
    ("amazon", "cpc", "", "", PaidShopping, "paid_shopping_source", "shopping source, paid"),
    ("www.amazon.co.uk", "ppc", "", "", PaidShopping, "paid_shopping_source", "a country's host"),
    ("amazon-ads", "", "", "", PaidShopping, "paid_shopping_source", "the ad suffix pays"),
    ("google", "cpc", "spring shopping", "gclid", PaidShopping, "paid_shopping_campaign", "campaign, before Paid Search"),
    ("google", "cpc", "eshop", "", PaidShopping, "paid_shopping_campaign", "an e may precede shop"),
    ("google", "cpc", "e-shop", "", PaidShopping, "paid_shopping_campaign", "no letter may precede it"),
    ("google", "cpc", "workshop", "", PaidSearch, "paid_search_source", "another letter may not"),
    ("google", "cpc", "bishop", "", PaidSearch, "paid_search_source", "another letter may not"),
    ("google", "cpc", "workshop pet shop", "", PaidShopping, "paid_shopping_campaign", "the second shop counts"),
    ("google", "cpc", "workshopping", "", PaidShopping, "paid_shopping_campaign", "shopping counts anywhere"),
    ("google", "cpc", "4shop", "", PaidShopping, "paid_shopping_campaign", "a digit is no letter a to z"),
    ("google", "cpc", "caféshop", "", PaidShopping, "paid_shopping_campaign", "nor is é"),

    // Paid Search
    ("google", "cpc", "spring", "", PaidSearch, "paid_search_source", "the classic"),
    ("Google", "CPC", "", "", PaidSearch, "paid_search_source", "case does not matter"),
    ("www.google.co.uk", "paid", "", "", PaidSearch, "paid_search_source", "a country's host"),
    ("bing", "ppc", "", "", PaidSearch, "paid_search_source", "ppc"),
    ("yandex", "cpc", "", "yclid", PaidSearch, "paid_search_source", "what yclid implies"),
    ("duckduckgo.com", "retargeting", "", "", PaidSearch, "paid_search_source", "retargeting"),
    ("google", "cpm", "", "", PaidSearch, "paid_search_source", "cpm has cp, and search goes before Display"),
    ("google", "brand-cpc", "", "", PaidSearch, "paid_search_source", "cpc between separators"),
    ("google", "remarketing", "", "", PaidSearch, "paid_search_source", "remarketing"),
    ("google", "ecpc", "", "", OrganicSearch, "organic_search_source", "ecpc is another word than cpc"),
    ("google_ads", "", "", "", PaidSearch, "paid_search_source", "suffix, no medium"),
    ("adwords", "email", "", "", PaidSearch, "paid_search_source", "an ad product, whatever the medium"),
    ("google", "organic", "", "gclid", OrganicSearch, "organic_search_source", "an explicit medium holds beside an id"),
    ("google", "", "", "gclid", PaidSearch, "paid_search_google_click", "a gclid is proof"),
    ("google", "", "", "gbraid", PaidSearch, "paid_search_google_click", "so is a gbraid"),
    ("google.de", "", "", "fbclid wbraid", PaidSearch, "paid_search_google_click", "so is a wbraid among others"),
    ("google", "", "", "gad_source=1", PaidSearch, "paid_search_google_gad_source", "as a gclid is"),
    ("bing", "", "", "msclkid", PaidSearch, "paid_search_bing_click", "proof at Bing"),
    ("bing", "organic", "", "msclkid", OrganicSearch, "organic_search_source", "but not against the medium"),
    ("bing", "organic", "", "gclid", OrganicSearch, "organic_search_source", "Google's id proves nothing at Bing"),
    ("google", "organic", "", "msclkid", OrganicSearch, "organic_search_source", "nor Bing's at Google"),
    ("google", "organic", "", "srsltid", OrganicSearch, "organic_search_source", "free listings carry srsltid"),
    ("bing", "", "", "gad_source=1", OrganicSearch, "organic_search_source", "gad_source is Google's"),
    ("newsletter", "email", "", "gclid", Email, "email_source", "a gclid elsewhere proves no search"),

    // Paid Social
    ("facebook", "cpc", "", "", PaidSocial, "paid_social", "the classic"),
    ("fb", "paid", "", "", PaidSocial, "paid_social", "an alias"),
    ("ig", "paid_social", "", "", PaidSocial, "paid_social", "paid anything"),
    ("fb-ads", "social", "", "", PaidSocial, "paid_social", "paid whatever the medium says"),
    ("fbad", "", "", "", PaidSocial, "paid_social", "suffix in the singular, unseparated"),
    ("facebook ads", "email", "", "", PaidSocial, "paid_social", "suffix after a space"),
    ("meta_ads", "referral", "", "", PaidSocial, "paid_social", "suffix on an alias"),
    ("tiktok", "paid_social", "", "ttclid", PaidSocial, "paid_social", "what ttclid implies"),
    ("linkedin", "cpm", "", "", PaidSocial, "paid_social", "social goes before Display"),

    // Paid Video
    ("youtube", "cpc", "", "gclid", PaidVideo, "paid_video", "Google's ids from YouTube"),
    ("yt", "paid", "", "", PaidVideo, "paid_video", "an alias"),
    ("youtube-ads", "video", "", "", PaidVideo, "paid_video", "the ad suffix pays"),
    ("vimeo.com", "cpv", "", "", PaidVideo, "paid_video", "a host"),

    // Display
    ("google", "display", "", "dclid", Display, "display", "what dclid implies"),
    ("google", "display", "", "gclid", Display, "display", "an ad network's frame is no search page"),
    ("google", "cpm", "", "gclid", PaidSearch, "paid_search_source", "as without the id: the link names the medium"),
    ("google_ads", "banner", "", "wbraid", PaidSearch, "paid_search_source", "as without the id: the suffix pays"),
    ("google", "display", "", "gad_source=1", Display, "display", "whichever of Google's ids says so"),
    ("google_ads", "display", "", "", PaidSearch, "paid_search_source", "the suffix pays"),
    ("bing", "display", "", "msclkid", Display, "display", "an explicit medium holds beside Microsoft's id too"),
    ("adnetwork", "banner", "", "", Display, "display", "banner"),
    ("adnetwork", "expandable", "", "", Display, "display", "expandable"),
    ("adnetwork", "interstitial", "", "", Display, "display", "interstitial"),
    ("adnetwork", "cpm", "", "", Display, "display", "cpm of an unknown source, before Paid Other"),
    ("", "display", "", "", Display, "display", "no source needed"),
    ("facebook", "display", "", "", Display, "display", "before Organic Social"),

    // Paid Other
    ("adnetwork", "cpc", "", "", PaidOther, "paid_other", "paid, source unknown"),
    ("", "cpa-cpl", "", "", PaidOther, "paid_other", "paid, no source"),
    ("", "paid_social", "", "", PaidOther, "paid_other", "no social source, so not Paid Social"),
    ("chatgpt", "cpc", "", "", PaidOther, "paid_other", "an assistant's ad is no organic answer"),
    ("perplexity-ads", "", "", "", PaidOther, "paid_other", "the same by suffix"),
    ("partner", "unpaid", "", "", Referral, "referral_source", "paid only at the start"),
    ("partner", "ppcx", "", "", Referral, "referral_source", "ppc only as the whole"),
    ("partner", "retargeting-2", "", "", Referral, "referral_source", "retargeting only as the whole"),
    ("partner", "mcprice", "", "", Referral, "referral_source", "cp in another word"),
    ("claude", "mcp", "", "", AiAssistants, "ai_assistants", "a protocol"),
    ("github", "mcp_registry", "", "", Referral, "referral_source", "and its registry"),
    ("partner", "tcp", "", "", Referral, "referral_source", "another protocol"),
    ("hosting.example", "cpanel", "", "", Referral, "referral_source", "a control panel"),
    ("partner", "cpa:leads", "", "", PaidOther, "paid_other", "any separator"),
    ("partner", "ocpm", "", "", PaidOther, "paid_other", "optimized cost per thousand"),
    ("partner", "cpcx", "", "", Referral, "referral_source", "cpc only as a word"),

    // Organic Shopping
    ("etsy", "referral", "", "", OrganicShopping, "organic_shopping_source", "shopping source"),
    ("shop.app", "", "", "", OrganicShopping, "organic_shopping_source", "a host"),
    ("aws.amazon.com", "referral", "", "", Referral, "referral_medium", "Amazon's other business"),
    ("news", "", "the-shop", "", OrganicShopping, "organic_shopping_campaign", "campaign alone"),
    ("facebook", "social", "shop launch", "", OrganicShopping, "organic_shopping_campaign", "before Organic Social"),
    ("mailchimp", "email", "shop launch", "", Email, "email_medium", "a medium that names a channel is stronger"),
    ("etsy", "email", "", "", Email, "email_medium", "stronger than a shopping source, too"),
    ("news", "", "photoshop", "", Referral, "referral_source", "a letter precedes shop"),

    // Organic Social
    ("facebook", "social", "", "fbclid", OrganicSocial, "organic_social_source", "fbclid is no proof of payment"),
    ("instagram", "", "", "igshid", OrganicSocial, "organic_social_source", "nor is igshid"),
    ("l.facebook.com", "referral", "", "", OrganicSocial, "organic_social_source", "the link shim"),
    ("m.facebook.com", "", "", "", OrganicSocial, "organic_social_source", "the mobile site"),
    ("lnkd.in", "", "", "", OrganicSocial, "organic_social_source", "LinkedIn's shortener"),
    ("t.co", "referral", "", "", OrganicSocial, "organic_social_source", "Twitter's shortener"),
    ("out.reddit.com", "", "", "", OrganicSocial, "organic_social_source", "Reddit's way out"),
    ("tw", "", "", "", OrganicSocial, "organic_social_source", "an alias"),
    ("threads", "", "", "", OrganicSocial, "organic_social_source", "ends in ads, and is a name itself"),
    ("facebook", "email", "", "", Email, "email_medium", "the medium names a channel"),
    ("facebook", "facebook_mobile_feed", "", "", OrganicSocial, "organic_social_source", "a placement with a word of push in it"),
    ("linkedin", "inmail", "", "", OrganicSocial, "organic_social_source", "LinkedIn's own messages"),
    ("partner", "social_media", "", "", OrganicSocial, "organic_social_medium", "any separator"),
    ("partner", "social", "", "", OrganicSocial, "organic_social_medium", "social"),
    ("partner", "social-network", "", "", OrganicSocial, "organic_social_medium", "social-network"),
    ("partner", "social-media", "", "", OrganicSocial, "organic_social_medium", "social-media"),
    ("partner", "sm", "", "", OrganicSocial, "organic_social_medium", "sm"),
    ("partner", "social network", "", "", OrganicSocial, "organic_social_medium", "social network"),
    ("", "social media", "", "", OrganicSocial, "organic_social_medium", "social media, no source"),
    ("partner", "socials", "", "", Referral, "referral_source", "only the whole word"),

    // Organic Video
    ("youtube.com", "referral", "", "", OrganicVideo, "organic_video_source", "a host"),
    ("youtu.be", "", "", "", OrganicVideo, "organic_video_source", "its shortener"),
    ("twitch", "", "", "", OrganicVideo, "organic_video_source", "a name"),
    ("facebook", "video", "", "", OrganicVideo, "organic_video_medium", "stronger than a social source"),
    ("facebook", "video-feed", "", "", OrganicSocial, "organic_social_source", "a placement says less than its source"),
    ("partner", "in-video-link", "", "", OrganicVideo, "organic_video_medium", "contained"),

    // AI Assistants
    ("chatgpt.com", "", "", "", AiAssistants, "ai_assistants", "what ChatGPT tags its links with"),
    ("chat.openai.com", "referral", "", "", AiAssistants, "ai_assistants", "its older host"),
    ("claude.ai", "referral", "", "", AiAssistants, "ai_assistants", "a host"),
    ("perplexity", "organic", "", "", AiAssistants, "ai_assistants", "before Organic Search"),
    ("copilot.microsoft.com", "", "", "", AiAssistants, "ai_assistants", "a host"),
    ("gemini.google.com", "referral", "", "", AiAssistants, "ai_assistants", "not Google's search"),
    ("www.phind.com", "", "", "", AiAssistants, "ai_assistants", "www does not matter"),
    ("grok", "", "", "", AiAssistants, "ai_assistants", "a name"),
    ("deepseek", "", "", "", AiAssistants, "ai_assistants", "a name"),
    ("newassistant.example", "ai-assistant", "", "", AiAssistants, "ai_assistants_medium", "GA4's medium"),

    // Organic Search
    ("google", "", "", "", OrganicSearch, "organic_search_source", "a name"),
    ("www.google.com.br", "referral", "", "", OrganicSearch, "organic_search_source", "a country's host"),
    ("uk.search.yahoo.com", "", "", "", OrganicSearch, "organic_search_source", "below Yahoo's search"),
    ("html.duckduckgo.com", "", "", "", OrganicSearch, "organic_search_source", "below DuckDuckGo"),
    ("mail.google.com", "referral", "", "", Email, "email_webmail", "Google's mail is no search"),
    ("docs.google.com", "referral", "", "", Referral, "referral_medium", "nor are its documents"),
    ("google.evil.io", "referral", "", "", Referral, "referral_medium", "not Google's"),
    ("intranet", "organic", "", "", OrganicSearch, "organic_search_medium", "organic of an unknown source"),

    // Email
    ("newsletter", "", "", "", Email, "email_source", "newsletter as source"),
    ("e-mail", "banner-less", "", "", Email, "email_source", "email spelt otherwise"),
    ("gmail", "", "", "", Email, "email_webmail", "a mailbox by name"),
    ("outlook.live.com", "referral", "", "", Email, "email_webmail", "and by host"),
    ("gmail", "cpc", "", "", PaidOther, "paid_other", "an ad in a mailbox is paid"),
    ("mailchimp", "email", "", "", Email, "email_medium", "the classic"),
    ("mailchimp", "e mail", "", "", Email, "email_medium", "e mail"),
    ("mailchimp", "e_mail", "", "", Email, "email_medium", "e_mail"),
    ("", "newsletter", "", "", Email, "email_medium", "newsletter as medium"),
    ("substack", "email", "", "", Email, "email_medium", "stronger than a social source"),
    ("chatgpt", "newsletter", "", "", Email, "email_medium", "stronger than an assistant"),
    ("google", "e-newsletter", "", "", Email, "email_medium", "stronger than a search engine"),
    ("partner", "edm", "", "", Email, "email_medium", "electronic direct mail"),
    ("partner", "mailing", "", "", Email, "email_medium", "mailing"),
    ("mailchimp", "emails", "", "", Referral, "referral_source", "only the whole word"),

    // Affiliates, Audio, SMS, Mobile Push
    ("impact", "affiliate", "", "irclickid", Affiliates, "affiliates", "what irclickid implies"),
    ("partner", "affiliates", "", "", Affiliates, "affiliates", "the plural"),
    ("youtube", "affiliate", "", "", Affiliates, "affiliates", "stronger than a video source"),
    ("amazon", "affiliates", "", "", Affiliates, "affiliates", "stronger than a shopping source"),
    ("gmail", "affiliate", "", "", Affiliates, "affiliates", "stronger than a mailbox"),
    ("fb-ads", "affiliate", "", "", PaidSocial, "paid_social", "an ad stays one"),
    ("youtube", "podcast", "", "", Audio, "audio", "stronger than a video source"),
    ("spotify", "audio", "", "", Audio, "audio", "audio"),
    ("twilio", "sms", "", "", Sms, "sms", "as medium"),
    ("sms", "text", "", "", Sms, "sms", "as source"),
    ("quora", "sms", "", "", Sms, "sms", "stronger than a social source"),
    ("slack", "notification", "", "", MobilePush, "mobile_push_medium", "stronger than a social source"),
    ("bing", "web-push", "", "", MobilePush, "mobile_push_medium", "stronger than a search engine"),
    ("app", "webpush", "", "", MobilePush, "mobile_push_medium", "ends in push"),
    ("app", "mobile-inapp", "", "", MobilePush, "mobile_push_medium", "contains mobile"),
    ("app", "notifications", "", "", MobilePush, "mobile_push_medium", "contains notification"),
    ("app", "pushed", "", "", Referral, "referral_source", "push only at the end"),
    ("firebase", "", "", "", MobilePush, "mobile_push_source", "as source"),

    // Referral and Direct
    ("blog.example", "referral", "", "", Referral, "referral_medium", "referral"),
    ("", "app", "", "", Referral, "referral_medium", "app, no source"),
    ("", "link", "", "", Referral, "referral_medium", "link, no source"),
    ("blog.example", "", "", "", Referral, "referral_source", "any source"),
    ("notreddit.com", "", "", "", Referral, "referral_source", "ends like Reddit's host"),
    ("squad", "", "", "", Referral, "referral_source", "ends in ad, and is no platform's"),
    ("", "", "", "", Direct, "direct", "nothing known"),
    ("", "something", "spring", "", Direct, "direct", "no source, and a medium of no channel"),
];

fn classify_case(&(source, medium, campaign, clicks, ..): &RuleCase) -> Classified<'static> {
    let clicks: Vec<&str> = clicks.split_ascii_whitespace().collect();
    classify(&Facts {
        source: Some(source),
        medium: Some(medium),
        campaign: Some(campaign),
        click_ids: &clicks,
        gad_source_is_1: clicks.contains(&"gad_source=1"),
        ..Facts::default()
    })
}

#[test]
fn every_case_falls_in_its_channel() {
    let wrong: Vec<String> = CASES
        .iter()
        .map(|case| (case, classify_case(case)))
        .filter(|((.., channel, rule, _), got)| (got.channel, got.rule) != (*channel, *rule))
        .map(|(case, got)| format!("{case:?}\n    got {got:?}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_rule_decides_some_case() {
    let fired: HashSet<_> = CASES.iter().map(|case| classify_case(case).rule).collect();
    let idle: Vec<_> = RULES.iter().map(|rule| rule.name).filter(|name| !fired.contains(name)).collect();
    assert!(idle.is_empty(), "no case reaches {idle:?}");
}

#[test]
fn rules_have_unique_names_and_keep_the_order_of_the_channels() {
    let names: HashSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
    let mut order: Vec<_> = RULES.iter().map(|rule| rule.channel).collect();
    order.dedup();
    assert_eq!(order, Channel::ALL);
}

#[test]
fn absent_and_empty_are_the_same() {
    assert_eq!(classify(&Facts::default()).channel, Direct);
    let facts = Facts { medium: Some("email"), ..Facts::default() };
    assert_eq!(classify(&facts).channel, Email);
}

#[test]
fn each_rule_says_in_words_what_it_matches() {
    let said: HashSet<_> = RULES.iter().map(|rule| rule.about).collect();
    assert_eq!(said.len(), RULES.len());
    assert!(said.iter().all(|about| about.len() > 10 && !about.ends_with('.')));
}

#[test]
fn channels_read_back_what_they_write() {
    for channel in Channel::ALL {
        assert_eq!(channel.to_string().parse(), Ok(channel));
        assert_eq!(channel.as_str().to_uppercase().parse(), Ok(channel));
    }
    assert_eq!("Paid".parse::<Channel>(), Err(UnknownChannel));
    assert_eq!("".parse::<Channel>(), Err(UnknownChannel));
}
