//! Sample data: a year of campaigns, visitors, sign-ups and purchases of people who do not exist.
//!
//! What always holds:
//! - It never mixes with real data unless it is told to, and every user and visitor of it is marked as a sample, so that it
//!   can be taken out again, and nothing else with it.
//! - The same [`Demo`] on the same day (UTC) makes the same rows, with the same ids; what of today lies in the future is left
//!   out.
//! - Addresses are under `example.com`, `.net` and `.org`, and no password fits: nobody can sign in as a sample user.
//! - Touches are made from query strings by the parser and the rules that real landings go through.

mod calendar;
mod campaigns;
mod names;
mod plan;
mod sales;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, fmt};

use self::{
    plan::{Member, Person, Plan},
    sales::{Sale, sales},
};
use crate::{
    attribution::conversion::{OWN_SOURCE, SIGN_UP, sign_up_id},
    db::{Db, Error, Insert, Table, sql},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// Rows that are written in one transaction, about.
const BATCH: usize = 3000;
/// Visitors or users that are removed in one transaction.
const REMOVE: i64 = 1000;
/// No hash: no password fits.
const NO_PASSWORD: &str = "!";
/// Who reports the purchases.
const SHOP: &str = "sample-shop";

static USERS: Table =
    Table { name: "users", columns: &["id", "email", "email_lower", "password_hash", "created_at", "sample"] };
static VISITORS: Table =
    Table { name: "visitors", columns: &["id", "user_id", "first_seen_at", "linked_at", "sample"] };
static TOKENS: Table = Table { name: "referral_tokens", columns: &["token", "owner_id", "created_at"] };
static CONVERSIONS: Table = Table {
    name: "conversions",
    columns: &[
        "id",
        "user_id",
        "kind",
        "value",
        "currency",
        "occurred_at",
        "recorded_at",
        "source",
        "external_id",
        "refund_of",
        "sample",
    ],
};
static REFERRALS: Table = Table { name: "referrals", columns: &["referee_id", "token", "created_at"] };

/// What sample data is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demo {
    /// How many sign up. There are twelve times as many visitors.
    pub users: u32,
    /// How many days before today it covers: 1 to 3650.
    pub days: u32,
    pub seed: u64,
    /// Puts it beside real data.
    pub mix: bool,
    /// Takes out the sample data that is there.
    pub replace: bool,
}

impl Default for Demo {
    fn default() -> Self {
        Self { users: 400, days: 365, seed: 1, mix: false, replace: false }
    }
}

/// How many rows were added or removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub users: u64,
    pub visitors: u64,
    pub touches: u64,
    /// Users who came by another's link.
    pub referrals: u64,
    /// Sign-ups, purchases and refunds.
    pub conversions: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, visitors, touches, referrals, conversions } = self;
        write!(
            f,
            "{users} users, {visitors} visitors, {touches} touches, {referrals} referrals, {conversions} conversions"
        )
    }
}

/// Why there is no sample data.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DemoError {
    /// Members and touches that are no samples.
    #[error(
        "The database holds real data ({users} members, {touches} touches), and sample data would mix with it. \
         To have both: waymark demo --mix"
    )]
    RealData { users: u64, touches: u64 },
    #[error("The database holds sample data already. To make it anew: waymark demo --replace")]
    AlreadyFilled,
    #[error(transparent)]
    Db(#[from] Error),
}

/// Adds sample data that ends now. `progress` hears how many visitors are stored, and of how many.
///
/// Where it ends early, what it stored stays, marked as a sample: [`remove`] takes it out, and so does `replace`.
pub async fn fill(db: &Db, demo: &Demo, progress: impl FnMut(u64, u64)) -> Result<Summary, DemoError> {
    fill_until(db, demo, db.now(), progress).await
}

async fn fill_until(
    db: &Db,
    demo: &Demo,
    now: Timestamp,
    mut progress: impl FnMut(u64, u64),
) -> Result<Summary, DemoError> {
    let found = Found::look(db).await?;
    if !demo.mix && (found.users > 0 || found.touches > 0) {
        return Err(DemoError::RealData { users: found.users, touches: found.touches });
    }
    if found.samples > 0 {
        if !demo.replace {
            return Err(DemoError::AlreadyFilled);
        }
        remove(db).await?;
    }
    let plan = Plan::new(demo, now, taken(db).await?);
    let total = plan.len() as u64;
    let mut summary = Summary::default();
    let mut batch = Batch::default();
    for (before, person) in (0..).zip(plan) {
        if batch.len() >= BATCH {
            batch.store(db).await?;
            progress(before, total);
        }
        batch.add(person, now, &mut summary);
    }
    batch.store(db).await?;
    progress(total, total);
    Ok(summary)
}

