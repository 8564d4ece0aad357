//! A site with attribution: sessions, the two layers, a page. See docs/attribution-alone.md.

use std::sync::Arc;

use attribution::{
    attribution::{
        Attribution,
        capture::{lead_source_layer::LeadSourceLayer, session_layer::UtmSessionLayer},
        settings::{Settings, Site},
    },
    db::Db,
    variables::Variables,
};
use axum::{Router, routing::get};
use tower_sessions::{MemoryStore, SessionManagerLayer};

async fn site(database: &str) -> Result<(Router, Attribution), attribution::db::Error> {
    let db = Db::connect(database).await?;
    db.migrate().await?;
    let environment = |name: &str| std::env::var(name).ok();
    let site = Site { url: "http://127.0.0.1:3000", no_pages: &["/api"], reserved_parameters: &[] };
    let attribution = Attribution::new(db, Arc::new(Settings::read(&mut Variables::new(&environment), site)));
    let pages = Router::new().route("/", get(async || "Hello"));
    let layered = pages
        .layer(LeadSourceLayer::new(attribution.clone()))
        .layer(UtmSessionLayer::new(attribution.clone()))
        // Your authentication goes here. It adds SignedInUser to the request's extensions.
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    Ok((layered, attribution))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (site, _) = site("sqlite://site.db").await?;
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, site).await?)
}

#[cfg(test)]
mod tests {
    use attribution::db::sql;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_landing_is_a_touch() {
        let folder = std::env::temp_dir().join(format!("attribution-alone-{}", std::process::id()));
        let (site, attribution) = site(&format!("sqlite://{}/site.db", folder.display())).await.expect("a site");
        let landing = Request::get("/?utm_source=news&utm_medium=email&utm_campaign=spring")
            .header("host", "127.0.0.1:3000")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .header("accept", "text/html,*/*")
            .body(Body::empty())
            .expect("a request");
        let answer = site.oneshot(landing).await.expect("an answer");
        assert!(answer.headers().contains_key("set-cookie"), "the visitor has a session");
        let mut conn = attribution.db.read().await.expect("a connection");
        let channel: String = sql("select channel from touches where campaign = 'spring'")
            .fetch_scalar(&mut conn)
            .await
            .expect("a touch");
        assert_eq!(channel, "Email");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
