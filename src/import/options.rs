use std::path::PathBuf;

use crate::attribution::signal::custom_tags::CustomTags;

/// The options of an import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A CSV file of users (`id`, `email` and, where known, `date_joined`), for leads that name their user by id only.
    pub users: Option<PathBuf>,
    /// Skips the leads of users without an account, instead of creating one.
    pub existing_users_only: bool,
    /// A CSV file to write: every row that was skipped or taken in part, with the reason.
    pub rejected: Option<PathBuf>,
    /// `ATTRIBUTION_CUSTOM_TAGS`. A tag of the source that is listed there gets the listed spelling. Other tags are kept
    /// too.
    pub custom_tags: CustomTags,
}
