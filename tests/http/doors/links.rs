//! Links, and answers of providers, that are used twice, in two browsers at once, after the session ended, or never.

use std::sync::Arc;

use reqwest::{Response, StatusCode};
use waymark::db::sql;

use super::{
    door::{Door, Person, Situation, accept, arrive, depart, invite, prepare, token_of},
    setup, touches,
};
use crate::{
    provider_server::{ProviderServer, Somebody},
    support::{Browser, PASSWORD, TestApp, each_app_with, header, with_mail},
};

/// A door whose last step is a link in a mail.
struct ByMail {
    door: Door,
    /// Where the link is asked for, what its path begins with, and where its form is posted to.
    asked_at: &'static str,
    prefix: &'static str,
    used_at: &'static str,
    /// Whether the account has the touch from the beginning, because the person signed up in the browser.
    has_touch: bool,
}

const BY_MAIL: [ByMail; 5] = [
    by_mail(Door::MagicLink, "/api/login/link", "/login/", "/api/login/token"),
    by_mail(Door::Imported, "/api/login/link", "/login/", "/api/login/token"),
    by_mail(Door::Reset, "/api/forgot", "/reset/", "/api/reset"),
    by_mail(Door::AdminMade, "/api/forgot", "/reset/", "/api/reset"),
    ByMail { has_touch: true, ..by_mail(Door::Verify, "/api/register", "/verify/", "/api/verify") },
];

const fn by_mail(door: Door, asked_at: &'static str, prefix: &'static str, used_at: &'static str) -> ByMail {
    ByMail { door, asked_at, prefix, used_at, has_touch: false }
}

/// How the link is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Never,
    Twice,
    AtOnce,
    AfterTheSession,
}

const USES: [Use; 4] = [Use::Never, Use::Twice, Use::AtOnce, Use::AfterTheSession];

impl ByMail {
    /// Returns a browser that may use the link: an address is confirmed only in a browser of the user.
    async fn browser(&self, app: &TestApp, email: &str) -> Browser {
        let browser = app.browser();
        if self.door == Door::Verify {
            browser.login(email, PASSWORD).await;
        }
        browser
    }

    async fn use_link(&self, browser: &Browser, link: &str) -> StatusCode {
        let form = [("token", token_of(link)), ("new_password", "a new horse battery")];
        browser.post_json(self.used_at, &form).send().await.expect("an answer").status()
    }

