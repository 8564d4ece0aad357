use crate::{
    attribution::{
        channel::Channel,
        model::Step,
        report::campaign_key::CampaignKey,
        touch::fingerprint::{ERASED, digest},
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
    /// As reports show it.
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

/// A touch as it is read for a path: with the UTM fields that only tell steps apart.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct StepRow {
    #[sqlx(flatten)]
    touch: PathTouch,
    /// The campaign in the link. Two names that reports show as one campaign still make two steps.
    raw_campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    utm_id: Option<String>,
    source_platform: Option<String>,
    creative_format: Option<String>,
    marketing_tactic: Option<String>,
    fingerprint: i64,
}

impl From<StepRow> for PathTouch {
    fn from(row: StepRow) -> Self {
        let key = row.key();
        PathTouch { key, ..row.touch }
    }
}

impl StepRow {
    /// Erasure removed values, so two different erased touches may now look equal. Their fingerprints were kept apart
    /// for this purpose, and are the key.
    fn key(&self) -> u64 {
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
