/// Returns placeholders for `in (…)`. Example: `first` 2 and `count` 3 → `$2, $3, $4`.
pub fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
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
    fn a_pattern_takes_its_characters_literally() {
        assert_eq!(contains_pattern(r"50%_\"), r"%50\%\_\\%");
        assert_eq!((&*placeholders(2, 3), &*placeholders(1, 0)), ("$2, $3, $4", ""));
    }
}
