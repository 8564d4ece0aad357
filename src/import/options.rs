use std::path::PathBuf;

use crate::attribution::signal::custom_tags::CustomTags;

/// The options of an import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A CSV file of users (`id`, `email` and, where known, `date_joined`), for leads that name their user by id only.
    pub users: Option<PathBuf>,
    /// Skips the leads of users without an account, instead of creating one.
    pub existing_users_only: bool,
    /// Lets the leads of an account wait until its user confirms the e-mail address. Otherwise the account of a stranger who signed up
    /// with the address would get them. Accounts without a password are the import's own, and get their leads at once.
    pub wait_for_confirmation: bool,
    /// A CSV file to write: every row that was skipped or taken in part, with the reason.
    pub rejected: Option<PathBuf>,
    /// `ATTRIBUTION_CUSTOM_TAGS`. A tag of the source that is listed there gets the listed spelling. Other tags are kept
    /// too.
    pub custom_tags: CustomTags,
}
