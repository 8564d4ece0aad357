//! The facts that reports count from: replicas, and facts that cannot be read yet.

use std::time::Duration;

use reqwest::StatusCode;
use sqlx::{Connection, Executor, PgConnection};
use waymark::db::Dialect;

use crate::support::{ADMIN, Browser, PASSWORD, Setup, TestApp, each_app, header};

/// Returns the number of leads in the file of a server.
async fn leads(admin: &Browser) -> usize {
    admin.text("/admin/leads.csv").await.lines().count() - 1
}

#[tokio::test]
async fn every_replica_shows_what_another_one_stored() {
    each_app(|app| async move {
        let (other, _stop) = app.replica().await;
        let admin = app.admin().await;
        let at_other = Browser::new(&other);
        at_other.login(ADMIN, PASSWORD).await;
        // both replicas have facts now
        assert_eq!((leads(&admin).await, leads(&at_other).await), (0, 0));
        for number in 1..=3 {
            let browser = app.browser();
            assert_eq!(browser.open(&format!("/?utm_source=a{number}&utm_medium=email")).await, StatusCode::OK);
            browser.register(&format!("person{number}@example.com")).await;
            assert_eq!(leads(&at_other).await, number);
            assert_eq!(leads(&admin).await, number);
        }
    })
    .await;
}

#[tokio::test]
async fn while_facts_are_being_read_a_page_says_so_and_asks_again_and_the_site_goes_on() {
    let app = std::sync::Arc::new(TestApp::spawn(Dialect::Postgres, Setup::default()).await);
    let admin = app.admin().await;
    assert_eq!(app.browser().open("/?utm_source=a").await, StatusCode::OK);
    let mut conn = PgConnection::connect(&app.database.url).await.expect("a connection");
    conn.execute("begin; lock table campaign_aliases in access exclusive mode").await.expect("the lock");
    let response = admin.get("/admin").send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&response, "refresh"), "1");
    let page = response.text().await.expect("text");
    assert!(page.contains("This page goes on by itself") && page.contains("<progress"), "{page}");
    assert_eq!(app.browser().open("/?utm_source=b").await, StatusCode::OK, "the site serves meanwhile");
    conn.execute("commit").await.expect("the lock is released");
    let mut tries = 0;
    while admin.open("/admin").await != StatusCode::OK {
        tries += 1;
        assert!(tries < 50, "the page does not come");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    app.finish().await;
}
