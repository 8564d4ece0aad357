use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{NOW, TODAY, day_of};
use crate::{
    attribution::{channel::Channel, signal::custom_tags::CustomTags},
    demo::{
        Demo, campaigns,
        people::{People, Person},
    },
    id::VisitorId,
    page_parameters::PAGE_PARAMETERS,
    timestamp::DAY,
};

fn people(demo: Demo) -> Vec<Person> {
    People::new(&demo, NOW, HashSet::new()).collect()
}

#[test]
fn people_are_consistent() {
    check(&people(Demo::default()), 366);
    // in a short time, users share links soon after they sign up
    check(&people(Demo { days: 9, ..Demo::default() }), 10);
}

fn check(people: &[Person], days: i64) {
    let mut ids = BTreeSet::new();
    let mut created = BTreeMap::new();
    let mut after_sign_up = 0;
    for Person { visitor, first_seen_at, touches, user, further } in people {
        assert!(further.is_empty());
        assert!(ids.insert(visitor.as_uuid()) && touches.iter().all(|touch| ids.insert(touch.id.as_uuid())));
        assert!(touches.len() <= 6 && (user.is_some() || !touches.is_empty()));
        assert!(touches.is_sorted_by(|one, next| one.occurred_at < next.occurred_at));
        assert!(touches.first().is_none_or(|touch| touch.occurred_at == *first_seen_at));
        assert!(touches.iter().all(|touch| (NOW - days as u32 * DAY..TODAY + DAY).contains(&touch.occurred_at)));
        assert!(touches.iter().all(|touch| touch.channel != Channel::Direct.as_str()), "{touches:?}");
        let Some(user) = user else { continue };
        assert!(ids.insert(user.id.as_uuid()) && user.created_at < NOW && *first_seen_at <= user.created_at);
        let later = touches.iter().filter(|touch| touch.occurred_at > user.created_at).count();
        assert!(later < 2 && (later == 0 || touches.len() > 1));
        after_sign_up += later;
        if let Some(token) = &user.token {
            created.insert(token, user.created_at);
        }
    }
    assert!((1..120).contains(&after_sign_up), "{after_sign_up}");
    let direct = people.iter().filter(|person| person.touches.is_empty()).count();
    assert_eq!(direct, 40);
    for person in people {
        for touch in person.touches.iter().filter(|touch| touch.channel == "Referral program") {
            let token = touch.utm.term.as_ref().expect("a token");
            assert!(created.get(token).is_some_and(|created| *created < touch.occurred_at), "{touch:?}");
            assert_eq!(touch.landing_path, format!("/r/{token}"));
        }
    }
}

