//! Session records of another shape: with a key that a later release wrote, and bytes that no release can read. The first keep
//! their user, the second end as if they had expired, and neither makes a request fail.

use std::collections::HashMap;

use tower_sessions::session::Record;

use crate::{
    Result,
    browser::Login,
    case::{Case, PROMISED_RECOVERY},
};

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let mut members = Vec::new();
    for _ in 0..case.pick(8, 100) {
        let mut member = case.world.browser();
        let target = case.world.targets[0];
        case.world.land(&mut member, target, &case.world.id()).await?;
        case.world.sign_in(&mut member, target).await?;
        members.push(member);
    }
    let original: HashMap<String, Vec<u8>> = case.site.database.sessions().await?.into_iter().collect();
    let newer: Result<HashMap<String, Vec<u8>>> =
        original.iter().map(|(id, data)| Ok((id.clone(), with_a_later_key(data)?))).collect();
    for (when, records) in [("a later release's key", &newer?), ("the release before again", &original)] {
        for (id, data) in records {
            case.site.database.set_session(id, data).await?;
        }
        for member in &mut members {
            let answer = member.get(case.world.targets[0], "/account").await?;
            case.row.require(answer.status.is_success(), || format!("{when}: /account said {}", answer.status));
        }
    }
    // Unreadable records, cut short or of other bytes.
    let mut unreadable = 0;
    for (id, data) in original.iter().take(members.len() / 2) {
        let other = if unreadable % 2 == 0 { &data[..data.len() / 2] } else { b"no record" };
        case.site.database.set_session(id, other).await?;
        unreadable += 1;
    }
    let mut out = 0;
    for member in &mut members {
        let target = case.world.targets[0];
        let answer = member.get(target, "/account").await?;
        case.row.require(!answer.status.is_server_error(), || format!("unreadable: /account said {}", answer.status));
        if !answer.status.is_success() {
            out += 1;
            member.login = Login::Out;
            // Another visitor from here on.
            member.epoch += 1;
            case.world.land(member, target, &case.world.id()).await?;
        }
    }
    case.row.require(out == unreadable, || format!("{out} members are signed out, and {unreadable} should be"));
    case.recover(PROMISED_RECOVERY).await;
    case.settle(members).await
}

/// Returns a record with one more value, as a later release may store.
fn with_a_later_key(data: &[u8]) -> Result<Vec<u8>> {
    let mut record: Record = rmp_serde::from_slice(data)?;
    record.data.insert("of_a_later_release".into(), serde_json::json!({"list": [1, 2, 3]}));
    Ok(rmp_serde::to_vec(&record)?)
}
