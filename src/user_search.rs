//! Finds users by a part of their e-mail address.

use uuid::Uuid;

use crate::{
    db::{Conn, Dialect, Error, contains_pattern, sql},
    id::UserId,
};

/// From this many addresses on, SQLite finds them sooner by looking at all addresses in their order. The same number takes SQLite
/// 10 ms to count.
const MANY: u32 = if cfg!(test) { 20 } else { 20_000 };
/// How many characters SQLite's full-text table indexes together.
const TRIGRAM: usize = 3;

/// Returns the users whose e-mail address, in lower case, contains this text in lower case: `LEE@` finds `ada.lee@example.com`.
/// `%`, `_` and `\` stand for themselves. The order is not defined.
///
/// Texts of three characters or more are found by an index. For shorter texts, and on a PostgreSQL server without pg_trgm, all
/// addresses are looked at.
pub async fn users_with_email_like(conn: &mut Conn, text: &str) -> Result<Vec<UserId>, Error> {
    let text = text.to_lowercase();
    // No address has a NUL, and PostgreSQL refuses text with one.
    if text.contains('\0') {
        return Ok(Vec::new());
    }
    let query = match (conn.dialect(), trigrams(&text)) {
        (Dialect::Postgres, _) => {
            let query = sql(r"select id from users where email_lower like $1 escape '\'");
            let found: Vec<(UserId,)> = query.bind(contains_pattern(&text)).fetch_all(conn).await?;
            return Ok(found.into_iter().map(|(id,)| id).collect());
        }
        (Dialect::Sqlite, Some(trigrams)) if few(conn, &trigrams).await? => {
            sql("select cast(group_concat(u.id, '') as blob) from user_search
                cross join user_numbers n on n.number = user_search.rowid
                cross join users u on u.id = n.user_id
            where user_search match $1 and instr(u.email_lower, $2) > 0")
            .bind(trigrams)
            .bind(text)
        }
        (Dialect::Sqlite, _) => {
            sql("select cast(group_concat(id, '') as blob) from users where instr(email_lower, $1) > 0").bind(text)
        }
    };
    // SQLite puts the bytes of all ids into one value, because a row for each takes far longer.
    let found: Option<Vec<u8>> = query.fetch_scalar(conn).await?;
    let (ids, _) = found.as_deref().unwrap_or_default().as_chunks();
    Ok(ids.iter().map(|id| Uuid::from_bytes(*id).into()).collect())
}

/// Returns whether the full-text table has fewer than [`MANY`] addresses with these trigrams.
async fn few(conn: &mut Conn, trigrams: &str) -> Result<bool, Error> {
    let found: i64 = sql("select count(*) from (select 1 from user_search where user_search match $1 limit $2)")
        .bind(trigrams)
        .bind(MANY)
        .fetch_scalar(conn)
        .await?;
    Ok(found < i64::from(MANY))
}

/// Returns a full-text query for the addresses with all the text's trigrams: `lee@` → `"lee" AND "ee@"`. Returns `None` for a text
/// that is shorter than a trigram.
fn trigrams(text: &str) -> Option<String> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut trigrams: Vec<&str> = starts.windows(TRIGRAM + 1).map(|ends| &text[ends[0]..ends[TRIGRAM]]).collect();
    trigrams.sort_unstable();
    trigrams.dedup();
    let quoted: Vec<String> = trigrams.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" AND "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::db::{Db, testing::each_database};

    const ADDRESSES: [&str; 14] = [
        "Ada.Lee@Example.com",
        "ada.lee2@example.org",
        "bob_100%@example.com",
        r"back\slash@example.com",
        "o'neil@x.co",
        "a@b",
        "Jürgen@bücher.example",
        "ÉLODIE@école.example",
        "鱻龘靐@例え.example",
        "and@or.not",
        "near-me@star.example",
        "aaaa@aaaa.aa",
        "ab@ab.ab",
        "erased-0123456789abcdef",
    ];
    const TEXTS: [&str; 34] = [
        "",
        "a",
        "@",
        "ü",
        "鱻",
        "le",
        "aa",
        "ada",
        "ADA.LEE",
        "lee@",
        "lee2",
        "%",
        "_1",
        "100%",
        "_100%@",
        "%@",
        r"\",
        r"k\s",
        "'",
        "o'n",
        "\"",
        "\"ada\"",
        "aaa",
        "aaaaa",
        "aaaa@aaaa",
        "ab@ab",
        "AND",
        "near",
        "*",
        "ada*",
        "jürgen",
        "École",
        "鱻龘靐",
        "nobody here",
    ];

    async fn search(db: &Db, text: &str) -> BTreeSet<UserId> {
        let mut conn = db.read().await.expect("a connection");
        let found = users_with_email_like(&mut conn, text).await.expect(text);
        let ids: BTreeSet<UserId> = found.iter().copied().collect();
        assert_eq!(ids.len(), found.len(), "{text}: a user twice");
        ids
    }

    async fn run(db: &Db, text: &'static str, id: UserId, email: &str) {
        db.execute(sql(text).bind(id).bind(email).bind(email.to_lowercase())).await.expect("done");
    }

    const ADD: &str =
        "insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $3, '!', 1)";

    #[tokio::test]
    async fn a_text_is_found_wherever_it_stands_and_means_itself() {
        each_database(async |db| {
            let ids = ADDRESSES.map(|_| UserId::new());
            for (id, email) in ids.into_iter().zip(ADDRESSES) {
                run(&db, ADD, id, email).await;
            }
            let with = |text: &str| -> BTreeSet<UserId> {
                let text = text.to_lowercase();
                let found = ids.iter().zip(ADDRESSES).filter(|(_, email)| email.to_lowercase().contains(&text));
                found.map(|(id, _)| *id).collect()
            };
            for text in TEXTS {
                assert_eq!(search(&db, text).await, with(text), "{text:?}");
            }
            assert!(search(&db, "ada\0").await.is_empty() && search(&db, "\0").await.is_empty());
            assert_eq!(with("ada").len() + with("鱻龘靐").len() + with("_100%@").len(), 4, "the texts find something");
        })
        .await;
    }

    #[tokio::test]
    async fn a_search_knows_what_changed_and_finds_many_as_well_as_few() {
        each_database(async |db| {
            let ids: Vec<UserId> = (0..3 * MANY).map(|_| UserId::new()).collect();
            for (number, id) in ids.iter().enumerate() {
                run(&db, ADD, *id, &format!("user{number}@example.com")).await;
            }
            assert_eq!(search(&db, "@example.com").await, ids.iter().copied().collect());
            assert_eq!(search(&db, "user11@").await, [ids[11]].into());
            // another address, the same address, another password
            run(&db, "update users set email = $2, email_lower = $3 where id = $1", ids[11], "Zoe@Example.com").await;
            run(&db, "update users set email = $2, email_lower = $3 where id = $1", ids[12], "user12@example.com")
                .await;
            run(&db, "update users set password_hash = $2 || $3 where id = $1", ids[13], "secret").await;
            assert!(search(&db, "user11@").await.is_empty());
            assert_eq!(search(&db, "zoe@").await, [ids[11]].into());
            assert_eq!(search(&db, "user12@").await, [ids[12]].into());
            assert_eq!(search(&db, "user13@").await, [ids[13]].into());
            assert!(search(&db, "secret").await.is_empty());
            for id in &ids[11..13] {
                db.execute(sql("delete from users where id = $1").bind(*id)).await.expect("deleted");
            }
            assert!(search(&db, "zoe@").await.is_empty() && search(&db, "user12@").await.is_empty());
            if db.dialect() == Dialect::Sqlite {
                // compares the full-text table with the addresses
                let check = "insert into user_search (user_search, rank) values ('integrity-check', 1)";
                db.execute(sql(check)).await.expect("the index is whole");
            }
        })
        .await;
    }
}
