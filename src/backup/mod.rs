//! Backups: the whole database in one file, and back.
//!
//! The file is a gzip-compressed tar archive of two members: `manifest.json`, and the database as an SQLite file or as `pg_dump`
//! writes it. So `tar` with `sqlite3` or `pg_restore` can read a backup without this program. If there is a key, the program `age`
//! encrypts the archive.
//!
//! A backup has every change that was committed before it began. The site goes on meanwhile. Restoring needs an empty place, and
//! compares a checksum of the database and the number of rows in each table before it says that all is there.

/// The file's form: compressed, and encrypted if there is a key.
mod archive;
/// What a backup says about itself.
mod manifest;
/// Copies a PostgreSQL database with `pg_dump` and `pg_restore`.
mod postgres;
/// Copies an SQLite database.
mod sqlite;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use self::{archive::Keys, manifest::Manifest};
use crate::db::{Dialect, create_private_file, sqlite_file};

/// Writes the database of `url` into a new file. Returns what is in the file.
///
/// Errors: what went wrong, as a sentence. Then there is no such file.
pub async fn back_up(url: &str, file: &Path, keys: &Keys) -> Result<Manifest, String> {
    let dialect = Dialect::of(url).map_err(|why| format!("DATABASE_URL {why}."))?;
    if file.exists() {
        return Err(format!("{} is there already. A backup replaces no file.", file.display()));
    }
    let copy = Scratch::create(file.with_added_extension("database"))?;
    let contents = match dialect {
        Dialect::Sqlite => sqlite::copy(url, &copy.0).await?,
        Dialect::Postgres => postgres::copy(url, &copy.0).await?,
    };
    let manifest = Manifest::of(dialect, contents, &copy.0)?;
    let unfinished = Scratch::create(file.with_added_extension("part"))?;
    archive::write(&unfinished.0, &manifest, &copy.0, keys)?;
    // The backup appears under its name when all of it is on disk.
    fs::rename(&unfinished.0, file).and_then(|()| flush_folder(file)).map_err(|error| cannot("write", file, error))?;
    Ok(manifest)
}

/// Brings a backup back into the empty database of `url`. Returns what was in the file.
///
/// Errors: what went wrong, as a sentence. Then the database is as empty as before.
pub async fn restore(url: &str, file: &Path, keys: &Keys) -> Result<Manifest, String> {
    let dialect = Dialect::of(url).map_err(|why| format!("DATABASE_URL {why}."))?;
    // An SQLite file is checked where it will stay, under another name.
    let scratch = match sqlite_file(url) {
        Some(target) => {
            sqlite::must_be_empty(&target).await?;
            target.with_added_extension("restoring")
        }
        None => {
            postgres::must_be_empty(url).await?;
            std::env::temp_dir().join(format!("{}-{}.restoring", env!("CARGO_PKG_NAME"), std::process::id()))
        }
    };
    let copy = Scratch::create(scratch)?;
    let manifest = archive::read(file, &copy.0, keys)?;
    if manifest.database.dialect() != dialect {
        return Err(format!("The backup is of {}, and DATABASE_URL names another database.", manifest.database));
    }
    match dialect {
        Dialect::Sqlite => sqlite::restore(&copy.0, url, &manifest).await?,
        Dialect::Postgres => postgres::restore(&copy.0, url, &manifest).await?,
    }
    Ok(manifest)
}

/// A file that only this program uses, and only for the moment. It is removed at the end, if it still has this name.
struct Scratch(PathBuf);

impl Scratch {
    /// Creates the file, readable by its owner alone. A file of this name is left from a run that was stopped.
    fn create(path: PathBuf) -> Result<Self, String> {
        let removed = fs::remove_file(&path);
        let created = match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => create_private_file(&path),
        };
        created.map_err(|error| cannot("write", &path, error))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns when the names in the file's folder are on disk.
fn flush_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Windows cannot open a folder, and needs no such flush.
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

fn cannot(what: &str, file: &Path, error: impl std::fmt::Display) -> String {
    format!("{} cannot be {}: {error}.", file.display(), if what == "write" { "written" } else { "read" })
}
