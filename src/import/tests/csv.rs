//! CSV files.

use super::*;
use crate::{db::testing::each_database, id::TouchId, timestamp::MILLISECOND};

/// 2023-05-04 12:34:56 UTC.
const NOON: Timestamp = Timestamp::from_millis(1_683_203_696_000);

#[tokio::test]
async fn a_spreadsheets_csv_is_read_with_the_lines_an_editor_shows() {
    each_database(async |db| {
        let folder = Folder::new();
        let text = b"\xef\xbb\xbfID;User Email;Medium;Source;Campaign;Timestamp;Note\r\n\
            1;maria@example.com;cpc;google;\"a \"\"b\"\"; c\";2023-05-04T14:34:56+02:00;\"two\r\nlines\"\r\n\
            \r\n\
            2;maria@example.com;cpc;google;gr\xfcn;2023-05-04 12:34:57;\r\n\
            3;maria@example.com;cpc;google;gr\xc3\xbcn;2023-05-04 12:34:58;\xfc\r\n\
            4;maria@example.com;cpc;google\r\n\
            5;;cpc;google;;2023-05-04 12:34:58;\r\n\
            6;maria@example.com;cpc;google;;;\r\n\
            7;MARIA@example.com;cpc;\"google;;2023-05-04 12:34:59;\r\n\
            8;tom@example.com;cpc;google\";;2023-05-04 12:34:58;";
        let file = folder.file("leads.csv", text);
        for run in [(2, 0), (0, 2)] {
            let report = import(&db, &file, &Options::default()).await.expect("a report");
            assert_eq!(
                (report.place_word, report.imported, report.already_there, report.accounts),
                ("line", run.0, run.1, run.0 / 2)
            );
            let expected = [
                ("5", "campaign is not UTF-8 (it has the byte 0xFC); save the file as UTF-8"),
                ("7", "it has 4 columns where the first line has 7"),
                ("8", "it has no user"),
                ("9", "it has no time"),
                ("10", "source goes on to line 11: is a quotation mark not closed?"),
            ];
            assert_eq!(refused(&report), expected);
            assert_eq!(report.ignored, ["Note"]);
        }
        let stored = leads(&db).await;
        let of = |index: usize| (stored[index].occurred_at, stored[index].campaign.as_deref());
        assert_eq!((of(0), of(1)), ((NOON, Some("a \"b\"; c")), (NOON + 2000 * MILLISECOND, Some("grün"))));
    })
    .await;
}

