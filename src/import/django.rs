//! django-utm-tracker's leads, from the first row to the report.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::Arc,
    time::Duration,
};

use super::{
    error::ImportError,
    file::NeededColumns,
    lead::{ImportedLead, LeadArrival, LeadKey},
    options::Options,
    report::ImportReport,
    report_writer::ReportWriter,
    source_file::SourceFile,
    store::{DatedLead, StoreRules, StoredPage, store_page},
};
use crate::{
    attribution::channel::rules::Rules,
    db::{Db, Error},
    timestamp::Timestamp,
};

/// How often a page is tried while the database fails, and the pause between two tries.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// Imports the leads of a file: a CSV export of django-utm-tracker's table, or Django's SQLite database.
///
/// The import reads the file twice. The first pass checks that the file can be read to its end, and finds when the first lead
/// of each user came. The second pass stores a page of leads at a time, each in a transaction.
///
/// `progress` is called with the number of leads read and their total. In the first pass the total is 0, because it is not known.
///
/// # Errors
///
/// An error of the file as a whole is returned before anything is stored. Any later error is [`ImportError::Stopped`]. What was
/// stored stays, and the same import continues there.
pub async fn django_utm_tracker(
    db: &Db,
    rules: &Rules,
    file: &Path,
    options: &Options,
    progress: impl Fn(u64, u64),
) -> Result<ImportReport, ImportError> {
    check_rejected(options)?;
    let mut source = SourceFile::open(file, options).await?;
    let now = db.now();
    let survey = Survey::make(&mut source, now, &progress).await?;
    let writer = ReportWriter::begin(source.place_word(), source.ignored(), options.rejected.as_deref())?;
    let mut import = Import { db, rules, options, now, survey, writer, occurrences: HashMap::new() };
    match import.run(&mut source, &progress).await {
        Ok(()) => Ok(import.writer.report),
        Err(why) => Err(ImportError::Stopped { report: Box::new(import.writer.report), why: Box::new(why) }),
    }
}

/// Checks early that the file for rejected rows does not exist. [`ReportWriter::begin`] creates it, and never overwrites.
fn check_rejected(options: &Options) -> Result<(), ImportError> {
    match &options.rejected {
        Some(file) if file.symlink_metadata().is_ok() => Err(ImportError::WouldOverwrite(file.clone())),
        _ => Ok(()),
    }
}

/// What the first pass finds.
struct Survey {
    leads: u64,
    /// When the first lead of a user came, by a digest of the e-mail address.
    first: HashMap<u64, Timestamp>,
}

impl Survey {
    async fn make(source: &mut SourceFile, now: Timestamp, progress: &impl Fn(u64, u64)) -> Result<Self, ImportError> {
        let mut survey = Self { leads: 0, first: HashMap::new() };
        loop {
            let rows = source.page(NeededColumns::Arrival).await?;
            if rows.is_empty() {
                break;
            }
            survey.leads += rows.len() as u64;
            for arrival in rows.iter().filter_map(|row| LeadArrival::of(row, now).ok()) {
                let first = survey.first.entry(digest(&arrival.email_key)).or_insert(arrival.occurred_at);
                *first = arrival.occurred_at.min(*first);
            }
            progress(survey.leads, 0);
        }
        source.rewind()?;
        Ok(survey)
    }
}

/// Returns a digest for use within this process.
fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The second pass.
struct Import<'a> {
    db: &'a Db,
    rules: &'a Rules,
    options: &'a Options,
    now: Timestamp,
    survey: Survey,
    writer: ReportWriter,
    /// How often a row without an id was read, by a digest of the row and its user.
    occurrences: HashMap<u64, u32>,
}

impl Import<'_> {
    async fn run(&mut self, source: &mut SourceFile, progress: &impl Fn(u64, u64)) -> Result<(), ImportError> {
        loop {
            let rows = source.page(NeededColumns::All).await?;
            if rows.is_empty() {
                break;
            }
            let read = rows.len() as u64;
            let mut leads = Vec::with_capacity(rows.len());
            for row in rows {
                match ImportedLead::of(&row, &self.options.custom_tags, self.rules, self.now) {
                    Ok(lead) => leads.push(self.dated(lead)),
                    Err(why) => self.writer.skip(row.place, why)?,
                }
            }
            self.store(leads).await?;
            self.writer.report.leads += read;
            let leads = self.writer.report.leads;
            // a running Django may have added leads since the first pass
            progress(leads, self.survey.leads.max(leads));
        }
        self.writer.flush()
    }

    /// Adds to a lead what only a pass through all leads can tell.
    fn dated(&mut self, mut lead: ImportedLead) -> DatedLead {
        let arrival = &lead.arrival;
        if let LeadKey::Row { digest: row, occurrence } = &mut lead.key {
            let seen = self.occurrences.entry(digest((&*row, &arrival.email_key))).or_default();
            *occurrence = *seen;
            *seen += 1;
        }
        let first = self.survey.first.get(&digest(&arrival.email_key)).copied().unwrap_or(arrival.occurred_at);
        DatedLead { first_at: first.min(arrival.occurred_at), lead }
    }

    async fn store(&mut self, leads: Vec<DatedLead>) -> Result<(), ImportError> {
        let leads = Arc::new(leads);
        let stored = self.try_store(&leads).await?;
        let report = &mut self.writer.report;
        report.imported += stored.imported;
        report.already_there += stored.already_there;
        report.accounts += stored.accounts;
        let refused: HashMap<usize, String> = stored.refused.into_iter().collect();
        for (index, DatedLead { lead, .. }) in leads.iter().enumerate() {
            if let Some(why) = refused.get(&index) {
                self.writer.skip(lead.place.clone(), why.clone())?;
            } else if !lead.left_out.is_empty() && !stored.known.contains(&index) {
                self.writer.take_in_part(lead.place.clone(), lead.left_out.join("; "))?;
            }
        }
        Ok(())
    }

    /// Stores a page, with several tries. After a time-out it is unknown whether the page was stored; storing it again is
    /// harmless.
    async fn try_store(&self, leads: &Arc<Vec<DatedLead>>) -> Result<StoredPage, Error> {
        let rules = StoreRules {
            existing_only: self.options.existing_users_only,
            wait_for_confirmation: self.options.wait_for_confirmation,
        };
        let mut tries = 1;
        loop {
            let leads = leads.clone();
            let stored =
                self.db.transaction(move |conn| Box::pin(async move { store_page(conn, &leads, rules).await })).await;
            match stored {
                Err(error) if tries < TRIES => {
                    tracing::warn!(%error, "a page of leads was not stored; it is tried again");
                    tokio::time::sleep(PAUSE).await;
                    tries += 1;
                }
                stored => return stored,
            }
        }
    }
}
