//! Tokens that read the totals of campaigns, and report nothing.

use reqwest::{Response, StatusCode};
use waymark::{
    audit::Actor,
    auth::api_tokens::{Terms, create},
};

use crate::support::{PASSWORD, TestApp, each_app, header};

const PATH: &str = "/api/reports/campaigns.csv";

async fn token(app: &TestApp, name: &str, reads: bool) -> String {
    create(&app.db, name, Terms { reads, ..Terms::default() }, &Actor::command_line()).await.expect("a token")
}

async fn read(app: &TestApp, query: &str, token: &str) -> Response {
    let request = app.browser().get(&format!("{PATH}{query}"));
    request.header("authorization", format!("Bearer {token}")).send().await.expect("an answer")
}

#[tokio::test]
async fn a_token_reads_the_totals_of_campaigns_and_no_person() {
    each_app(async |app| {
        for (email, campaign) in [("maria@example.com", "spring"), ("bob@example.com", "autumn")] {
            let browser = app.browser();
            browser.open(&format!("/?utm_source=news&utm_medium=email&utm_campaign={campaign}")).await;
            browser.register(email).await;
        }
        let reader = token(&app, "metabase", true).await;
        let response = read(&app, "", &reader).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(header(&response, "content-type").starts_with("text/csv"));
        assert_eq!((header(&response, "cache-control"), header(&response, "set-cookie")), ("no-store", ""));
        let text = response.text().await.expect("text");
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 3, "{text}");
        assert!(rows[1].starts_with("news,email,autumn,Email,1,1,1,1,1,") && !text.contains("example.com"), "{text}");
        let admin = app.admin().await;
        let text = read(&app, "", &reader).await.text().await.expect("text");
        let same = admin.get("/admin/campaigns.csv").send().await.expect("an answer").text().await.expect("text");
        assert_eq!(same, text, "the file that admins get");
        let spring = read(&app, "?campaign=spring", &reader).await.text().await.expect("text");
        assert!(spring.contains("spring") && !spring.contains("autumn"), "{spring}");
        // Searching looks in e-mail addresses, so it would tell who has an account.
        let search = read(&app, "?q=maria", &reader).await;
        assert_eq!(search.status(), StatusCode::BAD_REQUEST);
        assert!(search.text().await.expect("text").starts_with("q: "));
        assert_eq!(read(&app, "?period=often", &reader).await.status(), StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn a_token_reads_or_reports_and_a_session_does_neither_here() {
    each_app(async |app| {
        let (reader, reporter) = (token(&app, "metabase", true).await, token(&app, "checkout", false).await);
        let denied = read(&app, "", &reporter).await;
        assert_eq!(denied.status(), StatusCode::FORBIDDEN);
        assert!(denied.text().await.expect("text").contains("may not read reports"));
        for wrong in ["", "x", "wmk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(read(&app, "", wrong).await.status(), StatusCode::UNAUTHORIZED, "{wrong}");
        }
        let admin = app.admin().await;
        assert_eq!(admin.open(PATH).await, StatusCode::UNAUTHORIZED, "a session is no token");
        for path in ["/admin/campaigns.csv", "/admin/leads.csv", "/admin"] {
            let request = app.browser().get(path).header("authorization", format!("Bearer {reader}"));
            assert_eq!(request.send().await.expect("an answer").status(), StatusCode::SEE_OTHER, "{path}");
        }
        app.member("maria@example.com").await;
        let report = app.browser().client.post(format!("{}/api/conversions", app.url));
        let body = r#"{"user_email":"maria@example.com","kind":"demo","external_id":"1"}"#;
        let report =
            report.header("content-type", "application/json").header("authorization", format!("Bearer {reader}"));
        assert_eq!(report.body(body).send().await.expect("an answer").status(), StatusCode::FORBIDDEN);
        assert_eq!(app.count("select count(*) from conversions where kind = 'demo'").await, 0);
        // Reading counts as twenty reports, of which a token has 600 a minute.
        let mut reads = 0;
        while read(&app, "", &reader).await.status() == StatusCode::OK {
            reads += 1;
            assert!(reads < 40, "there is a limit");
        }
        assert!(reads >= 25, "{reads}");
    })
    .await;
}

#[tokio::test]
async fn an_admin_makes_a_token_that_reads() {
    each_app(async |app| {
        let admin = app.admin().await;
        let form = [("name", "metabase"), ("may", "read"), ("sources", "checkout"), ("current_password", PASSWORD)];
        let response = admin.post("/api/tokens", &form).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), "/admin/tokens");
        let page = admin.text("/admin/tokens").await;
        let at = page.find("wmk_").expect("the token is shown once");
        assert!(page.contains("Reads the totals of campaigns"), "{page}");
        assert_eq!(read(&app, "", &page[at..at + 47]).await.status(), StatusCode::OK);
        let entry =
            "select count(*) from audit_entries where action = 'api_token_created' and detail like 'reads reports;%'";
        assert_eq!(app.count(entry).await, 1);
    })
    .await;
}
