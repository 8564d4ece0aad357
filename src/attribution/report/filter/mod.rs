//! What a report is asked for, as the query string of an admin page or a CSV file says it.
//!
//! | parameter | meaning |
//! |---|---|
//! | `from`, `to` | days, both included: `2026-10-24`. One without the other leaves that end open. They win over `period`. |
//! | `period` | `7d`, `30d`, `90d`, `12m` or `all` |
//! | `tz` | the time zone in which days begin, by its IANA name. Default `UTC`. |
//! | `source` … `content`, `channel` | that value, in any case; `(not set)` finds the touches without one |
//! | `q` | part of the user's e-mail address, the campaign or the term, in any case |
//! | `model` | how conversions are credited: `first`, `last`, `last_non_direct`, `linear`, `position` or `time_decay` |
//! | `kind` | which conversions are credited: `signup`, `purchase` … Default: all |
//!
//! A campaign is asked for by the name that reports show, or by one that stands for it; `q` looks in both.
//!
//! An empty parameter is no parameter, of repeated ones the last non-empty one holds, unknown ones are left to others.

/// The conditions that a filter is, in SQL.
mod conditions;

use form_urlencoded::Serializer;
use jiff::{civil::Date, tz::TimeZone};

use super::{
    Period, Preset,
    period::{FIRST_DAY, LAST_DAY, day_of},
};
use crate::{
    attribution::{channel::Channel, model::Model, signal::clean},
    timestamp::Timestamp,
};

/// How a filter asks for touches that have no value in a field. (A touch whose value reads just so is found with them.)
pub const NOT_SET: &str = "(not set)";

/// A field of a touch that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Source,
    Medium,
    Campaign,
    Term,
    Content,
    Channel,
}

impl Field {
    pub const ALL: [Self; 6] = [Self::Source, Self::Medium, Self::Campaign, Self::Term, Self::Content, Self::Channel];

    /// Its query parameter, and its column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Medium => "medium",
            Self::Campaign => "campaign",
            Self::Term => "term",
            Self::Content => "content",
            Self::Channel => "channel",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::Medium => "Medium",
            Self::Campaign => "Campaign",
            Self::Term => "Term",
            Self::Content => "Content",
            Self::Channel => "Channel",
        }
    }

    /// Its column of `touches t`.
    const fn column(self) -> &'static str {
        match self {
            Self::Source => "t.source",
            Self::Medium => "t.medium",
            Self::Campaign => "t.campaign",
            Self::Term => "t.term",
            Self::Content => "t.content",
            Self::Channel => "t.channel",
        }
    }
}

/// A period and conditions on the touches in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub period: Period,
    /// The values asked for, by [`Field::ALL`]'s order.
    values: [Option<String>; 6],
    /// The names of the campaign asked for, where they were looked up.
    names: Option<Vec<String>>,
    /// What is searched for, cleaned.
    pub q: Option<String>,
    /// How conversions are credited, where it was said.
    pub model: Option<Model>,
    /// The kind of conversions that are credited; nothing for all kinds.
    pub kind: Option<String>,
}

/// One parameter that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The parameter.
    pub name: &'static str,
    /// What was typed, so that a form can show it again.
    pub value: String,
    /// What is wrong, in words.
    pub message: String,
}

/// A filter, and what of the query string it does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// With the default in the place of what could not be understood.
    pub filter: Filter,
    pub problems: Vec<Problem>,
}

impl Parsed {
    /// What a form shows for a parameter: what was typed where it is wrong.
    pub fn typed(&self, name: &str) -> Option<String> {
        let wrong = self.problems.iter().find(|problem| problem.name == name).map(|problem| problem.value.clone());
        wrong.or_else(|| self.filter.pairs().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value))
    }
}

impl Filter {
    /// All touches of a period.
    pub fn new(period: Period) -> Self {
        Self { period, values: Default::default(), names: None, q: None, model: None, kind: None }
    }

