//! Reading the owner's rules from TOML. All mistakes are told at once, each with the rule it is in.

use std::{collections::HashSet, sync::Arc};

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::{Condition, Custom, Field, Inner, Rules};
use crate::attribution::{
    channel::{Channel, RULES, RULES_VERSION},
    signal::click_ids::CLICK_IDS,
};

impl Rules {
    /// Reads the owner's rules. `Err` has all that is wrong, a sentence each.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| vec![syntax(&error)])?;
        let mut mistakes = Vec::new();
        for key in table.keys().filter(|key| *key != "rule") {
            mistakes.push(format!("{key:?} is nothing that stands outside a rule; each rule begins with [[rule]]"));
        }
        let mut custom = Vec::new();
        match table.get("rule") {
            None => {}
            Some(Value::Array(rules)) => {
                let mut names = HashSet::new();
                for (index, rule) in rules.iter().enumerate() {
                    let mut reader = Reader { place: format!("rule {}", index + 1), mistakes: &mut mistakes };
                    if let Some(rule) = reader.rule(rule, &mut names) {
                        custom.push(rule);
                    }
                }
            }
            Some(_) => mistakes.push("each rule begins with [[rule]], in two pairs of brackets".into()),
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        if custom.is_empty() {
            return Ok(Self::default());
        }
        let version = format!("{RULES_VERSION}+{}", digest(&custom));
        Ok(Self(Arc::new(Inner { custom, version })))
    }
}

impl Field {
    pub(super) const ALL: [Field; 8] = [
        Field::Source,
        Field::Medium,
        Field::Campaign,
        Field::Term,
        Field::Content,
        Field::Referrer,
        Field::LandingPath,
        Field::ClickId,
    ];
}

/// What the TOML reader says, in one line.
fn syntax(error: &toml::de::Error) -> String {
    let told = error.to_string();
    let place = told.lines().next().unwrap_or_default().trim_start_matches("TOML parse error ");
    format!("the file is no TOML: {}, {place}", error.message().lines().collect::<Vec<_>>().join(", "))
}

/// Collects what is wrong with one rule.
struct Reader<'m> {
    /// `rule 2`, and its name once it is known.
    place: String,
    mistakes: &'m mut Vec<String>,
}

impl Reader<'_> {
    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.mistakes.push(format!("{} {what}", self.place));
    }

    fn rule(&mut self, value: &Value, names: &mut HashSet<String>) -> Option<Custom> {
        let Some(table) = value.as_table() else {
            self.wrong("is no table; each rule begins with [[rule]]");
            return None;
        };
        let name = self.name(table.get("name"), names);
        let channel = self.channel(table.get("channel"));
        let mut conditions = Vec::new();
        let mut tried = false;
        for (key, value) in table.iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "channel")) {
            let Some(field) = Field::ALL.into_iter().find(|field| field.key() == key) else {
                let known = Field::ALL.map(Field::key).join(", ");
                self.wrong(format_args!(
                    "has the unknown key {key:?}; a rule has name, channel, and of {known} what it needs"
                ));
                continue;
            };
            tried = true;
            if let Some(patterns) = self.patterns(field, value) {
                conditions.push(Condition { field, patterns });
            }
        }
        if !tried {
            self.wrong("has no condition: it would match every touch");
        }
        // all must hold, in whatever order they stand in the file
        conditions.sort_by_key(|condition| condition.field.key());
        Some(Custom { name: name?, channel: channel?, conditions })
    }

    fn name(&mut self, value: Option<&Value>, names: &mut HashSet<String>) -> Option<String> {
        let name = match value {
            Some(Value::String(name)) if !name.trim().is_empty() => name.trim().to_owned(),
            Some(Value::String(_)) | None => {
                self.wrong("has no name");
                return None;
            }
            Some(_) => {
                self.wrong("has a name that is no text in quotes");
                return None;
            }
        };
        self.place = format!("{} ({name:?})", self.place);
        if RULES.iter().any(|rule| rule.name == name) {
            self.wrong("has the name of a built-in rule");
        } else if !names.insert(name.clone()) {
            self.wrong("has the name of a rule before it");
        }
        Some(name)
    }

    fn channel(&mut self, value: Option<&Value>) -> Option<Channel> {
        let channel = match value {
            None => {
                self.wrong("has no channel");
                return None;
            }
            Some(Value::String(name)) => name.trim().parse().ok(),
            Some(_) => None,
        };
        if channel.is_none() {
            let given = value.map(ToString::to_string).unwrap_or_default();
            let known = Channel::ALL.map(Channel::as_str).join(", ");
            self.wrong(format_args!("has the unknown channel {given}; the channels are {known}"));
        }
        channel
    }

    /// The patterns of a condition, in lower case.
    fn patterns(&mut self, field: Field, value: &Value) -> Option<Vec<String>> {
        let key = field.key();
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        if values.is_empty() {
            self.wrong(format_args!("has an empty list as {key}"));
            return None;
        }
        let before = self.mistakes.len();
        let mut patterns = Vec::new();
        for value in values {
            match value.as_str().map(|pattern| pattern.trim().to_lowercase()) {
                None => self
                    .wrong(format_args!("has {value} as {key}, which is neither a text in quotes nor a list of them")),
                Some(pattern) if pattern.is_empty() => {
                    self.wrong(format_args!("has an empty text as {key}; \"*\" is any value"));
                }
                Some(pattern) => {
                    self.check(field, &pattern);
                    patterns.push(pattern);
                }
            }
        }
        (self.mistakes.len() == before).then_some(patterns)
    }

    /// Finds what could never match.
    fn check(&mut self, field: Field, pattern: &str) {
        let matches = |id: &str| super::matches(pattern, &id.to_ascii_lowercase());
        match field {
            Field::ClickId if !CLICK_IDS.iter().any(|id| matches(id.name)) => {
                let known = CLICK_IDS.iter().map(|id| id.name).collect::<Vec<_>>().join(", ");
                self.wrong(format_args!("has {pattern:?} as click_id, which is none of {known}"));
            }
            Field::Referrer
                if pattern.contains("://") || pattern.contains(['?', '#', ':', ' ']) || pattern.starts_with('/') =>
            {
                self.wrong(format_args!(
                    "has {pattern:?} as referrer, which is no host like example.com or host with a path like example.com/blog"
                ));
            }
            Field::LandingPath if !pattern.starts_with(['/', '*']) || pattern.contains('?') => {
                self.wrong(format_args!(
                    "has {pattern:?} as landing_path, which is no path like /pricing or /blog/* (without its query)"
                ));
            }
            _ => {}
        }
    }
}

/// Eight hex digits of what the rules say. A length before each text and each list, so that no two read the same.
fn digest(rules: &[Custom]) -> String {
    let mut digest = Sha256::new();
    let mut text = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    for Custom { name: _, channel, conditions } in rules {
        text(channel.as_str());
        for Condition { field, patterns } in conditions {
            text(field.key());
            text(&patterns.len().to_string());
            patterns.iter().for_each(|pattern| text(pattern));
        }
    }
    digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
