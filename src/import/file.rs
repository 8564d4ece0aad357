use std::path::Path;

use super::error::ImportError;

/// The number of rows that are read and held at a time. One transaction stores them.
pub(super) const PAGE: usize = 500;

/// Which columns of a row are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NeededColumns {
    /// The user and the time.
    Arrival,
    All,
}

/// Checks that the start of a file can be that of a CSV file.
pub(super) fn check_text(file: &Path, start: &[u8]) -> Result<(), ImportError> {
    if start.trim_ascii().is_empty() {
        return Err(ImportError::Empty(file.to_owned()));
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(ImportError::Utf16(file.to_owned()));
    }
    // NUL bytes, or the signatures of gzip and ZIP (which a spreadsheet's own format is)
    if start.contains(&0) || start.starts_with(b"\x1f\x8b") || start.starts_with(b"PK\x03\x04") {
        return Err(ImportError::NeitherCsvNorSqlite(file.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_from_csv() {
        let check = |start: &[u8]| check_text(Path::new("leads"), start).map_err(|error| error.to_string());
        assert_eq!(check(b"id,user_email\n"), Ok(()));
        assert_eq!(check(b"\xef\xbb\xbfid;user_email\r\n"), Ok(()));
        for (start, why) in [
            (&b""[..], "leads is empty."),
            (b" \r\n", "leads is empty."),
            (b"\xff\xfei\0d\0", "leads is UTF-16. Save it as UTF-8"),
            (b"PK\x03\x04", "leads is neither a CSV file nor a SQLite database"),
            (b"\x1f\x8b\x08", "leads is neither"),
            (b"id\0", "leads is neither"),
        ] {
            let told = check(start).expect_err("refused");
            assert!(told.starts_with(why), "{told}");
        }
    }
}
