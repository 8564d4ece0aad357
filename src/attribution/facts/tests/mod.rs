//! Facts that were brought up to date equal facts that are loaded anew, whatever happened.

/// How facts are read from the database, and which of them a report goes over.
mod loading;
/// What a statement of PostgreSQL reads.
mod plans;

use std::{fmt::Write, path::Path, sync::Arc, time::Duration};

use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use super::{
    Facts, NoFacts, Text,
    changes::{self, Bookmark},
    keeper::{FactsKeeper, KeeperSettings},
    load, load_all,
    on_disk::SnapshotFile,
    snapshot::{self, Snapshot},
};
use crate::{
    db::{
        Db, Dialect, Value, sql,
        testing::{TestDatabase, each_database},
    },
    id::{ConversionId, TouchId, UserId, VisitorId},
    random::Random,
};

const LONG: Duration = Duration::from_mins(1);

fn keeper(db: &Db) -> FactsKeeper {
    FactsKeeper::new(db.clone(), KeeperSettings { memory: 64 << 20, idle: LONG, file: None })
}

async fn facts(keeper: &FactsKeeper) -> Arc<Facts> {
    keeper.facts_within(LONG).await.expect("facts")
}

/// Writes all that facts know, without numbers, which depend on the order in which texts came.
fn described(facts: &Facts) -> Vec<String> {
    let dictionary = facts.dictionary();
    let text = |text: Text| dictionary.texts.get(text).to_owned();
    let mut lines = Vec::new();
    for person in facts.chunks.iter().flat_map(|chunk| chunk.persons()) {
        let mut line = format!("{} {:?}", person.id(), person.user().map(|user| user.created_at));
        let again: Vec<_> = person.repeats().collect();
        for touch in person.touches() {
            let (tuple, page) = (dictionary.tuple(touch.tuple), dictionary.page(touch.page));
            let campaign = dictionary.campaigns()[dictionary.campaign_of(touch.tuple).place()];
            let fields = [tuple.source, tuple.medium, tuple.campaign, tuple.term, tuple.content, campaign.campaign];
            let rest = [tuple.channel, tuple.rules_version, page.landing_path].map(text);
            let flags = (tuple.key, tuple.derived, tuple.internal, touch.next_visitor, touch.at);
            let fields = fields.map(|field| field.map(text));
            write!(line, " | {fields:?} {rest:?} {:?} {flags:?}", page.referrer.map(text)).expect("text");
        }
        for conversion in person.conversions() {
            let named = (text(conversion.kind), conversion.currency.map(text));
            let numbers = (conversion.value, conversion.before, conversion.occurred_at, conversion.credited_at);
            write!(line, " > {named:?} {numbers:?} {}", conversion.is_refund).expect("text");
        }
        write!(line, " {again:?}").expect("text");
        lines.push(line);
    }
    assert!(lines.is_sorted(), "persons are in the order of their ids");
    lines
}

/// Makes random changes by SQL. The rows that there are stand in the lists.
struct History {
    random: Random,
    users: Vec<UserId>,
    /// Each with whether the visitor is linked.
    visitors: Vec<(VisitorId, bool)>,
    touches: Vec<TouchId>,
    conversions: Vec<(ConversionId, UserId)>,
}

const DAY: i64 = 86_400_000;

impl History {
    fn new(seed: u64) -> Self {
        let random = Random::new(seed);
        Self { random, users: Vec::new(), visitors: Vec::new(), touches: Vec::new(), conversions: Vec::new() }
    }

    fn time(&mut self) -> i64 {
        // few different times, so that rows share one
        let times = if self.random.below(3) == 0 { 3 } else { 400 };
        (self.random.below(times) as i64) * DAY / 4
    }

