use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

type Journeys = Vec<(Vec<usize>, bool, u64)>;

fn paths(journeys: &[(Vec<usize>, bool, u64)]) -> ChannelPaths {
    let mut paths = ChannelPaths::default();
    journeys.iter().for_each(|(channels, converted, count)| paths.add(channels, *converted, *count));
    paths
}

/// Returns the values learnt from journeys, each given as (channels, how many, how many converted).
fn learnt(worth: Worth, journeys: &[(&[usize], u64, u64)]) -> Shapley {
    let mut paths = ChannelPaths::default();
    for (channels, all, converted) in journeys {
        paths.add(channels, true, *converted);
        paths.add(channels, false, all - converted);
    }
    shapley(&paths, worth, Sampling::default())
}

fn assert_close(got: &[f64], expected: &[f64]) {
    let close = |(got, expected): (&f64, &f64)| (got - expected).abs() < 1e-9;
    assert!(got.len() == expected.len() && got.iter().zip(expected).all(close), "{got:?} is not {expected:?}");
}

#[test]
fn conversions_by_hand() {
    // v(0) = 3, v(01) = 3 + 4 = 7, v(012) = 7 + 3 = 10, v(02) = 3, and nothing without 0.
    // 2 adds 3 where both are before it, in 2 of 6 orders: 1. 1 adds 4 after 0 alone (1 of 6), 7 after 0 and 2 (2 of 6),
    // nothing else: (4 + 14) / 6 = 3. The rest, 10 − 1 − 3 = 6, is 0's.
    let journeys: &[(&[usize], u64, u64)] = &[(&[0], 9, 3), (&[1, 0], 4, 4), (&[0, 1, 2, 0], 50, 3), (&[2], 7, 0)];
    let shapley = learnt(Worth::Conversions, journeys);
    assert_close(&shapley.shares, &[0.6, 0.3, 0.1]);
    assert!(shapley.exact && shapley.standard_errors == [0.0; 3]);
}

#[test]
fn rates_by_hand() {
    // rates: 0 alone 10/100, 1 alone 10/1000, both 10/50. Of the journeys with both, channel 0 alone would have converted half as
    // many, channel 1 alone a twentieth. Channel 0 adds 1/2 when first and 19/20 when second, 0.725 on average. Channel 1 adds
    // the other 0.275. So 0 has 10 + 7.25 of 30 conversions, and 1 has 10 + 2.75.
    let shapley = learnt(Worth::Rates, &[(&[0], 100, 10), (&[1], 1000, 10), (&[0, 1], 50, 10)]);
    assert_close(&shapley.shares, &[17.25 / 30.0, 12.75 / 30.0]);
    assert!(shapley.exact && shapley.standard_errors == [0.0; 2]);
}

#[test]
fn rates_of_sets_that_nobody_met_by_hand() {
    // Known rates: channel 0 alone 1/10, all three 4/10. A part of the three with channel 0 is worth 1/4 of all, a part without
    // it nothing. Channels 1 and 2 add 3/4 when last, in 1/3 of the orders: 1/4 each. Channel 0 has the other half. So of 5
    // conversions channel 0 has 1 + 4/2, and the others have 4/4 each.
    let shapley = learnt(Worth::Rates, &[(&[0], 10, 1), (&[0, 1, 2], 10, 4)]);
    assert_close(&shapley.shares, &[0.6, 0.2, 0.2]);
    // nothing known of any part: equally
    assert_close(&learnt(Worth::Rates, &[(&[0, 1, 2], 10, 4)]).shares, &[1.0 / 3.0; 3]);
}

#[test]
fn a_lucky_visitor_takes_nothing_that_others_did_not_lose() {
    // Channel 0 alone converted in 1 of 1, both together in 10 of 100. So channel 0 is worth as much as both together, and not
    // more. Channel 1 adds nothing and gets zero, not a negative share.
    assert_close(&learnt(Worth::Rates, &[(&[0], 1, 1), (&[0, 1], 100, 10)]).shares, &[1.0, 0.0]);
}

