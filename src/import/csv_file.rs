//! The leads of a CSV file, with the users of another file where the leads name their users by id only.

use std::path::Path;

use super::{
    columns::{KnownColumn, SourceRow},
    csv_table::CsvTable,
    csv_users::CsvUsers,
    error::ImportError,
    file::PAGE,
};

/// Signs with which spreadsheets begin a formula. Waymark's own `leads.csv` has a `'` before them.
const FORMULA: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', '\u{feff}'];

const REQUIRED: [(&[KnownColumn], &str); 4] = [
    (&[KnownColumn::Utm("utm_medium")], "medium"),
    (&[KnownColumn::Utm("utm_source")], "source"),
    (&[KnownColumn::Timestamp, KnownColumn::CreatedAt], "timestamp or created_at"),
    (&[KnownColumn::Email, KnownColumn::User], "user_email or user_id"),
];

#[derive(Debug)]
pub(super) struct CsvFile {
    table: CsvTable,
    users: Option<CsvUsers>,
    /// Whether Waymark wrote the file.
    own: bool,
}

impl CsvFile {
    pub fn open(file: &Path, users: Option<&Path>) -> Result<Self, ImportError> {
        let users = users.map(CsvUsers::read).transpose()?;
        let table = CsvTable::open(file)?;
        table.require(&REQUIRED)?;
        match (table.has(KnownColumn::Email), &users) {
            (false, None) => Err(ImportError::NoUsers(file.to_owned())),
            (true, Some(_)) => Err(ImportError::UsersNotNeeded),
            _ => Ok(Self { own: table.has(KnownColumn::LeadId), table, users }),
        }
    }

    pub fn ignored(&self) -> &[String] {
        self.table.ignored()
    }

    pub fn rewind(&mut self) -> Result<(), ImportError> {
        self.table.rewind()
    }

    pub fn page(&mut self) -> Result<Vec<SourceRow>, ImportError> {
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

/// Removes the `'` that Waymark's own export puts before a formula's first sign: `'-50%` → `-50%`.
fn unprotect(column: KnownColumn, cell: &mut Vec<u8>) {
    if !matches!(column, KnownColumn::Utm(_) | KnownColumn::Email) {
        return;
    }
    let Ok(text) = std::str::from_utf8(cell) else { return };
    if !text.contains('\'') {
        return;
    }
    let bare = text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(text);
    // after a semicolon too, where some spreadsheets begin a new cell
    let bare =
        FORMULA.iter().fold(bare.to_owned(), |bare, sign| bare.replace(&format!(";'{sign}"), &format!(";{sign}")));
    *cell = bare.into_bytes();
}
