use crate::attribution::signal::clean;

/// One parameter that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The parameter.
    pub name: &'static str,
    /// What was typed, so that a form can show it again.
    pub value: String,
    /// What is wrong, as a sentence for people.
    pub message: String,
}

/// The parameters of a query string, and the problems found while they are read.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    query: &'a str,
    pub problems: Vec<Problem>,
}

impl<'a> Parameters<'a> {
    pub fn new(query: &'a str) -> Self {
        Self { query, problems: Vec::new() }
    }

    /// Returns the last value of a parameter that is not empty, without the characters that a stored value cannot have:
    /// `source=a&source=b&source=` → `b`.
    pub fn last(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .filter(|(key, _)| key == name)
            .filter_map(|(_, value)| clean::tidy(&value))
            .last()
    }

    /// Returns what `read` makes of a parameter. If `read` returns nothing, notes a problem in the words of `wrong`.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
        wrong: impl FnOnce(&str) -> String,
    ) -> Option<T> {
        let typed = self.last(name)?;
        let value = read(&typed);
        if value.is_none() {
            self.problem(name, &typed, wrong(&typed));
        }
        value
    }

    pub fn problem(&mut self, name: &'static str, typed: &str, message: String) {
        self.problems.push(Problem { name, value: typed.to_owned(), message });
    }
}
