//! Models share credit in Rust, and this report sends the result back into the database. The statement takes the credit of each
//! campaign as JSON and joins it with the counts. So SQL sorts by credit as by any other column, and returns one page of rows
//! with their total number. The page also has the campaigns that only have credit in the period, because their touches are older.
//! Otherwise each page would need all campaigns of the period in memory, only to sort them and keep fifty.

use std::time::Duration;

use super::{
    Filter,
    campaign_key::CampaignKey,
    campaign_name::GroupedCampaign,
    credit::CampaignCredit,
    filter::{
        FilterField, NOT_SET,
        conditions::{matching, matching_of_visitor},
    },
    statement::{SqlText, Statement, sql_text},
};
use crate::{
    attribution::model::Credit,
    db::{Conn, Dialect, Error},
};

/// The touches of one source, medium, campaign and channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct CampaignRow {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub channel: String,
    pub touches: i64,
    /// Distinct visitors.
    pub visitors: i64,
    /// Touches of visitors who belong to a user.
    pub leads: i64,
    /// Distinct users.
    pub users: i64,
    /// Users who signed up in the period, with a touch of this campaign at or before the sign-up and within the
    /// look-back window.
    pub signups: i64,
    /// Touches from links on pages of this site.
    pub internal: i64,
    /// The conversions that the campaign is credited with.
    pub credit: Credit,
}

impl CampaignRow {
    pub fn key(&self) -> CampaignKey {
        let Self { source, medium, campaign, channel, .. } = self.clone();
        CampaignKey { source, medium, campaign, channel }
    }

    /// Returns sign-ups divided by visitors. The rate can be more than 1, because people who came before the period may sign up
    /// in it.
    pub fn rate(&self) -> Option<f64> {
        (self.visitors > 0).then(|| self.signups as f64 / self.visitors as f64)
    }

    /// Returns whether the row stands for people who came without a touch.
    pub fn is_direct(&self) -> bool {
        self.key() == CampaignKey::direct()
    }

    /// Returns the filter narrowed to the touches of this row.
    pub fn narrow(&self, filter: &Filter) -> Filter {
        let exactly = |value: &Option<String>| Some(value.clone().unwrap_or_else(|| NOT_SET.to_owned()));
        filter
            .clone()
            .with(FilterField::Source, exactly(&self.source).as_deref())
            .with(FilterField::Medium, exactly(&self.medium).as_deref())
            .with(FilterField::Campaign, exactly(&self.campaign).as_deref())
            .with(FilterField::Channel, Some(&self.channel))
    }
}

/// A column that campaigns can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignColumn {
    Campaign,
    Source,
    Medium,
    Channel,
    Touches,
    Visitors,
    Leads,
    Users,
    Signups,
    Rate,
    Credit,
}

impl CampaignColumn {
    pub const ALL: [Self; 11] = [
        Self::Campaign,
        Self::Source,
        Self::Medium,
        Self::Channel,
        Self::Touches,
        Self::Visitors,
        Self::Leads,
        Self::Users,
        Self::Signups,
        Self::Rate,
        Self::Credit,
    ];

    /// Returns the name in addresses, which is also the name of the column in SQL. Only the rate is not a column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Source => "source",
            Self::Medium => "medium",
            Self::Channel => "channel",
            Self::Touches => "touches",
            Self::Visitors => "visitors",
            Self::Leads => "leads",
            Self::Users => "users",
            Self::Signups => "signups",
            Self::Rate => "rate",
            Self::Credit => "credit",
        }
    }

    const fn expression(self) -> &'static str {
        match self {
            Self::Rate => "case when visitors > 0 then signups * 1.0 / visitors end",
            _ => self.as_str(),
        }
    }

    /// Returns whether the column holds numbers. A first click sorts numbers from the largest, and names from A.
    pub const fn is_numeric(self) -> bool {
        !matches!(self, Self::Campaign | Self::Source | Self::Medium | Self::Channel)
    }
}

/// An order of campaigns: `leads` is ascending, `-leads` descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignOrder {
    pub column: CampaignColumn,
    pub descending: bool,
}

impl Default for CampaignOrder {
    fn default() -> Self {
        Self { column: CampaignColumn::Leads, descending: true }
    }
}

impl CampaignOrder {
    pub fn parse(text: &str) -> Option<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let column = CampaignColumn::ALL.into_iter().find(|column| column.as_str() == name)?;
        Some(Self { column, descending })
    }

    /// Returns the order after a click on a column's heading: the other direction, or that column in its first
    /// direction.
    pub fn pressed(self, column: CampaignColumn) -> Self {
        let descending = if self.column == column { !self.descending } else { column.is_numeric() };
        Self { column, descending }
    }

    /// Returns the terms of `order by`. The order has no ties, since a row's names are unique.
    fn terms(self) -> SqlText {
        let column = self.column.expression();
        let direction = if self.descending { "desc" } else { "asc" };
        sql_text!(
            "{column} {direction} nulls last, source nulls last, medium nulls last, campaign nulls last, channel";
            column, direction
        )
    }
}

impl std::fmt::Display for CampaignOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.column.as_str())
    }
}

/// Some campaigns of a period, and how many the period has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignPage {
    pub rows: Vec<CampaignRow>,
    pub count: i64,
}

#[derive(sqlx::FromRow)]
struct CountedRow {
    #[sqlx(flatten)]
    row: CampaignRow,
    total: i64,
}

