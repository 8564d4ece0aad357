//! What a filter adds to a statement over `touches t`.

use std::time::Duration;

use super::{Field, Filter, NOT_SET};
use crate::{
    attribution::{
        report::{Range, Statement, statement::contains_pattern},
        signal::clean,
    },
    db::{Conn, Error},
};

impl Filter {
    /// The same, knowing all names of the campaign it asks for: the one asked for, what it stands for, and what else stands
    /// for that. It finds the same touches; PostgreSQL finds them sooner.
    pub async fn resolved(&self, conn: &mut Conn) -> Result<Self, Error> {
        let mut filter = self.clone();
        if let Some(campaign) = self.get(Field::Campaign).filter(|&campaign| campaign != NOT_SET)
            && self.names.is_none()
        {
            let names: Vec<(String,)> = Statement::default().names_of(campaign).query().fetch_all(conn).await?;
            filter.names = Some(names.into_iter().map(|(name,)| name).collect());
        }
        Ok(filter)
    }
}

impl Statement {
    /// A condition: the time in `column` lies in the range.
    pub fn within(self, column: &'static str, range: Range) -> Self {
        self.text(column).text(" >= ").value(range.start).text(" and ").text(column).text(" < ").value(range.end)
    }

    /// Conditions, each with its `and`: what the filter asks of `touches t` but for the time.
    pub fn matching(self, filter: &Filter) -> Self {
        self.conditions(filter, "t.campaign")
    }

    /// The same where touches are found by their visitors.
    pub fn matching_of_visitor(self, filter: &Filter) -> Self {
        // An expression, which no index answers: SQLite, without statistics, would go through all touches of the campaign
        // for each visitor.
        self.conditions(filter, "(t.campaign || '')")
    }

    fn conditions(mut self, filter: &Filter, campaign: &'static str) -> Self {
        for field in Field::ALL {
            let Some(value) = filter.get(field) else { continue };
            let column = if field == Field::Campaign { campaign } else { field.column() };
            self = self.text(" and (").text(column);
            self = match value {
                NOT_SET => self.text(" is null or ").text(column).text(" = ").value(NOT_SET),
                _ if field == Field::Campaign => match &filter.names {
                    Some(names) => {
                        self = self.text(" in (");
                        for (place, name) in names.iter().enumerate() {
                            self = self.text(if place == 0 { "" } else { ", " }).value(name.as_str());
                        }
                        self.text(")")
                    }
                    None => self.text(" in (").names_of(value).text(")"),
                },
                // As it is kept, or as it was typed: values are lower case, but for the tokens of referral links. Not
                // lower(column), which no index answers.
                _ => {
                    let lower = clean::clean(value).unwrap_or_default();
                    self.text(" in (").value(value).text(", ").value(lower).text(")")
                }
            };
            self = self.text(")");
        }
        if let Some(q) = &filter.q {
            let pattern = contains_pattern(&q.to_lowercase());
            self = self
                .text(" and (lower(t.campaign) like ")
                .value(pattern.as_str())
                .text(r" escape '\' or t.campaign in (select alias from campaign_aliases where lower(campaign) like ")
                .value(pattern.as_str())
                .text(r" escape '\') or lower(t.term) like ")
                .value(pattern.as_str())
                // the visitors of these users once, not the user of each touch
                .text(
                    r" escape '\' or t.visitor_id in (
                         select qv.id from users qu join visitors qv on qv.user_id = qu.id where qu.email_lower like ",
                )
                .value(pattern)
                .text(r" escape '\'))");
        }
        self
    }

    /// A query for all names of a campaign: as it is kept, as it was typed, what they stand for, and what else stands for that.
    fn names_of(self, campaign: &str) -> Self {
        let lower = clean::clean(campaign).unwrap_or_default();
        self.text("with asked (name) as (select cast(")
            .value(campaign)
            .text(" as text) union select cast(")
            .value(lower)
            .text(
                " as text)),
                 shown (name) as (
                     select name from asked
                     union select campaign from campaign_aliases where alias in (select name from asked))
                 select name from shown
                 union select alias from campaign_aliases where campaign in (select name from shown)",
            )
    }

    /// A condition: the user `u` has a matching touch at or before the sign-up, at most `window` earlier.
    pub fn brought_by(self, filter: &Filter, window: Duration) -> Self {
        self.text(
            "exists (select 1 from visitors v join touches t on t.visitor_id = v.id
             where v.user_id = u.id and t.occurred_at <= u.created_at and t.occurred_at >= u.created_at - ",
        )
        .value(window)
        .matching_of_visitor(filter)
        .text(")")
    }
}
