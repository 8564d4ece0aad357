use std::cell::RefCell;

use super::Insert;

tokio::task_local! {
    static ROWS: RefCell<Vec<Insert>>;
}

/// Runs work whose first insert adds these rows too. One transaction adds all rows, or none. So two parts of the code share it
/// although a library stands between them.
///
/// Returns the result of the work, and the rows that no insert took.
pub async fn with_rows<T>(rows: Vec<Insert>, work: impl Future<Output = T>) -> (T, Vec<Insert>) {
    ROWS.scope(RefCell::new(rows), async { (work.await, take()) }).await
}

/// Takes the rows that wait for an insert of this task.
pub(super) fn take() -> Vec<Insert> {
    ROWS.try_with(RefCell::take).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::db::{Db, Table, sql, testing::each_database};

    static VISITORS: Table = Table { name: "visitors", columns: &["id", "first_seen_at"] };
    static KEYS: Table = Table { name: "hourly_limits", columns: &["name", "since", "used"] };

    fn row(name: &str) -> Insert {
        Insert { table: &KEYS, values: vec![name.into(), 1.into(), 1.into()] }
    }

    async fn names(db: &Db) -> i64 {
        let mut conn = db.read().await.expect("a connection");
        sql("select count(*) from hourly_limits").fetch_scalar(&mut conn).await.expect("a number")
    }

    fn visitor() -> Insert {
        Insert { table: &VISITORS, values: vec![Uuid::now_v7().into(), 0.into()] }
    }

    #[tokio::test]
    async fn rows_of_several_tables_are_added_together_or_not_at_all() {
        each_database(async |db| {
            let visitors = async |db: &Db| -> i64 {
                let mut conn = db.read().await.expect("a connection");
                sql("select count(*) from visitors").fetch_scalar(&mut conn).await.expect("a number")
            };
            db.insert(vec![visitor(), visitor(), row("a")]).await.expect("added");
            db.insert((0..17).map(|_| visitor()).chain([row("b")]).collect()).await.expect("more than one statement");
            assert_eq!((visitors(&db).await, names(&db).await), (19, 2));
            db.insert(vec![visitor(), row("a")]).await.expect_err("there is an a");
            assert_eq!((visitors(&db).await, names(&db).await), (19, 2));
        })
        .await;
    }

    #[tokio::test]
    async fn rows_go_along_with_the_first_insert_or_not_at_all() {
        each_database(async |db| {
            let (added, left) = with_rows(vec![row("a")], db.insert(vec![row("b")])).await;
            added.expect("added");
            assert!(left.is_empty());
            assert_eq!(names(&db).await, 2);
            let (refused, left) = with_rows(vec![row("c")], db.insert(vec![row("a")])).await;
            refused.expect_err("there is an a");
            assert!(left.is_empty());
            assert_eq!(names(&db).await, 2);
            let (_, left) = with_rows(vec![row("d")], async {}).await;
            assert_eq!(left.len(), 1, "nothing was inserted");
            db.insert(vec![row("e")]).await.expect("added");
            assert_eq!(names(&db).await, 3);
        })
        .await;
    }
}
