//! What the server acknowledged, and how that compares with the database after a fault.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::browser::email_of;

/// A touch in the database: the id in `utm_content`, and the e-mail address of the user that its visitor is linked to.
pub type StoredTouch = (String, Option<String>);

/// The differences between the ledger and the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub acknowledged: usize,
    /// Acknowledged, and not in the database.
    pub lost: usize,
    /// Ids with more than one row.
    pub doubled: usize,
    /// Touches with another user than the browser's, or without the user who signed in after them.
    pub wrong_user: usize,
}

/// The ledger of one fault. Its lock is never held across a wait.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// Every id that was sent, with its browser.
    sent: HashMap<String, usize>,
    /// Every id whose whole answer was read, with its browser and the browser's epoch.
    acknowledged: Vec<(String, usize, u32)>,
    /// Browsers and epochs in which a sign-in was acknowledged.
    signed_in: HashSet<(usize, u32)>,
    /// Session cookies whose sign-out was acknowledged.
    signed_out: Vec<String>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn send(&self, id: &str, browser: usize) {
        self.lock().sent.insert(id.to_owned(), browser);
    }

    pub fn acknowledge(&self, id: &str, browser: usize, epoch: u32) {
        self.lock().acknowledged.push((id.to_owned(), browser, epoch));
    }

    pub fn sign_in(&self, browser: usize, epoch: u32) {
        self.lock().signed_in.insert((browser, epoch));
    }

    /// Notes that a browser signed out while it held touches, which therefore may not be the user's.
    pub fn leave_touches(&self, browser: usize, epoch: u32) {
        self.lock().signed_in.remove(&(browser, epoch));
    }

    pub fn sign_out(&self, session: &str) {
        self.lock().signed_out.push(session.to_owned());
    }

    /// Returns the session cookies that must never be authenticated again.
    pub fn signed_out(&self) -> Vec<String> {
        self.lock().signed_out.clone()
    }

    pub fn compare(&self, stored: &[StoredTouch]) -> Differences {
        let entries = self.lock();
        let mut rows: HashMap<&str, Vec<Option<&str>>> = HashMap::new();
        for (id, owner) in stored {
            rows.entry(id).or_default().push(owner.as_deref());
        }
        let mut wrong: HashSet<&str> = HashSet::new();
        for (id, browser) in &entries.sent {
            let email = email_of(*browser);
            let owners = rows.get(id.as_str()).map(Vec::as_slice).unwrap_or_default();
            if owners.iter().flatten().any(|owner| *owner != email) {
                wrong.insert(id);
            }
        }
        let mut lost = 0;
        for (id, browser, epoch) in &entries.acknowledged {
            match rows.get(id.as_str()) {
                None => lost += 1,
                Some(owners) if entries.signed_in.contains(&(*browser, *epoch)) && owners.contains(&None) => {
                    wrong.insert(id);
                }
                Some(_) => {}
            }
        }
        let doubled = rows.values().filter(|rows| rows.len() > 1).count();
        Differences { acknowledged: entries.acknowledged.len(), lost, doubled, wrong_user: wrong.len() }
    }
}

/// Shows that a ledger finds each kind of difference. A ledger that finds nothing would pass every fault.
pub fn finds_differences() -> bool {
    let ledger = Ledger::default();
    for (id, browser, epoch) in [("kept", 1, 0), ("lost", 1, 0), ("twice", 2, 0), ("stolen", 2, 1), ("unlinked", 1, 1)]
    {
        ledger.send(id, browser);
        ledger.acknowledge(id, browser, epoch);
    }
    ledger.send("unanswered", 3);
    ledger.sign_in(1, 0);
    ledger.sign_in(1, 1);
    let row = |id: &str, owner: Option<usize>| (id.to_owned(), owner.map(email_of));
    let rows = [
        row("kept", Some(1)),
        row("twice", None),
        row("twice", None),
        row("stolen", Some(1)),
        row("unlinked", None),
        row("unanswered", Some(3)),
    ];
    ledger.compare(&rows) == Differences { acknowledged: 5, lost: 1, doubled: 1, wrong_user: 2 }
}
