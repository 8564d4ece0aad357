//! The UTM fields. To add a field, add a line here, a column in a migration of each database, and a label in each page that names
//! the fields.

/// Declares [`Utm`] with its lists: for each field its name, and the column that stores it.
macro_rules! utm {
    ($first:ident $first_column:tt, $($field:ident $column:tt,)+) => {
        /// The UTM fields of one landing, with values as [`clean`](super::clean()) makes them. A missing field is never filled
        /// from another touch.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "ssr", derive(serde::Serialize, sqlx::FromRow))]
        pub struct Utm {
            #[cfg_attr(feature = "ssr", sqlx(rename = $first_column), serde(rename = $first_column))]
            pub $first: Option<String>,
            $(
                #[cfg_attr(feature = "ssr", sqlx(rename = $column), serde(rename = $column))]
                pub $field: Option<String>,
            )+
        }

        impl Utm {
            /// The parameters' names in a query, `utm_source` …, in the order of the fields, as all lists here.
            pub const PARAMETERS: [&str; Self::COUNT] =
                [concat!("utm_", stringify!($first)), $(concat!("utm_", stringify!($field))),+];

            /// The columns of `touches`.
            pub const COLUMNS: [&str; Self::COUNT] = [$first_column, $($column),+];

            /// The columns of `touches` for a select list: `source, medium, …`.
            pub const COLUMN_LIST: &str = concat!($first_column, $(", ", $column),+);

            pub const COUNT: usize = [$first_column, $($column),+].len();

            pub fn values(&self) -> [&Option<String>; Self::COUNT] {
                [&self.$first, $(&self.$field),+]
            }

            pub fn into_values(self) -> [Option<String>; Self::COUNT] {
                [self.$first, $(self.$field),+]
            }

            pub fn values_mut(&mut self) -> [&mut Option<String>; Self::COUNT] {
                [&mut self.$first, $(&mut self.$field),+]
            }
        }
    };
}

utm! {
    source "source",
    medium "medium",
    campaign "campaign",
    term "term",
    content "content",
    id "utm_id",
    source_platform "source_platform",
    creative_format "creative_format",
    marketing_tactic "marketing_tactic",
}

impl Utm {
    /// Returns whether no field has a value.
    pub fn is_empty(&self) -> bool {
        self.values().into_iter().all(Option::is_none)
    }

    /// Returns the parameter with a name, which is in lower case, and its field: `utm_source` → `source`.
    pub(super) fn field(&mut self, name: &[u8]) -> Option<(&'static str, &mut Option<String>)> {
        let place = Self::PARAMETERS.iter().position(|known| known.as_bytes() == name)?;
        Some((Self::PARAMETERS[place], self.values_mut().into_iter().nth(place)?))
    }
}
