//! The credit of one user's conversions, from the rows of the database: pages about a user show single touches, which facts do
//! not know.

use std::collections::HashMap;

use super::{
    CreditSettings,
    path::shares,
    revenue::{Revenue, Share},
};
use crate::{
    attribution::{
        channel::Channel,
        facts::{ConversionRow, Facts, TouchRow, conversions_of_users, touches_of_users},
        model::{Minor, Model, Step, path},
        report::conversions::ListedConversion,
    },
    db::{Conn, Error},
    id::{ConversionId, TouchId, UserId},
    timestamp::Timestamp,
};

/// A conversion of a user, and the share of each touch of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditedConversion {
    pub id: ConversionId,
    pub kind: String,
    pub occurred_at: Timestamp,
    /// Negative for a refund.
    pub value: Minor,
    pub currency: Option<String>,
    pub is_refund: bool,
    /// By touch, oldest first. Empty where the conversion is credited to Direct.
    pub shares: Vec<(TouchId, Share)>,
}

/// Returns the conversions and refunds of a user, oldest first, credited by a model.
pub async fn credit_of_user(
    conn: &mut Conn,
    user: UserId,
    settings: &CreditSettings,
    model: Model,
) -> Result<Vec<CreditedConversion>, Error> {
    let touches = Touches::new(touches_of_users(conn, &[user]).await?, settings);
    let credited = |row: ConversionRow| {
        let (found, shares) = touches.shares(&row, settings, model);
        CreditedConversion {
            id: row.id,
            occurred_at: row.occurred_at,
            value: row.value,
            is_refund: row.refund_of.is_some(),
            kind: row.kind,
            currency: row.currency,
            shares: found.iter().map(|touch| touch.id).zip(shares).collect(),
        }
    };
    Ok(conversions_of_users(conn, &[user]).await?.into_iter().map(credited).collect())
}

/// Returns the revenue of one touch by each of [`Model::ALL`], from all conversions of its user.
pub async fn credit_of_touch(
    conn: &mut Conn,
    user: UserId,
    touch: TouchId,
    settings: &CreditSettings,
) -> Result<[Revenue; 6], Error> {
    let touches = Touches::new(touches_of_users(conn, &[user]).await?, settings);
    let mut by_model: [Revenue; 6] = Default::default();
    for row in conversions_of_users(conn, &[user]).await? {
        for (revenue, model) in by_model.iter_mut().zip(Model::ALL) {
            let (path, shares) = touches.shares(&row, settings, model);
            if let Some(place) = path.iter().position(|candidate| candidate.id == touch) {
                revenue.add(shares[place], row.currency.as_deref());
            }
        }
    }
    Ok(by_model)
}

/// The first and the last touch before a conversion, and how many touches there are.
#[derive(Clone, Debug)]
pub struct PathEnds {
    pub first: PathTouch,
    pub last: PathTouch,
    pub touches: usize,
}

/// A touch of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTouch {
    pub id: TouchId,
    /// The name that reports show.
    pub campaign: Option<String>,
    pub channel: String,
}

/// Returns the ends of the path of each conversion. Conversions without a touch before them are left out.
pub async fn path_ends(
    conn: &mut Conn,
    facts: &Facts,
    settings: &CreditSettings,
    conversions: &[ListedConversion],
) -> Result<HashMap<ConversionId, PathEnds>, Error> {
    if conversions.is_empty() {
        return Ok(HashMap::new());
    }
    let mut users: Vec<UserId> = conversions.iter().map(|conversion| conversion.user_id).collect();
    users.sort_unstable();
    users.dedup();
    let mut of_user: HashMap<UserId, Vec<TouchRow>> = HashMap::new();
    for row in touches_of_users(conn, &users).await? {
        if let Some(user) = row.user_id {
            of_user.entry(user).or_default().push(row);
        }
    }
    let of_user: HashMap<UserId, Touches> =
        of_user.into_iter().map(|(user, rows)| (user, Touches::new(rows, settings))).collect();
    let ends = |conversion: &ListedConversion| {
        let window = settings.window_of(&conversion.kind);
        let touches = of_user.get(&conversion.user_id)?;
        let path: Vec<&TouchRow> =
            path(&touches.steps, conversion.occurred_at, window).map(|place| &touches.rows[place]).collect();
        let touch = |row: &TouchRow| PathTouch {
            id: row.id,
            campaign: row
                .link
                .utm
                .campaign
                .as_deref()
                .map(|campaign| facts.dictionary().shown_text(campaign).to_owned()),
            channel: row.link.channel.clone(),
        };
        let ends = PathEnds { first: touch(path.first()?), last: touch(path.last()?), touches: path.len() };
        Some((conversion.id, ends))
    };
    Ok(conversions.iter().filter_map(ends).collect())
}

/// The touches of a user that paths may have.
struct Touches {
    rows: Vec<TouchRow>,
    steps: Vec<Step>,
}

impl Touches {
    /// The rows are in the order of visitors, then of time, then of ids. Touches of one moment stay in this order.
    fn new(mut rows: Vec<TouchRow>, settings: &CreditSettings) -> Self {
        rows.retain(|row| settings.internal_touches || !row.link.internal);
        rows.sort_by_key(|row| row.occurred_at);
        let step = |row: &TouchRow| Step {
            at: row.occurred_at,
            direct: row.link.channel == Channel::Direct.as_str(),
            key: row.link.key(),
        };
        Self { steps: rows.iter().map(step).collect(), rows }
    }

    /// Returns the path of a conversion, and the share of each of its touches.
    fn shares(&self, row: &ConversionRow, settings: &CreditSettings, model: Model) -> (Vec<&TouchRow>, Vec<Share>) {
        let (rows, steps): (Vec<&TouchRow>, Vec<Step>) =
            path(&self.steps, row.credited_at(), settings.window_of(&row.kind))
                .map(|place| (&self.rows[place], self.steps[place]))
                .unzip();
        let whole = Share::whole(row.value, row.refund_of.is_some());
        let shares = shares(model, &settings.weights, &steps, whole, row.before);
        (rows, shares)
    }
}
