//! Two replicas on one database: a sign-out at one holds at the other, and both may start on an empty database at once.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY},
    database::Kind,
    server::Server,
    site::Setup,
};

/// Signs out at one replica while the other one serves the same cookie, and then tries the cookie at the other.
pub async fn sign_out_elsewhere(case: &mut Case<'_>) -> Result<()> {
    let [first, second] = [case.world.targets[0], case.world.targets[1]];
    let mut browsers = Vec::new();
    for number in 0..case.pick(20, 300) {
        let (here, there) = if number % 2 == 0 { (first, second) } else { (second, first) };
        let mut browser = case.world.browser();
        case.world.land(&mut browser, here, &case.world.id()).await?;
        case.world.sign_in(&mut browser, there).await?;
        case.row.require(browser.is_signed_in(here).await?, || "a sign-in does not hold at the other replica".into());
        let (mut window, mut left_open) = (browser.window(), browser.window());
        window.epoch += 1;
        let id = case.world.id();
        let (out, landed) =
            tokio::join!(case.world.sign_out(&mut browser, here), case.world.land(&mut window, there, &id));
        out?;
        landed?;
        case.row.revived += usize::from(left_open.is_signed_in(there).await?);
        browsers.push(browser);
    }
    case.recover(PROMISED_RECOVERY).await;
    case.settle(browsers).await
}

/// Starts two replicas on an empty database at the same moment, again and again.
pub async fn start_together(case: &mut Case<'_>) -> Result<()> {
    for time in 0..case.pick(3, 20) {
        let name = format!("{}_{time}", case.name);
        let database = case.bench.database(Kind::Postgres, &name).await?;
        let start = |number: usize| {
            Server::start(case.bench.start(database.url(), &format!("{name}_{number}"), &Setup::default()))
        };
        let (mut first, mut second) = (start(1)?, start(2)?);
        let (one, two) = tokio::join!(first.wait_until_ready(), second.wait_until_ready());
        one.and(two)?;
        let unfinished =
            database.pairs("select description, null::text from _sqlx_migrations where not success").await?;
        case.row.require(unfinished.is_empty(), || format!("migrations are unfinished: {unfinished:?}"));
        let world = case.world.through(vec![first.address, second.address]);
        for target in &world.targets {
            let stores = world.stores(*target).await;
            case.row.require(stores, || "a replica does not store landings".into());
        }
    }
    let crowd = case.crowd(4);
    sleep(Duration::from_millis(500)).await;
    let browsers = case.finish(crowd).await;
    case.settle(browsers).await
}
