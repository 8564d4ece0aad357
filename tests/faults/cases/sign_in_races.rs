//! Many sign-ins with one anonymous cookie at once, with touches in flight and requests that are given up, then sign-outs.

use std::{net::SocketAddr, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use crate::{
    Result,
    browser::{Browser, Login},
    case::Case,
    chance::Chance,
    visits::{World, leads_to_account},
};

/// The epoch of windows that race with the sign-in. Their touches belong to the user or to nobody.
const RACING: u32 = 1000;
/// How many windows land at each moment. Of a visitor, 50 touches a day are stored.
const LANDINGS: usize = 10;

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let sizes: &[usize] = case.pick(&[2, 20], &[2, 20, 200]);
    let rounds = case.pick(2, 10);
    let mut windows = Vec::new();
    for size in sizes {
        for _ in 0..rounds {
            windows.extend(race(&case.world, *size, &mut case.chance).await?);
        }
    }
    let others = case.others();
    for _ in 0..rounds {
        two_users(case).await?;
    }
    let waits = others.stop().await;
    case.row.longest_wait = Some(waits.longest);
    let shared = case.site.database.pairs(SHARED).await?;
    case.row.require(shared.is_empty(), || format!("one cookie's touches belong to two users or to none: {shared:?}"));
    let signed_in = windows.iter().filter(|window| window.login == Login::In).count();
    case.row.note(format!("{signed_in} windows stay signed in, {} signed out", case.world.ledger.signed_out().len()));
    case.settle(windows).await
}

/// Signs in `size` times with one cookie. Returns all windows.
async fn race(world: &World, size: usize, chance: &mut Chance) -> Result<Vec<Browser>> {
    let target = |chance: &mut Chance| *chance.pick(&world.targets);
    let mut browser = world.browser();
    let mut other_device = browser.window();
    let made = world.sign_in(&mut other_device, target(chance)).await?;
    if !leads_to_account(&made) {
        return Err(format!("the account was not made: {}", made.status).into());
    }
    browser.has_account = true;
    for _ in 0..2 {
        world.land(&mut browser, target(chance), &world.id()).await?;
    }

    let mut racing = JoinSet::new();
    for number in 0..size {
        racing.spawn(sign_in(world.clone(), browser.window(), target(chance), None));
        if number % 4 == 0 {
            let leaves_after = Duration::from_millis(chance.below(20) as u64);
            racing.spawn(sign_in(world.clone(), browser.window(), target(chance), Some(leaves_after)));
        }
        if number % 2 == 0 && number / 2 < LANDINGS {
            racing.spawn(land(world.clone(), browser.window(), target(chance)));
        }
    }
    let (signed_in, mut windows): (Vec<Browser>, Vec<Browser>) =
        racing.join_all().await.into_iter().partition(|window| window.login == Login::In);
    if signed_in.is_empty() {
        return Err("nobody could sign in".into());
    }

    let mut leaving = JoinSet::new();
    let (out, stay) = signed_in.split_at(signed_in.len().div_ceil(2));
    for (number, window) in out.iter().enumerate() {
        if number < LANDINGS {
            leaving.spawn(land(world.clone(), window.window(), target(chance)));
            leaving.spawn(land(world.clone(), window.window(), target(chance)));
        }
        leaving.spawn(sign_out(world.clone(), window.window(), target(chance)));
        if number < LANDINGS {
            leaving.spawn(land(world.clone(), window.window(), target(chance)));
        }
    }
    windows.extend(leaving.join_all().await);
    windows.extend(stay.iter().map(Browser::window));
    windows.push(other_device);
    Ok(windows)
}

async fn sign_in(world: World, mut window: Browser, target: SocketAddr, leaves_after: Option<Duration>) -> Browser {
    match leaves_after {
        Some(time) => drop(timeout(time, world.sign_in(&mut window, target)).await),
        None => drop(world.sign_in(&mut window, target).await),
    }
    window
}

async fn land(world: World, mut window: Browser, target: SocketAddr) -> Browser {
    (window.epoch, window.login) = (RACING, Login::Unknown);
    let _ = world.land(&mut window, target, &world.id()).await;
    window
}

async fn sign_out(world: World, mut window: Browser, target: SocketAddr) -> Browser {
    let _ = world.sign_out(&mut window, target).await;
    window
}

/// Browsers whose touches do not all belong to one user.
const SHARED: &str = "select t.term, cast(count(distinct u.email_lower) as text) from touches t
    join visitors v on v.id = t.visitor_id left join users u on u.id = v.user_id where t.campaign = 'shared'
    group by t.term having count(distinct u.email_lower) <> 1 or count(u.email_lower) <> count(*) or count(*) <> 2";

/// Two people sign in with the same anonymous cookie at the same time. One of them gets all of its touches.
async fn two_users(case: &mut Case<'_>) -> Result<()> {
    let world = case.world.clone();
    let mut anonymous = world.browser();
    for _ in 0..2 {
        let (term, content) = (anonymous.number, world.id());
        let target = *case.chance.pick(&world.targets);
        let page = format!("/?utm_source=faults&utm_campaign=shared&utm_term=browser-{term}&utm_content={content}");
        anonymous.get(target, &page).await?;
    }
    let mut racing = JoinSet::new();
    for _ in 0..2 {
        let (mut person, target) = (world.browser(), *case.chance.pick(&world.targets));
        person.set_session(anonymous.session().unwrap_or_default());
        racing.spawn(sign_in(world.clone(), person, target, None));
    }
    racing.join_all().await;
    Ok(())
}
