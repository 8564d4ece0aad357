//! Conversions that a webhook reports.

use std::sync::Arc;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use waymark::{
    auth::api_tokens::{self, Terms},
    db::sql,
    id::UserId,
};

use crate::support::{TestApp, each_app, header, set_cookies};

pub const PATH: &str = "/api/conversions";

/// The sender of a webhook, without cookies.
pub struct Sender {
    pub client: reqwest::Client,
    pub url: String,
    pub token: String,
}

impl Sender {
    pub async fn new(app: &TestApp, name: &str) -> Self {
        Self::with_terms(app, name, Terms::default()).await
    }

    pub async fn with_terms(app: &TestApp, name: &str, terms: Terms) -> Self {
        let token =
            api_tokens::create(&app.db, name, terms, &waymark::audit::Actor::command_line()).await.expect("a token");
        Self { client: reqwest::Client::new(), url: format!("{}{PATH}", app.url), token }
    }

    pub fn request(&self) -> RequestBuilder {
        self.client.post(&self.url).header("authorization", format!("Bearer {}", self.token))
    }

    pub async fn send(&self, body: &Value) -> Answer {
        Answer::of(self.request().json(body)).await
    }

    /// Sends a text unchanged as the body.
    pub async fn send_text(&self, body: &str) -> Answer {
        Answer::of(self.request().header("content-type", "application/json").body(body.to_owned())).await
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// Sends a request and checks that the response is JSON and sets no cookie.
    pub async fn of(request: RequestBuilder) -> Self {
        Self::read(request.send().await.expect("an answer")).await
    }

    pub async fn read(response: Response) -> Self {
        assert_eq!(header(&response, "content-type"), "application/json; charset=utf-8", "{response:?}");
        assert_eq!(set_cookies(&response), [""; 0]);
        Self { status: response.status().as_u16(), body: response.json().await.expect("JSON") }
    }

    /// Returns the wrong fields that a 422 or 409 names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        assert!(errors.iter().all(|error| error["message"].as_str().is_some_and(|message| message.ends_with('.'))));
        errors.iter().map(|error| error["field"].as_str().expect("a field")).collect()
    }
}

pub fn purchase(external_id: &str) -> Value {
    json!({
        "user_email": "maria@example.com", "kind": "purchase", "value": 4900, "currency": "EUR",
        "external_id": external_id,
    })
}

/// Returns an object with some fields changed. Null removes a field.
pub fn with(mut body: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(body.as_object_mut().expect("an object").remove(name)),
            value => body[name] = value.clone(),
        }
    }
    body
}

pub async fn reported(app: &TestApp) -> i64 {
    app.count("select count(*) from conversions where source <> 'waymark'").await
}

