//! What an import tells: how many leads were taken, and which were not, with place and reason.

use std::{
    fmt,
    fs::File,
    io::{BufWriter, ErrorKind},
    path::{Path, PathBuf},
};

use super::{ImportError, columns::quoted};

/// How many remarks are kept for the terminal. All of them go to the file, where one is named.
const KEPT: usize = 1000;

/// A row, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line of a CSV file, as an editor shows it; the id in a table.
    pub place: String,
    pub why: String,
}

/// What an import did. Its text is for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that were read.
    pub leads: u64,
    /// Leads that were added.
    pub taken: u64,
    /// Leads that were there already.
    pub present: u64,
    /// Accounts that were created for them.
    pub accounts: u64,
    /// Rows that were not taken.
    pub not_taken: u64,
    /// Leads that were added without a part that could not be kept.
    pub in_part: u64,
    /// The first thousand of those that were not taken.
    pub refused: Vec<Remark>,
    /// The first thousand of those that were taken in part.
    pub parts: Vec<Remark>,
    /// Columns that were not read.
    pub ignored: Vec<String>,
    /// What a row is found by: `line` or `lead`.
    pub place: &'static str,
    /// Where all remarks are.
    pub listed: Option<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leads, taken, present, accounts, not_taken, in_part, .. } = self;
        let leads_word = if *leads == 1 { "lead" } else { "leads" };
        write!(f, "{leads} {leads_word} read: {taken} taken, {present} there already, {not_taken} not taken.")?;
        match accounts {
            0 => {}
            1 => write!(f, "\n1 account created. It has no password, so nobody can sign in to it yet.")?,
            _ => write!(f, "\n{accounts} accounts created. They have no password, so nobody can sign in to them yet.")?,
        }
        if !self.ignored.is_empty() {
            write!(f, "\nColumns that were not read: {}.", names(&self.ignored))?;
        }
        for (title, number, remarks) in
            [("Not taken", not_taken, &self.refused), ("Taken, but not whole", in_part, &self.parts)]
        {
            if *number == 0 {
                continue;
            }
            write!(f, "\n\n{title} ({number}):")?;
            for Remark { place, why } in remarks {
                write!(f, "\n  {} {place}: {why}", self.place)?;
            }
            match (number - remarks.len() as u64, &self.listed) {
                (0, _) => {}
                (more, Some(file)) => write!(f, "\n  and {more} more, all of them in {}", file.display())?,
                (more, None) => write!(f, "\n  and {more} more; --rejected FILE.csv lists all of them")?,
            }
        }
        Ok(())
    }
}

/// Names as the file has them, for a terminal.
fn names(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// Collects the remarks of an import, and writes them to a file where one is asked for.
#[derive(Debug)]
pub(super) struct Recorder {
    pub report: Report,
    list: Option<csv::Writer<BufWriter<File>>>,
}

impl Recorder {
    /// Begins a report. The file of remarks is a new one: what is there already can be the database itself, or the source under
    /// another name.
    pub fn begin(place: &'static str, ignored: &[String], list: Option<&Path>) -> Result<Self, ImportError> {
        let listed = list.map(Path::to_owned);
        let mut recorder =
            Self { report: Report { place, ignored: ignored.to_vec(), listed, ..Report::default() }, list: None };
        if let Some(file) = list {
            let created = File::create_new(file).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => ImportError::WouldOverwrite(file.to_owned()),
                _ => recorder.unwritable(error),
            })?;
            let mut writer = csv::Writer::from_writer(BufWriter::new(created));
            writer.write_record([place, "taken", "reason"]).map_err(|error| recorder.unwritable(error.into()))?;
            recorder.list = Some(writer);
        }
        Ok(recorder)
    }

    /// A row that was not taken.
    pub fn refuse(&mut self, place: String, why: String) -> Result<(), ImportError> {
        self.report.not_taken += 1;
        self.list(&place, "no", &why)?;
        if self.report.refused.len() < KEPT {
            self.report.refused.push(Remark { place, why });
        }
        Ok(())
    }

    /// A lead that was taken without a part.
    pub fn take_in_part(&mut self, place: String, why: String) -> Result<(), ImportError> {
        self.report.in_part += 1;
        self.list(&place, "in part", &why)?;
        if self.report.parts.len() < KEPT {
            self.report.parts.push(Remark { place, why });
        }
        Ok(())
    }

    fn list(&mut self, place: &str, taken: &str, why: &str) -> Result<(), ImportError> {
        let Some(list) = &mut self.list else { return Ok(()) };
        let written = list.write_record([place, taken, why]);
        written.map_err(|error| self.unwritable(error.into()))
    }

    /// Writes what waits.
    pub fn flush(&mut self) -> Result<(), ImportError> {
        let flushed = self.list.as_mut().map_or(Ok(()), csv::Writer::flush);
        flushed.map_err(|error| self.unwritable(error))
    }

    fn unwritable(&self, error: std::io::Error) -> ImportError {
        ImportError::Unwritable(self.report.listed.clone().unwrap_or_default(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let report = Report { leads: 1, taken: 1, accounts: 1, ..Report::default() };
        assert_eq!(
            report.to_string(),
            "1 lead read: 1 taken, 0 there already, 0 not taken.\n1 account created. It has no password, so nobody can sign in to \
             it yet."
        );
    }

    #[test]
    fn a_report_counts_all_and_lists_a_thousand() {
        let folder = std::env::temp_dir().join(format!("waymark_report_{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).expect("a folder");
        let file = folder.join("rejected.csv");
        std::fs::write(&file, "of an earlier import").expect("written");
        let refused = Recorder::begin("line", &[], Some(&file)).expect_err("refused").to_string();
        assert!(refused.ends_with("is there already. Name a new file for --rejected."), "{refused}");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), "of an earlier import");
        std::fs::remove_file(&file).expect("removed");
        let mut recorder =
            Recorder::begin("line", &["session_key".into(), "\u{1b}[2J".into()], Some(&file)).expect("a recorder");
        for line in 2..=1203 {
            recorder.refuse(line.to_string(), "it has no time, or \"none\"".into()).expect("listed");
        }
        recorder.take_in_part("9".into(), "gclid is left out".into()).expect("listed");
        recorder.report.leads = 1300;
        recorder.report.taken = 98;
        recorder.report.accounts = 7;
        recorder.flush().expect("written");
        let text = recorder.report.to_string();
        let expected = "1300 leads read: 98 taken, 0 there already, 1202 not taken.\n7 accounts created. They have no password, \
                        so nobody can sign in to them yet.\nColumns that were not read: \"session_key\", \"\\u{1b}[2J\".\n\nNot taken (1202):\n  \
                        line 2: it has no time, or \"none\"\n  line 3: ";
        assert!(text.starts_with(expected), "{text}");
        let end = format!(
            "line 1001: it has no time, or \"none\"\n  and 202 more, all of them in {}\n\nTaken, but not whole (1):\n  line 9: \
             gclid is left out",
            file.display()
        );
        assert!(text.ends_with(&end), "{text}");
        let list = std::fs::read_to_string(&file).expect("a file");
        assert!(list.starts_with("line,taken,reason\n2,no,\"it has no time, or \"\"none\"\"\"\n"), "{list}");
        assert_eq!(list.lines().count(), 1204);
        assert!(list.ends_with("\n9,in part,gclid is left out\n"), "{list}");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
