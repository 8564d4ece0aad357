//! Credit against a recomputation over all rows.

use std::collections::BTreeMap;

use super::{
    facts,
    naive_credit::NaiveCredit,
    question,
    recompute::{NOW, QUERIES},
    sample::{DAY, HOUR, ORIGIN, Sample, Touch, WINDOW},
};
use crate::{
    attribution::{
        model::{Credit, Minor, Model, Weights},
        report::{
            Filter, Preset, Range,
            campaigns::{CampaignColumn, CampaignOrder, campaigns, sort},
            credit::{
                CreditSettings, CreditTally, PeriodSum, Revenue, Share,
                compare::{Group, GroupBy, compare},
                credit_of_touch, credit_of_user,
            },
            matcher::Matcher,
            ranking::Dimension,
        },
    },
    db::testing::each_database,
    id::{ConversionId, TouchId},
    timestamp::{MILLISECOND, Timestamp},
};

pub(super) fn settings() -> CreditSettings {
    CreditSettings {
        weights: Weights::default(),
        window: WINDOW,
        windows: vec![("purchase".into(), 6 * DAY)],
        internal_touches: false,
    }
}

pub(super) fn asked(query: &str) -> Filter {
    let parsed = Filter::parse(query, Preset::All, NOW);
    assert_eq!(parsed.problems, [], "{query}");
    parsed.filter
}

/// Returns the queries of all other reports, and queries by kind.
pub(super) fn queries() -> impl Iterator<Item = &'static str> {
    let further = [
        "period=all&kind=purchase",
        "from=2026-04-20&to=2026-05-20&kind=SignUp&model=linear",
        "period=all&kind=demo&campaign=spring",
        "period=all&channel=Direct",
        "period=all&channel=Direct&q=person3",
        "period=all&source=%28not+set%29",
        "period=all&kind=nothing",
    ];
    QUERIES.into_iter().chain(further)
}

#[tokio::test]
async fn credit_equals_its_recomputation() {
    let sample = Sample::with_conversions(7);
    let naive = NaiveCredit::new(&sample, settings());
    each_database(async |db| {
        sample.store(&db).await;
        let facts = facts(&db).await;
        let mut nonzero = 0;
        for query in queries() {
            let filter = &asked(query);
            let question = question(&db, filter).await;
            let range = filter.period.range();
            let mut totals = Vec::new();
            for model in Model::ALL {
                let found = campaigns(&facts, &question, &settings(), model, CampaignOrder::default());
                let expected = naive.earned(filter, range, model, |touch| match touch {
                    None => [None, None, None, Some("Direct")],
                    Some(touch) => [touch.source, touch.medium, touch.campaign, Some(touch.channel)],
                });
                nonzero += expected.values().filter(|earned| earned.conversions > Credit::ZERO).count();

                let mut total = Revenue::default();
                for row in &found.rows {
                    let key = [&row.source, &row.medium, &row.campaign].map(Option::as_deref);
                    let key = [key[0], key[1], key[2], Some(row.channel.as_str())];
                    assert_eq!(row.earned, expected.get(&key).cloned().unwrap_or_default(), "{query} {model} {key:?}");
                    total += &row.earned;
                }
                assert_eq!(found.earned, total, "{query} {model}: every credit has a row");

                totals.push(total);
            }
            for by in GroupBy::ALL {
                let compared = compare(&facts, &question, &settings(), by);
                for (place, model) in Model::ALL.into_iter().enumerate() {
                    let expected = naive.earned(filter, range, model, |touch| match (by, touch) {
                        (_, None) => Group::Direct,
                        (GroupBy::Channel, Some(Touch { channel: "Direct", .. })) => Group::Direct,
                        (GroupBy::Channel, Some(touch)) => Group::Value(Some(touch.channel.to_owned())),
                        (GroupBy::Source, Some(touch)) => Group::Value(touch.source.map(str::to_owned)),
                        (GroupBy::Campaign, Some(touch)) => Group::Value(touch.campaign.map(str::to_owned)),
                    });
                    let of_rows: BTreeMap<Group, Revenue> = compared
                        .rows
                        .iter()
                        .map(|(group, row)| (group.clone(), row.models[place].clone()))
                        .filter(|(group, earned)| expected.contains_key(group) || *earned != Revenue::default())
                        .collect();
                    assert_eq!(of_rows, expected, "{query} {model} {by:?}");
                    assert_eq!(compared.total.models[place], totals[place], "{query} {model} {by:?}");
                }
            }
        }
        assert!(nonzero > 500, "{nonzero}");
    })
    .await;
}

