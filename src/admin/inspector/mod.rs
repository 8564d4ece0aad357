//! The inspector shows what the server would do with an arrival, and why. It stores nothing.
//!
//! The inspector is also the example of an island, a component that runs on the server and in the browser:
//!
//! 1. `page` answers `GET /admin/inspector?address=…`. The route renders the whole page, so the form works without a script.
//! 2. [`Inspector`] is the island. The browser makes it again from its props, which Leptos writes into the page as JSON. Its
//!    children, most fields of the form, stay as the server rendered them.
//! 3. While somebody types, `preview` runs in the browser: the same parser as on the server. A signal holds what is shown.
//! 4. Pressing "Inspect" calls the server function [`inspect`]. The page and the server function return one type,
//!    [`InspectorResult`], and one component shows it.
//!
//! The code for the browser contains only the modules without `cfg(feature = "ssr")`.

use serde::{Deserialize, Serialize};

/// From a typed arrival to the result.
#[cfg(feature = "ssr")]
mod answer;
/// The island and its server function.
mod island;
/// The page: the island, and the table of all rules.
#[cfg(feature = "ssr")]
mod page;
/// What an address says by itself.
mod preview;

pub use self::island::{Inspect, Inspector, inspect};
#[cfg(feature = "ssr")]
pub use self::page::InspectorPage;

/// The page's address, to which its form leads.
pub const PATH: &str = "/admin/inspector";

/// An arrival as it is typed into the form. A field without text is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedArrival {
    pub address: String,
    /// The `Referer`.
    pub linked_from: String,
    /// The `User-Agent`.
    pub agent: String,
    /// The browser sends `Sec-GPC`.
    pub gpc: bool,
}

/// What becomes of an arrival, in the words that the page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectorResult {
    /// The address cannot be read, and nothing else is known.
    pub unreadable: bool,
    pub verdict: Option<Verdict>,
    pub cards: Vec<ResultCard>,
}

/// Whether the arrival is captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub good: bool,
    pub title: String,
    pub text: String,
}

/// A part of the result: its facts, and sentences below them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultCard {
    pub title: String,
    pub facts: Vec<ResultFact>,
    pub notes: Vec<String>,
}

/// A term and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultFact {
    pub term: String,
    pub value: String,
    /// In the fixed-width font, for ids and addresses.
    pub mono: bool,
}

impl Verdict {
    fn bad(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { good: false, title: title.into(), text: text.into() }
    }
}

impl ResultCard {
    fn new(title: &str, facts: Vec<ResultFact>, notes: Vec<String>) -> Self {
        Self { title: title.to_owned(), facts, notes }
    }
}

impl ResultFact {
    fn new(term: impl Into<String>, value: impl Into<String>) -> Self {
        Self { term: term.into(), value: value.into(), mono: false }
    }

    fn mono(term: impl Into<String>, value: impl Into<String>) -> Self {
        Self { mono: true, ..Self::new(term, value) }
    }
}

impl From<Verdict> for InspectorResult {
    fn from(verdict: Verdict) -> Self {
        Self { verdict: Some(verdict), ..Self::default() }
    }
}

impl From<ResultCard> for InspectorResult {
    fn from(card: ResultCard) -> Self {
        Self { cards: vec![card], ..Self::default() }
    }
}
