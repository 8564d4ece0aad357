use std::collections::HashMap;

use super::{FilterField, Question, Range, filter::NOT_SET};
use crate::{
    attribution::{
        facts::{
            Dictionary, Facts, Person, Text, Touch, Tuple, TupleNumber,
            scan::{Tally, scan},
        },
        signal::clean,
    },
    timestamp::Timestamp,
};

/// A question, ready to be asked of each touch.
pub struct Matcher<'a> {
    facts: &'a Facts,
    pub question: &'a Question,
    pub dictionary: &'a Dictionary,
    /// The period of the question.
    pub range: Range,
    /// By tuple: whether the filter finds a touch with it, first of anybody, then of a user whose e-mail address has the text to
    /// search for. `None` if the filter has no condition on touches.
    tuples: Option<[Vec<bool>; 2]>,
}

/// Which touches of one person the filter finds.
#[derive(Clone, Copy)]
pub struct Matching<'a>(Option<&'a [bool]>);

impl Matching<'_> {
    pub fn finds(self, tuple: TupleNumber) -> bool {
        self.0.is_none_or(|tuples| tuples[tuple.place()])
    }
}

impl<'a> Matcher<'a> {
    pub fn new(facts: &'a Facts, question: &'a Question) -> Self {
        let dictionary = facts.dictionary();
        let range = question.filter.period.range();
        let tuples = (!question.filter.is_bare()).then(|| {
            let mut conditions = Conditions::new(dictionary, question);
            let find = |tuple: &Tuple| {
                let Tuple { source, medium, campaign, term, content, channel, .. } = *tuple;
                conditions.find([source, medium, campaign, term, content, Some(channel)])
            };
            let (of_found, of_all) = dictionary.tuples().iter().map(find).unzip();
            [of_all, of_found]
        });
        Self { facts, question, dictionary, range, tuples }
    }

    /// Counts the persons with a touch, a sign-up or a conversion in a range of time. `new` returns an empty tally.
    pub fn scan<T: Tally>(&self, range: Range, new: impl Fn() -> T + Sync) -> T {
        scan(self.facts, range, self.question.found_users(), new)
    }

    /// Returns which touches of a person the filter finds, apart from their time.
    pub fn of(&self, person: &Person<'_>) -> Matching<'_> {
        Matching(self.tuples.as_ref().map(|tuples| tuples[usize::from(person.is_found)].as_slice()))
    }

    /// Returns the touches of the period that the filter finds.
    pub fn touches(&self, person: &Person<'a>) -> impl Iterator<Item = Touch> {
        let (matching, range) = (self.of(person), self.range);
        person.touches().filter(move |touch| range.contains(touch.at) && matching.finds(touch.tuple))
    }

    /// Returns the touches that brought a user: those that the filter finds, at or before the sign-up and within the look-back
    /// window.
    pub fn brought(&self, person: &Person<'a>, created_at: Timestamp) -> impl Iterator<Item = Touch> {
        let (matching, first) = (self.of(person), created_at - self.question.window);
        person.touches().filter(move |touch| (first..=created_at).contains(&touch.at) && matching.finds(touch.tuple))
    }

    /// Returns the time of the sign-up if the person is a user who signed up in the period.
    pub fn signed_up(&self, person: &Person<'_>) -> Option<Timestamp> {
        person.user().map(|user| user.created_at).filter(|at| self.range.contains(*at))
    }

    /// Returns whether the filter finds conversions of this person that have no touch.
    pub fn finds_direct(&self, person: &Person<'_>) -> bool {
        let filter = &self.question.filter;
        filter.finds_direct() && (filter.q.is_none() || person.is_found)
    }
}

/// The conditions of a filter on the fields of a touch.
pub(super) struct Conditions<'a> {
    dictionary: &'a Dictionary,
    /// For each field that the filter asks for: the texts that it may have, and whether it may be missing.
    fields: Vec<(FilterField, Vec<Text>, bool)>,
    /// The text to search for, in lower case.
    q: Option<String>,
    /// Whether a text contains the text to search for.
    contains: HashMap<Text, bool>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(dictionary: &'a Dictionary, question: &Question) -> Self {
        let asked = |field| {
            let value = question.filter.get(field)?;
            let mut texts = Vec::new();
            // The value as typed and as stored. Stored values are in lower case, except for the tokens of referral links.
            for value in [value, &clean::clean(value).unwrap_or_default()] {
                texts.extend(dictionary.texts.find(value));
            }
            if field == FilterField::Campaign {
                let shown: Vec<Text> = texts.iter().map(|&campaign| dictionary.shown(campaign)).collect();
                texts.extend(shown);
            }
            Some((field, texts, value == NOT_SET))
        };
        Self {
            dictionary,
            fields: FilterField::ALL.into_iter().filter_map(asked).collect(),
            q: question.filter.q.as_ref().map(|q| q.to_lowercase()),
            contains: HashMap::new(),
        }
    }

    /// Returns whether the filter finds a touch with these fields: of a user whose e-mail address has the text to search for, and
    /// of all others. The fields are in the order of [`FilterField::ALL`]. A text that no touch of the facts has counts as missing.
    pub(super) fn find(&mut self, fields: [Option<Text>; 6]) -> (bool, bool) {
        let named = self.fields.iter().all(|(field, texts, or_missing)| match fields[*field as usize] {
            None => *or_missing,
            // Reports show a merged campaign under another name, and the filter finds it under both.
            Some(text) => {
                texts.contains(&text)
                    || (*field == FilterField::Campaign && texts.contains(&self.dictionary.shown(text)))
            }
        });
        (named, named && self.is_searched_for(fields))
    }

    /// Returns whether the text to search for is a part of the campaign's name in the link, of the name that reports show, or of
    /// the term.
    fn is_searched_for(&mut self, fields: [Option<Text>; 6]) -> bool {
        let Self { dictionary, q: Some(q), contains, .. } = self else { return true };
        let [_, _, campaign, term, ..] = fields;
        let shown = campaign.map(|campaign| dictionary.shown(campaign));
        [campaign, shown, term].into_iter().flatten().any(|text| {
            *contains.entry(text).or_insert_with(|| dictionary.texts.get(text).to_lowercase().contains(&*q))
        })
    }
}
