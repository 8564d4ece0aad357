use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Mutex,
};

use super::{NOW, add_lead, add_user, count, day_of, everything, rows};
use crate::{
    attribution::touch::Touch,
    db::{Db, testing::each_database},
    demo::{
        DemoError, DemoSummary, LargeDemo, LargeProgress,
        large::fill_large_until,
        people::{People, Person},
        remove,
    },
    timestamp::{DAY, Timestamp},
};

/// The first moment of the day of [`NOW`].
const TODAY: Timestamp = super::TODAY;

fn demo(touches: u64) -> LargeDemo {
    LargeDemo { touches, days: 365, seed: 1, mix: false, replace: false }
}

async fn filled(db: &Db, demo: LargeDemo) -> DemoSummary {
    fill_large_until(db, demo, NOW, |_| ()).await.expect("sample data")
}

#[tokio::test]
async fn all_touches_are_stored_and_whole_and_the_databases_agree() {
    const TOUCHES: u64 = 4000;
    let seen: Mutex<Vec<Vec<String>>> = Mutex::default();
    each_database(async |db| {
        let mut heard: Vec<LargeProgress> = Vec::new();
        let summary = fill_large_until(&db, demo(TOUCHES), NOW, |at| heard.push(at)).await.expect("sample data");
        let stored = DemoSummary {
            users: count(&db, "users where sample and password_hash = '!'").await,
            visitors: count(&db, "visitors where sample").await,
            touches: count(&db, "touches").await,
            referrals: count(&db, "referrals").await,
            conversions: count(&db, "conversions where sample").await,
        };
        assert_eq!(summary, stored);
        assert_eq!(stored.touches, TOUCHES);
        let all = stored.users
            + stored.visitors
            + stored.touches
            + stored.referrals
            + stored.conversions
            + count(&db, "referral_tokens").await;
        assert_eq!(heard.last(), Some(&LargeProgress { touches: TOUCHES, rows: all }));

        // every touch has a visitor, who was there before; every visitor but those of direct sign-ups has a touch
        assert_eq!(
            count(&db, "touches t join visitors v on v.id = t.visitor_id where t.occurred_at >= v.first_seen_at").await,
            TOUCHES
        );
        let without =
            count(&db, "visitors v where not exists (select 1 from touches t where t.visitor_id = v.id)").await;
        assert!((5..60).contains(&without), "{without}");
        assert_eq!(count(&db, "users u where not exists (select 1 from visitors v where v.user_id = u.id)").await, 0);
        assert_eq!(count(&db, "users where email <> email_lower").await, 0);
        // one sign-up a user; refunds never exceed their purchase, in its currency and after it
        assert_eq!(count(&db, "conversions where kind = 'signup' and id = user_id").await, stored.users);
        let refunds: Vec<(i64, i64)> = rows(
            &db,
            "select p.value, r.value from conversions r join conversions p on p.id = r.refund_of
            and p.user_id = r.user_id and p.currency = r.currency and p.occurred_at < r.occurred_at",
        )
        .await;
        assert_eq!(refunds.len() as u64, count(&db, "conversions where refund_of is not null").await);
        assert!(!refunds.is_empty() && refunds.iter().all(|(paid, back)| *back < 0 && paid + back >= 0), "{refunds:?}");
        let currencies: Vec<(String, i64)> = rows(
            &db,
            "select currency, cast(sum(value) as bigint) from conversions
            where currency is not null group by currency order by currency",
        )
        .await;
        assert!(currencies.len() == 2 && currencies.iter().all(|(_, sum)| *sum > 0), "{currencies:?}");
        let all = everything(&db).await;
        seen.lock().expect("no panic before").push(all);
    })
    .await;
    let seen = seen.into_inner().expect("no panic before");
    assert!(seen[0].len() > 6000 && seen[0] == seen[1], "the databases differ");
}

#[tokio::test]
async fn it_mixes_with_nothing_unless_asked_and_leaves_nothing() {
    each_database(async |db| {
        let member = add_user(&db, "ada.lee1@example.com", "member").await;
        add_lead(&db, Some(member)).await;
        let real = everything(&db).await;
        let refused = fill_large_until(&db, demo(300), NOW, |_| ()).await;
        assert!(matches!(refused, Err(DemoError::RealData { users: 1, touches: 1 })), "{refused:?}");
        assert_eq!(everything(&db).await, real);

        let mixed = LargeDemo { mix: true, ..demo(300) };
        assert_eq!(filled(&db, mixed).await.touches, 300);
        let again = fill_large_until(&db, mixed, NOW, |_| ()).await;
        assert!(matches!(again, Err(DemoError::AlreadyFilled)), "{again:?}");
        let more = filled(&db, LargeDemo { touches: 500, replace: true, ..mixed }).await;
        assert_eq!((more.touches, count(&db, "touches").await), (500, 501));
        assert_eq!(remove(&db).await.expect("removed"), more);
        assert_eq!(everything(&db).await, real);
        assert_eq!(count(&db, "referral_tokens").await, 0);
    })
    .await;
}

