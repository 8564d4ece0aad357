//! The audit log: what gets into it, how it is read, and what an erasure leaves of it.

use reqwest::StatusCode;
use waymark::{
    audit::Action,
    db::{Dialect, sql},
};

use crate::support::{ADMIN, PASSWORD, Setup, TestApp, each_app, each_app_with, header};

/// Returns the log, oldest first: `action by on: detail`.
async fn log(app: &TestApp) -> Vec<String> {
    type Row = (String, String, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = sql("select action, actor_kind, actor_email, target, detail from audit_entries order by id")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("entries");
    let line = |(action, kind, by, on, detail): Row| {
        let by = by.unwrap_or(kind);
        [Some(format!("{action} {by}")), on, detail].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    };
    rows.into_iter().map(line).collect()
}

#[tokio::test]
async fn sign_ins_and_changes_leave_an_entry_each() {
    each_app_with(
        || Setup { variables: vec![("TRUSTED_PROXIES", "127.0.0.1".into())], ..Setup::default() },
        async |app| {
            let maria = app.member("Maria@example.com").await;
            let form = [("current_password", PASSWORD), ("new_password", "another battery staple")];
            maria.submit("/api/password", &form).await;
            for _ in 0..8 {
                app.browser().login("maria@example.com", "wrong password").await;
            }
            app.make_admin().await;
            let admin = app.browser();
            let sign_in = admin.post("/api/login", &[("email", ADMIN), ("password", PASSWORD)]);
            let response = sign_in.header("x-forwarded-for", "203.0.113.77").send().await.expect("an answer");
            let request_id = header(&response, "x-request-id").to_owned();
            admin.submit("/api/campaign-aliases", &[("alias", "spring-sale"), ("campaign", "spring")]).await;
            admin.submit("/api/campaign-aliases/remove", &[("alias", "spring-sale")]).await;
            admin.submit("/api/campaign-aliases/remove", &[("alias", "nothing")]).await;
            admin.submit("/api/referral-tokens", &[("campaign", "partner"), ("landing_path", "/")]).await;
            assert_eq!(admin.open("/admin/leads.csv?campaign=spring").await, StatusCode::OK);

            let mut log = log(&app).await;
            let link = log.iter().position(|line| line.starts_with("referral_link_created")).expect("an entry");
            assert!(log[link].ends_with(" · for partner"), "{}", log[link]);
            log.remove(link);
            assert_eq!(
                log,
                [
                    "sign_up Maria@example.com · Maria@example.com",
                    "password_changed Maria@example.com · Maria@example.com",
                    "sign_ins_slowed stranger · maria@example.com · after 6 wrong passwords",
                    "role_changed command_line · admin@example.com · admin, a new account",
                    "sign_in admin@example.com · admin@example.com",
                    "campaigns_merged admin@example.com · spring-sale · into spring",
                    "campaigns_unmerged admin@example.com · spring-sale · from spring",
                    "data_exported admin@example.com · /admin/leads.csv · ?period=all&campaign=spring",
                ]
            );
            let (network, id): (String, uuid::Uuid) =
                sql("select network, request_id from audit_entries where action = 'sign_in'")
                    .fetch_one(&mut app.conn().await)
                    .await
                    .expect("an entry");
            assert_eq!((&*network, id.to_string()), ("203.0.113.0/24", request_id));
        },
    )
    .await;
}

#[tokio::test]
async fn admins_read_and_filter_the_log() {
    each_app(async |app| {
        let admin = app.admin().await;
        let empty = admin.text("/admin/audit?actor=nobody").await;
        assert!(empty.contains("Nothing matches") && empty.contains("Show all entries"), "{empty}");
        app.member("maria@example.com").await;
        let rows = async |query: &str| {
            let page = admin.text(&format!("/admin/audit{query}")).await;
            page.split("<tbody>").nth(1).map_or(0, |rows| rows.matches("<tr>").count())
        };
        for (query, expected) in [
            ("", 3),
            ("?action=sign_up", 1),
            ("?by=command_line", 1),
            ("?actor=MARIA", 1),
            ("?target=admin%40", 2),
            ("?from=2020-01-01&to=2020-12-31", 0),
            ("?from=2020-01-01", 3),
            ("?action=nonsense", 3),
            ("?target=%00", 3),
        ] {
            assert_eq!(rows(query).await, expected, "{query}");
        }
        assert!(admin.text("/admin/audit?from=yesterday").await.contains("alert bad"));
        for path in ["/admin/audit?before=x", "/admin/audit?user=x&after=%00"] {
            assert_eq!(admin.open(path).await, StatusCode::OK, "{path}");
        }
        for action in Action::ALL {
            assert_eq!(admin.open(&format!("/admin/audit?action={}", action.as_str())).await, StatusCode::OK);
        }
    })
    .await;
}

#[tokio::test]
async fn an_erased_person_is_in_no_entry() {
    each_app(async |app| {
        let admin = app.admin().await;
        let maria = app.member("unmistakable@example.com").await;
        app.browser().login("unmistakable@example.com", PASSWORD).await;
        admin.submit("/api/campaign-aliases", &[("alias", "for unmistakable@example.com"), ("campaign", "x")]).await;
        admin.open("/admin/leads.csv?q=unmistakable%40example.com").await;
        maria.submit("/api/erase", &[("current_password", PASSWORD)]).await;
        let named = "select count(*) from audit_entries where coalesce(actor_email, '') || coalesce(target, '')
            || coalesce(detail, '') like '%unmistakable%'";
        for _ in 0..200 {
            if app.count("select count(*) from erasures where rows_cleaned_at is null").await == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(app.count(named).await, 0);
        let erased = "select count(*) from audit_entries where action = 'account_erased' and target_id is not null
            and actor_email is null and network is null";
        assert_eq!(app.count(erased).await, 1);
        let page = admin.text("/admin/audit?action=account_erased").await;
        assert!(page.contains("Erased user"), "{page}");
    })
    .await;
}

/// Without an entry there is no change, and no export.
#[tokio::test]
async fn what_cannot_be_noted_does_not_happen() {
    let app = TestApp::spawn(Dialect::Sqlite, Setup::default()).await;
    let admin = app.admin().await;
    app.execute(sql("alter table audit_entries rename to elsewhere")).await;
    admin.submit("/api/campaign-aliases", &[("alias", "a"), ("campaign", "b")]).await;
    assert_eq!(app.count("select count(*) from campaign_aliases").await, 0);
    assert_eq!(admin.open("/admin/leads.csv").await, StatusCode::SERVICE_UNAVAILABLE);
    app.remove().await;
}
