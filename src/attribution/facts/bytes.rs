//! Numbers and lists as bytes, little-endian.

use uuid::Uuid;

/// Appends numbers and lists.
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn int(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub fn id(&mut self, id: Uuid) {
        self.0.extend_from_slice(id.as_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.int(text.len() as i64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Appends a list: the number of its items, and each item as bytes.
    pub fn list<T, const N: usize>(&mut self, items: &[T], bytes: impl Fn(&T) -> [u8; N]) {
        self.int(items.len() as i64);
        items.iter().for_each(|item| self.0.extend_from_slice(&bytes(item)));
    }
}

/// Takes numbers and lists from the front. Each function returns `None` where the bytes end too early.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn int(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub fn id(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.int()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    pub fn list<T, const N: usize>(&mut self, item: impl Fn([u8; N]) -> Option<T>) -> Option<Vec<T>> {
        let length = usize::try_from(self.int()?).ok()?;
        let (items, _) = self.take(length.checked_mul(N)?)?.as_chunks::<N>();
        items.iter().map(|bytes| item(*bytes)).collect()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}
