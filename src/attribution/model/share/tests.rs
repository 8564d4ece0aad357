use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    attribution::model::{Credit, Minor},
    timestamp::DAY,
};

const COUNT_UNIT: i64 = Credit::ONE.0;

/// The milliseconds of a day.
const DAY_MILLIS: i64 = DAY.as_millis() as i64;

fn step(at: i64, direct: bool, key: u64) -> Step {
    Step { at: Timestamp::from_millis(at), direct, key }
}

/// Returns a path with a touch at each of these numbers of days.
fn days(days: &[i64]) -> Vec<Step> {
    days.iter().map(|day| step(day * DAY_MILLIS, false, *day as u64)).collect()
}

/// Returns a path with one touch per letter, a millisecond apart; `d` is a direct touch.
fn touches(letters: &str) -> Vec<Step> {
    (0..).zip(letters.chars()).map(|(at, letter)| step(at, letter == 'd', at as u64)).collect()
}

fn credit(model: Model, weights: &Weights, steps: &[Step], total: i64) -> Vec<i64> {
    share(model, weights, steps, Minor(total)).into_iter().map(i64::from).collect()
}

fn credit_change(model: Model, weights: &Weights, steps: &[Step], before: i64, after: i64) -> Vec<i64> {
    share_change(model, weights, steps, Minor(before), Minor(after)).into_iter().map(i64::from).collect()
}

fn by(model: Model, steps: &[Step], total: i64) -> Vec<i64> {
    credit(model, &Weights::default(), steps, total)
}

#[test]
fn a_path_without_touches_has_no_parts() {
    for model in Model::ALL {
        assert_eq!(by(model, &[], 100), [] as [i64; 0]);
    }
}

#[test]
fn a_single_touch_has_it_all() {
    for model in Model::ALL {
        assert_eq!(by(model, &touches("t"), 9_99), [9_99]);
        assert_eq!(by(model, &touches("d"), -9_99), [-9_99]);
    }
}

#[test]
fn first_and_last_are_one_touch() {
    assert_eq!(by(Model::First, &touches("tddt"), 5), [5, 0, 0, 0]);
    assert_eq!(by(Model::Last, &touches("ttd"), 5), [0, 0, 5]);
}

#[test]
fn direct_never_takes_the_last_touch_from_a_real_one() {
    assert_eq!(by(Model::LastNonDirect, &touches("ttdd"), 5), [0, 5, 0, 0]);
    assert_eq!(by(Model::LastNonDirect, &touches("dtdt"), 5), [0, 0, 0, 5]);
    assert_eq!(by(Model::LastNonDirect, &touches("tddd"), 5), [5, 0, 0, 0]);
    assert_eq!(by(Model::LastNonDirect, &touches("ddd"), 5), [0, 0, 5]);
}

#[test]
fn linear_by_hand() {
    // 10.00 / 3 = 3.33⅓ each: 3.33 · 3 = 9.99, and the cent left to the earliest
    assert_eq!(by(Model::Linear, &touches("ttt"), 10_00), [3_34, 3_33, 3_33]);
    // 0.05 / 4 = 0.01¼ each: a cent each and one left
    assert_eq!(by(Model::Linear, &touches("tttt"), 5), [2, 1, 1, 1]);
    // 2 cents for three
    assert_eq!(by(Model::Linear, &touches("ttt"), -2), [-1, -1, 0]);
    // a count: 1 000 000 / 3 = 333 333⅓
    assert_eq!(by(Model::Linear, &touches("ttt"), COUNT_UNIT), [333_334, 333_333, 333_333]);
}

#[test]
fn position_by_hand() {
    // two: half each of 9.99 is 4.99½, and the cent left to the earlier
    assert_eq!(by(Model::Position, &touches("tt"), 9_99), [5_00, 4_99]);
    // three: 40, 20 and 40 per cent of 9.99 are 3.99⅗, 1.99⅘, 3.99⅗: floors make 9.97; a cent to ⅘, one to the earlier
    // ⅗
    assert_eq!(by(Model::Position, &touches("ttt"), 9_99), [4_00, 2_00, 3_99]);
    // four: 40, 10, 10, 40 per cent of 10.01 are 4.00⅖, 1.00⅒, 1.00⅒, 4.00⅖: floors make 10.00; the cent to the first ⅖
    assert_eq!(by(Model::Position, &touches("tttt"), 10_01), [4_01, 1_00, 1_00, 4_00]);
    // five: 40 per cent of a count, and 20 / 3 = 6⅔ per cent: 66 666⅔ three times, floors leave 2 to the earlier of
    // them
    assert_eq!(by(Model::Position, &touches("ttttt"), COUNT_UNIT), [400_000, 66_667, 66_667, 66_666, 400_000]);
}

