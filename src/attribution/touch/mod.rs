//! A touch and its row: one arrival that carried a marketing signal.

use serde::{Deserialize, Serialize};

use super::{
    channel::{Classified, Facts, rules::Rules},
    signal::{Signals, Utm, clean::is_hidden, referrer::Referrer},
};
use crate::{
    db::{Insert, Table, Value},
    id::{TouchId, TouchSeed, VisitorId},
    timestamp::Timestamp,
};

/// Completes a stored touch with what a handler seeded or a beacon tells.
pub mod complete;
/// Digests by which an arrival, or a step of a path, is recognized.
pub mod fingerprint;
/// Stores the touches of known visitors in groups.
pub mod known;
/// Reads stored touches again by the present rules.
pub mod reclassify;
/// The statements by which touches are stored and completed.
mod rows;
/// Storing touches: once each, under their visitor.
pub mod store;

/// The longest stored landing path, in bytes. Longer paths are cut.
const PATH_BYTES: usize = 1024;

static TOUCHES: Table = Table { name: "touches", columns: &COLUMNS };

/// The columns, in the order of the values of [`Touch::row`]. Arrays are concatenated by hand: the standard library cannot yet do
/// so in a constant.
const COLUMNS: [&str; 3 + Utm::COUNT + OTHERS.len()] = {
    let mut columns = [""; 3 + Utm::COUNT + OTHERS.len()];
    let (mut place, parts) = (0, [["id", "visitor_id", "occurred_at"].as_slice(), &Utm::COLUMNS, &OTHERS]);
    let mut part = 0;
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            columns[place] = parts[part][index];
            (place, index) = (place + 1, index + 1);
        }
        part += 1;
    }
    columns
};

const OTHERS: [&str; 11] = [
    "channel",
    "click_ids",
    "tags",
    "landing_path",
    "referrer",
    "derived",
    "internal",
    "hits",
    "fingerprint",
    "origin",
    "rules_version",
];

/// What made a touch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TouchOrigin {
    /// The link: UTM fields, a click id or a tag.
    #[default]
    Link,
    /// The page that linked here. The link itself carried no signal.
    Referrer,
    /// A request handler, which seeded a lead source.
    Seeded,
    /// A record of another system.
    Import,
}

impl TouchOrigin {
    /// Returns the origin as the database stores it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Referrer => "referrer",
            Self::Seeded => "seeded",
            Self::Import => "import",
        }
    }
}

/// Reads a stored origin. A value that this version does not know counts as a link, so that no page fails for it.
impl From<String> for TouchOrigin {
    fn from(stored: String) -> Self {
        let all = [Self::Link, Self::Referrer, Self::Seeded, Self::Import];
        all.into_iter().find(|origin| origin.as_str() == stored).unwrap_or_default()
    }
}

/// What an arrival says, before it becomes a touch.
#[derive(Clone, Debug)]
pub struct Landing {
    pub signals: Signals,
    /// The path that was opened, without its query.
    pub path: String,
    pub referrer: Option<Referrer>,
    pub origin: TouchOrigin,
    /// The link stood on a page of this site.
    pub internal: bool,
}

impl Landing {
    /// Returns the referrer that can say where a visitor came from: a page of another site.
    pub fn outside(referrer: Option<&Referrer>, internal: bool) -> Option<&Referrer> {
        referrer.filter(|_| !internal)
    }

    /// Returns the channel, and the rule that decides it.
    pub fn classify<'r>(&self, rules: &'r Rules) -> Classified<'r> {
        let Signals { utm, click_ids, .. } = &self.signals;
        let names: Vec<&str> = click_ids.keys().copied().collect();
        let (path, referrer) = (cut(&self.path), self.referrer.as_ref().map(Referrer::as_string));
        rules.classify(&Facts {
            source: utm.source.as_deref(),
            medium: utm.medium.as_deref(),
            campaign: utm.campaign.as_deref(),
            term: utm.term.as_deref(),
            content: utm.content.as_deref(),
            referrer: referrer.as_deref(),
            landing_path: Some(&path),
            click_ids: &names,
            gad_source_is_1: click_ids.get("gad_source").is_some_and(|value| value == "1"),
        })
    }
}

