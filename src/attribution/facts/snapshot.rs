//! The snapshot file: facts on disk, so that a restart need not read them from the database.
//!
//! A snapshot holds the facts and the [`Position`] of the changes that they have seen. Whoever opens the snapshot reads the changes
//! since. To know that the database is still the one the snapshot was made from, the maker notes a random id in `fact_changes`
//! first. A database that was restored from an older copy does not have this note, and the snapshot is thrown away.
//!
//! Only texts that some touch or conversion has are written. So texts that were erased are not in a new snapshot.
//!
//! The file has the time, the position, the bookmark and the number of chunks; the chunks; the dictionary; and a CRC-32 of all bytes
//! before. Columns of chunks are bytes, little-endian. Repeats, users, conversions, the beginning and
//! the dictionary are MessagePack.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Facts,
    changes::{Bookmark, Position},
    chunk::Chunk,
    dictionary::{Dictionary, Renumbered},
};
use crate::timestamp::Timestamp;

/// What a snapshot begins with. The number is raised when the format changes.
const MAGIC: &[u8; 12] = b"touchfacts-2";

/// How many bytes are written at once, about. Tests write many pieces.
const PIECE: usize = if cfg!(test) { 1 << 8 } else { 1 << 20 };

/// Facts as a snapshot holds them.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub facts: Facts,
    pub position: Position,
    pub bookmark: Bookmark,
    /// When the facts were up to date, by the database's clock.
    pub taken_at: Timestamp,
}

/// Writes a snapshot in place of the former one. Only the owner of the process can read the file.
pub(super) fn write(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let new = beside(path);
    let mut file = File { file: private_file(&new)?, checksum: crc32fast::Hasher::new() };
    let mut bytes = Vec::with_capacity(PIECE + PIECE / 2);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&snapshot.taken_at.as_millis().to_le_bytes());
    let Facts { dictionary, chunks, .. } = &snapshot.facts;
    let begin = (&snapshot.position, &snapshot.bookmark, chunks.len());
    rmp_serde::encode::write(&mut bytes, &begin).map_err(io::Error::other)?;
    let mut numbers = Renumbered::new(dictionary);
    for chunk in chunks {
        chunk.write(&mut numbers, &mut bytes).map_err(io::Error::other)?;
        if bytes.len() > PIECE {
            file.append(&mut bytes)?;
        }
    }
    rmp_serde::encode::write(&mut bytes, &numbers.stored()).map_err(io::Error::other)?;
    file.append(&mut bytes)?;
    let checksum = file.checksum.finalize();
    io::Write::write_all(&mut file.file, &checksum.to_le_bytes())?;
    fs::rename(&new, path)
}

/// A file that is being written, and the checksum of what it has so far.
struct File {
    file: fs::File,
    checksum: crc32fast::Hasher,
}

impl File {
    /// Appends the bytes, and empties their memory for the next ones.
    fn append(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.checksum.update(bytes);
        io::Write::write_all(&mut self.file, bytes)?;
        bytes.clear();
        Ok(())
    }
}

/// Reads a snapshot. Returns `None` if there is none, or if the file is damaged or of another release.
pub(super) fn read(path: &Path) -> Option<Snapshot> {
    let bytes = fs::read(path).ok()?;
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let (taken_at, mut bytes) = content.strip_prefix(MAGIC)?.split_first_chunk()?;
    let taken_at = Timestamp::from_millis(i64::from_le_bytes(*taken_at));
    let (position, bookmark, chunks): (_, _, usize) = rmp_serde::from_read(&mut bytes).ok()?;
    let chunks = (0..chunks).map(|_| Chunk::read(&mut bytes)).collect::<Option<Vec<_>>>()?;
    let dictionary = Dictionary::of_stored(rmp_serde::from_read(&mut bytes).ok()?)?;
    if !bytes.is_empty() {
        return None;
    }
    Some(Snapshot { facts: Facts::new(dictionary, chunks), position, bookmark, taken_at })
}

/// Returns when the facts of a snapshot were up to date, without reading all of the file.
pub(super) fn taken_at(path: &Path) -> Option<Timestamp> {
    let mut begin = [0; MAGIC.len() + 8];
    io::Read::read_exact(&mut fs::File::open(path).ok()?, &mut begin).ok()?;
    let taken_at = begin.strip_prefix(MAGIC)?.first_chunk()?;
    Some(Timestamp::from_millis(i64::from_le_bytes(*taken_at)))
}

/// Returns a name for the file while it is being written.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
