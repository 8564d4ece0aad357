use uuid::Uuid;

use super::summary::DemoSummary;
use crate::db::{Db, Error, sql};

/// How many visitors or users one transaction removes.
pub(super) const PAGE: i64 = 1000;

/// Removes all sample data, and nothing else.
pub async fn remove(db: &Db) -> Result<DemoSummary, Error> {
    let referrals: i64 = sql("select count(*) from referrals r join users u on u.id = r.referee_id where u.sample")
        .fetch_scalar(&mut db.read().await?)
        .await?;
    let [touches, visitors] = remove_in_pages(
        db,
        "visitors",
        [
            "delete from touches where visitor_id in (select id from visitors where sample and id > $1 and id <= $2)",
            "delete from visitors where sample and id > $1 and id <= $2",
        ],
    )
    .await?;
    // Refunds come first: removing a purchase removes its refunds too, and these refunds would not be counted. Links and sessions
    // go with their users.
    let [refunds, others, users] = remove_in_pages(
        db,
        "users",
        [
            "delete from conversions where refund_of is not null
                and user_id in (select id from users where sample and id > $1 and id <= $2)",
            "delete from conversions where refund_of is null
                and user_id in (select id from users where sample and id > $1 and id <= $2)",
            "delete from users where sample and id > $1 and id <= $2",
        ],
    )
    .await?;
    Ok(DemoSummary { users, visitors, touches, referrals: referrals as u64, conversions: refunds + others })
}

/// Runs statements for all sample rows of a table, page by page in the order of their ids, each page in a transaction. `$1`
/// is the id before the page, `$2` the last id of the page. Returns how many rows each statement removed.
async fn remove_in_pages<const N: usize>(
    db: &Db,
    table: &'static str,
    statements: [&'static str; N],
) -> Result<[u64; N], Error> {
    let mut removed = [0; N];
    let mut after = Uuid::nil();
    loop {
        let page = db.transaction(move |conn| {
            Box::pin(async move {
                let ids: Vec<(Uuid,)> =
                    sql(format!("select id from {table} where sample and id > $1 order by id limit $2"))
                        .bind(after)
                        .bind(PAGE)
                        .fetch_all(conn)
                        .await?;
                let Some(&(last,)) = ids.last() else { return Ok(None) };
                let mut counts = [0; N];
                for (count, statement) in counts.iter_mut().zip(statements) {
                    *count = sql(statement).bind(after).bind(last).execute(conn).await?;
                }
                Ok::<_, Error>(Some((last, counts)))
            })
        });
        let Some((last, counts)) = page.await? else { return Ok(removed) };
        after = last;
        removed.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
}
