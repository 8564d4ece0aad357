//! What an import did: how many leads it took, and which rows it skipped, each with its place and the reason.

use std::{fmt, path::PathBuf};

use super::columns::all_quoted;

/// A row, and why it was skipped or what of it was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line of a CSV file, as an editor shows it; the id in a table.
    pub place: String,
    pub why: String,
}

/// What an import did. `Display` writes it for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Rows that were read.
    pub leads: u64,
    /// Leads that were added.
    pub imported: u64,
    /// Leads that were there already, from an earlier import or an equal row.
    pub already_there: u64,
    /// Accounts that were created for the leads.
    pub accounts: u64,
    /// Rows that were not imported.
    pub skipped: u64,
    /// Imported leads of which a part was left out.
    pub in_part: u64,
    /// The first thousand skipped rows.
    pub skipped_rows: Vec<Remark>,
    /// The first thousand leads that were imported in part.
    pub partial_rows: Vec<Remark>,
    /// Columns that the import does not know.
    pub ignored: Vec<String>,
    /// What a place is: `line` or `lead`.
    pub place_word: &'static str,
    /// The file with all remarks.
    pub rejected: Option<PathBuf>,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leads, imported, already_there, accounts, skipped, in_part, .. } = self;
        let leads_word = if *leads == 1 { "lead" } else { "leads" };
        write!(f, "{leads} {leads_word} read: {imported} imported, {already_there} already there, {skipped} skipped.")?;
        match accounts {
            0 => {}
            1 => write!(f, "\n1 account created. It has no password, so nobody can sign in to it yet.")?,
            _ => write!(f, "\n{accounts} accounts created. They have no password, so nobody can sign in to them yet.")?,
        }
        if !self.ignored.is_empty() {
            write!(f, "\nIgnored columns: {}.", all_quoted(&self.ignored).join(", "))?;
        }
        self.write_remarks(f, "Skipped", *skipped, &self.skipped_rows)?;
        self.write_remarks(f, "Imported in part", *in_part, &self.partial_rows)
    }
}

impl ImportReport {
    fn write_remarks(&self, f: &mut fmt::Formatter<'_>, title: &str, count: u64, remarks: &[Remark]) -> fmt::Result {
        if count == 0 {
            return Ok(());
        }
        write!(f, "\n\n{title} ({count}):")?;
        for Remark { place, why } in remarks {
            write!(f, "\n  {} {place}: {why}", self.place_word)?;
        }
        match (count - remarks.len() as u64, &self.rejected) {
            (0, _) => Ok(()),
            (more, Some(file)) => write!(f, "\n  and {more} more. {} lists all of them", file.display()),
            (more, None) => write!(f, "\n  and {more} more. To list all of them: --rejected FILE.csv"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let report = ImportReport { leads: 1, imported: 1, accounts: 1, ..ImportReport::default() };
        assert_eq!(
            report.to_string(),
            "1 lead read: 1 imported, 0 already there, 0 skipped.\n1 account created. It has no password, so nobody can sign in to \
             it yet."
        );
    }
}
