//! What a request changed in its session.
//!
//! A loaded record carries a copy of itself, and saving compares the two. So two requests that change different keys at once
//! both keep their change.

use serde_json::{Map, Value};

use super::record::Data;

/// The key of the copy in a loaded record. The copy is never stored.
pub(super) const LOADED: &str = "\u{0}loaded";

/// The difference between a record and the copy that was made when it was loaded.
pub(super) struct Changes {
    set: Data,
    removed: Vec<String>,
}

impl Changes {
    /// Compares a record with its copy. In a record without a copy, which was not loaded, all keys count as set.
    pub(super) fn of(data: &Data) -> Self {
        let nothing = Map::new();
        let before = data.get(LOADED).and_then(Value::as_object).unwrap_or(&nothing);
        let set = data.iter().filter(|(key, value)| *key != LOADED && before.get(*key) != Some(*value));
        let removed = before.keys().filter(|key| !data.contains_key(*key));
        Self {
            set: set.map(|(key, value)| (key.clone(), value.clone())).collect(),
            removed: removed.cloned().collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    pub(super) fn apply(self, data: &mut Data) {
        for key in self.removed {
            data.remove(&key);
        }
        data.extend(self.set);
    }
}

/// Puts the copy into a record: what the record holds now counts as loaded.
pub(super) fn remember(data: &mut Data) {
    forget(data);
    let now: Map<String, Value> = data.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    data.insert(LOADED.to_owned(), Value::Object(now));
}

/// Takes the copy out of a record.
pub(super) fn forget(data: &mut Data) {
    data.remove(LOADED);
}
