use crate::{
    attribution::{
        channel::Channel,
        model::Step,
        report::campaign_key::CampaignKey,
        signal::Utm,
        touch::fingerprint::{ERASED_RANGE, step_key},
    },
    id::{TouchId, UserId},
    timestamp::Timestamp,
};

/// A touch that a conversion may be credited to.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PathTouch {
    pub(super) user_id: UserId,
    pub id: TouchId,
    pub occurred_at: Timestamp,
    /// The [`Step::key`].
    #[sqlx(skip)]
    key: u64,
    pub source: Option<String>,
    pub medium: Option<String>,
    /// The name that reports show.
    #[sqlx(rename = "shown_campaign")]
    pub campaign: Option<String>,
    pub channel: String,
    pub landing_path: String,
    pub referrer: Option<String>,
    /// Whether the filter finds the touch.
    pub(super) matches: bool,
}

impl PathTouch {
    pub(super) fn step(&self) -> Step {
        Step { at: self.occurred_at, direct: self.channel == Channel::Direct.as_str(), key: self.key }
    }

    pub(super) fn campaign_key(&self) -> CampaignKey {
        let Self { source, medium, campaign, channel, .. } = self.clone();
        CampaignKey { source, medium, campaign, channel }
    }
}

/// A touch as it is read for a path: with the UTM fields, which tell steps apart.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct StepRow {
    #[sqlx(flatten)]
    touch: PathTouch,
    /// As in the link. Two campaigns that reports show under one name still make two steps.
    #[sqlx(flatten)]
    utm: Utm,
    fingerprint: i64,
}

impl From<StepRow> for PathTouch {
    fn from(row: StepRow) -> Self {
        let key = row.key();
        PathTouch { key, ..row.touch }
    }
}

impl StepRow {
    /// Returns what tells two steps apart. Erasure removed values, so two different erased touches may now look equal. Their
    /// fingerprints were kept apart for this purpose, and are the key.
    fn key(&self) -> u64 {
        if ERASED_RANGE.contains(&self.fingerprint) {
            return self.fingerprint.cast_unsigned();
        }
        step_key(&self.utm)
    }
}
