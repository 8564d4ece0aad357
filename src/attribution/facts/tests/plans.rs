use super::*;

#[tokio::test]
async fn catching_up_does_not_read_all_changes_that_are_kept() {
    let database = TestDatabase::create(Dialect::Postgres).await;
    let db = Db::connect(&database.url).await.expect("the new database can be opened");
    db.migrate().await.expect("the migrations run");
    let notes = "insert into fact_changes (visitor_id, transaction_id)
        select gen_random_uuid(), 1 from generate_series(1, 50000)";
    run(&db, vec![(notes, Vec::new())]).await;
    let mut conn = PgConnection::connect(&database.url).await.expect("a connection");
    conn.execute("analyze fact_changes").await.expect("analyzed");
    conn.close().await.expect("closed");

    let mut snapshot = db.read_snapshot().await.expect("a snapshot");
    let conn = snapshot.conn().expect("a connection");
    let position = changes::now(conn).await.expect("a position");
    // After five runs PostgreSQL may plan a statement once for all values.
    for _ in 0..8 {
        changes::since(conn, &position).await.expect("no changes");
    }
    let scans = sql("select seq_scan from pg_stat_xact_user_tables where relname = 'fact_changes'");
    let scans: i64 = scans.fetch_scalar(conn).await.expect("the number of scans");
    assert_eq!(scans, 0, "scans of the whole table");
    snapshot.end().await.expect("ended");
    db.close().await;
    database.remove().await;
}
