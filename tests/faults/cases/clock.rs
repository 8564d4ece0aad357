//! A replica whose clock is a day off. Nobody is signed out, and the order of touches stays that of the database's clock.

use std::{path::Path, time::Duration};

use tokio::time::sleep;

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY},
    server::Server,
    site::Setup,
};

const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];

/// Touches with a time that is more than an hour from the database's.
const ELSEWHEN: &str = "select coalesce(content, ''), null::text from touches
    where abs(occurred_at - extract(epoch from now()) * 1000) > 3600000";

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let elsewhere = std::env::var("FAULTS_FAKETIME").ok();
    let mut libraries = elsewhere.as_deref().into_iter().chain(LIBRARIES);
    let Some(library) = libraries.find(|library| Path::new(library).exists()) else {
        case.row.skipped = Some(
            "libfaketime is not installed (Debian, Ubuntu: apt-get install faketime; or name the library in FAULTS_FAKETIME)"
                .into(),
        );
        return Ok(());
    };
    for offset in ["+1d", "-1d"] {
        let variables = [("LD_PRELOAD", library), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let setup = Setup { variables, ..Setup::default() };
        let start = case.bench.start(case.site.database.url(), &format!("{}{offset}", case.name), &setup);
        let mut elsewhen = Server::start(start)?;
        elsewhen.wait_until_ready().await?;
        let near = case.world.clone();
        let mut targets = near.targets.clone();
        targets.push(elsewhen.address);
        case.world = near.through(targets);
        let crowd = case.crowd(8);
        sleep(Duration::from_secs(case.pick(2, 20))).await;
        let browsers = case.finish(crowd).await;
        case.world = near;
        case.recover(PROMISED_RECOVERY).await;
        case.settle(browsers).await?;
    }
    let wrong = case.site.database.pairs(ELSEWHEN).await?;
    case.row.require(wrong.is_empty(), || format!("{} touches have another day's time", wrong.len()));
    Ok(())
}
