//! What made-up users buy, and what of it they get back.

use uuid::Uuid;

use super::{calendar::DAY, plan::Member, random::Random};
use crate::db::Millis;

/// How many of the users buy.
const BUYERS: f64 = 0.35;
/// How many of the buyers pay in dollars; the others pay in euros.
const IN_DOLLARS: f64 = 0.25;
/// How many of the buyers get their last payment back.
const REFUNDED: f64 = 0.08;
/// A subscription's price a month, in minor units.
const PRICES: [i64; 6] = [1900, 1900, 1900, 4900, 4900, 9900];
/// For how many months they pay.
const MONTHS: [i64; 10] = [1, 1, 1, 2, 2, 3, 4, 6, 9, 12];
const MONTH: Millis = 30 * DAY;

/// A payment, or a refund of one.
#[derive(Clone, Debug)]
pub struct Sale {
    pub id: Uuid,
    /// In minor units; negative for a refund.
    pub value: i64,
    pub currency: &'static str,
    pub occurred_at: Millis,
    pub external_id: String,
    pub refund_of: Option<Uuid>,
}

/// What a user bought until now, a refund after what it takes back.
pub fn sales(user: &Member, now: Millis) -> Vec<Sale> {
    // A row of numbers for each user, so that what one buys changes nothing for the others.
    let mut random = Random::new(user.id.as_u128() as u64);
    if !random.chance(BUYERS) {
        return Vec::new();
    }
    let currency = if random.chance(IN_DOLLARS) { "USD" } else { "EUR" };
    let (price, months) = (*random.pick(&PRICES), *random.pick(&MONTHS));
    // more often within days than within weeks
    let begin = user.created_at + (random.unit() * random.unit() * 45.0 * DAY as f64) as Millis;
    let mut sales: Vec<Sale> = (0..months)
        .map(|month| {
            let occurred_at = begin + month * MONTH;
            let id = random.id(occurred_at);
            let external_id = format!("payment-{}", id.simple());
            Sale { id, value: price, currency, occurred_at, external_id, refund_of: None }
        })
        .collect();
    if random.chance(REFUNDED)
        && let Some(last) = sales.last()
    {
        let occurred_at = last.occurred_at + DAY + (random.unit() * 13.0 * DAY as f64) as Millis;
        let value = if random.chance(0.7) { -price } else { -price / 2 };
        let external_id = format!("refund-{}", last.id.simple());
        let refund_of = Some(last.id);
        sales.push(Sale { id: random.id(occurred_at), value, currency, occurred_at, external_id, refund_of });
    }
    sales.retain(|sale| sale.occurred_at <= now);
    sales
}
