//! Many leads: twice, at once, and interrupted.

use super::*;
use crate::{
    db::{Dialect, testing::each_database},
    timestamp::DAY,
};

/// Makes a site with this many leads, and a fifth as many users. One lead in a hundred is bad.
async fn site(folder: &Folder, leads: u32) -> PathBuf {
    let users = format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < {})
        insert into auth_user (id, username, email, date_joined)
        select i, 'user' || i, 'User' || i || '@example.org', '2021-01-01 08:00:00' from n",
        leads / 5
    );
    let rows = format!("with recursive n(i) as (select 0 union all select i + 1 from n where i < {leads} - 1)
        insert into utm_tracker_leadsource (user_id, medium, source, campaign, timestamp, created_at, gclid, custom_tags)
        select i * 11 % ({leads} / 5) + 1, 'cpc', 'google', 'campaign ' || (i % 40),
            case when i % 100 = 99 then 'bad' else datetime(1640995200 + i * 600, 'unixepoch') || '.123456' end,
            '2023-05-04 12:34:56', 'Cj0KCQ' || i, '{{}}' from n");
    folder.sqlite("db.sqlite3", &[LEADS, USERS, &users, &rows]).await
}

/// Returns the numbers of touches, users, visitors and conversions.
async fn rows(db: &Db) -> [i64; 4] {
    [count(db, "touches").await, count(db, "users").await, count(db, "visitors").await, count(db, "conversions").await]
}

#[tokio::test]
async fn a_hundred_thousand_leads_twice_are_a_hundred_thousand_leads() {
    each_database(async |db| {
        // Without optimisation PostgreSQL takes a minute for all leads, mostly for reading them, so it gets a fifth of them.
        let leads: u32 = if db.dialect() == Dialect::Sqlite { 101_010 } else { 20_200 };
        let bad = leads / 100;
        let good = u64::from(leads - bad);
        let folder = Folder::new();
        let file = site(&folder, leads).await;
        for (taken, present) in [(good, 0), (0, good)] {
            let report = import(&db, &file, &Options::default()).await.expect("a report");
            assert_eq!((report.leads, report.imported, report.already_there), (leads.into(), taken, present));
            assert_eq!((report.skipped, report.skipped_rows.len()), (bad.into(), 1000.min(bad as usize)));
            assert_eq!(refused(&report)[0], ("100", "\"bad\" is not a time like 2023-05-04 12:34:56"));
            let users = i64::from(leads / 5);
            assert_eq!(rows(&db).await, [good as i64, users, users, users]);
        }
    })
    .await;
}

#[tokio::test]
async fn imports_at_once_and_interrupted_ones_leave_each_lead_once() {
    let folder = Folder::new();
    let file = site(&folder, 5000).await;
    // ten users have bad leads only
    let expected = [4950, 990, 990, 990];
    each_database(async |db| {
        // cut off three times, in the middle of a page
        for pages in 1..4 {
            let (stop, stopped) = tokio::sync::watch::channel(0);
            let progress = |_, of| stop.send_modify(|seen| *seen += u64::from(of > 0));
            let rules = Rules::default();
            let options = Options::default();
            let interrupted = async {
                let mut stopped = stopped;
                drop(stopped.wait_for(|seen| *seen >= pages).await.expect("it goes on"));
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            };
            tokio::select! {
                _ = django_utm_tracker(&db, &rules, &file, &options, progress) => panic!("it should not come to its end"),
                () = interrupted => {}
            }
        }
        let [touches, ..] = rows(&db).await;
        assert!((1..4950).contains(&touches), "{touches}");
        let options = Options::default();
        let reports = futures::future::join_all((0..3).map(|_| import(&db, &file, &options))).await;
        for report in reports {
            let report = report.expect("a report");
            assert_eq!((report.imported + report.already_there, report.skipped), (4950, 50));
        }
        assert_eq!(rows(&db).await, expected);
    })
    .await;
}

#[tokio::test]
async fn a_source_that_ends_early_leaves_what_was_taken_and_the_next_import_goes_on() {
    each_database(async |db| {
        let folder = Folder::new();
        let file = site(&folder, 5000).await;
        let renamed = folder.0.join("gone.sqlite3");
        let breaks = |done: u64, of: u64| {
            if of > 0 && done == 1000 {
                // the table disappears while the import reads it
                std::fs::write(&file, b"no database").expect("written");
            }
        };
        std::fs::copy(&file, &renamed).expect("a copy");
        let error =
            django_utm_tracker(&db, &Rules::default(), &file, &Options::default(), breaks).await.expect_err("it stops");
        let told = error.to_string();
        assert!(
            told.contains("The import stopped there. 1000 leads read: 990 imported, 0 already there, 10 skipped."),
            "{told}"
        );
        assert!(told.ends_with("Imported leads are kept. Run the same command again to continue."), "{told}");
        assert_eq!(numbers(&db, &renamed).await, (3960, 990, 50, 990 - created(&error)));
        assert_eq!(rows(&db).await, [4950, 990, 990, 990]);
    })
    .await;
}

/// Returns how many accounts an import created before it stopped.
fn created(error: &ImportError) -> u64 {
    match error {
        ImportError::Stopped { report, .. } => report.accounts,
        other => panic!("it did not stop in the middle: {other}"),
    }
}

#[tokio::test]
async fn an_account_joined_with_its_first_lead_wherever_that_stands() {
    each_database(async |db| {
        let folder = Folder::new();
        let header = "email,medium,source,timestamp".to_owned();
        // the newest lead first, as Django's admin lists them
        let rows = (0..1200).rev().map(|minute| {
            let (hours, minutes) = (minute / 60, minute % 60);
            format!("maria@example.com,cpc,google,2023-05-04 {hours:02}:{minutes:02}:00")
        });
        let file = folder.file("leads.csv", std::iter::once(header).chain(rows).collect::<Vec<_>>().join("\n"));
        assert_eq!(numbers(&db, &file).await, (1200, 0, 0, 1));
        let midnight = Timestamp::from_millis(1_683_158_400_000);
        assert_eq!(accounts(&db).await, [("maria@example.com".to_owned(), midnight, midnight)]);
        // A later import brings an earlier lead: the account keeps its age, and its visitor was first seen earlier.
        let file = folder
            .file("more.csv", "email,medium,source,timestamp\nMaria@example.com,cpc,google,2023-05-03 00:00:00\n");
        assert_eq!(numbers(&db, &file).await, (1, 0, 0, 0));
        assert_eq!(accounts(&db).await, [("maria@example.com".to_owned(), midnight, midnight)]);
        let mut conn = db.read().await.expect("a connection");
        let seen: Timestamp =
            sql("select first_seen_at from visitors").fetch_scalar(&mut conn).await.expect("one visitor");
        assert_eq!(seen, midnight - DAY);
    })
    .await;
}
