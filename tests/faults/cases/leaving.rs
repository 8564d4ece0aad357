//! Clients leave after 0 to 20 ms, by the thousand: while landing, signing up and in, signing out, following a referral link. A
//! browser with a session then loads the same address again, as people do.

use std::time::Duration;

use tokio::{task::JoinSet, time::timeout};

use crate::{
    Result,
    browser::Browser,
    case::{Case, PROMISED_RECOVERY, PROMISED_WAIT},
    chance::Chance,
    visits::{REFERRAL, World},
};

const AT_ONCE: usize = 24;

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let each = case.pick(3, 60);
    let others = case.others();
    let mut leaving = JoinSet::new();
    for _ in 0..AT_ONCE {
        leaving.spawn(leave_often(case.world.clone(), case.chance.fork(), each));
    }
    let browsers: Vec<Browser> = leaving.join_all().await.into_iter().flatten().collect();
    let waits = others.stop().await;
    case.served(waits, PROMISED_WAIT);
    case.recover(PROMISED_RECOVERY).await;
    case.row.note(format!("clients left {} times", AT_ONCE * each * 8));
    case.settle(browsers).await
}

/// Lets browsers go through all that a client can leave, eight times each.
async fn leave_often(world: World, mut chance: Chance, browsers: usize) -> Vec<Browser> {
    let mut gone = Vec::new();
    for _ in 0..browsers {
        let mut browser = world.browser();
        // Another browser, because a visitor without a session is new with each request.
        let _ = timeout(short(&mut chance), land(&world, &mut world.browser(), &world.id(), &mut chance)).await;
        land(&world, &mut browser, &world.id(), &mut chance).await;
        let id = world.id();
        let _ = timeout(short(&mut chance), land(&world, &mut browser.window(), &id, &mut chance)).await;
        land(&world, &mut browser, &id, &mut chance).await;
        let target = *chance.pick(&world.targets);
        let referral = format!("/r/{REFERRAL}");
        let _ = timeout(short(&mut chance), browser.get(target, &referral)).await;
        let _ = timeout(short(&mut chance), world.sign_in(&mut browser, target)).await;
        let _ = timeout(short(&mut chance), world.sign_in(&mut browser, target)).await;
        // One of both works: the account may exist by now.
        let _ = world.sign_in(&mut browser, target).await;
        let _ = world.sign_in(&mut browser, target).await;
        let id = world.id();
        let _ = timeout(short(&mut chance), land(&world, &mut browser.window(), &id, &mut chance)).await;
        land(&world, &mut browser, &id, &mut chance).await;
        let _ = timeout(short(&mut chance), browser.get(target, &referral)).await;
        if chance.below(2) == 0 {
            let _ = timeout(short(&mut chance), world.sign_out(&mut browser, target)).await;
            land(&world, &mut browser, &world.id(), &mut chance).await;
        }
        browser.close();
        gone.push(browser);
    }
    gone
}

fn short(chance: &mut Chance) -> Duration {
    Duration::from_micros(chance.below(20_000) as u64)
}

async fn land(world: &World, browser: &mut Browser, id: &str, chance: &mut Chance) {
    let target = *chance.pick(&world.targets);
    let _ = world.land(browser, target, id).await;
}
