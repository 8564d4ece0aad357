//! Statements of reports. Their text is code; what somebody typed is bound as a value.

use std::borrow::Cow;

use super::Range;
use crate::db::{Query, Value, sql};

/// Puts the text of a statement together from named pieces, as `format!` does:
/// `sql_text!("select {columns} from touches t where {touched}"; columns, touched)`.
///
/// Unlike with `format!`, all pieces must be listed at the end, and each must be a literal or another [`SqlText`]. So no text
/// that somebody typed can become a part of the statement.
macro_rules! sql_text {
    ($text:literal; $($piece:ident),+) => {
        $crate::attribution::report::statement::SqlText::of_code(format!(
            // `concat!` keeps `format!` from taking further variables from around it
            concat!($text),
            $($piece = $crate::attribution::report::statement::Piece::text(&$piece)),+
        ))
    };
}
pub(super) use sql_text;

/// A part of a statement's text: code with placeholders.
#[derive(Clone, Debug, Default)]
pub(super) struct SqlText(Cow<'static, str>);

impl SqlText {
    /// Makes a text of code. Only [`sql_text!`] may call this function.
    pub fn of_code(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for SqlText {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

/// What can be put into a text by [`sql_text!`].
pub(super) trait Piece {
    fn text(&self) -> &str;
}

impl Piece for &'static str {
    fn text(&self) -> &str {
        self
    }
}

impl Piece for SqlText {
    fn text(&self) -> &str {
        &self.0
    }
}

/// The values of a statement. Each has a placeholder, which may stand in the text more than once.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    values: Vec<Value>,
}

impl Statement {
    /// Binds a value and returns its placeholder: `$3`.
    pub fn bind(&mut self, value: impl Into<Value>) -> SqlText {
        self.values.push(value.into());
        SqlText(format!("${}", self.values.len()).into())
    }

    /// Binds values and returns their placeholders: `$3, $4, $5`.
    pub fn bind_list(&mut self, values: impl IntoIterator<Item: Into<Value>>) -> SqlText {
        let first = self.values.len() + 1;
        self.values.extend(values.into_iter().map(Into::into));
        let placeholders: Vec<String> = (first..=self.values.len()).map(|number| format!("${number}")).collect();
        SqlText(placeholders.join(", ").into())
    }

    /// Returns a condition: the time in `column` lies in the range.
    pub fn within(&mut self, column: &'static str, range: Range) -> SqlText {
        let (start, end) = (self.bind(range.start), self.bind(range.end));
        sql_text!("{column} >= {start} and {column} < {end}"; column, start, end)
    }

    /// Returns the statement with this text, ready to run.
    pub fn query(self, text: SqlText) -> Query {
        sql(text.0).bind_all(self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_placeholder_wherever_it_stands() {
        let mut statement = Statement::default();
        let at = statement.bind(7);
        let ids = statement.bind_list([1, 2]);
        let text = sql_text!("a = {at} or b = {at} or c in ({ids})"; at, ids);
        assert_eq!(text.text(), "a = $1 or b = $1 or c in ($2, $3)");
    }
}
