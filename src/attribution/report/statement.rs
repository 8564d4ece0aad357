use crate::{
    attribution::campaign_alias,
    db::{Conn, Dialect, Error, Query, Value, sql},
};

/// The name under which reports show the campaign of `touches t`: what its link said, or what that stands for
/// ([`aliases`]). It is looked up row by row: for rows that were found. Where many are grouped by it, [`Merging`] is better.
pub(super) const CAMPAIGN: &str =
    "coalesce((select ca.campaign from campaign_aliases ca where ca.alias = t.campaign), t.campaign)";

/// How many touches are grouped by that name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Merging {
    /// Joins what the name takes to `touches t`, with a space before.
    pub join: &'static str,
    /// The name.
    pub campaign: &'static str,
}

impl Merging {
    /// Where no name stands for another, which is the rule, the touches say it all.
    pub async fn of(conn: &mut Conn) -> Result<Self, Error> {
        Ok(match campaign_alias::any(conn).await? {
            true => Self {
                join: " left join campaign_aliases ca on ca.alias = t.campaign",
                campaign: "coalesce(ca.campaign, t.campaign)",
            },
            false => Self { join: "", campaign: "t.campaign" },
        })
    }
}

/// Touches of linked visitors, before further conditions.
///
/// `cross join` because SQLite keeps its order: few visitors belong to anyone, so walking those and their touches is far less
/// than looking up the visitor of each touch. PostgreSQL orders by its statistics.
pub(super) const LINKED: &str =
    " from visitors v cross join touches t where t.visitor_id = v.id and v.user_id is not null and ";

/// Users and all of their touches, before further conditions. In this order for the same reason.
pub(super) const USERS_TOUCHES: &str =
    " from users u cross join visitors v cross join touches t where v.user_id = u.id and t.visitor_id = v.id and ";

/// A statement that is put together: its text from code alone, its values from anywhere, each with its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Statement {
    pub fn new(text: &'static str) -> Self {
        Self::default().text(text)
    }

    /// Adds text. `'static` keeps input out of it.
    pub fn text(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Adds one of the beginnings above, with a join after its tables.
    pub fn joining(self, tables: &'static str, join: &'static str) -> Self {
        let (from, conditions) = tables.split_once(" where ").unwrap_or((tables, ""));
        self.text(from).text(join).text(" where ").text(conditions)
    }

    /// Adds a placeholder and its value.
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds what `f` adds.
    pub fn with(self, f: impl FnOnce(Self) -> Self) -> Self {
        f(self)
    }

    pub fn query(self) -> Query {
        sql(self.text).bind_all(self.values)
    }
}

/// A pattern for `like … escape '\'` that finds the text anywhere, its `%` and `_` taken as they are.
pub(super) fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// The database a connection belongs to, for the little that the two do not write alike.
pub(super) fn dialect(conn: &Conn) -> Dialect {
    match conn {
        Conn::Sqlite(_) => Dialect::Sqlite,
        Conn::Postgres(_) => Dialect::Postgres,
    }
}
