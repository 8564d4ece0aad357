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

use uuid::Uuid;

pub use self::{archive::Keys, manifest::Manifest};
use crate::db::{Dialect, create_private_file, sqlite_file};

/// The tables that are empty after a restore.
const ENDED: [&str; 2] = ["tower_sessions", "one_time_tokens"];

/// Writes the database of `url` into a new file. Returns what is in the file.
///
/// Errors: what went wrong, as a sentence. Then there is no such file.
pub async fn back_up(url: &str, file: &Path, keys: &Keys) -> Result<Manifest, String> {
    let dialect = Dialect::of(url).map_err(|why| format!("DATABASE_URL {why}."))?;
    if file.exists() {
        return Err(format!("{} is there already. A backup replaces no file.", file.display()));
    }
    let workplace = Workplace::beside(file)?;
    let (copy, unfinished) = (workplace.file("database")?, workplace.file("backup")?);
    let contents = match dialect {
        Dialect::Sqlite => sqlite::copy(url, &copy).await?,
        Dialect::Postgres => postgres::copy(url, &copy).await?,
    };
    let manifest = Manifest::of(dialect, contents, &copy)?;
    archive::write(&unfinished, &manifest, &copy, keys)?;
    // The backup appears under its name when all of it is on disk.
    fs::rename(&unfinished, file).and_then(|()| flush_folder(file)).map_err(|error| cannot("write", file, error))?;
    Ok(manifest)
}

/// Brings a backup back into the empty database of `url`. Returns what was in the file.
///
/// Nobody is signed in afterwards, and no link in a mail works: a session that was ended since the backup must not come back.
///
/// Errors: what went wrong, as a sentence. Then the database is as empty as before, unless PostgreSQL took the rows and has others.
pub async fn restore(url: &str, file: &Path, keys: &Keys) -> Result<Manifest, String> {
    let dialect = Dialect::of(url).map_err(|why| format!("DATABASE_URL {why}."))?;
    let workplace = match sqlite_file(url) {
        Some(target) => {
            sqlite::must_be_empty(&target)?;
            Workplace::beside(&target)?
        }
        None => {
            postgres::must_be_empty(url).await?;
            Workplace::beside(&std::env::temp_dir().join(env!("CARGO_PKG_NAME")))?
        }
    };
    let copy = workplace.file("database")?;
    let manifest = archive::read(file, &copy, keys)?;
    if manifest.database.dialect() != dialect {
        return Err(format!("The backup is of {}, and DATABASE_URL names another database.", manifest.database));
    }
    match dialect {
        Dialect::Sqlite => sqlite::restore(&copy, url, &manifest).await?,
        Dialect::Postgres => postgres::restore(&copy, url, &manifest).await?,
    }
    Ok(manifest)
}

/// A folder that only this user can enter, with an unknown name. It is removed at the end.
struct Workplace(PathBuf);

impl Workplace {
    /// Creates the folder beside a file, so that what is in it can get the file's name.
    fn beside(file: &Path) -> Result<Self, String> {
        let folder = file.with_added_extension(Uuid::new_v4().simple().to_string());
        let mut builder = fs::DirBuilder::new();
        // The database's folder may be missing, too.
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| cannot("write", &folder, error))?;
        Ok(Self(folder))
    }

    /// Creates a file in the folder. It keeps its permissions when it is moved out.
    fn file(&self, name: &str) -> Result<PathBuf, String> {
        let file = self.0.join(name);
        create_private_file(&file).map_err(|error| cannot("write", &file, error))?;
        Ok(file)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
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
