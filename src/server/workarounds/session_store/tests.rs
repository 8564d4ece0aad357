use super::{changes::LOADED, record::SIGNED_IN, *};
use crate::{db::testing::each_database, id::UserId};

fn record(pairs: &[(&str, i64)]) -> Record {
    Record {
        id: Id::default(),
        data: pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect(),
        expiry_date: OffsetDateTime::now_utc() + Duration::hours(1),
    }
}

async fn loaded(store: &Sessions, id: &Id) -> Option<Record> {
    store.load(id).await.expect("the store answers")
}

#[tokio::test]
async fn changes_of_different_keys_at_once_are_all_kept() {
    each_database(async |db| {
        let store = Sessions::new(db);
        let mut first = record(&[("kept", 0), ("removed", 0)]);
        store.create(&mut first).await.expect("created");
        let base = loaded(&store, &first.id).await.expect("a session");
        let saves = (0..100).map(|n| {
            let (store, mut mine) = (store.clone(), base.clone());
            mine.data.insert(format!("key{n}"), Value::from(n));
            mine.data.remove("removed");
            async move { store.save(&mine).await }
        });
        for saved in futures::future::join_all(saves).await {
            saved.expect("saved");
        }
        let end = loaded(&store, &first.id).await.expect("a session");
        assert_eq!(end.data.len(), 1 + 100 + 1, "kept, a hundred keys, and the copy from loading");
        assert!(end.data.contains_key("kept"));
    })
    .await;
}

#[tokio::test]
async fn a_removed_session_is_not_brought_back() {
    each_database(async |db| {
        let store = Sessions::new(db);
        let mut session = record(&[]);
        session.data.insert(SIGNED_IN.into(), serde_json::json!({ "user_id": null }));
        store.create(&mut session).await.expect("created");
        let in_flight = loaded(&store, &session.id).await.expect("a session");
        sql_delete(&store).await;
        let mut late = in_flight.clone();
        late.data.insert("late".into(), Value::from(1));
        store.save(&late).await.expect("answered");
        assert_eq!(loaded(&store, &session.id).await, None);
    })
    .await;
}

async fn sql_delete(store: &Sessions) {
    let delete = store.db.execute(sql("delete from tower_sessions"));
    delete.await.expect("deleted");
}

#[tokio::test]
async fn ids_are_stored_as_digests_and_a_new_row_has_a_new_id() {
    each_database(async |db| {
        let store = Sessions::new(db.clone());
        let mut session = record(&[("a", 1)]);
        let asked = session.id;
        store.create(&mut session).await.expect("created");
        assert_ne!(session.id, asked);
        let mut conn = db.read().await.expect("a connection");
        let (id, data): (String, Vec<u8>) =
            sql("select id, data from tower_sessions").fetch_one(&mut conn).await.expect("a row");
        assert_ne!(id, session.id.to_string());
        let inside: Record = decode(&data).expect("a record");
        assert_eq!(inside.id.to_string(), id, "not in the data either");
        assert!(!inside.data.contains_key(LOADED));
        assert_eq!(loaded(&store, &id.parse().expect("an id")).await, None, "a stored id opens nothing");
    })
    .await;
}

#[tokio::test]
async fn an_undecodable_row_is_no_session() {
    each_database(async |db| {
        let store = Sessions::new(db.clone());
        let mut session = record(&[("a", 1)]);
        store.create(&mut session).await.expect("created");
        db.execute(sql("update tower_sessions set data = $1").bind(&b"\xc1garbage"[..])).await.expect("updated");
        assert_eq!(loaded(&store, &session.id).await, None);
    })
    .await;
}

#[tokio::test]
async fn sessions_end_by_the_databases_clock() {
    each_database(async |db| {
        let store = Sessions::new(db.clone());
        // tower-sessions computes the date by this machine's clock, which may be wrong.
        for ahead in [Duration::ZERO, Duration::DAY, -Duration::DAY] {
            db.set_clock_offset(ahead);
            let mut session = record(&[("kept", 1)]);
            store.create(&mut session).await.expect("created");
            let (before, after) = (Duration::minutes(59), Duration::minutes(61));
            db.set_clock_offset(ahead + before);
            assert!(loaded(&store, &session.id).await.is_some(), "{ahead}");
            assert_eq!(store.delete_expired().await.expect("removed"), 0, "{ahead}");
            db.set_clock_offset(ahead + after);
            assert_eq!(loaded(&store, &session.id).await, None, "{ahead}");
            assert_eq!(store.delete_expired().await.expect("removed"), 1, "{ahead}");
        }
    })
    .await;
}

#[tokio::test]
async fn expired_sessions_are_removed_in_batches() {
    each_database(async |db| {
        let store = Sessions::new(db.clone());
        let rows = (0..1001).map(|n| Insert {
            table: &SESSIONS,
            values: vec![
                n.to_string().into(),
                vec![0_u8].into(),
                (OffsetDateTime::now_utc() - Duration::MINUTE).into(),
                None::<UserId>.into(),
            ],
        });
        db.insert(rows.collect()).await.expect("rows");
        let before = db.operations();
        assert_eq!(store.delete_expired().await.expect("removed"), 1001);
        assert_eq!(db.operations() - before, 3, "transactions");
    })
    .await;
}
