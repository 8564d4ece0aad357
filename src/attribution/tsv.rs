//! A data file has one row per line. One tab separates two fields. Empty lines and lines that begin with `#` are skipped.

/// Returns the rows of a data file, each with its `N` fields.
///
/// Errors: a text that quotes the line, if the line has another number of fields.
pub(crate) fn rows<const N: usize>(data: &'static str) -> impl Iterator<Item = Result<[&'static str; N], String>> {
    data.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        fields.try_into().map_err(|_| format!("{line:?} does not have {N} fields"))
    })
}

/// Returns the words of a field. One space separates two words; `-` stands for no words.
pub(crate) fn words(field: &'static str) -> impl Iterator<Item = &'static str> {
    field.split(' ').filter(|word| *word != "-")
}
