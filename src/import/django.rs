//! django-utm-tracker's leads, from the first row to the report.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::Arc,
    time::Duration,
};

use super::{
    ImportError, Options, Report,
    lead::{Arrival, Key, Lead},
    report::Recorder,
    source::{Part, Source},
    store::{Dated, Stored, store},
};
use crate::{
    attribution::channel::rules::Rules,
    db::{Db, Error, Millis},
};

/// How often a page is offered to a database that is busy.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// Imports the leads of a file: a CSV export of django-utm-tracker's table, or Django's SQLite database.
///
/// It reads the file twice: first to see that it can be read to its end and when each user's first lead came, then to store a page
/// of leads at a time, each in a transaction. `progress` hears how many leads were read and of how many, which is 0 as long as that
/// is not known.
///
/// # Errors
///
/// What is wrong with the file as a whole is told before anything is stored. Whatever goes wrong after that is
/// [`ImportError::Stopped`]: what was stored stays, and the same import again goes on.
pub async fn django_utm_tracker(
    db: &Db,
    rules: &Rules,
    file: &Path,
    options: &Options,
    progress: impl Fn(u64, u64),
) -> Result<Report, ImportError> {
    check_list(options)?;
    let mut source = Source::open(file, options).await?;
    let now = db.now();
    let survey = Survey::make(&mut source, now, &progress).await?;
    let recorder = Recorder::begin(source.place(), source.ignored(), options.rejected.as_deref())?;
    let mut import = Import { db, rules, options, now, survey, recorder, occurrences: HashMap::new() };
    match import.run(&mut source, &progress).await {
        Ok(()) => Ok(import.recorder.report),
        Err(why) => Err(ImportError::Stopped { report: Box::new(import.recorder.report), why: Box::new(why) }),
    }
}

/// The list of refused rows takes the place of nothing: what is there can be what is read, or the database, by another name.
/// Told before the work begins; [`Recorder::begin`] sees to it.
fn check_list(options: &Options) -> Result<(), ImportError> {
    match &options.rejected {
        Some(list) if list.symlink_metadata().is_ok() => Err(ImportError::WouldOverwrite(list.clone())),
        _ => Ok(()),
    }
}

/// What only a look at all leads tells.
struct Survey {
    leads: u64,
    /// When the first lead of a user came, by a digest of the address.
    first: HashMap<u64, Millis>,
}

impl Survey {
    async fn make(source: &mut Source, now: Millis, progress: &impl Fn(u64, u64)) -> Result<Self, ImportError> {
        let mut survey = Self { leads: 0, first: HashMap::new() };
        loop {
            let rows = source.page(Part::Arrival).await?;
            if rows.is_empty() {
                break;
            }
            survey.leads += rows.len() as u64;
            for arrival in rows.iter().filter_map(|row| Arrival::of(row, now).ok()) {
                let first = survey.first.entry(digest(&arrival.email_key)).or_insert(arrival.occurred_at);
                *first = arrival.occurred_at.min(*first);
            }
            progress(survey.leads, 0);
        }
        source.rewind()?;
        Ok(survey)
    }
}

/// A digest for the memory of one run.
fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

struct Import<'a> {
    db: &'a Db,
    rules: &'a Rules,
    options: &'a Options,
    now: Millis,
    survey: Survey,
    recorder: Recorder,
    /// How often a row without an id was read, by a digest of it.
    occurrences: HashMap<u64, u32>,
}

impl Import<'_> {
    async fn run(&mut self, source: &mut Source, progress: &impl Fn(u64, u64)) -> Result<(), ImportError> {
        loop {
            let rows = source.page(Part::All).await?;
            if rows.is_empty() {
                break;
            }
            let read = rows.len() as u64;
            let mut leads = Vec::with_capacity(rows.len());
            for row in rows {
                match Lead::of(&row, &self.options.custom_tags, self.rules, self.now) {
                    Ok(lead) => leads.push(self.dated(lead)),
                    Err(why) => self.recorder.refuse(row.place, why)?,
                }
            }
            self.store(leads).await?;
            // Django may have added some meanwhile
            self.recorder.report.leads += read;
            let leads = self.recorder.report.leads;
            progress(leads, self.survey.leads.max(leads));
        }
        self.recorder.flush()
    }

    fn dated(&mut self, mut lead: Lead) -> Dated {
        let arrival = &lead.arrival;
        if let Key::Row { digest: row, occurrence } = &mut lead.key {
            let seen = self.occurrences.entry(digest((&*row, &arrival.email_key))).or_default();
            *occurrence = *seen;
            *seen += 1;
        }
        let first = self.survey.first.get(&digest(&arrival.email_key)).copied().unwrap_or(arrival.occurred_at);
        Dated { first_at: first.min(arrival.occurred_at), lead }
    }

    async fn store(&mut self, leads: Vec<Dated>) -> Result<(), ImportError> {
        let leads = Arc::new(leads);
        let stored = self.offer(&leads).await?;
        let report = &mut self.recorder.report;
        report.taken += stored.taken;
        report.present += stored.present;
        report.accounts += stored.accounts;
        let refused: HashMap<usize, String> = stored.refused.into_iter().collect();
        for (index, Dated { lead, .. }) in leads.iter().enumerate() {
            if let Some(why) = refused.get(&index) {
                self.recorder.refuse(lead.place.clone(), why.clone())?;
            } else if !lead.not_kept.is_empty() && !stored.known.contains(&index) {
                self.recorder.take_in_part(lead.place.clone(), lead.not_kept.join("; "))?;
            }
        }
        Ok(())
    }

    /// Stores a page. Where the database gives no answer in time the page may be stored or not: either way it can be offered again.
    async fn offer(&self, leads: &Arc<Vec<Dated>>) -> Result<Stored, Error> {
        let existing_only = self.options.existing_users_only;
        let mut tries = 1;
        loop {
            let leads = leads.clone();
            let stored = self
                .db
                .transaction(move |conn| Box::pin(async move { store(conn, &leads, existing_only).await }))
                .await;
            match stored {
                Err(error) if tries < TRIES => {
                    tracing::warn!(%error, "a page of leads was not stored and is offered again");
                    tokio::time::sleep(PAUSE).await;
                    tries += 1;
                }
                stored => return stored,
            }
        }
    }
}