#[test]
fn position_by_other_weights() {
    let by = |position: &str, letters: &str, total| {
        let weights = Weights { position: position.parse().expect("three weights"), ..Weights::default() };
        credit(Model::Position, &weights, &touches(letters), total)
    };
    assert_eq!(by("60/10/30", "ttt", 100), [60, 10, 30]);
    // 60 : 30 of 90, without a touch between
    assert_eq!(by("60/10/30", "tt", 90), [60, 30]);
    assert_eq!(by("0/100/0", "tttt", 90), [0, 45, 45, 0]);
    assert_eq!(by("0/100/0", "tt", 90), [45, 45]);
    assert_eq!(by("100/0/0", "tt", 90), [90, 0]);
}

#[test]
fn time_decay_by_hand() {
    // 14, 7 and 0 days before the last: weights ¼, ½, 1, together 7/4, so 1/7, 2/7, 4/7.
    // Of 10.00: 1.42 6/7, 2.85 5/7, 5.71 3/7; floors make 9.98; a cent to 6/7, one to 5/7
    assert_eq!(by(Model::TimeDecay, &days(&[0, 7, 14]), 10_00), [1_43, 2_86, 5_71]);
    // of a count: 142 857 1/7, 285 714 2/7, 571 428 4/7; the one left to 4/7
    assert_eq!(by(Model::TimeDecay, &days(&[0, 7, 14]), COUNT_UNIT), [142_857, 285_714, 571_429]);
    // at one time: half each
    assert_eq!(by(Model::TimeDecay, &days(&[3, 3]), 7), [4, 3]);
    // half a half-life: 1/√2 = 0.70711 to 1, so 0.41421 and 0.58579
    let half = [0, 7 * DAY_MILLIS / 2].map(|at| step(at, false, 0));
    assert_eq!(by(Model::TimeDecay, &half, COUNT_UNIT), [414_214, 585_786]);
    // a half-life of one day: weights 1/8 and 1, so 1/9 and 8/9
    let weights = Weights { half_life: DAY, ..Weights::default() };
    assert_eq!(credit(Model::TimeDecay, &weights, &days(&[0, 3]), 90), [10, 80]);
}

#[test]
fn time_decay_of_long_ago_is_still_somebody_s() {
    // a thousand half-lives before the last, which itself may be any time before the conversion
    assert_eq!(by(Model::TimeDecay, &days(&[0, 7000]), i64::MAX), [0, i64::MAX]);
    let weights = Weights { half_life: Duration::ZERO, ..Weights::default() };
    assert_eq!(credit(Model::TimeDecay, &weights, &days(&[0, 1]), 10), [0, 10]);
}

#[test]
fn refunds_by_hand() {
    let (weights, steps) = (Weights::default(), touches("ttt"));
    let change = |before, after| credit_change(Model::Linear, &weights, &steps, before, after);
    // 1.00 is 34 33 33; 0.50 of it refunded leaves 0.50, which is 17 17 16; then the rest
    assert_eq!(change(0, 100), [34, 33, 33]);
    assert_eq!(change(100, 50), [-17, -16, -17]);
    assert_eq!(change(50, 0), [-17, -17, -16]);
    // sharing 0.50 afresh each time would leave 34 − 17 − 17, 33 − 17 − 17, 33 − 16 − 16: a cent too little here, one
    // too much there
    assert_eq!(change(50, 50), [0, 0, 0]);
}

#[test]
fn the_largest_values_fit() {
    let mut steps: Vec<Step> = (0..10_000).map(|at| step(at - 5_000, at % 2 == 0, 0)).collect();
    steps[0].at = Timestamp::MIN;
    steps[9_999].at = Timestamp::MAX;
    for model in Model::ALL {
        for half_life in [Duration::ZERO, Duration::from_millis(1), Duration::MAX] {
            let weights = Weights { half_life, ..Weights::default() };
            for total in [i64::MIN, -1, 0, 1, i64::MAX] {
                let parts = credit(model, &weights, &steps, total);
                assert_eq!(parts.iter().map(|&part| i128::from(part)).sum::<i128>(), i128::from(total), "{model}");
            }
            let change = credit_change(model, &weights, &steps, i64::MIN, 0);
            assert_eq!(change.len(), steps.len());
        }
    }
}

fn any_model() -> impl Strategy<Value = Model> {
    prop::sample::select(Model::ALL.to_vec())
}

fn any_weights() -> impl Strategy<Value = Weights> {
    let half_life = prop_oneof![Just(7 * DAY_MILLIS as u64), 1..100 * DAY_MILLIS as u64, any::<u64>()];
    (0..=100u32, 0..=100u32, half_life).prop_map(|(one, other, half_life)| {
        let (low, high) = (one.min(other), one.max(other));
        let position = format!("{low}/{}/{}", high - low, 100 - high).parse().expect("the parts of a hundred");
        Weights { position, half_life: Duration::from_millis(half_life) }
    })
}