    /// Reads a query string. Without a period in it, `default` is meant; `now` says which day today is.
    pub fn parse(query: &str, default: Preset, now: Timestamp) -> Parsed {
        let mut problems = Vec::new();
        let mut problem =
            |name, value: &str, message: String| problems.push(Problem { name, value: value.to_owned(), message });

        let tz = last(query, "tz").and_then(|name| match zone(&name) {
            Some(tz) => Some(tz),
            None => {
                problem("tz", &name, format!("“{name}” is no time zone; write it like Europe/Berlin or UTC."));
                None
            }
        });
        let tz = tz.unwrap_or(TimeZone::UTC);
        let today = day_of(now, &tz);

        let mut day = |name| {
            let typed = last(query, name)?;
            let day = typed.parse::<Date>().ok().filter(|day| (FIRST_DAY..=LAST_DAY).contains(day));
            if day.is_none() {
                problem(name, &typed, format!("“{typed}” is no day; write it like 2026-11-23."));
            }
            day
        };
        let (from, to) = (day("from"), day("to"));
        let preset = last(query, "period").and_then(|typed| {
            let preset = Preset::parse(&typed);
            if preset.is_none() {
                problem("period", &typed, format!("“{typed}” is no period; it can be 7d, 30d, 90d, 12m or all."));
            }
            preset
        });
        let period = match (from, to) {
            (Some(from), Some(to)) if from > to => {
                problem("from", &from.to_string(), format!("The first day, {from}, is after the last."));
                problem("to", &to.to_string(), format!("The last day, {to}, is before the first."));
                Period::preset(preset.unwrap_or(default), today, tz)
            }
            (None, None) => Period::preset(preset.unwrap_or(default), today, tz),
            (from, to) => Period { from, to, tz, preset: None },
        };

        let mut filter = Self::new(period);
        for field in Field::ALL {
            let Some(typed) = last(query, field.name()) else { continue };
            match (field, typed.parse::<Channel>()) {
                (Field::Channel, Ok(channel)) => filter.values[field as usize] = Some(channel.as_str().to_owned()),
                (Field::Channel, Err(_)) => {
                    problem("channel", &typed, format!("“{typed}” is no channel."));
                }
                _ => filter.values[field as usize] = Some(typed),
            }
        }
        filter.q = last(query, "q");
        filter.model = last(query, "model").and_then(|typed| match typed.parse() {
            Ok(model) => Some(model),
            Err(_) => {
                let names = Model::ALL.map(Model::as_str);
                let (last, others) = (names[names.len() - 1], names[..names.len() - 1].join(", "));
                problem("model", &typed, format!("“{typed}” is no model; it can be {others} or {last}."));
                None
            }
        });
        // kinds are lower case
        filter.kind = last(query, "kind").map(|kind| kind.to_lowercase());
        Parsed { filter, problems }
    }

    /// The value asked for.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.values[field as usize].as_deref()
    }

    /// The same with another value asked for. No value, where the touches have none, is `Some(NOT_SET)`.
    pub fn with(mut self, field: Field, value: Option<&str>) -> Self {
        self.values[field as usize] = value.map(str::to_owned);
        self.names = None;
        self
    }

    /// The same with another text searched for.
    pub fn searching(self, q: Option<String>) -> Self {
        Self { q, ..self }
    }

    /// The same credited by another model.
    pub fn by_model(self, model: Option<Model>) -> Self {
        Self { model, ..self }
    }

    /// The same about another kind of conversions.
    pub fn of_kind(self, kind: Option<String>) -> Self {
        Self { kind, ..self }
    }

    /// The same in another period.
    pub fn during(&self, period: Period) -> Self {
        Self { period, ..self.clone() }
    }

    /// The same without anything asked of the touches.
    pub fn bare(&self) -> Self {
        Self { model: self.model, kind: self.kind.clone(), ..Self::new(self.period.clone()) }
    }

    /// Whether anything is asked of the touches but their time.
    pub fn is_bare(&self) -> bool {
        self.q.is_none() && self.values.iter().all(Option::is_none)
    }

    /// Whether what is asked of the touches, but for the search, holds where there is none: for credit that goes to Direct.
    pub fn finds_direct(&self) -> bool {
        Field::ALL.into_iter().all(|field| match (field, self.get(field)) {
            (_, None) => true,
            (Field::Channel, Some(channel)) => channel == Channel::Direct.as_str(),
            (_, Some(value)) => value == NOT_SET,
        })
    }

    /// The same in the period before; nothing where an end is open.
    pub fn previous(&self) -> Option<Self> {
        self.period.previous().map(|period| self.during(period))
    }

    /// The parameters that lead here again, with a period that moves on with the days where it has a name.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = match self.period.preset {
            Some(preset) => vec![("period", preset.as_str().to_owned())],
            None => self.days(),
        };
        pairs.extend(self.conditions());
        pairs
    }

    /// The parameters with the days themselves: for a file, which must say what is in it.
    pub fn dated_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.days();
        pairs.extend(self.conditions());
        pairs
    }

    /// The address of a page with this filter and further parameters.
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
        let values = Field::ALL.into_iter().filter_map(|field| Some((field.name(), self.get(field)?.to_owned())));
        tz.into_iter()
            .chain(values)
            .chain(self.q.clone().map(|q| ("q", q)))
            .chain(self.model.map(|model| ("model", model.as_str().to_owned())))
            .chain(self.kind.clone().map(|kind| ("kind", kind)))
    }

    /// The IANA name of the time zone.
    pub fn tz_name(&self) -> &str {
        self.period.tz.iana_name().unwrap_or("UTC")
    }
}

/// The address of a page with these parameters.
pub fn href<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The last non-empty value of a parameter, cleaned of what cannot be in a stored value.
fn last(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .filter_map(|(_, value)| clean::tidy(&value))
        .last()
}

/// The time zone of that name. Only names with a known place count, not what `TZ` variables may hold.
fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|tz| tz.iana_name().is_some())
}
