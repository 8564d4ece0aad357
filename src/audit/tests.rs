use std::time::Duration;

use super::{
    list::{AuditFilter, Named, entries},
    *,
};
use crate::{
    db::{page::Position, testing::each_database},
    timestamp::MILLISECOND,
};

/// 2026-11-01T12:00:00Z
const THEN: Timestamp = Timestamp::from_millis(1_793_534_400_000);

async fn write(db: &Db, entry: Entry, at: Timestamp) {
    db.transaction(move |conn| Box::pin(entry.write(conn, at))).await.expect("written");
}

async fn actions(db: &Db, filter: AuditFilter) -> Vec<String> {
    let mut conn = db.read().await.expect("a connection");
    let page = entries(&mut conn, &filter, Position::Newest, 50).await.expect("entries");
    page.rows.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn entries_are_found_by_action_person_and_time() {
    each_database(async |db| {
        let (ada, bob) = (UserId::new(), UserId::new());
        let origin = Origin { network: Some("203.0.113.0/24".into()), request_id: Some(Uuid::new_v4()) };
        let admin = Actor::user(ada, "Ada_L@example.com", origin.clone());
        write(&db, Entry::of_own_account(Action::SignIn, bob, "bob@example.com", &origin), THEN).await;
        let disabled = Entry::new(Action::AccountDisabled, &admin).on_user(bob, "bob@example.com");
        write(&db, disabled, THEN + MILLISECOND).await;
        let merged = Entry::new(Action::CampaignsMerged, &admin).on("spring").detail("into summer");
        write(&db, merged, THEN + 2 * MILLISECOND).await;
        write(&db, Entry::new(Action::OldDataRemoved, &Actor::command_line()), THEN + 3 * MILLISECOND).await;

        let all = ["old_data_removed", "campaigns_merged", "account_disabled", "sign_in"];
        let by = |filter: AuditFilter| actions(&db, filter);
        let text = |text: &str| Named::parse(text);
        assert_eq!(by(AuditFilter::default()).await, all);
        assert_eq!(by(AuditFilter { action: Some(Action::SignIn), ..Default::default() }).await, all[3..]);
        assert_eq!(by(AuditFilter { actor: text("ADA_l@"), ..Default::default() }).await, all[1..3]);
        assert!(by(AuditFilter { actor: text("adaxl"), ..Default::default() }).await.is_empty(), "_ means itself");
        assert_eq!(by(AuditFilter { actor: text(&ada.to_string()), ..Default::default() }).await, all[1..3]);
        assert_eq!(by(AuditFilter { target: text("bob"), ..Default::default() }).await, all[2..]);
        assert_eq!(by(AuditFilter { target: text("SPRING"), ..Default::default() }).await, all[1..2]);
        assert_eq!(by(AuditFilter { user: Some(bob), ..Default::default() }).await, all[2..]);
        let kind = Some(ActorKind::CommandLine);
        assert_eq!(by(AuditFilter { kind, ..Default::default() }).await, all[..1]);
        let (from, until) = (Some(THEN + MILLISECOND), Some(THEN + 3 * MILLISECOND));
        assert_eq!(by(AuditFilter { from, until, ..Default::default() }).await, all[1..3]);
        assert_eq!(Named::parse(" \0 "), None);
    })
    .await;
}

#[tokio::test]
async fn pages_hold_their_place_while_entries_come() {
    each_database(async |db| {
        for n in 0..7 {
            let entry = Entry::new(Action::SignIn, &Actor::command_line()).detail(n.to_string());
            write(&db, entry, THEN + n * Duration::from_secs(1)).await;
        }
        let mut conn = db.read().await.expect("a connection");
        let mut page = async |position| {
            let page = entries(&mut conn, &AuditFilter::default(), position, 3).await.expect("entries");
            let details: Vec<String> = page.rows.iter().filter_map(|entry| entry.detail.clone()).collect();
            (details.join(""), page.newer.is_some(), page.older.is_some(), page.rows)
        };
        let (text, newer, older, newest) = page(Position::Newest).await;
        assert_eq!((&*text, newer, older), ("654", false, true));
        write(&db, Entry::new(Action::SignIn, &Actor::command_line()).detail("7"), THEN + 60 * MILLISECOND * 1000)
            .await;
        let (text, newer, older, second) = page(Position::Before(newest[2].id)).await;
        assert_eq!((&*text, newer, older), ("321", true, true));
        let (text, _, older, _) = page(Position::Before(second[2].id)).await;
        assert_eq!((&*text, older), ("0", false));
        let (text, newer, _, back) = page(Position::After(second[0].id)).await;
        assert_eq!((&*text, newer), ("654", true));
        let (text, newer, _, _) = page(Position::After(back[0].id)).await;
        assert_eq!((&*text, newer), ("7", false));
    })
    .await;
}

#[tokio::test]
async fn a_change_that_fails_leaves_no_entry() {
    each_database(async |db| {
        let entry = Entry::new(Action::RoleChanged, &Actor::command_line());
        let undone: Result<(), Error> = db
            .transaction(move |conn| {
                Box::pin(async move {
                    entry.write(conn, THEN).await?;
                    Err(sqlx::Error::RowNotFound.into())
                })
            })
            .await;
        assert!(undone.is_err());
        assert!(actions(&db, AuditFilter::default()).await.is_empty());
    })
    .await;
}
