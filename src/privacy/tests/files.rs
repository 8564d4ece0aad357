//! After an erasure nothing of the user is left in tables and files, and the totals are as before.

use std::{path::Path, time::Duration};

use sqlx::{Connection, SqliteConnection};

use super::{
    Arrival, DAY, Person, THEN, conversion, count, erase, link, person, run, run_all, session, touch, touch_row,
    visitor,
};
use crate::{
    attribution::{
        model::{Model, Weights},
        report::{
            Filter, Preset, Question,
            credit::{CreditSettings, CreditedConversion, credit_of_user},
            ranking::{Dimension, Ranked},
            tests::{facts, ranking, totals},
            totals::Totals,
            trend::Metric,
        },
    },
    db::{
        Db, Dialect, sql,
        testing::{TestDatabase, each_database},
    },
    id::{TouchId, VisitorId},
    privacy::file_wipe,
};

const EMAIL: &str = "unmistakable.maria@erased.example";
/// Texts that must be nowhere after the erasure.
const SECRETS: [&str; 6] = [
    "unmistakable.maria",
    "unmistakable%2Emaria",
    "UNMISTAKABLE-CLICK",
    "unmistakable-tag",
    "unmistakable-term",
    "unmistakable-order",
];
const WINDOW: Duration = Duration::from_hours(90 * 24);

/// The number of Maria's arrivals. Every second arrival repeats the arrival before, and models count both as one step.
const ARRIVALS: u32 = 1_000;

/// Adds Maria's rows among others'. Other rows are added, removed and enlarged, so that the database splits its pages often.
async fn churned(db: &Db) -> Person {
    let maria = person(db, EMAIL).await;
    let stranger = visitor(db, THEN).await;
    let (mut rows, mut strangers) = (Vec::new(), Vec::new());
    for n in 0..ARRIVALS {
        let arrival = Arrival { at: THEN - n * Duration::from_secs(1), ..Arrival::default() };
        // Two clicks on one ad with different click ids are one step for the models, before and after the erasure.
        let clicks = format!(r#"{{"gclid":"UNMISTAKABLE-CLICK-{n}"}}"#);
        let tags = format!(r#"{{"ref":["unmistakable-tag-{n}","{EMAIL}"]}}"#);
        let term = format!("unmistakable-term-{}", n / 2);
        let hers =
            Arrival { click_ids: &clicks, tags: &tags, term: &term, fingerprint: i64::MIN + i64::from(n), ..arrival };
        rows.push(touch_row(TouchId::new(), maria.visitor, hers));
        for _ in 0..2 {
            let id = TouchId::new();
            rows.push(touch_row(id, stranger, arrival));
            strangers.push(id);
        }
    }
    // A linear congruential generator (Knuth, MMIX): the same order and lengths each time.
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    while !strangers.is_empty() {
        let id = strangers.swap_remove(next(strangers.len()));
        rows.push(match next(10) {
            0 => sql("delete from touches where id = $1").bind(id),
            _ => sql("update touches set tags = $2 where id = $1").bind(id).bind("y".repeat(next(1400))),
        });
    }
    run_all(db, rows).await;
    for n in 0..60 {
        let member = person(db, &format!("somebody-{n}@example.com")).await;
        let campaign = format!("c{}", n % 7);
        touch(db, member.visitor, Arrival { campaign: &campaign, ..Arrival::default() }).await;
        session(db, member.user).await;
        session(db, maria.user).await;
        conversion(db, member.user, &format!("order-{n}"), n, None).await;
    }
    run(db, sql("delete from tower_sessions where user_id <> $1").bind(maria.user)).await;
    conversion(db, maria.user, "unmistakable-order", 4900, None).await;
    crate::auth::throttle::count_failure(db, EMAIL, None).await.expect("counted");
    named_elsewhere(db).await;
    maria
}

/// Puts Maria's address into other people's rows: links, orders, names of campaigns.
async fn named_elsewhere(db: &Db) {
    let friend = person(db, "friend@example.com").await;
    conversion(db, friend.user, &format!("gift-for:{EMAIL}"), 100, None).await;
    for (alias, campaign) in
        [(EMAIL, "letters"), ("letter-1", "to unmistakable.maria@erased.example"), ("kept", "spring")]
    {
        run(
            db,
            sql("insert into campaign_aliases (alias, campaign, created_at) values ($1, $2, 0)")
                .bind(alias)
                .bind(campaign),
        )
        .await;
    }
    link(db, friend.user, "friends-link").await;
    run(
        db,
        sql("update referral_tokens set campaign = $1, landing_path = $2")
            .bind(format!("from {EMAIL}"))
            .bind("/hello/unmistakable.maria%40erased%2eexample"),
    )
    .await;
}

/// Adds touches of another browser, whose paths contain the address partly percent-encoded.
async fn forwarded(db: &Db) -> VisitorId {
    let browser = visitor(db, THEN).await;
    for path in ["/unsub/unmistakable.maria@erased%2Eexample", "/unsub/unmistakable%2Emaria%40erase%64.example"] {
        touch(db, browser, Arrival { landing_path: path, ..Arrival::default() }).await;
    }
    browser
}

type Numbers = Vec<(String, Totals, Vec<Vec<Ranked>>)>;

/// Returns the numbers of reports under several filters.
async fn numbers(db: &Db) -> Numbers {
    let queries = [
        "period=all",
        "period=all&source=google",
        "period=all&campaign=spring",
        "period=all&campaign=c3",
        "period=all&channel=Paid+Search&medium=cpc",
        "period=all&term=shoes",
        "period=all&content=banner",
        "period=all&q=spring",
        "from=2026-10-31&to=2026-11-01",
    ];
    let facts = facts(db).await;
    let mut numbers = Vec::new();
    for query in queries {
        let filter = Filter::parse(query, Preset::All, THEN + DAY).filter;
        let question = Question::new(db, filter, WINDOW).await.expect("a question");
        let headline = totals(&facts, &question);
        let mut rankings = Vec::new();
        for dimension in [Dimension::Channel, Dimension::Source, Dimension::LandingPage, Dimension::Referrer] {
            for metric in [Metric::Touches, Metric::Leads, Metric::Signups] {
                rankings.push(ranking(&facts, &question, dimension, metric, 100));
            }
        }
        numbers.push((query.to_owned(), headline, rankings));
    }
    numbers
}

/// Returns the credit of each of Maria's touches.
async fn credits(db: &Db, maria: Person) -> Vec<CreditedConversion> {
    let mut conn = db.read().await.expect("a connection");
    let settings =
        CreditSettings { weights: Weights::default(), window: WINDOW, windows: Vec::new(), internal_touches: true };
    let mut credits = Vec::new();
    for model in Model::ALL {
        let credited = credit_of_user(&mut conn, maria.user, &settings, model).await.expect("credits");
        assert_eq!(credited[0].shares.len() as u32, ARRIVALS / 2, "repeats are one");
        credits.extend(credited);
    }
    credits
}

/// Returns which secrets stand in the files of a folder, and where.
fn in_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("its bytes");
        files += 1;
        for secret in SECRETS {
            let copies = bytes.windows(secret.len()).filter(|window| *window == secret.as_bytes()).count();
            if copies > 0 {
                found.push(format!("{copies} × {secret} in {}", path.display()));
            }
        }
    }
    assert!(files > 0);
    found
}

