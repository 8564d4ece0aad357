use std::{
    fs::File,
    io::{BufRead, BufReader, Seek},
    path::{Path, PathBuf},
};

use super::{
    columns::{KnownColumn, SourceRow, all_quoted, missing, quoted},
    error::ImportError,
    file::check_text,
    records::{CsvError, CsvRecord, Records},
};

/// A CSV file whose first row names its columns.
#[derive(Debug)]
pub(super) struct CsvTable {
    file: PathBuf,
    records: Records<BufReader<File>>,
    delimiter: u8,
    headings: Vec<String>,
    /// The known columns, at their places in a row.
    columns: Vec<Option<KnownColumn>>,
    ignored: Vec<String>,
}

impl CsvTable {
    pub fn open(file: &Path) -> Result<Self, ImportError> {
        let unreadable = |error| ImportError::Unreadable(file.to_owned(), error);
        let mut input = open(file).map_err(unreadable)?;
        let start = input.fill_buf().map_err(unreadable)?;
        check_text(file, start)?;
        let delimiter = delimiter_of(start);
        let mut records = Records::new(input, delimiter);
        let header = records.next().map_err(|error| csv_error(file, error))?.unwrap_or_default();
        let headings: Vec<String> =
            header.cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let columns: Vec<_> = headings.iter().map(|heading| KnownColumn::of(heading)).collect();
        for (index, column) in columns.iter().enumerate() {
            let first = columns.iter().position(|other| column.is_some() && other == column);
            if let Some(first) = first.filter(|first| *first < index) {
                let [one, other] = [first, index].map(|at| quoted(&headings[at]));
                return Err(ImportError::SameColumn { file: file.to_owned(), one, other });
            }
        }
        let ignored = headings.iter().zip(&columns).filter(|(_, column)| column.is_none());
        let ignored = ignored.map(|(heading, _)| heading.clone()).collect();
        Ok(Self { file: file.to_owned(), records, delimiter, headings, columns, ignored })
    }

    pub fn has(&self, column: KnownColumn) -> bool {
        self.columns.contains(&Some(column))
    }

    /// Checks that the table has at least one column of each group.
    pub fn require(&self, columns: &[(&[KnownColumn], &'static str)]) -> Result<(), ImportError> {
        let missing = missing(columns, |column| self.has(column));
        if missing.is_empty() {
            return Ok(());
        }
        Err(ImportError::MissingColumns { file: self.file.clone(), missing, found: all_quoted(&self.headings) })
    }

    /// Returns the headings of the columns that are not known.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Goes back to the first row after the headings.
    pub fn rewind(&mut self) -> Result<(), ImportError> {
        let input = open(&self.file).map_err(|error| ImportError::Unreadable(self.file.clone(), error))?;
        self.records = Records::new(input, self.delimiter);
        self.record().map(|_header| ())
    }

    /// Returns the next row.
    pub fn next(&mut self) -> Result<Option<SourceRow>, ImportError> {
        let Some(record) = self.record()? else { return Ok(None) };
        let mut row = SourceRow { place: record.line.to_string(), ..SourceRow::default() };
        let (found, expected) = (record.cells.len(), self.columns.len());
        if found != expected {
            let lines = match record.last_line {
                last if last == record.line => String::new(),
                last => format!(" (up to line {last}: is a quotation mark not closed?)"),
            };
            row.problem = Some(format!("it has {} where the first line has {expected}{lines}", columns(found)));
            return Ok(Some(row));
        }
        let several = record.last_line > record.line;
        let cells = self.columns.iter().zip(record.cells);
        row.cells = cells.filter_map(|(column, cell)| Some(((*column)?, cell))).collect();
        // Only JSON has line ends. In another cell they mean that the cell may hold the next row.
        let is_torn = |(column, cell): &&(KnownColumn, Vec<u8>)| {
            !matches!(column, KnownColumn::ClickIds | KnownColumn::CustomTags)
                && cell.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
        };
        if several && let Some((column, _)) = row.cells.iter().find(is_torn) {
            let (name, last) = (column.name(), record.last_line);
            row.problem = Some(format!("{name} goes on to line {last}: is a quotation mark not closed?"));
        }
        Ok(Some(row))
    }

    fn record(&mut self) -> Result<Option<CsvRecord>, ImportError> {
        self.records.next().map_err(|error| csv_error(&self.file, error))
    }
}

fn csv_error(file: &Path, error: CsvError) -> ImportError {
    match error {
        CsvError::Io(error) => ImportError::Unreadable(file.to_owned(), error),
        error => ImportError::Csv(file.to_owned(), error.to_string()),
    }
}

fn columns(number: usize) -> String {
    if number == 1 { "1 column".to_owned() } else { format!("{number} columns") }
}

/// Opens a file after the byte order mark that it may begin with.
fn open(file: &Path) -> std::io::Result<BufReader<File>> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut input = BufReader::with_capacity(64 * 1024, File::open(file)?);
    if input.fill_buf()?.starts_with(MARK) {
        input.consume(MARK.len());
    } else {
        input.rewind()?;
    }
    Ok(input)
}

/// Returns what separates the cells of the first line: tab, semicolon or comma, whichever is most frequent. Spreadsheets write
/// semicolons where numbers have a comma.
fn delimiter_of(start: &[u8]) -> u8 {
    let line = start.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.trim_ascii().is_empty());
    let count = |delimiter: u8| line.unwrap_or_default().iter().filter(|byte| **byte == delimiter).count();
    // of equal counts `max_by_key` takes the last, the comma
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}
