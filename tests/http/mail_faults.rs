//! The process that sends a mail is killed, or the mail server hangs. No mail is lost, a mail comes twice only where SMTP cannot
//! know better, and no request waits for the mail server.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use tokio::{sync::watch, time::sleep};
use waymark::db::{Db, Dialect, sql, testing::TestDatabase};

use crate::{
    process::Process,
    smtp_server::{Mail, SmtpServer, Step},
    support::{Browser, PASSWORD, Setup, TestApp, each_app_with, with_mail},
};

/// Longer than any step that the tests wait for.
const PATIENCE: Duration = Duration::from_secs(40);
/// How many jobs a process runs at a time.
const AT_ONCE: usize = 8;

/// A site in a process of its own, which the test kills and starts again.
struct Site {
    smtp: SmtpServer,
    database: TestDatabase,
    db: Db,
    process: Option<Process>,
}

impl Site {
    async fn start(dialect: Dialect) -> Self {
        let (smtp, database) = (SmtpServer::start().await, TestDatabase::create(dialect).await);
        let process = Process::serve(&database.url, &[("MAIL_URL", smtp.url().as_str())]);
        let db = Db::connect(&database.url).await.expect("a database");
        Self { smtp, database, db, process: Some(process) }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.process.as_ref().expect("it runs").url)
    }

    /// Kills the process with SIGKILL.
    fn kill(&mut self) {
        self.process = None;
    }

    fn start_again(&mut self) {
        self.process = Some(Process::serve(&self.database.url, &[("MAIL_URL", self.smtp.url().as_str())]));
    }

    /// Signs up, which causes a mail. Returns whether the site has said that it did.
    async fn sign_up(&self, email: &str) -> bool {
        let form = [("email", email), ("password", PASSWORD)];
        let response = self.browser().post("/api/register", &form).send().await;
        response.is_ok_and(|response| response.status() == StatusCode::SEE_OTHER)
    }

    /// Lets the leases of dead workers end.
    async fn end_leases(&self) {
        self.db.execute(sql("update queued_jobs set due_at = 0 where state = 'waiting'")).await.expect("changed");
    }

    async fn count(&self, query: &'static str) -> i64 {
        sql(query).fetch_scalar(&mut self.db.read().await.expect("a connection")).await.expect("a number")
    }

    /// Waits until no job waits. Returns the mails that the server has by now.
    async fn settled(&self) -> Vec<Mail> {
        let began = Instant::now();
        while self.count("select count(*) from queued_jobs where state = 'waiting'").await > 0 {
            assert!(began.elapsed() < PATIENCE, "all jobs end: {:?}", self.smtp.mails());
            sleep(Duration::from_millis(50)).await;
        }
        self.smtp.mails()
    }

    async fn finish(mut self) {
        self.kill();
        self.db.close().await;
        self.database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_of_a_killed_process_is_sent_by_the_next_and_twice_only_if_the_server_had_it() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let mut site = Site::start(dialect).await;
        for (step, copies) in [(Step::Greeting, 1), (Step::Receiver, 1), (Step::Data, 1), (Step::Content, 2)] {
            let email = format!("{step:?}@example.com").to_lowercase();
            site.smtp.hold(Some(step));
            assert!(site.sign_up(&email).await);
            site.smtp.has_held(1).await;
            site.kill();
            site.smtp.hold(None);
            site.start_again();
            // The dead process has the job until its lease ends, because it might only be slow.
            sleep(Duration::from_millis(1_500)).await;
            assert_eq!(site.smtp.mails().len(), copies - 1, "{dialect:?} {step:?}: not before the lease ends");
            site.end_leases().await;
            let mails = site.settled().await;
            assert_eq!(mails.len(), copies, "{dialect:?} {step:?}: {mails:?}");
            assert!(mails.iter().all(|mail| mail.to == email && mail.id == mails[0].id), "{mails:?}");
            assert!(mails[0].id.ends_with('>') && mails.last().is_some_and(|mail| mail.acknowledged), "{mails:?}");
            site.smtp.forget();
        }
        assert_eq!(site.count("select count(*) from queued_jobs where state = 'dead'").await, 0);
        site.finish().await;
    }
}

