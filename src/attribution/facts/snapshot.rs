//! The snapshot file: facts on disk, so that a restart need not read them from the database.
//!
//! A snapshot holds the facts and the [`Position`] of the changes that they have seen. Whoever opens the snapshot reads the changes
//! since. To know that the database is still the one the snapshot was made from, the maker notes a random id in `fact_changes`
//! first. A database that was restored from an older copy does not have this note, and the snapshot is thrown away.
//!
//! Only texts that some touch or conversion has are written. So texts that were erased are not in a new snapshot.
//!
//! All numbers are little-endian. The last four bytes are a CRC-32 of all bytes before them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Facts,
    bytes::{Reader, Writer},
    changes::{Bookmark, Position},
    chunk::Chunk,
    dictionary::{Dictionary, Used},
};
use crate::timestamp::Timestamp;

/// What a snapshot begins with. The number is raised when the format changes.
const MAGIC: &[u8; 12] = b"touchfacts-1";

/// How many bytes are written at once, about.
const PIECE: usize = 1 << 20;

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
    let mut bytes = Writer(Vec::with_capacity(PIECE + PIECE / 2));
    bytes.0.extend_from_slice(MAGIC);
    bytes.int(snapshot.taken_at.as_millis());
    snapshot.position.write(&mut bytes);
    snapshot.bookmark.write(&mut bytes);
    let Facts { dictionary, chunks, .. } = &snapshot.facts;
    let mut used = Used::none_of(dictionary);
    chunks.iter().for_each(|chunk| chunk.mark_used(&mut used));
    let numbers = dictionary.write(used, &mut bytes);
    bytes.int(chunks.len() as i64);
    for chunk in chunks {
        chunk.write(&numbers, &mut bytes);
        if bytes.0.len() > PIECE {
            file.append(&mut bytes)?;
        }
    }
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
    fn append(&mut self, bytes: &mut Writer) -> io::Result<()> {
        self.checksum.update(&bytes.0);
        io::Write::write_all(&mut self.file, &bytes.0)?;
        bytes.0.clear();
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
    let mut bytes = Reader(content.strip_prefix(MAGIC)?);
    let taken_at = Timestamp::from_millis(bytes.int()?);
    let (position, bookmark) = (Position::read(&mut bytes)?, Bookmark::read(&mut bytes)?);
    let dictionary = Dictionary::read(&mut bytes)?;
    let chunks = (0..bytes.int()?).map(|_| Chunk::read(&dictionary, &mut bytes)).collect::<Option<Vec<_>>>()?;
    Some(Snapshot { facts: Facts::new(dictionary, chunks), position, bookmark, taken_at })
}

/// Returns when the facts of a snapshot were up to date, without reading all of the file.
pub(super) fn taken_at(path: &Path) -> Option<Timestamp> {
    let mut begin = [0; MAGIC.len() + 8];
    io::Read::read_exact(&mut fs::File::open(path).ok()?, &mut begin).ok()?;
    Reader(begin.strip_prefix(MAGIC)?).int().map(Timestamp::from_millis)
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