    async fn check(&self, app: &TestApp, how: Use) {
        let name = format!("{:?}-{how:?}", self.door).to_lowercase();
        let email = format!("{name}@example.com");
        prepare(app, self.door, &email).await;
        let (situation, other) = (Situation::SameBrowser, None);
        let person =
            Person { situation, campaign: format!("{name}."), email: email.clone(), asks: app.browser(), other };
        arrive(app, self.door, &person).await;
        person.asks.submit(self.asked_at, &[("email", &email), ("password", PASSWORD)]).await;
        let link = app.link(&email, self.prefix).await;
        let of_user = async || {
            let rows = touches(app, &person.campaign).await;
            assert_eq!(rows.len(), 1, "{name}: the touch is there once");
            rows[0].0 == Some(email.clone()) && rows[0].2 == 1
        };
        for _ in 0..3 {
            assert_eq!(app.browser().open(&link).await, StatusCode::OK, "{name}: opening uses nothing");
        }
        // The browser that asked may be anybody's.
        assert_eq!(of_user().await, self.has_touch, "{name}: not used");
        match how {
            Use::Never => return,
            Use::Twice => {
                assert_eq!(self.use_link(&self.browser(app, &email).await, &link).await, StatusCode::OK, "{name}");
            }
            Use::AtOnce => {
                let (one, two) = (self.browser(app, &email).await, self.browser(app, &email).await);
                let (one, two) = tokio::join!(self.use_link(&one, &link), self.use_link(&two, &link));
                let mut statuses = [one, two];
                statuses.sort();
                assert_eq!(statuses, [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY], "{name}");
            }
            Use::AfterTheSession => {
                app.execute(sql("delete from tower_sessions")).await;
                assert_eq!(self.use_link(&self.browser(app, &email).await, &link).await, StatusCode::OK, "{name}");
            }
        }
        assert!(of_user().await, "{name}: what brought the person is the person's");
        // And once more.
        assert_eq!(app.browser().open(&link).await, StatusCode::GONE, "{name}");
        let again = self.use_link(&self.browser(app, &email).await, &link).await;
        assert_eq!(again, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(of_user().await, "{name}: still");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_opened_twice_at_once_after_the_session_or_never_changes_nothing_more() {
    let server = ProviderServer::start().await;
    each_app_with(
        || setup(&server, false),
        async |app: Arc<TestApp>| {
            let mut cases = 0;
            for by_mail in &BY_MAIL {
                for how in USES {
                    by_mail.check(&app, how).await;
                    cases += 1;
                }
            }
            assert_eq!(cases, 20, "no case is lost");
        },
    )
    .await;
}

/// Comes back from a provider. Returns whether the browser is let in.
async fn come_back(browser: &Browser, answer: &str) -> bool {
    let response: Response = browser.get(answer).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    header(&response, "location") == "/account"
}

async fn check_provider(app: &TestApp, server: &ProviderServer, door: Door, how: Use, number: u64) {
    let name = format!("{door:?}-{how:?}").to_lowercase();
    let email = format!("{name}@example.com");
    let (situation, other) = (Situation::SameBrowser, None);
    let person = Person { situation, campaign: format!("{name}."), email: email.clone(), asks: app.browser(), other };
    arrive(app, door, &person).await;
    let who = Somebody { number, email: email.clone().leak(), verified: true };
    let answer = server.lets_through(&depart(&person.asks, door).await, who.clone());
    let (asks, elsewhere) = (&person.asks, app.browser());
    let enters = match how {
        Use::Never => false,
        Use::Twice => {
            assert!(!come_back(&elsewhere, &answer).await, "{name}: not the browser that asked");
            assert!(come_back(asks, &answer).await, "{name}");
            asks.logout().await;
            assert!(!come_back(asks, &answer).await, "{name}: once");
            true
        }
        Use::AtOnce => {
            let (one, two) = tokio::join!(come_back(asks, &answer), come_back(asks, &answer));
            assert!(one || two, "{name}: one of them enters");
            true
        }
        Use::AfterTheSession => {
            app.execute(sql("delete from tower_sessions")).await;
            assert!(!come_back(asks, &answer).await, "{name}: nobody waits for it");
            false
        }
    };
    let owner = enters.then_some(email.clone());
    assert_eq!(touches(app, &person.campaign).await, [(owner, person.campaign.clone(), 1)], "{name}");
    let users = app.count(format!("select count(*) from users where email = '{email}'")).await;
    assert_eq!(users, i64::from(enters), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_provider_that_comes_twice_at_once_after_the_session_or_never_changes_nothing_more() {
    let server = ProviderServer::start().await;
    each_app_with(
        || setup(&server, false),
        async |app: Arc<TestApp>| {
            let mut cases = 0;
            for door in [Door::GitHub, Door::Google] {
                for how in USES {
                    cases += 1;
                    check_provider(&app, &server, door, how, 1_000 + cases).await;
                }
            }
            assert_eq!(cases, 8, "no case is lost");
        },
    )
    .await;
}

/// An invitation belongs to nobody's browser, so what brought the person is what led the browser that accepts.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_opened_twice_at_once_after_the_session_or_never_counts_once() {
    each_app_with(with_mail, async |app: Arc<TestApp>| {
        for how in USES {
            let name = format!("invitation-{how:?}").to_lowercase();
            let email = format!("{name}@example.com");
            let (one, two) = (app.browser(), app.browser());
            for (browser, campaign) in [(&one, "one"), (&two, "two")] {
                browser.open(&format!("/?utm_source=news&utm_medium=email&utm_campaign={name}.{campaign}")).await;
            }
            let link = invite(&app, &email).await;
            for _ in 0..3 {
                assert_eq!(app.browser().open(&link).await, StatusCode::OK, "{name}: opening uses nothing");
            }
            let accepted = match how {
                Use::Never => Vec::new(),
                Use::Twice => vec![accept(&one, &link).await, accept(&two, &link).await],
                Use::AtOnce => {
                    let (first, second) = tokio::join!(accept(&one, &link), accept(&two, &link));
                    vec![first, second]
                }
                Use::AfterTheSession => {
                    app.execute(sql("delete from tower_sessions")).await;
                    vec![accept(&one, &link).await]
                }
            };
            let wins = accepted.iter().filter(|status| **status == StatusCode::OK).count();
            assert_eq!(wins, usize::from(how != Use::Never), "{name}: {accepted:?}");
            let rows = touches(&app, &format!("{name}.")).await;
            assert_eq!(rows.iter().map(|(.., hits)| hits).sum::<i64>(), 2, "{name}: {rows:?}");
            let own: Vec<_> = rows.iter().filter(|(owner, ..)| owner.as_deref() == Some(&email)).collect();
            // Nothing ties a browser whose session is gone to its touch.
            let expected = usize::from(matches!(how, Use::Twice | Use::AtOnce));
            assert_eq!(own.len(), expected, "{name}: {rows:?}");
            if how == Use::Twice {
                assert!(own[0].1.ends_with(".one"), "{rows:?}");
            }
            let accounts = format!("select count(*) from users where email = '{email}'");
            assert_eq!(app.count(accounts).await, wins as i64, "{name}");
        }
    })
    .await;
}
