use super::*;
use crate::attribution::source::PlatformKind;

fn from(header: &str) -> ReferrerOrigin {
    origin(&Referrer::parse(header).expect(header), &IgnoredReferrers::default())
}

fn source_and_medium(header: &str) -> Option<(String, &'static str)> {
    match from(header) {
        ReferrerOrigin::Ignored(_) => None,
        ReferrerOrigin::From { source, medium, .. } => Some((source, medium)),
    }
}

const LISTS: [&str; 2] = [include_str!("../data/ignored.tsv"), include_str!("../data/ads.tsv")];

#[test]
fn the_lists_are_sound_and_say_what_they_follow() {
    let mistakes: Vec<_> = IGNORED.1.iter().chain(&ADS.1).collect();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    for data in LISTS {
        let head: Vec<_> = data.lines().take_while(|line| line.starts_with('#')).collect();
        for what in ["Follows:", "Licence:", "Date:"] {
            assert!(head.iter().any(|line| line.contains(what)), "{what} in {}", head[0]);
        }
        assert!(!data.contains('\r'));
    }
}

#[test]
fn each_host_with_a_path_says_what_the_bare_host_means() {
    let platforms = PlatformKind::ALL.map(PlatformKind::data);
    for data in platforms.into_iter().chain(LISTS) {
        for [_, _, hosts] in rows(data).flatten() {
            for (host, _) in words(hosts).filter_map(|pattern| pattern.split_once('/')) {
                let host = host.trim_start_matches('.').replace('*', "com");
                let listed = IGNORED.0.get(&host, "/").is_some() || source::resolve_host(&host, "/").is_some();
                assert!(listed, "{host}");
            }
        }
    }
}

#[test]
fn each_kind_has_its_medium() {
    for (header, source, medium) in [
        ("https://www.google.com/", "google", "organic"),
        ("https://www.google.com/url", "google", "organic"),
        ("https://duckduckgo.com/", "duckduckgo", "organic"),
        ("https://l.facebook.com/l.php", "facebook", "social"),
        ("https://t.co/abc", "twitter", "social"),
        ("https://m.youtube.com/watch", "youtube", "video"),
        ("https://chatgpt.com/", "chatgpt", "ai-assistant"),
        ("https://www.bing.com/copilotsearch", "copilot", "ai-assistant"),
        ("https://m365.cloud.microsoft/chat", "copilot", "ai-assistant"),
        ("https://mail.google.com/mail/u/0/", "gmail", "email"),
        ("android-app://com.google.android.gm/", "gmail", "email"),
        ("https://www.amazon.co.jp/", "amazon", "shopping"),
        ("https://www.google.com/shopping/product/1", "googleshopping", "shopping"),
        ("https://shopping.google.com/", "googleshopping", "shopping"),
        ("https://www.icloud.com/", "icloudmail", "email"),
        ("https://github.com/", "github.com", "referral"),
        ("https://github.com/leptos-rs/leptos", "github.com", "referral"),
        ("https://huggingface.co/", "huggingface.co", "referral"),
        ("https://gitlab.com/", "gitlab.com", "referral"),
        ("https://www.example.org/a", "example.org", "referral"),
        ("https://m.example.org/a", "example.org", "referral"),
        ("https://docs.google.com/document", "docs.google.com", "referral"),
        ("https://BÜCHER.example/", "bücher.example", "referral"),
        ("http://[::1]:3000/", "[::1]", "referral"),
    ] {
        assert_eq!(source_and_medium(header), Some((source.to_owned(), medium)), "{header}");
    }
}

#[test]
fn a_visitor_from_an_ad_networks_page_clicked_an_ad() {
    for (header, source, medium) in [
        ("https://syndicatedsearch.goog/", "google", "cpc"),
        ("https://www.adsensecustomsearchads.com/", "google", "cpc"),
        ("https://www.googleadservices.com/", "google", "cpc"),
        ("https://googleads.g.doubleclick.net/", "google", "display"),
        ("https://0f1e2d.safeframe.googlesyndication.com/", "google", "display"),
        ("https://d-123.ampproject.net/", "google", "display"),
        ("https://an.facebook.com/", "facebook", "paid_social"),
        ("https://yabs.yandex.ru/", "yandex", "cpc"),
        ("https://trc.taboola.com/", "taboola", "display"),
    ] {
        assert_eq!(source_and_medium(header), Some((source.to_owned(), medium)), "{header}");
    }
}