#[tokio::test]
async fn credit_adds_up_to_the_conversions_of_the_period() {
    let sample = Sample::with_conversions(23);
    each_database(async |db| {
        sample.store(&db).await;
        let facts = facts(&db).await;
        for query in ["period=all", "from=2026-04-10&to=2026-05-20", "from=2026-04-10&to=2026-05-20&kind=purchase"] {
            let filter = asked(query);
            let range = filter.period.range();
            let mut expected = Revenue::default();
            for conversion in sample.conversions.iter().filter(|row| {
                range.contains(row.occurred_at) && filter.kind.as_deref().is_none_or(|kind| kind == row.kind)
            }) {
                let conversions = if conversion.refund_of.is_none() { Credit::ONE } else { Credit::ZERO };
                expected.add(Share { conversions, value: conversion.value }, conversion.currency);
            }
            assert!(expected.conversions > Credit::ZERO && expected.by_currency.len() == 3, "{query}");
            let question = question(&db, &filter).await;
            for model in Model::ALL {
                let all = [
                    Range { start: ORIGIN - 99 * DAY, end: ORIGIN + 40 * DAY },
                    Range { start: ORIGIN + 40 * DAY, end: Timestamp::MAX },
                ];
                let (matcher, settings) = (Matcher::new(&facts, &question), settings());
                let sum = || PeriodSum::new(facts.dictionary(), &all, &[Dimension::Channel]);
                let tally = || CreditTally::new(&matcher, &settings, vec![model], sum());
                let credit = matcher.scan(matcher.range, tally).sum.finish(3);
                assert_eq!(credit.total, expected, "{query} {model}");
                assert_eq!(credit.over_time.iter().copied().sum::<Credit>(), expected.conversions, "{query} {model}");
                assert!(credit.over_time.iter().all(|credit| *credit > Credit::ZERO), "{query} {model}");
                let [(channels, total)] = &*credit.rankings else { panic!("one ranking") };
                assert_eq!(*total, expected.conversions, "{query} {model}");
                assert!(channels.len() == 3 && channels[0].count >= channels[1].count, "{query} {model}");
            }
            let compared = compare(&facts, &question, &settings(), GroupBy::Channel);
            assert_eq!(compared.total.markov, expected, "{query}");
            assert_eq!(compared.total.shapley, expected, "{query}");
        }
        assert_eq!(facts.kinds(), ["demo", "purchase", "signup"]);
    })
    .await;
}

#[tokio::test]
async fn a_user_and_a_touch_have_the_credit_of_the_report() {
    let sample = Sample::with_conversions(5);
    let filter = asked("period=all");
    let naive = NaiveCredit::new(&sample, settings());
    let of_touches =
        Model::ALL.map(|model| naive.earned(&filter, Range::ALL, model, |touch| touch.map(|touch| touch.id)));
    each_database(async |db| {
        sample.store(&db).await;
        let mut conn = db.read().await.expect("a connection");
        for model in Model::ALL {
            for user in &sample.users {
                let found = credit_of_user(&mut conn, user.id, &settings(), model).await.expect("credit");
                let mut own: Vec<_> = sample.conversions.iter().filter(|row| row.user == user.id).collect();
                own.sort_by_key(|conversion| (conversion.occurred_at, conversion.id));
                let expected: Vec<(ConversionId, Vec<(TouchId, Share)>)> = own
                    .into_iter()
                    .map(|conversion| {
                        let parts = naive.shares(conversion.id, model);
                        (conversion.id, parts.iter().filter_map(|(touch, part)| Some(((*touch)?.id, *part))).collect())
                    })
                    .collect();
                let found: Vec<_> = found.into_iter().map(|credited| (credited.id, credited.shares)).collect();
                assert_eq!(found, expected, "{model}");
            }
        }
        let mut nonzero = 0;
        for touch in sample.touches.iter().take(60) {
            let Some(owner) = naive.owner(touch) else { continue };
            let found = credit_of_touch(&mut conn, owner, touch.id, &settings()).await.expect("credit");
            for ((found, all), model) in found.into_iter().zip(&of_touches).zip(Model::ALL) {
                let expected = all.get(&Some(touch.id)).cloned().unwrap_or_default();
                assert_eq!(found.conversions, expected.conversions, "{model}");
                assert!(
                    found.by_currency.iter().all(|(currency, value)| *value == expected.value(currency)),
                    "{model}"
                );
                nonzero += usize::from(expected.conversions > Credit::ZERO);
            }
        }
        assert!(nonzero > 10, "{nonzero}");
    })
    .await;
}

