//! Links, with what completes them.

use proptest::prelude::*;

use super::*;
use crate::attribution::signal::{click_ids::CLICK_IDS, custom_tags::CustomTags, parse};

fn completed(query: &str, referrer: &str) -> (Signals, ToldBy) {
    let tags = CustomTags::parse("partner", &[]).expect("a name");
    let mut signals = parse(query, &tags);
    let told_by = complete(&mut signals, Referrer::parse(referrer).as_ref(), &IgnoredReferrers::default());
    (signals, told_by)
}

const SEARCH: &str = "https://www.google.com/";
const YOUTUBE: &str = "https://www.youtube.com/";
const FRAME: &str = "https://googleads.g.doubleclick.net/";
const CHECKOUT: &str = "https://checkout.stripe.com/";
const BLOG: &str = "https://blog.example/post";

/// Query, referrer, source, medium; `-` stands for none. An asterisk marks what is derived.
const CASES: &[(&str, &str, &str, &str)] = &[
    // Nothing in the link: all comes from the click id or the referrer.
    ("gclid=x", "", "google*", "cpc*"),
    ("gclid=x", BLOG, "google*", "cpc*"),
    ("gclid=x", CHECKOUT, "google*", "cpc*"),
    ("gclid=x&utm_campaign=spring", "", "google*", "cpc*"),
    ("fbclid=x", SEARCH, "facebook*", "social*"),
    ("fbclid=x&ttclid=y", "", "facebook*", "social*"),
    ("gad_source=1", SEARCH, "google*", "cpc*"),
    ("gad_source=1", "", "-", "-"),
    ("", SEARCH, "google*", "organic*"),
    ("page=2&srsltid=x", SEARCH, "google*", "organic*"),
    ("", CHECKOUT, "-", "-"),
    ("", "no address", "-", "-"),
    // The link names its source: the medium comes from an id of paid clicks.
    ("utm_source=youtube&utm_campaign=launch&gclid=x", "", "youtube", "cpc*"),
    ("utm_source=tiktok&ttclid=x", "", "tiktok", "paid_social*"),
    ("utm_source=newsletter&msclkid=x", "", "newsletter", "cpc*"),
    ("utm_source=partner&irclickid=x", "", "partner", "affiliate*"),
    ("utm_source=google&dclid=x", "", "google", "display*"),
    ("utm_source=facebook&fbclid=x", "", "facebook", "-"),
    ("utm_source=instagram&igshid=x", "", "instagram", "-"),
    ("utm_source=google&srsltid=x", SEARCH, "google", "-"),
    ("utm_source=tiktok&fbclid=x&ttclid=y", "", "tiktok", "paid_social*"),
    ("utm_source=google&gad_source=1", SEARCH, "google", "cpc*"),
    ("utm_source=news", SEARCH, "news", "-"),
    ("utm_source=stripe", CHECKOUT, "stripe", "-"),
    // The link names its medium: the source comes from a click id, else from the referrer.
    ("utm_medium=cpc&gclid=x", "", "google*", "cpc"),
    ("utm_medium=email&gclid=x", BLOG, "google*", "email"),
    ("utm_medium=social&fbclid=x", "", "facebook*", "social"),
    ("utm_medium=cpc", YOUTUBE, "youtube*", "cpc"),
    ("utm_medium=cpc", "https://www.ebay.com/itm/1", "ebay*", "cpc"),
    ("utm_medium=paid", "https://t.co/abc", "twitter*", "paid"),
    ("utm_medium=newsletter", "https://mail.google.com/", "gmail*", "newsletter"),
    ("utm_medium=banner", BLOG, "blog.example*", "banner"),
    ("utm_medium=cpc", CHECKOUT, "-", "cpc"),
    ("utm_medium=cpc", "", "-", "cpc"),
    // The link names neither, and says something else: the referrer gives the source only.
    ("utm_campaign=spring", SEARCH, "google*", "-"),
    ("utm_content=footer", BLOG, "blog.example*", "-"),
    ("partner=acme", "https://www.reddit.com/r/rust", "reddit*", "-"),
    ("utm_campaign=spring", CHECKOUT, "-", "-"),
    // The link names both.
    ("utm_source=linkedin&utm_medium=social&li_fat_id=x", "", "linkedin", "social"),
    ("utm_source=google&utm_medium=organic&gclid=x", YOUTUBE, "google", "organic"),
    // The referrer refines Google's ids.
    ("gclid=x", YOUTUBE, "youtube*", "cpc*"),
    ("utm_medium=cpc&gclid=x", YOUTUBE, "youtube*", "cpc"),
    ("utm_medium=cpc&wbraid=x", "android-app://com.google.android.youtube/", "youtube*", "cpc"),
    ("gbraid=x", FRAME, "google*", "display*"),
    ("utm_source=google&gclid=x", FRAME, "google", "display*"),
    ("utm_source=google&utm_medium=cpc&gclid=x", FRAME, "google", "cpc"),
    ("utm_source=bing&msclkid=x", FRAME, "bing", "cpc*"),
];

