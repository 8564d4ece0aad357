//! The file to import: a CSV file or Django's SQLite database. The import reads the file page by page and never writes it.

use std::{fs::File, io::Read, path::Path};

use super::{
    columns::SourceRow, csv_file::CsvFile, error::ImportError, file, file::NeededColumns, options::Options,
    sqlite_file::SqliteFile,
};

/// The first bytes of a SQLite database.
const SQLITE: &[u8] = b"SQLite format 3\0";

#[derive(Debug)]
pub(super) enum SourceFile {
    Csv(Box<CsvFile>),
    Sqlite(Box<SqliteFile>),
}

impl SourceFile {
    /// Opens a file. Its first bytes tell which kind it is.
    pub async fn open(path: &Path, options: &Options) -> Result<Self, ImportError> {
        let start = start_of(path)?;
        if start.starts_with(SQLITE) {
            if options.users.is_some() {
                return Err(ImportError::UsersNotNeeded);
            }
            return Ok(Self::Sqlite(Box::new(SqliteFile::open(path).await?)));
        }
        file::check_text(path, &start)?;
        Ok(Self::Csv(Box::new(CsvFile::open(path, options.users.as_deref())?)))
    }

    /// Returns the word for what identifies a row in messages: `line` or `lead`.
    pub fn place_word(&self) -> &'static str {
        match self {
            Self::Csv(_) => "line",
            Self::Sqlite(_) => "lead",
        }
    }

    /// Returns the headings of columns that the import does not know.
    pub fn ignored(&self) -> &[String] {
        match self {
            Self::Csv(file) => file.ignored(),
            Self::Sqlite(file) => file.ignored(),
        }
    }

    /// Returns the next rows, at most [`file::PAGE`]; no row at the end. A CSV file always has all columns.
    pub async fn page(&mut self, columns: NeededColumns) -> Result<Vec<SourceRow>, ImportError> {
        match self {
            Self::Csv(file) => file.page(),
            Self::Sqlite(file) => file.page(columns).await,
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

/// Returns the first bytes of a regular file. A pipe is refused, because the import reads the file twice.
fn start_of(path: &Path) -> Result<Vec<u8>, ImportError> {
    let unreadable = |error| ImportError::Unreadable(path.to_owned(), error);
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(ImportError::NoRegularFile(path.to_owned()));
    }
    let mut start = Vec::new();
    File::open(path).map_err(unreadable)?.take(4096).read_to_end(&mut start).map_err(unreadable)?;
    Ok(start)
}
