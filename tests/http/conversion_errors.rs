//! A report of a conversion that is not recorded gets the reason, in JSON.

use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::{Connection, Executor};
use waymark::{auth::api_tokens, db::Dialect};

use crate::{
    conversions::{Answer, PATH, Sender, purchase, reported, with},
    support::{Browser, each_app, header, raw},
};

#[tokio::test]
async fn every_mistake_is_named_with_its_field() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Sender::new(&app, "checkout").await;
        let id = "00000000-0000-7000-8000-000000000000";
        for (fields, changes) in [
            (&["user_email"][..], json!({ "user_email": null })),
            (&["user_email"], json!({ "user_email": "nobody@example.com" })),
            (&["user_email"], json!({ "user_email": "maria@example.com\0" })),
            (&["user_email"], json!({ "user_email": 1 })),
            (&["user_id"], json!({ "user_id": id })),
            (&["user_id"], json!({ "user_email": null, "user_id": id })),
            (&["user_id"], json!({ "user_email": null, "user_id": "1 or 1=1" })),
            (&["kind"], json!({ "kind": null })),
            (&["kind"], json!({ "kind": "pur chase" })),
            (&["kind"], json!({ "kind": "signup" })),
            (&["value"], json!({ "value": null })),
            (&["value"], json!({ "value": 49.5 })),
            (&["value"], json!({ "value": 49.0 })),
            (&["value"], json!({ "value": "4900" })),
            (&["value"], json!({ "value": 1_000_000_000_001_i64 })),
            (&["value"], json!({ "value": u64::MAX })),
            (&["currency"], json!({ "currency": null })),
            (&["currency"], json!({ "currency": "EURO" })),
            (&["currency"], json!({ "currency": "ABC" })),
            (&["external_id"], json!({ "external_id": null })),
            (&["external_id"], json!({ "external_id": "" })),
            (&["external_id"], json!({ "external_id": "a\0b" })),
            (&["external_id"], json!({ "external_id": "x".repeat(256) })),
            (&["external_id"], json!({ "external_id": "erased:1" })),
            (&["source"], json!({ "source": "waymark" })),
            (&["source"], json!({ "source": "a\nb" })),
            (&["occurred_at"], json!({ "occurred_at": "yesterday" })),
            (&["occurred_at"], json!({ "occurred_at": "1999-12-31T23:59:59Z" })),
            (&["occurred_at"], json!({ "occurred_at": "2999-01-01T00:00:00Z" })),
            (&["occurred_at"], json!({ "occurred_at": 1_795_447_800 })),
            (&["amount"], json!({ "amount": 1 })),
            (&["stripe_amount"], json!({ "stripe_amount": 4900 })),
            (&["stripe_amount"], json!({ "value": null, "stripe_amount": 150, "currency": "isk" })),
            (&["stripe_amount"], json!({ "value": null, "stripe_amount": -4900 })),
            (&["stripe_amount"], json!({ "value": null, "stripe_amount": 1_000_000_000_001_i64 })),
            (&["currency"], json!({ "value": null, "stripe_amount": 4900, "currency": null })),
            (&["currency"], json!({ "value": null, "stripe_amount": 4900, "currency": null, "refunds": "o-0" })),
            (&["currency"], json!({ "value": null, "stripe_amount": 4900, "currency": "ABC", "refunds": "o-0" })),
            (&["sample", "user_email", "kind"], json!({ "sample": true, "kind": "!", "user_email": "x" })),
        ] {
            let answer = sender.send(&with(purchase("o-1"), changes.clone())).await;
            let mut expected = fields.to_vec();
            let mut found = answer.fields();
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!((answer.status, found), (422, expected), "{changes}");
        }
        assert_eq!(reported(&app).await, 0);
        // A currency in lower case is accepted, and so is an external id in any script.
        let fine = with(purchase("Bestellung № 1 ✓"), json!({ "currency": "eur", "user_email": "Maria@Example.COM" }));
        assert_eq!(sender.send(&fine).await.status, 201);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_told_where_it_breaks() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Sender::new(&app, "checkout").await;
        for (body, place) in [
            ("", "line 1 column 0"),
            ("{\n\"kind\": purchase}", "line 2 column 9"),
            ("[]", "object"),
            ("{}{}", "column 3"),
        ] {
            let answer = sender.send_text(body).await;
            let why = answer.body["error"].as_str().expect("a text");
            assert!(answer.status == 400 && why.contains(place), "{body}: {answer:?}");
        }
        let twice = r#"{"user_email":"maria@example.com","kind":"demo","kind":"demo","external_id":"o-1"}"#;
        assert_eq!(sender.send_text(twice).await.fields(), ["kind"]);
        for kind in ["", "text/plain", "application/x-www-form-urlencoded", "text/json"] {
            let request = sender.request().body(purchase("o-1").to_string());
            let request = if kind.is_empty() { request } else { request.header("content-type", kind) };
            assert_eq!(Answer::of(request).await.status, 415, "{kind}");
        }
        let typed = sender.request().body(purchase("o-1").to_string());
        assert_eq!(Answer::of(typed.header("content-type", "Application/JSON; charset=utf-8")).await.status, 201);
        // With `Content-Length`, and without.
        let long = with(purchase("o-2"), json!({ "source": "x".repeat(17 * 1024) })).to_string();
        assert_eq!(sender.send_text(&long).await.status, 413);
        let host = app.url.trim_start_matches("http://");
        let chunked = format!(
            "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
            sender.token,
            long.len()
        );
        let answer = raw(&app.url, &chunked).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains(r#"{"error":"#), "{answer}");
        assert_eq!(reported(&app).await, 1);
    })
    .await;
}

