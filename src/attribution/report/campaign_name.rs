use crate::{
    attribution::campaign_alias,
    db::{Conn, Error},
};

/// SQL for the name under which reports show the campaign of `touches t`: the name in the link, or the campaign that this name
/// was merged into. The database looks the name up row by row, which is right for a page of rows. To group many touches, use
/// [`GroupedCampaign`].
pub(super) const SHOWN_CAMPAIGN: &str =
    "coalesce((select ca.campaign from campaign_aliases ca where ca.alias = t.campaign), t.campaign)";

/// SQL that groups many touches by the name that reports show.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupedCampaign {
    /// A join that the name needs, after `touches t`.
    pub join: &'static str,
    /// The name.
    pub campaign: &'static str,
}

impl GroupedCampaign {
    /// Returns the SQL for this database. Most sites have merged no names. There the column alone is the name, and nothing is
    /// joined.
    pub async fn load(conn: &mut Conn) -> Result<Self, Error> {
        Ok(match campaign_alias::any(conn).await? {
            true => Self {
                join: "left join campaign_aliases ca on ca.alias = t.campaign",
                campaign: "coalesce(ca.campaign, t.campaign)",
            },
            false => Self { join: "", campaign: "t.campaign" },
        })
    }
}
