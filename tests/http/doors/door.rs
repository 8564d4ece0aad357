//! The doors, one by one: what has to be there before the person arrives, and how the person goes through.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::StatusCode;
use waymark::{
    attribution::{
        channel::rules::Rules,
        referral::token::{NewToken, create_token},
    },
    audit::Actor,
    db::sql,
    id::{JobId, UserId},
    import::{self, Options},
};

use crate::{
    consent::banner,
    provider_server::{ProviderServer, Somebody},
    support::{Browser, PASSWORD, TestApp, header},
};

/// A way into an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Signs up with a password.
    SignUp,
    /// Signs in with a password, on a device that the account does not know.
    SignIn,
    /// Signs up, and uses the link that confirms the address.
    Verify,
    /// Asks for a link that signs in, and opens it in the same browser.
    MagicLink,
    /// Asks for a link that signs in, and opens it in another browser.
    MagicLinkElsewhere,
    /// Asks for a link that sets a password, and signs in with the password.
    Reset,
    /// Signs in with GitHub for the first time.
    GitHub,
    /// Signs in with Google for the first time.
    Google,
    /// Accepts an invitation.
    Invitation,
    /// Sets the first password of an account that an admin made.
    AdminMade,
    /// Comes into an imported account for the first time.
    Imported,
    /// Signs up after following a member's link.
    Referral,
    /// Signs up, and agrees afterwards to be remembered.
    ConsentAfterwards,
    /// Follows a link inside an app, signs up in the app's browser, and goes on in the system's browser.
    InAppBrowser,
}

/// How many doors there are.
pub const DOORS: usize = 14;

impl Door {
    pub const ALL: [Self; DOORS] = [
        Self::SignUp,
        Self::SignIn,
        Self::Verify,
        Self::MagicLink,
        Self::MagicLinkElsewhere,
        Self::Reset,
        Self::GitHub,
        Self::Google,
        Self::Invitation,
        Self::AdminMade,
        Self::Imported,
        Self::Referral,
        Self::ConsentAfterwards,
        Self::InAppBrowser,
    ];

    /// Whether the sign-up is a conversion. The import makes one, too.
    pub fn signs_up(self) -> bool {
        self != Self::AdminMade
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// Arrives, asks and opens in one browser. A link that is to be opened elsewhere is, and the person comes back.
    SameBrowser,
    /// Arrives and asks in one browser, and opens the link or signs in with another one, which another campaign led here.
    OtherBrowser,
    /// As before, but the site has to ask before it remembers anybody, and the person agrees when all is done.
    LateConsent,
}

/// A person on the way through a door.
pub struct Person {
    pub situation: Situation,
    /// The campaign of the link that the person follows.
    pub campaign: String,
    pub email: String,
    /// The browser in which the person arrives and asks.
    pub asks: Browser,
    /// The browser in which the person ends, if it is another one.
    pub other: Option<Browser>,
}

impl Person {
    /// Returns the browser in which the person ends.
    pub fn opens(&self) -> &Browser {
        self.other.as_ref().unwrap_or(&self.asks)
    }

    /// Returns the person's browsers.
    fn browsers(&self) -> impl Iterator<Item = &Browser> {
        std::iter::once(&self.asks).chain(&self.other)
    }