/// Returns steps in the order of time: close together, months apart, or anywhere.
fn any_path() -> impl Strategy<Value = Vec<Step>> {
    let at = prop_oneof![0..5i64, 0..100 * DAY_MILLIS, any::<i64>()];
    prop::collection::vec((at, any::<bool>()), 1..40).prop_map(|mut steps| {
        steps.sort_by_key(|step| step.0);
        steps.into_iter().map(|(at, direct)| step(at, direct, 0)).collect()
    })
}

fn any_total() -> impl Strategy<Value = i64> {
    prop_oneof![-200..200i64, -1_000_000..1_000_000i64, any::<i64>()]
}

fn sum(parts: &[i64]) -> i128 {
    parts.iter().map(|&part| i128::from(part)).sum()
}

proptest! {
    #[test]
    fn parts_add_up_to_the_total(
        model in any_model(), weights in any_weights(), steps in any_path(), total in any_total(),
    ) {
        let parts = credit(model, &weights, &steps, total);
        prop_assert_eq!(parts.len(), steps.len());
        prop_assert_eq!(sum(&parts), i128::from(total));
        prop_assert!(parts.iter().all(|part| part.signum() * total.signum() >= 0));
        prop_assert_eq!(sum(&credit(model, &weights, &steps, COUNT_UNIT)), i128::from(COUNT_UNIT));
    }

    #[test]
    fn a_negative_total_is_shared_as_its_positive(
        model in any_model(), weights in any_weights(), steps in any_path(), total in -i64::MAX..=i64::MAX,
    ) {
        let negated: Vec<i64> = credit(model, &weights, &steps, -total).into_iter().map(|part| -part).collect();
        prop_assert_eq!(credit(model, &weights, &steps, total), negated);
    }

    #[test]
    fn models_of_one_touch_credit_that_touch(weights in any_weights(), steps in any_path(), total in 1..i64::MAX) {
        let credited = |model| credit(model, &weights, &steps, total).iter().position(|&part| part == total);
        let last = steps.len() - 1;
        prop_assert_eq!(credited(Model::First), Some(0));
        prop_assert_eq!(credited(Model::Last), Some(last));
        let kept = credited(Model::LastNonDirect).expect("one has it all");
        if steps.iter().all(|step| step.direct) {
            prop_assert_eq!(kept, last);
        } else {
            prop_assert!(!steps[kept].direct && steps[kept + 1..].iter().all(|step| step.direct));
        }
    }

    #[test]
    fn linear_parts_differ_by_a_unit_at_most(weights in any_weights(), steps in any_path(), total in 0..i64::MAX) {
        let parts = credit(Model::Linear, &weights, &steps, total);
        prop_assert!(parts.iter().all(|part| (parts[0] - 1..=parts[0]).contains(part)));
    }

    #[test]
    fn in_time_decay_a_later_touch_gets_no_less(weights in any_weights(), steps in any_path(), total in 0..i64::MAX) {
        let parts = credit(Model::TimeDecay, &weights, &steps, total);
        // a unit left over goes to the earlier of two equal remainders
        prop_assert!(parts.windows(2).all(|two| two[1] >= two[0] - 1), "{parts:?}");
    }

    #[test]
    fn time_decay_is_what_its_formula_says(ages in prop::collection::vec(0..90 * DAY_MILLIS, 1..12), since in 0..30 * DAY_MILLIS) {
        let mut steps: Vec<Step> = ages.iter().map(|age| step(-age - since, false, 0)).collect();
        steps.sort_by_key(|step| step.at);
        let parts = credit(Model::TimeDecay, &Weights::default(), &steps, COUNT_UNIT);
        // with the conversion at 0, some time after the last touch
        let powers: Vec<f64> = steps.iter().map(|step| (step.at.as_millis() as f64 / (7 * DAY_MILLIS) as f64).exp2()).collect();
        for (part, power) in parts.iter().zip(&powers) {
            let expected = power / powers.iter().sum::<f64>() * COUNT_UNIT as f64;
            prop_assert!((*part as f64 - expected).abs() <= 1.000_001, "{part} is not {expected}");
        }
    }

    #[test]
    fn refunds_bring_every_touch_to_zero(
        model in any_model(),
        weights in any_weights(),
        steps in any_path(),
        value in 1..1_000_000_000i64,
        cuts in prop::collection::vec(0.0..1.0f64, 0..6),
    ) {
        // the net value after the conversion and after each refund, the last of which refunds the rest
        let mut net: Vec<i64> = cuts.iter().map(|cut| (value as f64 * cut) as i64).collect();
        net.sort_unstable_by(|one, other| other.cmp(one));
        let net = [vec![0, value], net, vec![0]].concat();
        let mut sums = vec![0; steps.len()];
        for step in net.windows(2) {
            let change = credit_change(model, &weights, &steps, step[0], step[1]);
            prop_assert_eq!(sum(&change), i128::from(step[1] - step[0]));
            sums.iter_mut().zip(change).for_each(|(sum, change)| *sum += change);
            prop_assert_eq!(&sums, &credit(model, &weights, &steps, step[1]));
        }
        prop_assert!(sums.iter().all(|sum| *sum == 0));
    }
}
