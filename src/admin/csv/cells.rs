use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    admin::amounts::exact_amount,
    attribution::{model::Minor, report::credit::Revenue},
};

/// Returns a cell that a spreadsheet takes for text (OWASP, CSV injection): `=1+1` → `'=1+1`. Programs that read the file remove
/// the `'`.
pub fn text(value: &str) -> Cow<'_, str> {
    const FORMULA: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', '\u{feff}'];
    let mut safe = if value.starts_with(FORMULA) { Cow::from(format!("'{value}")) } else { Cow::from(value) };
    // in some languages, spreadsheets begin a cell at a semicolon, too
    for sign in FORMULA {
        let begin = format!(";{sign}");
        if safe.contains(&begin) {
            safe = safe.replace(&begin, &format!(";'{sign}")).into();
        }
    }
    safe
}

/// Returns the value, or an empty cell.
pub fn optional(value: &Option<String>) -> Cow<'_, str> {
    text(value.as_deref().unwrap_or_default())
}

/// Returns a JSON object as a cell. Its semicolons are escaped, because some spreadsheets begin a cell there:
/// `{"a":";"}` → `{"a":"\u003b"}`.
pub fn json(value: &str) -> Cow<'_, str> {
    if value.contains(';') { value.replace(';', "\\u003b").into() } else { value.into() }
}

/// Writes `{"EUR":"123.45"}`. The amounts are text, so that no program rounds them.
pub fn values(earned: &Revenue) -> String {
    let exact = |(currency, value): (&String, &Minor)| (currency.clone(), exact_amount(*value, currency));
    let values: BTreeMap<String, String> = earned.by_currency.iter().map(exact).collect();
    // a map of texts always becomes JSON
    serde_json::to_string(&values).unwrap_or_else(|_| "{}".to_owned())
}
