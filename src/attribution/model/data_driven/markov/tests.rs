use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

type Journey<'a> = (&'a [usize], bool, u64);

fn learnt(channels: usize, journeys: &[Journey<'_>]) -> Markov {
    let mut paths = ChannelPaths::new(channels);
    for &(channels, converted, count) in journeys {
        paths.add(channels, converted, count);
    }
    markov(&paths)
}

fn assert_close(got: &[f64], expected: &[f64]) {
    let close = |(got, expected): (&f64, &f64)| (got - expected).abs() < 1e-9;
    assert!(got.len() == expected.len() && got.iter().zip(expected).all(close), "{got:?} is not {expected:?}");
}

#[test]
fn a_chain_by_hand() {
    let journeys: &[Journey<'_>] = &[(&[0, 1, 2], true, 1), (&[0], false, 1), (&[1, 2], false, 1)];
    let Markov { conversion_rate, removal_effects, shares } = learnt(3, journeys);
    // START goes to 0 with 2/3 and to 1 with 1/3; 0 to 1 and to NULL with 1/2 each; 1 always to 2; 2 to either end with 1/2.
    // P = (2/3 · 1/2 + 1/3) · 1 · 1/2 = 1/3
    assert_close(&[conversion_rate], &[1.0 / 3.0]);
    // without 0: 1/3 · 1 · 1/2 = 1/6, so the effect is 1 − (1/6)/(1/3) = 1/2; without 1 or 2 nobody converts
    assert_close(&removal_effects, &[0.5, 1.0, 1.0]);
    // 0.5 + 1 + 1 = 2.5
    assert_close(&shares, &[0.2, 0.4, 0.4]);
}

#[test]
fn a_chain_that_goes_back_by_hand() {
    let Markov { conversion_rate, removal_effects, shares } = learnt(2, &[(&[0, 1, 0], true, 1), (&[1], false, 1)]);
    // START goes to 0 and to 1 with 1/2 each; 0 to 1 and to CONVERSION; 1 to 0 and to NULL, with 1/2 each.
    // From 0: x = 1/2 + y/2, from 1: y = x/2, so x = 2/3, y = 1/3, and P = (2/3 + 1/3)/2 = 1/2
    assert_close(&[conversion_rate], &[0.5]);
    // without 0 nobody converts; without 1: START to 0 with 1/2, on to CONVERSION with 1/2, so 1 − (1/4)/(1/2) = 1/2
    assert_close(&removal_effects, &[1.0, 0.5]);
    assert_close(&shares, &[2.0 / 3.0, 1.0 / 3.0]);
}

#[test]
fn channels_apart_share_by_their_conversions() {
    // P = 4/10; without 0: 1/10, effect 3/4; without 1: 3/10, effect 1/4
    let journeys: &[Journey<'_>] = &[(&[0], true, 3), (&[1], true, 1), (&[1], false, 2), (&[0], false, 4)];
    let markov = learnt(2, journeys);
    assert_close(&markov.removal_effects, &[0.75, 0.25]);
    assert_close(&markov.shares, &[0.75, 0.25]);
}

#[test]
fn one_channel_has_it_all_however_often_it_was_met() {
    for channels in [&[0][..], &[0, 0], &[0, 0, 0, 0]] {
        let markov = learnt(1, &[(channels, true, 1), (channels, false, 9)]);
        assert_close(&[markov.conversion_rate], &[0.1]);
        assert_eq!((markov.removal_effects, markov.shares), (vec![1.0], vec![1.0]));
    }
}

#[test]
fn a_dead_end_has_nothing_and_neither_has_who_was_never_met() {
    let markov = learnt(4, &[(&[0, 1], true, 5), (&[0, 2], false, 5)]);
    assert_close(&markov.removal_effects, &[1.0, 1.0, 0.0, 0.0]);
    assert_close(&markov.shares, &[0.5, 0.5, 0.0, 0.0]);
}

#[test]
fn a_channel_that_only_others_journeys_lead_through_counts() {
    // Nobody who met channel 1 converted. But the chain forgets how it came to channel 0, so it converts through channel 1. START
    // goes to 0 and to 1 with 1/2 each, 1 to 0, 0 to either end with 1/2. P = 1/2, and 1/4 without 1.
    let markov = learnt(2, &[(&[0], true, 1), (&[1, 0], false, 1)]);
    assert_close(&markov.removal_effects, &[1.0, 0.5]);
}

#[test]
fn rare_conversions_and_large_numbers_keep_their_digits() {
    let lost = u64::MAX / 4;
    let markov = learnt(2, &[(&[0], true, 3), (&[0, 1], true, 1), (&[0, 1], false, lost), (&[1], false, lost)]);
    // 0 goes to CONVERSION with 3 of lost + 4 and on to 1 otherwise, where 1 of 2 · lost + 1 converts. From START half go to
    // 0 and half to 1: P ≈ (3/lost + 1/(2 lost) + 1/(2 lost)) / 2 = 2/lost; without 1 it is 1.5/lost, an effect of 1/4;
    // without 0 it is 1/(4 lost), an effect of 7/8
    assert_close(&markov.removal_effects, &[0.875, 0.25]);
}

/// Computes the result literally by the definition. The transition probabilities come from the raw journeys, loops included. To
/// remove a channel, the chain is built anew. The chain is walked until all have arrived.
fn oracle(journeys: &[(Vec<usize>, bool, u64)], removed: Option<usize>) -> f64 {
    const START: usize = 100;
    const CONVERSION: usize = 101;
    const NULL: usize = 102;
    let mut counts: HashMap<usize, HashMap<usize, f64>> = HashMap::new();
    for (channels, converted, count) in journeys.iter().filter(|journey| !journey.0.is_empty()) {
        let end = if *converted { CONVERSION } else { NULL };
        let states = [&[START][..], channels, &[end]].concat();
        for step in states.windows(2).filter(|step| Some(step[0]) != removed) {
            let to = if Some(step[1]) == removed { NULL } else { step[1] };
            *counts.entry(step[0]).or_default().entry(to).or_default() += *count as f64;
        }
    }
    let mut at = HashMap::from([(START, 1.0)]);
    let arrived = |at: &HashMap<usize, f64>, end| at.get(&end).copied().unwrap_or(0.0);
    while arrived(&at, CONVERSION) + arrived(&at, NULL) < 1.0 - 1e-12 {
        let mut next = HashMap::new();
        for (state, probability) in at {
            match counts.get(&state) {
                None => *next.entry(state).or_default() += probability,
                Some(to) => {
                    let all: f64 = to.values().sum();
                    to.iter().for_each(|(to, count)| *next.entry(*to).or_default() += probability * count / all);
                }
            }
        }
        at = next;
    }
    arrived(&at, CONVERSION)
}

proptest! {
    #[test]
    fn effects_are_those_of_walking_the_chain(
        journeys in prop::collection::vec((prop::collection::vec(0..5usize, 0..6), any::<bool>(), 1..5u64), 1..12),
    ) {
        prop_assume!(journeys.iter().any(|(channels, converted, _)| *converted && !channels.is_empty()));
        let borrowed: Vec<Journey<'_>> = journeys.iter().map(|(path, end, count)| (&path[..], *end, *count)).collect();
        let markov = learnt(5, &borrowed);
        let whole = oracle(&journeys, None);
        prop_assert!((markov.conversion_rate - whole).abs() < 1e-9);
        let effects: Vec<f64> = (0..5).map(|channel| 1.0 - oracle(&journeys, Some(channel)) / whole).collect();
        let sum: f64 = effects.iter().sum();
        for (channel, effect) in effects.iter().enumerate() {
            prop_assert!((markov.removal_effects[channel] - effect).abs() < 1e-9, "{:?} {effects:?}", markov.removal_effects);
            prop_assert!((markov.shares[channel] - effect / sum).abs() < 1e-9);
        }
        prop_assert!((markov.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_chain_s_conversion_rate_is_that_of_the_journeys(
        journeys in prop::collection::vec((prop::collection::vec(0..20usize, 1..30), any::<bool>(), 1..1000u64), 1..40),
    ) {
        let borrowed: Vec<Journey<'_>> = journeys.iter().map(|(path, end, count)| (&path[..], *end, *count)).collect();
        let count = |which: fn(bool) -> bool| -> u64 {
            journeys.iter().filter(|(_, converted, _)| which(*converted)).map(|(_, _, count)| count).sum()
        };
        let expected = count(|converted| converted) as f64 / count(|_| true) as f64;
        prop_assert!((learnt(20, &borrowed).conversion_rate - expected).abs() < 1e-12);
    }
}
