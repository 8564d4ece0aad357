//! The disk is full, and has room again later. The database is on a small file system of its own.

use std::{fs::File, io::Write, path::PathBuf, process::Command, sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY, PROMISED_WAIT},
    database::{Database, Kind},
    postgres::Postgres,
    process::run as command,
    site::Setup,
};

/// A file system in memory. It is unmounted when its value is dropped.
#[derive(Debug)]
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: PathBuf, size: &str) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        command(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&folder))?;
        Ok(Self(folder))
    }

    /// Fills the disk to its last block. Returns the file that does.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.0.join("filler");
        let mut file = File::create(&path)?;
        let block = [0; 4096];
        while file.write_all(&block).is_ok() {}
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a server may still have a file open.
        let _ = command(Command::new("umount").arg("-l").arg(&self.0));
    }
}

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let folder = case.bench.folder.join(format!("{}_disk", case.name));
    let kind = case.site.database.kind();
    let disk = match SmallDisk::mount(folder.clone(), if kind == Kind::Sqlite { "24m" } else { "256m" }) {
        Ok(disk) => disk,
        Err(error) => {
            case.row.skipped = Some(format!("a small file system needs root: {error}"));
            return Ok(());
        }
    };
    let database = match kind {
        Kind::Sqlite => Database::Sqlite { file: folder.join("waymark.db") },
        Kind::Postgres => {
            Database::Postgres { server: Arc::new(Postgres::start(&folder.join("server"))?), name: "postgres".into() }
        }
    };
    let site = case.bench.site(database, 1, &format!("{}_small", case.name), &Setup::default()).await?;
    case.move_to(site);
    let outcome = fill_and_clear(case, &disk).await;
    // The servers end before their disk goes.
    case.leave_site();
    outcome
}

async fn fill_and_clear(case: &mut Case<'_>, disk: &SmallDisk) -> Result<()> {
    let crowd = case.crowd(16);
    sleep(Duration::from_secs(1)).await;
    let others = case.others();
    let filler = disk.fill()?;
    sleep(Duration::from_secs(case.pick(3, 20))).await;
    // What was written meanwhile may have been freed again.
    let more = disk.fill();
    sleep(Duration::from_secs(1)).await;
    std::fs::remove_file(filler)?;
    more?;
    if let Database::Postgres { server, .. } = &case.site.database {
        // PostgreSQL ends if its log has no room. An operator starts it again.
        let _ = server.start_again();
    }
    case.recover(PROMISED_RECOVERY).await;
    let waits = others.stop().await;
    case.served(waits, PROMISED_WAIT);
    let browsers = case.finish(crowd).await;
    case.settle(browsers).await
}
