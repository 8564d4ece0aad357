//! Reads the file and reports all mistakes in it at once, each with its rule.

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::{Condition, OwnerRule, RuleField};
use crate::attribution::{
    channel::{Channel, RULES},
    signal::click_ids::CLICK_IDS,
};

/// Reads the rules of a file.
///
/// Errors: everything that is wrong with the file, one sentence each.
pub(super) fn read(text: &str) -> Result<Vec<OwnerRule>, Vec<String>> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| vec![syntax(&error)])?;
    let mut mistakes = Vec::new();
    for key in table.keys().filter(|key| *key != "rule") {
        mistakes.push(format!("{key:?} cannot stand outside a rule; each rule begins with [[rule]]"));
    }
    let mut rules = Vec::new();
    match table.get("rule") {
        None => {}
        Some(Value::Array(tables)) => {
            let mut names = HashSet::new();
            for (index, table) in tables.iter().enumerate() {
                let mut reader = RuleReader { place: format!("rule {}", index + 1), mistakes: &mut mistakes };
                rules.extend(reader.rule(table, &mut names));
            }
        }
        Some(_) => mistakes.push("each rule begins with [[rule]], in two pairs of brackets".into()),
    }
    if mistakes.is_empty() { Ok(rules) } else { Err(mistakes) }
}

/// Returns the TOML reader's message in one line.
fn syntax(error: &toml::de::Error) -> String {
    let told = error.to_string();
    let place = told.lines().next().unwrap_or_default().trim_start_matches("TOML parse error ");
    format!("the file is not TOML: {}, {place}", error.message().lines().collect::<Vec<_>>().join(", "))
}

/// Collects what is wrong with one rule.
struct RuleReader<'m> {
    /// `rule 2`, or `rule 2 ("partners")` once the rule's name is known.
    place: String,
    mistakes: &'m mut Vec<String>,
}

impl RuleReader<'_> {
    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.mistakes.push(format!("{} {what}", self.place));
    }

    fn rule(&mut self, value: &Value, names: &mut HashSet<String>) -> Option<OwnerRule> {
        let Some(table) = value.as_table() else {
            self.wrong("is not a table; each rule begins with [[rule]]");
            return None;
        };
        let name = self.name(table.get("name"), names);
        let channel = self.channel(table.get("channel"));
        let mut conditions = Vec::new();
        let mut tried = false;
        for (key, value) in table.iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "channel")) {
            let Some(field) = RuleField::from_word(key) else {
                let known = RuleField::ALL.map(RuleField::as_str).join(", ");
                self.wrong(format_args!(
                    "has the unknown key {key:?}; a rule has a name, a channel, and conditions on {known}"
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
        // The order of conditions has no meaning, so the order must not change the digest.
        conditions.sort_by_key(|condition| condition.field.as_str());
        Some(OwnerRule { name: name?, channel: channel?, conditions })
    }

    fn name(&mut self, value: Option<&Value>, names: &mut HashSet<String>) -> Option<String> {
        let name = match value {
            Some(Value::String(name)) if !name.trim().is_empty() => name.trim().to_owned(),
            Some(Value::String(_)) | None => {
                self.wrong("has no name");
                return None;
            }
            Some(_) => {
                self.wrong("has a name that is not a text in quotes");
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

    /// Returns the patterns of a condition, in lower case, or `None` after reporting a mistake.
    fn patterns(&mut self, field: RuleField, value: &Value) -> Option<Vec<String>> {
        let key = field.as_str();
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

    /// Reports a pattern that can never match.
    fn check(&mut self, field: RuleField, pattern: &str) {
        let matches = |id: &str| super::matches(pattern, &id.to_ascii_lowercase());
        match field {
            RuleField::ClickId if !CLICK_IDS.iter().any(|id| matches(id.name)) => {
                let known = CLICK_IDS.iter().map(|id| id.name).collect::<Vec<_>>().join(", ");
                self.wrong(format_args!("has {pattern:?} as click_id, which is not one of {known}"));
            }
            RuleField::Referrer
                if pattern.contains("://") || pattern.contains(['?', '#', ':', ' ']) || pattern.starts_with('/') =>
            {
                self.wrong(format_args!(
                    "has {pattern:?} as referrer, which is neither a host like example.com nor a host with a path like example.com/blog"
                ));
            }
            RuleField::LandingPath if !pattern.starts_with(['/', '*']) || pattern.contains('?') => {
                self.wrong(format_args!(
                    "has {pattern:?} as landing_path, which is not a path like /pricing or /blog/* (without a query)"
                ));
            }
            _ => {}
        }
    }
}

/// Returns a digest of the rules in eight hex digits. A length goes before each text and each list, so that different rules never
/// give the digest the same bytes.
pub(super) fn digest(rules: &[OwnerRule]) -> String {
    let mut digest = Sha256::new();
    let mut text = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    for OwnerRule { name: _, channel, conditions } in rules {
        text(channel.as_str());
        for Condition { field, patterns } in conditions {
            text(field.as_str());
            text(&patterns.len().to_string());
            patterns.iter().for_each(|pattern| text(pattern));
        }
    }
    digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
