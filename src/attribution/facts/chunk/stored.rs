//! The columns of a chunk in a snapshot.

use uuid::Uuid;

use super::{Chunk, Conversion, MANY, NEXT_VISITOR, User, builder::Columns};
use crate::{
    attribution::{
        facts::{
            bytes::{Reader, Writer},
            dictionary::{Dictionary, Renumbered, Used},
            texts::Text,
        },
        model::Minor,
    },
    timestamp::Timestamp,
};

/// Returns two numbers as one.
fn joined((first, second): (u32, u32)) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// Returns the two numbers that [`joined`] made one of.
fn halves(both: u64) -> (u32, u32) {
    ((both >> 32) as u32, both as u32)
}

impl Chunk {
    /// Marks the tuples, pages and texts that the chunk refers to.
    pub(in crate::attribution::facts) fn mark_used(&self, used: &mut Used) {
        self.tuples.iter().for_each(|&tuple| used.tuples[tuple as usize] = true);
        self.pages.iter().for_each(|&page| used.pages[(page & !NEXT_VISITOR) as usize] = true);
        for conversion in &self.conversions {
            used.texts[Text::place(Some(conversion.kind))] = true;
            used.texts[Text::place(conversion.currency)] = true;
        }
    }

    /// Writes the columns, with the numbers of the snapshot's dictionary.
    pub(in crate::attribution::facts) fn write(&self, numbers: &Renumbered, bytes: &mut Writer) {
        bytes.list(&self.ids, |id| *id.as_bytes());
        bytes.list(&self.sizes, |size| size.to_le_bytes());
        bytes.list(&self.many, |&pair| joined(pair).to_le_bytes());
        bytes.list(&self.times, |at| at.as_millis().to_le_bytes());
        bytes.list(&self.tuples, |&tuple| numbers.tuples[tuple as usize].to_le_bytes());
        bytes.list(&self.pages, |&page| {
            let number = numbers.pages[(page & !NEXT_VISITOR) as usize];
            (number | page & NEXT_VISITOR).to_le_bytes()
        });
        bytes.list(&self.repeats, |&pair| joined(pair).to_le_bytes());
        bytes.int(self.users.len() as i64);
        for user in &self.users {
            bytes.int(user.created_at.as_millis());
            bytes.int(i64::from(user.person) << 32 | i64::from(user.end));
        }
        bytes.int(self.conversions.len() as i64);
        for row in &self.conversions {
            for number in [row.occurred_at.as_millis(), row.credited_at.as_millis(), row.value.0, row.before.0] {
                bytes.int(number);
            }
            let text = |text| i64::from(numbers.texts[Text::place(text)]);
            bytes.int(text(Some(row.kind)) << 32 | text(row.currency));
            bytes.int(i64::from(row.is_refund));
        }
    }

    /// Reads what [`write`](Self::write) wrote. Returns `None` if the columns do not fit together.
    pub(in crate::attribution::facts) fn read(dictionary: &Dictionary, bytes: &mut Reader<'_>) -> Option<Self> {
        let ids = bytes.list(|id| Some(Uuid::from_bytes(id)))?;
        let sizes = bytes.list(|size| Some(u16::from_le_bytes(size)))?;
        let many = bytes.list(|pair| Some(halves(u64::from_le_bytes(pair))))?;
        let times = bytes.list(|at| Some(Timestamp::from_millis(i64::from_le_bytes(at))))?;
        let (tuples, pages) = (dictionary.tuples().len(), dictionary.pages().len());
        let tuples = bytes.list(|tuple| Some(u32::from_le_bytes(tuple)).filter(|tuple| (*tuple as usize) < tuples))?;
        let in_pages = |page: &u32| ((page & !NEXT_VISITOR) as usize) < pages;
        let pages = bytes.list(|page| Some(u32::from_le_bytes(page)).filter(in_pages))?;
        let repeats = bytes.list(|both| Some(halves(u64::from_le_bytes(both))))?;
        let users = (0..bytes.int()?).map(|_| {
            let created_at = Timestamp::from_millis(bytes.int()?);
            let (person, end) = halves(bytes.int()?.cast_unsigned());
            Some(User { created_at, person, end })
        });
        let users = users.collect::<Option<Vec<_>>>()?;
        let conversions = (0..bytes.int()?).map(|_| {
            let [occurred_at, credited_at] = [bytes.int()?, bytes.int()?].map(Timestamp::from_millis);
            let [value, before] = [bytes.int()?, bytes.int()?].map(Minor);
            let (kind, currency) = halves(bytes.int()?.cast_unsigned());
            let (kind, currency) = (dictionary.texts.number(kind)?, dictionary.texts.number(currency));
            let is_refund = bytes.int()? != 0;
            Some(Conversion { occurred_at, credited_at, value, before, kind, currency, is_refund })
        });
        let conversions = conversions.collect::<Option<Vec<_>>>()?;
        let small: usize = sizes.iter().filter(|size| **size != MANY).map(|size| usize::from(*size)).sum();
        let large: usize = many.iter().map(|(_, size)| *size as usize).sum();
        let fits = sizes.len() == ids.len()
            && small + large == times.len()
            && sizes.iter().filter(|size| **size == MANY).count() == many.len()
            && [tuples.len(), pages.len()] == [times.len(); 2]
            && users.is_sorted_by_key(|user| user.end)
            && users.last().map_or(0, |user| user.end as usize) == conversions.len();
        let mut columns = Columns { ids, sizes, many, times, tuples, pages, repeats, users, conversions };
        fits.then(|| columns.take())
    }
}
