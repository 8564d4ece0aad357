//! Conversions, each with the touches it is credited to.
//!
//! They are read in the order of time, some thousand at a time, and their touches with one statement for some hundred users: two
//! kinds of statements however many conversions there are, and never more in memory than one part. The time it takes grows with
//! the conversions of the period, not with those of the database.

use std::time::Duration;

use super::{CreditSettings, steps::TouchRow};
use crate::{
    attribution::{
        channel::Channel,
        model::{COUNT_UNIT, Model, Step, Weights, credit, credit_change, path},
        report::{
            Filter, Statement,
            statement::{CAMPAIGN, contains_pattern},
        },
    },
    db::{Conn, Error, Value},
    id::{ConversionId, TouchId, UserId},
    timestamp::Timestamp,
};

/// How many conversions are read at a time.
const CONVERSIONS: usize = 20_000;
/// Of how many users touches are read at a time.
const USERS: usize = 500;

/// A conversion, or a refund of one.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Conversion {
    pub id: ConversionId,
    pub user_id: UserId,
    pub kind: String,
    /// Its own time, which says into which period it falls.
    pub occurred_at: Timestamp,
    /// The end of its path: its own time, a refund's is that of what it refunds.
    pub credited_at: Timestamp,
    /// In minor units; negative for a refund.
    pub value: i64,
    pub currency: Option<String>,
    pub refund_of: Option<ConversionId>,
    /// What was left of the first when this refund came; 0 for a conversion.
    before: i64,
    /// Whether the filter finds its credit where that goes to Direct.
    found_direct: bool,
}

impl Conversion {
    /// What it counts, in millionths: a refund changes the value and not the number of conversions.
    pub fn count(&self) -> i64 {
        if self.refund_of.is_none() { COUNT_UNIT } else { 0 }
    }
}

/// A touch that a conversion may be credited to.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PathTouch {
    user_id: UserId,
    pub id: TouchId,
    pub occurred_at: Timestamp,
    /// A number that touches share whose links said the same.
    #[sqlx(skip)]
    pub(super) tuple: u64,
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub channel: String,
    pub landing_path: String,
    pub referrer: Option<String>,
    /// Whether the filter finds it.
    found: bool,
}

impl PathTouch {
    fn step(&self) -> Step {
        Step { at: self.occurred_at, direct: self.channel == Channel::Direct.as_str(), tuple: self.tuple }
    }
}

/// A conversion and its path.
#[derive(Debug)]
pub struct Attributed<'a> {
    pub conversion: &'a Conversion,
    /// Oldest first. Empty where the conversion is credited to Direct.
    pub touches: Vec<&'a PathTouch>,
    steps: Vec<Step>,
}

/// A part of a conversion's credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Of the conversion as one, in millionths.
    pub count: i64,
    /// Of its value, in minor units.
    pub value: i64,
}

impl<'a> Attributed<'a> {
    fn new(conversion: &'a Conversion, touches: &'a [PathTouch], steps: &[Step], lookback: Duration) -> Self {
        let places = path(steps, conversion.credited_at, lookback);
        Self {
            conversion,
            touches: places.iter().map(|&place| &touches[place]).collect(),
            steps: places.into_iter().map(|place| steps[place]).collect(),
        }
    }

    /// The part of each touch by a model, in the order of the touches. They add up to the conversion's count and value.
    pub fn parts(&self, model: Model, weights: &Weights) -> Vec<Part> {
        let Conversion { before, value, .. } = *self.conversion;
        let counts = credit(model, weights, &self.steps, self.conversion.count());
        let values = match before {
            0 => credit(model, weights, &self.steps, value),
            _ => credit_change(model, weights, &self.steps, before, before.saturating_add(value)),
        };
        counts.into_iter().zip(values).map(|(count, value)| Part { count, value }).collect()
    }

