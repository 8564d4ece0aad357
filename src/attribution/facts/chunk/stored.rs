//! The columns of a chunk in a snapshot.

use uuid::Uuid;

use super::{Chunk, NEXT_VISITOR};
use crate::{
    attribution::facts::dictionary::{PageNumber, Renumbered, TupleNumber},
    timestamp::Timestamp,
};

/// Appends a column: the number of its values, and each value as bytes.
fn write<T, const N: usize>(bytes: &mut Vec<u8>, column: &[T], mut value: impl FnMut(&T) -> [u8; N]) {
    bytes.extend_from_slice(&(column.len() as u64).to_le_bytes());
    column.iter().for_each(|item| bytes.extend_from_slice(&value(item)));
}

/// Takes a column from the front. Returns `None` if the bytes end too early.
fn read<T, const N: usize>(bytes: &mut &[u8], value: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (column, rest) = rest.split_at_checked(length.checked_mul(N)?)?;
    *bytes = rest;
    Some(column.as_chunks().0.iter().map(|item| value(*item)).collect())
}

impl Chunk {
    /// Writes the columns, with the numbers of the snapshot's dictionary.
    pub(in crate::attribution::facts) fn write(
        &self,
        numbers: &mut Renumbered<'_>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), rmp_serde::encode::Error> {
        write(bytes, &self.ids, |id| *id.as_bytes());
        write(bytes, &self.starts, |start| start.to_le_bytes());
        write(bytes, &self.times, |at| at.as_millis().to_le_bytes());
        write(bytes, &self.tuples, |&tuple| numbers.tuple(TupleNumber(tuple)).0.to_le_bytes());
        write(bytes, &self.pages, |&page| {
            let number = numbers.page(PageNumber(page & !NEXT_VISITOR));
            (number.0 | page & NEXT_VISITOR).to_le_bytes()
        });
        let mut conversions = self.conversions.clone();
        for row in &mut conversions {
            row.kind = numbers.text(row.kind);
            row.currency = row.currency.map(|currency| numbers.text(currency));
        }
        rmp_serde::encode::write(bytes, &(&self.repeats, &self.users, conversions))
    }

    /// Reads what [`write`](Self::write) wrote. Returns `None` if the bytes end too early or the columns do not fit together.
    pub(in crate::attribution::facts) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let ids = read(bytes, Uuid::from_bytes)?;
        let starts = read(bytes, u16::from_le_bytes)?;
        let times = read(bytes, |at| Timestamp::from_millis(i64::from_le_bytes(at)))?;
        let (tuples, pages) = (read(bytes, u32::from_le_bytes)?, read(bytes, u32::from_le_bytes)?);
        let (repeats, users, conversions) = rmp_serde::from_read(bytes).ok()?;
        let chunk = Self { ids, starts, times, tuples, pages, repeats, users, conversions, ..Self::default() };
        chunk.fits().then(|| chunk.summed())
    }

    /// Returns whether each person's touches and conversions are there.
    fn fits(&self) -> bool {
        let (persons, touches) = (self.ids.len(), self.times.len());
        self.starts.len() == persons
            && self.tuples.len() == touches
            && self.pages.len() == touches
            && self.starts.is_sorted()
            && self.starts.last().is_none_or(|start| usize::from(*start) <= touches)
            && self.users.is_sorted_by_key(|user| user.end)
            && self.users.last().map_or(0, |user| user.end as usize) == self.conversions.len()
    }
}
