use std::time::Duration;

use super::{
    Field, Filter, Statement,
    credit::CampaignCredit,
    filter::NOT_SET,
    statement::{LINKED, Merging, USERS_TOUCHES, dialect},
};
use crate::{
    attribution::channel::Channel,
    db::{Conn, Dialect, Error},
};

/// The touches of one source, medium, campaign and channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Campaign {
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
    /// Users who signed up in the period, with a touch of this campaign at or before that and within the look-back window.
    pub signups: i64,
    /// Touches from links on pages of our own.
    pub internal: i64,
    /// Conversions that it is credited with, in millionths.
    pub credit: i64,
}

impl Campaign {
    /// Sign-ups to visitors. More than 1 where people signed up in the period who came before it.
    pub fn rate(&self) -> Option<f64> {
        (self.visitors > 0).then(|| self.signups as f64 / self.visitors as f64)
    }

    /// Whether it stands for those who came without a touch.
    pub fn is_direct(&self) -> bool {
        let named = [&self.source, &self.medium, &self.campaign].into_iter().any(Option::is_some);
        !named && self.channel == Channel::Direct.as_str()
    }

    /// The filter that finds just its touches.
    pub fn narrow(&self, filter: &Filter) -> Filter {
        let exactly = |value: &Option<String>| Some(value.clone().unwrap_or_else(|| NOT_SET.to_owned()));
        filter
            .clone()
            .with(Field::Source, exactly(&self.source).as_deref())
            .with(Field::Medium, exactly(&self.medium).as_deref())
            .with(Field::Campaign, exactly(&self.campaign).as_deref())
            .with(Field::Channel, Some(&self.channel))
    }
}

/// A column that campaigns are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
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

impl Column {
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

    /// Numbers are looked at from the largest, names from A.
    pub const fn is_numeric(self) -> bool {
        !matches!(self, Self::Campaign | Self::Source | Self::Medium | Self::Channel)
    }
}

/// An order of campaigns: `leads` is ascending, `-leads` descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub column: Column,
    pub descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { column: Column::Leads, descending: true }
    }
}

impl Order {
    pub fn parse(text: &str) -> Option<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let column = Column::ALL.into_iter().find(|column| column.as_str() == name)?;
        Some(Self { column, descending })
    }

    /// What pressing a column's heading asks for: the other direction, or that column from its natural end.
    pub fn pressed(self, column: Column) -> Self {
        let descending = if self.column == column { !self.descending } else { column.is_numeric() };
        Self { column, descending }
    }

    /// The expression and its direction. All orders end in the same tie-break.
    fn clause(self) -> &'static str {
        match (self.column, self.descending) {
            (Column::Campaign, false) => "campaign asc nulls last",
            (Column::Campaign, true) => "campaign desc nulls last",
            (Column::Source, false) => "source asc nulls last",
            (Column::Source, true) => "source desc nulls last",
            (Column::Medium, false) => "medium asc nulls last",
            (Column::Medium, true) => "medium desc nulls last",
            (Column::Channel, false) => "channel asc",
            (Column::Channel, true) => "channel desc",
            (Column::Touches, false) => "touches asc",
            (Column::Touches, true) => "touches desc",
            (Column::Visitors, false) => "visitors asc",
            (Column::Visitors, true) => "visitors desc",
            (Column::Leads, false) => "leads asc",
            (Column::Leads, true) => "leads desc",
            (Column::Users, false) => "users asc",
            (Column::Users, true) => "users desc",
            (Column::Signups, false) => "signups asc",
            (Column::Signups, true) => "signups desc",
            // nothing to divide by is no rate: last either way
            (Column::Rate, false) => "case when visitors > 0 then signups * 1.0 / visitors end asc nulls last",
            (Column::Rate, true) => "case when visitors > 0 then signups * 1.0 / visitors end desc nulls last",
            (Column::Credit, false) => "credit asc",
            (Column::Credit, true) => "credit desc",
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.column.as_str())
    }
}

/// Some campaigns of a period, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignPage {
    pub rows: Vec<Campaign>,
    pub count: i64,
}

#[derive(sqlx::FromRow)]
struct CountedRow {
    #[sqlx(flatten)]
    row: Campaign,
    total: i64,
}

/// The campaigns of a period: those with touches in it, those that brought a sign-up in it, and those in `credit`.
///
/// `limit` and `offset` count rows of the order, which has no ties.
pub async fn campaigns(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    credit: &CampaignCredit,
    order: Order,
    limit: u32,
    offset: u32,
) -> Result<CampaignPage, Error> {
    let (filter, merging, dialect) = (&filter.resolved(conn).await?, Merging::of(conn).await?, dialect(conn));
    // The outer select because PostgreSQL sorts by an expression of columns only where they are columns. The count comes
    // with the rows: to count, all of it is grouped anyway.
    let rows: Vec<CountedRow> = Statement::new("select campaigns.*, count(*) over () as total from (")
        .grouped(filter, window, credit, merging, dialect)
        .text(") campaigns order by ")
        .text(order.clause())
        .text(", source nulls last, medium nulls last, campaign nulls last, channel limit ")
        .value(limit)
        .text(" offset ")
        .value(offset)
        .query()
        .fetch_all(conn)
        .await?;
    let count = match rows.first() {
        Some(first) => first.total,
        None if offset == 0 => 0,
        // beyond the last page no row says it
        None => {
            Statement::new("select count(*) from (")
                .grouped(filter, window, credit, merging, dialect)
                .text(") campaigns")
                .query()
                .fetch_scalar(conn)
                .await?
        }
    };
    Ok(CampaignPage { rows: rows.into_iter().map(|counted| counted.row).collect(), count })
}

