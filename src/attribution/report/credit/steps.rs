use super::PathTouch;
use crate::attribution::touch::fingerprint::{ERASED, digest};

/// A touch as it is read for a path, with what its link said and reports do not show of it.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct TouchRow {
    #[sqlx(flatten)]
    touch: PathTouch,
    /// As the link said it: two names that reports show as one campaign are two tuples.
    raw_campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    utm_id: Option<String>,
    source_platform: Option<String>,
    creative_format: Option<String>,
    marketing_tactic: Option<String>,
    fingerprint: i64,
}

impl From<TouchRow> for PathTouch {
    fn from(row: TouchRow) -> Self {
        let tuple = row.tuple();
        let mut touch = row.touch;
        touch.tuple = tuple;
        touch
    }
}

impl TouchRow {
    /// Of an erased touch the tuple is not what it was, and may be the same where it was another. Its fingerprint still tells.
    fn tuple(&self) -> u64 {
        if ERASED.contains(&self.fingerprint) {
            return self.fingerprint.cast_unsigned();
        }
        digest([
            &self.touch.source,
            &self.touch.medium,
            &self.raw_campaign,
            &self.term,
            &self.content,
            &self.utm_id,
            &self.source_platform,
            &self.creative_format,
            &self.marketing_tactic,
        ])
    }
}
