//! Tests of the parser of query strings.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

fn parsed(query: &str) -> Signals {
    let tags = CustomTags::parse("Partner,coupon,my tag", &[]).expect("these names are free");
    parse(query, &tags)
}

fn utm(source: &str, medium: &str) -> Utm {
    let some = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    Utm { source: some(source), medium: some(medium), ..Utm::default() }
}

#[test]
fn each_field_has_its_parameter() {
    let signals = parsed(
        "utm_source=1&utm_medium=2&utm_campaign=3&utm_term=4&utm_content=5&utm_id=6&utm_source_platform=7\
         &utm_creative_format=8&utm_marketing_tactic=9&utm_other=10&utm_=11",
    );
    let field = |value: &str| Some(value.to_owned());
    let expected = Utm {
        source: field("1"),
        medium: field("2"),
        campaign: field("3"),
        term: field("4"),
        content: field("5"),
        id: field("6"),
        source_platform: field("7"),
        creative_format: field("8"),
        marketing_tactic: field("9"),
    };
    assert_eq!(signals, Signals { utm: expected, ..Signals::default() });
}

#[test]
fn names_are_found_however_a_link_was_mangled() {
    let queries = [
        "utm_source=google&utm_medium=cpc",
        "UTM_Source=Google&Utm_MEDIUM=CPC",
        "utm%5Fsource=google&%75tm_medium=cpc",
        "a=1&amp;utm_source=google&amp;amp;utm_medium=cpc",
        "a=1&amp%3Butm_source=google&AMP;amp%3butm_medium=cpc",
        "a=1&%23038;utm_source=google&%2338;utm_medium=cpc",
        "&#x26;utm_source=google&#X26;amp;#038;utm_medium=cpc",
        // the beginning of a fragment, which such an escape cut off
        "a=1&&038;utm_source=google&#038;utm_medium=cpc",
        "38;utm_source=google&amp%3B%23038%3Butm_medium=cpc",
        "x26;utm_source=google?utm_medium=cpc",
        "a=1?utm_source=google&utm_medium=cpc",
        "?utm_source=google?utm_medium=cpc",
        "&&utm_source=google&=x&utm_medium=cpc&",
        "utm_source[]=x&utm_source=google&utm_medium%5B%5D=x&utm_medium=cpc",
    ];
    for query in queries {
        assert_eq!(parsed(query).utm, utm("google", "cpc"), "{query}");
    }
    for query in
        ["utm_source[]=x", "utm_source[0]=x", "xutm_source=x", "utm_sourc%65x=x", "amp=utm_source", "#39;utm_source=x"]
    {
        assert_eq!(parsed(query), Signals::default(), "{query}");
    }
}

