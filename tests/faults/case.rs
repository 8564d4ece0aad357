//! One fault on one site: what all faults do before and after.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    Result,
    browser::{Browser, Login},
    chance::Chance,
    load::Crowd,
    others::{Others, Waits, until},
    report::Row,
    site::{Bench, Site},
    visits::World,
};

/// A server that has not recovered after this time has not survived.
const RECOVERY: Duration = Duration::from_secs(60);
/// The recovery that is promised.
pub const PROMISED_RECOVERY: Duration = Duration::from_secs(10);
/// The longest wait of others that is promised.
pub const PROMISED_WAIT: Duration = Duration::from_secs(1);
/// The most memory of a server under the load of these tests, in MiB.
const MEMORY_MIB: u64 = 512;
/// How many open files a server may have more than before.
const MORE_FILES: usize = 60;
/// How many cookies are tried of each kind.
const COOKIES: usize = 300;

/// Pages that need nothing from the database.
pub const PLAIN_PAGES: &[&str] = &["/", "/healthz"];

#[derive(Debug)]
pub struct Case<'b> {
    pub bench: &'b Bench,
    pub name: String,
    pub site: Site,
    pub world: World,
    pub chance: Chance,
    pub row: Row,
    open_files: Vec<Option<usize>>,
}

impl<'b> Case<'b> {
    pub async fn new(bench: &'b Bench, name: String, site: Site, seed: u64, row: Row) -> Result<Self> {
        let mut chance = Chance::new(seed);
        let world = World::new(site.targets(), chance.number());
        let open_files = site.replicas.iter().map(|replica| replica.process.open_files()).collect();
        Ok(Self { bench, name, site, world, chance, row, open_files })
    }

    /// Goes on with another site.
    pub fn move_to(&mut self, site: Site) {
        self.world = self.world.through(site.targets());
        self.open_files = site.replicas.iter().map(|replica| replica.process.open_files()).collect();
        self.site = site;
    }

    /// Ends the site's replicas.
    pub fn leave_site(&mut self) {
        self.site.replicas.clear();
    }

    /// Returns the first value in the short version and the second one in the long version.
    pub fn pick<T>(&self, short: T, long: T) -> T {
        if self.bench.short { short } else { long }
    }

    pub fn crowd(&mut self, size: usize) -> Crowd {
        Crowd::start(&self.world, size, &mut self.chance)
    }

    /// Lets a crowd end, and requires that no page failed. Refused requests and broken connections are the fault's own.
    pub async fn finish(&mut self, crowd: Crowd) -> Vec<Browser> {
        let outcomes = crowd.outcomes.clone();
        let browsers = crowd.finish().await;
        let failed = outcomes.failed.load(Ordering::Relaxed);
        self.row.require(failed == 0, || format!("{failed} requests of the crowd were answered with 500 or the like"));
        browsers
    }

    pub fn others(&self) -> Others {
        Others::start(self.world.targets.clone(), PLAIN_PAGES)
    }

    /// Notes what others met, and requires that nobody waited longer than the limit and that everybody was served.
    pub fn served(&mut self, waits: Waits, limit: Duration) {
        self.row.longest_wait = self.row.longest_wait.max(Some(waits.longest));
        let Waits { longest, asked, failed } = waits;
        self.row.require(longest <= limit, || format!("somebody else waited {longest:.1?} for a page"));
        self.row.require(failed == 0, || format!("{failed} of {asked} requests of others failed"));
        self.row.require(asked > 0, || "nobody else asked for a page".into());
    }

    /// Waits until every replica is ready and stores a landing at once, and notes the time since the fault's end.
    pub async fn recover(&mut self, limit: Duration) {
        let began = Instant::now();
        let (site, world) = (&self.site, &self.world);
        let stores = || async {
            for replica in &site.replicas {
                if !world.stores(replica.address).await || !replica.is_ready().await {
                    return false;
                }
            }
            true
        };
        let recovered = until(RECOVERY, stores).await;
        self.row.recovery = self.row.recovery.max(Some(began.elapsed()));
        match recovered {
            None => self.row.fail(format!("no recovery within {RECOVERY:?}")),
            Some(time) if time > limit => self.row.fail(format!("the recovery took {time:.1?}")),
            Some(_) => {}
        }
    }