/// Returns which secrets stand in a column of any table, and where.
async fn in_tables(db: &Db) -> Vec<String> {
    let mut conn = db.read().await.expect("a connection");
    let columns = match db.dialect() {
        Dialect::Sqlite => {
            "select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table'"
        }
        Dialect::Postgres => {
            "select cast(table_name as text), cast(column_name as text) from information_schema.columns
             where table_schema = 'public'"
        }
    };
    let columns: Vec<(String, String)> = sql(columns).fetch_all(&mut conn).await.expect("columns");
    assert!(columns.len() > 60);
    let mut found = Vec::new();
    for (table, column) in columns {
        let text = match db.dialect() {
            Dialect::Sqlite => format!("cast({column} as text)"),
            Dialect::Postgres => format!(
                "case when cast(pg_typeof({column}) as text) = 'bytea' then encode(cast(cast({column} as text) as bytea), 'escape')
                 else cast({column} as text) end"
            ),
        };
        for secret in SECRETS {
            let rows: i64 = sql(format!("select count(*) from {table} where {text} like $1"))
                .bind(format!("%{secret}%"))
                .fetch_scalar(&mut conn)
                .await
                .expect("a count");
            if rows > 0 {
                found.push(format!("{secret} in {rows} of {table}.{column}"));
            }
        }
    }
    found
}

#[tokio::test]
async fn no_trace_is_left_and_totals_are_what_they_were() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        eprintln!("on {dialect:?}");
        let database = TestDatabase::create(dialect).await;
        let db = Db::connect(&database.url).await.expect("a database");
        db.migrate().await.expect("the migrations run");
        let folder =
            database.url.strip_prefix("sqlite://").map(|file| Path::new(file).parent().expect("a folder").to_owned());
        let maria = churned(&db).await;
        let before = (numbers(&db).await, credits(&db, maria).await);
        let browser = forwarded(&db).await;
        assert!(in_tables(&db).await.len() >= SECRETS.len(), "the test would not see them");
        assert!(folder.as_deref().is_none_or(|folder| !in_files(folder).is_empty()));
        // a reader reads during the erasure
        let reader = db.clone();
        let reading = tokio::spawn(async move { numbers(&reader).await });

        erase(&db, maria.user).await.expect("erased");
        let unclean = "select count(*) from erasures where files_cleaned_at is null";
        assert_eq!(count(&db, unclean).await, 1, "noted, should the process end here");
        assert!(file_wipe::clear(&db, Duration::from_secs(5)).await.expect("cleared"));
        reading.await.expect("read");

        assert_eq!(in_tables(&db).await, [""; 0]);
        let others = "select (select count(*) from campaign_aliases) * 100 +
            (select count(*) from referral_tokens where campaign = 'referral' and landing_path = '/') * 10 +
            (select count(*) from conversions where value = 100 and external_id like 'erased:%')";
        assert_eq!(count(&db, others).await, 111, "of others only what names her is gone");
        if let Some(folder) = &folder {
            assert_eq!(in_files(folder), [""; 0]);
            let check = sql("select * from pragma_integrity_check");
            let intact: String = check.fetch_scalar(&mut db.read().await.expect("a connection")).await.expect("text");
            assert_eq!(intact, "ok");
        }
        // these touches were added after the first count
        run(&db, sql("delete from touches where visitor_id = $1").bind(browser)).await;
        let after = (numbers(&db).await, credits(&db, maria).await);
        for (before, after) in before.0.iter().zip(&after.0) {
            assert_eq!(before, after);
        }
        assert!(before.1 == after.1, "credit has moved");
        assert_eq!(count(&db, unclean).await, 0);
        db.close().await;
        database.remove().await;
    }
}