    /// Calls `each` with every part that the filter finds, and the touch it belongs to; none is Direct.
    pub fn found(&self, model: Model, weights: &Weights, mut each: impl FnMut(Option<&'a PathTouch>, Part)) {
        if self.touches.is_empty() {
            if self.conversion.found_direct {
                each(None, Part { count: self.conversion.count(), value: self.conversion.value });
            }
            return;
        }
        for (&touch, part) in self.touches.iter().zip(self.parts(model, weights)) {
            if touch.found && part != (Part { count: 0, value: 0 }) {
                each(Some(touch), part);
            }
        }
    }
}

/// Which conversions are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// Those of the filter's period and kind. What it asks of touches says which parts of their credit it finds.
    Filter(&'a Filter),
    /// All of a user.
    User(UserId),
    /// These, few as a page has.
    Ids(&'a [ConversionId]),
}

/// Calls `each` with every conversion that is asked for. Those of one user come in the order of time.
pub async fn walk(
    conn: &mut Conn,
    of: Of<'_>,
    settings: &CreditSettings,
    mut each: impl FnMut(&Attributed<'_>) + Send,
) -> Result<(), Error> {
    if let Of::Ids([]) = of {
        return Ok(());
    }
    let mut after: Option<(Timestamp, ConversionId)> = None;
    loop {
        let mut conversions = conversions(conn, of, after).await?;
        let full = conversions.len() == CONVERSIONS;
        after = conversions.last().map(|last| (last.occurred_at, last.id));
        conversions.sort_by_key(|conversion| (conversion.user_id, conversion.occurred_at, conversion.id));
        let mut rest = conversions.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(users_end(rest, USERS));
            rest = later;
            let touches = touches(conn, of, now, settings).await?;
            pair(now, &touches, settings, &mut each);
        }
        if !full {
            return Ok(());
        }
    }
}

/// How many of the conversions, which are in order of users, belong to the first so many users.
fn users_end(conversions: &[Conversion], users: usize) -> usize {
    let mut met = 0;
    let mut last = None;
    conversions
        .iter()
        .position(|conversion| {
            met += usize::from(last.replace(conversion.user_id) != Some(conversion.user_id));
            met > users
        })
        .unwrap_or(conversions.len())
}

/// Both are in order of users.
fn pair(
    conversions: &[Conversion],
    touches: &[PathTouch],
    settings: &CreditSettings,
    each: &mut impl FnMut(&Attributed<'_>),
) {
    let mut touches = touches.chunk_by(|one, next| one.user_id == next.user_id).peekable();
    for of_user in conversions.chunk_by(|one, next| one.user_id == next.user_id) {
        let user = of_user[0].user_id;
        let own = touches.next_if(|touches| touches[0].user_id == user).unwrap_or_default();
        let steps: Vec<Step> = own.iter().map(PathTouch::step).collect();
        for conversion in of_user {
            each(&Attributed::new(conversion, own, &steps, settings.window_of(&conversion.kind)));
        }
    }
}

async fn conversions(
    conn: &mut Conn,
    of: Of<'_>,
    after: Option<(Timestamp, ConversionId)>,
) -> Result<Vec<Conversion>, Error> {
    let statement = Statement::new(
        "select c.id, c.user_id, c.kind, c.occurred_at, coalesce(o.occurred_at, c.occurred_at) as credited_at, c.value,
                c.currency, c.refund_of,
                cast(case when o.id is null then 0 else o.value + (
                    select coalesce(sum(r.value), 0) from conversions r
                    where r.refund_of = o.id and (r.occurred_at, r.id) < (c.occurred_at, c.id)) end as bigint) as before, ",
    )
    .with(|statement| match of {
        Of::Filter(filter) if !filter.finds_direct() => statement.text("(1 = 0)"),
        Of::Filter(Filter { q: Some(q), .. }) => statement
            .text("coalesce((select u.email_lower from users u where u.id = c.user_id), '') like ")
            .value(contains_pattern(&q.to_lowercase()))
            .text(r" escape '\'"),
        _ => statement.text("(1 = 1)"),
    })
    .text(" as found_direct from conversions c left join conversions o on o.id = c.refund_of where ")
    .with(|statement| match of {
        Of::Filter(filter) => {
            let mut range = filter.period.range();
            // of the conditions on the time, this is the one that an index answers
            if let Some((occurred_at, _)) = after {
                range.start = range.start.max(occurred_at);
            }
            statement.within("c.occurred_at", range).of_kind(filter)
        }
        Of::User(user) => statement.text("c.user_id = ").value(user),
        Of::Ids(ids) => statement.text("c.id in ").list(ids.iter().copied()),
    });
    let statement = match after {
        Some((occurred_at, id)) => {
            statement.text(" and (c.occurred_at, c.id) > (").value(occurred_at).text(", ").value(id).text(")")
        }
        None => statement,
    };
    statement.text(" order by c.occurred_at, c.id limit ").value(CONVERSIONS as i64).query().fetch_all(conn).await
}

/// The touches that the conversions may be credited to, in order of users and time.
async fn touches(
    conn: &mut Conn,
    of: Of<'_>,
    conversions: &[Conversion],
    settings: &CreditSettings,
) -> Result<Vec<PathTouch>, Error> {
    let begins = |conversion: &Conversion| conversion.credited_at - settings.window_of(&conversion.kind);
    let first = conversions.iter().map(begins).min().unwrap_or_default();
    let last = conversions.iter().map(|conversion| conversion.credited_at).max().unwrap_or_default();
    let mut users: Vec<UserId> = conversions.iter().map(|conversion| conversion.user_id).collect();
    users.dedup();
    let rows: Vec<TouchRow> = Statement::new("select v.user_id, t.id, t.occurred_at, t.source, t.medium, ")
    .text(CAMPAIGN)
    .text(
        " as campaign, t.channel, t.landing_path, t.referrer, t.campaign as raw_campaign, t.term, t.content, t.utm_id,
          t.source_platform, t.creative_format, t.marketing_tactic, t.fingerprint, ",
    )
    .with(|statement| match of {
        // an unknown answer is no
        Of::Filter(filter) => statement.text("(case when 1 = 1").matching(filter).text(" then true else false end)"),
        _ => statement.text("(1 = 1)"),
    })
    // in this order, which SQLite keeps: from users to their visitors to the touches
    .text(" as found from visitors v cross join touches t where t.visitor_id = v.id and v.user_id is not null and v.user_id in ")
    .list(users)
    .text(" and t.occurred_at >= ")
    .value(first)
    .text(" and t.occurred_at <= ")
    .value(last)
    .text(if settings.internal_touches { "" } else { " and not t.internal" })
    .text(" order by v.user_id, t.occurred_at, t.id")
    .query()
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PathTouch::from).collect())
}

impl Statement {
    /// A condition with its `and`: the conversion `c` is of the filter's kind.
    pub fn of_kind(self, filter: &Filter) -> Self {
        match &filter.kind {
            Some(kind) => self.text(" and c.kind = ").value(kind.as_str()),
            None => self,
        }
    }

    /// A list of placeholders in parentheses.
    pub fn list(mut self, ids: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        self = self.text("(");
        for (place, id) in ids.into_iter().enumerate() {
            self = self.text(if place == 0 { "" } else { ", " }).value(id);
        }
        self.text(")")
    }
}
