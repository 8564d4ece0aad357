use std::{
    fs::File,
    io::{BufWriter, ErrorKind},
    path::Path,
};

use super::{
    error::ImportError,
    report::{ImportReport, Remark},
};

/// The number of remarks of each kind that the report holds. The file of rejected rows has all remarks.
const KEPT: usize = 1000;

/// Collects the report of an import and writes its remarks to the file of rejected rows, if there is one.
#[derive(Debug)]
pub(super) struct ReportWriter {
    pub report: ImportReport,
    list: Option<csv::Writer<BufWriter<File>>>,
}

impl ReportWriter {
    /// Begins a report. The file of rejected rows must be new: an existing one could be the source or the database itself,
    /// under another name.
    pub fn begin(place_word: &'static str, ignored: &[String], rejected: Option<&Path>) -> Result<Self, ImportError> {
        let report = ImportReport {
            place_word,
            ignored: ignored.to_vec(),
            rejected: rejected.map(Path::to_owned),
            ..ImportReport::default()
        };
        let mut writer = Self { report, list: None };
        if let Some(file) = rejected {
            let created = File::create_new(file).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => ImportError::WouldOverwrite(file.to_owned()),
                _ => writer.unwritable(error),
            })?;
            writer.list = Some(csv::Writer::from_writer(BufWriter::new(created)));
            writer.list([place_word, "taken", "reason"])?;
        }
        Ok(writer)
    }

    /// Notes a row that was skipped.
    pub fn skip(&mut self, place: String, why: String) -> Result<(), ImportError> {
        self.report.skipped += 1;
        self.list([&place, "no", &why])?;
        keep(&mut self.report.skipped_rows, place, why);
        Ok(())
    }

    /// Notes a lead of which a part was left out.
    pub fn take_in_part(&mut self, place: String, why: String) -> Result<(), ImportError> {
        self.report.in_part += 1;
        self.list([&place, "in part", &why])?;
        keep(&mut self.report.partial_rows, place, why);
        Ok(())
    }

    fn list(&mut self, cells: [&str; 3]) -> Result<(), ImportError> {
        let written = self.list.as_mut().map_or(Ok(()), |list| list.write_record(cells));
        written.map_err(|error| self.unwritable(error.into()))
    }

    /// Writes what is buffered.
    pub fn flush(&mut self) -> Result<(), ImportError> {
        let flushed = self.list.as_mut().map_or(Ok(()), csv::Writer::flush);
        flushed.map_err(|error| self.unwritable(error))
    }

    fn unwritable(&self, error: std::io::Error) -> ImportError {
        ImportError::Unwritable(self.report.rejected.clone().unwrap_or_default(), error)
    }
}

fn keep(remarks: &mut Vec<Remark>, place: String, why: String) {
    if remarks.len() < KEPT {
        remarks.push(Remark { place, why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_all_and_lists_a_thousand() {
        let folder = std::env::temp_dir().join(format!("waymark_report_{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).expect("a folder");
        let file = folder.join("rejected.csv");
        std::fs::write(&file, "of an earlier import").expect("written");
        let refused = ReportWriter::begin("line", &[], Some(&file)).expect_err("refused").to_string();
        assert!(refused.ends_with("already exists. Name a new file for --rejected."), "{refused}");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), "of an earlier import");
        std::fs::remove_file(&file).expect("removed");
        let mut writer =
            ReportWriter::begin("line", &["session_key".into(), "\u{1b}[2J".into()], Some(&file)).expect("a writer");
        for line in 2..=1203 {
            writer.skip(line.to_string(), "it has no time, or \"none\"".into()).expect("listed");
        }
        writer.take_in_part("9".into(), "gclid is left out".into()).expect("listed");
        writer.report.leads = 1300;
        writer.report.imported = 98;
        writer.report.accounts = 7;
        writer.flush().expect("written");
        let text = writer.report.to_string();
        let expected = "1300 leads read: 98 imported, 0 already there, 1202 skipped.\n7 accounts created. They have no password, \
                        so nobody can sign in to them yet.\nIgnored columns: \"session_key\", \"\\u{1b}[2J\".\n\nSkipped (1202):\n  \
                        line 2: it has no time, or \"none\"\n  line 3: ";
        assert!(text.starts_with(expected), "{text}");
        let end = format!(
            "line 1001: it has no time, or \"none\"\n  and 202 more. {} lists all of them\n\nImported in part (1):\n  line 9: \
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