    /// Checks everything that has to hold after a fault.
    pub async fn settle(&mut self, mut browsers: Vec<Browser>) -> Result<()> {
        self.bring_waiting_touches(&mut browsers).await;
        self.check_sessions(&mut browsers).await;
        browsers.iter_mut().for_each(Browser::close);
        self.check_writes().await;
        self.compare().await?;
        self.row.failures.extend(self.site.database.complaints().await?);
        self.check_resources().await;
        Ok(())
    }

    /// Compares the ledger with the database.
    pub async fn compare(&mut self) -> Result<()> {
        let differences = self.world.ledger.compare(&self.site.database.touches().await?);
        self.row.differences = differences;
        self.row.require(differences.acknowledged > 0, || "nothing was acknowledged".into());
        for (count, what) in
            [(differences.lost, "lost"), (differences.doubled, "doubled"), (differences.wrong_user, "of a wrong user")]
        {
            self.row.require(count == 0, || format!("{count} touches are {what}"));
        }
        Ok(())
    }

    /// Touches that wait in a browser are stored with its next request.
    async fn bring_waiting_touches(&mut self, browsers: &mut [Browser]) {
        let mut waited = 0;
        for browser in browsers.iter_mut().filter(|browser| browser.holds_touches()) {
            waited += 1;
            let target = *self.chance.pick(&self.world.targets);
            let _ = browser.get(target, "/").await;
            self.row.require(!browser.holds_touches(), || "touches still wait in a cookie".into());
        }
        if waited > 0 {
            self.row.note(format!("{waited} browsers kept touches in a cookie, and brought them later"));
        }
    }

    /// An acknowledged sign-in holds, and an acknowledged sign-out is final.
    async fn check_sessions(&mut self, browsers: &mut [Browser]) {
        let mut ended = 0;
        for browser in browsers.iter_mut().filter(|browser| browser.login == Login::In).take(COOKIES) {
            let target = *self.chance.pick(&self.world.targets);
            ended += usize::from(!browser.is_signed_in(target).await.unwrap_or_default());
        }
        self.row.require(ended == 0, || format!("{ended} users are not signed in any more"));
        for session in self.world.ledger.signed_out().iter().rev().take(COOKIES) {
            let target = *self.chance.pick(&self.world.targets);
            let mut thief = self.world.browser();
            thief.set_session(session);
            self.row.revived += usize::from(thief.is_signed_in(target).await.unwrap_or_default());
        }
        let revived = self.row.revived;
        self.row.require(revived == 0, || format!("{revived} signed-out cookies are authenticated"));
    }

    /// A plain write takes less than 100 ms, in the best of some tries, because the machine may be busy otherwise.
    async fn check_writes(&mut self) {
        let mut best = RECOVERY;
        for _ in 0..10 {
            let target = *self.chance.pick(&self.world.targets);
            let began = Instant::now();
            if self.world.stores(target).await {
                best = best.min(began.elapsed());
            }
        }
        self.row.require(best < Duration::from_millis(100), || format!("a plain write takes {best:.1?}"));
    }

    async fn check_resources(&mut self) {
        let (replicas, before) = (&self.site.replicas, &self.open_files);
        let many = || {
            replicas.iter().zip(before).any(|(replica, before)| {
                replica.process.open_files().zip(*before).is_some_and(|(now, before)| now > before + MORE_FILES)
            })
        };
        // The server learns of closed connections a little later.
        for _ in 0..50 {
            if !many() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        let memory = self.site.replicas.iter().filter_map(|replica| replica.process.memory_mib()).max();
        let many = many();
        self.row.require(!many, || "files stay open".into());
        if let Some(memory) = memory {
            self.row.note(format!("memory afterwards: {memory} MiB"));
            self.row.require(memory < MEMORY_MIB, || format!("a server uses {memory} MiB"));
        }
    }
}
