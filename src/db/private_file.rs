//! The SQLite file holds e-mail addresses and password hashes, so other users of the machine may not read it.

use std::{fs, io, path::Path};

/// Creates the file and its folder where they are missing, readable by the owner alone. SQLite gives the files beside it, such
/// as the write-ahead log, the same permissions. Existing files and folders keep theirs: the owner may have chosen them.
pub fn create(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        create_folder(folder)?;
    }
    match create_file(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn create_file(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map(drop)
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn create_file(file: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).open(file).map(drop)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::db::{Db, Dialect, testing::TestDatabase};

    #[tokio::test]
    async fn a_new_database_is_readable_by_its_owner_alone() {
        let database = TestDatabase::create(Dialect::Sqlite).await;
        let db = Db::connect(&database.url).await.expect("a database");
        db.migrate().await.expect("the migrations run");
        // While a connection is open, the files beside the database exist.
        let open = db.read().await.expect("a connection");
        let file = std::path::PathBuf::from(database.url.trim_start_matches("sqlite://"));
        let mode = |path: &std::path::Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(file.parent().expect("a folder")), 0o700);
        for end in ["", "-wal", "-shm"] {
            let path = format!("{}{end}", file.display());
            assert_eq!(mode(path.as_ref()), 0o600, "{path}");
        }
        drop(open);
        db.close().await;
        database.remove().await;
    }
}
