//! The file that is imported: a CSV file or Django's SQLite database, read page by page and never written.

use std::{fs::File, io::Read, path::Path};

use super::{ImportError, Options, columns::Row, csv_file::CsvFile, sqlite_file::SqliteFile};

/// Rows of a page: what is held at a time, and what one transaction stores.
pub(super) const PAGE: usize = 500;

/// How a SQLite database begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What of a row is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Whose it is and when it came, at least.
    Arrival,
    All,
}

#[derive(Debug)]
pub(super) enum Source {
    Csv(Box<CsvFile>),
    Sqlite(Box<SqliteFile>),
}

impl Source {
    /// Opens a file of either kind; which one, its first bytes say.
    pub async fn open(file: &Path, options: &Options) -> Result<Self, ImportError> {
        let start = start_of(file)?;
        if start.starts_with(SQLITE) {
            if options.users.is_some() {
                return Err(ImportError::UsersNotNeeded);
            }
            return Ok(Self::Sqlite(Box::new(SqliteFile::open(file).await?)));
        }
        check_text(file, &start)?;
        Ok(Self::Csv(Box::new(CsvFile::open(file, options.users.as_deref())?)))
    }

    /// What a row is found by, for a message.
    pub fn place(&self) -> &'static str {
        match self {
            Self::Csv(_) => "line",
            Self::Sqlite(_) => "lead",
        }
    }

    /// Headings that mean nothing here.
    pub fn ignored(&self) -> &[String] {
        match self {
            Self::Csv(file) => file.ignored(),
            Self::Sqlite(file) => file.ignored(),
        }
    }

    /// The next rows, at most [`PAGE`]; none at the end.
    pub async fn page(&mut self, part: Part) -> Result<Vec<Row>, ImportError> {
        match self {
            Self::Csv(file) => file.page(),
            Self::Sqlite(file) => file.page(part).await,
        }
    }

    /// Goes back to the first row.
    pub fn rewind(&mut self) -> Result<(), ImportError> {
        match self {
            Self::Csv(file) => file.rewind(),
            Self::Sqlite(file) => {
                file.rewind();
                Ok(())
            }
        }
    }
}

/// The first bytes of a file that is one: it is read twice, so it can be no pipe.
fn start_of(file: &Path) -> Result<Vec<u8>, ImportError> {
    let unreadable = |error| ImportError::Unreadable(file.to_owned(), error);
    if !std::fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err(ImportError::NoFile(file.to_owned()));
    }
    let mut start = Vec::new();
    File::open(file).map_err(unreadable)?.take(4096).read_to_end(&mut start).map_err(unreadable)?;
    Ok(start)
}

/// Whether the start of a file can be that of a CSV file.
pub(super) fn check_text(file: &Path, start: &[u8]) -> Result<(), ImportError> {
    if start.trim_ascii().is_empty() {
        return Err(ImportError::Empty(file.to_owned()));
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(ImportError::Utf16(file.to_owned()));
    }
    if start.contains(&0) || start.starts_with(b"\x1f\x8b") || start.starts_with(b"PK\x03\x04") {
        return Err(ImportError::NeitherCsvNorSqlite(file.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_from_csv() {
        let check = |start: &[u8]| check_text(Path::new("leads"), start).map_err(|error| error.to_string());
        assert_eq!(check(b"id,user_email\n"), Ok(()));
        assert_eq!(check(b"\xef\xbb\xbfid;user_email\r\n"), Ok(()));
        for (start, why) in [
            (&b""[..], "leads is empty."),
            (b" \r\n", "leads is empty."),
            (b"\xff\xfei\0d\0", "leads is UTF-16. Save it as UTF-8"),
            (b"PK\x03\x04", "leads is neither a CSV file nor a SQLite database"),
            (b"\x1f\x8b\x08", "leads is neither"),
            (b"id\0", "leads is neither"),
        ] {
            let told = check(start).expect_err("refused");
            assert!(told.starts_with(why), "{told}");
        }
    }
}