#[tokio::test]
async fn what_an_older_release_left_in_the_file_goes_with_the_next_erasure() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let db = Db::connect(&database.url).await.expect("a database");
    db.migrate().await.expect("the migrations run");
    let file = database.url.strip_prefix("sqlite://").expect("a file").to_owned();
    let folder = Path::new(&file).parent().expect("a folder");
    let somebody = person(&db, "somebody@example.com").await;
    {
        let mut old = SqliteConnection::connect(&database.url).await.expect("a connection");
        for n in 0..200 {
            for statement in ["pragma secure_delete = off", "insert into jobs (name, leased_until) values ($1, 0)"] {
                sqlx::query(statement)
                    .bind(format!("{}-{n}-{EMAIL}", SECRETS[1]))
                    .execute(&mut old)
                    .await
                    .expect("run");
            }
        }
        sqlx::query("delete from jobs").execute(&mut old).await.expect("deleted");
        old.close().await.expect("closed");
    }
    assert!(!in_files(folder).is_empty(), "the test would not see them");
    erase(&db, somebody.user).await.expect("erased");
    assert!(file_wipe::clear(&db, Duration::from_secs(5)).await.expect("cleared"));
    assert_eq!(in_files(folder), [""; 0]);
    db.close().await;
    database.remove().await;
}

#[tokio::test]
async fn erasures_share_a_cleaning_and_one_that_came_meanwhile_waits_for_the_next() {
    const UNCLEAN: &str = "select count(*) from erasures where files_cleaned_at is null";
    each_database(async |db| {
        for n in 0..3 {
            let user = person(&db, &format!("{n}@example.com")).await.user;
            erase(&db, user).await.expect("erased");
        }
        assert_eq!(count(&db, UNCLEAN).await, 3);
        let at_once = futures::future::join_all((0..3).map(|_| file_wipe::clear(&db, Duration::from_secs(20)))).await;
        assert!(at_once.iter().all(|answer| matches!(answer, Ok(true))), "{at_once:?}");
        // The job rests now, so another erasure waits.
        let user = person(&db, "late@example.com").await.user;
        run(&db, sql("update jobs set leased_until = $1 where name = 'wipe'").bind(db.now() + Duration::from_mins(1)))
            .await;
        erase(&db, user).await.expect("erased");
        assert!(!file_wipe::clear(&db, Duration::ZERO).await.expect("answered"));
        assert_eq!(count(&db, UNCLEAN).await, 1);
        run(&db, sql("update jobs set leased_until = 0 where name = 'wipe'")).await;
        assert!(file_wipe::clear(&db, Duration::ZERO).await.expect("cleared"));
        assert_eq!(count(&db, UNCLEAN).await, 0);
    })
    .await;
}

#[tokio::test]
async fn writers_hardly_wait_while_the_file_is_cleaned() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let db = Db::connect(&database.url).await.expect("a database");
    db.migrate().await.expect("the migrations run");
    let maria = churned(&db).await;
    // more pages than one transaction writes
    for _ in 0..10 {
        run(
            &db,
            sql("insert into touches select randomblob(16), visitor_id, occurred_at, source, medium, campaign, term,
            content, utm_id, source_platform, creative_format, marketing_tactic, channel, click_ids, tags, landing_path,
            referrer, derived, internal, hits, fingerprint / 2, origin, rules_version, null from touches limit 2000"),
        )
        .await;
    }
    erase(&db, maria.user).await.expect("erased");
    let cleaning = tokio::spawn({
        let db = db.clone();
        async move { file_wipe::clear(&db, Duration::from_secs(20)).await }
    });
    let (mut longest, mut writes) = (Duration::ZERO, 0);
    while !cleaning.is_finished() {
        let begin = std::time::Instant::now();
        visitor(&db, THEN).await;
        longest = longest.max(begin.elapsed());
        writes += 1;
    }
    assert!(cleaning.await.expect("no panic").expect("answered"), "cleaned");
    assert!(writes > 5 && longest < Duration::from_secs(2), "{writes} writes, the longest {longest:?}");
    let intact: String = sql("select * from pragma_integrity_check")
        .fetch_scalar(&mut db.read().await.expect("a connection"))
        .await
        .expect("text");
    assert_eq!(intact, "ok");
    db.close().await;
    database.remove().await;
}
