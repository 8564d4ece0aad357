//! The privacy page, and the export and erasure of a member's data.

use std::{collections::BTreeSet, time::Duration};

use reqwest::StatusCode;
use serde_json::{Value, json};
use waymark::{db::Dialect, db::sql};

use crate::support::{ADMIN, Browser, PASSWORD, Setup, TestApp, each_app, each_app_with, header, set_cookies};

const EMAIL: &str = "maria@example.com";

async fn erase(browser: &Browser, password: &str) -> reqwest::Response {
    browser.post("/api/erase", &[("current_password", password)]).send().await.expect("an answer")
}

/// Returns the browser of a member who came by a campaign.
async fn maria(app: &TestApp) -> Browser {
    let maria = app.browser();
    maria.open("/pricing?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=CLICK-OF-MARIA").await;
    maria.register(EMAIL).await;
    maria
}

#[tokio::test]
async fn programs_read_what_the_privacy_signal_changes() {
    for (mode, gpc) in [("no_click_ids", true), ("no_capture", true), ("ignore", false)] {
        let setup = || Setup { variables: vec![("ATTRIBUTION_GPC", mode.into())], ..Setup::default() };
        each_app_with(setup, async |app| {
            let operations = app.db.operations();
            let response = app.browser().get("/.well-known/gpc.json").send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::OK);
            assert!(header(&response, "content-type").starts_with("application/json"));
            assert_eq!(header(&response, "cache-control"), "public, max-age=86400");
            assert!(set_cookies(&response).is_empty());
            let support: Value = response.json().await.expect("JSON");
            assert_eq!(support, json!({ "gpc": gpc, "lastUpdate": "2026-11-23" }));
            assert_eq!(app.db.operations(), operations, "no database");
        })
        .await;
    }
}

