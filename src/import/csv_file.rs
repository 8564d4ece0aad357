//! A CSV file of leads, and the CSV file of users that it may refer to.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Seek},
    path::{Path, PathBuf},
};

use super::{
    ImportError,
    columns::{Column, Row, quoted},
    records::{Failure, Record, Records},
    source::{PAGE, check_text},
    time,
};

/// What a spreadsheet takes for the start of a formula: in its own `leads.csv` Waymark puts `'` before it.
const FORMULA: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', '\u{feff}'];

/// The leads of a CSV file.
#[derive(Debug)]
pub(super) struct CsvFile {
    table: CsvTable,
    users: Option<Users>,
    /// Whether Waymark wrote it.
    own: bool,
}

impl CsvFile {
    pub fn open(file: &Path, users: Option<&Path>) -> Result<Self, ImportError> {
        let users = users.map(Users::read).transpose()?;
        let table = CsvTable::open(file)?;
        let has = |column| table.columns.contains(&Some(column));
        let mut missing = Vec::new();
        for (there, names) in [
            (has(Column::Utm("utm_medium")), "medium"),
            (has(Column::Utm("utm_source")), "source"),
            (has(Column::Timestamp) || has(Column::CreatedAt), "timestamp or created_at"),
            (has(Column::Email) || has(Column::User), "user_email or user_id"),
        ] {
            if !there {
                missing.push(names);
            }
        }
        if !missing.is_empty() {
            let found = table.headings.iter().map(|heading| quoted(heading)).collect();
            return Err(ImportError::MissingColumns { file: file.to_owned(), missing, found });
        }
        match (has(Column::Email), &users) {
            (false, None) => return Err(ImportError::NoUsers(file.to_owned())),
            (true, Some(_)) => return Err(ImportError::UsersNotNeeded),
            _ => {}
        }
        Ok(Self { own: has(Column::LeadId), table, users })
    }

    pub fn ignored(&self) -> &[String] {
        &self.table.ignored
    }

    pub fn rewind(&mut self) -> Result<(), ImportError> {
        self.table.rewind()
    }