/// The next campaigns by name after `last`, from the first where there is none: an order that new touches do not change.
pub async fn campaigns_after(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    credit: &CampaignCredit,
    last: Option<&Campaign>,
    limit: u32,
) -> Result<Vec<Campaign>, Error> {
    let (filter, merging, dialect) = (&filter.resolved(conn).await?, Merging::of(conn).await?, dialect(conn));
    // each name with whether it is there, because nothing is greater than null
    const NAMES: &str = "(case when source is null then 1 else 0 end, coalesce(source, ''),
         case when medium is null then 1 else 0 end, coalesce(medium, ''),
         case when campaign is null then 1 else 0 end, coalesce(campaign, ''), channel)";
    const ORDER: &str = " order by case when source is null then 1 else 0 end, source,
         case when medium is null then 1 else 0 end, medium,
         case when campaign is null then 1 else 0 end, campaign, channel limit ";
    let statement =
        Statement::new("select * from (").grouped(filter, window, credit, merging, dialect).text(") campaigns");
    let statement = match last {
        None => statement,
        Some(last) => {
            let mut statement = statement.text(" where ").text(NAMES).text(" > (");
            for name in [&last.source, &last.medium, &last.campaign] {
                let name = name.as_deref();
                statement =
                    statement.value(i64::from(name.is_none())).text(", ").value(name.unwrap_or_default()).text(", ");
            }
            statement.value(last.channel.as_str()).text(")")
        }
    };
    statement.text(ORDER).value(limit).query().fetch_all(conn).await
}

impl Statement {
    /// Touches, leads and sign-ups are counted apart, since each is found on a way of its own, and added up. Credit was counted
    /// before, and comes with the statement as JSON: so the database orders by it, too.
    fn grouped(
        self,
        filter: &Filter,
        window: Duration,
        credit: &CampaignCredit,
        Merging { join, campaign }: Merging,
        dialect: Dialect,
    ) -> Self {
        let range = filter.period.range();
        self.text(
            "select source, medium, campaign, channel,
                    cast(sum(touches) as bigint) as touches, cast(sum(visitors) as bigint) as visitors,
                    cast(sum(leads) as bigint) as leads, cast(sum(users) as bigint) as users,
                    cast(sum(signups) as bigint) as signups, cast(sum(internal) as bigint) as internal,
                    cast(sum(credit) as bigint) as credit
             from (select t.source, t.medium, ",
        )
        .text(campaign)
        .text(
            " as campaign, t.channel,
                          count(*) as touches, count(distinct t.visitor_id) as visitors, 0 as leads, 0 as users,
                          0 as signups, sum(case when t.internal then 1 else 0 end) as internal, 0 as credit
                   from touches t",
        )
        .text(join)
        .text(" where ")
        .within("t.occurred_at", range)
        .matching(filter)
        .text(" group by t.source, t.medium, ")
        .text(campaign)
        .text(", t.channel union all select t.source, t.medium, ")
        .text(campaign)
        .text(", t.channel, 0, 0, count(*), count(distinct v.user_id), 0, 0, 0")
        .joining(LINKED, join)
        .within("t.occurred_at", range)
        .matching_of_visitor(filter)
        .text(" group by t.source, t.medium, ")
        .text(campaign)
        .text(", t.channel union all select t.source, t.medium, ")
        .text(campaign)
        .text(", t.channel, 0, 0, 0, 0, count(distinct u.id), 0, 0")
        .joining(USERS_TOUCHES, join)
        .within("u.created_at", range)
        .text(" and t.occurred_at <= u.created_at and t.occurred_at >= u.created_at - ")
        .value(window)
        .matching_of_visitor(filter)
        .text(" group by t.source, t.medium, ")
        .text(campaign)
        .text(
            ", t.channel
              union all
              select value ->> 0, value ->> 1, value ->> 2, value ->> 3, 0, 0, 0, 0, 0, 0, cast(value ->> 4 as bigint) from ",
        )
        .with(|statement| match dialect {
            Dialect::Sqlite => statement.text("json_each(").value(credit.counts()).text(")"),
            Dialect::Postgres => statement.text("json_array_elements(cast(").value(credit.counts()).text(" as json))"),
        })
        .text(") counted group by source, medium, campaign, channel")
    }
}
