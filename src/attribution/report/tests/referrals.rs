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

/// The order and the numbers as they are counted from the rows.
const COUNTED: &str = "select k.token, coalesce(r.signups, 0) as signups
    from referral_tokens k
    left join (select token, count(*) as signups from referrals group by token) r on r.token = k.token
    order by case when k.owner_id is null then 0 else 1 end, signups desc, k.created_at desc, k.token";

#[tokio::test]
async fn every_page_of_links_is_as_if_counted_anew() {
    each_database(async |db| {
        let users: Vec<UserId> = (0..60).map(|_| UserId::new()).collect();
        for (number, id) in users.iter().enumerate() {
            let email = format!("u{number}@example.com");
            let user = "insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $2, '!', 1)";
            run(&db, user, vec![(*id).into(), email.into()]).await;
            let owner = (number % 5 > 0).then_some(*id);
            let link = "insert into referral_tokens (token, owner_id, created_at) values ($1, $2, $3)";
            let token = format!("token-{:02}", number * 7 % 60);
            run(&db, link, vec![token.into(), owner.into(), ((number % 9) as i64).into()]).await;
        }
        let check = async || {
            let mut conn = db.read().await.expect("a connection");
            let counted: Vec<(String, i64)> = sql(COUNTED).fetch_all(&mut conn).await.expect("links");
            for size in [1, 7, 50, 100] {
                let mut told = Vec::new();
                for page in 0..=60 / size {
                    let links = referral_links(&mut conn, size, page * size).await.expect("links");
                    assert!(links.len() <= size as usize);
                    told.extend(links.into_iter().map(|link| (link.token, link.signups)));
                }
                assert_eq!(told, counted, "pages of {size}");
            }
            counted[..5].iter().chain(&counted[12..17]).map(|(_, signups)| *signups).collect::<Vec<_>>()
        };
        assert_eq!(check().await, [0; 10]);
        for (number, id) in users.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
            let referral = "insert into referrals (referee_id, token, created_at) values ($1, $2, 1)";
            run(&db, referral, vec![(*id).into(), format!("token-{:02}", number * number % 23).into()]).await;
            // one user has one referral
            let again = "insert into referrals (referee_id, token, created_at) values ($1, 'token-01', 1) on conflict do nothing";
            run(&db, again, vec![(*id).into()]).await;
        }
        let counts = check().await;
        assert!(counts[0] > 1 && counts[5] > 1, "{counts:?}");
        // a member's link becomes nobody's, users go with their referrals and links, links with their referrals
        run(&db, "update referral_tokens set owner_id = null where token = 'token-04'", vec![]).await;
        check().await;
        for id in [users[4], users[8], users[17]] {
            run(&db, "delete from users where id = $1", vec![id.into()]).await;
            check().await;
        }
        run(&db, "delete from referral_tokens where token = 'token-13'", vec![]).await;
        run(&db, "delete from referrals where token = 'token-02'", vec![]).await;
        check().await;
    })
    .await;
}
