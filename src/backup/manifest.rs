use std::{collections::BTreeMap, fmt, fs::File, io, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cannot;
use crate::db::Dialect;

/// The form of today's backups. A program refuses a form that it does not know.
pub(super) const FORM: u32 = 1;

/// What a backup says about itself: the member `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub form: u32,
    /// When the backup was made, in UTC, by the clock of the machine.
    pub made_at: String,
    /// The version of the program that made it.
    pub version: String,
    pub database: Kind,
    /// The main version of PostgreSQL's `pg_dump`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pg_dump: Option<u32>,
    /// The size of the database's member.
    pub bytes: u64,
    /// The checksum of the database's member, in hexadecimal.
    pub sha256: String,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
}

/// Which of the two databases a backup is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Sqlite => Dialect::Sqlite,
            Self::Postgres => Dialect::Postgres,
        }
    }

    /// Returns the name of the archive's member.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Sqlite => "database.sqlite",
            Self::Postgres => "database.pg_dump",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// What a copy of a database has.
pub(super) struct Contents {
    pub pg_dump: Option<u32>,
    pub rows: BTreeMap<String, u64>,
}

impl Manifest {
    pub(super) fn of(dialect: Dialect, contents: Contents, copy: &Path) -> Result<Self, String> {
        let read = || {
            let mut digest = Checksum::default();
            let bytes = io::copy(&mut File::open(copy)?, &mut digest)?;
            Ok::<_, io::Error>((bytes, digest.hexadecimal()))
        };
        let (bytes, sha256) = read().map_err(|error| cannot("read", copy, error))?;
        Ok(Self {
            form: FORM,
            made_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            database: match dialect {
                Dialect::Sqlite => Kind::Sqlite,
                Dialect::Postgres => Kind::Postgres,
            },
            pg_dump: contents.pg_dump,
            bytes,
            sha256,
            rows: contents.rows,
        })
    }

    /// Returns how many rows there are in all tables.
    pub fn all_rows(&self) -> u64 {
        self.rows.values().sum()
    }

    /// Compares the rows with those of the restored database. Errors: the first table that differs.
    pub(super) fn must_have(&self, restored: &BTreeMap<String, u64>) -> Result<(), String> {
        let names = self.rows.keys().chain(restored.keys());
        let count = |rows: &BTreeMap<String, u64>, name| rows.get(name).copied();
        let words = |count: Option<u64>| count.map_or("is missing".to_owned(), |count| format!("has {count} rows"));
        for name in names {
            let (expected, found) = (count(&self.rows, name), count(restored, name));
            if expected != found {
                return Err(format!(
                    "The table {name} {} in the backup, and {} when restored.",
                    words(expected),
                    words(found)
                ));
            }
        }
        Ok(())
    }
}

/// Computes SHA-256 of what is written into it.
#[derive(Default)]
pub(super) struct Checksum(Sha256);

impl Checksum {
    pub fn hexadecimal(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

impl io::Write for Checksum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
