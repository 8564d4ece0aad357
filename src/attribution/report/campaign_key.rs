use crate::attribution::channel::Channel;

/// What tells the rows of a report on campaigns apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CampaignKey {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub channel: String,
}

impl CampaignKey {
    /// Returns the key of conversions without a touch.
    pub fn direct() -> Self {
        Self { source: None, medium: None, campaign: None, channel: Channel::Direct.as_str().to_owned() }
    }
}