    /// Returns statements that change something.
    fn step(&mut self) -> Vec<(&'static str, Vec<Value>)> {
        let (time, some) = (self.time(), self.random.below(4) as i64);
        let visitor = (!self.visitors.is_empty()).then(|| *self.random.pick(&self.visitors));
        let user = (!self.users.is_empty()).then(|| *self.random.pick(&self.users));
        let touch = (!self.touches.is_empty()).then(|| *self.random.pick(&self.touches));
        match (self.random.below(20), visitor, user, touch) {
            (0..=2, ..) => {
                let id = VisitorId::new();
                self.visitors.push((id, false));
                let mut made =
                    vec![("insert into visitors (id, first_seen_at) values ($1, $2)", vec![id.into(), time.into()])];
                made.extend(self.touch(id));
                made
            }
            (3..=6, Some((visitor, _)), ..) => self.touch(visitor).into_iter().collect(),
            (7, ..) => {
                let id = UserId::new();
                self.users.push(id);
                vec![(
                    "insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $2, '!', $3)",
                    vec![id.into(), id.to_string().into(), time.into()],
                )]
            }
            (8..=9, Some((visitor, false)), Some(user), _) => {
                self.visitors.iter_mut().filter(|(id, _)| *id == visitor).for_each(|(_, linked)| *linked = true);
                vec![(
                    "update visitors set user_id = $2, linked_at = $3 where id = $1",
                    vec![visitor.into(), user.into(), time.into()],
                )]
            }
            (10, _, _, Some(touch)) => vec![("update touches set hits = hits + 1 where id = $1", vec![touch.into()])],
            (11, _, _, Some(touch)) => vec![(
                "update touches set term = $2, landing_path = $3, derived = not derived where id = $1",
                vec![touch.into(), format!("term {some}").into(), format!("/{some}").into()],
            )],
            (12, Some((visitor, _)), _, Some(touch)) => {
                vec![("update touches set visitor_id = $2 where id = $1", vec![touch.into(), visitor.into()])]
            }
            (13, _, Some(user), _) => {
                let id = ConversionId::new();
                self.conversions.push((id, user));
                vec![(
                    "insert into conversions (id, user_id, kind, value, currency, occurred_at, recorded_at, source, external_id)
                     values ($1, $2, $3, 1000, 'EUR', $4, $4, 'shop', $5)",
                    vec![id.into(), user.into(), format!("kind {some}").into(), time.into(), id.to_string().into()],
                )]
            }
            (14, ..) if !self.conversions.is_empty() => {
                let (of, user) = *self.random.pick(&self.conversions);
                let id = ConversionId::new();
                vec![(
                    "insert into conversions (id, user_id, kind, value, currency, occurred_at, recorded_at, source,
                                              external_id, refund_of)
                     values ($1, $2, 'kind 0', -10, 'EUR', $3, $3, 'shop', $4, $5)",
                    vec![id.into(), user.into(), time.into(), id.to_string().into(), of.into()],
                )]
            }
            (15, ..) => vec![
                ("delete from campaign_aliases where alias = $1", vec![format!("campaign {some}").into()]),
                (
                    "insert into campaign_aliases (alias, campaign, created_at) values ($1, $2, 0)",
                    vec![format!("campaign {some}").into(), "merged".into()],
                ),
            ],
            (16, ..) => {
                vec![("delete from campaign_aliases where alias = $1", vec![format!("campaign {some}").into()])]
            }
            // reclassification
            (17, ..) => vec![(
                "update touches set channel = $2, rules_version = $3 where campaign = $1",
                vec![format!("campaign {some}").into(), "Email".into(), format!("{time}").into()],
            )],
            // erasure
            (18, _, Some(user), _) => vec![(
                "update touches set term = null, fingerprint = $2
                 where visitor_id in (select id from visitors where user_id = $1)",
                vec![user.into(), (time + some).into()],
            )],
            // retention, an objection, and the removal of sample data
            (19, Some((visitor, _)), ..) => {
                self.visitors.retain(|(id, _)| *id != visitor);
                self.touches.clear();
                vec![
                    ("delete from touches where visitor_id = $1", vec![visitor.into()]),
                    ("delete from visitors where id = $1", vec![visitor.into()]),
                ]
            }
            _ => Vec::new(),
        }
    }

    fn touch(&mut self, visitor: VisitorId) -> Option<(&'static str, Vec<Value>)> {
        let (id, time) = (TouchId::new(), self.time());
        let mut some = |names: u64| self.random.below(names);
        let (campaign, source, page, internal) = (some(4), some(3), some(5), some(6) == 0);
        let source: Option<String> = (source > 0).then(|| format!("source {source}"));
        let referrer: Option<String> = (page > 2).then(|| format!("host{page}.example/path"));
        self.touches.push(id);
        Some((
            "insert into touches (id, visitor_id, occurred_at, source, campaign, channel, landing_path, referrer, internal,
                                  fingerprint)
             values ($1, $2, $3, $4, $5, 'Referral', $6, $7, $8, -1)",
            vec![
                id.into(),
                visitor.into(),
                time.into(),
                source.into(),
                format!("campaign {campaign}").into(),
                format!("/page{page}").into(),
                referrer.into(),
                internal.into(),
            ],
        ))
    }
}

