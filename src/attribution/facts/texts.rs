use std::{collections::HashMap, hash::Hash, num::NonZeroU32, sync::Arc};

use serde::{Deserialize, Serialize};

/// The number of a text. Two texts of the same [`Texts`] are equal if and only if their numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Text(NonZeroU32);

impl Text {
    /// Returns the place of the text in a list that has one entry for each text, and a first entry for "no text".
    pub fn place(text: Option<Self>) -> usize {
        text.map_or(0, |text| text.0.get() as usize)
    }

    /// Returns the text at a place among the texts. The first text has the number 1.
    fn at(place: u32) -> Self {
        // Four billion texts do not fit into the memory that facts may take.
        Self(NonZeroU32::MIN.saturating_add(place))
    }
}

/// Texts, each kept once.
#[derive(Clone, Debug, Default)]
pub struct Texts(Numbered<Arc<str>>);

impl Texts {
    /// Returns the text with a number.
    pub fn get(&self, text: Text) -> &str {
        &self.0.values[text.0.get() as usize - 1]
    }

    /// Returns the number of a text that is here.
    pub fn find(&self, text: &str) -> Option<Text> {
        self.0.numbers.get(text).copied().map(Text::at)
    }

    /// Returns the text at a place of [`Text::place`].
    pub fn at(&self, place: usize) -> Option<&str> {
        place.checked_sub(1).map(|index| &*self.0.values[index])
    }

    /// Returns the number of places: one for each text, and one for "no text".
    pub fn places(&self) -> usize {
        self.0.values.len() + 1
    }

    /// Returns the texts, in the order of their numbers.
    pub(super) fn all(&self) -> &[Arc<str>] {
        &self.0.values
    }

    /// Returns the number of a text, which is added if it is new.
    pub(super) fn add(&mut self, text: &str) -> Text {
        self.find(text).unwrap_or_else(|| Text::at(self.0.add(text.into())))
    }

    /// Returns about how many bytes the texts take.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes() + self.0.values.iter().map(|text| 2 * size_of::<usize>() + text.len()).sum::<usize>()
    }
}

/// Values, each with a number, from 0. Clones share their memory. The first new value copies it, and a known value copies nothing.
#[derive(Clone, Debug)]
pub(super) struct Numbered<T> {
    pub values: Arc<Vec<T>>,
    pub numbers: Arc<HashMap<T, u32>>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { values: Arc::default(), numbers: Arc::default() }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    /// Returns the number of a value, which is added if it is new.
    pub fn add(&mut self, value: T) -> u32 {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let number = self.values.len() as u32;
        Arc::make_mut(&mut self.values).push(value.clone());
        Arc::make_mut(&mut self.numbers).insert(value, number);
        number
    }

    /// Returns about how many bytes the values take.
    pub fn bytes(&self) -> usize {
        // The value in the list and in the map, which has room for about twice its entries.
        self.values.len() * (3 * size_of::<T>() + 8)
    }
}
