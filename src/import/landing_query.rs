use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;

use super::columns::quoted;
use crate::{
    attribution::signal::{
        self, Signals, Utm,
        click_ids::{self, MAX_ID_BYTES},
        custom_tags::CustomTags,
        from_click_ids,
    },
    page_parameters::PAGE_PARAMETERS,
};

/// The longest UTM value or tag, in characters.
const MAX_CHARS: usize = 255;

/// The query string that would have brought a lead: `utm_source=google&gclid=…`.
///
/// The parser of real landings reads the lead's signals from the query string, with the same cleaning and limits. Values that
/// would not be stored are noted in words.
pub(super) struct LandingQuery<'a> {
    known_tags: &'a CustomTags,
    text: String,
    /// The names of UTM fields and click ids that have a value.
    used: Vec<&'static str>,
    tags: Vec<String>,
    left_out: Vec<String>,
}

impl<'a> LandingQuery<'a> {
    pub fn new(known_tags: &'a CustomTags) -> Self {
        Self { known_tags, text: String::new(), used: Vec::new(), tags: Vec::new(), left_out: Vec::new() }
    }

    fn push(&mut self, name: &str, value: &str) {
        for (sign, part) in [("&", name), ("=", value)] {
            self.text.push_str(sign);
            // Spaces and plus signs are encoded too: in a click id a plus is a plus, elsewhere it is a space.
            self.text.extend(utf8_percent_encode(part, NON_ALPHANUMERIC));
        }
    }

    pub fn utm(&mut self, name: &'static str, value: &str) {
        if value.chars().nth(MAX_CHARS).is_some() {
            let name = name.trim_start_matches("utm_");
            self.left_out.push(format!("{name} is cut at {MAX_CHARS} characters"));
        }
        self.used.push(name);
        self.push(name, value);
    }

    pub fn click_id(&mut self, name: &'static str, value: &str) {
        if value.len() > MAX_ID_BYTES {
            self.left_out.push(format!("{name} has more than {MAX_ID_BYTES} bytes and is left out"));
        } else if value.contains(char::is_control) {
            self.left_out.push(format!("{name} has a control character and is left out"));
        } else {
            self.used.push(name);
            self.push(name, value);
        }
    }

    /// Adds a JSON object of values by name: `{"partner": "A", "n": [1, 2]}`.
    pub fn tags(&mut self, column: &str, json: &str) -> Result<(), String> {
        let object = match serde_json::from_str(json) {
            Ok(Json::Object(object)) => object,
            Ok(Json::Null) => return Ok(()),
            Ok(_) => return Err(format!("{column} is not a JSON object: {}", quoted(json))),
            Err(error) => return Err(format!("{column} is not JSON ({error}): {}", quoted(json))),
        };
        for (name, value) in &object {
            let name = name.trim();
            match value {
                Json::Array(values) => values.iter().for_each(|value| self.tag(name, value)),
                value => self.tag(name, value),
            }
        }
        Ok(())
    }

    fn tag(&mut self, name: &str, value: &Json) {
        let value = match value {
            Json::Null => return,
            Json::String(text) if text.trim().is_empty() => return,
            Json::String(text) => text.clone(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            Json::Array(_) | Json::Object(_) => {
                return self.left_out.push(format!("the tag {} is not text and is left out", quoted(name)));
            }
        };
        // django-utm-tracker has columns for five click ids. Sites stored other click ids and further UTM fields as tags.
        let utm = Utm::PARAMETERS.into_iter().find(|utm| utm.eq_ignore_ascii_case(name));
        let click_id = click_ids::find(name.as_bytes()).map(|id| id.name);
        match utm.or(click_id) {
            Some(known) if self.used.contains(&known) => {
                self.left_out.push(format!("the tag {} is left out, because {known} has a value", quoted(name)));
            }
            Some(known) if utm.is_some() => self.utm(known, &value),
            Some(known) => self.click_id(known, &value),
            None => self.custom_tag(name, &value),
        }
    }

    fn custom_tag(&mut self, name: &str, value: &str) {
        match CustomTags::parse(name, &PAGE_PARAMETERS) {
            Ok(parsed) if parsed.names().eq([name]) => {
                let name = self.known_tags.spelling(name.as_bytes()).unwrap_or(name);
                if value.chars().nth(MAX_CHARS).is_some() {
                    self.left_out.push(format!("the tag {} is cut at {MAX_CHARS} characters", quoted(name)));
                }
                self.tags.push(name.to_owned());
                self.push(name, value);
            }
            Ok(_) => self.left_out.push(format!("{} cannot be a custom tag: it has a comma", quoted(name))),
            Err(error) => self.left_out.push(error.to_string()),
        }
    }

    /// Returns the signals that the parser of landings reads, and what is left out of them, in words.
    pub fn parse(mut self) -> (Signals, Vec<String>) {
        // each name was accepted by itself
        let tags = CustomTags::parse(&self.tags.join(","), &PAGE_PARAMETERS).unwrap_or_default();
        let mut signals = signal::parse(self.text.strip_prefix('&').unwrap_or_default(), &tags);
        from_click_ids::fill(&mut signals, None);
        let placeholder = |name| format!("{name} is left out, because its value is a placeholder");
        self.left_out.extend(signals.dropped.placeholders.iter().map(placeholder));
        if signals.dropped.cut || signals.dropped.pairs > 0 {
            self.left_out.push("what goes beyond 8 KiB or 100 values is left out".to_owned());
        }
        (signals, self.left_out)
    }
}
