//! After an erasure nobody finds the user by the address, and no index has its letters.

use std::{path::Path, time::Duration};

use super::{erase, person, run};
use crate::{
    db::{
        Db, Dialect, sql,
        testing::{TestDatabase, each_database},
    },
    id::UserId,
    privacy::file_wipe,
    user_search::users_with_email_like,
};

/// Three letters that no other address of the test has. A full-text index stores them as they are, because no other three
/// characters begin with the same byte.
const LETTERS: &str = "ꙮ龘靐";
const EMAIL: &str = "maria.ꙮ龘靐@erased.example";

async fn found(db: &Db, text: &str) -> Vec<UserId> {
    users_with_email_like(&mut db.read().await.expect("a connection"), text).await.expect("an answer")
}

#[tokio::test]
async fn an_erased_user_is_not_found_by_the_address() {
    each_database(async |db| {
        let maria = person(&db, EMAIL).await;
        person(&db, "maria@example.com").await;
        assert_eq!(found(&db, LETTERS).await, [maria.user]);
        assert_eq!(found(&db, "maria").await.len(), 2);
        erase(&db, maria.user).await.expect("erased");
        assert!(found(&db, LETTERS).await.is_empty() && found(&db, "ꙮ").await.is_empty());
        assert_eq!(found(&db, "maria").await.len(), 1);
        assert!(file_wipe::clear(&db, Duration::from_secs(5)).await.expect("cleared"));
        assert!(found(&db, LETTERS).await.is_empty());
    })
    .await;
}

/// Returns how often the letters stand in the database's files.
fn in_files(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let bytes = files.map(|path| std::fs::read(path).expect("its bytes"));
    bytes.map(|bytes| bytes.windows(LETTERS.len()).filter(|window| *window == LETTERS.as_bytes()).count()).sum()
}

#[tokio::test]
async fn the_letters_of_an_erased_address_are_in_no_file() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let db = Db::connect(&database.url).await.expect("a database");
    db.migrate().await.expect("the migrations run");
    let file = database.url.strip_prefix("sqlite://").expect("a file").to_owned();
    let folder = Path::new(&file).parent().expect("a folder");
    // Each commit adds a segment to the index, and FTS5 merges some of them.
    for number in 0..40 {
        person(&db, &format!("before.{number}@example.com")).await;
    }
    let maria = person(&db, EMAIL).await;
    for number in 0..75 {
        person(&db, &format!("after.{number}@example.com")).await;
    }
    erase(&db, maria.user).await.expect("erased");
    let in_index: i64 = sql("select count(*) from user_search_data where instr(block, cast($1 as blob)) > 0")
        .bind(LETTERS)
        .fetch_scalar(&mut db.read().await.expect("a connection"))
        .await
        .expect("a count");
    assert!(in_index > 0 && in_files(folder) > 0, "the test would not see them");
    assert!(file_wipe::clear(&db, Duration::from_secs(5)).await.expect("cleared"));
    assert_eq!(in_files(folder), 0);
    // compares the index with the addresses
    run(&db, sql("insert into user_search (user_search, rank) values ('integrity-check', 1)")).await;
    assert_eq!(found(&db, "example.com").await.len(), 115);
    db.close().await;
    database.remove().await;
}
