//! Sign-ups, sign-ins, links and tokens have limits, and never starve each other.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use waymark::{
    auth::{api_tokens::Terms, operator::create_admin},
    db::sql,
};

use crate::{
    conversions::{Answer, Sender, purchase, reported, with},
    support::{ADMIN, Browser, PASSWORD, Setup, TestApp, each_app, each_app_with, header},
};

fn behind_a_proxy() -> Setup {
    Setup { variables: vec![("TRUSTED_PROXIES", "127.0.0.0/8".into())], ..Setup::default() }
}

/// Returns the network address that a number stands for.
fn address(number: usize) -> String {
    format!("198.51.{}.{}", number / 250, number % 250 + 1)
}

async fn send(browser: &Browser, path: &str, from: usize, email: &str, password: &str) -> Response {
    let request = browser.post_json(path, &[("email", email), ("password", password)]);
    request.header("x-forwarded-for", address(from)).send().await.expect("an answer")
}

fn retry_after(response: &Response) -> u64 {
    header(response, "retry-after").parse().expect("a number of seconds")
}

#[tokio::test]
async fn an_address_sends_twenty_sign_up_forms_an_hour_valid_or_not() {
    each_app_with(behind_a_proxy, async |app| {
        app.member("maria@example.com").await;
        let browser = app.browser();
        for n in 0..20 {
            // Asks whether an address has an account; sends what cannot be an address.
            let email = if n % 2 == 0 { "maria@example.com" } else { "maria" };
            let response = send(&browser, "/api/register", 7, email, PASSWORD).await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{n}");
        }
        let before = app.db.operations();
        for email in ["maria@example.com", "new@example.com", "maria"] {
            let response = send(&browser, "/api/register", 7, email, PASSWORD).await;
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert!((3_000..=3_600).contains(&retry_after(&response)), "{}", retry_after(&response));
        }
        assert_eq!(app.db.operations(), before, "the limit costs no query");
        // A plain form shows the reason on its page.
        let form = [("email", "new@example.com"), ("password", PASSWORD)];
        let request = browser.post("/api/register", &form).header("x-forwarded-for", address(7));
        assert_eq!(header(&request.send().await.expect("an answer"), "location"), "/register");
        let page = browser.text("/register").await;
        assert!(page.contains("Too many tries from your network. Try again in 60 minutes."), "{page}");
        assert_eq!(send(&browser, "/api/register", 8, "new@example.com", PASSWORD).await.status(), StatusCode::OK);
        assert_eq!(send(&browser, "/api/login", 7, "maria@example.com", PASSWORD).await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_whole_site_makes_only_so_many_accounts_an_hour_over_all_replicas() {
    let setup = || {
        let mut setup = behind_a_proxy();
        setup.variables.push(("SIGN_UPS_PER_HOUR", "15".into()));
        setup
    };
    each_app_with(setup, async |app| {
        let (url, _stop) = app.replica_with(setup()).await;
        let replicas = [Browser::new(&app.url), Browser::new(&url)];
        // Each address may send twenty forms, but the site makes fifteen accounts.
        let forms = (0..60).map(|n| {
            let browser = replicas[n % 2].clone();
            tokio::spawn(async move {
                send(&browser, "/api/register", n, &format!("user{n}@example.com"), PASSWORD).await.status().as_u16()
            })
        });
        let mut statuses: Vec<u16> = Vec::new();
        for status in futures::future::join_all(forms).await {
            statuses.push(status.expect("no panic"));
        }
        assert!(statuses.iter().all(|status| matches!(status, 200 | 429 | 503)), "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 15, "{statuses:?}");
        assert_eq!(app.count("select count(*) from users").await, 15);
        assert_eq!(app.count("select count(*) from conversions").await, 15, "a refused sign-up leaves nothing");
        assert_eq!(app.count("select count(*) from known_devices").await, 15);

        let browser = app.browser();
        let response = send(&browser, "/api/register", 99, "late@example.com", PASSWORD).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!((1..=3_600).contains(&retry_after(&response)));
        browser
            .post("/api/register", &[("email", "late@example.com"), ("password", PASSWORD)])
            .send()
            .await
            .expect("sent");
        let page = browser.text("/register").await;
        assert!(page.contains("Too many sign-ups right now. Try again in "), "{page}");
        // Who has an account signs in, and the command line makes admins.
        let made = statuses.iter().position(|status| *status == 200).expect("one was made");
        let response = send(&browser, "/api/login", 99, &format!("user{made}@example.com"), PASSWORD).await;
        assert_eq!(response.status(), StatusCode::OK);
        create_admin(&app.db, ADMIN, PASSWORD.into()).await.expect("an admin");
        assert_eq!(app.count("select used from hourly_limits").await, 15);
        // The next hour has its own share.
        app.execute(sql("update hourly_limits set since = since - 3600000")).await;
        let response = send(&browser, "/api/register", 99, "late@example.com", PASSWORD).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(app.count("select used from hourly_limits").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_hundreds_of_sign_ins_at_once_some_are_told_to_come_back_and_health_checks_go_on() {
    each_app_with(behind_a_proxy, async |app| {
        let browser = app.browser();
        let tries: Vec<_> = (0..500)
            .map(|n| {
                let browser = browser.clone();
                tokio::spawn(async move {
                    send(&browser, "/api/login", n, &format!("user{n}@example.com"), "wrong horse battery").await
                })
            })
            .collect();
        let (mut slowest, mut probes) = (Duration::ZERO, 0);
        while tries.iter().any(|sent| !sent.is_finished()) {
            let asked = Instant::now();
            assert_eq!(app.browser().open("/healthz").await, StatusCode::OK);
            slowest = slowest.max(asked.elapsed());
            probes += 1;
        }
        let (mut wrong, mut busy) = (0, 0);
        for sent in tries {
            let response = sent.await.expect("no panic");
            match response.status() {
                StatusCode::UNPROCESSABLE_ENTITY => wrong += 1,
                StatusCode::SERVICE_UNAVAILABLE => {
                    assert!(retry_after(&response) > 0);
                    busy += 1;
                }
                status => panic!("{status}"),
            }
        }
        assert!(wrong > 0 && busy > 0, "{wrong} were wrong, {busy} were told to come back");
        assert!(probes > 5 && slowest < Duration::from_secs(5), "{probes} probes, the slowest took {slowest:?}");
    })
    .await;
}

#[tokio::test]
async fn wrong_passwords_take_as_long_as_unknown_addresses_and_disabled_accounts() {
    each_app_with(behind_a_proxy, async |app| {
        const ACCOUNTS: usize = 6;
        for n in 0..ACCOUNTS {
            app.member(&format!("known{n}@example.com")).await;
            app.member(&format!("disabled{n}@example.com")).await;
        }
        app.execute(sql("update users set disabled_at = 1 where email like 'disabled%'")).await;
        let browser = app.browser();
        let mut times = [vec![], vec![], vec![]];
        // Five failures of an account do not make it wait.
        for n in 0..5 * ACCOUNTS {
            for (kind, times) in ["known", "unknown", "disabled"].iter().zip(&mut times) {
                let password = if *kind == "disabled" { PASSWORD } else { "wrong horse battery" };
                let asked = Instant::now();
                let response = send(&browser, "/api/login", n, &format!("{kind}{}@example.com", n / 5), password).await;
                times.push(asked.elapsed());
                assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
            }
        }
        let medians = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        let (least, most) = (medians.iter().min().expect("three"), medians.iter().max().expect("three"));
        // Without a hash, a check would take a tenth of the time.
        assert!(*most < *least * 2, "{medians:?}");
    })
    .await;
}

#[tokio::test]
async fn a_password_longer_than_any_account_s_is_just_wrong() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let mut bodies = Vec::new();
        for (email, password) in [
            ("maria@example.com", "wrong".to_owned()),
            ("maria@example.com", format!("{PASSWORD}{}", "x".repeat(200))),
            ("nobody@example.com", "x".repeat(10_000)),
        ] {
            let form = [("email", email), ("password", password.as_str())];
            let response = app.browser().post_json("/api/login", &form).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
            bodies.push(response.text().await.expect("text"));
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
        let failures = app.count("select cast(sum(failures) as bigint) from sign_in_failures").await;
        assert_eq!(failures, 3, "each counts");
    })
    .await;
}

#[tokio::test]
async fn who_guesses_referral_links_is_stopped_and_told_nothing() {
    each_app_with(behind_a_proxy, async |app| {
        let member = app.member("owner@example.com").await;
        let page = member.text("/account").await;
        let (_, token) = page.split_once("/r/").expect("a referral link");
        let token: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();
        let visitors = app.count("select count(*) from visitors").await;
        let follow = async |token: &str, from: usize| {
            let request = app.browser().get(&format!("/r/{token}")).header("x-forwarded-for", address(from));
            request.send().await.expect("an answer")
        };
        let mut statuses = Vec::new();
        for n in 0..200 {
            // Well formed, and malformed.
            let guess = if n % 2 == 0 { format!("guess{n:08}") } else { "x".to_owned() };
            let response = follow(&guess, 5).await;
            statuses.push(response.status().as_u16());
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                assert!(retry_after(&response) <= 601);
            } else {
                assert_eq!(header(&response, "location"), "/");
                assert_eq!(header(&response, "set-cookie"), "");
            }
        }
        assert_eq!(statuses[..60], [303; 60]);
        assert_eq!(statuses[60..], [429; 140]);
        assert_eq!(follow(&token, 5).await.status(), StatusCode::TOO_MANY_REQUESTS, "a known link looks the same");
        assert_eq!(app.count("select count(*) from visitors").await, visitors);
        let response = follow(&token, 6).await;
        assert_ne!(header(&response, "set-cookie"), "", "others follow links");
    })
    .await;
}

#[tokio::test]
async fn an_address_agrees_so_often_and_declines_always() {
    each_app_with(behind_a_proxy, async |app| {
        let browser = app.member("maria@example.com").await;
        let decide = async |choice: &str| {
            let request = browser.post("/api/consent", &[("choice", choice)]).header("x-forwarded-for", address(5));
            request.send().await.expect("an answer").status().as_u16()
        };
        let mut agreed = Vec::new();
        for _ in 0..62 {
            agreed.push(decide("yes").await);
            assert_eq!(decide("no").await, 303);
        }
        assert_eq!((&agreed[..60], &agreed[60..]), (&[303; 60][..], &[429; 2][..]));
        assert!(app.count("select count(*) from consents").await <= 121);
    })
    .await;
}

async fn token_of(app: &TestApp, name: &str, sources: &[&str]) -> Sender {
    let sources = sources.iter().map(|source| (*source).to_owned()).collect();
    Sender::with_terms(app, name, Terms { sources, ..Terms::default() }).await
}

#[tokio::test]
async fn a_token_reports_and_refunds_only_as_its_own_sources() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let checkout = token_of(&app, "checkout", &[]).await;
        let newsletter = token_of(&app, "newsletter", &[]).await;
        let relay = token_of(&app, "relay", &["checkout", "tickets"]).await;
        let as_source = |id: &str, source: &str| with(purchase(id), serde_json::json!({ "source": source }));
        let refund = |source: &str| {
            serde_json::json!({ "refunds": "o-1", "external_id": "r-1", "value": -4900, "source": source })
        };
        assert_eq!(checkout.send(&purchase("o-1")).await.status, 201);
        for (what, sender, body, status) in [
            ("another's source", &newsletter, as_source("o-2", "checkout"), 403),
            ("another's id, beforehand", &newsletter, as_source("o-9", "checkout"), 403),
            ("another's order", &newsletter, refund("checkout"), 403),
            ("the other way", &checkout, as_source("o-2", "newsletter"), 403),
            ("another spelling", &checkout, as_source("o-2", "Checkout"), 403),
            ("its own name, which it may not use", &relay, purchase("o-2"), 403),
            ("not even a wrong report", &newsletter, serde_json::json!({ "source": "checkout" }), 403),
            ("own source named", &checkout, as_source("o-3", "checkout"), 201),
            ("own source, the same id", &newsletter, purchase("o-1"), 201),
            ("one of several", &relay, as_source("o-4", "checkout"), 201),
            ("the other of several", &relay, as_source("o-1", "tickets"), 201),
            ("own refund of nothing", &newsletter, with(refund("newsletter"), serde_json::json!({"refunds": "o-3"})), 422),
            ("own refund", &checkout, refund("checkout"), 201),
        ] {
            let answer = sender.send(&body).await;
            assert_eq!(answer.status, status, "{what}: {answer:?}");
        }
        let answer = relay.send(&purchase("o-2")).await;
        assert_eq!(answer.body["error"], "This token may only report as the source checkout or tickets.");
        assert_eq!(reported(&app).await, 6);
        // A token that has ended is as unknown as any.
        app.execute(sql("update api_tokens set expires_at = 1 where name = 'checkout'")).await;
        assert_eq!(checkout.send(&purchase("o-5")).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn a_token_is_limited_and_asks_for_few_unknown_users() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let (checkout, other) = (token_of(&app, "checkout", &[]).await, token_of(&app, "other", &[]).await);
        let mut asked = 0;
        let limited = loop {
            let body = with(purchase("o-1"), serde_json::json!({ "user_email": format!("user{asked}@example.com") }));
            let response = checkout.request().json(&body).send().await.expect("an answer");
            match response.status().as_u16() {
                422 if asked < 100 => asked += 1,
                _ => break response,
            }
        };
        assert_eq!((limited.status(), asked), (StatusCode::TOO_MANY_REQUESTS, 60));
        assert!((1..=61).contains(&retry_after(&limited)));
        assert_eq!(checkout.send(&purchase("o-1")).await.status, 429);
        assert_eq!(other.send(&purchase("o-1")).await.status, 201, "each token has its own share");
    })
    .await;
}

#[tokio::test]
async fn who_guesses_tokens_waits_and_a_right_token_at_the_same_address_does_not() {
    each_app_with(behind_a_proxy, async |app| {
        app.member("maria@example.com").await;
        let sender = token_of(&app, "checkout", &[]).await;
        let send = async |token: &str, from: usize| {
            let request = sender.client.post(&sender.url).bearer_auth(token).json(&purchase("o-1"));
            Answer::of(request.header("x-forwarded-for", address(from))).await.status
        };
        for n in 0..30 {
            assert_eq!(send(&format!("wmk_{n:043}"), 5).await, 401);
        }
        assert_eq!(send(&format!("wmk_{:043}", 99), 5).await, 429);
        assert_eq!(send(&format!("wmk_{:043}", 99), 6).await, 401, "another address");
        assert_eq!(send(&sender.token, 5).await, 201);
    })
    .await;
}
