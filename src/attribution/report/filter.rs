//! A filter is read from the query string of an admin page or a CSV file, and written back into one ([`Filter::href`]). Both
//! directions stand here, because a link must lead to the filter that the link was made from.
//!
//! | parameter | meaning |
//! |---|---|
//! | `from`, `to` | the first and the last day: `2026-10-24`. A missing day leaves that end open. Both win over `period`. |
//! | `period` | `7d`, `30d`, `90d`, `12m` or `all` |
//! | `tz` | the IANA name of the time zone in which days begin. Default: `UTC` |
//! | `source` … `content`, `channel` | this value, in any case; `(not set)` finds the touches without one |
//! | `q` | a part of the user's e-mail address, the campaign or the term, in any case |
//! | `model` | how conversions are credited: `first`, `last`, `last_non_direct`, `linear`, `position` or `time_decay` |
//! | `kind` | which conversions are credited: `signup`, `purchase` … Default: all |
//!
//! `campaign` takes the name that reports show, and any name that was merged into it. `q` looks in all of these names.
//!
//! An empty parameter counts as absent. If a parameter is repeated, the last value that is not empty counts. Unknown parameters
//! are ignored here, because pages have parameters of their own.

use form_urlencoded::Serializer;
use jiff::civil::Date;

use super::{
    parameters::{Parameters, Problem},
    period::{Period, Preset},
};
use crate::{
    attribution::{channel::Channel, model::Model},
    timestamp::Timestamp,
    word_enum::word_enum,
};

/// The value by which a filter asks for touches without a value. (It also finds touches whose value is this very text.)
pub const NOT_SET: &str = "(not set)";

word_enum! {
    /// A field of a touch that a filter can ask for. The text is the query parameter.
    pub enum FilterField {
        Source = "source",
        Medium = "medium",
        Campaign = "campaign",
        Term = "term",
        Content = "content",
        Channel = "channel",
    }
}

/// A period, and conditions on the touches in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub period: Period,
    /// The values asked for, in the order of [`FilterField::ALL`].
    values: [Option<String>; 6],
    /// The text to search for, cleaned.
    pub q: Option<String>,
    /// The model that credits conversions. `None` stands for the configured model.
    pub model: Option<Model>,
    /// The kind of conversions that are credited. `None` stands for all kinds.
    pub kind: Option<String>,
}

/// A filter, and the parts of the query string that could not be understood.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedFilter {
    /// The filter, with the default in place of each value that could not be understood.
    pub filter: Filter,
    pub problems: Vec<Problem>,
}

impl ParsedFilter {
    /// Returns what a form shows for a parameter: where the value was wrong, what was typed.
    pub fn typed(&self, name: &str) -> Option<String> {
        let wrong = self.problems.iter().find(|problem| problem.name == name).map(|problem| problem.value.clone());
        wrong.or_else(|| self.filter.pairs().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value))
    }
}

impl Filter {
    /// Returns the filter for all touches of a period.
    pub fn new(period: Period) -> Self {
        Self { period, values: Default::default(), q: None, model: None, kind: None }
    }

    /// Reads a query string. A query string without a period means `default`; `now` tells which day is today.
    pub fn parse(query: &str, default: Preset, now: Timestamp) -> ParsedFilter {
        let mut parameters = Parameters::new(query);
        let period = Period::parse(&mut parameters, default, now);
        let filter = Self {
            period,
            values: FilterField::ALL.map(|field| parse_field(&mut parameters, field)),
            q: parameters.last("q"),
            model: parameters.read("model", |typed| typed.parse().ok(), wrong_model),
            // kinds are stored in lower case
            kind: parameters.last("kind").map(|kind| kind.to_lowercase()),
        };
        ParsedFilter { filter, problems: parameters.problems }
    }

    /// Returns the value asked for.
    pub fn get(&self, field: FilterField) -> Option<&str> {
        self.values[field as usize].as_deref()
    }

    /// Returns the filter with another value asked for. `Some(NOT_SET)` asks for touches without a value, `None` for
    /// all.
    pub fn with(mut self, field: FilterField, value: Option<&str>) -> Self {
        self.values[field as usize] = value.map(str::to_owned);
        self
    }