fn people(demo: LargeDemo) -> Vec<Person> {
    People::many(&demo, NOW, HashSet::new()).collect()
}

/// Returns what matters of each touch, as text.
fn told(people: &[Person]) -> Vec<String> {
    people
        .iter()
        .flat_map(Person::touches)
        .map(|touch| format!("{} {:?} {}", touch.id, touch.utm, touch.click_ids))
        .collect()
}

#[test]
fn the_same_seed_makes_the_same_people_of_any_number() {
    let one = told(&people(demo(2000)));
    assert_eq!(one.len(), 2000);
    assert!(one == told(&people(demo(2000))));
    assert!(one != told(&people(LargeDemo { seed: 2, ..demo(2000) })));
    for (touches, days) in [(1, 1), (7, 3650), (100, 1), (365, 2)] {
        let people = people(LargeDemo { days, ..demo(touches) });
        assert_eq!(people.iter().flat_map(Person::touches).count() as u64, touches);
    }
}

#[test]
fn it_has_the_variety_of_a_large_site() {
    const TOUCHES: u64 = 60_000;
    let people = people(demo(TOUCHES));
    let touches = || people.iter().flat_map(Person::touches);
    assert!(touches().all(|touch| (NOW - 366 * DAY..TODAY).contains(&touch.occurred_at)));
    let distinct = |text: fn(&Touch) -> String| touches().map(text).collect::<BTreeSet<_>>().len();
    let tuples = distinct(|touch| format!("{:?} {}", touch.utm, touch.channel));
    assert!((3000..12_000).contains(&tuples), "{tuples} tuples");
    let campaigns = distinct(|touch| format!("{:?}", touch.utm.campaign));
    assert!((400..2000).contains(&campaigns), "{campaigns} campaigns");
    let pages = distinct(|touch| touch.landing_path.clone());
    assert!((2500..8000).contains(&pages), "{pages} landing pages");
    let hosts =
        distinct(|touch| touch.referrer.as_deref().unwrap_or("").split('/').next().unwrap_or_default().to_owned());
    assert!((200..600).contains(&hosts), "{hosts} hosts of referrers");
    let channels = distinct(|touch| touch.channel.to_owned());
    assert!(channels >= 10, "{channels} channels");

    let visitors: usize = people.iter().map(|person| 1 + person.further.len()).sum();
    let a_visitor = TOUCHES as f64 / visitors as f64;
    assert!((1.3..2.0).contains(&a_visitor), "{a_visitor} touches a visitor");
    let users = people.iter().filter(|person| person.user.is_some()).count() as f64;
    assert!((0.04..0.06).contains(&(users / visitors as f64)), "{users} users of {visitors} visitors");
    let direct = people.iter().filter(|person| person.touches.is_empty()).count() as f64;
    assert!((0.07..0.13).contains(&(direct / users)), "{direct} direct of {users}");
    let with_more = people.iter().filter(|person| !person.further.is_empty()).count() as f64;
    assert!((0.1..0.3).contains(&(with_more / users)), "{with_more} users with more browsers");

    let share = |which: fn(&Touch) -> bool| touches().filter(|touch| which(touch)).count() as f64 / TOUCHES as f64;
    let shares = [share(|touch| touch.derived), share(|touch| touch.internal), share(|touch| touch.hits > 1)];
    assert!(shares.iter().all(|share| (0.002..0.2).contains(share)), "{shares:?}");
    let referred = people.iter().filter_map(|person| person.user.as_ref()?.referred_by.as_ref()).count();
    let tokens: BTreeSet<_> = people.iter().filter_map(|person| person.user.as_ref()?.token.as_ref()).collect();
    assert!(referred > 30 && tokens.len() > 500, "{referred} referred by {} tokens", tokens.len());
    let emails: BTreeSet<_> = people.iter().filter_map(|person| Some(&person.user.as_ref()?.email)).collect();
    assert_eq!(emails.len() as f64, users);

    // repeat visits over months, and somebody on each day
    let long = people.iter().filter(|person| match (person.touches.first(), person.touches.last()) {
        (Some(first), Some(last)) => last.occurred_at - first.occurred_at > 60 * DAY,
        _ => false,
    });
    assert!(long.count() > 500);
    let mut by_day = BTreeMap::<i64, usize>::new();
    touches().for_each(|touch| *by_day.entry(day_of(touch.occurred_at)).or_default() += 1);
    assert_eq!(by_day.len(), 365);
}

#[test]
fn further_browsers_belong_to_their_users() {
    for person in people(demo(20_000)) {
        let Some(user) = &person.user else {
            assert!(person.further.is_empty());
            continue;
        };
        for browser in &person.further {
            let last = browser.touches.last().expect("a touch").occurred_at;
            assert!(browser.visitor != person.visitor && browser.touches[0].occurred_at == browser.first_seen_at);
            assert!(
                browser.first_seen_at >= person.first_seen_at
                    && browser.touches.is_sorted_by_key(|touch| touch.occurred_at)
            );
            assert!(browser.linked_at > user.created_at && browser.linked_at > last && browser.linked_at < TODAY);
        }
    }
}
