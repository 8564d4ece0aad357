//! Django's SQLite database.

use axum_login::AuthnBackend;

use super::*;
use crate::{
    attribution::signal::custom_tags::CustomTags,
    auth::{Backend, backend::Credentials, hasher::Hasher},
    db::testing::each_database,
    id::UserId,
    timestamp::MILLISECOND,
};

/// 2023-05-04 12:34:56 UTC.
const NOON: Timestamp = Timestamp::from_millis(1_683_203_696_000);

const PEOPLE: &str = "insert into auth_user (id, username, email, date_joined) values
    (1, 'maria', 'Maria@Example.com', '2023-05-01 08:00:00.000001'), (2, 'tom', 'tom@example.com', '2023-05-02 08:00:00'),
    (3, 'nobody', '', '2023-05-02 08:00:00'), (4, 'odd', 'no address', '2023-05-02 08:00:00');";

#[tokio::test]
async fn leads_become_touches_of_the_accounts_with_their_users_addresses() {
    each_database(async |db| {
        let folder = Folder::new();
        let file = folder
            .sqlite("db.sqlite3", &[LEADS, USERS, PEOPLE, "insert into utm_tracker_leadsource
                (id, user_id, medium, source, campaign, term, timestamp, gclid, fbclid, custom_tags) values
                (1, 1, 'cpc', 'Google', ' Spring  Sale', 'mug', '2023-05-04 12:34:56.123456', 'Cj0+K C/Q%2B', '', null),
                (2, 1, 'social', 'facebook', '', '', null, '', 'IwAR', '{\"partner\": \"A\", \"gbraid\": \"0AA\", \"n\": [1, \"b\"]}'),
                (3, 2, '', '', '', '', '2023-05-05 00:00:00', 'Only', '', '{}')"])
            .await;
        let before = std::fs::read(&file).expect("the file");
        let maria = account(&db, "maria@example.com", NOON + 5 * MILLISECOND, false).await;
        let options = Options { custom_tags: CustomTags::parse("Partner", &[]).expect("tags"), ..Options::default() };
        let report = import(&db, &file, &options).await.expect("a report");
        assert_eq!((report.leads, report.imported, report.accounts), (3, 3, 1), "{report}");
        assert_eq!((report.place_word, &*refused(&report)), ("lead", &[][..]));
        let lead = |email: &str, occurred_at, medium: &str, source: &str, campaign: Option<&str>, ids: &str, tags: &str| Lead {
            email: email.into(),
            occurred_at,
            medium: Some(medium.into()),
            source: Some(source.into()),
            campaign: campaign.map(Into::into),
            click_ids: ids.into(),
            tags: tags.into(),
        };
        let expected = [
            lead("maria@example.com", NOON + 123 * MILLISECOND, "cpc", "google", Some("spring sale"), r#"{"gclid":"Cj0+K C/Q%2B"}"#, "{}"),
            lead("tom@example.com", Timestamp::from_millis(1_683_244_800_000), "cpc", "google", None, r#"{"gclid":"Only"}"#, "{}"),
            // `timestamp` is null, so `created_at` counts
            lead("maria@example.com", Timestamp::from_millis(1_685_577_600_000), "social", "facebook", None, r#"{"fbclid":"IwAR","gbraid":"0AA"}"#,
                r#"{"Partner":["A"],"n":["1","b"]}"#),
        ];
        assert_eq!(leads(&db).await, expected);
        // The existing account has no second sign-up. The new account joined when its user joined in Django.
        let joined = Timestamp::from_millis(1_683_014_400_000);
        assert_eq!(accounts(&db).await, [("tom@example.com".to_owned(), joined, joined)]);
        let mut conn = db.read().await.expect("a connection");
        let visitors: Vec<(UserId, Timestamp, Timestamp)> =
            sql("select user_id, first_seen_at, linked_at from visitors order by first_seen_at").fetch_all(&mut conn).await.expect("rows");
        assert_eq!(visitors.len(), 2);
        assert_eq!(visitors[0], (maria, NOON + 123 * MILLISECOND, NOON + 5 * MILLISECOND));
        assert_eq!((visitors[1].1, visitors[1].2), (Timestamp::from_millis(1_683_244_800_000), joined));
        let (channel, derived): (String, bool) =
            sql("select channel, derived from touches where occurred_at = $1").bind(1_683_244_800_000_i64).fetch_one(&mut conn).await.expect("a row");
        assert_eq!((&*channel, derived), ("Paid Search", true));
        drop(conn);
        assert_eq!(std::fs::read(&file).expect("the file"), before, "the source is as it was");
    })
    .await;
}

#[tokio::test]
async fn nobody_can_sign_in_to_an_account_that_was_created() {
    each_database(async |db| {
        let folder = Folder::new();
        let file = folder
            .sqlite(
                "db.sqlite3",
                &[
                    LEADS,
                    USERS,
                    PEOPLE,
                    "insert into utm_tracker_leadsource (user_id, medium, source) values (2, 'cpc', 'google')",
                ],
            )
            .await;
        assert_eq!(numbers(&db, &file).await, (1, 0, 0, 1));
        let backend = Backend::new(db.clone(), Hasher::default());
        for password in ["", "!", "nobody has this password"] {
            let credentials = Credentials { email: "tom@example.com".into(), password: password.into() };
            assert!(backend.authenticate(credentials).await.expect("an answer").is_none(), "{password:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_listed_each_time_and_the_rest_is_there_once() {
    each_database(async |db| {
        let folder = Folder::new();
        let long = "x".repeat(2049);
        let rows = format!("insert into utm_tracker_leadsource (id, user_id, medium, source, timestamp, gclid, custom_tags) values
            (1, 1, 'cpc', 'google', '2023-05-04 12:34:56', '{long}', '{{\"mc_eid\": \"me\", \"q\": \"x\", \"map\": {{}}}}'),
            (2, 1, 'cpc', 'google', 'yesterday', '', null),
            (3, 9, 'cpc', 'google', '2023-05-04 12:34:56', '', null),
            (4, 3, 'cpc', 'google', '2023-05-04 12:34:56', '', null),
            (5, 4, 'cpc', 'google', '2023-05-04 12:34:56', '', null),
            (6, 1, '', ' ', '2023-05-04 12:34:56', '', null),
            (7, 1, 'cpc', 'google', '2023-05-04 12:34:56', '', '{{\"a\": '),
            (8, 1, 'cpc', 'google', '2023-05-04 12:34:56', '', '[1]'),
            (9, 1, 'cpc', cast(x'666fff' as text), '2023-05-04 12:34:56', '', null),
            (10, 1, 'cpc', 'google', '2123-05-04 12:34:56', '', null),
            (11, 1, 'cpc', 'google', '1969-05-04 12:34:56', '', null),
            (12, 1, x'00', char(0) || 'bing', '2023-05-04 12:34:57', '', null)");
        let file = folder.sqlite("db.sqlite3", &[LEADS, USERS, PEOPLE, &rows]).await;
        let list = folder.0.join("rejected.csv");
        let options = Options { rejected: Some(list.clone()), ..Options::default() };
        let first = import(&db, &file, &options).await.expect("a report");
        assert_eq!((first.leads, first.imported, first.already_there, first.skipped, first.in_part), (12, 2, 0, 10, 1));
        let nothing = "it has no medium, no source, no campaign, no click id and no tag";
        let expected = [
            ("2", "\"yesterday\" is not a time like 2023-05-04 12:34:56"),
            ("3", "the user \"9\" is not in the table \"auth_user\""),
            ("4", "the user \"3\" has no e-mail address"),
            ("5", "\"no address\" is not an e-mail address"),
            ("6", nothing),
            ("7", "custom_tags is not JSON (EOF while parsing a value at line 1 column 6): \"{\\\"a\\\": \""),
            ("8", "custom_tags is not a JSON object: \"[1]\""),
            ("9", "source is not UTF-8 (it has the byte 0xFF); save the file as UTF-8"),
            ("10", "the time \"2123-05-04 12:34:56\" is in the future"),
            ("11", "the time \"1969-05-04 12:34:56\" is before 1970"),
        ];
        assert_eq!(refused(&first), expected);
        let part = "gclid has more than 2048 bytes and is left out; the tag \"map\" is not text and is left out; \"mc_eid\" cannot \
                    be a custom tag: it identifies a person and is never stored; \"q\" cannot be a custom tag: this site uses that \
                    parameter itself";
        assert_eq!(first.partial_rows.iter().map(|part| (&*part.place, &*part.why)).collect::<Vec<_>>(), [("1", part)]);
        let listed = std::fs::read_to_string(&list).expect("the list");
        assert_eq!(listed.lines().count(), 12, "{listed}");
        let stored = leads(&db).await;
        let again = import(&db, &file, &options).await.expect_err("refused").to_string();
        assert!(again.ends_with("already exists. Name a new file for --rejected."), "{again}");
        assert_eq!(std::fs::read_to_string(&list).expect("the list"), listed, "never overwritten");
        let options = Options { rejected: Some(folder.0.join("rejected-2.csv")), ..options };
        let second = import(&db, &file, &options).await.expect("a report");
        assert_eq!((second.imported, second.already_there, second.accounts, second.in_part), (0, 2, 0, 0));
        assert_eq!(refused(&second), expected);
        assert_eq!(leads(&db).await, stored);
        assert_eq!((stored.len(), stored[1].source.as_deref(), stored[1].medium.as_deref()), (2, Some("bing"), None));
    })
    .await;
}

#[tokio::test]
async fn a_site_with_its_own_user_model_is_found_by_its_foreign_key() {
    each_database(async |db| {
        let folder = Folder::new();
        // An old version without click ids, tags and created_at. Users have UUIDs and no date_joined. The newest lead comes
        // first.
        let file = folder
            .sqlite("db.sqlite3", &[
                USERS,
                r#"create table "people ""of ours" ("uid" char(32) primary key, "Email" text)"#,
                r#"create table "utm_tracker_leadsource" ("id" integer primary key, "medium" varchar(10), "source" varchar(30),
                    "campaign" text, "session_key" text, "timestamp" datetime, "user_id" char(32) references "people ""of ours")"#,
                "insert into auth_user (id, email, date_joined) values (1, 'wrong@example.com', '2023-05-01 08:00:00')",
                r#"insert into "people ""of ours" values ('aa', 'maria@example.com'), ('bb', null)"#,
                "insert into utm_tracker_leadsource values (1, 'cpc', 'google', null, 'secret', '2023-05-04 12:34:57', 'aa'),
                    (2, 'cpc', 'google', null, 'secret', '2023-05-04 12:34:56', 'aa'), (3, 'cpc', 'google', null, '', null, 'aa'),
                    (4, 'cpc', 'google', null, '', '2023-05-04 12:34:56', 'bb'), (5, 'cpc', 'google', null, '', '', null)",
            ])
            .await;
        let report = import(&db, &file, &Options::default()).await.expect("a report");
        assert_eq!((report.imported, report.accounts, &*report.ignored), (2, 1, &["session_key".to_owned()][..]));
        let expected = [("3", "it has no time"), ("4", "the user \"bb\" has no e-mail address"), ("5", "it has no user")];
        assert_eq!(refused(&report), expected);
        assert_eq!(accounts(&db).await, [("maria@example.com".to_owned(), NOON, NOON)], "joined with the first lead");
    })
    .await;
}

#[tokio::test]
async fn users_with_one_address_are_one_account() {
    each_database(async |db| {
        let folder = Folder::new();
        let users =
            "insert into auth_user (id, email, date_joined) values (1, 'Maria@example.com', '2023-05-02 08:00:00'),
            (2, 'maria@Example.com', '2023-05-01 08:00:00'), (3, ' maria@example.com ', '2123-05-01 08:00:00')";
        let rows = "insert into utm_tracker_leadsource (user_id, medium, source, timestamp) values
            (1, 'cpc', 'google', '2023-05-04 12:34:56'), (2, 'cpc', 'google', '2023-05-04 12:34:56'),
            (3, 'cpc', 'google', '2023-05-04 12:34:56')";
        let file = folder.sqlite("db.sqlite3", &[LEADS, USERS, users, rows]).await;
        assert_eq!(numbers(&db, &file).await, (3, 0, 0, 1));
        let joined = Timestamp::from_millis(1_682_928_000_000);
        assert_eq!(accounts(&db).await, [("Maria@example.com".to_owned(), joined, joined)]);
        assert_eq!(count(&db, "visitors").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_live_site_goes_on_writing_and_a_later_import_takes_what_came() {
    each_database(async |db| {
        let folder = Folder::new();
        let more = "insert into utm_tracker_leadsource (user_id, medium, source) values (2, 'cpc', 'google')";
        let wal = "pragma journal_mode = wal";
        let file = folder.sqlite("db.sqlite3", &[wal, LEADS, USERS, PEOPLE, more]).await;
        let options = SqliteConnectOptions::new().filename(&file);
        let mut site = SqliteConnection::connect_with(&options).await.expect("the site");
        site.execute("begin immediate").await.expect("a transaction of the site's");
        site.execute(more).await.expect("a row");
        assert_eq!(numbers(&db, &file).await, (1, 0, 0, 1), "what is not committed is not there");
        site.execute("commit").await.expect("the site is not kept from its commit");
        assert_eq!(numbers(&db, &file).await, (1, 1, 0, 0));
        // A copy as a crashed site leaves it: the last rows stand in the WAL file, which the import must not change.
        let parts = [("db.sqlite3", "copy.sqlite3"), ("db.sqlite3-wal", "copy.sqlite3-wal")];
        let [copy, wal] = parts.map(|(from, to)| {
            std::fs::copy(folder.0.join(from), folder.0.join(to)).expect("a copy");
            folder.0.join(to)
        });
        let bytes = || [&copy, &wal].map(|file| std::fs::read(file).expect("a file"));
        let before = bytes();
        assert!(!before[1].is_empty());
        assert_eq!(numbers(&db, &copy).await, (0, 2, 0, 0));
        assert_eq!(bytes(), before);
        site.close().await.expect("closed");
    })
    .await;
}

#[tokio::test]
async fn accounts_that_nobody_wants_are_not_created() {
    each_database(async |db| {
        let folder = Folder::new();
        let file = folder
            .sqlite(
                "db.sqlite3",
                &[
                    LEADS,
                    USERS,
                    PEOPLE,
                    "insert into utm_tracker_leadsource (user_id, medium, source)
                values (1, 'cpc', 'google'), (2, 'cpc', 'google')",
                ],
            )
            .await;
        account(&db, "maria@example.com", NOON, true).await;
        let options = Options { existing_users_only: true, ..Options::default() };
        let report = import(&db, &file, &options).await.expect("a report");
        let sample = "the account Maria@Example.com is sample data, which `waymark demo --remove` removes";
        assert_eq!(refused(&report), [("1", sample), ("2", "no account has the address tom@example.com")]);
        assert_eq!((count(&db, "users").await, count(&db, "visitors").await, count(&db, "touches").await), (1, 0, 0));
        account(&db, "Tom@example.com", NOON, false).await;
        let report = import(&db, &file, &options).await.expect("a report");
        assert_eq!((report.imported, refused(&report)), (1, vec![("1", sample)]));
        // without the option the result is the same: both users have an account now
        assert_eq!(numbers(&db, &file).await, (0, 1, 1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_not_djangos_is_refused_with_what_it_has() {
    let folder = Folder::new();
    let database = crate::db::testing::TestDatabase::create(crate::db::Dialect::Sqlite).await;
    let db = Db::connect(&database.url).await.expect("a database");
    db.migrate().await.expect("migrated");
    let keyless = LEADS.replace(r#"references "auth_user" ("id") deferrable initially deferred"#, "");
    let nameless = USERS.replace("\"email\" varchar(254) not null, ", "");
    let cases: [(&[&str], &str); 9] = [
        (
            &["create table a (b)", "create view utm_tracker_leadsource as select 1 as id"],
            "\"utm_tracker_leadsource\" is a view. The import reads tables only.",
        ),
        (
            &[LEADS, "create view auth_user as select 1 as id, 'a@example.com' as email"],
            "\"auth_user\" is a view. The import reads tables only.",
        ),
        (
            &[LEADS, "create virtual table auth_user using fts5(id, email)"],
            "\"auth_user\" is a virtual table. The import reads tables only.",
        ),
        (&["create table \"\u{1b}[2J\" (b)"], "has no table utm_tracker_leadsource. Its tables: \"\\u{1b}[2J\"."),
        (&["create table a (b)"], "has no table utm_tracker_leadsource. Its tables: \"a\"."),
        (
            &[r#"create table utm_tracker_leadsource (id integer, source text, user_id text)"#],
            "has no column medium, no column timestamp. Its columns: \"id\", \"source\", \"user_id\".",
        ),
        (&[&keyless], "has leads, but not their users: there is no table \"auth_user\"."),
        (
            &[LEADS, &nameless],
            "the user table \"auth_user\" has no column email, so the leads cannot be matched to accounts. Its columns: \
            \"id\", \"password\", \"last_login\", \"username\", \"date_joined\". Export the leads as CSV with a column user_email.",
        ),
        (&["pragma encoding = 'UTF-16'", "create table a (b)"], "is UTF-16. Save it as UTF-8 and import it again."),
    ];
    for (number, (statements, why)) in cases.into_iter().enumerate() {
        let file = folder.sqlite(&format!("{number}.sqlite3"), statements).await;
        let told = import(&db, &file, &Options::default()).await.expect_err("refused").to_string();
        let told = told.strip_prefix(&*file.display().to_string()).expect("the file").trim_start_matches([':', ' ']);
        assert_eq!(told, why);
    }
    // without a declared foreign key the users are in Django's own table
    let file = folder
        .sqlite(
            "plain.sqlite3",
            &[
                &keyless,
                USERS,
                PEOPLE,
                "insert into utm_tracker_leadsource (user_id, medium, source) values (2, 'cpc', 'google')",
            ],
        )
        .await;
    assert_eq!(numbers(&db, &file).await, (1, 0, 0, 1));
    let mut torn = std::fs::read(&file).expect("the file");
    torn[100..300].fill(7);
    let torn = folder.file("torn.sqlite3", torn);
    let told = import(&db, &torn, &Options::default()).await.expect_err("refused").to_string();
    assert!(told.contains("cannot be read as a SQLite database"), "{told}");
    db.close().await;
    database.remove().await;
}

#[tokio::test]
async fn a_huge_cell_is_refused_without_reading_it() {
    each_database(async |db| {
        let folder = Folder::new();
        let leads = "insert into utm_tracker_leadsource (id, user_id, medium, source, campaign, timestamp) values
            (1, 1, 'cpc', 'google', hex(zeroblob(50000000)), '2023-05-04 12:34:56'),
            (2, 1, 'cpc', 'google', hex(zeroblob(32769)), '2023-05-04 12:34:56'),
            (3, 1, 'cpc', 'google', 'fine', '2023-05-04 12:34:56')";
        let file = folder.sqlite("huge.sqlite3", &[LEADS, USERS, PEOPLE, leads]).await;
        let report = import(&db, &file, &Options::default()).await.expect("a report");
        let why = "it has a cell of more than 64 KiB";
        assert_eq!((report.imported, refused(&report)), (1, vec![("1", why), ("2", why)]));
    })
    .await;
}
