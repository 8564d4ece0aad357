use super::*;

fn from(header: &str) -> ReferrerOrigin {
    origin(&Referrer::parse(header).expect(header), &IgnoredReferrers::default())
}

fn source_and_medium(header: &str) -> Option<(String, &'static str)> {
    match from(header) {
        ReferrerOrigin::Ignored(_) => None,
        ReferrerOrigin::From { source, medium, .. } => Some((source, medium)),
    }
}

#[test]
fn the_list_of_ignored_referrers_is_sound() {
    assert!(IGNORED.1.is_empty(), "\n{}", IGNORED.1.join("\n"));
    let data = include_str!("../data/ignored.tsv");
    assert!(data.starts_with('#') && !data.contains('\r'));
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
        ("https://github.com/leptos-rs/leptos", "github.com", "referral"),
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
    for header in ["http://semalt.semalt.com/crawler.php", "https://www.darodar.com/", "http://buttons-for-website.com"]
    {
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
