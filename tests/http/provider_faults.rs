//! Providers that misbehave: tokens that are not for this sign-in, errors, silence, and answers of another issuer.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::{
    provider_server::{MARIA, ProviderServer, Somebody, Trick},
    providers::{INSIDE, PROVIDERS, REFUSED, come_back, depart, each_provider, leads_to, sign_in},
    support::{PASSWORD, each_app_with},
};

/// What is wrong with a token of OpenID Connect that signs nobody in.
const WRONG_TOKENS: [Trick; 8] = [
    Trick::OtherNonce,
    Trick::NoNonce,
    Trick::OtherAudience,
    Trick::SecondAudience,
    Trick::OtherIssuer,
    Trick::Expired,
    Trick::OtherKey,
    Trick::NoIdToken,
];

const UNEXPECTED: &str = "did not answer as expected";

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_signs_nobody_in() {
    let server = ProviderServer::start().await;
    each_app_with(
        || server.setup(),
        async |app| {
            let browser = app.browser();
            for trick in WRONG_TOKENS {
                server.plays(Some(trick));
                assert_eq!(leads_to(&sign_in(&browser, &server, "google", MARIA).await), REFUSED, "{trick:?}");
                assert!(browser.text("/login").await.contains(UNEXPECTED), "{trick:?}");
                assert!(!browser.is_signed_in().await, "{trick:?}");
            }
            assert_eq!(app.count("select count(*) from users").await, 0);
            server.plays(None);
            assert_eq!(leads_to(&sign_in(&browser, &server, "google", MARIA).await), INSIDE);
        },
    )
    .await;
}

#[tokio::test]
async fn an_error_of_a_provider_is_told_and_signs_nobody_in() {
    each_provider(async |app, server, word| {
        let browser = app.browser();
        for trick in [Trick::Fails, Trick::Nonsense] {
            server.plays(Some(trick));
            assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), REFUSED, "{trick:?}");
            assert!(browser.text("/login").await.contains(UNEXPECTED), "{trick:?}");
        }
        server.plays(None);
        // Errors in the address, with the state of the sign-in and without it.
        let unfinished = "You did not finish signing in with";
        let stray = "it was begun in another browser";
        for (query, says) in [
            ("error=access_denied&state=STATE", unfinished),
            ("error=server_error&error_description=%3Cb%3Eno%3C%2Fb%3E&state=STATE", unfinished),
            ("error=temporarily_unavailable&code=code-1&state=STATE", unfinished),
            ("state=STATE", unfinished),
            ("error=access_denied", stray),
            ("code=code-1", stray),
            ("", stray),
        ] {
            let answer = server.lets_through(&depart(&browser, word).await, MARIA);
            let state = answer.split_once("&state=").expect("a state").1;
            let back = format!("/login/{word}/callback?{}", query.replace("STATE", state));
            assert_eq!(leads_to(&come_back(&browser, &back).await), REFUSED, "{query}");
            let page = browser.text("/login").await;
            assert!(page.contains(says) && !page.contains("<b>no</b>"), "{query}: {page}");
            // The answer that would have been right is used up.
            assert_eq!(leads_to(&come_back(&browser, &answer).await), REFUSED, "{query}");
        }
        // A person without an address, and with one that the provider has not verified.
        let doubtful = Somebody { verified: false, ..MARIA };
        assert_eq!(leads_to(&sign_in(&browser, server, word, doubtful).await), REFUSED);
        assert!(browser.text("/login").await.contains("has not verified an e-mail address"));
        assert_eq!(app.count("select count(*) from users").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_code_counts_once_also_in_a_new_sign_in() {
    each_provider(async |app, server, word| {
        let browser = app.browser();
        let first = server.lets_through(&depart(&browser, word).await, MARIA);
        assert_eq!(leads_to(&come_back(&browser, &first).await), INSIDE);
        browser.logout().await;
        // The code of the first sign-in with the state of a second one, in this browser and in a thief's.
        let code = first.split_once("&state=").expect("a state").0;
        for browser in [browser, app.browser()] {
            let second = server.lets_through(&depart(&browser, word).await, MARIA);
            let state = second.split_once("&state=").expect("a state").1;
            assert_eq!(leads_to(&come_back(&browser, &format!("{code}&state={state}")).await), REFUSED);
            assert!(!browser.is_signed_in().await);
        }
        // A code that was not used yet, but was made for another browser: the proof of the one who asked is missing.
        let (maria, thief) = (app.browser(), app.browser());
        let unused = server.lets_through(&depart(&maria, word).await, MARIA);
        let code = unused.split_once("&state=").expect("a state").0;
        let own = server.lets_through(&depart(&thief, word).await, MARIA);
        let state = own.split_once("&state=").expect("a state").1;
        assert_eq!(leads_to(&come_back(&thief, &format!("{code}&state={state}")).await), REFUSED);
        assert!(!thief.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_names_another_issuer_is_not_exchanged() {
    each_provider(async |app, server, word| {
        let with_issuer = async |issuer: &str| {
            let browser = app.browser();
            let answer = server.lets_through(&depart(&browser, word).await, MARIA);
            let issuer: String = form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
            let response = come_back(&browser, &format!("{answer}&iss={issuer}")).await;
            (response.status(), response.headers()["location"].to_str().expect("text").to_owned())
        };
        let other = with_issuer("https://accounts.example").await;
        // GitHub has no issuer here.
        let expected = if word == "google" { REFUSED } else { INSIDE };
        assert_eq!((other.0, other.1.as_str()), expected);
        let right = with_issuer(&server.url()).await;
        assert_eq!((right.0, right.1.as_str()), INSIDE);
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_hangs_keeps_only_those_waiting_who_come_from_it() {
    let server = ProviderServer::start().await;
    each_app_with(
        || server.setup(),
        async |app| {
            server.plays(None);
            app.member("somebody@example.com").await;
            let browsers = [app.browser(), app.browser()];
            let answers = [
                server.lets_through(&depart(&browsers[0], PROVIDERS[0]).await, MARIA),
                server.lets_through(&depart(&browsers[1], PROVIDERS[1]).await, MARIA),
            ];
            server.plays(Some(Trick::Hangs));
            let began = Instant::now();
            let (one, two) = (come_back(&browsers[0], &answers[0]), come_back(&browsers[1], &answers[1]));
            let others = async {
                let other = app.browser();
                for _ in 0..3 {
                    assert_eq!(other.open("/").await, StatusCode::OK);
                    assert_eq!(other.login("somebody@example.com", PASSWORD).await.headers()["location"], "/account");
                    other.logout().await;
                }
                began.elapsed()
            };
            let (github, google, served) = tokio::join!(one, two, others);
            let took = began.elapsed();
            assert_eq!((leads_to(&github), leads_to(&google)), (REFUSED, REFUSED));
            for browser in &browsers {
                assert!(browser.text("/login").await.contains(UNEXPECTED));
            }
            assert!(served < took, "others were served meanwhile: {served:?}");
            assert!((Duration::from_secs(5)..Duration::from_secs(20)).contains(&took), "{took:?}");
            assert_eq!(app.count("select count(*) from users").await, 1);
            server.plays(None);
            assert_eq!(leads_to(&sign_in(&browsers[1], &server, "google", MARIA).await), INSIDE);
        },
    )
    .await;
}