#[tokio::test]
async fn rows_without_ids_are_known_again_however_many_are_equal() {
    each_database(async |db| {
        let folder = Folder::new();
        let row = "maria@example.com,cpc,google,2023-05-04 12:34:56,mug";
        let header = "email,utm_medium,utm_source,timestamp,term";
        let tom = row.replace("maria", "tom");
        let file = folder.file(
            "leads.csv",
            [header, row, &row.replace("mug", "cup"), &tom, &row.replace("google", "bing")].join("\n"),
        );
        assert_eq!(numbers(&db, &file).await, (4, 0, 0, 2));
        assert_eq!(numbers(&db, &file).await, (0, 4, 0, 0));
        // the columns and rows in another order, and one more row
        let other = "timestamp,email,utm_source,utm_medium\n2023-05-04 12:34:56,tom@example.com,google,cpc\n\
            2023-05-04 12:34:56,Maria@example.com,google,cpc\n2023-05-04 12:34:56,Maria@example.com,google,cpc\n\
            2023-05-04 12:34:56,Maria@example.com,google,cpc\n";
        let file = folder.file("again.csv", other);
        assert_eq!(numbers(&db, &file).await, (1, 3, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn users_by_id_come_from_a_second_file() {
    each_database(async |db| {
        let folder = Folder::new();
        let file = folder.file("leads.csv", "id,user,medium,source,timestamp\n1,17,cpc,google,2023-05-04 12:34:56.5+00\n\
            2,18,cpc,google,2023-05-04 12:34:56+00\n3,19,cpc,google,2023-05-04 12:34:56+00\n4,,cpc,google,2023-05-04 12:34:56+00\n");
        let told = import(&db, &file, &Options::default()).await.expect_err("refused").to_string();
        assert!(told.ends_with("Export the users, too (id, email, date_joined), and add: --users USERS.csv"), "{told}");
        let users = folder.file("users.csv", "id,username,email,date_joined\n17,m,maria@example.com,2023-05-01 00:00:00+00\n18,n,,\n");
        let options = Options { users: Some(users.clone()), ..Options::default() };
        let report = import(&db, &file, &options).await.expect("a report");
        let missing = format!("the user \"19\" is not in {}", users.display());
        assert_eq!((report.imported, report.accounts), (1, 1));
        assert_eq!(refused(&report), [("3", "the user \"18\" has no e-mail address"), ("4", &*missing), ("5", "it has no user")]);
        let joined = Timestamp::from_millis(1_682_899_200_000);
        assert_eq!(accounts(&db).await, [("maria@example.com".to_owned(), joined, joined)]);
        for (content, why) in [
            ("id,email\n1,a@b.c\n\n1,d@e.f\n", ", line 4: the user \"1\" is listed twice."),
            ("id,email,date_joined\n1,a@b.c,soon\n", ", line 2: \"soon\" is not a time."),
            ("id,email\n1\n", ", line 2: it has 1 column where the first line has 2."),
            ("pk,name\n1,x\n", " has no column email. Its columns: \"pk\", \"name\"."),
        ] {
            std::fs::write(&users, content).expect("written");
            let told = import(&db, &file, &options).await.expect_err("refused").to_string();
            assert_eq!(told, format!("{}{why}", users.display()));
        }
        assert_eq!(count(&db, "touches").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_export_of_the_table_and_the_table_itself_are_the_same_leads() {
    each_database(async |db| {
        let folder = Folder::new();
        let rows = "insert into utm_tracker_leadsource (id, user_id, medium, source, timestamp)
            values (1, 1, 'cpc', 'google', '2023-05-04 12:34:56.123456'), (2, 1, 'cpc', 'bing', '2023-05-04 12:34:56.9')";
        let users = "insert into auth_user (id, email, date_joined) values (1, 'maria@example.com', '2023-05-01 08:00:00')";
        let file = folder.sqlite("db.sqlite3", &[LEADS, USERS, users, rows]).await;
        let export = folder.file("leads.csv", "id,user__email,medium,source,timestamp\n2,maria@example.com,cpc,bing,2023-05-04 12:34:56\n\
            1,maria@example.com,cpc,google,2023-05-04T14:34:56+0200\n3,maria@example.com,cpc,google,2023-05-04T14:34:56+0200\n");
        assert_eq!(numbers(&db, &file).await, (2, 0, 0, 1));
        assert_eq!(numbers(&db, &export).await, (1, 2, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn waymarks_own_leads_keep_their_ids() {
    each_database(async |db| {
        let folder = Folder::new();
        let id = "018f1234-5678-7abc-8def-0123456789ab";
        let text = format!("\u{feff}lead_id,user_email,occurred_at,medium,source,campaign,term,content,channel,landing_path,referrer,click_ids,\
            custom_tags,hits\r\n{id},maria@example.com,2023-05-04T12:34:56.789Z,cpc,google,'-50%;'=x,,,Paid Search,/,,\
            \"{{\"\"gclid\"\":\"\"Cj0+\"\"}}\",\"{{\"\"tag\"\":[\"\"a\"\",\"\"b\"\"]}}\",2\r\n");
        let file = folder.file("leads.csv", text);
        assert_eq!(numbers(&db, &file).await, (1, 0, 0, 1));
        assert_eq!(numbers(&db, &file).await, (0, 1, 0, 0));
        let mut conn = db.read().await.expect("a connection");
        let stored: (TouchId, String, String) =
            sql("select id, click_ids, tags from touches").fetch_one(&mut conn).await.expect("a touch");
        drop(conn);
        assert_eq!(stored, (id.parse().expect("an id"), r#"{"gclid":"Cj0+"}"#.into(), r#"{"tag":["a","b"]}"#.into()));
        let stored = leads(&db).await;
        assert_eq!((stored[0].occurred_at, stored[0].campaign.as_deref()), (NOON + 789 * MILLISECOND, Some("-50%;=x")));
    })
    .await;
}

#[tokio::test]
async fn files_that_cannot_be_read_are_refused_before_anything_is_stored() {
    let database = crate::db::testing::TestDatabase::create(crate::db::Dialect::Sqlite).await;
    let db = Db::connect(&database.url).await.expect("a database");
    db.migrate().await.expect("migrated");
    let folder = Folder::new();
    let header = "id,email,medium,source,timestamp";
    let good = "1,maria@example.com,cpc,google,2023-05-04 12:34:56";
    for (content, why) in [
        (String::new(), " is empty."),
        (
            "just a text\nof two lines\n".into(),
            " has no column medium, no column source, no column timestamp or created_at, no \
            column user_email or user_id. Its columns: \"just a text\".",
        ),
        (
            format!("{header},Utm_Source\n"),
            ": the columns \"source\" and \"Utm_Source\" are the same. Remove one of them.",
        ),
        (
            format!("{header}\n{good}\n\n2,\"tom@example.com,cpc,google,2023-05-04 12:34:56\n"),
            " cannot be read as CSV. line 4: a quotation mark is opened here and never closed",
        ),
    ] {
        let file = folder.file("leads.csv", content);
        let told = import(&db, &file, &Options::default()).await.expect_err("refused").to_string();
        assert_eq!(told, format!("{}{why}", file.display()));
    }
    assert_eq!(count(&db, "touches").await, 0);
    let told = import(&db, &folder.0, &Options::default()).await.expect_err("refused").to_string();
    assert!(told.contains("is not a regular file"), "{told}");
    let told = import(&db, &folder.0.join("none"), &Options::default()).await.expect_err("refused").to_string();
    assert!(told.contains("cannot be read: No such file"), "{told}");
    // the file for rejected rows never overwrites the source
    let file = folder.file("leads.csv", format!("{header}\n{good}\n"));
    let options = Options { rejected: Some(folder.0.join("./leads.csv")), ..Options::default() };
    let told = import(&db, &file, &options).await.expect_err("refused").to_string();
    assert!(told.ends_with("already exists. Name a new file for --rejected."), "{told}");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), format!("{header}\n{good}\n"));
    assert_eq!(numbers(&db, &file).await, (1, 0, 0, 1));
    db.close().await;
    database.remove().await;
}
