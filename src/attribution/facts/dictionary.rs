//! What many touches have in common is kept once, and a touch has its number.

use std::collections::HashMap;

use super::{
    bytes::{Reader, Writer},
    texts::{Text, Texts},
};
use crate::attribution::channel::Channel;

/// What a link said, and what was made of it. Touches with equal tuples share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    pub source: Option<Text>,
    pub medium: Option<Text>,
    /// The campaign in the link. Reports may show another name: see [`Campaign`].
    pub campaign: Option<Text>,
    pub term: Option<Text>,
    pub content: Option<Text>,
    pub channel: Text,
    /// The version of the rules that chose the channel.
    pub rules_version: Text,
    /// What tells two steps of a path apart: see [`step_key`].
    pub key: u64,
    pub derived: bool,
    pub internal: bool,
}

/// Where a touch arrived, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    pub landing_path: Text,
    /// The host of the referrer.
    pub referrer: Option<Text>,
}

/// A row of the report on campaigns, under the name that reports show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Campaign {
    pub source: Option<Text>,
    pub medium: Option<Text>,
    pub campaign: Option<Text>,
    pub channel: Text,
}

/// The place of a [`Tuple`] in [`Dictionary::tuples`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TupleNumber(pub(super) u32);

/// The place of a [`Page`] in [`Dictionary::pages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageNumber(pub(super) u32);

/// The place of a [`Campaign`] in [`Dictionary::campaigns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignNumber(u32);

impl TupleNumber {
    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

impl PageNumber {
    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

impl CampaignNumber {
    /// The campaign of conversions without a touch.
    pub const DIRECT: Self = Self(0);

    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

/// All tuples, pages and campaigns.
#[derive(Clone, Debug)]
pub struct Dictionary {
    pub texts: Texts,
    tuples: Numbered<Tuple>,
    pages: Numbered<Page>,
    campaigns: Numbered<Campaign>,
    /// By tuple.
    campaign_of: Vec<CampaignNumber>,
    /// Merged names: the name in links → the name in reports.
    aliases: HashMap<Text, Text>,
}

/// Values, each kept once under a number.
#[derive(Clone, Debug)]
struct Numbered<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Copy + Eq + std::hash::Hash> Numbered<T> {
    fn new() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }

    fn find(&self, value: &T) -> Option<u32> {
        self.numbers.get(value).copied()
    }

    /// Returns the number of a value, which is added if it is new.
    fn add(&mut self, value: T) -> u32 {
        let next = self.values.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }

    fn bytes(&self) -> usize {
        // the value in the list and in the map, which is at most half empty
        self.values.len() * (3 * size_of::<T>() + 8)
    }
}

impl Default for Dictionary {
    fn default() -> Self {
        let mut dictionary = Self::empty();
        dictionary.add_direct();
        dictionary
    }
}

impl Dictionary {
    /// Returns a dictionary without the campaign Direct.
    fn empty() -> Self {
        Self {
            texts: Texts::default(),
            tuples: Numbered::new(),
            pages: Numbered::new(),
            campaigns: Numbered::new(),
            campaign_of: Vec::new(),
            aliases: HashMap::new(),
        }
    }

    pub fn tuple(&self, number: TupleNumber) -> &Tuple {
        &self.tuples.values[number.place()]
    }

    pub fn tuples(&self) -> &[Tuple] {
        &self.tuples.values
    }

    pub fn page(&self, number: PageNumber) -> &Page {
        &self.pages.values[number.place()]
    }

    pub fn pages(&self) -> &[Page] {
        &self.pages.values
    }

    /// Returns the campaigns. The first is Direct.
    pub fn campaigns(&self) -> &[Campaign] {
        &self.campaigns.values
    }

    /// Returns the text of the channel Direct.
    pub fn direct(&self) -> Text {
        self.campaigns()[CampaignNumber::DIRECT.place()].channel
    }

