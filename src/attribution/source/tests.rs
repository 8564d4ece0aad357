use super::*;

fn name_of(source: &str) -> Option<(&'static str, bool)> {
    resolve(source).map(|source| (source.platform.name, source.ads))
}

#[test]
fn the_data_files_are_sound_and_name_each_platform_and_host_once() {
    let (index, mistakes) = PlatformIndex::read();
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
    assert!(index.names.len() > 400);
}

#[test]
fn each_file_says_what_it_is_and_what_it_follows() {
    for kind in PlatformKind::ALL {
        let head: Vec<_> = kind.data().lines().take_while(|line| line.starts_with('#')).collect();
        assert!(
            head.len() > 6
                && ["Follows:", "Licence:", "Date:"].iter().all(|what| head.iter().any(|line| line.contains(what))),
            "{kind:?}"
        );
        assert!(!kind.data().contains(['\r', '\u{feff}']), "{kind:?}");
    }
}

#[test]
fn each_platform_is_found_by_each_of_its_names_and_hosts() {
    for kind in PlatformKind::ALL {
        for row in rows(kind.data()) {
            let [name, aliases, hosts] = row.expect("three fields");
            let expected = Some((name, false));
            for name in [name].into_iter().chain(words(aliases)) {
                assert_eq!(name_of(name), expected, "{name}");
            }
            for pattern in words(hosts) {
                let host = pattern.trim_start_matches('.').replace('*', "com");
                for source in [host.clone(), format!("https://www.{host}/"), format!("android-app://{host}")] {
                    assert_eq!(name_of(&source), expected, "{pattern} as {source}");
                }
            }
        }
    }
}

#[test]
fn ad_names_lead_to_a_platform_and_are_not_one() {
    for (alias, platform) in AD_NAMES {
        assert_eq!(name_of(alias), Some((*platform, true)));
    }
}

#[test]
fn each_kind_knows_dozens() {
    for kind in PlatformKind::ALL {
        assert!(rows::<3>(kind.data()).count() >= 48, "{kind:?}");
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
        ("mail.google.com", Some(("gmail", false))),
        ("gemini.google.com", Some(("gemini", false))),
        ("an", Some(("facebook", false))), // Meta's {{site_source_name}}
        ("th", Some(("threads", false))),
        ("msg", Some(("messenger", false))),
        ("poe", Some(("poe.com", false))),
        ("yandex_direct", Some(("yandex", true))),
        ("yandex direct", Some(("yandex", true))),
        ("amazon-advertising", Some(("amazon", true))),
        ("snap-ads", Some(("snapchat", true))),
        ("advertising", None),
        ("https://www.bing.com/chat?q=a", Some(("copilot", false))),
        ("you.com", Some(("you.com", false))),
        ("bo-l.com", None), // bol.com is another site
        ("mail.ru", None),  // a portal, whose mail is on e.mail.ru
        ("bing.com/chats", Some(("bing", false))),
        ("https://www.google.de/shopping/product/1", Some(("googleshopping", false))),
        ("fb-ads", Some(("facebook", true))),
        ("google_ads", Some(("google", true))),
        ("facebook.com-ads", Some(("facebook", true))),
        ("fb.ads", Some(("facebook", true))),
        ("ads", None),
        ("ad", None),
        ("", None),
        ("*", None),
        ("-", None),
        (".", None),
        ("www.", None),
        ("google.com.evil.com", None),
        ("google.evil.io", None),
        ("google.xyz", None),
        ("googlex.com", None),
        ("evil-google.com", None),
        ("notreddit.com", None),
        ("docs.google.com", None),
        ("élan", None),
        ("target", None),
        ("shop", None),
        ("ask", None),
        ("tagged", None),
        ("monica", None),
        ("ted", None),
        ("brave", None),
        ("kick", None),
        ("teams", None),
        ("blogger", None),
        ("excite", None),
        ("snap", None),
        ("meetup", None),
    ] {
        assert_eq!(name_of(source), expected, "{source:?}");
    }
}
