//! The inspector: what would become of an arrival, and why. Nothing is stored.
//!
//! It is also the example of an island, a component that runs on the server and in the browser:
//!
//! 1. `page` answers `GET /admin/inspector?address=…`. It renders the whole page, so that the form works without a script.
//! 2. [`Inspector`] is the island: the form, and the answer beside it. The browser makes it again from its props, which Leptos
//!    writes into the page as JSON. From then on its signals change what is shown.
//! 3. While an address is typed, [`read_fields`] runs in the browser: the same parser as on the server.
//! 4. Pressing "Inspect" calls the server function [`inspect`]. The page and the server function return one type,
//!    [`InspectorResult`], so that one component shows both.
//!
//! Modules without `cfg(feature = "ssr")` are compiled for the browser too.

use serde::{Deserialize, Serialize};

use crate::attribution::signal::{self, Signals, custom_tags::CustomTags, referrer::Referrer};

/// From a typed arrival to the result.
#[cfg(feature = "ssr")]
mod answer;
/// The island and its server function.
mod island;
/// The page: the island, and the table of all rules.
#[cfg(feature = "ssr")]
mod page;

pub use self::island::{Inspect, Inspector, inspect};
#[cfg(feature = "ssr")]
pub use self::page::InspectorPage;

/// The page's address, to which its form leads.
pub const PATH: &str = "/admin/inspector";

/// An arrival as it is typed into the form. Text is empty where nothing was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedArrival {
    pub address: String,
    /// The `Referer`.
    pub linked_from: String,
    /// The `User-Agent`.
    pub agent: String,
    /// The browser sends `Sec-GPC`.
    pub gpc: bool,
}

/// What becomes of a typed arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InspectorResult {
    /// The address cannot be read.
    Unreadable,
    /// A direct visit, which leaves no trace.
    NothingToCapture,
    /// An arrival that says where it comes from.
    Arrival(Box<InspectedArrival>),
    /// The server refused, or could not be reached.
    NoAnswer,
}

/// An arrival, in the words that the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedArrival {
    pub verdict: Verdict,
    pub channel: String,
    pub rule: InspectedRule,
    pub fields: Vec<ReadField>,
    /// Where source and medium were read: "The link", "The click id" …
    pub read_from: String,
    pub landing_path: String,
    pub referrer: Option<String>,
    /// A page of this site linked there.
    pub internal: bool,
    /// Sentences about what was left out.
    pub left_out: Vec<String>,
}

/// Whether an arrival becomes a touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Captured {
        /// A part stands behind the `#`, where only the beacon sees it.
        by_beacon: bool,
    },
    NotCaptured {
        label: String,
        explanation: String,
    },
}

/// The rule that chose the channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedRule {
    pub name: String,
    /// The end of a sentence that begins with "It matches when".
    pub about: String,
    /// It stands in the owner's file.
    pub custom: bool,
}

/// A value that the parser found in an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadField {
    pub term: String,
    pub value: String,
    /// Kept byte for byte: a click id or a custom tag.
    pub exact: bool,
}

/// What an address says by itself. For the preview: no rule is asked, and nothing is left out.
///
/// `/pricing?utm_source=news#utm_medium=email` → Source: news, Medium: email
pub fn read_fields(address: &str, linked_from: &str, tags: &CustomTags) -> Vec<ReadField> {
    let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let query = format!("{query}&{fragment}");
    fields_of(signal::parse(&query, Referrer::parse(linked_from).as_ref(), tags))
}

/// The signals as the page lists them: UTM fields, then click ids, then custom tags.
fn fields_of(signals: Signals) -> Vec<ReadField> {
    let Signals { utm, click_ids, tags, .. } = signals;
    let utm = [
        ("Source", utm.source),
        ("Medium", utm.medium),
        ("Campaign", utm.campaign),
        ("Term", utm.term),
        ("Content", utm.content),
        ("Id", utm.id),
        ("Source platform", utm.source_platform),
        ("Creative format", utm.creative_format),
        ("Marketing tactic", utm.marketing_tactic),
    ];
    let utm = utm.into_iter().filter_map(|(term, value)| Some((term.to_owned(), value?, false)));
    let ids = click_ids.into_iter().map(|(name, value)| (name.to_owned(), value, true));
    let tags = tags.into_iter().map(|(name, values)| (name, values.join(", "), true));
    utm.chain(ids).chain(tags).map(|(term, value, exact)| ReadField { term, value, exact }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_what_stands_behind_the_hash() {
        let tags = CustomTags::parse("Ref", &[]).expect("a tag");
        let read = |address, linked_from| {
            let fields = read_fields(address, linked_from, &tags);
            fields.into_iter().map(|field| format!("{}={}", field.term, field.value)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            read("https://x.example/a?utm_source=news&ref=b#utm_medium=email", ""),
            "Source=news Medium=email Ref=b"
        );
        assert_eq!(read("/a?gclid=C1", "https://www.google.com/"), "Source=google Medium=cpc gclid=C1");
        assert_eq!(read("/a?b=c#d", ""), "");
        assert_eq!(read("", ""), "");
    }
}
