//! What a virtual browser does, with the ledger's entries: land, sign up, sign in, sign out, follow a referral link.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::http::StatusCode;

use crate::{
    Result,
    browser::{Browser, Login, PASSWORD},
    chance::Chance,
    http::Answer,
    ledger::Ledger,
};

/// The token of the referral link that each site has.
pub const REFERRAL: &str = "faults-referral";

/// What the browsers of one fault share.
#[derive(Clone, Debug)]
pub struct World {
    pub ledger: Arc<Ledger>,
    /// The replicas, or the proxy before them. Each request goes to a random one.
    pub targets: Vec<SocketAddr>,
    /// Counts browsers and visits, so that all ids differ.
    next: Arc<AtomicUsize>,
    seed: u64,
}

impl World {
    pub fn new(targets: Vec<SocketAddr>, seed: u64) -> Self {
        Self { ledger: Arc::default(), targets, next: Arc::default(), seed }
    }

    /// Returns the same world, seen through other targets.
    pub fn through(&self, targets: Vec<SocketAddr>) -> Self {
        Self { targets, ..self.clone() }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns an id that no other visit has. Ids are lower-case, because the server stores values so.
    pub fn id(&self) -> String {
        format!("{:x}-{}", self.seed, self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Opens a campaign's link. The ledger gets the id once the whole answer was read.
    pub async fn land(&self, browser: &mut Browser, target: SocketAddr, id: &str) -> Result<Answer> {
        self.ledger.send(id, browser.number);
        let page = landing(id);
        let answer = browser.get(target, &page).await?;
        if answer.acknowledges() {
            self.ledger.acknowledge(id, browser.number, browser.epoch);
        }
        Ok(answer)
    }

    /// Whether a replica stores the landing of a new visitor. The ledger does not take this landing, because nobody comes back
    /// with its cookie.
    pub async fn stores(&self, target: SocketAddr) -> bool {
        let mut browser = self.browser();
        let landed = browser.get(target, &landing(&self.id())).await;
        landed.is_ok_and(|answer| answer.status.is_success()) && !browser.holds_touches()
    }

    /// Creates the browser's account, or signs in if the account exists.
    pub async fn sign_in(&self, browser: &mut Browser, target: SocketAddr) -> Result<Answer> {
        browser.login = Login::Unknown;
        let email = browser.email();
        let form = [("email", email.as_str()), ("password", PASSWORD)];
        let path = if browser.has_account { "/api/login" } else { "/api/register" };
        let answer = browser.post(target, path, &form).await?;
        if leads_to_account(&answer) {
            browser.has_account = true;
            browser.login = Login::In;
            self.ledger.sign_in(browser.number, browser.epoch);
        } else if answer.status == StatusCode::SEE_OTHER {
            // The form comes back. An earlier sign-up without an answer may have made the account.
            browser.has_account = !browser.has_account;
        }
        Ok(answer)
    }

    pub async fn sign_out(&self, browser: &mut Browser, target: SocketAddr) -> Result<Answer> {
        let session = browser.session().map(str::to_owned);
        browser.login = Login::Unknown;
        browser.epoch += 1;
        let answer = browser.post(target, "/api/logout", &[]).await?;
        if answer.status == StatusCode::SEE_OTHER {
            browser.login = Login::Out;
            if browser.holds_touches() {
                // A touch that waits in the browser knows no user. The next visitor of this browser gets it.
                self.ledger.leave_touches(browser.number, browser.epoch - 1);
            }
            session.iter().for_each(|session| self.ledger.sign_out(session));
        }
        Ok(answer)
    }

    /// Does one thing that people do, the most frequent most often.
    pub async fn act(&self, browser: &mut Browser, chance: &mut Chance) -> Result<Answer> {
        let target = *chance.pick(&self.targets);
        match (chance.below(100), browser.login) {
            (0..6, Login::Out) => self.sign_in(browser, target).await,
            (0..12, Login::In) => self.sign_out(browser, target).await,
            (0..30, Login::Unknown) => self.sign_in(browser, target).await,
            (30..38, _) => browser.get(target, &format!("/r/{REFERRAL}")).await,
            (38..46, _) => browser.get(target, "/").await,
            _ => self.land(browser, target, &self.id()).await,
        }
    }
}

/// Returns the address of a campaign's link with an id.
pub fn landing(id: &str) -> String {
    format!("/?utm_source=faults&utm_medium=test&utm_campaign=load&utm_content={id}")
}

/// Whether a sign-in or sign-up succeeded.
pub fn leads_to_account(answer: &Answer) -> bool {
    answer.status == StatusCode::SEE_OTHER && answer.header("location") == "/account"
}
