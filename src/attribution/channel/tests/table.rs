//! Each line of `cases.tsv` goes the way of a landing: query, then referrer, then rules.

use std::collections::HashSet;

use super::*;
use crate::attribution::{
    signal::{custom_tags::CustomTags, parse, referrer::Referrer},
    source::from_referrer::{IgnoredReferrers, fill_from_referrer},
    tsv,
};

struct ArrivalCase {
    referrer: &'static str,
    query: &'static str,
    expected: Channel,
    source: &'static str,
}

fn cases() -> Vec<ArrivalCase> {
    let case = |row: Result<[&'static str; 4], String>| {
        let [referrer, query, expected, source] = row.unwrap_or_else(|mistake| panic!("{mistake}"));
        let given = |field| if field == "-" { "" } else { field };
        let expected = Channel::from_word(expected).unwrap_or_else(|| panic!("{expected:?} is not a channel"));
        ArrivalCase { referrer: given(referrer), query: given(query), expected, source }
    };
    tsv::rows(include_str!("cases.tsv")).map(case).collect()
}

fn channel_of(header: &str, query: &str) -> Classified<'static> {
    let referrer = Referrer::parse(header);
    let mut signals = parse(query, referrer.as_ref(), &CustomTags::default());
    fill_from_referrer(&mut signals, referrer.as_ref(), &IgnoredReferrers::default());
    let click_ids: Vec<&str> = signals.click_ids.keys().copied().collect();
    classify(&Facts {
        source: signals.utm.source.as_deref(),
        medium: signals.utm.medium.as_deref(),
        campaign: signals.utm.campaign.as_deref(),
        term: signals.utm.term.as_deref(),
        content: signals.utm.content.as_deref(),
        click_ids: &click_ids,
        gad_source_is_1: signals.click_ids.get("gad_source").is_some_and(|value| value == "1"),
        ..Facts::default()
    })
}

#[test]
fn arrivals_fall_in_the_channel_that_the_documents_say() {
    let wrong: Vec<String> = cases()
        .iter()
        .map(|case| (case, channel_of(case.referrer, case.query)))
        .filter(|(case, got)| got.channel != case.expected)
        .map(|(ArrivalCase { referrer, query, expected, source }, got)| {
            format!("{referrer:?} {query:?}: {expected} by {source}\n    got {got:?}")
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_is_long_covers_every_channel_and_says_each_thing_once_with_its_source() {
    let cases = cases();
    assert!(cases.len() >= 350, "{}", cases.len());
    let distinct: HashSet<_> = cases.iter().map(|case| (case.referrer, case.query)).collect();
    assert_eq!(distinct.len(), cases.len());
    for channel in Channel::ALL {
        assert!(cases.iter().filter(|case| case.expected == channel).count() >= 2, "{channel}");
    }
    for case in &cases {
        assert!(case.referrer.is_empty() || Referrer::parse(case.referrer).is_some(), "{}", case.referrer);
        let (document, what) = case.source.split_once(": ").unwrap_or_default();
        assert!(!document.is_empty() && !what.is_empty(), "{}", case.source);
        let head = include_str!("cases.tsv").lines().take_while(|line| line.starts_with('#'));
        assert!(head.into_iter().any(|line| line.contains(document)), "{document} is not explained");
    }
}
