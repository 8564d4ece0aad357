//! A data file has one row a line, its fields separated by one tab each. Empty lines and lines that begin with `#` are comments.

/// The rows of a data file, each with its `N` fields.
///
/// Errors: a sentence that names a line with another number of fields.
pub(crate) fn rows<const N: usize>(data: &'static str) -> impl Iterator<Item = Result<[&'static str; N], String>> {
    data.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        fields.try_into().map_err(|_| format!("{line:?} does not have {N} fields"))
    })
}

/// The words of a field, which are separated by one space each; `-` stands for no words.
pub(crate) fn words(field: &'static str) -> impl Iterator<Item = &'static str> {
    field.split(' ').filter(|word| *word != "-")
}