#[test]
fn a_mail_gateways_link_came_from_a_mail() {
    for header in [
        "https://urldefense.com/",
        "https://urldefense.proofpoint.com/v2/url",
        "https://protect-us.mimecast.com/",
        "https://url.us.m.mimecastprotect.com/",
        "https://secure-web.cisco.com/",
        "https://eur02.safelinks.protection.outlook.com/",
        "https://gcc02.safelinks.protection.office365.us/",
        "https://linkprotect.cudasvc.com/",
        "https://clicktime.symantec.com/",
        "https://us-west-2.protection.sophos.com/",
    ] {
        assert_eq!(source_and_medium(header).map(|(_, medium)| medium), Some("email"), "{header}");
    }
    for header in ["https://www.cisco.com/", "https://www.mimecast.com/", "https://www.proofpoint.com/"] {
        assert_eq!(source_and_medium(header).map(|(_, medium)| medium), Some("referral"), "{header}");
    }
}

#[test]
fn an_app_is_its_platform() {
    for (app, source, medium) in [
        ("com.laurencedawson.reddit_sync", "reddit", "social"),
        ("com.andrewshu.android.reddit", "reddit", "social"),
        ("ml.docilealligator.infinityforreddit", "reddit", "social"),
        ("org.thunderdog.challegram", "telegram", "social"),
        ("org.telegram.messenger.web", "telegram", "social"),
        ("com.facebook.lite", "facebook", "social"),
        ("com.twitpane", "twitter", "social"),
        ("com.keylesspalace.tusky", "mastodon", "social"),
        ("com.Slack", "slack", "social"),
        ("com.google.android.apps.dynamite", "googlechat", "social"),
        ("com.poe.android", "poe.com", "ai-assistant"),
        ("org.schabi.newpipe", "youtube", "video"),
        ("org.kman.AquaMail", "aquamail", "email"),
        ("com.google.android.googlequicksearchbox", "google", "organic"),
    ] {
        let header = format!("android-app://{app}/");
        assert_eq!(source_and_medium(&header), Some((source.to_owned(), medium)), "{header}");
    }
}

#[test]
fn a_mirror_is_the_site_that_it_shows() {
    for (header, source, medium) in [
        ("https://www-nytimes-com.cdn.ampproject.org/", "nytimes.com", "referral"),
        ("https://www-reddit-com.translate.goog/", "reddit", "social"),
        ("https://hi--news-ru.turbopages.org/", "hi-news.ru", "referral"),
        ("https://translate.google.com/", "translate.google.com", "referral"),
    ] {
        assert_eq!(source_and_medium(header), Some((source.to_owned(), medium)), "{header}");
    }
}

#[test]
fn hosts_that_people_share_links_on_are_known() {
    for (header, source, medium) in [
        ("https://search.app/", "google", "organic"),
        ("https://labs.google/", "googlelabs", "ai-assistant"),
        ("https://t3.chat/", "t3.chat", "ai-assistant"),
        ("https://l.wl.co/", "whatsapp", "social"),
        ("https://web.max.ru/", "max.ru", "social"),
        ("https://dzen.ru/", "dzen", "social"),
        ("https://chat.google.com/", "googlechat", "social"),
        ("https://chaos.social/", "mastodon", "social"),
        ("https://mastodonapp.uk/", "mastodon", "social"),
        ("https://lnk.bio/", "lnk.bio", "social"),
        ("https://search.brave.com/", "bravesearch", "organic"),
    ] {
        assert_eq!(source_and_medium(header), Some((source.to_owned(), medium)), "{header}");
    }
}