    /// Returns the filter with another text to search for.
    pub fn searching(self, q: Option<String>) -> Self {
        Self { q, ..self }
    }

    /// Returns the filter with another model.
    pub fn by_model(self, model: Option<Model>) -> Self {
        Self { model, ..self }
    }

    /// Returns the filter for another kind of conversions.
    pub fn of_kind(self, kind: Option<String>) -> Self {
        Self { kind, ..self }
    }

    /// Returns the filter for another period.
    pub fn during(&self, period: Period) -> Self {
        Self { period, ..self.clone() }
    }

    /// Returns the filter without its conditions on touches; period, model and kind stay.
    pub fn bare(&self) -> Self {
        Self { model: self.model, kind: self.kind.clone(), ..Self::new(self.period.clone()) }
    }

    /// Returns whether the filter has no condition on touches, apart from their time.
    pub fn is_bare(&self) -> bool {
        self.q.is_none() && self.values.iter().all(Option::is_none)
    }

    /// Returns whether a conversion without any touch, which is credited to Direct, passes the conditions on fields. The search
    /// text is not looked at here: it is compared with the user's e-mail address.
    pub fn finds_direct(&self) -> bool {
        FilterField::ALL.into_iter().all(|field| match (field, self.get(field)) {
            (_, None) => true,
            (FilterField::Channel, Some(channel)) => channel == Channel::Direct.as_str(),
            (_, Some(value)) => value == NOT_SET,
        })
    }

    /// Returns the filter for the period before, or `None` if the period has an open end.
    pub fn previous(&self) -> Option<Self> {
        self.period.previous().map(|period| self.during(period))
    }

    /// Returns the parameters of a link to this filter. A named period stays a name: `30d` of tomorrow has other days.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = match self.period.preset {
            Some(preset) => vec![("period", preset.as_str().to_owned())],
            None => self.days(),
        };
        pairs.extend(self.conditions());
        pairs
    }

    /// Returns the parameters with days in place of a period's name. A file has these, since its name must say what is
    /// in it.
    pub fn dated_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.days();
        pairs.extend(self.conditions());
        pairs
    }

    /// Returns the address of a page with this filter and further parameters.
    pub fn href(&self, path: &str, further: &[(&str, &str)]) -> String {
        href(path, self.pairs().iter().map(|(name, value)| (*name, value.as_str())).chain(further.iter().copied()))
    }

    fn days(&self) -> Vec<(&'static str, String)> {
        let day = |name, day: Option<Date>| day.map(|day| (name, day.to_string()));
        day("from", self.period.from).into_iter().chain(day("to", self.period.to)).collect()
    }

    fn conditions(&self) -> impl Iterator<Item = (&'static str, String)> {
        let tz = self.tz_name();
        let tz = (tz != "UTC").then(|| ("tz", tz.to_owned()));
        let values =
            FilterField::ALL.into_iter().filter_map(|field| Some((field.as_str(), self.get(field)?.to_owned())));
        tz.into_iter()
            .chain(values)
            .chain(self.q.clone().map(|q| ("q", q)))
            .chain(self.model.map(|model| ("model", model.as_str().to_owned())))
            .chain(self.kind.clone().map(|kind| ("kind", kind)))
    }

    /// Returns the IANA name of the time zone.
    pub fn tz_name(&self) -> &str {
        self.period.tz.iana_name().unwrap_or("UTC")
    }
}

fn parse_field(parameters: &mut Parameters<'_>, field: FilterField) -> Option<String> {
    match field {
        FilterField::Channel => parameters.read(
            "channel",
            |typed| typed.parse::<Channel>().ok().map(|channel| channel.as_str().to_owned()),
            |typed| format!("“{typed}” is not a channel."),
        ),
        _ => parameters.last(field.as_str()),
    }
}

fn wrong_model(typed: &str) -> String {
    let names = Model::ALL.map(Model::as_str);
    let (last, others) = (names[names.len() - 1], names[..names.len() - 1].join(", "));
    format!("“{typed}” is not a model. Use {others} or {last}.")
}

/// Returns the address of a page with these parameters.
pub fn href<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