/// Takes all sample data out, and nothing else.
pub async fn remove(db: &Db) -> Result<Summary, DemoError> {
    let mut conn = db.read().await?;
    let referrals: i64 = sql("select count(*) from referrals r join users u on u.id = r.referee_id where u.sample")
        .fetch_scalar(&mut conn)
        .await?;
    // not held while the removal waits for connections of its own
    drop(conn);
    let mut summary = Summary { referrals: referrals as u64, ..Summary::default() };
    let mut after = Some(VisitorId::NIL);
    while let Some(id) = after {
        let (last, touches, visitors) = remove_visitors(db, id).await?;
        summary.touches += touches;
        summary.visitors += visitors;
        after = last;
    }
    let mut after = Some(UserId::NIL);
    while let Some(id) = after {
        let (last, conversions, users) = remove_users(db, id).await?;
        summary.conversions += conversions;
        summary.users += users;
        after = last;
    }
    Ok(summary)
}

/// Removes the next visitors after an id with their touches. Answers the last of them, and how many touches and visitors.
async fn remove_visitors(db: &Db, after: VisitorId) -> Result<(Option<VisitorId>, u64, u64), Error> {
    db.transaction(move |conn| {
        Box::pin(async move {
            let ids: Vec<(VisitorId,)> = sql("select id from visitors where sample and id > $1 order by id limit $2")
                .bind(after)
                .bind(REMOVE)
                .fetch_all(conn)
                .await?;
            let Some(&(last,)) = ids.last() else { return Ok((None, 0, 0)) };
            let touches = sql("delete from touches where visitor_id in (
                    select id from visitors where sample and id > $1 and id <= $2)")
            .bind(after)
            .bind(last)
            .execute(conn)
            .await?;
            let visitors = sql("delete from visitors where sample and id > $1 and id <= $2")
                .bind(after)
                .bind(last)
                .execute(conn)
                .await?;
            Ok((Some(last), touches, visitors))
        })
    })
    .await
}

/// Removes the next users after an id, whose visitors are gone, with their conversions. Their links and sessions go with them.
/// Answers the last of them, and how many conversions and users.
async fn remove_users(db: &Db, after: UserId) -> Result<(Option<UserId>, u64, u64), Error> {
    db.transaction(move |conn| {
        Box::pin(async move {
            let ids: Vec<(UserId,)> = sql("select id from users where sample and id > $1 order by id limit $2")
                .bind(after)
                .bind(REMOVE)
                .fetch_all(conn)
                .await?;
            let Some(&(last,)) = ids.last() else { return Ok((None, 0, 0)) };
            let mut conversions = 0;
            // refunds first: those that go with what they take back are not counted
            for which in ["refund_of is not null", "refund_of is null"] {
                conversions += sql(format!(
                    "delete from conversions where {which} and user_id in (
                        select id from users where sample and id > $1 and id <= $2)"
                ))
                .bind(after)
                .bind(last)
                .execute(conn)
                .await?;
            }
            let users = sql("delete from users where sample and id > $1 and id <= $2")
                .bind(after)
                .bind(last)
                .execute(conn)
                .await?;
            Ok((Some(last), conversions, users))
        })
    })
    .await
}

/// What the database holds already.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// Real members. Admins are none: somebody has to press the button.
    users: u64,
    /// Real touches, whoever's. A visitor without any is a browser that signed in, an admin's at that.
    touches: u64,
    /// Users and visitors who are samples.
    samples: u64,
}

