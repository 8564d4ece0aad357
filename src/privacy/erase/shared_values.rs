use std::collections::{BTreeMap, HashSet};

use crate::{
    db::{Conn, Error, Value, placeholders, sql},
    id::UserId,
};

/// The columns of a touch whose values can be made for one person.
pub(super) const PERSONAL: [&str; 4] = ["term", "content", "utm_id", "landing_path"];

/// Values asked for in one statement at most.
const CHUNK: usize = 400;

/// The values of the columns [`PERSONAL`] that touches of a user share with touches of other visitors.
pub(super) struct SharedValues(BTreeMap<&'static str, HashSet<String>>);

impl SharedValues {
    pub async fn find(conn: &mut Conn, user: UserId) -> Result<Self, Error> {
        let mut shared = BTreeMap::<_, HashSet<String>>::new();
        for column in PERSONAL {
            let values: Vec<(String,)> = sql(format!(
                "select distinct t.{column} from touches t join visitors v on v.id = t.visitor_id
                 where v.user_id = $1 and t.{column} is not null"
            ))
            .bind(user)
            .fetch_all(conn)
            .await?;
            let found = shared.entry(column).or_default();
            for values in values.chunks(CHUNK) {
                let others: Vec<(String,)> = sql(format!(
                    "select distinct t.{column} from touches t where t.{column} in ({}) and t.visitor_id not in (
                        select id from visitors where user_id = $1)",
                    placeholders(2, values.len())
                ))
                .bind(user)
                .bind_all(values.iter().map(|(value,)| Value::from(value.as_str())))
                .fetch_all(conn)
                .await?;
                found.extend(others.into_iter().map(|(value,)| value));
            }
        }
        Ok(Self(shared))
    }

    /// Returns whether touches of other visitors have the value in this column.
    pub fn contains(&self, column: &str, value: &str) -> bool {
        self.0.get(column).is_some_and(|values| values.contains(value))
    }
}
