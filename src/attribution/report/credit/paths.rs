//! Conversions are read in the order of time, some thousand at a time, and their touches for some hundred users at a
//! time. So there are two kinds of statements however many conversions there are, and only a part of the rows is in
//! memory. The time grows with the conversions of the period, not with all conversions of the database.

use std::time::Duration;

use super::{
    revenue::Share,
    settings::CreditSettings,
    steps::{PathTouch, StepRow},
};
use crate::{
    attribution::{
        model::{Credit, Minor, Model, Step, Weights, path, share, share_change},
        report::{
            campaign_name::SHOWN_CAMPAIGN,
            filter::{
                Filter,
                conditions::{matching, of_kind},
            },
            statement::{SqlText, Statement, sql_text},
        },
        signal::Utm,
    },
    db::{Conn, Error, contains_pattern},
    id::{ConversionId, UserId},
    timestamp::Timestamp,
};

/// How many conversions one statement reads.
const CONVERSIONS: usize = 20_000;
/// The number of users whose touches one statement reads.
const USERS: usize = 500;

/// A conversion, or a refund of one.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ConversionRow {
    pub id: ConversionId,
    pub user_id: UserId,
    pub kind: String,
    /// The time by which periods count the conversion or refund.
    pub occurred_at: Timestamp,
    /// The end of the path: for a conversion its own time, for a refund the time of the refunded conversion.
    pub credited_at: Timestamp,
    /// Negative for a refund.
    pub value: Minor,
    pub currency: Option<String>,
    pub refund_of: Option<ConversionId>,
    /// For a refund, the refunded conversion's value less all earlier refunds; 0 for a conversion.
    before: Minor,
    /// Whether the filter finds this conversion if its credit goes to Direct.
    matches_direct: bool,
}

impl ConversionRow {
    /// Returns the whole conversion as one share. A refund changes the value, not the number of conversions.
    pub fn whole(&self) -> Share {
        let conversions = if self.refund_of.is_none() { Credit::ONE } else { Credit::ZERO };
        Share { conversions, value: self.value }
    }
}

/// A conversion and its path.
#[derive(Debug)]
pub struct AttributedConversion<'a> {
    pub conversion: &'a ConversionRow,
    /// Oldest first. Empty where the conversion is credited to Direct.
    pub touches: Vec<&'a PathTouch>,
    steps: Vec<Step>,
}

impl<'a> AttributedConversion<'a> {
    fn new(conversion: &'a ConversionRow, touches: &'a [PathTouch], steps: &[Step], lookback: Duration) -> Self {
        let places = path(steps, conversion.credited_at, lookback);
        Self {
            conversion,
            touches: places.iter().map(|&place| &touches[place]).collect(),
            steps: places.into_iter().map(|place| steps[place]).collect(),
        }
    }

    /// Returns the share of each touch by a model, in the order of the touches. The shares add up to the conversion and
    /// its value.
    pub fn shares(&self, model: Model, weights: &Weights) -> Vec<Share> {
        let ConversionRow { before, value, .. } = *self.conversion;
        let conversions = share(model, weights, &self.steps, self.conversion.whole().conversions);
        let values = match before {
            Minor::ZERO => share(model, weights, &self.steps, value),
            _ => share_change(model, weights, &self.steps, before, before + value),
        };
        conversions.into_iter().zip(values).map(|(conversions, value)| Share { conversions, value }).collect()
    }

