use std::fmt::Write as _;

use super::Dialect;

/// Returns placeholders for `in (…)`. Example: `first` 2 and `count` 3 → `$2, $3, $4`.
pub fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// Returns rows of placeholders, for `values …` and for `in (…)`. Example: two rows of two → `($1, $2), ($3, $4)` on PostgreSQL, and
/// `(?, ?), (?, ?)` on SQLite. SQLite treats `$1` as a name, and searches all names for each value that is bound, so a long
/// statement would take quadratic time.
pub fn values_list(dialect: Dialect, rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * (width * 5 + 4));
    for place in 0..rows * width {
        text.push_str(match place % width {
            0 if place == 0 => "(",
            0 => "), (",
            _ => ", ",
        });
        match dialect {
            Dialect::Sqlite => text.push('?'),
            Dialect::Postgres => drop(write!(text, "${}", place + 1)),
        }
    }
    text.push(')');
    text
}

/// Repeats the last item until the number of items is a power of two. A connection then prepares few statements for groups of all
/// sizes.
pub fn padded<T: Clone>(mut items: Vec<T>) -> Vec<T> {
    if let Some(last) = items.last().cloned() {
        items.resize(items.len().next_power_of_two(), last);
    }
    items
}

/// Returns a pattern for `like … escape '\'` that matches every value with this text in it: `50%` → `%50\%%`.
pub fn contains_pattern(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_across_rows() {
        assert_eq!(values_list(Dialect::Postgres, 2, 2), "($1, $2), ($3, $4)");
        assert_eq!(values_list(Dialect::Sqlite, 2, 2), "(?, ?), (?, ?)");
        assert_eq!(values_list(Dialect::Postgres, 1, 3), "($1, $2, $3)");
    }

    #[test]
    fn items_are_padded_to_a_power_of_two() {
        assert_eq!(padded(vec![1, 2, 3]), [1, 2, 3, 3]);
        assert_eq!(padded(vec![7]), [7]);
        assert!(padded(Vec::<i64>::new()).is_empty());
    }

    #[test]
    fn a_pattern_takes_its_characters_literally() {
        assert_eq!(contains_pattern(r"50%_\"), r"%50\%\_\\%");
        assert_eq!((&*placeholders(2, 3), &*placeholders(1, 0)), ("$2, $3, $4", ""));
    }
}