#[test]
fn the_year_is_believable() {
    let people = people(Demo::default());
    let touched: Vec<_> = people.iter().filter(|person| !person.touches.is_empty()).collect();
    let rate = touched.iter().filter(|person| person.user.is_some()).count() as f64 / touched.len() as f64;
    assert!((0.03..0.12).contains(&rate), "{rate}");

    let mut campaigns: BTreeMap<Option<&str>, (BTreeSet<VisitorId>, BTreeSet<VisitorId>)> = BTreeMap::new();
    for person in &touched {
        for touch in &person.touches {
            let entry = campaigns.entry(touch.utm.campaign.as_deref()).or_default();
            entry.0.insert(person.visitor);
            if person.user.is_some() {
                entry.1.insert(person.visitor);
            }
        }
    }
    for campaign in &campaigns::CAMPAIGNS {
        let matching = |name: Option<&str>| match (campaign.name, name) {
            (Some("newsletter-{n}"), Some(name)) => name.starts_with("newsletter-"),
            (campaign, name) => campaign == name,
        };
        let of = campaigns.iter().filter(|(name, _)| matching(**name));
        let (visitors, users) = of.fold((0, 0), |(v, u), (_, (visitors, users))| (v + visitors.len(), u + users.len()));
        let rate = users as f64 / visitors as f64;
        assert!(
            visitors >= 40 && (0.015..0.3).contains(&rate),
            "{:?}: {visitors} visitors, {users} users",
            campaign.name
        );
    }
    let newsletters = campaigns.keys().flatten().filter(|name| name.starts_with("newsletter-")).count();
    assert!((11..=13).contains(&newsletters), "{newsletters}");

    let touches = || people.iter().flat_map(|person| &person.touches);
    let all = touches().count() as f64;
    let share = |of: usize| of as f64 / all;
    let derived = share(touches().filter(|touch| touch.derived).count());
    assert!((0.02..0.2).contains(&derived), "{derived}");
    let internal = share(touches().filter(|touch| touch.internal).count());
    assert!((0.002..0.05).contains(&internal), "{internal}");
    let tagged = share(touches().filter(|touch| touch.tags != "{}").count());
    assert!((0.01..0.2).contains(&tagged), "{tagged}");
    let again = share(touches().filter(|touch| touch.hits > 1).count());
    assert!((0.05..0.15).contains(&again), "{again}");
    let channels: BTreeSet<&str> = touches().map(|touch| touch.channel).collect();
    assert!(channels.len() >= 10, "{channels:?}");

    // 1 January 1970 was a Thursday
    let at_weekends = touches().filter(|touch| matches!((day_of(touch.occurred_at) + 3) % 7, 5 | 6)).count();
    assert!(share(at_weekends) < 0.22, "{}", share(at_weekends));
    let half = NOW - 365 * DAY / 2;
    let late = share(touches().filter(|touch| touch.occurred_at > half).count());
    assert!((0.52..0.75).contains(&late), "it grows: {late}");
    let mut by_day = BTreeMap::<i64, usize>::new();
    touches().for_each(|touch| *by_day.entry(day_of(touch.occurred_at)).or_default() += 1);
    assert!(by_day.len() >= 364, "a day without anybody");
    assert!(by_day.values().max() > Some(&60), "no launch stands out");
}

#[test]
fn few_users_and_few_days_are_fine() {
    for (users, days) in [(0, 365), (1, 1), (2, 0), (3, u32::MAX), (50, 7)] {
        let people = people(Demo { users, days, ..Demo::default() });
        assert_eq!(people.len(), users as usize * 12);
        assert_eq!(people.iter().filter(|person| person.user.is_some()).count(), users as usize);
    }
}

#[test]
fn every_link_has_a_channel_and_the_tags_are_accepted() {
    assert_eq!(CustomTags::parse(campaigns::TAGS, &PAGE_PARAMETERS).map(|tags| tags.names().count()), Ok(2));
    assert_eq!(campaigns::CAMPAIGNS[campaigns::FALLBACK].name, Some("brand-search"));
    assert_eq!(campaigns::CAMPAIGNS[campaigns::REFERRAL].name, Some("referral"));
    let expected = [
        ("google", "Paid Search"),
        ("bing", "Paid Search"),
        ("internal", "Referral program"),
        ("newsletter", "Email"),
        ("facebook", "Paid Social"),
        ("instagram", "Paid Social"),
        ("twitter", "Organic Social"),
        ("impact", "Affiliates"),
        ("saas-almanac", "Affiliates"),
        ("shipping-late", "Audio"),
        ("reddit", "Organic Social"),
        ("youtube", "Organic Video"),
        ("chatgpt.com", "AI Assistants"),
        ("copilot.com", "AI Assistants"),
        ("github", "Referral"),
        ("website", "Display"),
        ("producthunt", "Organic Social"),
        ("bluesky", "Organic Social"),
    ];
    let people = people(Demo::default());
    for (source, channel) in expected {
        let mut touches = people
            .iter()
            .flat_map(|person| &person.touches)
            .filter(|touch| touch.utm.source.as_deref() == Some(source) && !touch.derived);
        let touch = touches.next().unwrap_or_else(|| panic!("nobody came from {source}"));
        assert_eq!(touch.channel, channel, "{source}");
    }
}