/// Kills the process at any moment, again and again. `MAIL_KILLS=100` does so 100 times instead of 4.
#[tokio::test(flavor = "multi_thread")]
async fn of_mails_at_any_moment_of_a_kill_none_is_lost() {
    let kills: u64 = std::env::var("MAIL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let mut site = Site::start(dialect).await;
        let mut promised = Vec::new();
        for kill in 0..kills {
            if kill > 0 {
                site.start_again();
            }
            site.end_leases().await;
            let (site_now, done) = (&site, &watch::Sender::new(0));
            let sign_ups = (0..12).map(|n| async move {
                let email = format!("kill-{kill}-{n}@example.com");
                sleep(Duration::from_millis(20 * n)).await;
                let signed_up = site_now.sign_up(&email).await;
                done.send_modify(|done| *done += i64::from(signed_up));
                signed_up.then_some(email)
            });
            let wait = Duration::from_millis((kill * 37) % 200);
            let pid = site.process.as_ref().map(Process::id).expect("it runs");
            let killed = async {
                done.subscribe().wait_for(|done| *done >= 3).await.expect("three people sign up");
                sleep(wait).await;
                let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
                assert!(killed.expect("kill is there").success());
            };
            let (said, ()) = tokio::join!(futures::future::join_all(sign_ups), killed);
            promised.extend(said.into_iter().flatten());
            site.kill();
        }
        site.start_again();
        site.end_leases().await;
        let mails = site.settled().await;
        let mut copies: BTreeMap<&str, Vec<&Mail>> = BTreeMap::new();
        mails.iter().for_each(|mail| copies.entry(&mail.to).or_default().push(mail));
        let lost: Vec<&String> = promised.iter().filter(|email| !copies.contains_key(email.as_str())).collect();
        assert!(lost.is_empty(), "{dialect:?}: who was told of a mail gets one: {lost:?}");
        assert!(!promised.is_empty(), "somebody signed up");
        for (to, copies) in &copies {
            assert!(copies.iter().all(|copy| copy.id == copies[0].id), "{dialect:?} {to}: {copies:?}");
        }
        let doubled = copies.values().filter(|copies| copies.len() > 1).count();
        // A killed process cannot have had more mails under way than it sends at a time.
        assert!(doubled <= AT_ONCE * kills as usize, "{doubled} of {}", copies.len());
        assert_eq!(site.count("select count(*) from queued_jobs where state = 'dead'").await, 0);
        eprintln!("{dialect:?}: {} promised, {} mails, {doubled} addresses twice", promised.len(), mails.len());
        site.finish().await;
    }
}

/// Returns the times of some requests that cause mails, the shortest first.
async fn times(site: &Site, name: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in 0..2 * AT_ONCE {
        let email = format!("{name}-{n}@example.com");
        let began = Instant::now();
        assert!(site.sign_up(&email).await);
        times.push(began.elapsed());
        for path in ["/api/forgot", "/api/login/link"] {
            let began = Instant::now();
            let response = site.browser().post(path, &[("email", &email)]).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            times.push(began.elapsed());
        }
    }
    times.sort();
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_waits_for_a_mail_server_that_hangs() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let site = Site::start(dialect).await;
        let usual = times(&site, "usual").await;
        site.settled().await;
        site.smtp.hold(Some(Step::Content));
        let hanging = times(&site, "hanging").await;
        site.smtp.has_held(AT_ONCE).await;
        let median = |times: &[Duration]| times[times.len() / 2];
        eprintln!(
            "{dialect:?}: median {:?}, longest {:?}; while the mail server hangs: median {:?}, longest {:?}",
            median(&usual),
            usual[usual.len() - 1],
            median(&hanging),
            hanging[hanging.len() - 1]
        );
        // The worker gives a step 15 s and the handover 45 s. A request that waited for it would take so long.
        assert!(hanging[hanging.len() - 1] < Duration::from_secs(10), "{hanging:?}");
        site.smtp.hold(None);
        let mails = site.settled().await;
        assert_eq!(mails.len(), 2 * 3 * 2 * AT_ONCE, "all mails are there, once");
        site.finish().await;
    }
}

#[tokio::test]
async fn a_server_without_mail_leaves_mails_to_one_that_has_it() {
    each_app_with(with_mail, async |app| {
        let form = [("email", "maria@example.com"), ("password", PASSWORD)];
        app.browser().post("/api/register", &form).send().await.expect("an answer");
        // In development, mail goes into a folder where MAIL_URL is not set.
        let production = Setup { variables: vec![("LEPTOS_ENV", "PROD".into())], ..Setup::default() };
        let without = TestApp::spawn(app.db.dialect(), production).await;
        assert_eq!(without.run_jobs_of(&app.db).await, 0);
        assert_eq!(app.count("select count(*) from queued_jobs where state = 'waiting' and tries = 0").await, 1);
        assert_eq!(app.mails("maria@example.com").await.len(), 1);
        without.remove().await;
    })
    .await;
}
