//! The grade that Mozilla's HTTP Observatory would give, by its published table of penalties and bonuses
//! (mdn/mdn-http-observatory, `src/grader/charts.js`). 100 points and more are an A+.

use reqwest::Response;

use crate::support::{PASSWORD, Setup, each_app_with, header, set_cookies};

/// The parts of a response that the Observatory looks at, with the points that it adds or takes.
fn points(response: &Response) -> Vec<(&'static str, i32)> {
    let policy = header(response, "content-security-policy");
    let directive = |name: &str| {
        policy.split("; ").find_map(|directive| directive.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_default()
    };
    let (scripts, styles) = (directive("script-src"), directive("style-src"));
    let mut points = Vec::new();
    let mut judge = |what, good: bool, bonus, penalty| points.push((what, if good { bonus } else { penalty }));
    let inline = |sources: &str| sources.is_empty() || sources.contains("'unsafe-inline'") || sources.contains("data:");
    judge("a policy without unsafe scripts", !inline(scripts), 0, -25);
    judge("a policy without eval", !scripts.split(' ').any(|source| source == "'unsafe-eval'"), 0, -10);
    judge("a policy without unsafe styles", !inline(styles), 0, -5);
    judge("a policy that allows nothing by default", directive("default-src") == "'none'", 10, 0);
    judge("a policy against frames", directive("frame-ancestors") == "'none'", 5, 0);
    judge("frames for old browsers", header(response, "x-frame-options") == "DENY", 0, -20);
    judge("no guessed types", header(response, "x-content-type-options") == "nosniff", 0, -5);
    let referrer = header(response, "referrer-policy");
    judge("a referrer policy", referrer == "strict-origin-when-cross-origin", 5, -5);
    let age =
        header(response, "strict-transport-security").split(';').next().and_then(|age| age.strip_prefix("max-age="));
    judge("TLS for half a year", age.and_then(|age| age.parse().ok()).unwrap_or(0) >= 15_768_000, 0, -20);
    judge("closed resources", header(response, "cross-origin-resource-policy") == "same-origin", 10, 0);
    judge("no shared resources", header(response, "access-control-allow-origin").is_empty(), 0, -50);
    let cookies = set_cookies(response);
    let safe = |cookie: &String| {
        cookie.contains("; Secure") && cookie.contains("; HttpOnly") && cookie.contains("; SameSite=")
    };
    judge("safe cookies", cookies.iter().all(safe), if cookies.is_empty() { 0 } else { 5 }, -40);
    points
}

#[tokio::test]
async fn every_page_gets_the_best_grade() {
    let secure = || Setup { variables: vec![("SITE_URL", "https://waymark.example".into())], ..Setup::default() };
    each_app_with(secure, async |app| {
        let browser = app.browser();
        let form = [("email", "maria@example.com"), ("password", PASSWORD)];
        let requests = [
            ("/", browser.get("/")),
            ("a landing", browser.get("/?utm_source=a")),
            ("/login", browser.get("/login")),
            ("a missing page", browser.get("/nowhere")),
            ("a file", browser.get("/favicon.ico")),
            ("signing up", browser.post("/api/register", &form)),
        ];
        for (what, request) in requests {
            let points = points(&request.send().await.expect("an answer"));
            assert!(points.iter().all(|(_, points)| *points >= 0), "{what}: {points:?}");
            let score = 100 + points.iter().map(|(_, points)| points).sum::<i32>();
            assert!(score >= 130, "{what}: {score} {points:?}");
        }
    })
    .await;
}

/// securityheaders.com gives an A+ for these six headers and a policy without `unsafe-inline`.
#[tokio::test]
async fn the_six_headers_of_an_a_plus_are_there() {
    let secure = || Setup { variables: vec![("SITE_URL", "https://waymark.example".into())], ..Setup::default() };
    each_app_with(secure, async |app| {
        let response = app.browser().get("/").send().await.expect("an answer");
        for name in [
            "content-security-policy",
            "permissions-policy",
            "referrer-policy",
            "strict-transport-security",
            "x-content-type-options",
            "x-frame-options",
        ] {
            assert!(!header(&response, name).is_empty(), "{name}");
        }
        assert!(!header(&response, "content-security-policy").contains("unsafe-inline"));
    })
    .await;
}
