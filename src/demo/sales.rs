use std::time::Duration;

use super::{calendar::times, people::Member};
use crate::{
    id::ConversionId,
    random::Random,
    timestamp::{DAY, Timestamp},
};

/// The share of the users who buy.
const BUYERS: f64 = 0.35;
/// The share of the buyers who pay in dollars. The others pay in euros.
const IN_DOLLARS: f64 = 0.25;
/// The share of the buyers who get their last payment back.
const REFUNDED: f64 = 0.08;
/// Prices of a subscription for a month, in minor units.
const PRICES: [i64; 6] = [1900, 1900, 1900, 4900, 4900, 9900];
/// The numbers of months that a buyer may pay.
const MONTHS: [u32; 10] = [1, 1, 1, 2, 2, 3, 4, 6, 9, 12];
const MONTH: Duration = Duration::from_hours(30 * 24);

/// A payment, or a refund of one.
#[derive(Clone, Debug)]
pub struct Sale {
    pub id: ConversionId,
    /// In minor units; negative for a refund.
    pub value: i64,
    pub currency: &'static str,
    pub occurred_at: Timestamp,
    pub external_id: String,
    pub refund_of: Option<ConversionId>,
}

/// Returns what a user bought until now. A refund comes after its payment.
pub fn sales(user: &Member, now: Timestamp) -> Vec<Sale> {
    // Each user has a generator of their own, so that what one user buys does not change what the others buy.
    let mut random = Random::new(user.id.as_uuid().as_u128() as u64);
    if !random.chance(BUYERS) {
        return Vec::new();
    }
    let currency = if random.chance(IN_DOLLARS) { "USD" } else { "EUR" };
    let (price, months) = (*random.pick(&PRICES), *random.pick(&MONTHS));
    // mostly after some days, sometimes after weeks
    let begin = user.created_at + times(DAY, random.unit() * random.unit() * 45.0);
    let mut sales: Vec<Sale> = (0..months)
        .map(|month| {
            let occurred_at = begin + month * MONTH;
            let id: ConversionId = random.id(occurred_at);
            let external_id = format!("payment-{}", id.as_uuid().simple());
            Sale { id, value: price, currency, occurred_at, external_id, refund_of: None }
        })
        .collect();
    if random.chance(REFUNDED)
        && let Some(last) = sales.last()
    {
        let occurred_at = last.occurred_at + DAY + times(DAY, random.unit() * 13.0);
        let value = if random.chance(0.7) { -price } else { -price / 2 };
        let external_id = format!("refund-{}", last.id.as_uuid().simple());
        let refund_of = Some(last.id);
        sales.push(Sale { id: random.id(occurred_at), value, currency, occurred_at, external_id, refund_of });
    }
    sales.retain(|sale| sale.occurred_at <= now);
    sales
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::demo::{Demo, people::People};

    /// 2026-11-23T15:30:00Z
    const NOW: Timestamp = Timestamp::from_millis(1_795_447_800_000);

    fn users() -> Vec<Member> {
        People::new(&Demo::default(), NOW, HashSet::new()).filter_map(|person| person.user).collect()
    }

    #[test]
    fn some_buy_in_either_currency_and_a_few_get_it_back() {
        let all: Vec<Vec<Sale>> = users().iter().map(|user| sales(user, NOW)).collect();
        let buyers = all.iter().filter(|sales| !sales.is_empty()).count();
        assert!((90..170).contains(&buyers), "{buyers} of {}", all.len());
        let mut sums = HashMap::<&str, (i64, usize)>::new();
        for sale in all.iter().flatten() {
            let (sum, refunds) = sums.entry(sale.currency).or_default();
            *sum += sale.value;
            *refunds += usize::from(sale.refund_of.is_some());
        }
        let (eur, usd) = (sums["EUR"], sums["USD"]);
        assert!(sums.len() == 2 && eur.0 > 2 * usd.0 && usd.0 > 50_000, "{sums:?}");
        assert!((3..25).contains(&(eur.1 + usd.1)) && eur.1 > 0 && usd.1 > 0, "{sums:?}");
    }

    #[test]
    fn it_is_as_if_it_had_been_reported() {
        let mut ids = HashSet::new();
        for user in users() {
            let sales = sales(&user, NOW);
            for (at, sale) in sales.iter().enumerate() {
                assert!(ids.insert(sale.id) && sale.occurred_at >= user.created_at && sale.occurred_at <= NOW);
                let Some(of) = sale.refund_of else {
                    assert!(sale.value > 0);
                    continue;
                };
                let first = sales[..at].iter().find(|first| first.id == of).expect("what it takes back came before");
                assert!(sale.value < 0 && first.value + sale.value >= 0 && first.refund_of.is_none());
                assert!(sale.currency == first.currency && sale.occurred_at > first.occurred_at);
            }
        }
    }
}