    pub fn page(&mut self) -> Result<Vec<Row>, ImportError> {
        let mut rows = Vec::new();
        while rows.len() < PAGE {
            let Some(mut row) = self.table.next()? else { break };
            if self.own {
                row.cells.iter_mut().for_each(|(column, cell)| unprotect(*column, cell));
            }
            if let Some(users) = &self.users {
                users.complete(&mut row);
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

/// Takes off what Waymark's own export puts before a formula's first sign.
fn unprotect(column: Column, cell: &mut Vec<u8>) {
    if !matches!(column, Column::Utm(_) | Column::Email) {
        return;
    }
    let Ok(text) = std::str::from_utf8(cell) else { return };
    if !text.contains('\'') {
        return;
    }
    let bare = text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(text);
    let bare =
        FORMULA.iter().fold(bare.to_owned(), |bare, sign| bare.replace(&format!(";'{sign}"), &format!(";{sign}")));
    *cell = bare.into_bytes();
}

/// Users by their primary key.
#[derive(Debug)]
struct Users {
    file: PathBuf,
    users: HashMap<String, User>,
}

#[derive(Debug)]
struct User {
    email: Vec<u8>,
    joined: Option<Vec<u8>>,
}

impl Users {
    fn read(file: &Path) -> Result<Self, ImportError> {
        let mut table = CsvTable::open(file)?;
        let missing: Vec<_> = [(Column::Id, "id"), (Column::Email, "email")]
            .into_iter()
            .filter(|(column, _)| !table.columns.contains(&Some(*column)))
            .map(|(_, name)| name)
            .collect();
        if !missing.is_empty() {
            let found = table.headings.iter().map(|heading| quoted(heading)).collect();
            return Err(ImportError::MissingColumns { file: file.to_owned(), missing, found });
        }
        let mut users = HashMap::new();
        while let Some(row) = table.next()? {
            let refused = |why| ImportError::BadUser { file: file.to_owned(), line: row.place.clone(), why };
            if let Some(problem) = &row.problem {
                return Err(refused(problem.clone()));
            }
            let Some(id) = row.text(Column::Id).map_err(refused)? else { return Err(refused("it has no id".into())) };
            let joined = row.text(Column::Joined).map_err(refused)?;
            if let Some(wrong) = joined.filter(|text| time::parse(text).is_none()) {
                return Err(refused(format!("{} is no time", quoted(wrong))));
            }
            let email = row.cells.iter().find(|(column, _)| *column == Column::Email);
            let user = User {
                email: email.map(|(_, bytes)| bytes.clone()).unwrap_or_default(),
                joined: joined.map(|text| text.as_bytes().to_vec()),
            };
            if users.insert(id.trim().to_owned(), user).is_some() {
                return Err(refused(format!("the user {} is there twice", quoted(id))));
            }
        }
        Ok(Self { file: file.to_owned(), users })
    }

    /// Adds the user's e-mail address to a lead.
    fn complete(&self, row: &mut Row) {
        let Ok(Some(id)) = row.text(Column::User) else { return };
        let Some(user) = self.users.get(id.trim()) else {
            row.problem = Some(format!("the user {} is not in {}", quoted(id), self.file.display()));
            return;
        };
        row.cells.push((Column::Email, user.email.clone()));
        if let Some(joined) = &user.joined {
            row.cells.push((Column::Joined, joined.clone()));
        }
    }
}

/// A CSV file whose first row names its columns.
#[derive(Debug)]
struct CsvTable {
    file: PathBuf,
    records: Records<BufReader<File>>,
    delimiter: u8,
    headings: Vec<String>,
    /// What is read, at its place in a row.
    columns: Vec<Option<Column>>,
    ignored: Vec<String>,
}

impl CsvTable {
    fn open(file: &Path) -> Result<Self, ImportError> {
        let unreadable = |error| ImportError::Unreadable(file.to_owned(), error);
        let mut input = open(file).map_err(unreadable)?;
        let start = input.fill_buf().map_err(unreadable)?;
        check_text(file, start)?;
        let delimiter = delimiter_of(start);
        let mut records = Records::new(input, delimiter);
        let header = records.next().map_err(|failure| ImportError::in_csv(file, failure))?.unwrap_or_default();
        let headings: Vec<String> =
            header.cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let columns: Vec<_> = headings.iter().map(|heading| Column::of(heading)).collect();
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

    fn rewind(&mut self) -> Result<(), ImportError> {
        let input = open(&self.file).map_err(|error| ImportError::Unreadable(self.file.clone(), error))?;
        self.records = Records::new(input, self.delimiter);
        self.record().map(|_header| ())
    }

    fn record(&mut self) -> Result<Option<Record>, ImportError> {
        self.records.next().map_err(|failure| ImportError::in_csv(&self.file, failure))
    }

    fn next(&mut self) -> Result<Option<Row>, ImportError> {
        let Some(record) = self.record()? else { return Ok(None) };
        let mut row = Row { place: record.line.to_string(), ..Row::default() };
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
        // No such value has line ends: it may hold the next row.
        let is_torn = |(column, cell): &&(Column, Vec<u8>)| {
            !matches!(column, Column::ClickIds | Column::CustomTags)
                && cell.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
        };
        if several && let Some((column, _)) = row.cells.iter().find(is_torn) {
            let (name, last) = (column.name(), record.last_line);
            row.problem = Some(format!("{name} goes on to line {last}: is a quotation mark not closed?"));
        }
        Ok(Some(row))
    }
}

fn columns(number: usize) -> String {
    if number == 1 { "1 column".to_owned() } else { format!("{number} columns") }
}

/// Opens a file behind the byte order mark that it may begin with.
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

/// What separates the cells of the first line: a comma, or what spreadsheets write where a comma is in numbers.
fn delimiter_of(start: &[u8]) -> u8 {
    let line = start.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.trim_ascii().is_empty());
    let count = |delimiter: u8| line.unwrap_or_default().iter().filter(|byte| **byte == delimiter).count();
    // of equals the last is taken
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

impl ImportError {
    fn in_csv(file: &Path, failure: Failure) -> Self {
        match failure {
            Failure::Io(error) => Self::Unreadable(file.to_owned(), error),
            told => Self::Csv(file.to_owned(), told.to_string()),
        }
    }
}
