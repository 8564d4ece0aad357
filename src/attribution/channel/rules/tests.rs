use super::*;

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap_or_else(|mistakes| panic!("{}", mistakes.join("\n")))
}

fn rule(conditions: &str) -> Rules {
    rules(&format!("[[rule]]\nname = \"mine\"\nchannel = \"Affiliates\"\n{conditions}"))
}

/// Returns whether a rule with these conditions decides about that touch.
fn decides(conditions: &str, facts: &Facts<'_>) -> bool {
    rule(conditions).classify(facts).rule == "mine"
}

const TOUCH: Facts<'static> = Facts {
    source: Some("fb"),
    medium: Some("cpc"),
    campaign: Some("Spring-2026"),
    term: Some("Running Shoes"),
    content: Some("hero"),
    referrer: Some("l.facebook.com/l.php"),
    landing_path: Some("/Pricing/teams"),
    click_ids: &["ScCid", "fbclid"],
    gad_source_is_1: false,
};

#[test]
fn a_condition_looks_at_its_field_in_any_case() {
    for conditions in [
        "source = 'fb'",
        "source = 'facebook'",
        "medium = 'CPC'",
        "campaign = 'spring-2026'",
        "campaign = 'spring-*'",
        "campaign = '*2026'",
        "campaign = 's*-*6'",
        "campaign = ['autumn', 'spring*']",
        "term = 'running shoes'",
        "content = '*'",
        "referrer = 'facebook.com'",
        "referrer = 'www.facebook.com'",
        "referrer = 'l.facebook.com/l.php'",
        "referrer = 'l.*.com/*.php'",
        "referrer = '*.facebook.com'",
        "landing_path = '/pricing/*'",
        "landing_path = '*/teams'",
        "click_id = 'sccid'",
        "click_id = ['gclid', 'FBCLID']",
    ] {
        assert!(decides(conditions, &TOUCH), "{conditions}");
    }
    for conditions in [
        "source = 'book'",
        "medium = 'cp'",
        "campaign = '2026'",
        "campaign = 'spring-*-2026'",
        "term = 'running'",
        "referrer = 'book.com'",
        "referrer = 'business.facebook.com'",
        "referrer = 'facebook.com/blog'",
        "referrer = 'facebook.*'",
        "landing_path = '/pricing'",
        "click_id = 'gclid'",
    ] {
        assert!(!decides(conditions, &TOUCH), "{conditions}");
    }
}

#[test]
fn all_conditions_must_hold_and_nothing_is_no_value() {
    assert!(decides("source = 'fb'\nmedium = 'cpc'", &TOUCH));
    assert!(!decides("source = 'fb'\nmedium = 'email'", &TOUCH));
    for field in RuleField::ALL {
        assert!(decides(&format!("{} = '*'", field.as_str()), &TOUCH), "{field:?}");
        assert!(!decides(&format!("{} = '*'", field.as_str()), &Facts::default()), "{field:?}");
    }
}

#[test]
fn a_referrer_is_a_host_and_what_is_below_it() {
    let from = |referrer, pattern: &str| {
        decides(&format!("referrer = '{pattern}'"), &Facts { referrer: Some(referrer), ..Facts::default() })
    };
    assert!(from("blog.example.com/", "example.com") && from("example.com/", "example.com"));
    assert!(!from("notexample.com/", "example.com") && !from("example.com.evil.io/", "example.com"));
    assert!(from("example.com/blog", "example.com/blog") && from("example.com/blog/1", "example.com/blog/"));
    assert!(!from("example.com/blogs", "example.com/blog") && from("example.com/blogs", "example.com/blog*"));
    assert!(
        from("example.com/", "*") && from("a.example.com/", "*.example.com") && !from("example.com/", "*.example.com")
    );
}