/// A touch that does not have a visitor yet.
#[derive(Clone, Debug)]
pub struct Touch {
    pub id: TouchId,
    /// The number from which the id is made. Only the browser whose touch waits in a cookie gets it. Imported touches and sample
    /// touches have ids of another kind and never wait, so their seed has no use.
    pub seed: TouchSeed,
    pub occurred_at: Timestamp,
    pub utm: Utm,
    pub channel: &'static str,
    /// A JSON object: name to id.
    pub click_ids: String,
    /// A JSON object: name to list of values.
    pub tags: String,
    pub landing_path: String,
    pub referrer: Option<String>,
    pub derived: bool,
    pub internal: bool,
    /// How often the arrival was seen. A touch begins with 1.
    pub hits: i64,
    pub origin: TouchOrigin,
    /// The version of the rules that chose the channel.
    pub rules_version: String,
    pub(crate) fingerprint: i64,
}

impl Touch {
    /// Makes a touch of a landing at the time `at`, classified by the rules.
    pub fn new(landing: Landing, at: Timestamp, rules: &Rules) -> Self {
        let channel = landing.classify(rules).channel.as_str();
        let Landing { signals, path, referrer, origin, internal } = landing;
        let click_ids = serde_json::to_string(&signals.click_ids).unwrap_or_else(|_| "{}".into());
        let tags = serde_json::to_string(&signals.tags).unwrap_or_else(|_| "{}".into());
        let utm = signals.utm;
        let seed = TouchSeed::new();
        Self {
            id: seed.touch_id(),
            seed,
            occurred_at: at,
            fingerprint: fingerprint::fingerprint(&utm, &click_ids, &tags),
            utm,
            channel,
            click_ids,
            tags,
            landing_path: cut(&path),
            referrer: referrer.as_ref().map(Referrer::as_string),
            derived: signals.derived,
            internal,
            hits: 1,
            origin,
            rules_version: rules.version().to_owned(),
        }
    }

    /// Gives the touch the id of this seed.
    pub fn with_seed(self, seed: TouchSeed) -> Self {
        Self { id: seed.touch_id(), seed, ..self }
    }

    /// Makes the touch of a link by the built-in rules, for tests.
    #[cfg(test)]
    pub(crate) fn of_link(signals: Signals, path: &str, at: Timestamp) -> Self {
        let landing =
            Landing { signals, path: path.to_owned(), referrer: None, origin: TouchOrigin::Link, internal: false };
        Self::new(landing, at, &Rules::default())
    }

    /// Returns the fingerprint, by which a repeat of the same arrival is recognized.
    pub fn fingerprint(&self) -> i64 {
        self.fingerprint
    }

    /// Returns the row of the visitor's touch.
    pub(crate) fn row(&self, visitor: VisitorId) -> Insert {
        let ids = [self.id.into(), visitor.into(), self.occurred_at.into()];
        let rest = [
            self.channel.into(),
            self.click_ids.as_str().into(),
            self.tags.as_str().into(),
            self.landing_path.as_str().into(),
            self.referrer.as_deref().into(),
            self.derived.into(),
            self.internal.into(),
            self.hits.into(),
            self.fingerprint.into(),
            self.origin.as_str().into(),
            self.rules_version.as_str().into(),
        ];
        Insert { table: &TOUCHES, values: ids.into_iter().chain(utm_values(&self.utm)).chain(rest).collect() }
    }
}

/// Returns the assignments of the UTM columns for an `update`, with placeholders from `first`: `source = $2, medium = $3, …`.
pub(crate) fn utm_assignments(first: usize) -> String {
    let assignments: Vec<String> =
        Utm::COLUMNS.iter().zip(first..).map(|(column, place)| format!("{column} = ${place}")).collect();
    assignments.join(", ")
}

/// Returns the values for [`Utm::COLUMNS`].
pub(crate) fn utm_values(utm: &Utm) -> impl Iterator<Item = Value> {
    utm.values().into_iter().map(|value| value.as_deref().into())
}

/// Returns a path as it is stored: without control and invisible characters, at most [`PATH_BYTES`] long.
fn cut(path: &str) -> String {
    let mut path: String = path.chars().filter(|&c| !is_hidden(c)).collect();
    path.truncate(path.floor_char_boundary(PATH_BYTES));
    path
}
