//! The file format: <https://www.sqlite.org/fileformat2.html>, sections 1.3 to 1.6.

/// The length of the header of the file, with which page 1 begins.
const FILE_HEADER: usize = 100;

/// How a page of the file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageUse {
    /// A page of a table or an index, or a page with the rest of a long row. The page's own bytes tell which.
    Data,
    /// A page of the list of free pages, with the numbers of this many free pages.
    FreeList { entries: usize },
    /// A free page.
    Free,
}

/// Overwrites the bytes of a page that hold no data. Returns whether one of them was not zero.
///
/// `reserved` is the number of bytes at the end of each page that SQLite does not use. A page whose structure cannot be followed
/// is left alone.
pub(super) fn scrub(page: &mut [u8], number: u32, page_use: PageUse, reserved: usize) -> bool {
    let usable = page.len().saturating_sub(reserved);
    match page_use {
        PageUse::Free => zero(page, 0, usable),
        PageUse::FreeList { entries } => zero(page, (8 + 4 * entries).min(usable), usable),
        PageUse::Data => match free_space(page, number, usable) {
            Some(ranges) => ranges.into_iter().fold(false, |any, (start, end)| zero(page, start, end) | any),
            None => false,
        },
    }
}

fn zero(page: &mut [u8], start: usize, end: usize) -> bool {
    let bytes = page.get_mut(start..end).unwrap_or_default();
    let found = bytes.iter().any(|byte| *byte != 0);
    bytes.fill(0);
    found
}

/// Returns the ranges of a b-tree page that hold no data: the gap between the list of cells and the cells, and the free blocks
/// among the cells, without their headers. Returns `None` for a page of another kind.
///
/// A page with the rest of a long row begins with the number of the next such page, so its first byte is 0 in files of up to
/// 2^25 pages.
fn free_space(page: &[u8], number: u32, usable: usize) -> Option<Vec<(usize, usize)>> {
    let start = if number == 1 { FILE_HEADER } else { 0 };
    let header = match page.get(start)? {
        // a page that refers to other pages of its b-tree, of an index or a table
        2 | 5 => 12,
        // a leaf, of an index or a table
        10 | 13 => 8,
        _ => return None,
    };
    let cells = start + header;
    let cells_end = cells + 2 * usize::from(u16_at(page, start + 3)?);
    let content = match u16_at(page, start + 5)? {
        0 => 65_536,
        content => usize::from(content),
    };
    if cells_end > content || content > usable {
        return None;
    }
    for cell in (cells..cells_end).step_by(2) {
        let cell = usize::from(u16_at(page, cell)?);
        if cell < content || cell >= usable {
            return None;
        }
    }
    let mut ranges = vec![(cells_end, content)];
    let mut block = usize::from(u16_at(page, start + 1)?);
    let mut least = content;
    while block != 0 {
        let size = usize::from(u16_at(page, block + 2)?);
        // The list is in ascending order, and blocks do not overlap.
        if block < least || size < 4 || block + size > usable {
            return None;
        }
        ranges.push((block + 4, block + size));
        least = block + size;
        block = usize::from(u16_at(page, block)?);
    }
    Some(ranges)
}

pub(super) fn u16_at(page: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(page.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(page.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf of a table with two cells, a free block between them, and old bytes in the free space.
    fn leaf() -> Vec<u8> {
        let mut page = vec![b'x'; 512];
        page[..8].copy_from_slice(&[13, 1, 0xe0, 0, 2, 1, 0xd0, 0]);
        page[8..12].copy_from_slice(&[1, 0xd0, 1, 0xf0]);
        page[0x1e0..0x1e4].copy_from_slice(&[0, 0, 0, 16]);
        page
    }

    #[test]
    fn free_space_is_overwritten_and_cells_stay() {
        let mut page = leaf();
        assert!(scrub(&mut page, 2, PageUse::Data, 0));
        let mut expected = leaf();
        expected[12..0x1d0].fill(0);
        expected[0x1e4..0x1f0].fill(0);
        assert_eq!(page, expected);
        assert!(!scrub(&mut page, 2, PageUse::Data, 0), "nothing is left to do");
    }

    #[test]
    fn a_page_of_another_kind_or_a_broken_one_is_left_alone() {
        let broken = |at: usize, value: u8| {
            let mut page = leaf();
            page[at] = value;
            page
        };
        // another kind · a block before the content · a cell behind the page · a block that is too long · more cells than
        // have room
        for page in [broken(0, 0), broken(1, 0), broken(8, 9), broken(0x1e2, 1), broken(3, 2)] {
            let mut scrubbed = page.clone();
            assert!(!scrub(&mut scrubbed, 2, PageUse::Data, 0));
            assert_eq!(page, scrubbed);
        }
    }

    #[test]
    fn free_pages_lose_all_but_their_list() {
        let mut page = vec![b'x'; 512];
        assert!(scrub(&mut page, 9, PageUse::FreeList { entries: 3 }, 0));
        assert!(page[..20].iter().all(|byte| *byte == b'x') && page[20..].iter().all(|byte| *byte == 0));
        assert!(scrub(&mut page, 9, PageUse::Free, 0) && page.iter().all(|byte| *byte == 0));
    }
}