#[tokio::test]
async fn a_sign_up_is_a_conversion_by_itself() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        app.admin().await;
        let rows: Vec<(String, String, i64, Option<String>)> =
            sql("select u.email, c.kind, c.value, c.currency from conversions c join users u on u.id = c.user_id
            where c.id = u.id and c.source = 'waymark' and c.occurred_at = u.created_at order by u.email desc")
            .fetch_all(&mut app.conn().await)
            .await
            .expect("rows");
        let sign_up = |email: &str| (email.to_owned(), "signup".to_owned(), 0, None);
        assert_eq!(rows, [sign_up("maria@example.com"), sign_up(crate::support::ADMIN)]);
        // An existing account becomes an admin, which is not another sign-up.
        waymark::auth::operator::create_admin(&app.db, "maria@example.com", crate::support::PASSWORD.into())
            .await
            .expect("an admin");
        assert_eq!(app.count("select count(*) from conversions").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_report_is_recorded_once_however_often_it_comes() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let terms = Terms { sources: vec!["checkout".into(), "calendar".into()], ..Terms::default() };
        let sender = Sender::with_terms(&app, "checkout", terms).await;
        let first = sender.send(&purchase("o-1")).await;
        assert_eq!((first.status, &first.body["status"]), (201, &json!("recorded")), "{first:?}");
        let again = sender.send(&purchase("o-1")).await;
        assert_eq!(again.status, 200);
        assert_eq!(again.body, json!({ "id": first.body["id"], "status": "already_recorded" }));
        let stored: (String, String, i64, String, String, String) =
            sql("select u.email, c.kind, c.value, c.currency, c.source, c.external_id from conversions c
            join users u on u.id = c.user_id where c.kind = 'purchase'")
            .fetch_one(&mut app.conn().await)
            .await
            .expect("one row");
        let expected = ("maria@example.com", "purchase", 4900, "EUR", "checkout", "o-1");
        assert_eq!((&*stored.0, &*stored.1, stored.2, &*stored.3, &*stored.4, &*stored.5), expected);

        // The report names the user's id, a source and a time, and no money.
        let user: UserId = sql("select id from users").fetch_scalar(&mut app.conn().await).await.expect("an id");
        let changes = json!({
            "user_email": null, "user_id": user, "source": "calendar", "occurred_at": "2026-01-02T03:04:05+01:00",
            "kind": "Demo", "value": null, "currency": null,
        });
        assert_eq!(sender.send(&with(purchase("o-1"), changes)).await.status, 201);
        let of_demo = "select occurred_at from conversions where source = 'calendar' and kind = 'demo' and value = 0
            and currency is null";
        // 2026-01-02T02:04:05Z
        assert_eq!(app.count(of_demo).await, 1_767_319_445_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reports_at_once_make_one_row_and_one_says_so() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Arc::new(Sender::new(&app, "checkout").await);
        for (name, times) in [("five", 5), ("twenty", 20)] {
            let reports = (0..times).map(|_| {
                let sender = sender.clone();
                tokio::spawn(async move { sender.send(&purchase(name)).await })
            });
            let mut answers = Vec::new();
            for answer in futures::future::join_all(reports).await {
                answers.push(answer.expect("no panic"));
            }
            assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{name}: {answers:?}");
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), times - 1, "{name}");
            assert!(answers.iter().all(|answer| answer.body["id"] == answers[0].body["id"]), "{name}");
            let count = format!("select count(*) from conversions where external_id = '{name}'");
            assert_eq!(app.count(count).await, 1, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_name_for_something_else_is_a_conflict_that_names_the_field() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        app.member("other@example.com").await;
        let sender = Sender::new(&app, "checkout").await;
        let first = sender.send(&purchase("o-1")).await;
        for (field, changes) in [
            ("user_email", json!({ "user_email": "other@example.com" })),
            ("kind", json!({ "kind": "demo" })),
            ("value", json!({ "value": 4901 })),
            ("currency", json!({ "currency": "USD" })),
        ] {
            let answer = sender.send(&with(purchase("o-1"), changes)).await;
            assert_eq!((answer.status, answer.fields()), (409, vec![field]));
            assert_eq!(answer.body["id"], first.body["id"]);
        }
        assert_eq!(reported(&app).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_bring_the_sum_to_zero_and_no_further() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Arc::new(Sender::new(&app, "checkout").await);
        sender.send(&purchase("o-1")).await;
        let refund = |name: &str, value: i64| json!({ "refunds": "o-1", "external_id": name, "value": value });
        let whole = with(purchase("r-0"), json!({ "refunds": "o-1", "value": -4901 }));
        assert_eq!(sender.send(&whole).await.fields(), ["value"], "more than was paid");
        for (field, body) in [
            ("currency", with(refund("r-1", -100), json!({ "currency": "USD" }))),
            ("refunds", with(refund("r-1", -100), json!({ "refunds": "o-2" }))),
            ("value", refund("r-1", 100)),
            ("value", with(refund("r-1", 0), json!({ "value": null }))),
            ("value", with(purchase("r-1"), json!({ "value": -100 }))),
            ("kind", with(refund("r-1", -100), json!({ "kind": "demo" }))),
        ] {
            let answer = sender.send(&body).await;
            assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{body}");
        }
        let part = with(purchase("r-1"), json!({ "refunds": "o-1", "value": -900 }));
        assert_eq!(sender.send(&part).await.status, 201);
        assert_eq!(sender.send(&part).await.status, 200);
        assert_eq!(sender.send(&with(refund("r-9", -1), json!({ "refunds": "r-1" }))).await.fields(), ["refunds"]);
        // Ten refunds at once, of which four fit into the value.
        let rest = (0..10).map(|n| {
            let (sender, body) = (sender.clone(), refund(&format!("r-2-{n}"), -1000));
            tokio::spawn(async move { sender.send(&body).await.status })
        });
        let mut statuses: Vec<u16> =
            futures::future::join_all(rest).await.into_iter().map(|status| status.expect("no panic")).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 201, 201, 422, 422, 422, 422, 422, 422]);
        assert_eq!(app.count("select cast(sum(value) as bigint) from conversions").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_report_without_a_session_makes_none() {
    each_app(async |app| {
        let member = app.member("maria@example.com").await;
        let sessions = app.count("select count(*) from tower_sessions").await;
        let sender = Sender::new(&app, "checkout").await;
        let url = format!("{}?utm_source=google&utm_medium=cpc", sender.url);
        let request = app.browser().client.post(url).bearer_auth(&sender.token).json(&purchase("o-1"));
        assert_eq!(Answer::of(request).await.status, 201);
        assert_eq!(app.count("select count(*) from tower_sessions").await, sessions);
        assert_eq!(app.count("select count(*) from touches").await, 0);
        assert!(member.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn an_erased_users_reports_are_recognised() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Sender::new(&app, "checkout").await;
        let first = sender.send(&purchase("o-1")).await;
        let erased = waymark::attribution::conversion::erased_id("checkout", "o-1");
        app.execute(sql("update conversions set external_id = $1 where external_id = 'o-1'").bind(erased)).await;
        app.execute(sql("update users set erased_at = 1, email = 'x', email_lower = 'x'")).await;
        let again = sender.send(&purchase("o-1")).await;
        assert_eq!((again.status, &again.body["id"]), (200, &first.body["id"]));
        // Another person signs up with the same e-mail address.
        app.member("maria@example.com").await;
        assert_eq!(sender.send(&purchase("o-1")).await.status, 200);
        let refund = with(purchase("r-1"), json!({ "refunds": "o-1", "value": -4900 }));
        assert_eq!(sender.send(&refund).await.status, 201);
        assert_eq!(sender.send(&refund).await.status, 200);
        assert_eq!(app.count("select count(*) from conversions where external_id in ('o-1', 'r-1')").await, 0);
        let sum = "select cast(sum(value) as bigint) from conversions c join users u on u.id = c.user_id
            where u.erased_at = 1";
        assert_eq!(app.count(sum).await, 0);
    })
    .await;
}

#[tokio::test]
async fn amounts_of_stripe_are_stored_in_minor_units() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let sender = Sender::new(&app, "checkout").await;
        let paid = json!({ "value": null, "stripe_amount": 150_000, "currency": "isk" });
        assert_eq!(sender.send(&with(purchase("pi_1"), paid.clone())).await.status, 201);
        // The same payment in minor units is the same report.
        let in_minor_units = json!({ "value": 1500, "currency": "ISK" });
        assert_eq!(sender.send(&with(purchase("pi_1"), in_minor_units)).await.status, 200);
        let other = json!({ "value": null, "stripe_amount": 1500, "currency": "isk" });
        let answer = sender.send(&with(purchase("pi_1"), other)).await;
        assert_eq!((answer.status, answer.fields()), (409, vec!["stripe_amount"]));
        let refund = |name: &str, amount: i64| {
            json!({ "refunds": "pi_1", "external_id": name, "stripe_amount": amount, "currency": "isk" })
        };
        assert_eq!(sender.send(&refund("re_1", 50_000)).await.status, 201);
        let answer = sender.send(&refund("re_2", 100_100)).await;
        assert_eq!((answer.status, answer.fields()), (422, vec!["stripe_amount"]), "more than is left");
        assert_eq!(sender.send(&refund("re_2", 100_000)).await.status, 201);
        let values: Vec<(i64, String)> = sql("select value, currency from conversions where source = 'checkout' order by value")
            .fetch_all(&mut app.conn().await)
            .await
            .expect("rows");
        let isk = |value| (value, "ISK".to_owned());
        assert_eq!(values, [isk(-1000), isk(-500), isk(1500)]);
    })
    .await;
}
