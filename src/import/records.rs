//! A CSV reader: RFC 4180, and what spreadsheets write besides. Records come with the lines they stand on.
//!
//! What always holds:
//! - The line of a record is the one that an editor shows. LF, CR LF and CR end a line; empty lines and line ends inside
//!   quotation marks count.
//! - A record has at most [`MAX_BYTES`].
//! - A quotation mark that is never closed is an error with its line. The reader does not take the rest of the file as one cell.
//!
//! The `csv` crate's reader promises neither these line numbers nor the errors.

use std::io::{self, BufRead};

/// The longest record, in bytes. A lead needs far less, and a stray quotation mark cannot swallow more.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// A row of a CSV file, and where it stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CsvRecord {
    /// The record's first line. The first line of a file is 1.
    pub line: u64,
    /// The record's last line, which differs from `line` where a cell has line ends.
    pub last_line: u64,
    pub cells: Vec<Vec<u8>>,
}

/// Why a file is not CSV.
#[derive(Debug, thiserror::Error)]
pub(super) enum CsvError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file ends inside quotation marks that began on this line.
    #[error("line {0}: a quotation mark is opened here and never closed")]
    Unclosed(u64),
    /// The record that begins on this line has more than [`MAX_BYTES`].
    #[error("line {0}: this row has more than 1 MiB; is a quotation mark not closed?")]
    TooLong(u64),
}

/// Reads records one by one.
#[derive(Debug)]
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    line: u64,
    after_cr: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CellState {
    /// Before the first byte of a cell.
    Start,
    Plain,
    Quoted,
    /// After a quotation mark that ends the cell, unless another one follows at once.
    Closed,
}

impl<R: BufRead> Records<R> {
    pub fn new(input: R, delimiter: u8) -> Self {
        Self { input, delimiter, line: 1, after_cr: false }
    }

    /// Returns the next record. Skips empty lines.
    pub fn next(&mut self) -> Result<Option<CsvRecord>, CsvError> {
        let mut record = CsvRecord { line: self.line, ..CsvRecord::default() };
        let mut cell = Vec::new();
        let mut state = CellState::Start;
        let mut opened = self.line;
        let mut length = 0;
        loop {
            let line = self.line;
            let Some(byte) = self.byte()? else {
                return match state {
                    CellState::Quoted => Err(CsvError::Unclosed(opened)),
                    CellState::Start if record.cells.is_empty() => Ok(None),
                    _ => Ok(Some(record.end(cell, line))),
                };
            };
            length += 1;
            if length > MAX_BYTES {
                return Err(CsvError::TooLong(record.line));
            }
            match (state, byte) {
                (CellState::Quoted, b'"') => state = CellState::Closed,
                (CellState::Quoted, _) => cell.push(byte),
                (CellState::Start, b'"') => (state, opened) = (CellState::Quoted, line),
                (CellState::Closed, b'"') => {
                    cell.push(byte);
                    state = CellState::Quoted;
                }
                (_, b'\n' | b'\r') => {
                    let blank = record.cells.is_empty() && state != CellState::Closed && cell.trim_ascii().is_empty();
                    if !blank {
                        return Ok(Some(record.end(cell, line)));
                    }
                    cell.clear();
                    record.line = self.line;
                    (state, length) = (CellState::Start, 0);
                }
                (_, byte) if byte == self.delimiter => {
                    record.cells.push(std::mem::take(&mut cell));
                    state = CellState::Start;
                }
                _ => {
                    cell.push(byte);
                    state = CellState::Plain;
                }
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, io::Error> {
        let Some(&byte) = self.input.fill_buf()?.first() else { return Ok(None) };
        self.input.consume(1);
        // CR LF ends one line, not two
        if byte == b'\r' || byte == b'\n' && !self.after_cr {
            self.line += 1;
        }
        self.after_cr = byte == b'\r';
        Ok(Some(byte))
    }
}

impl CsvRecord {
    fn end(mut self, cell: Vec<u8>, line: u64) -> Self {
        self.cells.push(cell);
        self.last_line = line;
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<CsvRecord>, CsvError> {
        let mut records = Records::new(text, b',');
        std::iter::from_fn(|| records.next().transpose()).collect()
    }

    fn lines(text: &str) -> Vec<(u64, u64, Vec<String>)> {
        let records = read(text.as_bytes()).expect("records");
        let text = |cells: Vec<Vec<u8>>| cells.into_iter().map(|cell| String::from_utf8(cell).expect("text")).collect();
        records.into_iter().map(|record| (record.line, record.last_line, text(record.cells))).collect()
    }

    fn of(line: u64, last: u64, cells: &[&str]) -> (u64, u64, Vec<String>) {
        (line, last, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn lines_are_those_an_editor_shows() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", "  ", "1,2", "\"x", "", "y\",z", "3,4", ""].join(end);
            let cell = format!("x{end}{end}y");
            let expected =
                [of(1, 1, &["a", "b"]), of(4, 4, &["1", "2"]), of(5, 7, &[&cell, "z"]), of(8, 8, &["3", "4"])];
            assert_eq!(lines(&text), expected, "{end:?}");
        }
    }

    #[test]
    fn quotation_marks_hold_delimiters_and_each_other() {
        assert_eq!(lines("\"a,\"\"b\"\"\",5\" pipe,\"\"\n"), [of(1, 1, &["a,\"b\"", "5\" pipe", ""])]);
        assert_eq!(lines("a,\n,b"), [of(1, 1, &["a", ""]), of(2, 2, &["", "b"])]);
        assert_eq!(lines("\"\"\n\"a\"b,c"), [of(1, 1, &[""]), of(2, 2, &["ab", "c"])]);
        assert_eq!(lines(""), []);
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_told_with_its_line() {
        let told = |text: &[u8]| read(text).expect_err("no records").to_string();
        assert_eq!(told(b"a,b\r\n1,2\r\n3,\"4\r\n5,6\r\n"), "line 3: a quotation mark is opened here and never closed");
        let long = format!("a\n\"{}\"\n", "x\n".repeat(MAX_BYTES / 2));
        assert_eq!(told(long.as_bytes()), "line 2: this row has more than 1 MiB; is a quotation mark not closed?");
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_again(
            rows in prop::collection::vec(prop::collection::vec("[a,\"\r\n é;]{0,6}", 2..5), 0..8),
            crlf in any::<bool>(),
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().terminator(terminator).flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).expect("written");
            }
            let text = writer.into_inner().expect("text");
            let cells: Vec<_> = read(&text).expect("records").into_iter().map(|record| record.cells).collect();
            let expected: Vec<Vec<Vec<u8>>> =
                rows.iter().map(|row| row.iter().map(|cell| cell.as_bytes().to_vec()).collect()).collect();
            prop_assert_eq!(cells, expected);
        }
    }
}
