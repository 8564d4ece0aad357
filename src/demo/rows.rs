use super::{
    people::{Member, Person},
    sales::{Sale, sales},
    summary::DemoSummary,
};
use crate::{
    attribution::conversion::{OWN_SOURCE, SIGN_UP, sign_up_id},
    db::{Insert, Table},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// Stands in place of a hash. No password has this hash.
const NO_PASSWORD: &str = "!";
/// The name of the system that reports the purchases.
const SHOP: &str = "sample-shop";

static USERS: Table = Table {
    name: "users",
    columns: &["id", "email", "email_lower", "password_hash", "created_at", "email_verified_at", "sample"],
};
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

/// Rows that are stored together, by table.
#[derive(Debug, Default)]
pub(super) struct RowBatch {
    users: Vec<Insert>,
    visitors: Vec<Insert>,
    touches: Vec<Insert>,
    tokens: Vec<Insert>,
    referrals: Vec<Insert>,
    conversions: Vec<Insert>,
}

impl RowBatch {
    pub fn len(&self) -> usize {
        let Self { users, visitors, touches, tokens, referrals, conversions } = self;
        [users, visitors, touches, tokens, referrals, conversions].into_iter().map(Vec::len).sum()
    }

    /// Adds the rows of a person, except for rows in the future.
    pub fn add(&mut self, person: Person, now: Timestamp, summary: &mut DemoSummary) {
        if person.first_seen_at > now {
            return;
        }
        let Person { visitor, first_seen_at, touches, user, further } = person;
        let link = user.as_ref().map(|user| (user.id, user.created_at));
        self.add_visitor(visitor, first_seen_at, link);
        summary.visitors += 1 + further.len() as u64;
        let mut touches: Vec<_> = touches.into_iter().map(|touch| (visitor, touch)).collect();
        for browser in further {
            let link = link.map(|(user, _)| (user, browser.linked_at));
            self.add_visitor(browser.visitor, browser.first_seen_at, link);
            touches.extend(browser.touches.into_iter().map(|touch| (browser.visitor, touch)));
        }
        for (visitor, touch) in touches.into_iter().filter(|(_, touch)| touch.occurred_at <= now) {
            self.touches.push(touch.row(visitor));
            summary.touches += 1;
        }
        let Some(user) = user else { return };
        summary.users += 1;
        let sales = sales(&user, now);
        summary.conversions += 1 + sales.len() as u64;
        self.conversions.push(sign_up_row(&user));
        self.conversions.extend(sales.into_iter().map(|sale| sale_row(user.id, sale)));
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
                user.created_at.into(),
                true.into(),
            ],
        });
    }

    /// Adds the row of a visitor. `link` is the user, and since when the visitor belongs to the user.
    fn add_visitor(&mut self, visitor: VisitorId, first_seen_at: Timestamp, link: Option<(UserId, Timestamp)>) {
        let (user, linked_at) = link.unzip();
        let values = vec![visitor.into(), user.into(), first_seen_at.into(), linked_at.into(), true.into()];
        self.visitors.push(Insert { table: &VISITORS, values });
    }

    /// Empties the batch. Returns the rows in an order in which no row refers to a later one.
    pub fn take(&mut self) -> Vec<Insert> {
        let Self { users, visitors, touches, tokens, referrals, conversions } = std::mem::take(self);
        [users, visitors, touches, tokens, referrals, conversions].into_iter().flatten().collect()
    }
}

/// Returns the conversion of a sign-up.
fn sign_up_row(user: &Member) -> Insert {
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

/// Returns the conversion of a sale.
fn sale_row(user: UserId, sale: Sale) -> Insert {
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
