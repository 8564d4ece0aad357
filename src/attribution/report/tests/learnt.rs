//! The paths that data-driven credit is learnt from.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    credit::{asked, settings},
    facts, question,
    recompute::Recomputed,
    sample::{DAY, ORIGIN, Sample, Touch, WINDOW},
};
use crate::{
    attribution::{
        model::{
            Credit, Minor,
            data_driven::{ChannelPaths, Sampling, Worth, credits, markov, shapley},
        },
        report::{
            credit::{
                CreditSettings,
                compare::{Comparison, Group, GroupBy, compare},
                groups::Groups,
                people::PeopleTally,
            },
            matcher::Matcher,
        },
    },
    db::testing::each_database,
    id::UserId,
    timestamp::Timestamp,
};

#[tokio::test]
async fn people_go_their_paths_with_what_they_converted_to() {
    let sample = Sample::with_conversions(13);
    each_database(async |db| {
        sample.store(&db).await;
        let facts = facts(&db).await;
        for query in
            ["period=all&kind=purchase", "from=2026-04-20&to=2026-05-10", "from=2026-04-20&to=2026-05-10&kind=demo"]
        {
            let filter = asked(query);
            let range = filter.period.range();
            let window = if filter.kind.as_deref() == Some("purchase") { 6 * DAY } else { WINDOW };
            let mut people: BTreeMap<Uuid, Vec<&Touch>> = BTreeMap::new();
            let naive = Recomputed { sample: &sample, filter: &filter };
            for touch in sample.touches.iter().filter(|touch| !touch.internal && touch.occurred_at < range.end) {
                people
                    .entry(naive.owner(touch).map_or(touch.visitor.as_uuid(), |user| user.id.as_uuid()))
                    .or_default()
                    .push(touch);
            }
            let mut counted: BTreeMap<(Vec<String>, bool, Vec<String>), u64> = BTreeMap::new();
            for (person, mut touches) in people {
                let own = sample.conversions.iter().filter(|row| {
                    let of_kind = filter.kind.as_deref().is_none_or(|kind| kind == row.kind);
                    row.user.as_uuid() == person && of_kind && row.refund_of.is_none()
                });
                let paid = own.clone().filter(|row| row.value > Minor::ZERO).filter_map(|row| row.currency);
                let currencies: BTreeSet<String> = paid.map(str::to_owned).collect();
                touches.sort_by_key(|touch| (touch.occurred_at, touch.visitor, touch.id));
                let last = touches.last().expect("one at least").occurred_at;
                if last < range.start {
                    continue;
                }
                let path = touches.iter().filter(|touch| touch.occurred_at >= last - window);
                let mut path: Vec<String> = path.map(|touch| touch.channel.to_owned()).collect();
                path.dedup();
                *counted.entry((path, own.count() > 0, currencies.into_iter().collect())).or_default() += 1;
            }
            let (question, settings) = (question(&db, &filter).await, settings());
            let (matcher, dictionary) = (Matcher::new(&facts, &question), facts.dictionary());
            let channels = Groups::of(dictionary, GroupBy::Channel);
            let tally = || PeopleTally::new(&matcher, &settings, &channels);
            let found: BTreeMap<(Vec<String>, bool, Vec<String>), u64> = matcher
                .scan(matcher.range, tally)
                .finish()
                .into_iter()
                .map(|(path, people)| {
                    let names = path.channels.iter().map(|&channel| name(&channels.of_touches()[channel])).collect();
                    let currencies = path.currencies.iter().map(|&text| dictionary.texts.get(text).to_owned());
                    let currencies: BTreeSet<String> = currencies.collect();
                    ((names, path.converted, currencies.into_iter().collect()), people)
                })
                .collect();
            assert_eq!(found, counted, "{query}");
            assert!(counted.keys().filter(|(_, converted, _)| !converted).count() > 5, "{query} {counted:?}");
            assert!(counted.keys().any(|(_, _, currencies)| currencies.len() > 1), "{query} {counted:?}");
        }
    })
    .await;
}

