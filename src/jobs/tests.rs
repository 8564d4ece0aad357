use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Handlers, Job, JobError, Jobs, NewJob,
    queue::{self, Ending, KEEP_DEAD, KEEP_DONE, TRIES, wait_after},
    worker::{AT_ONCE, LEASE, run_due},
};
use crate::db::{Db, Error, sql, testing::each_database};

#[derive(Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Job for Note {
    const KIND: &'static str = "note";
}

async fn add(db: &Db, text: &str) {
    let (job, now) = (NewJob::new(&Note { text: text.to_owned() }).expect("JSON").about(vec![7]), db.now());
    db.transaction(move |conn| Box::pin(async move { job.write(conn, now).await })).await.expect("added");
}

/// Makes what waits due, as if its time had come.
async fn make_due(db: &Db) {
    db.execute(sql("update queued_jobs set due_at = 0 where state = 'waiting'")).await.expect("changed");
}

async fn states(db: &Db) -> Vec<(String, String, i64, String)> {
    let mut conn = db.read().await.expect("a connection");
    sql("select state, payload, tries, coalesce(last_error, '') as last_error from queued_jobs order by created_at, id")
        .fetch_all(&mut conn)
        .await
        .expect("rows")
}

type Texts = Arc<Mutex<Vec<String>>>;

/// Returns handlers that note each text, and fail as `outcome` says.
fn noting(outcome: impl Fn(&str) -> Result<(), JobError> + Send + Sync + Clone + 'static) -> (Handlers, Texts) {
    let texts = Texts::default();
    let noted = texts.clone();
    let handlers = Handlers::default().on(move |job: Note, _| {
        noted.lock().expect("no panic").push(job.text.clone());
        let outcome = outcome.clone();
        async move { outcome(&job.text) }
    });
    (handlers, texts)
}

#[tokio::test]
async fn a_job_runs_once_and_its_row_forgets_what_it_knew() {
    each_database(async |db| {
        let (handlers, texts) = noting(|_| Ok(()));
        add(&db, "maria@example.com").await;
        // A job of a transaction that fails never was.
        let (job, now) = (NewJob::new(&Note { text: "undone".into() }).expect("JSON"), db.now());
        let undone = db.transaction(move |conn| {
            Box::pin(async move {
                job.write(conn, now).await?;
                Err::<(), Error>(Error::cancelled())
            })
        });
        assert!(undone.await.is_err());
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 1);
        make_due(&db).await;
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 0);
        assert_eq!(*texts.lock().expect("no panic"), ["maria@example.com"]);
        assert_eq!(states(&db).await, [("done".into(), String::new(), 1, String::new())]);
        let mut conn = db.read().await.expect("a connection");
        let count = queue::count_about::<Note>(&mut conn, vec![7], now - Duration::from_mins(1)).await;
        assert_eq!(count.expect("a number"), 1);
    })
    .await;
}

