use super::{
    facts, question,
    sample::{DAY, ORIGIN, Sample},
};
use crate::{
    attribution::report::{
        Filter, Preset,
        journey::journey,
        leads::{Lead, find_leads, lead, leads_of_visitor, read_leads},
    },
    db::{
        Db,
        page::{Cursor, Page, Position},
        sql,
        testing::each_database,
    },
    id::{TouchId, UserId},
    timestamp::{MILLISECOND, Timestamp},
};

const NOW: Timestamp = super::recompute::NOW;

fn filter(query: &str) -> Filter {
    Filter::parse(query, Preset::All, NOW).filter
}

async fn page(db: &Db, query: &str, position: Position<Cursor>, limit: u32) -> Page<Lead, Cursor> {
    let (facts, question) = (facts(db).await, question(db, &filter(query)).await);
    let found = find_leads(&facts, &question, position, limit);
    let mut conn = db.read().await.expect("a connection");
    read_leads(&mut conn, &facts, &question, &found).await.expect("a page")
}

async fn ids(db: &Db, query: &str) -> Vec<TouchId> {
    page(db, query, Position::Newest, 1_000).await.rows.into_iter().map(|lead| lead.id).collect()
}

#[tokio::test]
async fn leads_are_the_rows_of_the_view_newest_first() {
    let sample = Sample::pseudo_random(3);
    each_database(async |db| {
        sample.store(&db).await;
        let mut conn = db.read().await.expect("a connection");
        let viewed: Vec<(TouchId,)> = sql(r#"select id from lead_sources order by "timestamp" desc, id desc"#)
            .fetch_all(&mut conn)
            .await
            .expect("the view");
        let viewed: Vec<_> = viewed.into_iter().map(|(id,)| id).collect();
        assert!(viewed.len() > 100);
        assert_eq!(ids(&db, "").await, viewed);
    })
    .await;
}

#[tokio::test]
async fn pages_stay_while_new_rows_arrive() {
    let sample = Sample::pseudo_random(5);
    each_database(async |db| {
        sample.store(&db).await;
        let all = ids(&db, "").await;

        let (mut walked, mut position, mut firsts) = (Vec::new(), Position::Newest, Vec::new());
        loop {
            let page = page(&db, "", position, 7).await;
            walked.extend(page.rows.iter().map(|lead| lead.id));
            firsts.push(page.rows[0].id);
            // rows that arrive between two pages are newer than the rows seen so far
            let mut later = Sample::default();
            let user = later.user(&format!("{}@example.com", UserId::new()), NOW);
            let visitor = later.visitor(Some(user));
            later.touch(visitor, NOW + walked.len() as u32 * MILLISECOND, Some("later"));
            later.store(&db).await;
            let Some(older) = page.older else { break };
            // a cursor survives its way through an address
            position = Position::Before(older.to_string().parse().expect("a cursor"));
        }
        assert_eq!(walked, all);

        // and back: each page begins where it began before
        let mut page = self::page(&db, "", position, 7).await;
        for first in firsts.iter().rev().skip(1) {
            let newer = page.newer.expect("a newer page");
            page = self::page(&db, "", Position::After(newer), 7).await;
            assert_eq!(page.rows[0].id, *first);
        }
        assert!(page.newer.is_some(), "the rows that arrived are newer still");
    })
    .await;
}

#[tokio::test]
async fn leads_of_one_moment_are_each_on_one_page() {
    let mut sample = Sample::default();
    for n in 0..5 {
        let user = sample.user(&format!("{n}@example.com"), ORIGIN);
        let visitor = sample.visitor(Some(user));
        sample.touch(visitor, ORIGIN, None);
        sample.touch(visitor, ORIGIN, None);
    }
    each_database(async |db| {
        sample.store(&db).await;
        let first = page(&db, "", Position::Newest, 4).await;
        assert_eq!(first.newer, None);
        let second = page(&db, "", Position::Before(first.older.expect("more")), 6).await;
        assert_eq!(second.older, None);
        let mut seen: Vec<_> = first.rows.iter().chain(&second.rows).map(|lead| lead.id).collect();
        assert_eq!(seen.len(), 10);
        seen.dedup();
        assert_eq!(seen, ids(&db, "").await);
    })
    .await;
}

#[tokio::test]
async fn a_search_takes_its_characters_as_they_are() {
    let mut sample = Sample::default();
    let user = sample.user("Some_One@Example.com", ORIGIN);
    let visitor = sample.visitor(Some(user));
    let campaigns = ["50%_off", "50 off", "a\\b", "50%xoff", "it's"];
    let rows: Vec<_> = campaigns.iter().map(|campaign| sample.touch(visitor, ORIGIN, Some(campaign))).collect();
    each_database(async |db| {
        sample.store(&db).await;
        for (q, expected) in [
            ("%25_", &rows[..1]),
            ("50%25", &[rows[0], rows[3]]),
            ("_off", &rows[..1]),
            ("%5C", &rows[2..3]),
            ("'", &rows[4..]),
            ("' or 1=1 --", &[]),
            ("SOME_O", &rows),
            ("some%25", &[]),
        ] {
            let mut found = ids(&db, &format!("q={q}")).await;
            found.sort();
            assert_eq!(found, expected, "{q}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_lead_opens_with_all_it_holds_and_nobodys_touch_does_not() {
    let mut sample = Sample::default();
    let user = sample.user("a@example.com", ORIGIN);
    let (visitor, nobody) = (sample.visitor(Some(user)), sample.visitor(None));
    let (mine, other) = (sample.touch(visitor, ORIGIN, Some("spring")), sample.touch(nobody, ORIGIN, None));
    each_database(async |db| {
        sample.store(&db).await;
        let mut conn = db.read().await.expect("a connection");
        let found: Lead = lead(&mut conn, mine).await.expect("an answer").expect("a lead");
        assert_eq!((found.user_email.as_str(), found.campaign.as_deref()), ("a@example.com", Some("spring")));
        assert_eq!((found.click_ids.as_str(), found.hits, found.internal), (r#"{"gclid":"AbC-_1"}"#, 1, false));
        assert_eq!(lead(&mut conn, other).await.expect("an answer"), None);
        assert_eq!(lead(&mut conn, TouchId::new()).await.expect("an answer"), None);
        assert_eq!(leads_of_visitor(&mut conn, visitor, 10).await.expect("leads"), [found]);
    })
    .await;
}

#[tokio::test]
async fn a_journey_joins_the_browsers_of_a_user_in_order() {
    let mut sample = Sample::default();
    let user = sample.user("a@example.com", ORIGIN + 3 * DAY);
    let (phone, desk) = (sample.visitor(Some(user)), sample.visitor(Some(user)));
    let third = sample.touch(phone, ORIGIN + 4 * DAY, None);
    let second = sample.touch(desk, ORIGIN + DAY, None);
    let first = sample.touch(phone, ORIGIN, None);
    each_database(async |db| {
        sample.store(&db).await;
        let mut conn = db.read().await.expect("a connection");
        let found = journey(&mut conn, user).await.expect("an answer").expect("a user");
        assert_eq!(found.user.created_at, ORIGIN + 3 * DAY);
        assert_eq!(found.touches.iter().map(|touch| touch.id).collect::<Vec<_>>(), [first, second, third]);
        assert_eq!(found.referral, None);
        assert_eq!(journey(&mut conn, UserId::new()).await.expect("an answer"), None);
    })
    .await;
}