/// Returns a page of the campaigns of a period: the campaigns with touches or sign-ups in the period, and the campaigns in
/// `credit`.
pub async fn campaigns(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    credit: &CampaignCredit,
    order: CampaignOrder,
    limit: u32,
    offset: u32,
) -> Result<CampaignPage, Error> {
    let (mut statement, all) = all_campaigns(conn, filter, window, credit).await?;
    let order = order.terms();
    let (limit_at, offset_at) = (statement.bind(limit), statement.bind(offset));
    // The count comes with the rows: to count them, the database must group all touches anyway. PostgreSQL sorts by an
    // expression only over columns of a table, so there is an outer select.
    let text = sql_text!(
        "select campaigns.*, count(*) over () as total
         from ({all}) campaigns
         order by {order}
         limit {limit_at} offset {offset_at}";
        all, order, limit_at, offset_at
    );
    let rows: Vec<CountedRow> = statement.query(text).fetch_all(conn).await?;
    let count = match rows.first() {
        Some(first) => first.total,
        None if offset == 0 => 0,
        // beyond the last page there is no row to tell the count
        None => {
            let (statement, all) = all_campaigns(conn, filter, window, credit).await?;
            statement.query(sql_text!("select count(*) from ({all}) campaigns"; all)).fetch_scalar(conn).await?
        }
    };
    Ok(CampaignPage { rows: rows.into_iter().map(|counted| counted.row).collect(), count })
}

/// Returns the next campaigns by name after `last`, or the first campaigns without `last`. New touches do not change this order.
pub async fn campaigns_after(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    credit: &CampaignCredit,
    last: Option<&CampaignRow>,
    limit: u32,
) -> Result<Vec<CampaignRow>, Error> {
    let (mut statement, all) = all_campaigns(conn, filter, window, credit).await?;
    // SQL cannot compare with null. So a name is two values: whether the name is null, and its text.
    let after = match last {
        None => SqlText::default(),
        Some(last) => {
            let [source, medium, campaign] = [&last.source, &last.medium, &last.campaign].map(|name| {
                let (null, text) = (i64::from(name.is_none()), name.as_deref().unwrap_or_default());
                let (null, text) = (statement.bind(null), statement.bind(text));
                sql_text!("{null}, {text}"; null, text)
            });
            let channel = statement.bind(last.channel.as_str());
            sql_text!(
                "where (case when source is null then 1 else 0 end, coalesce(source, ''),
                        case when medium is null then 1 else 0 end, coalesce(medium, ''),
                        case when campaign is null then 1 else 0 end, coalesce(campaign, ''), channel)
                       > ({source}, {medium}, {campaign}, {channel})";
                source, medium, campaign, channel
            )
        }
    };
    let limit = statement.bind(limit);
    let text = sql_text!(
        "select * from ({all}) campaigns
         {after}
         order by case when source is null then 1 else 0 end, source,
                  case when medium is null then 1 else 0 end, medium,
                  case when campaign is null then 1 else 0 end, campaign, channel
         limit {limit}";
        all, after, limit
    );
    statement.query(text).fetch_all(conn).await
}

/// Returns a query for all campaigns of a period. The query counts touches, leads and sign-ups apart, because each has its own
/// way through the indexes. Then the query joins the counts with the credit.
async fn all_campaigns(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    credit: &CampaignCredit,
) -> Result<(Statement, SqlText), Error> {
    let filter = &filter.resolved(conn).await?;
    let GroupedCampaign { join, campaign } = GroupedCampaign::load(conn).await?;
    let range = filter.period.range();
    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", range);
    let signed_up = statement.within("u.created_at", range);
    let window = statement.bind(window);
    let matching = matching(&mut statement, filter);
    let matching_of_visitor = matching_of_visitor(&mut statement, filter);
    let credit = statement.bind(credit.to_json());
    let credits = match conn.dialect() {
        Dialect::Sqlite => sql_text!("json_each({credit})"; credit),
        Dialect::Postgres => sql_text!("json_array_elements(cast({credit} as json))"; credit),
    };
    let text = sql_text!(
        "select source, medium, campaign, channel,
                cast(sum(touches) as bigint) as touches, cast(sum(visitors) as bigint) as visitors,
                cast(sum(leads) as bigint) as leads, cast(sum(users) as bigint) as users,
                cast(sum(signups) as bigint) as signups, cast(sum(internal) as bigint) as internal,
                cast(sum(credit) as bigint) as credit
         from (
           select t.source, t.medium, {campaign} as campaign, t.channel,
                  count(*) as touches, count(distinct t.visitor_id) as visitors, 0 as leads, 0 as users,
                  0 as signups, sum(case when t.internal then 1 else 0 end) as internal, 0 as credit
           from touches t {join}
           where {touched} {matching}
           group by t.source, t.medium, {campaign}, t.channel
         union all
           select t.source, t.medium, {campaign}, t.channel, 0, 0, count(*), count(distinct v.user_id), 0, 0, 0
           from visitors v cross join touches t {join}
           where t.visitor_id = v.id and v.user_id is not null and {touched} {matching_of_visitor}
           group by t.source, t.medium, {campaign}, t.channel
         union all
           select t.source, t.medium, {campaign}, t.channel, 0, 0, 0, 0, count(distinct u.id), 0, 0
           from users u cross join visitors v cross join touches t {join}
           where v.user_id = u.id and t.visitor_id = v.id and {signed_up}
             and t.occurred_at <= u.created_at and t.occurred_at >= u.created_at - {window} {matching_of_visitor}
           group by t.source, t.medium, {campaign}, t.channel
         union all
           select value ->> 0, value ->> 1, value ->> 2, value ->> 3, 0, 0, 0, 0, 0, 0, cast(value ->> 4 as bigint)
           from {credits}
         ) counted
         group by source, medium, campaign, channel";
        campaign, join, touched, matching, matching_of_visitor, signed_up, window, credits
    );
    Ok((statement, text))
}
