use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::key::ErasureKey;
use crate::{
    db::{Conn, Error, sql},
    id::{UserId, VisitorId},
};

/// The columns of a touch whose values can be made for one person.
pub(super) const PERSONAL: [&str; 4] = ["term", "content", "utm_id", "landing_path"];

/// The values of the columns [`PERSONAL`] that touches of a user share with touches of other visitors, as digests under the
/// erasure's key: the set is stored while the erasure waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SharedValues(BTreeSet<u64>);

impl SharedValues {
    /// Returns whether touches of other visitors have the value. `column` is a place in [`PERSONAL`].
    pub fn contains(&self, key: &ErasureKey, column: usize, value: &str) -> bool {
        self.0.contains(&digest(key, column, value))
    }

    pub fn add(&mut self, key: &ErasureKey, column: usize, value: &str) {
        self.0.insert(digest(key, column, value));
    }
}

fn digest(key: &ErasureKey, column: usize, value: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = key.digest(&[PERSONAL[column].as_bytes(), b"=", value.as_bytes()]);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The values of users that no touch of another visitor was seen to have, so far.
#[derive(Debug, Default)]
pub(super) struct OwnValues {
    /// By column and value: the users, as places in the list of erasures.
    owners: [HashMap<String, Vec<usize>>; PERSONAL.len()],
    visitors: Vec<HashSet<VisitorId>>,
}

impl OwnValues {
    /// Adds the values of the next user, without those that are known to be shared.
    pub async fn add(
        &mut self,
        conn: &mut Conn,
        user: UserId,
        key: &ErasureKey,
        shared: &SharedValues,
    ) -> Result<(), Error> {
        let place = self.visitors.len();
        for (column, name) in PERSONAL.into_iter().enumerate() {
            let values: Vec<(String,)> = sql(format!(
                "select distinct t.{name} from touches t join visitors v on v.id = t.visitor_id
                 where v.user_id = $1 and t.{name} is not null"
            ))
            .bind(user)
            .fetch_all(conn)
            .await?;
            for (value,) in values.into_iter().filter(|(value,)| !shared.contains(key, column, value)) {
                self.owners[column].entry(value).or_default().push(place);
            }
        }
        let visitors: Vec<(VisitorId,)> =
            sql("select id from visitors where user_id = $1").bind(user).fetch_all(conn).await?;
        self.visitors.push(visitors.into_iter().map(|(visitor,)| visitor).collect());
        Ok(())
    }

    /// Takes out the users who share a value with a touch of this visitor, and calls `found` with the place of each.
    pub fn see(&mut self, visitor: VisitorId, column: usize, value: &str, mut found: impl FnMut(usize)) {
        let Some(owners) = self.owners[column].get_mut(value) else { return };
        owners.retain(|place| {
            let own = self.visitors[*place].contains(&visitor);
            if !own {
                found(*place);
            }
            own
        });
        if owners.is_empty() {
            self.owners[column].remove(value);
        }
    }
}