#[test]
fn values_are_form_decoded_and_cleaned() {
    let cases = [
        ("Spring+Sale%20%26+More", "spring sale & more"),
        ("a%00b", "ab"),
        ("a%FFb", "a\u{fffd}b"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("a=b", "a=b"),
        ("%0D%0A%09x", "x"),
    ];
    for (value, expected) in cases {
        assert_eq!(parsed(&format!("utm_source={value}")).utm, utm(expected, ""), "{value}");
    }
}

#[test]
fn the_last_value_that_says_something_wins() {
    assert_eq!(parsed("utm_source=a&utm_source=b&utm_source=&utm_source=%00+").utm, utm("b", ""));
    assert_eq!(parsed("gclid=a&gclid=b&gclid=").click_ids, BTreeMap::from([("gclid", "b".to_owned())]));
}

#[test]
fn a_placeholder_is_no_value_and_is_counted_by_its_name() {
    let signals = parsed(
        "utm_source=(not%20set)&UTM_Medium=(none)&utm_campaign={{campaign.name}}&gclid={gclid}&PARTNER=undefined",
    );
    let names = ["Partner", "gclid", "utm_campaign", "utm_medium", "utm_source"].map(Cow::Borrowed);
    let dropped = Dropped { placeholders: BTreeSet::from(names), ..Dropped::default() };
    assert_eq!(signals, Signals { dropped, ..Signals::default() });
    assert!(signals.is_empty());

    let placeholders = |query: &str| parsed(query).dropped.placeholders.into_iter().collect::<Vec<_>>().join(" ");
    for (query, names) in [
        ("utm_campaign=%%CAMPAIGN%%", "utm_campaign"),
        ("utm_campaign=%25%25CAMPAIGN%25%25", "utm_campaign"),
        ("utm_campaign=%257B%257Bcampaign.name%257D%257D", "utm_campaign"),
        ("utm_term=%7Bkeyword%7D&utm_content=__CID__", "utm_content utm_term"),
        ("ttclid=__CLICKID__&fbclid=%7B%7Bfbclid%7D%7D", "fbclid ttclid"),
        ("gclid=%%GCLID%%&dclid=%25eaid!", "gclid"),
        ("coupon=*%7CCOUPON%7C*&my+tag=%5B%5Btag%5D%5D", "coupon my tag"),
        ("utm_source=none&utm_medium=spring-{{ad.id}}&gclid=null-1", ""),
        ("other={{x}}&mc_eid=undefined", ""),
        ("utm_source=null&utm_source=null", "utm_source"),
    ] {
        assert_eq!(placeholders(query), names, "{query}");
    }
    // A placeholder does not replace a value.
    assert_eq!(parsed("utm_source=news&utm_source={{source}}").utm, utm("news", ""));
    assert_eq!(parsed("partner=a&partner=null").tags["Partner"], ["a"]);
}

#[test]
fn a_utm_value_that_was_encoded_twice_is_decoded_again() {
    for (value, expected) in [
        ("spring%2520sale", "spring sale"),
        ("spring%252520sale", "spring sale"),
        ("spring%252Bsale", "spring+sale"),
        ("caf%25C3%25A9", "café"),
        ("50%25+off", "50% off"),
        ("caf%25E9", "caf%e9"),
        ("a%2500b", "a%00b"),
    ] {
        assert_eq!(parsed(&format!("utm_source={value}")).utm, utm(expected, ""), "{value}");
    }
    let signals = parsed("gclid=a%2520b&partner=a%2520b");
    assert_eq!((&*signals.click_ids["gclid"], &*signals.tags["Partner"][0]), ("a%20b", "a%20b"));
}

#[test]
fn an_id_is_kept_byte_for_byte_or_not_at_all() {
    let signals = parsed("sccid=A+b%2B%20%2b%C3%A9%25+&epik=%FF&yclid=a%00b&qclid=a%0Ab");
    assert_eq!(signals.click_ids, BTreeMap::from([("ScCid", "A+b+ +é%+".to_owned())]));
    assert_eq!(signals.dropped, Dropped { ids: 3, ..Dropped::default() });
    assert_eq!(parsed(&format!("gclid={}", "a".repeat(2048))).click_ids["gclid"].len(), 2048);
    let long = parsed(&format!("gclid={}", "a".repeat(2049)));
    assert!(long.is_empty() && long.dropped.ids == 1);
}

#[test]
fn tags_keep_case_and_every_value() {
    let signals = parsed("partner=B+1&PARTNER=&partner=a&partner%5B%5D=c&my+tag=x&coupon=%00&Partner=B+1");
    let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
    let expected = [("Partner".to_owned(), values(&["B 1", "a", "B 1"])), ("my tag".to_owned(), values(&["x"]))];
    assert_eq!(signals.tags, BTreeMap::from(expected));
}

#[test]
fn what_makes_a_signal() {
    for query in ["utm_id=1", "utm_source=a", "fbclid=1", "coupon=x"] {
        assert!(!parsed(query).is_empty(), "{query}");
    }
    for query in ["", "a=b", "utm_source=", "gclid=", "srsltid=1", "gad_source=1", "mc_eid=1&_kx=2&mkt_tok=3"] {
        assert!(parsed(query).is_empty(), "{query}");
    }
    assert_eq!(parsed("srsltid=x").click_ids["srsltid"], "x");
    assert_eq!(parsed("MC_EID=1&mkt_tok=2"), Signals::default());
}

#[test]
fn beyond_a_cap_nothing_is_read_and_nothing_is_halved() {
    let signals = parsed(&format!("{}utm_source=in&utm_medium=out&gclid=out", "a&".repeat(99)));
    assert_eq!(signals.utm, utm("in", ""));
    assert_eq!(signals.dropped, Dropped { pairs: 2, ..Dropped::default() });

    let whole = format!("utm_source=in&a={}&gclid=abc", "x".repeat(MAX_QUERY_BYTES - 26));
    assert_eq!(whole.len(), MAX_QUERY_BYTES);
    assert_eq!(parsed(&whole).click_ids["gclid"], "abc");
    assert_eq!(parsed(&format!("{whole}&utm_medium=out")).click_ids["gclid"], "abc");
    let cut = parsed(&format!("{whole}d"));
    assert_eq!((cut.utm, cut.click_ids.len(), cut.dropped.cut), (utm("in", ""), 0, true));
    assert!(parsed(&format!("utm_source={}", "x".repeat(60 * 1024))).is_empty());
}

proptest! {
    #[test]
    fn any_query_is_read_without_panic(query in any::<String>(), bytes in any::<Vec<u8>>()) {
        let bytes: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        for value in [query, bytes] {
            parsed(&value);
            let signals = parsed(&format!("utm_source={value}&GCLID={value}&partner={value}&{value}=1"));
            let tags = signals.tags.values().flatten();
            for text in tags.chain(&signals.utm.source).chain(signals.click_ids.values()) {
                prop_assert!(!text.is_empty() && !text.contains(char::is_control));
            }
        }
    }

    #[test]
    fn ids_are_byte_exact(index in 0..click_ids::CLICK_IDS.len(), id in "\\PC{1,2048}") {
        let name = click_ids::CLICK_IDS[index].name;
        let signals = parsed(&format!("{name}={}", utf8_percent_encode(&id, NON_ALPHANUMERIC)));
        let expected = (id.len() <= MAX_ID_BYTES).then_some(&id);
        prop_assert_eq!(signals.click_ids.get(name), expected);
    }

    #[test]
    fn neither_order_nor_case_of_names_matters(
        values in proptest::collection::vec(proptest::option::of("[a-zA-Z%0-9+;={}_\\[\\]|*$() ]{0,12}"), NAMES.len()),
        shuffled in Just((0..NAMES.len()).collect::<Vec<_>>()).prop_shuffle(),
        upper in any::<u64>(),
    ) {
        let mixed = |name: &str| -> String {
            let case = |(at, character): (usize, char)| match upper >> at & 1 {
                1 => character.to_ascii_uppercase(),
                _ => character.to_ascii_lowercase(),
            };
            name.chars().enumerate().map(case).collect()
        };
        let pair = |name: &str, at: usize| values[at].as_ref().map(|value| format!("{name}={value}"));
        let plain: Vec<_> = NAMES.iter().enumerate().filter_map(|(at, name)| pair(name, at)).collect();
        let other: Vec<_> = shuffled.into_iter().filter_map(|at| pair(&mixed(NAMES[at]), at)).collect();
        prop_assert_eq!(parsed(&plain.join("&")), parsed(&other.join("&")));
    }

    #[test]
    fn what_was_read_reads_the_same_again(values in proptest::collection::vec("[a-cA-C%0-9+{}_é\u{200b} ]{0,20}", NAMES.len())) {
        let link = |values: Vec<(&str, String)>| {
            form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish().replace('+', "%20")
        };
        let first = parsed(&link(NAMES.into_iter().zip(values).collect()));
        let utm = Utm::PARAMETERS.into_iter().zip(first.utm.values()).filter_map(|(name, value)| Some((name, value.clone()?)));
        let ids = first.click_ids.iter().map(|(name, id)| (*name, id.clone()));
        let tags = first.tags.iter().flat_map(|(name, values)| values.iter().map(move |value| (&**name, value.clone())));
        let again = parsed(&link(utm.chain(ids).chain(tags).collect()));
        prop_assert_eq!((first.utm, first.click_ids, first.tags), (again.utm, again.click_ids, again.tags));
        prop_assert_eq!(again.dropped, Dropped::default());
    }
}

/// Names of each kind, for the property tests.
const NAMES: [&str; 8] = ["utm_source", "utm_medium", "utm_campaign", "utm_id", "gclid", "ScCid", "partner", "other"];

#[test]
fn what_is_no_signal_stays_in_the_query_as_it_was() {
    let tags = CustomTags::parse("Partner", &[]).unwrap();
    for (query, rest) in [
        ("", ""),
        ("a=1&b=%20+c", "a=1&b=%20+c"),
        ("utm_source=x&a=1&GCLID=y&amp;utm_term=z&partner=p&b", "a=1&b"),
        ("utm_source=x", ""),
        ("a=utm_source&utm_other=1", "a=utm_source&utm_other=1"),
        ("a=1?utm_source=x&b?c", "a=1&b?c"),
        ("?utm_source=x&#038;gclid=y&d", "d"),
        ("%75tm_source=x&c=d", "c=d"),
    ] {
        assert_eq!(without_signals(query, &tags), rest, "{query}");
    }
}

#[test]
fn the_browser_tells_of_what_the_server_would_take() {
    let tags = CustomTags::parse("Partner,ref", &[]).unwrap();
    for query in [
        "",
        "a=b&c",
        "utm_source=x",
        "UTM_Campaign=x",
        "amp;utm_id=1",
        "038;utm_id=1&#038;a=b",
        "x?utm_term=y",
        "gclid=1",
        "srsltid=1",
        "mc_eid=1",
        "partner=acme",
        "partner[]=acme",
        "%75tm_source=x",
        "utm_source",
        "utm_source=",
        "utm_other=1",
        "utm_marketing_tactic=x",
    ] {
        assert_eq!(may_say_something(query, "Partner,ref"), !parse(query, &tags).is_empty(), "{query}");
    }
    assert!(!may_say_something("=x&a=1", ""), "no tags is no name");
}

#[test]
fn the_names_of_utm_fields_are_written_alike() {
    for name in [
        "source",
        "medium",
        "campaign",
        "term",
        "content",
        "id",
        "source_platform",
        "creative_format",
        "marketing_tactic",
        "x",
    ] {
        let name = format!("utm_{name}");
        assert_eq!(is_utm(name.as_bytes()), Utm::default().field(name.as_bytes()).is_some(), "{name}");
    }
}
