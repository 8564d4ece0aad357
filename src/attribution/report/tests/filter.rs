use jiff::civil::date;

use crate::{
    attribution::{
        model::Model,
        report::{Filter, FilterField, ParsedFilter, Preset, filter::NOT_SET},
    },
    timestamp::Timestamp,
};

/// 2026-11-23T23:30:00Z: the next day in Berlin.
const NOW: Timestamp = Timestamp::from_millis(1_795_476_600_000);

fn parse(query: &str) -> ParsedFilter {
    Filter::parse(query, Preset::Days30, NOW)
}

fn problem_names(query: &str) -> Vec<&'static str> {
    parse(query).problems.iter().map(|problem| problem.name).collect()
}

#[test]
fn nothing_asked_is_the_default_period_in_utc() {
    let parsed = parse("");
    assert_eq!(parsed.problems, []);
    assert!(parsed.filter.is_bare());
    assert_eq!(parsed.filter.period.from, Some(date(2026, 10, 25)));
    assert_eq!(parsed.filter.period.to, Some(date(2026, 11, 23)));
    assert_eq!(Filter::parse("", Preset::All, NOW).filter.period.days(), None);
}

#[test]
fn today_is_a_day_of_the_asked_time_zone() {
    let filter = parse("tz=europe%2Fberlin&period=7d").filter;
    assert_eq!(filter.tz_name(), "Europe/Berlin");
    assert_eq!(filter.period.to, Some(date(2026, 11, 24)));
    assert_eq!(filter.period.days(), Some(7));
}

#[test]
fn days_win_over_a_named_period_and_may_be_open() {
    let filter = parse("from=2026-01-01&period=7d").filter;
    assert_eq!((filter.period.from, filter.period.to, filter.period.preset), (Some(date(2026, 1, 1)), None, None));
}

#[test]
fn wrong_values_are_told_by_name_kept_as_typed_and_left_out() {
    let parsed = parse("from=2026-13-01&to=yesterday&tz=Mars/Olympus&channel=Nope&period=3w&campaign=Spring");
    let names: Vec<_> = parsed.problems.iter().map(|problem| problem.name).collect();
    assert_eq!(names, ["tz", "from", "to", "period", "channel"]);
    assert!(parsed.problems.iter().all(|problem| !problem.message.is_empty()));
    assert_eq!(parsed.typed("from").as_deref(), Some("2026-13-01"));
    assert_eq!(parsed.typed("tz").as_deref(), Some("Mars/Olympus"));
    assert_eq!(parsed.typed("campaign").as_deref(), Some("Spring"));
    assert_eq!(parsed.typed("medium"), None);
    assert_eq!(parsed.filter.period, parse("").filter.period);
    assert_eq!(parsed.filter.get(FilterField::Channel), None);
}

#[test]
fn a_period_that_ends_before_it_begins_is_told_at_both_ends() {
    let parsed = parse("from=2026-11-02&to=2026-11-01");
    assert_eq!(problem_names("from=2026-11-02&to=2026-11-01"), ["from", "to"]);
    assert_eq!(parsed.typed("from").as_deref(), Some("2026-11-02"));
    assert_eq!(parsed.typed("to").as_deref(), Some("2026-11-01"));
    assert_eq!(problem_names("from=2026-11-01&to=2026-11-01"), [""; 0]);
}

#[test]
fn days_stay_within_what_the_calendar_can_count() {
    for query in ["from=-009999-01-01", "from=1969-12-31", "to=9999-12-31", "from=2026-02-29", "from=2026-1-1"] {
        assert_eq!(problem_names(query).len(), 1, "{query}");
    }
    let range = parse("from=1970-01-01&to=9998-12-31").filter.period.range();
    assert!(range.start == Timestamp::EPOCH && range.end > NOW);
}

#[test]
fn empty_parameters_are_none_and_the_last_of_repeated_ones_holds() {
    let filter = parse("campaign=&source=a&source=b&source=&medium=%20&q=%00").filter;
    assert_eq!(filter.get(FilterField::Campaign), None);
    assert_eq!(filter.get(FilterField::Source), Some("b"));
    assert_eq!(filter.get(FilterField::Medium), None);
    assert_eq!(filter.q, None);
}

#[test]
fn a_channel_is_known_in_any_case() {
    assert_eq!(parse("channel=paid+search").filter.get(FilterField::Channel), Some("Paid Search"));
}

#[test]
fn an_address_leads_to_the_same_filter_again() {
    for query in [
        "",
        "period=all",
        "period=12m&tz=Asia%2FKolkata",
        "from=2026-03-29&to=2026-10-25&source=a%26b&campaign=%28not+set%29&channel=Email&q=50%25_%5C",
        "to=2026-10-25",
    ] {
        let filter = parse(query).filter;
        let href = filter.href("/admin", &[("sort", "-leads")]);
        let again = parse(href.split_once('?').expect("it has a query").1);
        assert_eq!((again.filter, again.problems), (filter, vec![]), "{query}");
    }
}

#[test]
fn a_file_names_its_days_instead_of_a_period_that_moves_on() {
    let pairs = parse("period=7d&campaign=x").filter.dated_pairs();
    assert_eq!(
        pairs,
        [("from", "2026-11-17".to_owned()), ("to", "2026-11-23".to_owned()), ("campaign", "x".to_owned())]
    );
}

#[test]
fn a_condition_can_be_set_and_taken_off() {
    let filter = parse("campaign=x").filter.with(FilterField::Medium, Some(NOT_SET));
    assert_eq!(filter.get(FilterField::Medium), Some(NOT_SET));
    assert!(!filter.is_bare());
    assert!(filter.with(FilterField::Medium, None).with(FilterField::Campaign, None).is_bare());
}

#[test]
fn model_and_kind_are_kept_in_links_and_are_no_conditions_on_touches() {
    let parsed = parse("model=Time-Decay&kind=Purchase&period=7d");
    assert_eq!(parsed.problems, []);
    let filter = parsed.filter;
    assert_eq!((filter.model, filter.kind.as_deref()), (Some(Model::TimeDecay), Some("purchase")));
    assert_eq!(filter.href("/admin", &[]), "/admin?period=7d&model=time_decay&kind=purchase");
    assert!(filter.is_bare());
    assert_eq!(filter.clone().with(FilterField::Source, Some("x")).bare(), filter);
    assert_eq!(filter.by_model(None).of_kind(None).href("/admin", &[]), "/admin?period=7d");

    let wrong = parse("model=u-shaped");
    assert_eq!((problem_names("model=u-shaped"), wrong.filter.model), (vec!["model"], None));
    assert!(wrong.problems[0].message.contains("last_non_direct"), "{:?}", wrong.problems);
    assert_eq!(wrong.typed("model").as_deref(), Some("u-shaped"));
}

#[test]
fn direct_is_found_where_nothing_else_is_asked_for() {
    for (query, found) in [
        ("", true),
        ("channel=Direct", true),
        ("source=(not set)&campaign=(not set)", true),
        ("channel=Email", false),
        ("channel=Direct&source=google", false),
    ] {
        assert_eq!(parse(query).filter.finds_direct(), found, "{query}");
    }
}