/// Adds a user who came by these channels, a day apart. Returns the user and the day after the last touch.
fn came_by(sample: &mut Sample, channels: &[&'static str]) -> (UserId, Timestamp) {
    let user = sample.user(&format!("{}@example.com", sample.users.len()), ORIGIN);
    let visitor = sample.visitor(Some(user));
    for (n, channel) in channels.iter().enumerate() {
        sample.touch(visitor, ORIGIN + n as u32 * DAY, Some("spring"));
        let touch = sample.touches.last_mut().expect("it was just added");
        *touch = Touch { channel, source: Some(channel), ..touch.clone() };
    }
    (user, ORIGIN + channels.len() as u32 * DAY)
}

fn name(group: &Group) -> String {
    match group {
        Group::Direct => "Direct".to_owned(),
        Group::Value(value) => value.clone().unwrap_or_default(),
    }
}

fn values(compared: &Comparison, currency: &str) -> Vec<(String, [i64; 2])> {
    let rows = compared.rows.iter();
    let values = rows.map(|(group, row)| (name(group), [&row.markov, &row.shapley].map(|by| by.value(currency).0)));
    values.filter(|(_, values)| *values != [0, 0]).collect()
}

#[tokio::test]
async fn money_is_learnt_from_the_conversions_that_brought_it() {
    let mut sample = Sample::default();
    for channels in [&["Email", "Paid Search"][..], &["Paid Social"], &["Email"], &["Paid Search", "Email"]] {
        let (user, at) = came_by(&mut sample, channels);
        sample.conversion(user, "signup", at, (0, ""));
    }
    let (user, at) = came_by(&mut sample, &["Organic Search"]);
    sample.conversion(user, "purchase", at, (100_000, "JPY"));
    // free of charge, so it brought no money
    let (user, at) = came_by(&mut sample, &["Paid Social"]);
    sample.conversion(user, "purchase", at, (0, "JPY"));
    for channels in [&["Email", "Paid Search"][..], &["Paid Search"], &["Email", "Referral"]] {
        let (user, at) = came_by(&mut sample, channels);
        sample.conversion(user, "purchase", at, (1_001, "EUR"));
    }
    let (user, at) = came_by(&mut sample, &["Display"]);
    let refunded = sample.conversion(user, "purchase", at, (500, "USD"));
    sample.refund(refunded, 200, at + 10 * DAY);
    let settings = CreditSettings { windows: Vec::new(), ..settings() };

    // for euros, all other people with a touch count as not converted, even with other conversions
    let (email, paid, referral, organic, social, display) = (0, 1, 2, 3, 4, 5);
    let mut euros = ChannelPaths::default();
    for path in [&[email, paid][..], &[paid], &[email, referral]] {
        euros.add(path, true, 1);
    }
    let mut all_lost = euros.clone();
    for path in [&[email, paid][..], &[social], &[email], &[paid, email], &[organic], &[social], &[display]] {
        all_lost.add(path, false, 1);
    }
    let names = ["Email", "Paid Search", "Referral", "Organic Search", "Paid Social", "Display"];
    let [by_markov, by_shapley] =
        [markov(&all_lost).shares, shapley(&all_lost, Worth::default(), Sampling::default()).shares]
            .map(|shares| credits(&shares, Minor(3_003)).into_iter().map(i64::from).collect::<Vec<_>>());
    assert_ne!(
        by_markov,
        credits(&markov(&euros).shares, Minor(3_003)).into_iter().map(i64::from).collect::<Vec<_>>(),
        "the others make a difference"
    );
    let mut expected: Vec<(String, [i64; 2])> = (0..names.len())
        .map(|n| (names[n].to_owned(), [by_markov[n], by_shapley[n]]))
        .filter(|(_, values)| *values != [0, 0])
        .collect();
    expected.sort();

    each_database(async |db| {
        sample.store(&db).await;
        let facts = facts(&db).await;
        for query in ["period=all", "period=all&kind=purchase"] {
            let compared = compare(&facts, &question(&db, &asked(query)).await, &settings, GroupBy::Channel);
            assert_eq!(values(&compared, "JPY"), [("Organic Search".to_owned(), [100_000; 2])], "{query}");
            assert_eq!(values(&compared, "EUR"), expected, "{query}");
            assert_eq!(values(&compared, "USD"), [("Display".to_owned(), [300; 2])], "{query}");
            let total = &compared.total;
            assert_eq!((total.markov.value("EUR"), total.shapley.value("EUR")), (Minor(3_003), Minor(3_003)));
            // conversions are learnt from all paths
            let social = &compared.rows[&Group::Value(Some("Paid Social".to_owned()))];
            assert!(social.markov.conversions > Credit::ZERO && social.shapley.conversions > Credit::ZERO, "{query}");
        }
        // this period has only the refund
        let refunds = question(&db, &asked("from=2026-04-06&to=2026-04-30")).await;
        let compared = compare(&facts, &refunds, &settings, GroupBy::Channel);
        assert_eq!(values(&compared, "USD"), [("Direct".to_owned(), [-200; 2])]);
    })
    .await;
}
