use crate::attribution::signal::{Utm, click_ids};

/// A column that the import knows, by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KnownColumn {
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
    /// When the lead was stored. Some leads have no other time: since version 1.3.0 `timestamp` can be null.
    CreatedAt,
    /// One of [`Utm::PARAMETERS`].
    Utm(&'static str),
    /// One of [`click_ids::CLICK_IDS`].
    ClickId(&'static str),
    /// A JSON object of click ids, in Waymark's own `leads.csv`.
    ClickIds,
    /// A JSON object of tags.
    CustomTags,
}

impl KnownColumn {
    /// Returns the column of a heading: `Source`, `utm_source` → `Utm("utm_source")`.
    ///
    /// The function knows the names of django-utm-tracker's model, of django-import-export's paths (`user__email`), and of
    /// Waymark's own `leads.csv`, in upper or lower case.
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
            name => match Utm::PARAMETERS.into_iter().find(|utm| *utm == name) {
                Some(utm) => Self::Utm(utm),
                None => Self::ClickId(click_ids::find(name.as_bytes())?.name),
            },
        })
    }

    /// Returns the column's name for a message.
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
pub(super) struct SourceRow {
    /// Where a person finds the row: the line of a CSV file, the id in a table.
    pub place: String,
    /// The cells as the source has them, without nulls.
    pub cells: Vec<(KnownColumn, Vec<u8>)>,
    /// Why the row cannot be read.
    pub problem: Option<String>,
}

impl SourceRow {
    /// Returns the text of a cell, or `None` if the cell is missing or blank.
    pub fn text(&self, column: KnownColumn) -> Result<Option<&str>, String> {
        match self.cells.iter().find(|(of, _)| *of == column) {
            Some((_, cell)) => text(column, cell),
            None => Ok(None),
        }
    }
}

/// Returns a cell's text, or `None` if the cell is blank. A cell that is not UTF-8 is an error, because its encoding cannot be
/// guessed. The owner of the file can save the file as UTF-8 and import it again.
pub(super) fn text(column: KnownColumn, cell: &[u8]) -> Result<Option<&str>, String> {
    match std::str::from_utf8(cell) {
        Ok(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Err(error) => {
            let byte = cell.get(error.valid_up_to()).copied().unwrap_or_default();
            Err(format!("{} is not UTF-8 (it has the byte {byte:#04X}); save the file as UTF-8", column.name()))
        }
    }
}

/// Quotes a value for a message: shortened, and with control characters escaped, so that no terminal acts on them.
pub(super) fn quoted(value: &str) -> String {
    const SHOWN: usize = 60;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}

/// Quotes all names, for a message.
pub(super) fn all_quoted<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    names.into_iter().map(|name| quoted(name)).collect()
}

/// Returns the names of required columns that are not there. Each requirement is met by one of several columns.
pub(super) fn missing(
    required: &[(&[KnownColumn], &'static str)],
    is_there: impl Fn(KnownColumn) -> bool,
) -> Vec<&'static str> {
    let missing = required.iter().filter(|(any_of, _)| !any_of.iter().any(|column| is_there(*column)));
    missing.map(|(_, name)| *name).collect()
}
