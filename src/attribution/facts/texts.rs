use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

/// The number of a text. Two texts of the same [`Texts`] are equal if and only if their numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(NonZeroU32);

impl Text {
    /// Returns the place of the text in a list that has one entry for each text, and a first entry for "no text".
    pub fn place(text: Option<Self>) -> usize {
        text.map_or(0, |text| text.0.get() as usize)
    }
}

/// Texts, each kept once.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, Text>,
}

impl Texts {
    /// Returns the text with a number.
    pub fn get(&self, text: Text) -> &str {
        &self.texts[text.0.get() as usize - 1]
    }

    /// Returns the number of a text that is here.
    pub fn find(&self, text: &str) -> Option<Text> {
        self.numbers.get(text).copied()
    }

    /// Returns the text at a place of [`Text::place`].
    pub fn at(&self, place: usize) -> Option<&str> {
        place.checked_sub(1).map(|index| &*self.texts[index])
    }

    /// Returns the number of places: one for each text, and one for "no text".
    pub fn places(&self) -> usize {
        self.texts.len() + 1
    }

    /// Returns the number of a text, which is added if it is new.
    pub(super) fn add(&mut self, text: &str) -> Text {
        if let Some(number) = self.find(text) {
            return number;
        }
        let kept: Arc<str> = text.into();
        self.texts.push(kept.clone());
        // The first number is 1. Four billion texts do not fit into the memory that facts may take.
        let number = Text(NonZeroU32::new(self.texts.len() as u32).unwrap_or(NonZeroU32::MAX));
        self.numbers.insert(kept, number);
        number
    }

    /// Returns the text with this place, if there is one. The first text has place 1.
    pub(super) fn number(&self, place: u32) -> Option<Text> {
        let number = NonZeroU32::new(place)?;
        (place as usize <= self.texts.len()).then_some(Text(number))
    }

    /// Returns about how many bytes the texts take.
    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|text| text.len()).sum();
        // a reference-counted text, its two places, and its number
        texts + self.texts.len() * (16 + 16 + 16 + 8 + 4)
    }
}