    async fn sign_up(&self) {
        self.asks.submit("/api/register", &[("email", &self.email), ("password", PASSWORD)]).await;
    }
}

/// The user agent of Instagram's own browser.
pub const IN_APP: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
    Mobile/22B83 Instagram 356.0.0.28.99 (iPhone15,2; iOS 18_1; en_US; en-US; scale=3.00; 1179x2556; 660563023)";

const NEW: &str = "a new horse battery";

pub fn token_of(link: &str) -> &str {
    link.rsplit('/').next().expect("a token")
}

async fn log_in(browser: &Browser, email: &str, password: &str) {
    assert_eq!(browser.login(email, password).await.headers()["location"], "/account", "{email}");
}

/// Returns a number that no other person has.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Makes what has to be there before the person arrives. Returns the campaigns that have led the person here before.
pub async fn prepare(app: &TestApp, door: Door, email: &str) -> Vec<String> {
    match door {
        Door::SignUp | Door::Verify | Door::Referral | Door::GitHub | Door::Google => {}
        Door::Invitation | Door::ConsentAfterwards | Door::InAppBrowser => {}
        Door::SignIn | Door::MagicLink | Door::MagicLinkElsewhere | Door::Reset => {
            let elsewhere = app.browser();
            elsewhere.submit("/api/register", &[("email", email), ("password", PASSWORD)]).await;
            let link = app.link(email, "/verify/").await;
            elsewhere.submit("/api/verify", &[("token", token_of(&link))]).await;
        }
        Door::AdminMade => {
            let row = sql(
                "insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $2, '!', 0)",
            );
            app.execute(row.bind(UserId::new()).bind(email)).await;
        }
        Door::Imported => return vec![import_lead(app, email).await],
    }
    Vec::new()
}

/// Imports an account with a lead. Returns the lead's campaign.
async fn import_lead(app: &TestApp, email: &str) -> String {
    let campaign = format!("{}-imported", email.split('@').next().expect("a name"));
    let file = std::env::temp_dir().join(format!("waymark-doors-{}.csv", JobId::new()));
    let head = "id,user_email,timestamp,medium,source,campaign";
    let row = format!("{},{email},2023-05-04T12:34:56Z,cpc,google,{campaign}", number());
    std::fs::write(&file, format!("{head}\n{row}\n")).expect("written");
    let (rules, options) = (Rules::parse("").expect("no rules"), Options::default());
    let report = import::django_utm_tracker(&app.db, &rules, &file, &options, |_, _| {}).await.expect("imported");
    assert_eq!(report.imported, 1);
    std::fs::remove_file(file).expect("removed");
    campaign
}

/// Follows the campaign's link. Returns the fields of the page's question for consent, if the page asks.
pub async fn arrive(app: &TestApp, door: Door, person: &Person) -> Vec<(String, String)> {
    let campaign = &person.campaign;
    let path = match door {
        Door::Referral => {
            let new = NewToken { campaign: campaign.clone(), landing_path: "/".into(), expires_at: None };
            format!("/r/{}", create_token(&app.db, new, &Actor::command_line()).await.expect("a link"))
        }
        _ => format!("/?utm_source=news&utm_medium=email&utm_campaign={campaign}"),
    };
    let response = person.asks.get(&path).send().await.expect("an answer");
    // A link to a member's page leads on, with the landing if the person has not decided yet.
    let response = match header(&response, "location") {
        "" => response,
        next => person.asks.get(next).send().await.expect("an answer"),
    };
    banner(&response.text().await.expect("text"))
}

/// Goes through a door.
pub async fn go(app: &TestApp, server: &ProviderServer, door: Door, person: &Person) {
    let Person { email, asks, .. } = person;
    let opens = person.opens();
    match door {
        Door::SignUp | Door::Referral => {
            person.sign_up().await;
            log_in(opens, email, PASSWORD).await;
        }
        Door::ConsentAfterwards => {
            person.sign_up().await;
            log_in(opens, email, PASSWORD).await;
            // Late: the session in which the person signed up has ended.
            if person.situation == Situation::LateConsent {
                log_in(asks, email, PASSWORD).await;
                asks.logout().await;
                log_in(asks, email, PASSWORD).await;
            }
        }
        Door::SignIn => {
            for browser in person.browsers() {
                log_in(browser, email, PASSWORD).await;
            }
        }
        Door::Verify | Door::InAppBrowser => {
            person.sign_up().await;
            confirm(app, opens, email).await;
        }
        Door::MagicLink => {
            for browser in person.browsers() {
                sign_in_by_link(app, email, browser, browser).await;
            }
        }
        Door::MagicLinkElsewhere => {
            let elsewhere = person.other.clone().unwrap_or_else(|| app.browser());
            sign_in_by_link(app, email, asks, &elsewhere).await;
        }
        Door::Imported => sign_in_by_link(app, email, asks, opens).await,
        Door::Reset | Door::AdminMade => {
            assert_eq!(asks.submit("/api/forgot", &[("email", email)]).await, "/forgot");
            let link = app.link(email, "/reset/").await;
            assert_eq!(opens.open(&link).await, StatusCode::OK);
            let form = [("token", token_of(&link)), ("new_password", NEW)];
            assert_eq!(opens.submit("/api/reset", &form).await, "/login");
            log_in(opens, email, NEW).await;
        }
        Door::Invitation => {
            let link = invite(app, email).await;
            assert_eq!(accept(opens, &link).await, StatusCode::OK);
            if person.other.is_some() {
                log_in(asks, email, NEW).await;
            }
        }
        Door::GitHub | Door::Google => {
            let who = Somebody { number: number(), email: email.clone().leak(), verified: true };
            for browser in person.browsers() {
                let answer = server.lets_through(&depart(browser, door).await, who.clone());
                let response = browser.get(&answer).send().await.expect("an answer");
                assert_eq!(header(&response, "location"), "/account", "{email}");
            }
        }
    }
}

/// Has an admin invite a person. Returns the path of the link.
pub async fn invite(app: &TestApp, email: &str) -> String {
    let admin = app.admin().await;
    assert_eq!(
        admin.submit("/api/invitations", &[("email", email), ("role", "member")]).await,
        "/admin/users#invitations"
    );
    app.link(email, "/invitation/").await
}

/// Opens the link of an invitation, and accepts it.
pub async fn accept(browser: &Browser, link: &str) -> StatusCode {
    browser.open(link).await;
    let form = [("token", token_of(link)), ("new_password", NEW)];
    browser.post_json("/api/invitation", &form).send().await.expect("an answer").status()
}

/// Uses the link that confirms an address.
async fn confirm(app: &TestApp, browser: &Browser, email: &str) {
    let link = app.link(email, "/verify/").await;
    assert_eq!(browser.open(&link).await, StatusCode::OK);
    // Only the browser that made the account confirms the address at once. Any other has to sign in first.
    if browser.submit("/api/verify", &[("token", token_of(&link))]).await.starts_with("/login?next=%2Fverify%2F") {
        log_in(browser, email, PASSWORD).await;
        assert_eq!(browser.submit("/api/verify", &[("token", token_of(&link))]).await, "/account");
    }
}

async fn sign_in_by_link(app: &TestApp, email: &str, asks: &Browser, opens: &Browser) {
    assert_eq!(asks.submit("/api/login/link", &[("email", email)]).await, "/login/link");
    let link = app.link(email, "/login/").await;
    assert_eq!(opens.open(&link).await, StatusCode::OK);
    assert_eq!(opens.submit("/api/login/token", &[("token", token_of(&link))]).await, "/account");
    assert!(opens.is_signed_in().await);
}

/// Follows the link to a door's provider. Returns the address at the provider.
pub async fn depart(browser: &Browser, door: Door) -> String {
    let word = if door == Door::GitHub { "github" } else { "google" };
    let response = browser.get(&format!("/login/{word}")).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    header(&response, "location").to_owned()
}
