use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    columns::{KnownColumn, SourceRow, quoted},
    csv_table::CsvTable,
    error::ImportError,
    time,
};

/// The users of a CSV file, by their primary key.
#[derive(Debug)]
pub(super) struct CsvUsers {
    file: PathBuf,
    users: HashMap<String, CsvUser>,
}

#[derive(Debug)]
struct CsvUser {
    email: Vec<u8>,
    joined: Option<Vec<u8>>,
}

impl CsvUsers {
    /// Reads all users. One bad row is an error: its leads could not be matched.
    pub fn read(file: &Path) -> Result<Self, ImportError> {
        let mut table = CsvTable::open(file)?;
        table.require(&[(&[KnownColumn::Id], "id"), (&[KnownColumn::Email], "email")])?;
        let mut users = HashMap::new();
        while let Some(row) = table.next()? {
            let refused = |why| ImportError::BadUser { file: file.to_owned(), line: row.place.clone(), why };
            if let Some(problem) = &row.problem {
                return Err(refused(problem.clone()));
            }
            let Some(id) = row.text(KnownColumn::Id).map_err(refused)? else {
                return Err(refused("it has no id".into()));
            };
            let joined = row.text(KnownColumn::Joined).map_err(refused)?;
            if let Some(wrong) = joined.filter(|text| time::parse(text).is_none()) {
                return Err(refused(format!("{} is not a time", quoted(wrong))));
            }
            let email = row.cells.iter().find(|(column, _)| *column == KnownColumn::Email);
            let user = CsvUser {
                email: email.map(|(_, bytes)| bytes.clone()).unwrap_or_default(),
                joined: joined.map(|text| text.as_bytes().to_vec()),
            };
            if users.insert(id.trim().to_owned(), user).is_some() {
                return Err(refused(format!("the user {} is listed twice", quoted(id))));
            }
        }
        Ok(Self { file: file.to_owned(), users })
    }

    /// Adds the e-mail address and the time of joining of a lead's user to the lead.
    pub fn complete(&self, row: &mut SourceRow) {
        let Ok(Some(id)) = row.text(KnownColumn::User) else { return };
        let Some(user) = self.users.get(id.trim()) else {
            row.problem = Some(format!("the user {} is not in {}", quoted(id), self.file.display()));
            return;
        };
        row.cells.push((KnownColumn::Email, user.email.clone()));
        if let Some(joined) = &user.joined {
            row.cells.push((KnownColumn::Joined, joined.clone()));
        }
    }
}