    /// Calls `each` with every share that the filter finds, and its touch. Without a touch, the share is Direct's.
    pub fn for_each_matching_share(
        &self,
        model: Model,
        weights: &Weights,
        mut each: impl FnMut(Option<&'a PathTouch>, Share),
    ) {
        if self.touches.is_empty() {
            if self.conversion.matches_direct {
                each(None, self.conversion.whole());
            }
            return;
        }
        for (&touch, share) in self.touches.iter().zip(self.shares(model, weights)) {
            if touch.matches && share != Share::default() {
                each(Some(touch), share);
            }
        }
    }
}

/// Which conversions to read.
#[derive(Clone, Copy, Debug)]
pub enum Select<'a> {
    /// The conversions of the filter's period and kind. The filter's conditions on touches decide which shares match.
    Filter(&'a Filter),
    /// All conversions of a user.
    User(UserId),
    /// The conversions with these ids, as many as a page has.
    Ids(&'a [ConversionId]),
}

/// Calls `each` with every conversion and its path. The conversions of one user come in the order of time.
pub async fn for_each_conversion(
    conn: &mut Conn,
    select: Select<'_>,
    settings: &CreditSettings,
    mut each: impl FnMut(&AttributedConversion<'_>) + Send,
) -> Result<(), Error> {
    if let Select::Ids([]) = select {
        return Ok(());
    }
    let mut after: Option<(Timestamp, ConversionId)> = None;
    loop {
        let mut conversions = read_conversions(conn, select, after).await?;
        let full = conversions.len() == CONVERSIONS;
        after = conversions.last().map(|last| (last.occurred_at, last.id));
        conversions.sort_by_key(|conversion| (conversion.user_id, conversion.occurred_at, conversion.id));
        let mut rest = conversions.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(users_end(rest, USERS));
            rest = later;
            let touches = read_touches(conn, select, now, settings).await?;
            pair(now, &touches, settings, &mut each);
        }
        if !full {
            return Ok(());
        }
    }
}

/// Returns how many of the conversions belong to the first `users` users. The conversions are in the order of users.
fn users_end(conversions: &[ConversionRow], users: usize) -> usize {
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

/// Brings each conversion together with the touches of its user. Conversions and touches are in the order of users.
fn pair(
    conversions: &[ConversionRow],
    touches: &[PathTouch],
    settings: &CreditSettings,
    each: &mut impl FnMut(&AttributedConversion<'_>),
) {
    let mut touches = touches.chunk_by(|one, next| one.user_id == next.user_id).peekable();
    for of_user in conversions.chunk_by(|one, next| one.user_id == next.user_id) {
        let user = of_user[0].user_id;
        let own = touches.next_if(|touches| touches[0].user_id == user).unwrap_or_default();
        let steps: Vec<Step> = own.iter().map(PathTouch::step).collect();
        for conversion in of_user {
            each(&AttributedConversion::new(conversion, own, &steps, settings.window_of(&conversion.kind)));
        }
    }
}

/// Reads the next conversions in the order of time.
async fn read_conversions(
    conn: &mut Conn,
    select: Select<'_>,
    after: Option<(Timestamp, ConversionId)>,
) -> Result<Vec<ConversionRow>, Error> {
    let mut statement = Statement::default();
    let matches_direct = matches_direct(&mut statement, select);
    let selected = match select {
        Select::Filter(filter) => {
            let mut range = filter.period.range();
            // There is an index for this condition on the time, and none for the condition `after`.
            if let Some((occurred_at, _)) = after {
                range.start = range.start.max(occurred_at);
            }
            let occurred = statement.within("c.occurred_at", range);
            let of_kind = of_kind(&mut statement, filter);
            sql_text!("{occurred} {of_kind}"; occurred, of_kind)
        }
        Select::User(user) => {
            let user = statement.bind(user);
            sql_text!("c.user_id = {user}"; user)
        }
        Select::Ids(ids) => {
            let ids = statement.bind_list(ids.iter().copied());
            sql_text!("c.id in ({ids})"; ids)
        }
    };
    let after = match after {
        Some((occurred_at, id)) => {
            let (occurred_at, id) = (statement.bind(occurred_at), statement.bind(id));
            sql_text!("and (c.occurred_at, c.id) > ({occurred_at}, {id})"; occurred_at, id)
        }
        None => SqlText::default(),
    };
    let limit = statement.bind(CONVERSIONS as i64);
    let text = sql_text!(
        "select c.id, c.user_id, c.kind, c.occurred_at, coalesce(o.occurred_at, c.occurred_at) as credited_at, c.value,
                c.currency, c.refund_of,
                cast(case when o.id is null then 0 else o.value + (
                  select coalesce(sum(r.value), 0) from conversions r
                  where r.refund_of = o.id and (r.occurred_at, r.id) < (c.occurred_at, c.id)) end as bigint) as before,
                {matches_direct} as matches_direct
         from conversions c left join conversions o on o.id = c.refund_of
         where {selected} {after}
         order by c.occurred_at, c.id
         limit {limit}";
        matches_direct, selected, after, limit
    );
    statement.query(text).fetch_all(conn).await
}

/// Returns a condition: the filter finds the conversion `c` if its credit goes to Direct.
fn matches_direct(statement: &mut Statement, select: Select<'_>) -> SqlText {
    match select {
        Select::Filter(filter) if !filter.finds_direct() => "(1 = 0)".into(),
        Select::Filter(Filter { q: Some(q), .. }) => {
            let pattern = statement.bind(contains_pattern(&q.to_lowercase()));
            sql_text!(
                r"coalesce((select u.email_lower from users u where u.id = c.user_id), '') like {pattern} escape '\'";
                pattern
            )
        }
        _ => SqlText::from("(1 = 1)"),
    }
}

/// Reads the touches that the conversions may be credited to, in the order of users and time.
async fn read_touches(
    conn: &mut Conn,
    select: Select<'_>,
    conversions: &[ConversionRow],
    settings: &CreditSettings,
) -> Result<Vec<PathTouch>, Error> {
    let begins = |conversion: &ConversionRow| conversion.credited_at - settings.window_of(&conversion.kind);
    let first = conversions.iter().map(begins).min().unwrap_or_default();
    let last = conversions.iter().map(|conversion| conversion.credited_at).max().unwrap_or_default();
    let mut users: Vec<UserId> = conversions.iter().map(|conversion| conversion.user_id).collect();
    users.dedup();

    let mut statement = Statement::default();
    let matching = match select {
        Select::Filter(filter) => matching(&mut statement, filter),
        _ => SqlText::default(),
    };
    let users = statement.bind_list(users);
    let (first, last) = (statement.bind(first), statement.bind(last));
    let internal = if settings.internal_touches { "" } else { "and not t.internal" };
    const UTM: &str = Utm::COLUMN_LIST;
    // `case` makes false of a condition that is null. The joins go from users to their visitors to the touches.
    let text = sql_text!(
        "select v.user_id, t.id, t.occurred_at, {UTM}, {SHOWN_CAMPAIGN} as shown_campaign, t.channel,
                t.landing_path, t.referrer, t.fingerprint,
                (case when 1 = 1 {matching} then true else false end) as matches
         from visitors v cross join touches t
         where t.visitor_id = v.id and v.user_id is not null and v.user_id in ({users})
           and t.occurred_at >= {first} and t.occurred_at <= {last} {internal}
         order by v.user_id, t.occurred_at, t.id";
        UTM, SHOWN_CAMPAIGN, matching, users, first, last, internal
    );
    let rows: Vec<StepRow> = statement.query(text).fetch_all(conn).await?;
    Ok(rows.into_iter().map(PathTouch::from).collect())
}