#[tokio::test]
async fn refunds_leave_each_touch_its_share_of_what_is_left() {
    let mut sample = Sample::default();
    let user = sample.user("a@example.com", ORIGIN);
    let visitor = sample.visitor(Some(user));
    for (hours, campaign) in [(0, "spring"), (1, "autumn"), (2, "winter")] {
        sample.touch(visitor, ORIGIN + hours * HOUR, Some(campaign));
    }
    let of = sample.conversion(user, "demo", ORIGIN + DAY, (100, "EUR"));
    for days in 2..5 {
        sample.refund(of, 10, ORIGIN + days * DAY);
    }
    each_database(async |db| {
        sample.store(&db).await;
        let (facts, question) = (facts(&db).await, question(&db, &asked("period=all")).await);
        let found = campaigns(&facts, &question, &settings(), Model::Linear, CampaignOrder::default());
        let of = |campaign| found.rows.iter().find(|row| row.campaign.as_deref() == Some(campaign)).expect("a row");
        let earned = ["spring", "autumn", "winter"].map(|campaign| of(campaign).earned.value("EUR"));
        assert_eq!(earned, [24, 23, 23].map(Minor), "the shares of 70");
    })
    .await;
}

#[tokio::test]
async fn internal_touches_are_credited_where_that_is_configured() {
    let sample = Sample::with_conversions(3);
    let settings = CreditSettings { internal_touches: true, ..settings() };
    let filter = asked("period=all");
    let naive = NaiveCredit::new(&sample, settings.clone());
    let campaign = |touch: Option<&Touch>| touch.and_then(|touch| touch.campaign).map(str::to_owned);
    each_database(async |db| {
        sample.store(&db).await;
        let (facts, question) = (facts(&db).await, question(&db, &filter).await);
        let compared = compare(&facts, &question, &settings, GroupBy::Campaign);
        let expected = naive.earned(&filter, Range::ALL, Model::First, campaign);
        let spring = Some("spring".to_owned());
        assert_eq!(compared.rows[&Group::Value(spring.clone())].models[0], expected[&spring]);
        assert_ne!(compare(&facts, &question, &super::credit::settings(), GroupBy::Campaign).rows, compared.rows);
    })
    .await;
}

#[tokio::test]
async fn campaigns_are_sorted_by_credit_and_a_file_has_those_that_only_earned() {
    let mut sample = Sample::default();
    let day = |n: u32| ORIGIN + n * DAY;
    let (early, late) = (sample.user("early@example.com", day(1)), sample.user("late@example.com", day(30)));
    let (one, two) = (sample.visitor(Some(early)), sample.visitor(Some(late)));
    sample.touch(one, day(1), Some("spring"));
    sample.touch(two, day(20), Some("autumn"));
    sample.touch(two, day(29), Some("late"));
    sample.conversion(early, "purchase", day(28), (100, "EUR"));
    sample.conversion(late, "purchase", day(29) - MILLISECOND, (100, "EUR"));
    sample.conversion(late, "purchase", day(30), (51, "EUR"));
    let settings = CreditSettings { windows: Vec::new(), ..settings() };
    each_database(async |db| {
        sample.store(&db).await;
        // the touch of autumn is before the period, the touch of early is out of the window
        let (facts, question) = (facts(&db).await, question(&db, &asked("from=2026-04-20&to=2026-04-30")).await);
        let mut rows = campaigns(&facts, &question, &settings, Model::Linear, CampaignOrder::default()).rows;
        for (descending, expected) in [(true, ["autumn", "", "late"]), (false, ["late", "", "autumn"])] {
            sort(&mut rows, CampaignOrder { column: CampaignColumn::Credit, descending });
            let names: Vec<_> = rows.iter().map(|row| row.campaign.as_deref().unwrap_or_default()).collect();
            assert_eq!(names, expected);
        }
        sort(&mut rows, CampaignOrder::BY_SOURCE);
        let earned: Vec<_> =
            rows.iter().map(|row| (row.campaign.as_deref(), row.touches, row.earned.clone())).collect();
        let of = |count, value| Revenue {
            conversions: Credit(count),
            by_currency: BTreeMap::from([("EUR".to_owned(), Minor(value))]),
        };
        assert_eq!(
            earned,
            [
                (Some("autumn"), 0, of(1_500_000, 126)),
                (Some("late"), 1, of(500_000, 25)),
                (None, 0, of(1_000_000, 100)),
            ]
        );
        assert!(rows[2].is_direct() && !rows[0].is_direct());
    })
    .await;
}