#[test]
fn a_link_is_completed_from_its_own_request() {
    for (query, referrer, source, medium) in CASES {
        let (signals, _) = completed(query, referrer);
        let plain = |field: &str| (field != "-").then(|| field.trim_end_matches('*').to_owned());
        assert_eq!((signals.utm.source, signals.utm.medium), (plain(source), plain(medium)), "{query} from {referrer}");
        assert_eq!(signals.derived, source.ends_with('*') || medium.ends_with('*'), "{query} from {referrer}");
    }
}

#[test]
fn what_told_is_the_link_before_the_referrer() {
    for (query, referrer, expected) in [
        ("utm_campaign=a", SEARCH, ToldBy::Link),
        ("utm_medium=cpc", CHECKOUT, ToldBy::Link),
        ("fbclid=a", CHECKOUT, ToldBy::Link),
        ("gad_source=1", SEARCH, ToldBy::Link),
        ("partner=a", "", ToldBy::Link),
        ("srsltid=a", SEARCH, ToldBy::Referrer),
        ("", BLOG, ToldBy::Referrer),
        ("mc_cid=1", CHECKOUT, ToldBy::IgnoredReferrer(ReferrerExclusion::Payment)),
        ("srsltid=a", "", ToldBy::Nothing),
    ] {
        assert_eq!(completed(query, referrer).1, expected, "{query} from {referrer}");
    }
}

#[test]
fn the_owners_ignored_referrers_complete_nothing() {
    let ignored = IgnoredReferrers::parse("youtube.com").expect("a host");
    let mut signals = parse("utm_medium=cpc", &CustomTags::default());
    let told_by = complete(&mut signals, Referrer::parse(YOUTUBE).as_ref(), &ignored);
    assert_eq!((told_by, signals.utm.source, signals.derived), (ToldBy::Link, None, false));
}

fn a_link() -> impl Strategy<Value = String> {
    let field = |name: &'static str, values: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(values)).prop_map(move |value| {
            let value = value?;
            Some(format!("{name}={value}"))
        })
    };
    let ids =
        proptest::sample::subsequence(CLICK_IDS.iter().map(|id| format!("{}=1", id.name)).collect::<Vec<_>>(), 0..4);
    let source = field("utm_source", &["google", "youtube", "tiktok", "facebook", "bing", "news"]);
    let medium = field("utm_medium", &["cpc", "social", "email", "display", "paid_social", "organic"]);
    let campaign = field("utm_campaign", &["spring"]);
    (source, medium, campaign, ids).prop_map(|(source, medium, campaign, ids)| {
        source.into_iter().chain(medium).chain(campaign).chain(ids).collect::<Vec<_>>().join("&")
    })
}

fn a_page() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["", SEARCH, YOUTUBE, FRAME, CHECKOUT, BLOG, "https://www.facebook.com/"][..])
}

proptest! {
    #[test]
    fn what_the_link_names_is_never_replaced(link in a_link(), page in a_page()) {
        let named = parse(&link, &CustomTags::default());
        let (completed, _) = completed(&link, page);
        for (before, after) in named.utm.values().into_iter().zip(completed.utm.values()) {
            prop_assert!(before.is_none() || before == after);
        }
        let added = named.utm != completed.utm;
        prop_assert_eq!(added, completed.derived);
        prop_assert_eq!((named.click_ids, named.tags), (completed.click_ids, completed.tags));
    }

    #[test]
    fn completing_again_changes_nothing(link in a_link(), page in a_page()) {
        let (first, told_by) = completed(&link, page);
        let page = Referrer::parse(page);
        let mut again = first.clone();
        complete(&mut again, page.as_ref(), &IgnoredReferrers::default());
        prop_assert_eq!(&again, &first);
        undo(&mut again, page.as_ref(), told_by == ToldBy::Referrer);
        prop_assert!(!again.derived);
        complete(&mut again, page.as_ref(), &IgnoredReferrers::default());
        prop_assert_eq!(again, first);
    }
}