#[test]
fn a_return_from_paying_or_signing_in_says_nothing() {
    use ReferrerExclusion::{Identity, Payment};
    for (header, why) in [
        ("https://checkout.stripe.com/c/pay/cs_live_1", Payment),
        ("https://hooks.stripe.com/", Payment),
        ("https://www.paypal.com/checkoutnow", Payment),
        ("https://www.paypal.de/", Payment),
        ("https://pay.klarna.com/eu", Payment),
        ("https://live.adyen.com/", Payment),
        ("https://www.mollie.com/checkout", Payment),
        ("https://api.razorpay.com/v1", Payment),
        ("https://pay.amazon.co.uk/", Payment),
        ("https://pay.google.com/", Payment),
        ("https://secure5.arcot.com/acspage/cap", Payment),
        ("https://centinelapi.cardinalcommerce.com/V2/Cruise/StepUp", Payment),
        ("https://ideal.ing.nl/", Payment),
        ("https://accounts.google.com/", Identity),
        ("https://accounts.google.co.uk/", Identity),
        ("https://accounts.youtube.com/", Identity),
        ("https://appleid.apple.com/", Identity),
        ("https://login.microsoftonline.com/common/oauth2", Identity),
        ("https://login.live.com/", Identity),
        ("https://github.com/login/oauth/authorize", Identity),
        ("https://gitlab.com/users/sign_in", Identity),
        ("https://acme.eu.auth0.com/u/login", Identity),
        ("https://acme.okta.com/", Identity),
        ("https://www.facebook.com/login.php", Identity),
        ("https://www.facebook.com/dialog/oauth", Identity),
        ("https://api.twitter.com/oauth/authenticate", Identity),
        ("https://www.linkedin.com/oauth/v2/authorization", Identity),
        ("https://discord.com/oauth2/authorize", Identity),
        ("https://id.twitch.tv/oauth2", Identity),
        ("https://slack.com/openid/connect/authorize", Identity),
        ("https://www.amazon.com/ap/oa", Identity),
    ] {
        assert_eq!(from(header), ReferrerOrigin::Ignored(why), "{header}");
    }
    for header in
        ["https://www.facebook.com/", "https://github.com/logins", "https://notstripe.com/", "https://apple.com/"]
    {
        assert!(matches!(from(header), ReferrerOrigin::From { .. }), "{header}");
    }
}

#[test]
fn referrer_spam_says_nothing() {
    for header in [
        "http://semalt.semalt.com/crawler.php",
        "https://www.darodar.com/",
        "http://buttons-for-website.com",
        "https://www-darodar-com.translate.goog/",
    ] {
        assert_eq!(from(header), ReferrerOrigin::Ignored(ReferrerExclusion::Spam), "{header}");
    }
    assert!(matches!(from("https://semalt.example/"), ReferrerOrigin::From { .. }));
}

#[test]
fn the_owner_names_further_ones() {
    let ignored = IgnoredReferrers::parse(" Pay.Example.com, www.shop.example/return ,,bücher.example").expect("hosts");
    let why = |header: &str| match origin(&Referrer::parse(header).expect(header), &ignored) {
        ReferrerOrigin::Ignored(why) => Some(why),
        ReferrerOrigin::From { .. } => None,
    };
    for header in [
        "https://pay.example.com/",
        "https://eu.pay.example.com/x",
        "https://shop.example/return",
        "https://www.shop.example/return/ok",
        "https://bücher.example/",
        "https://pay-example-com.translate.goog/x",
    ] {
        assert_eq!(why(header), Some(ReferrerExclusion::Configured), "{header}");
    }
    for header in
        ["https://example.com/", "https://notpay.example.com/", "https://shop.example/", "https://shop.example/returns"]
    {
        assert_eq!(why(header), None, "{header}");
    }
    assert_eq!(IgnoredReferrers::parse(""), Ok(IgnoredReferrers::default()));
}

#[test]
fn a_wrong_setting_is_told_whole() {
    for wrong in
        ["https://a.example", "a.example:443", "a.example/?x", "*.example", "a b.example", "/path", "user@a.example"]
    {
        let told = IgnoredReferrers::parse(&format!("fine.example,{wrong}")).expect_err(wrong);
        assert!(told.contains(&format!("{wrong:?}")) && !told.contains("fine"), "{told}");
    }
    let told = IgnoredReferrers::parse("a:1,b:2").expect_err("both");
    assert!(told.contains("a:1") && told.contains("b:2"), "{told}");
}
