use super::sample::{DAY, ORIGIN, Sample};
use crate::{
    attribution::report::{
        journey::journey,
        referrals::{LinkState, referral_links, referral_totals},
    },
    db::{Db, sql, testing::each_database},
    id::UserId,
    timestamp::MILLISECOND,
};

async fn run(db: &Db, text: &'static str, values: Vec<crate::db::Value>) {
    db.execute(sql(text).bind_all(values)).await.expect("the row is stored");
}

#[tokio::test]
async fn links_tell_whom_they_brought() {
    let mut sample = Sample::default();
    let owner = sample.user("owner@example.com", ORIGIN);
    let friends = [sample.user("b@example.com", ORIGIN), sample.user("c@example.com", ORIGIN)];
    each_database(async |db| {
        sample.store(&db).await;
        let link = "insert into referral_tokens (token, owner_id, created_at, expires_at, disabled_at) values ($1, $2, $3, $4, $5)";
        let none = || None::<i64>.into();
        run(&db, link, vec!["ownersone".into(), owner.into(), ORIGIN.into(), none(), none()]).await;
        run(&db, link, vec!["campaign1".into(), None::<UserId>.into(), ORIGIN.into(), (ORIGIN + DAY).into(), none()]).await;
        run(&db, link, vec!["campaign2".into(), None::<UserId>.into(), (ORIGIN + MILLISECOND).into(), none(), ORIGIN.into()]).await;
        for friend in friends {
            let referral = "insert into referrals (referee_id, token, created_at) values ($1, 'ownersone', 1)";
            run(&db, referral, vec![friend.into()]).await;
        }
        let mut conn = db.read().await.expect("a connection");
        let links = referral_links(&mut conn, 10, 0).await.expect("links");
        let told: Vec<_> = links.iter().map(|link| (link.token.as_str(), link.owner_email.as_deref(), link.signups)).collect();
        assert_eq!(told, [("campaign2", None, 0), ("campaign1", None, 0), ("ownersone", Some("owner@example.com"), 2)]);
        assert_eq!(links[0].state(ORIGIN), LinkState::Disabled);
        assert_eq!(links[1].state(ORIGIN + DAY), LinkState::Expired);
        assert_eq!(links[1].state(ORIGIN + DAY - MILLISECOND), LinkState::Active);
        assert_eq!(referral_links(&mut conn, 1, 2).await.expect("links"), links[2..]);
        assert_eq!(referral_totals(&mut conn).await.expect("totals"), (3, 2));

        let brought = journey(&mut conn, friends[0]).await.expect("an answer").expect("a user").referral.expect("a referral");
        assert_eq!((brought.owner_id, brought.token.as_str()), (Some(owner), "ownersone"));
    })
    .await;
}
