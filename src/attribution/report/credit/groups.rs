//! What the rows of a comparison stand for.

use std::collections::HashMap;

use crate::{
    attribution::{
        channel::Channel,
        facts::{Dictionary, Text, Tuple, TupleNumber},
    },
    word_enum::word_enum,
};

word_enum! {
    /// What the rows of a comparison stand for. The text is its name in addresses.
    #[derive(Default)]
    pub enum GroupBy {
        #[default]
        Channel = "channel",
        Source = "source",
        Campaign = "campaign",
    }
}

impl GroupBy {
    /// Returns the value by which touches with a tuple are grouped.
    fn value(self, dictionary: &Dictionary, tuple: &Tuple) -> Option<Text> {
        match self {
            Self::Channel => Some(tuple.channel),
            Self::Source => tuple.source,
            Self::Campaign => tuple.campaign.map(|campaign| dictionary.shown(campaign)),
        }
    }
}

/// What one row stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Conversions without a touch before them. In a comparison of channels, also touches that name no source.
    Direct,
    /// Touches with this value. `None` stands for touches without a value.
    Value(Option<String>),
}

/// The groups of all tuples.
pub(in crate::attribution::report) struct Groups {
    /// The groups of touches, in the order of their names, whatever order the facts have. After them comes the group of conversions
    /// without a touch.
    pub all: Vec<Group>,
    /// By tuple: the place of its group.
    of_tuple: Vec<usize>,
}

impl Groups {
    pub fn of(dictionary: &Dictionary, by: GroupBy) -> Self {
        let value = |tuple: &Tuple| by.value(dictionary, tuple);
        let mut values: Vec<Option<Text>> = dictionary.tuples().iter().map(value).collect();
        values.sort_unstable();
        values.dedup();
        values.sort_by_key(|value| value.map(|text| dictionary.texts.get(text)));
        let places: HashMap<Option<Text>, usize> = values.iter().copied().zip(0..).collect();
        let name = |value: Option<Text>| match value.map(|text| dictionary.texts.get(text)) {
            Some(channel) if by == GroupBy::Channel && channel == Channel::Direct.as_str() => Group::Direct,
            value => Group::Value(value.map(str::to_owned)),
        };
        let of_tuple = dictionary.tuples().iter().map(|tuple| places[&value(tuple)]).collect();
        Self { all: values.into_iter().map(name).chain([Group::Direct]).collect(), of_tuple }
    }

    /// Returns the number of groups with touches.
    pub fn len(&self) -> usize {
        self.all.len() - 1
    }

    /// Returns the place of the group of touches with a tuple.
    pub fn place(&self, tuple: TupleNumber) -> usize {
        self.of_tuple[tuple.place()]
    }

    /// Returns the groups with touches.
    pub fn of_touches(&self) -> &[Group] {
        &self.all[..self.len()]
    }
}
