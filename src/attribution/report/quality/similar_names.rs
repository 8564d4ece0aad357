//! Two campaign names probably mean the same campaign if they differ only in separators, in a plural s, or in one
//! letter.
//!
//! Names whose digits differ never look alike: `sale_2024` and `sale_2025` are two campaigns.
//!
//! The module does not compare every name with every other. It files a name under its letters and digits, and under the same text
//! with any one letter left out. Only names that share such a place are compared, so the work grows with the number of names and
//! not with its square.

use std::{
    collections::{BTreeMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

/// One letter may differ only in names of at least this many letters and digits.
const LETTERS: usize = 5;
/// One letter may differ only in a word of at least this many letters, if both names have the same number of words:
/// `launch-us` and `launch-uk` are two campaigns.
const WORD: usize = 4;
/// In names of more letters and digits, no letter may differ.
const LONGEST: usize = 64;
/// How many names of one place are compared with each other: those with the most touches.
const NEIGHBOURS: usize = 32;

/// A campaign's name and its number of touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignCount {
    pub name: String,
    pub touches: i64,
}

/// How two names differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The names differ in case, spaces, hyphens and the like: `Spring Sale`, `spring-sale`.
    Separators,
    /// The names differ in an s at the end: `newsletter`, `newsletters`.
    Plural,
    /// The names differ in one letter, which is wrong, missing, or swapped with the next letter.
    Letter,
}

/// Two names that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimilarPair {
    /// The name with fewer touches, which would be merged into the other.
    pub fewer: CampaignCount,
    pub more: CampaignCount,
    pub likeness: Likeness,
}

/// Returns the names that look like a name with more touches, each paired with the largest such name. `names` and the
/// result have the name with the most touches first.
pub fn pairs(names: &[CampaignCount]) -> Vec<SimilarPair> {
    let shapes: Vec<Shape> = names.iter().map(|named| Shape::of(&named.name)).collect();
    let mut places: Vec<(u64, usize)> = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        shape.places(|place| places.push((place, index)));
    }
    places.sort_unstable();
    places.dedup();
    let mut best: BTreeMap<usize, (usize, Likeness)> = BTreeMap::new();
    let mut compared = HashSet::new();
    for group in places.chunk_by(|one, next| one.0 == next.0) {
        // Within a group the names are in the order of their touches: a smaller index has more.
        let group = &group[..group.len().min(NEIGHBOURS)];
        for (place, &(_, fewer)) in group.iter().enumerate() {
            for &(_, more) in &group[..place] {
                let better = best.get(&fewer).is_none_or(|(known, _)| more < *known);
                if better
                    && compared.insert((fewer, more))
                    && let Some(likeness) = shapes[fewer].likeness(&shapes[more])
                {
                    best.insert(fewer, (more, likeness));
                }
            }
        }
    }
    best.into_iter()
        .map(|(fewer, (more, likeness))| SimilarPair {
            fewer: names[fewer].clone(),
            more: names[more].clone(),
            likeness,
        })
        .collect()
}

/// A name in the form in which it is compared.
#[derive(Debug)]
struct Shape {
    /// Its letters and digits, in lower case.
    key: Vec<char>,
    /// Where in `key` its words end.
    ends: Vec<usize>,
}

impl Shape {
    fn of(name: &str) -> Self {
        let mut shape = Self { key: Vec::new(), ends: Vec::new() };
        for word in name.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()) {
            shape.key.extend(word.chars().flat_map(char::to_lowercase));
            shape.ends.push(shape.key.len());
        }
        shape
    }

    fn words(&self) -> impl Iterator<Item = &[char]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.key[start..end])
    }

    fn digits(&self) -> impl Iterator<Item = char> {
        self.key.iter().copied().filter(|character| character.is_numeric())
    }

    /// Calls `add` with every place under which the name is filed. Names that look alike share a place.
    fn places(&self, mut add: impl FnMut(u64)) {
        if self.key.is_empty() {
            return;
        }
        let without = |left_out: Option<usize>| {
            let mut hasher = DefaultHasher::new();
            for (place, character) in self.key.iter().enumerate() {
                if Some(place) != left_out {
                    character.hash(&mut hasher);
                }
            }
            hasher.finish()
        };
        add(without(None));
        if (LETTERS..=LONGEST).contains(&self.key.len()) {
            let letters = (0..self.key.len()).filter(|&place| !self.key[place].is_numeric());
            letters.for_each(|place| add(without(Some(place))));
        } else if self.key.last() == Some(&'s') {
            add(without(Some(self.key.len() - 1)));
        }
    }

    fn likeness(&self, other: &Self) -> Option<Likeness> {
        if self.key == other.key {
            return Some(Likeness::Separators);
        }
        let (short, long) = if self.key.len() <= other.key.len() { (self, other) } else { (other, self) };
        if !short.digits().eq(long.digits()) {
            return None;
        }
        if short.key.len() >= 3 && long.key.split_last() == Some((&'s', &short.key)) {
            return Some(Likeness::Plural);
        }
        let near = short.key.len() >= LETTERS
            && long.key.len() <= LONGEST
            && one_apart(&short.key, &long.key)
            && short.differs_in_a_long_word(long);
        near.then_some(Likeness::Letter)
    }

    /// Returns whether the words that differ are long enough for one wrong letter. True if the names have different numbers of
    /// words.
    fn differs_in_a_long_word(&self, other: &Self) -> bool {
        if self.ends.len() != other.ends.len() {
            return true;
        }
        let mut differing = self.words().zip(other.words()).filter(|(one, other)| one != other);
        differing.all(|(one, other)| one.len().min(other.len()) >= WORD)
    }
}

