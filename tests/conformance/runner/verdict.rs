//! Compares the touches that a case expects with the leads that its accounts have.

use std::{cmp::Reverse, collections::HashSet};

use serde_json::Value;

use super::{
    admin::{Lead, cell},
    file::{COLUMNS, Case, Expected, ExpectedTouch},
    play::Played,
};

/// Returns what does not hold, in words. Nothing is wrong if the list is empty.
pub fn mistakes(case: &Case, played: &Played, leads: &[Lead]) -> Vec<String> {
    let user_of = |lead: &Lead| played.accounts.iter().find(|account| account.email == cell(lead, "user_email"));
    let found: Vec<&Lead> = leads.iter().filter(|lead| user_of(lead).is_some()).collect();
    let mut mistakes = Vec::new();
    if found.len() != case.touches.len() {
        mistakes.push(format!("{} touches, not {}", found.len(), case.touches.len()));
    } else {
        let differences = |expected, lead| {
            let user = user_of(lead).and_then(|account| account.name.as_deref());
            differences(expected, lead, user)
        };
        // Two touches may have the same time, so they are found by what they hold. The case's touch that says most chooses first.
        let mut rest = found.clone();
        let mut expected: Vec<(usize, &ExpectedTouch)> = case.touches.iter().enumerate().collect();
        expected.sort_by_key(|(_, touch)| Reverse(touch.columns.len()));
        for (at, touch) in expected {
            let nearest = (0..rest.len()).min_by_key(|lead| differences(touch, rest[*lead]).len());
            let Some(lead) = nearest.map(|nearest| rest.swap_remove(nearest)) else { break };
            mistakes.extend(differences(touch, lead).iter().map(|wrong| format!("touch {}: {wrong}", at + 1)));
        }
    }
    let visitors = found.iter().map(|lead| cell(lead, "user_email")).collect::<HashSet<_>>().len();
    if let Some(expected) = case.visitors.filter(|expected| *expected != visitors) {
        mistakes.push(format!("{visitors} visitors, not {expected}"));
    }
    if !mistakes.is_empty() {
        mistakes.extend(found.into_iter().map(shown));
    }
    mistakes
}

fn differences(expected: &ExpectedTouch, lead: &Lead, user: Option<&str>) -> Vec<String> {
    let wrong_user = expected.user.as_deref().filter(|expected| Some(*expected) != user);
    let wrong_user = wrong_user.map(|expected| format!("it is {}’s, not {expected}’s", user.unwrap_or("nobody")));
    let columns = expected.columns.iter().filter_map(|(name, expected)| {
        let cell = cell(lead, name);
        match expected {
            Expected::Text(text) => (cell != text).then(|| format!("{name} is “{cell}”, not “{text}”")),
            Expected::Json(json) => {
                let same = serde_json::from_str::<Value>(cell).is_ok_and(|found| found == *json);
                (!same).then(|| format!("{name} is {cell}, not {json}"))
            }
        }
    });
    wrong_user.into_iter().chain(columns).collect()
}

fn shown(lead: &Lead) -> String {
    let cells = COLUMNS.into_iter().map(|name| (name, cell(lead, name)));
    let cells: Vec<String> =
        cells.filter(|(_, cell)| !matches!(*cell, "" | "{}")).map(|(name, cell)| format!("{name} = {cell}")).collect();
    format!("found: {}", cells.join(", "))
}
