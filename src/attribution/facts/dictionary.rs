//! What many touches have in common is kept once, and a touch has its number.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::texts::{Numbered, Text, Texts};
use crate::attribution::channel::Channel;

/// What a link said, and what was made of it. Touches with equal tuples share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// All tuples, pages and campaigns. Cloning is cheap: see [`Numbered`].
#[derive(Clone, Debug)]
pub struct Dictionary {
    pub texts: Texts,
    tuples: Numbered<Tuple>,
    pages: Numbered<Page>,
    campaigns: Numbered<Campaign>,
    /// By tuple.
    campaign_of: Arc<Vec<CampaignNumber>>,
    /// Merged names: the name in links → the name in reports.
    aliases: Arc<HashMap<Text, Text>>,
}

impl Default for Dictionary {
    fn default() -> Self {
        let mut dictionary = Self {
            texts: Texts::default(),
            tuples: Numbered::default(),
            pages: Numbered::default(),
            campaigns: Numbered::default(),
            campaign_of: Arc::default(),
            aliases: Arc::default(),
        };
        dictionary.set_aliases(&[]);
        dictionary
    }
}

impl Dictionary {
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

    /// Returns the number of a page, which is added if it is new. Of the referrer only the host is kept:
    /// `example.org/a` → `example.org`.
    pub(super) fn add_page(&mut self, landing_path: &str, referrer: Option<&str>) -> PageNumber {
        let host = referrer.and_then(|referrer| referrer.split('/').next());
        let texts = &mut self.texts;
        let page = Page { landing_path: texts.add(landing_path), referrer: host.map(|host| texts.add(host)) };
        PageNumber(self.pages.add(page))
    }

    /// Returns the number of a tuple, which is added if it is new.
    pub(super) fn add_tuple(&mut self, tuple: Tuple) -> TupleNumber {
        let number = self.tuples.add(tuple);
        if self.campaign_of.len() <= number as usize {
            let campaign = self.add_campaign(&tuple);
            Arc::make_mut(&mut self.campaign_of).push(campaign);
        }
        TupleNumber(number)
    }

    /// Replaces the merged names.
    pub(super) fn set_aliases(&mut self, aliases: &[(String, String)]) {
        let texts = &mut self.texts;
        let channel = texts.add(Channel::Direct.as_str());
        self.aliases =
            Arc::new(aliases.iter().map(|(alias, campaign)| (texts.add(alias), texts.add(campaign))).collect());
        self.campaigns = Numbered::default();
        self.campaigns.add(Campaign { source: None, medium: None, campaign: None, channel });
        let tuples = self.tuples.values.clone();
        self.campaign_of = Arc::new(tuples.iter().map(|tuple| self.add_campaign(tuple)).collect());
    }

    fn add_campaign(&mut self, tuple: &Tuple) -> CampaignNumber {
        let campaign = tuple.campaign.map(|campaign| self.shown(campaign));
        let Tuple { source, medium, channel, .. } = *tuple;
        CampaignNumber(self.campaigns.add(Campaign { source, medium, campaign, channel }))
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

/// A dictionary for a snapshot. It has only what chunks refer to, under new numbers.
pub(super) struct Renumbered<'a> {
    all: &'a Dictionary,
    kept: Dictionary,
    /// By tuple: the new number of a tuple that was met.
    tuples: Vec<Option<TupleNumber>>,
    /// By page.
    pages: Vec<Option<PageNumber>>,
}

impl<'a> Renumbered<'a> {
    pub fn new(all: &'a Dictionary) -> Self {
        let (tuples, pages) = (vec![None; all.tuples().len()], vec![None; all.pages().len()]);
        Self { all, kept: Dictionary::default(), tuples, pages }
    }

    pub fn text(&mut self, text: Text) -> Text {
        self.kept.texts.add(self.all.texts.get(text))
    }

    pub fn tuple(&mut self, number: TupleNumber) -> TupleNumber {
        if let Some(known) = self.tuples[number.place()] {
            return known;
        }
        let tuple = *self.all.tuple(number);
        let kept = Tuple {
            source: tuple.source.map(|text| self.text(text)),
            medium: tuple.medium.map(|text| self.text(text)),
            campaign: tuple.campaign.map(|text| self.text(text)),
            term: tuple.term.map(|text| self.text(text)),
            content: tuple.content.map(|text| self.text(text)),
            channel: self.text(tuple.channel),
            rules_version: self.text(tuple.rules_version),
            ..tuple
        };
        *self.tuples[number.place()].insert(self.kept.add_tuple(kept))
    }

    pub fn page(&mut self, number: PageNumber) -> PageNumber {
        let Page { landing_path, referrer } = *self.all.page(number);
        let texts = &self.all.texts;
        *self.pages[number.place()]
            .get_or_insert_with(|| self.kept.add_page(texts.get(landing_path), referrer.map(|host| texts.get(host))))
    }

    /// Returns what a snapshot has of the dictionary.
    pub fn stored(&self) -> impl Serialize {
        let texts: Vec<&str> = self.kept.texts.all().iter().map(|text| &**text).collect();
        (texts, self.kept.tuples(), self.kept.pages())
    }
}

impl Dictionary {
    /// Makes a dictionary of what [`Renumbered::stored`] returned. Merged names are not in it. Returns `None` if the texts got other
    /// numbers: an empty dictionary already has one text.
    pub(super) fn of_stored((texts, tuples, pages): (Vec<String>, Vec<Tuple>, Vec<Page>)) -> Option<Self> {
        if texts.first().is_none_or(|text| text != Channel::Direct.as_str()) {
            return None;
        }
        let mut dictionary = Self::default();
        for text in texts {
            dictionary.texts.add(&text);
        }
        for tuple in tuples {
            dictionary.add_tuple(tuple);
        }
        for page in pages {
            dictionary.pages.add(page);
        }
        Some(dictionary)
    }
}
