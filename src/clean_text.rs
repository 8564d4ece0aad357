//! Text that arrives in a URL is cleaned before it is compared or stored.
//!
//! What always holds of a cleaned value:
//! - The value is not empty, has at most [`MAX_CHARS`] characters, and cleaning it again changes nothing.
//! - The value has no control, zero-width or bidirectional character, and no white space but single spaces between other
//!   characters.
//!
//! So both databases can store the value (PostgreSQL refuses NUL). A page can show the value without hiding or reordering the
//! text beside it. Two values can be compared byte by byte.

/// The longest cleaned value, in characters (Unicode scalar values).
pub const MAX_CHARS: usize = 255;

/// Cleans the value of a UTM field: [`tidy`], then lower case, so that `Google` and `google` are one source. Returns `None` if
/// nothing is left. Example: `" Spring\tSale "` → `"spring sale"`.
pub fn clean(value: &str) -> Option<String> {
    let mut cleaned = tidy(value)?;
    if cleaned.is_ascii() {
        cleaned.make_ascii_lowercase();
        return Some(cleaned);
    }
    // A lower-case text can be longer than the original: 'İ' becomes two characters. So the text is cut again, and the cut can
    // fall just behind a space.
    let mut cleaned = cleaned.to_lowercase();
    if let Some((end, _)) = cleaned.char_indices().nth(MAX_CHARS) {
        cleaned.truncate(end);
        cleaned.truncate(cleaned.trim_end().len());
    }
    Some(cleaned)
}

/// Cleans a value whose case matters. Removes hidden characters, makes every run of white space a single space, trims, and keeps
/// at most [`MAX_CHARS`] characters. Returns `None` if nothing is left.
pub fn tidy(value: &str) -> Option<String> {
    let mut tidied = String::with_capacity(value.len().min(MAX_CHARS));
    let mut length = 0;
    let mut space = false;
    for character in value.chars() {
        if matches!(character, '\t' | '\n') {
            space = true;
        } else if is_hidden(character) {
            // A hidden character does not end a gap: "a \u{200b} b" has one gap.
        } else if character.is_whitespace() {
            space = true;
        } else {
            let gap = space && length > 0;
            length += 1 + usize::from(gap);
            if length > MAX_CHARS {
                break;
            }
            if gap {
                tidied.push(' ');
            }
            tidied.push(character);
            space = false;
        }
    }
    (!tidied.is_empty()).then_some(tidied)
}

/// Returns whether a character is invisible or reorders the text around it. These are controls (Unicode Cc), zero-width
/// characters, bidirectional marks, embeddings and isolates, annotation anchors, and tag characters.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_become_lower_case_and_single_spaced() {
        let cases = [
            ("Google", "google"),
            ("  Spring\t\nSale  2026 ", "spring sale 2026"),
            ("ÜBER\u{a0}Straße", "über straße"),
            ("ΟΔΟΣ", "οδος"),
            ("a\u{0}b\u{7f}c\u{85}d", "abcd"),
            ("a\r\nb", "a b"),
            ("a \u{200b} b", "a b"),
            ("\u{202e}evil\u{2069}\u{feff}", "evil"),
            ("\u{fffd}", "\u{fffd}"),
        ];
        for (value, expected) in cases {
            assert_eq!(clean(value).as_deref(), Some(expected), "{value:?}");
        }
    }

    #[test]
    fn case_is_kept_where_it_matters() {
        assert_eq!(tidy(" Partner\tA\u{0} ").as_deref(), Some("Partner A"));
    }

    #[test]
    fn nothing_left_is_no_value() {
        for value in ["", " ", "\t\n", "\u{0}", "\u{200b}\u{202e}", "\u{3000} \u{2028}"] {
            assert_eq!(clean(value), None, "{value:?}");
            assert_eq!(tidy(value), None, "{value:?}");
        }
    }

    #[test]
    fn the_cap_counts_characters_and_leaves_no_space_behind() {
        assert_eq!(clean(&"é".repeat(300)), Some("é".repeat(255)));
        assert_eq!(clean(&format!("{} b", "a".repeat(254))), Some("a".repeat(254)));
        assert_eq!(clean(&format!("{} b", "a".repeat(253))), Some(format!("{} b", "a".repeat(253))));
        // Lower case doubles these, so that the cap falls behind the space.
        let doubled = format!("{} b{}", "İ".repeat(127), "c".repeat(100));
        assert_eq!(clean(&doubled), Some("i\u{307}".repeat(127)));
    }

    #[test]
    fn every_character_is_clean_after_one_pass() {
        for character in '\0'..=char::MAX {
            if let Some(once) = clean(&character.to_string()) {
                assert_eq!(clean(&once).as_ref(), Some(&once), "{character:?}");
                assert!(!once.chars().any(is_hidden), "{character:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn cleaning_is_idempotent(value in any::<String>(), repeat in 1_usize..40) {
            let value = value.repeat(repeat);
            let once = clean(&value);
            prop_assert_eq!(once.as_deref().and_then(clean), once.clone());
            let once = tidy(&value);
            prop_assert_eq!(once.as_deref().and_then(tidy), once);
        }

        #[test]
        fn cleaning_is_idempotent_on_what_is_hard(value in "[ΣİABσ \t\u{0}\u{200b}\u{307}\u{a0}ǅẞ]{0,400}") {
            let once = clean(&value);
            prop_assert_eq!(once.as_deref().and_then(clean), once.clone());
            if let Some(once) = once {
                prop_assert!(once.chars().count() <= MAX_CHARS && once.trim() == once && !once.contains("  "));
            }
        }
    }
}
