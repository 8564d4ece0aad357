use std::collections::{HashMap, HashSet};

use super::*;

fn name_of(source: &str) -> Option<(&'static str, bool)> {
    resolve(source).map(|source| (source.platform.name, source.ads))
}

#[test]
fn names_and_hosts_belong_to_one_platform_and_are_in_the_form_that_is_compared() {
    let mut seen = HashSet::new();
    for platform in PLATFORMS {
        let names = platform.aliases.split_ascii_whitespace().chain([platform.name]);
        for name in names {
            assert_eq!(name, fold(name).to_lowercase(), "{}", platform.name);
            assert!(seen.insert(("name", name)), "{name} twice");
        }
        for pattern in platform.hosts.split_ascii_whitespace() {
            assert_eq!(pattern, pattern.to_lowercase(), "{}", platform.name);
            assert!(seen.insert(("host", pattern)), "{pattern} twice");
            let example = pattern.trim_start_matches('.').replace('*', "com");
            assert_eq!(name_of(&example), Some((platform.name, false)), "{pattern}");
        }
        assert_eq!(name_of(platform.name), Some((platform.name, false)));
    }
}

#[test]
fn ad_names_lead_to_a_platform_and_are_not_one() {
    for (alias, platform) in AD_NAMES {
        assert_eq!(name_of(alias), Some((*platform, true)));
    }
}

#[test]
fn each_kind_knows_a_few_dozen() {
    let mut count = HashMap::new();
    for platform in PLATFORMS {
        *count.entry(platform.kind).or_insert(0) += 1;
    }
    for kind in [Search, Social, Video, Shopping, Ai] {
        assert!(count[&kind] >= 24, "{kind:?}: {}", count[&kind]);
    }
}

#[test]
fn sources_are_read_as_people_and_referrers_write_them() {
    for (source, expected) in [
        ("google", Some(("google", false))),
        ("www.google.co.uk", Some(("google", false))),
        ("https://www.google.com/search?q=a", Some(("google", false))),
        ("android-app://com.google.android.googlequicksearchbox/", Some(("google", false))),
        ("duckduckgo.com.", Some(("duckduckgo", false))),
        ("duckduckgo.com:443", Some(("duckduckgo", false))),
        ("hacker news", Some(("hackernews", false))),
        ("m.me", Some(("messenger", false))),
        ("m.search.naver.com", Some(("naver", false))),
        ("de.pinterest.com", Some(("pinterest", false))),
        ("pinterest.com.au", Some(("pinterest", false))),
        ("google.cat", Some(("google", false))),
        ("google.ad", Some(("google", false))), // Andorra's
        ("fb-ads", Some(("facebook", true))),
        ("google_ads", Some(("google", true))),
        ("facebook.com-ads", Some(("facebook", true))),
        ("fb.ads", Some(("facebook", true))),
        ("ads", None),
        ("ad", None),
        ("", None),
        ("*", None),
        (".", None),
        ("www.", None),
        ("google.com.evil.com", None),
        ("google.evil.io", None),
        ("google.xyz", None),
        ("googlex.com", None),
        ("evil-google.com", None),
        ("notreddit.com", None),
        ("mail.google.com", None),
        ("élan", None),
        ("target", None),
    ] {
        assert_eq!(name_of(source), expected, "{source:?}");
    }
}
