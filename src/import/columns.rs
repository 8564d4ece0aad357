//! What the columns of a source are, by their names, and a row of them.

use crate::attribution::signal::click_ids;

/// The UTM fields as a query names them.
pub(super) const UTM: [&str; 9] = [
    "utm_medium",
    "utm_source",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "utm_id",
    "utm_source_platform",
    "utm_creative_format",
    "utm_marketing_tactic",
];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// django-utm-tracker's primary key.
    Id,
    /// Waymark's id of a touch, in its own `leads.csv`.
    LeadId,
    /// The user's primary key.
    User,
    Email,
    /// When the user joined.
    Joined,
    /// When the lead came.
    Timestamp,
    /// When it was stored, which is all that is known of some: since 1.3.0 `timestamp` can be null.
    CreatedAt,
    /// One of [`UTM`].
    Utm(&'static str),
    /// One of [`click_ids::CLICK_IDS`].
    ClickId(&'static str),
    /// A JSON object of click ids, in Waymark's own `leads.csv`.
    ClickIds,
    /// A JSON object.
    CustomTags,
}

impl Column {
    /// The column of that heading, in any case. The names are those of django-utm-tracker's model, of django-import-export's
    /// paths (`user__email`), and of Waymark's own `leads.csv`.
    pub fn of(heading: &str) -> Option<Self> {
        let name = heading.trim().to_lowercase().replace([' ', '-'], "_");
        Some(match &*name {
            "id" | "pk" => Self::Id,
            "lead_id" => Self::LeadId,
            "user_id" | "user" => Self::User,
            "email" | "user_email" | "user__email" => Self::Email,
            "date_joined" | "user_date_joined" | "user__date_joined" => Self::Joined,
            "timestamp" | "occurred_at" => Self::Timestamp,
            "created_at" => Self::CreatedAt,
            "click_ids" => Self::ClickIds,
            "custom_tags" => Self::CustomTags,
            "medium" => Self::Utm("utm_medium"),
            "source" => Self::Utm("utm_source"),
            "campaign" => Self::Utm("utm_campaign"),
            "term" => Self::Utm("utm_term"),
            "content" => Self::Utm("utm_content"),
            name => match UTM.into_iter().find(|utm| *utm == name) {
                Some(utm) => Self::Utm(utm),
                None => Self::ClickId(click_ids::find(name.as_bytes())?.name),
            },
        })
    }

    /// Its name for a message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::LeadId => "lead_id",
            Self::User => "user",
            Self::Email => "email",
            Self::Joined => "date_joined",
            Self::Timestamp => "timestamp",
            Self::CreatedAt => "created_at",
            Self::Utm(name) => name.trim_start_matches("utm_"),
            Self::ClickId(name) => name,
            Self::ClickIds => "click_ids",
            Self::CustomTags => "custom_tags",
        }
    }
}

/// One lead as its source has it.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// What a person finds it by: the line of a CSV file, the id in a table.
    pub place: String,
    /// Cells as they stand; what is null is absent.
    pub cells: Vec<(Column, Vec<u8>)>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

impl Row {
    /// A cell that says something.
    pub fn text(&self, column: Column) -> Result<Option<&str>, String> {
        match self.cells.iter().find(|(of, _)| *of == column) {
            Some((_, cell)) => text(column, cell),
            None => Ok(None),
        }
    }
}

/// A cell as text, where it says something. What is no UTF-8 is not guessed at: the person who has the file can save it as UTF-8
/// and import it again.
pub(super) fn text(column: Column, cell: &[u8]) -> Result<Option<&str>, String> {
    match std::str::from_utf8(cell) {
        Ok(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Err(error) => {
            let byte = cell.get(error.valid_up_to()).copied().unwrap_or_default();
            Err(format!("{} is not UTF-8 (it has the byte {byte:#04X}); save the file as UTF-8", column.name()))
        }
    }
}

/// A value for a message: short, and nothing in it that a terminal would act on.
pub(super) fn quoted(value: &str) -> String {
    const SHOWN: usize = 60;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}