impl Found {
    async fn look(db: &Db) -> Result<Self, Error> {
        let mut conn = db.read().await?;
        let (users, touches, samples): (i64, i64, i64) = sql("select
                (select count(*) from users where role = 'member' and not sample),
                (select count(*) from touches t join visitors v on v.id = t.visitor_id where not v.sample),
                (select count(*) from users where sample) + (select count(*) from visitors where sample)")
        .fetch_one(&mut conn)
        .await?;
        Ok(Self { users: users as u64, touches: touches as u64, samples: samples as u64 })
    }
}

/// Addresses that sample users cannot have.
async fn taken(db: &Db) -> Result<HashSet<String>, Error> {
    let mut conn = db.read().await?;
    let taken: Vec<(String,)> =
        sql("select email_lower from users where email_lower like '%@example.%'").fetch_all(&mut conn).await?;
    Ok(taken.into_iter().map(|(email,)| email).collect())
}

/// Rows to be stored together, by table: what others refer to comes first.
#[derive(Debug, Default)]
struct Batch {
    users: Vec<Insert>,
    visitors: Vec<Insert>,
    touches: Vec<Insert>,
    tokens: Vec<Insert>,
    referrals: Vec<Insert>,
    conversions: Vec<Insert>,
}

impl Batch {
    fn len(&self) -> usize {
        let Self { users, visitors, touches, tokens, referrals, conversions } = self;
        [users, visitors, touches, tokens, referrals, conversions].into_iter().map(Vec::len).sum()
    }

    /// Adds what of a person is not in the future.
    fn add(&mut self, person: Person, now: Timestamp, summary: &mut Summary) {
        if person.first_seen_at > now {
            return;
        }
        let Person { visitor, first_seen_at, touches, user } = person;
        let linked_at = user.as_ref().map(|user| user.created_at);
        self.visitors.push(Insert {
            table: &VISITORS,
            values: vec![
                visitor.into(),
                user.as_ref().map(|user| user.id).into(),
                first_seen_at.into(),
                linked_at.into(),
                true.into(),
            ],
        });
        summary.visitors += 1;
        for touch in touches.into_iter().filter(|touch| touch.occurred_at <= now) {
            self.touches.push(touch.row(visitor));
            summary.touches += 1;
        }
        let Some(user) = user else { return };
        summary.users += 1;
        let sales = sales(&user, now);
        summary.conversions += 1 + sales.len() as u64;
        self.conversions.push(sign_up(&user));
        self.conversions.extend(sales.into_iter().map(|sale| sold(user.id, sale)));
        if let Some(token) = user.token {
            let values = vec![token.into(), user.id.into(), user.created_at.into()];
            self.tokens.push(Insert { table: &TOKENS, values });
        }
        if let Some(token) = user.referred_by {
            let values = vec![user.id.into(), token.into(), user.created_at.into()];
            self.referrals.push(Insert { table: &REFERRALS, values });
            summary.referrals += 1;
        }
        self.users.push(Insert {
            table: &USERS,
            values: vec![
                user.id.into(),
                user.email.as_str().into(),
                user.email.as_str().into(),
                NO_PASSWORD.into(),
                user.created_at.into(),
                true.into(),
            ],
        });
    }

    async fn store(&mut self, db: &Db) -> Result<(), DemoError> {
        let Self { users, visitors, touches, tokens, referrals, conversions } = std::mem::take(self);
        let rows = [users, visitors, touches, tokens, referrals, conversions].into_iter().flatten().collect();
        db.insert(rows).await.map_err(|error| match error.constraint() {
            // Somebody else began at the same moment, a button pressed twice: the other fills.
            Some(name) if name.ends_with("_key") || name.ends_with("_pkey") => DemoError::AlreadyFilled,
            _ => error.into(),
        })
    }
}

/// The conversion that a sign-up is.
fn sign_up(user: &Member) -> Insert {
    let at = user.created_at;
    Insert {
        table: &CONVERSIONS,
        values: vec![
            user.id.into(),
            user.id.into(),
            SIGN_UP.into(),
            0_i64.into(),
            None::<&str>.into(),
            at.into(),
            at.into(),
            OWN_SOURCE.into(),
            sign_up_id(user.id).into(),
            None::<UserId>.into(),
            true.into(),
        ],
    }
}

/// The conversion that a sale is.
fn sold(user: UserId, sale: Sale) -> Insert {
    Insert {
        table: &CONVERSIONS,
        values: vec![
            sale.id.into(),
            user.into(),
            "purchase".into(),
            sale.value.into(),
            sale.currency.into(),
            sale.occurred_at.into(),
            sale.occurred_at.into(),
            SHOP.into(),
            sale.external_id.into(),
            sale.refund_of.into(),
            true.into(),
        ],
    }
}
