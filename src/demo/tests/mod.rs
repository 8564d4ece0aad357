mod large;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Mutex,
};

use super::{
    fill::fill_until,
    people::{People, Person},
    *,
};
use crate::{
    attribution::{
        channel::Channel,
        conversion::sign_up_conversion,
        signal::{custom_tags::CustomTags, parse},
        touch::{
            Touch,
            store::{StoreMode, store_first},
        },
    },
    db::{Db, FromEitherRow, sql, testing::each_database},
    id::{ConversionId, TouchId, UserId, VisitorId},
    page_parameters::PAGE_PARAMETERS,
    timestamp::{DAY, MILLISECOND, Timestamp, whole_days},
    visitor::link,
};

/// 2026-11-23T15:30:00Z
const NOW: Timestamp = Timestamp::from_millis(1_795_447_800_000);
/// Returns the number of whole days from the epoch to a moment.
fn day_of(at: Timestamp) -> i64 {
    whole_days(at - Timestamp::EPOCH)
}

/// The first moment of the day of [`NOW`].
const TODAY: Timestamp = Timestamp::from_millis(NOW.as_millis() - NOW.as_millis() % 86_400_000);

fn small() -> Demo {
    Demo { users: 60, ..Demo::default() }
}

async fn filled(db: &Db, demo: &Demo) -> DemoSummary {
    fill_until(db, demo, NOW, |_, _| ()).await.expect("sample data")
}

async fn count(db: &Db, from: &'static str) -> u64 {
    let mut conn = db.read().await.expect("a connection");
    let count: i64 = sql(format!("select count(*) from {from}")).fetch_scalar(&mut conn).await.expect("a count");
    count as u64
}

async fn rows<T: FromEitherRow>(db: &Db, text: &'static str) -> Vec<T> {
    let mut conn = db.read().await.expect("a connection");
    sql(text).fetch_all(&mut conn).await.expect("rows")
}