/// Returns whether `long` is `short` with one letter more, one other letter, or two neighbours swapped: `newsletter`,
/// `newslettre`.
///
/// This function is our own, because it looks at each letter once. `strsim::osa_distance` fills a table of 64 × 64 for the
/// longest names, and takes six times as long on the worst list of names.
fn one_apart(short: &[char], long: &[char]) -> bool {
    let same_front = short.iter().zip(long).take_while(|(one, other)| one == other).count();
    let (short, long) = (&short[same_front..], &long[same_front..]);
    match long.len() - short.len() {
        0 => match (short, long) {
            ([a, b, rest @ ..], [c, d, others @ ..]) if a == d && b == c && rest == others => true,
            ([_, rest @ ..], [_, others @ ..]) => rest == others,
            _ => false,
        },
        1 => short == &long[1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &str, other: &str) -> Option<Likeness> {
        let found = [(one, other), (other, one)].map(|(more, fewer)| {
            let names = [(more, 2), (fewer, 1)].map(|(name, touches)| CampaignCount { name: name.to_owned(), touches });
            pairs(&names).first().map(|pair| pair.likeness)
        });
        assert_eq!(found[0], found[1], "{one} {other}");
        found[0]
    }

    #[test]
    fn what_looks_alike() {
        let cases = [
            ("spring_sale", "spring-sale", Some(Likeness::Separators)),
            ("spring_sale", "springsale", Some(Likeness::Separators)),
            ("spring sale", "Spring.Sale", Some(Likeness::Separators)),
            ("a-b", "ab", Some(Likeness::Separators)),
            ("größe", "GRÖSSE", None),
            ("sale", "sales", Some(Likeness::Plural)),
            ("summer_sale", "summer-sales", Some(Likeness::Plural)),
            ("ad", "ads", None),
            ("newsletter", "newsleter", Some(Likeness::Letter)),
            ("newsletter", "newslettre", Some(Likeness::Letter)),
            ("newsletter", "newslettor", Some(Likeness::Letter)),
            ("newsletter", "xnewsletter", Some(Likeness::Letter)),
            ("spring_sale_2025", "sprng-sale-2025", Some(Likeness::Letter)),
            ("newsletter", "newsletr", None),
            // digits that differ are another campaign
            ("spring_2024", "spring_2025", None),
            ("promo12", "promo21", None),
            ("newsletter", "newsletter1", None),
            ("newsletter-1", "newsletter-11", None),
            // short names and words that differ by one letter mean different things
            ("test", "rest", None),
            ("launch-us", "launch-uk", None),
            ("variant-a", "variant-b", None),
            ("!!!", "???", None),
        ];
        for (one, other, expected) in cases {
            assert_eq!(likeness(one, other), expected, "{one} {other}");
        }
        let (long, longer) = ("x".repeat(70), "x".repeat(71));
        assert_eq!(likeness(&long, &longer), None);
        assert_eq!(likeness(&long, &format!("{}-x", &long[1..])), Some(Likeness::Separators));
    }

    #[test]
    fn each_name_is_paired_with_the_largest() {
        let names = [("spring_sale", 9), ("springsale", 4), ("spring-sale", 2), ("autumn", 1)]
            .map(|(name, touches)| CampaignCount { name: name.to_owned(), touches });
        let found: Vec<_> = pairs(&names).into_iter().map(|pair| (pair.fewer.name, pair.more.name)).collect();
        let expected = [("springsale", "spring_sale"), ("spring-sale", "spring_sale")];
        assert_eq!(found, expected.map(|(fewer, more)| (fewer.to_owned(), more.to_owned())));
    }

    #[test]
    fn the_places_find_what_comparing_all_finds() {
        // short words over few letters, so that many are near each other
        let mut state = 7_u32;
        let mut next = |limit: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % limit
        };
        let mut words = HashSet::new();
        for _ in 0..400 {
            let word: String = (0..3 + next(5)).map(|_| ['a', 'b', 's', '1', '-'][next(5) as usize]).collect();
            words.insert(word);
        }
        let mut words: Vec<_> = words.into_iter().collect();
        words.sort();
        let names: Vec<CampaignCount> = words.into_iter().map(|name| CampaignCount { name, touches: 1 }).collect();
        let shapes: Vec<Shape> = names.iter().map(|named| Shape::of(&named.name)).collect();
        let mut paired = 0;
        for (fewer, more) in (0..names.len()).flat_map(|fewer| (0..fewer).map(move |more| (fewer, more))) {
            if !shapes[fewer].key.is_empty() && shapes[fewer].likeness(&shapes[more]).is_some() {
                let two = [names[more].clone(), names[fewer].clone()];
                assert_eq!(pairs(&two).len(), 1, "{two:?}");
                paired += 1;
            }
        }
        assert!(paired > 100, "{paired}");
    }

    #[test]
    fn many_names_take_little_time() {
        // the worst: all share one place, or have many
        let same = (0..10_000_u32).filter_map(|n| Some(format!("campaign{}", char::from_u32(0x4e00 + n)?)));
        let long = (0..10_000).map(|n| format!("{:a>64}", format!("{n:b}").replace('0', "x").replace('1', "y")));
        for names in [same.collect::<Vec<_>>(), long.collect()] {
            let names: Vec<CampaignCount> = names.into_iter().map(|name| CampaignCount { name, touches: 1 }).collect();
            assert_eq!(names.len(), 10_000);
            let begin = std::time::Instant::now();
            pairs(&names);
            assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
        }
    }
}