    pub fn campaign_of(&self, tuple: TupleNumber) -> CampaignNumber {
        self.campaign_of[tuple.place()]
    }

    /// Returns the name under which reports show a campaign.
    pub fn shown(&self, campaign: Text) -> Text {
        self.aliases.get(&campaign).copied().unwrap_or(campaign)
    }

    /// Returns the name under which reports show a campaign of any name.
    pub fn shown_text<'a>(&'a self, campaign: &'a str) -> &'a str {
        self.texts.find(campaign).map_or(campaign, |campaign| self.texts.get(self.shown(campaign)))
    }

    pub(super) fn find_tuple(&self, tuple: &Tuple) -> Option<TupleNumber> {
        self.tuples.find(tuple).map(TupleNumber)
    }

    pub(super) fn find_page(&self, page: &Page) -> Option<PageNumber> {
        self.pages.find(page).map(PageNumber)
    }

    /// Returns the number of a page, which is added if it is new.
    pub(super) fn add_page(&mut self, page: Page) -> PageNumber {
        PageNumber(self.pages.add(page))
    }

    /// Returns the number of a tuple, which is added if it is new.
    pub(super) fn add_tuple(&mut self, tuple: Tuple) -> TupleNumber {
        let number = self.tuples.add(tuple);
        if self.campaign_of.len() <= number as usize {
            let campaign = self.add_campaign(&tuple);
            self.campaign_of.push(campaign);
        }
        TupleNumber(number)
    }

    /// Replaces the merged names.
    pub(super) fn set_aliases(&mut self, aliases: &[(String, String)]) {
        let texts = &mut self.texts;
        self.aliases = aliases.iter().map(|(alias, campaign)| (texts.add(alias), texts.add(campaign))).collect();
        self.campaigns = Numbered::new();
        self.add_direct();
        self.campaign_of.clear();
        for place in 0..self.tuples.values.len() {
            let tuple = self.tuples.values[place];
            let campaign = self.add_campaign(&tuple);
            self.campaign_of.push(campaign);
        }
    }

    fn add_campaign(&mut self, tuple: &Tuple) -> CampaignNumber {
        let campaign = tuple.campaign.map(|campaign| self.shown(campaign));
        let Tuple { source, medium, channel, .. } = *tuple;
        CampaignNumber(self.campaigns.add(Campaign { source, medium, campaign, channel }))
    }

    fn add_direct(&mut self) {
        let channel = self.texts.add(Channel::Direct.as_str());
        self.campaigns.add(Campaign { source: None, medium: None, campaign: None, channel });
    }

