use std::time::Duration;

use super::{
    Filter,
    filter::conditions::{brought_by, matching, matching_of_visitor},
    statement::{Statement, sql_text},
};
use crate::db::{Conn, Error, sql};

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
    /// Users who signed up in the period. With conditions on touches, only those that a matching touch brought.
    pub signups: i64,
    /// Users who signed up in the period, with a matching touch before the sign-up. The others came directly.
    pub attributed: i64,
}

impl Totals {
    /// Returns the sign-ups that a touch brought, divided by the visitors with a touch.
    pub fn rate(&self) -> Option<f64> {
        (self.visitors > 0).then(|| self.attributed as f64 / self.visitors as f64)
    }
}

/// Counts a period. `window` is the look-back window before a sign-up.
pub async fn totals(conn: &mut Conn, filter: &Filter, window: Duration) -> Result<Totals, Error> {
    let filter = &filter.resolved(conn).await?;
    let range = filter.period.range();

    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", range);
    let conditions = matching(&mut statement, filter);
    let text = sql_text!(
        "select count(*), count(distinct t.visitor_id) from touches t where {touched} {conditions}"; touched, conditions
    );
    let (touches, visitors): (i64, i64) = statement.query(text).fetch_one(conn).await?;

    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", range);
    let conditions = matching_of_visitor(&mut statement, filter);
    let text = sql_text!(
        "select count(*), count(distinct v.user_id)
         from visitors v cross join touches t
         where t.visitor_id = v.id and v.user_id is not null and {touched} {conditions}";
        touched, conditions
    );
    let (leads, users): (i64, i64) = statement.query(text).fetch_one(conn).await?;

    let mut statement = Statement::default();
    let signed_up = statement.within("u.created_at", range);
    let brought = brought_by(&mut statement, filter, window);
    let text = sql_text!("select count(*) from users u where {signed_up} and {brought}"; signed_up, brought);
    let attributed = statement.query(text).fetch_scalar(conn).await?;

    let signups = if filter.is_bare() {
        let mut statement = Statement::default();
        let signed_up = statement.within("u.created_at", range);
        let text = sql_text!("select count(*) from users u where {signed_up}"; signed_up);
        statement.query(text).fetch_scalar(conn).await?
    } else {
        attributed
    };
    Ok(Totals { touches, visitors, leads, users, signups, attributed })
}

/// Returns whether there is any touch at all, in any period.
pub async fn any_touch(conn: &mut Conn) -> Result<bool, Error> {
    Ok(sql("select 1 from touches limit 1").fetch_optional::<(i32,)>(conn).await?.is_some())
}
