//! Each function returns conditions on `touches t` with an `and` before each, or an empty text.

use std::time::Duration;

use super::{Filter, FilterField, NOT_SET};
use crate::{
    attribution::{
        report::statement::{SqlText, Statement, sql_text},
        signal::clean,
    },
    db::{Conn, Error, contains_pattern},
};

impl Filter {
    /// Returns the same filter with all names of its campaign. These are the name asked for, the campaign that the name was
    /// merged into, and all other names of that campaign. Both filters find the same touches; with the names, PostgreSQL finds
    /// the touches sooner.
    pub async fn resolved(&self, conn: &mut Conn) -> Result<Self, Error> {
        let mut filter = self.clone();
        if let Some(campaign) = self.get(FilterField::Campaign).filter(|&campaign| campaign != NOT_SET)
            && self.names.is_none()
        {
            let mut statement = Statement::default();
            let names = names_of(&mut statement, campaign);
            let names: Vec<(String,)> = statement.query(names).fetch_all(conn).await?;
            filter.names = Some(names.into_iter().map(|(name,)| name).collect());
        }
        Ok(filter)
    }
}

/// Returns the filter's conditions, without its period.
pub(in crate::attribution::report) fn matching(statement: &mut Statement, filter: &Filter) -> SqlText {
    conditions(statement, filter, "t.campaign")
}

/// Returns the conditions of [`matching`], for statements that come to touches from their visitors.
///
/// The campaign is compared as an expression, for which there is no index. SQLite keeps no statistics: with an index it
/// would go through all touches of the campaign for each visitor.
pub(in crate::attribution::report) fn matching_of_visitor(statement: &mut Statement, filter: &Filter) -> SqlText {
    conditions(statement, filter, "(t.campaign || '')")
}

/// Returns one condition, without `and`: the user `u` has a matching touch at or before the sign-up, at most `window` earlier.
pub(in crate::attribution::report) fn brought_by(
    statement: &mut Statement,
    filter: &Filter,
    window: Duration,
) -> SqlText {
    let window = statement.bind(window);
    let matching = matching_of_visitor(statement, filter);
    sql_text!(
        "exists (select 1 from visitors v join touches t on t.visitor_id = v.id
                 where v.user_id = u.id and t.occurred_at <= u.created_at and t.occurred_at >= u.created_at - {window} {matching})";
        window, matching
    )
}

fn conditions(statement: &mut Statement, filter: &Filter, campaign: &'static str) -> SqlText {
    let mut all = SqlText::default();
    for field in FilterField::ALL {
        let Some(value) = filter.get(field) else { continue };
        let column = if field == FilterField::Campaign { campaign } else { field.column() };
        let condition = field_condition(statement, filter, field, column, value);
        all = sql_text!("{all} and ({condition})"; all, condition);
    }
    if let Some(q) = &filter.q {
        let condition = search_condition(statement, q);
        all = sql_text!("{all} and ({condition})"; all, condition);
    }
    all
}

fn field_condition(
    statement: &mut Statement,
    filter: &Filter,
    field: FilterField,
    column: &'static str,
    value: &str,
) -> SqlText {
    if value == NOT_SET {
        let not_set = statement.bind(NOT_SET);
        return sql_text!("{column} is null or {column} = {not_set}"; column, not_set);
    }
    let values = match (field, &filter.names) {
        (FilterField::Campaign, Some(names)) => statement.bind_list(names.iter().map(String::as_str)),
        (FilterField::Campaign, None) => names_of(statement, value),
        // The condition compares the value as typed and as stored. Stored values are in lower case, except for the tokens of
        // referral links. The condition is not `lower(column) = …`, for which there is no index.
        _ => statement.bind_list([value, &clean::clean(value).unwrap_or_default()]),
    };
    sql_text!("{column} in ({values})"; column, values)
}

/// Returns the condition for `q`. The text is a part of the campaign's name in the link, of the campaign that the name was merged
/// into, of the term, or of the user's e-mail address.
fn search_condition(statement: &mut Statement, q: &str) -> SqlText {
    let pattern = statement.bind(contains_pattern(&q.to_lowercase()));
    // The subquery finds the visitors of these users once, not the user of each touch.
    sql_text!(
        r"lower(t.campaign) like {pattern} escape '\'
          or t.campaign in (select alias from campaign_aliases where lower(campaign) like {pattern} escape '\')
          or lower(t.term) like {pattern} escape '\'
          or t.visitor_id in (
               select qv.id from users qu join visitors qv on qv.user_id = qu.id
               where qu.email_lower like {pattern} escape '\')";
        pattern
    )
}

/// Returns a query for all names of a campaign.
fn names_of(statement: &mut Statement, campaign: &str) -> SqlText {
    let typed = statement.bind(campaign);
    let stored = statement.bind(clean::clean(campaign).unwrap_or_default());
    sql_text!(
        "with asked (name) as (select cast({typed} as text) union select cast({stored} as text)),
              shown (name) as (
                select name from asked
                union select campaign from campaign_aliases where alias in (select name from asked))
         select name from shown
         union select alias from campaign_aliases where campaign in (select name from shown)";
        typed, stored
    )
}

/// Returns the condition that the conversion `c` is of the filter's kind, or no text for all kinds.
pub(in crate::attribution::report) fn of_kind(statement: &mut Statement, filter: &Filter) -> SqlText {
    match &filter.kind {
        Some(kind) => {
            let kind = statement.bind(kind.as_str());
            sql_text!("and c.kind = {kind}"; kind)
        }
        None => SqlText::default(),
    }
}
