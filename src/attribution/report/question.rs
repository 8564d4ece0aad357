use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::Filter;
use crate::{
    db::{Db, Error},
    id::UserId,
    user_search::users_with_email_like,
};

/// What a report counts: a filter, and what the filter needs from the database.
#[derive(Clone, Debug)]
pub struct Question {
    pub filter: Filter,
    /// The look-back window before a sign-up.
    pub window: Duration,
    /// The users whose e-mail address contains the text to search for, sorted.
    found: Arc<Vec<Uuid>>,
}

impl Question {
    /// Searches for the users that the filter's text finds.
    pub async fn new(db: &Db, filter: Filter, window: Duration) -> Result<Self, Error> {
        let found = match &filter.q {
            Some(q) => users_with_email_like(&mut db.read_for_report().await?, q).await?,
            None => Vec::new(),
        };
        let mut found: Vec<Uuid> = found.into_iter().map(UserId::as_uuid).collect();
        found.sort_unstable();
        Ok(Self { filter, window, found: Arc::new(found) })
    }

    /// Returns the same question about the period before, or `None` if the period has an open end.
    pub fn previous(&self) -> Option<Self> {
        Some(Self { filter: self.filter.previous()?, ..self.clone() })
    }

    /// Returns the users whose e-mail address contains the text to search for, sorted.
    pub(super) fn found_users(&self) -> &[Uuid] {
        &self.found
    }
}