async fn run(db: &Db, statements: Vec<(&'static str, Vec<Value>)>) {
    db.transaction(move |conn| {
        Box::pin(async move {
            for (text, values) in statements {
                sql(text).bind_all(values).execute(conn).await?;
            }
            Ok::<_, crate::db::Error>(())
        })
    })
    .await
    .expect("the rows are changed");
}

#[tokio::test]
async fn caught_up_facts_equal_facts_that_are_loaded_anew() {
    each_database(async |db| {
        for seed in 0..2 {
            let mut history = History::new(seed);
            // two replicas: one asks often, the other seldom
            let (often, seldom) = (keeper(&db), keeper(&db));
            facts(&seldom).await;
            for step in 0..300 {
                let statements = history.step();
                run(&db, statements).await;
                if step % 13 == 0 {
                    let caught_up = described(&*facts(&often).await);
                    assert_eq!(caught_up, described(&*facts(&keeper(&db)).await), "{seed} {step}");
                }
            }
            let anew = facts(&keeper(&db)).await;
            assert!(anew.chunks.len() > 5 && anew.counts().conversions > 5 && anew.counts().users > 10, "{seed}");
            let late = facts(&seldom).await;
            assert_eq!((described(&late), late.counts()), (described(&anew), anew.counts()), "{seed}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_report_keeps_the_facts_that_it_has_while_others_catch_up() {
    each_database(async |db| {
        let (keeper, mut history) = (keeper(&db), History::new(11));
        for _ in 0..100 {
            run(&db, history.step()).await;
        }
        let held = facts(&keeper).await;
        let before = described(&held);
        for _ in 0..100 {
            run(&db, history.step()).await;
        }
        assert_ne!(described(&*facts(&keeper).await), before);
        assert_eq!(described(&held), before);
    })
    .await;
}

/// Opens a transaction on PostgreSQL and adds a touch of a new visitor. The caller commits it.
async fn late_touch(conn: &mut PgConnection, visitor: Uuid) {
    conn.execute("begin").await.expect("a transaction");
    sqlx::query("insert into visitors (id, first_seen_at) values ($1, 0)")
        .bind(visitor)
        .execute(&mut *conn)
        .await
        .expect("a visitor");
    sqlx::query(
        "insert into touches (id, visitor_id, occurred_at, channel, landing_path, fingerprint)
         values ($1, $2, 0, 'Email', '/', -1)",
    )
    .bind(Uuid::now_v7())
    .bind(visitor)
    .execute(&mut *conn)
    .await
    .expect("a touch");
}

#[tokio::test]
async fn what_commits_late_is_seen() {
    let database = TestDatabase::create(Dialect::Postgres).await;
    let db = Db::connect(&database.url).await.expect("the new database can be opened");
    db.migrate().await.expect("the migrations run");
    let (keeper, mut history) = (keeper(&db), History::new(3));
    assert_eq!(facts(&keeper).await.counts().touches, 0);
    let mut slow = PgConnection::connect(&database.url).await.expect("a connection");
    let mut slower = PgConnection::connect(&database.url).await.expect("a connection");
    late_touch(&mut slow, Uuid::now_v7()).await;
    late_touch(&mut slower, Uuid::now_v7()).await;
    // others commit meanwhile, and the facts see them
    for _ in 0..50 {
        run(&db, history.step()).await;
    }
    let without = facts(&keeper).await.counts().touches;
    assert!(without > 5, "{without}");
    slow.execute("commit").await.expect("a commit");
    assert_eq!(facts(&keeper).await.counts().touches, without + 1);
    for _ in 0..50 {
        run(&db, history.step()).await;
        facts(&keeper).await;
    }
    slower.execute("commit").await.expect("a commit");
    let anew = self::keeper(&db);
    assert_eq!(described(&*facts(&keeper).await), described(&*facts(&anew).await));
    db.close().await;
    database.remove().await;
}

#[tokio::test]
async fn facts_that_missed_too_much_are_loaded_anew() {
    each_database(async |db| {
        let (keeper, mut history) = (keeper(&db), History::new(5));
        run(&db, vec![("delete from fact_changes", Vec::new())]).await;
        for _ in 0..50 {
            run(&db, history.step()).await;
        }
        let before = facts(&keeper).await.counts();
        for _ in 0..200 {
            run(&db, history.step()).await;
        }
        // the notes that the facts have not seen are gone, but for the last ones
        run(
            &db,
            vec![("delete from fact_changes where number < (select max(number) from fact_changes) - 3", Vec::new())],
        )
        .await;
        let after = facts(&keeper).await;
        assert_ne!(after.counts(), before);
        assert_eq!(described(&after), described(&*facts(&self::keeper(&db)).await));
    })
    .await;
}

/// Writes a snapshot of the database's facts and reads it back.
async fn stored(db: &Db, path: &Path) -> Snapshot {
    let position = changes::now(&mut db.read().await.expect("a connection")).await.expect("a position");
    let facts = Facts::clone(&*facts(&keeper(db)).await);
    let bookmark = Bookmark::add(db).await.expect("a bookmark");
    let snapshot = Snapshot { facts, position, bookmark, taken_at: db.now() };
    snapshot::write(path, &snapshot).expect("the file is written");
    snapshot
}

#[tokio::test]
async fn a_snapshot_has_the_facts_and_no_text_that_was_erased() {
    each_database(async |db| {
        let path = std::env::temp_dir().join(format!("waymark-{}.facts", Uuid::new_v4()));
        let mut history = History::new(21);
        for _ in 0..200 {
            run(&db, history.step()).await;
        }
        run(&db, history.touch(history.visitors[0].0).into_iter().collect()).await;
        let (keeper, erased) = (keeper(&db), "maria.example@example.com");
        let touch = history.touches.last().copied().expect("a touch");
        run(&db, vec![("update touches set content = $2 where id = $1", vec![touch.into(), erased.into()])]).await;
        assert!(facts(&keeper).await.dictionary().texts.find(erased).is_some());
        run(&db, vec![("update touches set content = null where id = $1", vec![touch.into()])]).await;

        let written = stored(&db, &path).await;
        let known = facts(&keeper).await;
        assert!(known.dictionary().texts.find(erased).is_some(), "the process still has the text");
        let position = written.position.clone();
        snapshot::write(&path, &Snapshot { facts: Facts::clone(&known), ..written }).expect("the file is written");
        let bytes = std::fs::read(&path).expect("the file");
        assert!(!bytes.windows(erased.len()).any(|bytes| bytes == erased.as_bytes()), "the file does not");
        let mut read = snapshot::read(&path).expect("a snapshot");
        assert_eq!((read.position, read.taken_at), (position, written.taken_at));
        let aliases = load::aliases(&mut db.read().await.expect("a connection")).await.expect("the aliases");
        read.facts.dictionary.set_aliases(&aliases);
        assert_eq!(described(&read.facts), described(&known));
        assert_eq!(read.facts.counts(), known.counts());
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("the file").permissions());
            assert_eq!(mode & 0o777, 0o600);
        }

        // a damaged file, a file that ends early, a file of another release, no file
        for place in (0..bytes.len()).step_by(bytes.len() / 50) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            std::fs::write(&path, &damaged).expect("the file is written");
            assert!(snapshot::read(&path).is_none(), "{place}");
            std::fs::write(&path, &bytes[..place]).expect("the file is written");
            assert!(snapshot::read(&path).is_none(), "{place}");
        }
        std::fs::remove_file(&path).expect("the file is removed");
        assert!(snapshot::read(&path).is_none());
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_serves_the_database_that_it_was_made_from_and_no_other() {
    each_database(async |db| {
        let path = std::env::temp_dir().join(format!("waymark-{}.facts", Uuid::new_v4()));
        let file = SnapshotFile(Some(path.clone()));
        assert!(file.open(&db).await.is_none(), "there is no file");
        let mut history = History::new(23);
        for _ in 0..100 {
            run(&db, history.step()).await;
        }
        stored(&db, &path).await;
        for _ in 0..100 {
            run(&db, history.step()).await;
        }
        // the server starts again, and sees what happened meanwhile
        let settings = KeeperSettings { memory: 64 << 20, idle: LONG, file: Some(path.clone()) };
        let restarted = FactsKeeper::new(db.clone(), settings);
        assert_eq!(described(&*facts(&restarted).await), described(&*facts(&keeper(&db)).await));

        assert!(!file.is_stale(&db).await.expect("an answer"));
        let (user, now) = (history.users[0], db.now());
        run(
            &db,
            vec![(
                "insert into erasures (id, user_id, token_hash, requested_at, rows_cleaned_at) values ($1, $2, $3, $4, $4)",
                vec![Uuid::now_v7().into(), user.into(), vec![1_u8].into(), now.into()],
            )],
        )
        .await;
        assert!(file.is_stale(&db).await.expect("an answer"), "somebody was erased");

        // an older copy of the database is put in place: the last notes are gone, and others come
        run(&db, vec![("delete from fact_changes where number > 10", Vec::new())]).await;
        for _ in 0..100 {
            run(&db, history.step()).await;
        }
        assert!(file.open(&db).await.is_none(), "the bookmark is gone");
        std::fs::write(&path, "touchfacts-1 and what an earlier release wrote").expect("the file is written");
        assert!(file.is_stale(&db).await.expect("an answer"), "the file is of another release");
        file.remove();
        assert!(!path.exists());
    })
    .await;
}

#[tokio::test]
async fn facts_that_are_too_large_are_refused_and_a_server_without_questions_has_none() {
    each_database(async |db| {
        let mut history = History::new(7);
        for _ in 0..200 {
            run(&db, history.step()).await;
        }
        let small = FactsKeeper::new(db.clone(), KeeperSettings { memory: 1 << 10, idle: LONG, file: None });
        let refused = small.facts_within(LONG).await.expect_err("they are too large");
        assert!(matches!(refused, NoFacts::TooLarge { limit: 1024, .. }), "{refused}");

        let brief = FactsKeeper::new(db.clone(), KeeperSettings { memory: 64 << 20, idle: Duration::ZERO, file: None });
        assert!(!brief.has_facts().await);
        facts(&brief).await;
        assert!(brief.has_facts().await);
        let mut waits = 0;
        while brief.has_facts().await {
            waits += 1;
            assert!(waits < 100, "the facts are not dropped");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(facts(&brief).await.counts().touches > 0, "the next question loads them again");
    })
    .await;
}