async fn add_user(db: &Db, email: &'static str, role: &'static str) -> UserId {
    let id = UserId::new();
    db.execute(
        sql("insert into users (id, email, email_lower, password_hash, role, created_at)
            values ($1, $2, $2, '', $3, 1)")
        .bind(id)
        .bind(email)
        .bind(role),
    )
    .await
    .expect("a user");
    id
}

/// Adds a touch of a new visitor, and links the visitor to the user.
async fn add_lead(db: &Db, user: Option<UserId>) {
    let visitor = VisitorId::new();
    let signals = parse("utm_source=real", &CustomTags::default());
    let touch = Touch::of_link(signals, "/", NOW);
    store_first(db, touch, visitor, StoreMode::Now).await.expect("a touch");
    if let Some(user) = user {
        db.transaction(move |conn| Box::pin(link(conn, Some(visitor), user, NOW))).await.expect("a link");
    }
}

/// Returns all stored rows as text.
async fn everything(db: &Db) -> Vec<String> {
    type Touched = (
        TouchId,
        VisitorId,
        i64,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        String,
        String,
        i64,
        i64,
    );
    let touches: Vec<Touched> = rows(
        db,
        "select id, visitor_id, occurred_at, source, medium, campaign, term, click_ids,
        landing_path, hits, fingerprint from touches order by id",
    )
    .await;
    let visitors: Vec<(VisitorId, Option<UserId>, i64, Option<i64>)> =
        rows(db, "select id, user_id, first_seen_at, linked_at from visitors order by id").await;
    let users: Vec<(UserId, String, i64)> = rows(db, "select id, email, created_at from users order by id").await;
    let tokens: Vec<(String, Option<UserId>, i64)> =
        rows(db, "select token, owner_id, created_at from referral_tokens order by token").await;
    let referrals: Vec<(UserId, String, i64)> =
        rows(db, "select referee_id, token, created_at from referrals order by referee_id").await;
    type Converted = (ConversionId, UserId, String, i64, Option<String>, i64, String, String, Option<ConversionId>);
    let conversions: Vec<Converted> = rows(
        db,
        "select id, user_id, kind, value, currency, occurred_at, source, external_id, refund_of from conversions
        order by id",
    )
    .await;
    let mut all: Vec<String> = touches.iter().map(|row| format!("{row:?}")).collect();
    all.extend(visitors.iter().map(|row| format!("{row:?}")));
    all.extend(users.iter().map(|row| format!("{row:?}")));
    all.extend(tokens.iter().map(|row| format!("{row:?}")));
    all.extend(referrals.iter().map(|row| format!("{row:?}")));
    all.extend(conversions.iter().map(|row| format!("{row:?}")));
    all
}

#[tokio::test]
async fn the_same_seed_makes_the_same_rows_on_each_database() {
    let seen: Mutex<Vec<Vec<String>>> = Mutex::default();
    each_database(async |db| {
        filled(&db, &small()).await;
        let one = everything(&db).await;
        filled(&db, &Demo { seed: 2, replace: true, ..small() }).await;
        assert_ne!(everything(&db).await, one);
        filled(&db, &Demo { replace: true, ..small() }).await;
        let again = everything(&db).await;
        assert!(again == one, "filled again, it differs");
        seen.lock().expect("no panic before").push(one);
    })
    .await;
    let seen = seen.into_inner().expect("no panic before");
    assert!(seen[0].len() > 1000 && seen[0] == seen[1], "the databases differ");
}

#[tokio::test]
async fn later_on_the_same_day_there_is_more_of_today() {
    each_database(async |db| {
        // enough users for arrivals on every day
        let demo = Demo { users: 100, days: 5, ..Demo::default() };
        fill_until(&db, &demo, TODAY, |_, _| ()).await.expect("sample data");
        let last: Vec<(Timestamp,)> =
            rows(&db, "select max(occurred_at) from touches union all select max(first_seen_at) from visitors").await;
        assert!(last.iter().all(|(at,)| *at < TODAY), "{last:?}");
        let early: BTreeSet<String> = everything(&db).await.into_iter().collect();
        fill_until(&db, &Demo { replace: true, ..demo }, TODAY + DAY - MILLISECOND, |_, _| ())
            .await
            .expect("sample data");
        let late: BTreeSet<String> = everything(&db).await.into_iter().collect();
        assert!(early.is_subset(&late) && early.len() < late.len());
        assert_eq!(count(&db, "users").await, 100);
    })
    .await;
}

#[tokio::test]
async fn real_data_is_refused_and_an_admin_is_none() {
    each_database(async |db| {
        let admin = add_user(&db, "admin@example.com", "admin").await;
        // an admin's browser without touches
        db.transaction(move |conn| Box::pin(link(conn, None, admin, NOW))).await.expect("a link");
        filled(&db, &small()).await;
        assert!(matches!(fill(&db, &small(), |_, _| ()).await, Err(DemoError::AlreadyFilled)));
        remove(&db).await.expect("removed");

        add_lead(&db, None).await;
        let refused = fill(&db, &small(), |_, _| ()).await;
        assert!(matches!(refused, Err(DemoError::RealData { users: 0, touches: 1 })), "{refused:?}");
        // an address that a sample user of this seed has
        let taken = People::new(&small(), NOW, HashSet::new()).find_map(|person| person.user).expect("a user").email;
        add_user(&db, taken.leak(), "member").await;
        let refused = fill(&db, &Demo { replace: true, ..small() }, |_, _| ()).await;
        assert!(matches!(refused, Err(DemoError::RealData { users: 1, touches: 1 })), "{refused:?}");
        assert_eq!(count(&db, "users where sample").await, 0);

        let mixed = filled(&db, &Demo { mix: true, ..small() }).await;
        assert_eq!(mixed.users, 60);
        assert_eq!(count(&db, "users").await, 62);
    })
    .await;
}

#[tokio::test]
async fn a_removal_leaves_what_is_real_and_nothing_else() {
    each_database(async |db| {
        let admin = add_user(&db, "admin@waymark.example", "admin").await;
        let member = add_user(&db, "member@waymark.example", "member").await;
        add_lead(&db, Some(admin)).await;
        add_lead(&db, Some(member)).await;
        add_lead(&db, None).await;
        crate::attribution::referral::token::own_token(&db, "", member).await.expect("a token");
        db.transaction(move |conn| Box::pin(sign_up_conversion(conn, member, NOW))).await.expect("a conversion");
        let real = everything(&db).await;

        // more visitors than one transaction removes
        let demo = Demo { users: 130, mix: true, ..Demo::default() };
        let added = filled(&db, &demo).await;
        assert!(added.visitors > remove::PAGE as u64 && added.referrals > 0);
        let removed = remove(&db).await.expect("removed");
        assert_eq!(removed, added);
        assert_eq!(everything(&db).await, real);
        assert_eq!(remove(&db).await.expect("nothing to remove"), DemoSummary::default());
    })
    .await;
}

#[tokio::test]
async fn a_fill_that_another_overtakes_is_told_so() {
    each_database(async |db| {
        let demo = small();
        let both = tokio::join!(fill_until(&db, &demo, NOW, |_, _| ()), fill_until(&db, &demo, NOW, |_, _| ()),);
        let (one, other) = match both {
            (Ok(summary), Err(error)) | (Err(error), Ok(summary)) => (summary, error),
            both => panic!("{both:?}"),
        };
        assert!(matches!(other, DemoError::AlreadyFilled), "{other:?}");
        assert_eq!(count(&db, "touches").await, one.touches);
    })
    .await;
}

#[tokio::test]
async fn the_counts_are_what_is_stored_and_progress_ends() {
    each_database(async |db| {
        let mut heard = Vec::new();
        let summary =
            fill_until(&db, &Demo::default(), NOW, |done, total| heard.push((done, total))).await.expect("sample data");
        let stored = DemoSummary {
            users: count(&db, "users where sample and password_hash = '!'").await,
            visitors: count(&db, "visitors where sample").await,
            touches: count(&db, "touches").await,
            referrals: count(&db, "referrals").await,
            conversions: count(&db, "conversions where sample").await,
        };
        assert_eq!(summary, stored);
        assert_eq!(summary.users, 400);
        assert!((4700..=4800).contains(&summary.visitors) && (7500..=9500).contains(&summary.touches), "{summary:?}");
        assert!((15..=80).contains(&summary.referrals), "{summary:?}");
        assert_eq!(count(&db, "conversions where kind = 'signup' and id = user_id").await, 400);
        assert!(heard.is_sorted() && heard.len() > 2 && heard.last() == Some(&(4800, 4800)), "{heard:?}");
    })
    .await;
}

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