#[test]
fn the_first_of_the_owners_rules_decides_then_the_built_in() {
    let rules = rules(
        "[[rule]]\nname = 'b'\nchannel = 'affiliates'\nsource = 'x*'\n[[rule]]\nname = 'a'\nchannel = 'Email'\nsource = '*'\nmedium='m'",
    );
    let of = |source, medium| {
        let Classified { channel, rule } =
            rules.classify(&Facts { source: Some(source), medium: Some(medium), ..Facts::default() });
        (channel, rule.to_owned())
    };
    assert_eq!(of("xy", "m"), (Channel::Affiliates, "b".to_owned()));
    assert_eq!(of("y", "m"), (Channel::Email, "a".to_owned()));
    assert_eq!(of("google", "cpc"), (Channel::PaidSearch, "paid_search_source".to_owned()));
    let listed: Vec<_> = rules.list().map(|rule| (rule.name, rule.custom, rule.about.into_owned())).collect();
    assert_eq!(listed[0], ("b", true, "source is x*".to_owned()));
    assert_eq!(listed[1], ("a", true, "medium is m, and source is *".to_owned()));
    assert_eq!(listed.len(), 2 + RULES.len());
    assert!(!listed[2].1);
}

#[test]
fn the_version_tells_rules_apart_that_may_answer_otherwise() {
    assert_eq!(Rules::default().version(), RULES_VERSION.to_string());
    assert_eq!(rules("# nothing\n").version(), RULES_VERSION.to_string());
    let one = rule("source = 'a'");
    let (built_in, digest) = one.version().split_once('+').expect("a digest");
    assert_eq!(built_in, RULES_VERSION.to_string());
    assert!(digest.len() == 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    for same in ["# why\nsource = ['A']", "source = \"a\""] {
        assert_eq!(rule(same).version(), one.version(), "{same}");
    }
    let two = "source = 'a'\nmedium = 'b'";
    assert_eq!(rule(two).version(), rule("medium = 'b'\nsource = 'a'").version());
    for other in ["source = 'b'", "source = ['a', 'b']", "medium = 'a'", "source = 'a'\nmedium = 'a'", "source = 'a*'"]
    {
        assert_ne!(rule(other).version(), one.version(), "{other}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_with_their_rule() {
    let mistakes = Rules::parse(
        r#"
        version = 1
        [[rule]]
        name = "partners"
        channel = "Affiliate"
        sorce = "partner-*"
        medium = 3
        [[rule]]
        channel = "Email"
        campaign = ["news", 4, ""]
        [[rule]]
        name = "partners"
        channel = "Referral"
        [[rule]]
        name = "display"
        source = []
        click_id = "glcid"
        referrer = "https://example.com"
        landing_path = "pricing"
        "#,
    )
    .expect_err("much is wrong");
    let expected = [
        "\"version\" cannot stand outside a rule",
        "rule 1 (\"partners\") has the unknown channel \"Affiliate\"",
        "rule 1 (\"partners\") has 3 as medium",
        "rule 1 (\"partners\") has the unknown key \"sorce\"",
        "rule 2 has no name",
        "rule 2 has 4 as campaign",
        "rule 2 has an empty text as campaign",
        "rule 3 (\"partners\") has the name of a rule before it",
        "rule 3 (\"partners\") has no condition",
        "rule 4 (\"display\") has the name of a built-in rule",
        "rule 4 (\"display\") has no channel",
        "rule 4 (\"display\") has \"glcid\" as click_id",
        "rule 4 (\"display\") has \"pricing\" as landing_path",
        "rule 4 (\"display\") has \"https://example.com\" as referrer",
        "rule 4 (\"display\") has an empty list as source",
    ];
    assert_eq!(mistakes.len(), expected.len(), "\n{}", mistakes.join("\n"));
    for (mistake, expected) in mistakes.iter().zip(expected) {
        assert!(mistake.starts_with(expected), "{mistake:?} does not begin with {expected:?}");
        assert!(!mistake.contains('\n'));
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let told = Rules::parse("[[rule]]\nname = a b\n").expect_err("no TOML");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("line 2") && !told[0].contains('\n'), "{told:?}");
    for wrong in ["rule = 1", "[rule]\nname = 'a'", "rule = [1]"] {
        assert!(Rules::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_example_is_read() {
    let example = include_str!("../../../../docs/attribution-rules.example.toml");
    assert!(rules(example).list().filter(|rule| rule.custom).count() >= 5);
    let words = example.replace("\n# ", " ");
    assert!(words.contains(&Channel::ALL.map(Channel::as_str).join(", ")), "the example lists all channels");
}
