use serde::{Serialize, Serializer};

use crate::timestamp::Timestamp;

/// A moment, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct ExportedTime(pub Timestamp);

impl Serialize for ExportedTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_jiff() {
            Ok(time) => serializer.collect_str(&time),
            // A time after the year 9999 has no RFC 3339 form, so the document has its milliseconds since 1970.
            Err(_) => serializer.serialize_i64(self.0.as_millis()),
        }
    }
}