#[tokio::test]
async fn of_many_workers_one_gets_a_job() {
    each_database(async |db| {
        let (handlers, texts) = noting(|_| Ok(()));
        for n in 0..40 {
            add(&db, &n.to_string()).await;
        }
        let workers = (0..8).map(|_| {
            let (db, handlers) = (db.clone(), handlers.clone());
            tokio::spawn(async move { run_due(&db, &handlers).await.expect("run") })
        });
        let done: usize =
            futures::future::join_all(workers).await.into_iter().map(|done| done.expect("no panic")).sum();
        assert_eq!(done, 40);
        let mut texts = texts.lock().expect("no panic").clone();
        texts.sort_by_key(|text| text.parse::<u32>().expect("a number"));
        assert_eq!(texts, (0..40).map(|n| n.to_string()).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_job_of_a_dead_worker_runs_after_the_lease_and_only_then() {
    each_database(async |db| {
        let (handlers, texts) = noting(|_| Ok(()));
        add(&db, "a").await;
        let dead = queue::take(&db, &["note"], 8, LEASE).await.expect("taken").remove(0);
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 0, "the lease holds");
        make_due(&db).await;
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 1, "the lease is over");
        assert_eq!(*texts.lock().expect("no panic"), ["a"]);
        // The worker was only slow. What it says about the job no longer counts.
        queue::settle(&db, &dead, Ending::Dead("late".into())).await.expect("ignored");
        assert_eq!(states(&db).await, [("done".into(), String::new(), 2, String::new())]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_fails_waits_longer_each_time_and_ends_among_the_dead() {
    each_database(async |db| {
        let (handlers, texts) = noting(|text| match text {
            "never" => Err(JobError::Never("no such receiver".into())),
            _ => Err(JobError::Again("it rains\0".into())),
        });
        add(&db, "again").await;
        for _ in 0..TRIES {
            assert_eq!(run_due(&db, &handlers).await.expect("run"), 1);
            assert_eq!(run_due(&db, &handlers).await.expect("run"), 0, "it waits");
            make_due(&db).await;
        }
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 0, "it is dead");
        add(&db, "never").await;
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 1);
        assert_eq!(texts.lock().expect("no panic").len(), TRIES as usize + 1);
        let now = db.now();
        let backlog = queue::backlog(&mut db.read().await.expect("a connection"), now).await.expect("an answer");
        let dead: Vec<_> = backlog.dead.iter().map(|job| (job.tries, job.last_error.as_str())).collect();
        assert_eq!((backlog.waiting, dead), (0, vec![(1, "no such receiver"), (TRIES, "it rains")]));
        // The operator has mended what was wrong.
        let (handlers, texts) = noting(|_| Ok(()));
        assert_eq!(queue::retry_dead(&db).await.expect("changed"), 2);
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 2);
        assert_eq!(texts.lock().expect("no panic").len(), 2);
    })
    .await;
    let waits: Vec<u64> = [1, 2, 3, 6, 7, 12, 100].into_iter().map(|tries| wait_after(tries).as_secs()).collect();
    assert_eq!(waits, [10, 30, 90, 2_430, 3_600, 3_600, 3_600]);
}

#[tokio::test]
async fn a_panic_and_a_row_that_cannot_be_read_stop_no_other_job() {
    each_database(async |db| {
        let (handlers, texts) = noting(|text| if text == "panic" { panic!("a test") } else { Ok(()) });
        add(&db, "panic").await;
        add(&db, "fine").await;
        db.execute(
            sql("insert into queued_jobs (id, kind, payload, created_at, due_at)
            select $1, 'note', '{\"text\": 7}', 0, 0 where true")
            .bind(crate::id::JobId::new()),
        )
        .await
        .expect("added");
        // The job of a newer release stays for it.
        db.execute(
            sql("insert into queued_jobs (id, kind, payload, created_at, due_at)
            select $1, 'of the future', '', 1, 0 where true")
            .bind(crate::id::JobId::new()),
        )
        .await
        .expect("added");
        assert_eq!(run_due(&db, &handlers).await.expect("run"), 3);
        assert_eq!(texts.lock().expect("no panic").len(), 2);
        let states: Vec<_> = states(&db).await.into_iter().map(|(state, _, _, error)| (state, error)).collect();
        assert_eq!(states[0], ("dead".into(), "the job's row cannot be read".into()));
        assert_eq!(states[1], ("waiting".into(), String::new()));
        assert_eq!(states[2], ("waiting".into(), "the job panicked".into()));
        assert_eq!(states[3].0, "done");
    })
    .await;
}

#[tokio::test]
async fn the_worker_stops_after_the_jobs_that_it_has() {
    each_database(async |db| {
        let running = Arc::new(AtomicUsize::new(0));
        let (began, gate) = (running.clone(), Arc::new(tokio::sync::Notify::new()));
        let opened = gate.clone();
        let handlers = Handlers::default().on(move |_: Note, _| {
            let (began, gate) = (began.clone(), gate.clone());
            async move {
                began.fetch_add(1, Ordering::Relaxed);
                gate.notified().await;
                Ok(())
            }
        });
        // As many as run at once: the worker has no place free, so it is not just looking for another one.
        for n in 0..AT_ONCE {
            add(&db, &format!("a{n}")).await;
        }
        let jobs = Jobs::default();
        let worker = {
            let (jobs, db) = (jobs.clone(), db.clone());
            tokio::spawn(async move { jobs.work(db, handlers).await })
        };
        while running.load(Ordering::Relaxed) < AT_ONCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        jobs.stop();
        add(&db, "b").await;
        jobs.wake();
        assert!(tokio::time::timeout(Duration::from_millis(200), jobs.stopped()).await.is_err(), "jobs still run");
        opened.notify_waiters();
        tokio::time::timeout(Duration::from_secs(60), jobs.stopped()).await.expect("it stops");
        let states: Vec<_> = states(&db).await.into_iter().map(|(state, ..)| state).collect();
        assert_eq!(states, [["done"; AT_ONCE].as_slice(), &["waiting"]].concat());
        worker.abort();
    })
    .await;
}

#[tokio::test]
async fn old_rows_go_and_waiting_ones_stay() {
    each_database(async |db| {
        let now = db.now();
        for (n, (state, ended)) in [
            ("waiting", None),
            ("done", Some(now - KEEP_DONE + Duration::from_mins(1))),
            ("done", Some(now - KEEP_DONE - Duration::from_mins(1))),
            ("dead", Some(now - KEEP_DONE - Duration::from_mins(1))),
            ("dead", Some(now - KEEP_DEAD - Duration::from_mins(1))),
        ]
        .into_iter()
        .enumerate()
        {
            let row = sql("insert into queued_jobs (id, kind, payload, state, created_at, due_at, ended_at)
                values ($1, 'note', '', $2, $3, 0, $4)");
            let row = row.bind(crate::id::JobId::new()).bind(state).bind(n as i64).bind(ended);
            db.execute(row).await.expect("added");
        }
        assert_eq!(queue::delete_old(&db).await.expect("deleted"), 2);
        let left: Vec<String> = states(&db).await.into_iter().map(|(state, ..)| state).collect();
        assert_eq!(left, ["waiting", "done", "dead"]);
    })
    .await;
}
