use std::time::Duration;

use super::{Filter, Statement, statement::LINKED};
use crate::db::{Conn, Error};

/// The headline numbers of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub touches: i64,
    /// Distinct visitors with a touch.
    pub visitors: i64,
    /// Touches of visitors who belong to a user.
    pub leads: i64,
    /// Distinct users with a touch.
    pub users: i64,
    /// Users who signed up in the period. Where something is asked of the touches: those that a matching touch brought.
    pub signups: i64,
    /// Users who signed up in the period and had a matching touch before. The others came directly.
    pub attributed: i64,
}

impl Totals {
    /// How many of the visitors became users, 0 to 1: sign-ups that a touch brought, to visitors who came by one.
    pub fn rate(&self) -> Option<f64> {
        (self.visitors > 0).then(|| self.attributed as f64 / self.visitors as f64)
    }
}

/// Counts a period. `window` is the look-back window before a sign-up.
pub async fn totals(conn: &mut Conn, filter: &Filter, window: Duration) -> Result<Totals, Error> {
    let filter = &filter.resolved(conn).await?;
    let range = filter.period.range();
    let (touches, visitors) = Statement::new("select count(*), count(distinct t.visitor_id) from touches t where ")
        .within("t.occurred_at", range)
        .matching(filter)
        .query()
        .fetch_one::<(i64, i64)>(conn)
        .await?;
    let (leads, users) = Statement::new("select count(*), count(distinct v.user_id)")
        .text(LINKED)
        .within("t.occurred_at", range)
        .matching_of_visitor(filter)
        .query()
        .fetch_one::<(i64, i64)>(conn)
        .await?;
    let attributed = Statement::new("select count(*) from users u where ")
        .within("u.created_at", range)
        .text(" and ")
        .brought_by(filter, window)
        .query()
        .fetch_scalar(conn)
        .await?;
    let signups = match filter.is_bare() {
        true => {
            Statement::new("select count(*) from users u where ")
                .within("u.created_at", range)
                .query()
                .fetch_scalar(conn)
                .await?
        }
        false => attributed,
    };
    Ok(Totals { touches, visitors, leads, users, signups, attributed })
}

/// Whether there is any touch at all.
pub async fn any_touch(conn: &mut Conn) -> Result<bool, Error> {
    Ok(Statement::new("select 1 from touches limit 1").query().fetch_optional::<(i32,)>(conn).await?.is_some())
}
