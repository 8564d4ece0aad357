use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::SqliteConnection;

use super::*;
use crate::{
    attribution::facts::{
        Person,
        scan::{Tally, scan},
    },
    timestamp::{MILLISECOND, Range, Timestamp},
};

#[tokio::test]
async fn facts_are_read_once_more_if_the_rows_of_the_file_get_other_numbers() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let db = Db::connect(&database.url).await.expect("the new database can be opened");
    db.migrate().await.expect("the migrations run");
    let mut history = History::new(31);
    let visitor = VisitorId::new();
    run(&db, vec![("insert into visitors (id, first_seen_at) values ($1, 0)", vec![visitor.into()])]).await;
    for _ in 0..250 {
        run(&db, history.touch(visitor).into_iter().collect()).await;
    }
    for touch in &history.touches[..120] {
        run(&db, vec![("delete from touches where id = $1", vec![(*touch).into()])]).await;
    }
    // The file is vacuumed when the first touches were read. Those that are left then have smaller numbers.
    let (told, url) = (Arc::new(AtomicUsize::new(0)), database.url.clone());
    let times = told.clone();
    let vacuum = move |_, _| {
        if times.fetch_add(1, Ordering::Relaxed) == 0 {
            let url = url.clone();
            let vacuumed = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let mut conn = SqliteConnection::connect(&url).await.expect("a connection");
                    conn.execute("vacuum").await.expect("the file is vacuumed");
                });
            });
            vacuumed.join().expect("the file is vacuumed");
        }
    };
    let loaded = load_all::all(&db, 64 << 20, vacuum).await.expect("facts");
    assert_eq!(loaded.counts().touches, 130);
    assert_eq!(described(&loaded), described(&*facts(&keeper(&db)).await));
    // 130 touches are told in six steps: some were told of twice.
    assert!(told.load(Ordering::Relaxed) > 6);
    db.close().await;
    database.remove().await;
}

/// The ids of the persons that a report goes over.
struct Ids(Vec<Uuid>);

impl Tally for Ids {
    fn add(&mut self, person: &Person<'_>) {
        self.0.push(person.id());
    }

    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

#[tokio::test]
async fn a_report_goes_over_the_persons_who_did_something_in_its_period() {
    each_database(async |db| {
        let mut history = History::new(37);
        for _ in 0..400 {
            run(&db, history.step()).await;
        }
        let facts = facts(&keeper(&db)).await;
        let ids = |range: Range| {
            let mut ids = scan(&facts, range, &[], || Ids(Vec::new())).0;
            ids.sort_unstable();
            ids
        };
        assert_eq!(ids(Range::ALL).len(), facts.counts().persons);
        let mut sizes = Vec::new();
        let days = (-1..101).map(|day| [day * DAY / 4, (day + 1) * DAY / 4].map(Timestamp::from_millis));
        // the last moment of a chunk, and the moment before its first
        let spans = facts.chunks.iter().filter_map(|chunk| chunk.span());
        let ends = spans.flat_map(|(first, last)| [[last, last + MILLISECOND], [first - MILLISECOND, first]]);
        for [start, end] in days.chain(ends) {
            let range = Range { start, end };
            let active = |person: &Person<'_>| {
                let touched = person.touches().any(|touch| range.contains(touch.at));
                let converted = person.conversions().iter().any(|row| range.contains(row.occurred_at));
                touched || converted || person.user().is_some_and(|user| range.contains(user.created_at))
            };
            let persons = facts.chunks.iter().flat_map(|chunk| chunk.persons());
            let expected: Vec<Uuid> = persons.filter(active).map(|person| person.id()).collect();
            assert_eq!(ids(range), expected, "{range:?}");
            sizes.push(expected.len());
        }
        assert!(sizes[0] == 0 && sizes.iter().max() > Some(&5), "{sizes:?}");
        let mut kinds: Vec<String> = Vec::new();
        for person in facts.chunks.iter().flat_map(|chunk| chunk.persons()) {
            kinds.extend(person.conversions().iter().map(|row| facts.dictionary().texts.get(row.kind).to_owned()));
        }
        kinds.sort();
        kinds.dedup();
        assert!(kinds.len() > 2 && facts.kinds() == kinds, "{kinds:?}");
        assert!(facts.chunks.iter().any(|chunk| chunk.kinds().len() > 1), "a chunk has several");
    })
    .await;
}