#[tokio::test]
async fn the_privacy_page_says_what_this_configuration_does() {
    let setup = || Setup {
        variables: vec![
            ("ATTRIBUTION_CUSTOM_TAGS", "partner,ref_code".into()),
            ("ATTRIBUTION_CONSENT", "required".into()),
            ("ATTRIBUTION_GPC", "no_capture".into()),
            ("ATTRIBUTION_KEEP_UNLINKED", "30d".into()),
            ("ATTRIBUTION_KEEP_LINKED", "never".into()),
        ],
        ..Setup::default()
    };
    each_app_with(setup, async |app| {
        let browser = app.browser();
        let page = browser.text("/privacy").await;
        for said in [
            "<code>partner</code>",
            "<code>ref_code</code>",
            "Before you agree, nothing about you is stored",
            "sends Global Privacy Control, none of this is stored. A referral link that led you here is not counted either.",
            "removed after 30 days.",
            "are kept until they are erased.",
            "/.well-known/gpc.json",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(browser.text("/").await.contains(r#"href="/privacy""#), "linked from everywhere");
    })
    .await;
    each_app(async |app| {
        let page = app.browser().text("/privacy").await;
        for said in [
            "No other parameters of the address.",
            "unless you decline",
            "click ids are not stored; the rest is.",
            "removed after 90 days.",
            "removed after 760 days (25 months).",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_privacy_page_names_every_cookie() {
    for secure in [false, true] {
        let setup = || Setup {
            variables: match secure {
                true => vec![("SITE_URL", "https://waymark.example".into())],
                false => vec![],
            },
            ..Setup::default()
        };
        each_app_with(setup, async |app| {
            let browser = app.browser();
            let mut answers = Vec::new();
            for path in ["/?utm_source=a&utm_medium=b", "/login", "/register", "/privacy"] {
                answers.push(browser.get(path).send().await.expect("an answer"));
            }
            for (path, form) in [
                ("/api/login", &[("email", "x@y.example"), ("password", "wrong")][..]),
                ("/api/register", &[("email", EMAIL), ("password", PASSWORD)]),
                ("/api/consent", &[("choice", "no")]),
                ("/api/consent", &[("choice", "yes")]),
                ("/api/erase", &[("current_password", "wrong")]),
            ] {
                answers.push(browser.post(path, form).send().await.expect("an answer"));
            }
            if app.db.dialect() == Dialect::Postgres {
                // Without the table, the touch waits in a cookie.
                app.execute(sql("alter table touches rename to touches_away")).await;
                answers.push(app.browser().get("/?utm_source=c&utm_medium=d").send().await.expect("an answer"));
                app.execute(sql("alter table touches_away rename to touches")).await;
            }
            let cookies = answers.iter().flat_map(set_cookies);
            let names: BTreeSet<String> =
                cookies.filter_map(|cookie| cookie.split('=').next().map(str::to_owned)).collect();
            let page = browser.text("/privacy").await;
            for name in &names {
                assert!(page.contains(&format!("<code>{name}</code>")), "{name} is not on the privacy page");
            }
            let most = if app.db.dialect() == Dialect::Postgres { 5 } else { 4 };
            assert_eq!(names.len(), most, "{names:?}");
            assert_eq!(page.matches("<tr>").count(), 1 + 5, "and no others");
        })
        .await;
    }
}

#[tokio::test]
async fn a_member_downloads_everything() {
    each_app(async |app| {
        let maria = maria(&app).await;
        app.member("bob@example.com").await;
        let page = maria.text("/account").await;
        assert!(page.contains(r#"href="/account/export.json""#), "{page}");
        let response = maria.get("/account/export.json").send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-disposition"), "attachment; filename=\"waymark-export.json\"");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert!(header(&response, "content-type").starts_with("application/json"));
        let text = response.text().await.expect("text");
        assert!(!text.contains("bob@") && !text.contains("argon2"), "{text}");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["account"]["email"], EMAIL);
        assert_eq!(document["visitors"][0]["touches"][0]["click_ids"], json!({ "gclid": "CLICK-OF-MARIA" }));
        assert_eq!(document["conversions"][0]["kind"], "signup");
        assert_eq!(document["sessions"].as_array().map(Vec::len), Some(1));
        assert!(document["sessions"][0]["signed_in_at"].is_string());

        let response = app.browser().get("/account/export.json").send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "for members");
        assert!(header(&response, "location").starts_with("/login"));
    })
    .await;
}

#[tokio::test]
async fn a_member_is_erased_signed_out_everywhere_and_may_come_back() {
    each_app(async |app| {
        let maria = maria(&app).await;
        let elsewhere = app.browser();
        elsewhere.login(EMAIL, PASSWORD).await;
        let touches = app.count("select count(*) from lead_sources").await;

        let response = erase(&maria, PASSWORD).await;
        let confirmation = header(&response, "location").to_owned();
        assert_eq!((response.status(), confirmation.len()), (StatusCode::SEE_OTHER, "/erased/".len() + 22));
        assert_eq!(header(&response, "clear-site-data"), "\"cache\", \"storage\"");
        let cookies = set_cookies(&response);
        assert!(cookies.iter().any(|cookie| cookie.starts_with("waymark=; Max-Age=0")), "{cookies:?}");
        assert!(!maria.is_signed_in().await && !elsewhere.is_signed_in().await);
        until_erased(&app, &confirmation).await;

        let rows = "select count(*) from users where email_lower = 'maria@example.com'";
        assert_eq!(app.count(rows).await, 0);
        assert_eq!(app.count("select count(*) from touches where click_ids <> '{}'").await, 0);
        assert_eq!(app.count("select count(*) from lead_sources").await, touches, "totals stay");
        if let Some(file) = app.database.url.strip_prefix("sqlite://") {
            for suffix in ["", "-wal", "-shm"] {
                let bytes = std::fs::read(format!("{file}{suffix}")).unwrap_or_default();
                for secret in [EMAIL, "CLICK-OF-MARIA"] {
                    let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                    assert!(!found, "{secret} stands in {file}{suffix}");
                }
            }
        }

        let response = app.browser().login(EMAIL, PASSWORD).await;
        assert_eq!(header(&response, "location"), "/login", "there is no such account");
        maria.register(EMAIL).await;
        assert!(maria.is_signed_in().await);
        assert_eq!(app.count("select count(*) from users").await, 2);
    })
    .await;
}

/// Reloads the confirmation page until everything is done.
async fn until_erased(app: &TestApp, confirmation: &str) {
    let anybody = app.browser();
    for _ in 0..600 {
        if anybody.text(confirmation).await.contains("Your data is erased") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{confirmation} is not done after a minute");
}

#[tokio::test]
async fn the_confirmation_says_what_is_done_to_who_knows_its_address() {
    each_app(async |app| {
        let maria = maria(&app).await;
        // Another process holds the lease of the job.
        let lease = "insert into jobs (name, leased_until) values ('erase', $1)
            on conflict (name) do update set leased_until = excluded.leased_until";
        app.execute(sql(lease).bind(app.db.now() + Duration::from_mins(10))).await;
        let confirmation = header(&erase(&maria, PASSWORD).await, "location").to_owned();
        let response = app.browser().get(&confirmation).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "x-robots-tag"), "noindex");
        let page = response.text().await.expect("text");
        for said in ["Your account is closed", "In progress, done by ", "Reload this page", r#"content="noindex""#] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains("maria"), "{page}");
        // a landing there must not put the address into a touch
        app.browser().open(&format!("{confirmation}?utm_source=x")).await;
        assert_eq!(app.count("select count(*) from touches where landing_path like '/erased%'").await, 0);

        app.execute(sql("update jobs set leased_until = 0")).await;
        assert!(waymark::privacy::erase::work(&app.db, Duration::from_secs(60), |_| {}).await.expect("worked"));
        assert!(waymark::privacy::file_wipe::clear(&app.db, Duration::from_secs(60)).await.expect("cleared"));
        let page = app.browser().text(&confirmation).await;
        assert!(page.contains("Your data is erased") && !page.contains("Reload this page"), "{page}");
        for unknown in ["/erased/0123456789012345678901", "/erased/x", "/erased", "/erased/%00"] {
            let status = app.browser().open(unknown).await;
            assert!(status == StatusCode::NOT_FOUND || status == StatusCode::BAD_REQUEST, "{unknown}: {status}");
        }
    })
    .await;
}

#[tokio::test]
async fn erasing_needs_the_password_and_guesses_wait() {
    each_app(async |app| {
        let response = erase(&app.browser(), PASSWORD).await;
        assert_eq!(header(&response, "location"), "/login?next=%2Faccount");
        let maria = maria(&app).await;
        for wrong in ["", "wrong", "Correct horse battery"] {
            let response = erase(&maria, wrong).await;
            assert_eq!(header(&response, "location"), "/account");
            let page = maria.text("/account").await;
            assert!(page.contains("This is not your current password."), "{page}");
            assert!(page.contains("Your data was not erased. The form below says why."), "{page}");
            assert!(page.contains(r#"id="erase-password-error""#), "{page}");
        }
        for _ in 0..3 {
            erase(&maria, "wrong").await;
        }
        let response =
            maria.post_json("/api/erase", &[("current_password", PASSWORD)]).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "the right one waits with them");
        assert!(response.headers().contains_key("retry-after"));
        assert!(maria.is_signed_in().await);
        assert_eq!(app.count("select count(*) from users where erased_at is null").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_only_admin_is_told_why_not() {
    each_app(async |app| {
        let admin = app.admin().await;
        let response = erase(&admin, PASSWORD).await;
        assert_eq!(header(&response, "location"), "/account");
        let page = admin.text("/account").await;
        assert!(page.contains("You are the only admin. Make somebody else an admin first"), "{page}");
        assert!(admin.is_signed_in().await);
        maria(&app).await;
        app.execute(sql("update users set role = 'admin' where email_lower = $1").bind(EMAIL)).await;
        assert!(header(&erase(&admin, PASSWORD).await, "location").starts_with("/erased/"));
        assert_eq!(app.count(format!("select count(*) from users where email_lower = '{ADMIN}'")).await, 0);
    })
    .await;
}
