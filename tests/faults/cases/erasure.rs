//! Five people erase their accounts on a database with a million touches, while others land and admins read long reports.

use std::{net::SocketAddr, process::Command, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    Result,
    browser::{Browser, Login, PASSWORD, email_of},
    case::{Case, PROMISED_RECOVERY},
    database::Database,
    others::until,
    process::run as command,
    visits::{World, landing},
};

/// How many people `waymark demo` makes. They have about 25 touches each.
const PEOPLE: &str = "40000";
/// How soon an erasure is acknowledged.
const ANSWERED: Duration = Duration::from_secs(2);
/// How soon 99 % of the landings are answered meanwhile. 300 ms are promised; the tests share the machine.
const LANDING: Duration = Duration::from_millis(600);
/// How soon nothing of the person is left.
const ERASED: Duration = Duration::from_secs(600);

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    command(
        Command::new(&case.bench.binary)
            .args(["demo", "--mix", "--users", PEOPLE])
            .env("DATABASE_URL", case.site.database.url())
            .current_dir(&case.bench.folder),
    )?;
    let target = case.world.targets[0];
    let (mut leaving, mut admins) = (Vec::new(), Vec::new());
    for number in 0..9 {
        let (mut browser, id) = (case.world.browser(), case.world.id());
        // The ledger does not take this landing, because its id is erased with the person.
        browser.get(target, &landing(&id)).await?;
        case.world.sign_in(&mut browser, target).await?;
        if number < 5 { leaving.push((browser, id)) } else { admins.push(browser) }
    }
    let emails: Vec<String> = admins.iter().map(|admin| format!("'{}'", email_of(admin.number))).collect();
    let promote = format!("update users set role = 'admin' where email_lower in ({})", emails.join(", "));
    case.site.database.execute(&promote).await?;
    let crowd = case.crowd(4);
    let others = case.others();
    let reports: Vec<_> = admins.into_iter().map(|admin| tokio::spawn(read_reports(admin, target))).collect();
    sleep(Duration::from_millis(500)).await;
    let landings = tokio::spawn(time_landings(case.world.clone(), target));
    for (browser, _) in &mut leaving {
        erase(case, browser).await?;
    }
    let gone = until(ERASED, || async { nothing_left(&case.site.database, &leaving).await.unwrap_or_default() }).await;
    case.row.recovery = gone;
    case.row.require(gone.is_some(), || format!("something of an erased person is left after {ERASED:?}"));
    for report in reports {
        let (mut admin, sent_away) = report.await?;
        case.row.require(sent_away == 0, || format!("an admin was asked {sent_away} times to sign in"));
        let signed_in = admin.is_signed_in(target).await?;
        case.row.require(signed_in, || "an admin is signed out".into());
    }
    let slow = landings.await?;
    case.row.note(format!("99 % of the landings took less than {slow:.1?}"));
    case.row.require(slow < LANDING, || format!("1 % of the landings took {slow:.1?} and more"));
    let waits = others.stop().await;
    case.served(waits, Duration::from_secs(1));
    case.recover(PROMISED_RECOVERY).await;
    let browsers = case.finish(crowd).await;
    case.settle(browsers).await
}

async fn erase(case: &mut Case<'_>, browser: &mut Browser) -> Result<()> {
    let began = Instant::now();
    let answer = browser.post(case.world.targets[0], "/api/erase", &[("current_password", PASSWORD)]).await?;
    let took = began.elapsed();
    browser.login = Login::Unknown;
    case.row.note(format!("an erasure was answered with {} after {took:.1?}", answer.status));
    case.row.require(answer.acknowledges(), || format!("an erasure was answered with {}", answer.status));
    case.row.require(took < ANSWERED, || format!("an erasure was answered after {took:.1?}"));
    Ok(())
}

/// Reads the overview of all time, again and again. Returns how often the admin was asked to sign in.
async fn read_reports(mut admin: Browser, target: SocketAddr) -> (Browser, usize) {
    let mut sent_away = 0;
    for _ in 0..10 {
        if let Ok(answer) = admin.get(target, "/admin?period=all").await {
            sent_away += usize::from(answer.status.is_redirection());
        }
    }
    (admin, sent_away)
}

/// Lands again and again for half a minute. Returns what 99 % of the landings took at most.
async fn time_landings(world: World, target: SocketAddr) -> Duration {
    let mut times = Vec::new();
    for _ in 0..600 {
        let began = Instant::now();
        world.stores(target).await;
        times.push(began.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Whether neither the address nor the id of an erased person is in the database.
async fn nothing_left(database: &Database, people: &[(Browser, String)]) -> Result<bool> {
    let list = |text: fn(&(Browser, String)) -> String| {
        people.iter().map(|person| format!("'{}'", text(person))).collect::<Vec<_>>().join(", ")
    };
    let query = format!(
        "select email, null from users where email_lower in ({}) union all select content, null from touches where content in ({})",
        list(|(browser, _)| browser.email()),
        list(|(_, id)| id.clone()),
    );
    Ok(database.pairs(&query).await?.is_empty())
}