    /// Returns about how many bytes the dictionary takes.
    pub(super) fn bytes(&self) -> usize {
        self.texts.bytes()
            + self.tuples.bytes()
            + self.pages.bytes()
            + self.campaigns.bytes()
            + self.campaign_of.len() * 4
    }
}

/// What of a dictionary a snapshot keeps.
pub(super) struct Used {
    /// By tuple.
    pub tuples: Vec<bool>,
    /// By page.
    pub pages: Vec<bool>,
    /// By the places of [`Text::place`].
    pub texts: Vec<bool>,
}

impl Used {
    pub fn none_of(dictionary: &Dictionary) -> Self {
        Self {
            tuples: vec![false; dictionary.tuples.values.len()],
            pages: vec![false; dictionary.pages.values.len()],
            texts: vec![false; dictionary.texts.places()],
        }
    }
}

/// New numbers for what a snapshot keeps; 0 for what it leaves out, and for "no text".
pub(super) struct Renumbered {
    /// By the places of [`Text::place`]. The first text has number 1.
    pub texts: Vec<u32>,
    /// By tuple.
    pub tuples: Vec<u32>,
    /// By page.
    pub pages: Vec<u32>,
}

/// Gives a number to each value that is used.
fn renumber(used: &[bool], first: u32) -> Vec<u32> {
    let mut next = first;
    let number = |&used: &bool| {
        let number = if used { next } else { 0 };
        next += u32::from(used);
        number
    };
    used.iter().map(number).collect()
}

impl Dictionary {
    /// Writes what is used.
    pub(super) fn write(&self, used: Used, bytes: &mut Writer) -> Renumbered {
        let Used { tuples, pages, mut texts } = used;
        fn kept<'a, T>(values: &'a [T], used: &'a [bool]) -> impl Iterator<Item = &'a T> + use<'a, T> {
            values.iter().zip(used).filter(|(_, used)| **used).map(|(value, _)| value)
        }
        for tuple in kept(&self.tuples.values, &tuples) {
            let Tuple { source, medium, campaign, term, content, channel, rules_version, .. } = *tuple;
            for text in [source, medium, campaign, term, content, Some(channel), Some(rules_version)] {
                texts[Text::place(text)] = true;
            }
        }
        for page in kept(&self.pages.values, &pages) {
            texts[Text::place(Some(page.landing_path))] = true;
            texts[Text::place(page.referrer)] = true;
        }
        texts[0] = false;
        let numbers = renumber(&texts, 1);
        let number = |text: Option<Text>| numbers[Text::place(text)].to_le_bytes();
        bytes.int(texts.iter().filter(|used| **used).count() as i64);
        (1..texts.len())
            .filter(|&place| texts[place])
            .for_each(|place| bytes.text(self.texts.at(place).unwrap_or_default()));
        bytes.int(kept(&self.tuples.values, &tuples).count() as i64);
        for tuple in kept(&self.tuples.values, &tuples) {
            let Tuple { source, medium, campaign, term, content, channel, rules_version, key, derived, internal } =
                *tuple;
            let fields = [source, medium, campaign, term, content, Some(channel), Some(rules_version)];
            bytes.list(&fields, |field| number(*field));
            bytes.int(key.cast_signed());
            bytes.int(i64::from(derived) + 2 * i64::from(internal));
        }
        bytes.int(kept(&self.pages.values, &pages).count() as i64);
        for page in kept(&self.pages.values, &pages) {
            bytes.list(&[Some(page.landing_path), page.referrer], |field| number(*field));
        }
        let (tuples, pages) = (renumber(&tuples, 0), renumber(&pages, 0));
        Renumbered { texts: numbers, tuples, pages }
    }

    /// Reads what [`write`](Self::write) wrote. Aliases are not in it.
    pub(super) fn read(bytes: &mut Reader<'_>) -> Option<Self> {
        // Texts have the numbers with which they were written, so they come before the text of Direct.
        let mut dictionary = Self::empty();
        for _ in 0..bytes.int()? {
            dictionary.texts.add(bytes.text()?);
        }
        dictionary.add_direct();
        for _ in 0..bytes.int()? {
            let fields = bytes.list(|place| Some(u32::from_le_bytes(place)))?;
            let [source, medium, campaign, term, content, channel, rules_version] = *fields else { return None };
            let text = |place| dictionary.texts.number(place);
            let key = bytes.int()?.cast_unsigned();
            let flags = bytes.int()?;
            let tuple = Tuple {
                source: text(source),
                medium: text(medium),
                campaign: text(campaign),
                term: text(term),
                content: text(content),
                channel: text(channel)?,
                rules_version: text(rules_version)?,
                key,
                derived: flags & 1 != 0,
                internal: flags & 2 != 0,
            };
            dictionary.add_tuple(tuple);
        }
        for _ in 0..bytes.int()? {
            let fields = bytes.list(|place| Some(u32::from_le_bytes(place)))?;
            let [landing_path, referrer] = *fields else { return None };
            let text = |place| dictionary.texts.number(place);
            let page = Page { landing_path: text(landing_path)?, referrer: text(referrer) };
            dictionary.pages.add(page);
        }
        Some(dictionary)
    }
}