#[tokio::test]
async fn only_a_good_token_is_let_in() {
    each_app(async |app| {
        let member = app.member("maria@example.com").await;
        let admin = app.admin().await;
        let sender = Sender::new(&app, "checkout").await;
        let revoked = Sender::new(&app, "old").await;
        assert!(api_tokens::revoke(&app.db, "old", &waymark::audit::Actor::command_line()).await.expect("revoked"));
        let post = |browser: &Browser| browser.client.post(&sender.url).json(&purchase("o-1"));
        let token = &sender.token;
        let stranger = app.browser();
        let in_query = format!("{}?access_token={token}", sender.url);
        for (what, request, known) in [
            ("nobody", post(&stranger), false),
            ("a member's session", post(&member), false),
            ("an admin's session", post(&admin), false),
            ("another scheme", post(&stranger).header("authorization", format!("Basic {token}")), false),
            ("no scheme", post(&stranger).header("authorization", token), false),
            ("two", post(&stranger).bearer_auth(token).header("authorization", "Bearer x"), false),
            ("in the query", stranger.client.post(in_query).json(&purchase("o-1")), false),
            ("nothing", post(&stranger).header("authorization", "Bearer "), false),
            ("revoked", post(&stranger).bearer_auth(&revoked.token), true),
            ("upper case", post(&stranger).bearer_auth(token.to_uppercase()), true),
            ("lower case", post(&stranger).bearer_auth(token.to_lowercase()), true),
            ("cut", post(&stranger).bearer_auth(&token[..token.len() - 1]), true),
            ("longer", post(&stranger).bearer_auth(format!("{token}A")), true),
            ("another", post(&stranger).bearer_auth(format!("wmk_{}", "A".repeat(43))), true),
        ] {
            let response = request.send().await.expect("an answer");
            let challenge = header(&response, "www-authenticate").to_owned();
            assert!(challenge.starts_with(r#"Bearer realm="waymark""#), "{what}: {challenge}");
            let answer = Answer::read(response).await;
            assert_eq!(answer.status, 401, "{what}");
            if known {
                assert!(challenge.contains("invalid_token"), "{what}: {challenge}");
            }
        }
        assert_eq!(reported(&app).await, 0);
        assert_eq!(Answer::of(post(&stranger).header("authorization", format!("bearer {token}"))).await.status, 201);
        let used = app.count("select count(*) from api_tokens where last_used_at is not null").await;
        assert_eq!(used, 1);
    })
    .await;
}

#[tokio::test]
async fn another_sites_page_reports_nothing_and_other_methods_are_refused_in_json() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Sender::new(&app, "checkout").await;
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            assert_eq!(Answer::of(sender.request().header(name, value).json(&purchase("o-1"))).await.status, 403);
        }
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            // The request has a browser's headers, and the response is JSON all the same.
            let request = app.browser().client.request(method.clone(), &sender.url).bearer_auth(&sender.token);
            let response = request.send().await.expect("an answer");
            assert_eq!(header(&response, "allow"), "POST", "{method}");
            assert_eq!(Answer::read(response).await.status, 405, "{method}");
        }
        for path in ["/", "/o-1"] {
            assert_eq!(Answer::of(sender.client.post(format!("{}{path}", sender.url))).await.status, 404, "{path}");
        }
        assert_eq!(reported(&app).await, 0);
        assert_eq!(app.browser().open("/api/conversionsx").await, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn while_the_database_takes_nothing_the_sender_is_told_to_come_again() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Sender::new(&app, "checkout").await;
        // The token was used before. So the failure is not in writing the token's first use.
        assert_eq!(sender.send(&purchase("o-1")).await.status, 201);
        let response = match app.db.dialect() {
            Dialect::Sqlite => {
                let mut conn = sqlx::SqliteConnection::connect(&app.database.url).await.expect("a connection");
                conn.execute("begin immediate").await.expect("the lock");
                let response = sender.request().json(&purchase("o-2")).send().await.expect("an answer");
                conn.execute("rollback").await.expect("released");
                response
            }
            Dialect::Postgres => {
                let mut conn = sqlx::PgConnection::connect(&app.database.url).await.expect("a connection");
                conn.execute("begin; lock table conversions in share mode").await.expect("the lock");
                let response = sender.request().json(&purchase("o-2")).send().await.expect("an answer");
                conn.execute("rollback").await.expect("released");
                response
            }
        };
        assert!(header(&response, "retry-after").parse::<u32>().is_ok(), "{response:?}");
        assert_eq!(Answer::read(response).await.status, 503);
        assert_eq!(reported(&app).await, 1);
        assert_eq!(sender.send(&purchase("o-2")).await.status, 201);
    })
    .await;
}