#[test]
fn who_did_not_convert_counts_in_rates() {
    let with_lost = |lost: u64| learnt(Worth::Rates, &[(&[0], 10 + lost, 10), (&[0, 1], 50, 10)]).shares[0];
    assert!(with_lost(1000) < with_lost(100) && with_lost(100) < with_lost(0) + 1e-12);
    let conversions = |lost: u64| learnt(Worth::Conversions, &[(&[0], 10 + lost, 10), (&[0, 1], 50, 10)]).shares;
    assert_eq!(conversions(1000), conversions(0));
}

#[test]
fn a_journey_may_meet_many_channels() {
    let many: Vec<usize> = (0..MAX_EXACT + 1).collect();
    let journeys: &[(&[usize], u64, u64)] = &[(&many, 100, 40), (&[0], 100, 10), (&[1, 2], 100, 20), (&[99], 10, 10)];
    let shapley = learnt(Worth::Rates, journeys);
    assert!(!shapley.exact);
    assert!((shapley.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(many.iter().all(|&channel| shapley.standard_errors[channel] > 0.0));
    assert_eq!(shapley.standard_errors[99], 0.0);
    assert_eq!(shapley, learnt(Worth::Rates, journeys));
    // exact with one channel less, and in closed form with any number
    let fewer: &[(&[usize], u64, u64)] = &[(&many[1..], 100, 40), (&[1, 2], 100, 20)];
    assert!(learnt(Worth::Rates, fewer).exact && learnt(Worth::Conversions, journeys).exact);
}

#[test]
fn the_stated_error_is_the_error() {
    let known = |places: &[usize], worth| (places.to_vec(), worth);
    let all: Vec<usize> = (0..13).collect();
    let game = Game {
        players: 13,
        known: vec![known(&[0], 0.25), known(&[1, 2], 0.5), known(&[3, 4, 5], 0.75), known(&all, 1.0)],
    };
    let exact = game.exact();
    let mut squares = Vec::new();
    for seed in 0..100 {
        for (sampled, exact) in game.sampled(400, &mut Random::new(seed)).iter().zip(&exact) {
            squares.push((sampled.value - exact.value).powi(2) / sampled.variance);
        }
    }
    // squared deviations in standard errors: 1 on average, and none out of all reason
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    assert!((0.8..1.25).contains(&mean), "{mean}");
    assert!(squares.iter().all(|square| *square < 36.0));
    let error = |orders| game.sampled(orders, &mut Random::new(1))[0].variance.sqrt();
    assert!((1.7..2.3).contains(&(error(1000) / error(4000))));
}

#[test]
fn the_stated_error_is_that_of_the_share() {
    let many: Vec<usize> = (0..13).collect();
    let journeys = [(many, true, 40), (vec![0], true, 10), (vec![0], false, 90), (vec![1, 2], true, 30)];
    let paths = paths(&journeys);
    let sets = sets(&paths);
    let (set, outcomes) = sets.iter().find(|(set, _)| set.len() == 13).expect("the first journey");
    let exact = Game::of(set, *outcomes, &sets).exact();
    let mut squares = Vec::new();
    for seed in 0..60 {
        let shapley = shapley(&paths, Worth::Rates, Sampling { seed, orders: 200 });
        // of eighty conversions, channel 0 has ten of its own besides; channels 1 and 2 share thirty
        for (channel, certain) in [(0, 10.0), (1, 15.0), (2, 15.0)] {
            let share = (40.0 * exact[channel].value + certain) / 80.0;
            squares.push(((shapley.shares[channel] - share) / shapley.standard_errors[channel]).powi(2));
        }
    }
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    assert!((0.7..1.4).contains(&mean), "{mean}");
}

#[test]
fn shuffles_reach_every_order_alike() {
    let mut counts = BTreeMap::new();
    let mut random = Random::new(7);
    for _ in 0..24_000 {
        let mut order = [0, 1, 2, 3];
        random.shuffle(&mut order);
        *counts.entry(order).or_insert(0) += 1;
    }
    // each order comes 1000 times on average, with a standard deviation of 31
    assert!(counts.len() == 24 && counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
}

#[test]
fn weights_are_those_of_shapley_s_formula() {
    // s! (3 − s)! / 4!: 6/24, 2/24, 2/24, 6/24
    assert_close(&orders_before(4), &[6.0 / 24.0, 2.0 / 24.0, 2.0 / 24.0, 6.0 / 24.0]);
    assert_close(&orders_before(1), &[1.0]);
}

type Set = BTreeSet<usize>;

/// Returns how many journeys met exactly these channels, and how many of them converted.
fn met(journeys: &Journeys, set: &Set) -> (f64, f64) {
    let same = || journeys.iter().filter(|(channels, ..)| channels.iter().copied().collect::<Set>() == *set);
    let converted = same().filter(|(_, converted, _)| *converted);
    (same().map(|journey| journey.2 as f64).sum(), converted.map(|journey| journey.2 as f64).sum())
}

fn subsets(set: &Set) -> Vec<Set> {
    let chosen = |bits: u32| set.iter().enumerate().filter(move |(place, _)| bits >> place & 1 == 1);
    (0..1 << set.len()).map(|bits| chosen(bits).map(|(_, channel)| *channel).collect()).collect()
}

/// Returns v(S) by its definition, over all sets of channels.
fn v(worth: Worth, journeys: &Journeys, among: &Set, all: &Set) -> f64 {
    if worth == Worth::Conversions {
        return subsets(among).iter().filter(|set| !set.is_empty()).map(|set| met(journeys, set).1).sum();
    }
    let rate = |set: &Set| match met(journeys, set) {
        (0.0, _) => 0.0,
        (met, converted) => converted / met,
    };
    let brought = |set: &Set| {
        let part: Set = set.intersection(among).copied().collect();
        let best = subsets(&part).iter().filter(|set| !set.is_empty()).map(rate).fold(0.0, f64::max);
        met(journeys, set).0 * best.min(rate(set))
    };
    subsets(all).iter().filter(|set| !set.is_empty()).map(brought).sum()
}

/// Returns Shapley values by their definition: the mean over all orders.
fn oracle(worth: Worth, journeys: &Journeys, channels: usize) -> Vec<f64> {
    let all: Set = (0..channels).collect();
    let mut orders = vec![Vec::new()];
    for _ in 0..channels {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            (0..channels)
                .filter(|next| !order.contains(next))
                .map(|next| [&order[..], &[next]].concat())
                .collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    let worths: BTreeMap<Set, f64> =
        subsets(&all).into_iter().map(|set| (set.clone(), v(worth, journeys, &set, &all))).collect();
    let mut values = vec![0.0; channels];
    for order in &orders {
        let mut before = Set::new();
        for &channel in order {
            let worth = worths[&before];
            before.insert(channel);
            values[channel] += (worths[&before] - worth) / orders.len() as f64;
        }
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn values_are_the_means_over_all_orders(
        journeys in prop::collection::vec((prop::collection::vec(0..5usize, 0..6), any::<bool>(), 1..6u64), 1..14),
        worth in prop::sample::select(vec![Worth::Conversions, Worth::Rates]),
    ) {
        let mut paths = paths(&journeys);
        paths.add(&[4], false, 0);
        prop_assume!(paths.conversions() > 0.0);
        let shapley = shapley(&paths, worth, Sampling::default());
        let values = oracle(worth, &journeys, 5);
        let conversions = paths.conversions();
        prop_assert!((values.iter().sum::<f64>() - conversions).abs() < 1e-9, "the oracle itself");
        for (share, value) in shapley.shares.iter().zip(&values) {
            prop_assert!((share - value / conversions).abs() < 1e-9, "{:?} {values:?}", shapley.shares);
        }
        prop_assert!(shapley.shares.iter().all(|share| *share >= 0.0));
        prop_assert!((shapley.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn sampling_comes_near_the_exact_values(
        journeys in prop::collection::vec((prop::collection::vec(0..6usize, 1..8), any::<bool>(), 1..6u64), 1..20),
        seed: u64,
    ) {
        let sets = sets(&paths(&journeys));
        for (set, outcomes) in sets.iter().filter(|(_, outcomes)| outcomes.converted > 0.0) {
            let game = Game::of(set, *outcomes, &sets);
            let sampled = game.sampled(2000, &mut Random::new(seed));
            prop_assert!((sampled.iter().map(|estimate| estimate.value).sum::<f64>() - 1.0).abs() < 1e-9);
            for (sampled, exact) in sampled.iter().zip(game.exact()) {
                // a mean of 2000 values from 0 to 1 is farther off once in 10^12 times
                prop_assert!((sampled.value - exact.value).abs() < 0.09, "{sampled:?} {exact:?}");
            }
        }
    }
}
