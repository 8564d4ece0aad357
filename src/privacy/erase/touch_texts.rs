use super::{key::ErasureKey, shared_values::SharedValues};
use crate::{
    attribution::{
        signal::{Utm, referrer::Referrer},
        touch::{
            fingerprint::{ERASED_RANGE, step_key},
            utm_assignments, utm_values,
        },
    },
    db::{Conn, Error, Query, placeholders, sql},
    id::{TouchId, UserId},
    privacy::email_in_text::EmailMatcher,
};

/// The texts of a touch. Erasing changes them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct TouchTexts {
    id: TouchId,
    #[sqlx(flatten)]
    utm: Utm,
    landing_path: String,
    referrer: Option<String>,
    click_ids: String,
    tags: String,
    fingerprint: i64,
}

impl TouchTexts {
    /// Reads the next touches of a user, in the order of their ids, and locks them.
    pub async fn of_user(conn: &mut Conn, user: UserId, after: TouchId, most: u32) -> Result<Vec<Self>, Error> {
        // Materialized, the user's touches are found by visitor. Otherwise PostgreSQL may walk all touches in the order of ids.
        let rest = "where t.id in (
            with mine as materialized (select id from touches
                where visitor_id in (select id from visitors where user_id = $1) and id > $2)
            select id from mine order by id limit $3) order by t.id";
        select(rest, conn).bind(user).bind(after).bind(most).fetch_all(conn).await
    }

    /// Reads the touches with these ids, of any visitor, and locks them.
    pub async fn by_ids(conn: &mut Conn, ids: &[TouchId]) -> Result<Vec<Self>, Error> {
        let rest = format!("where t.id in ({}) order by t.id", placeholders(1, ids.len()));
        select(&rest, conn).bind_all(ids.iter().map(|id| (*id).into())).fetch_all(conn).await
    }

    pub fn id(&self) -> TouchId {
        self.id
    }

    /// Removes from a touch of the user what identifies a click, and the texts that contain the address. The result does not
    /// depend on other touches.
    pub fn without_click(mut self, email: Option<&EmailMatcher>, key: &ErasureKey) -> Self {
        self.fingerprint = self.erased_fingerprint(key);
        self.referrer = self.referrer.as_deref().map(host);
        self.click_ids = "{}".into();
        self.tags = "{}".into();
        match email {
            Some(email) => self.cleared(email),
            None => self,
        }
    }

    /// Removes from a touch of the user the values that no touch of another visitor has.
    pub fn without_own_values(mut self, key: &ErasureKey, shared: &SharedValues) -> Self {
        let is_shared = |column: usize, value: &str| shared.contains(key, column, value);
        for (column, value) in [(0, &mut self.utm.term), (1, &mut self.utm.content), (2, &mut self.utm.id)] {
            value.take_if(|value| !is_shared(column, value));
        }
        if !is_shared(3, &self.landing_path) {
            self.landing_path = "/".into();
        }
        self
    }

    /// Removes the texts that contain the address, from a touch of anyone.
    pub fn without_email(self, email: &EmailMatcher, key: &ErasureKey) -> Self {
        // The old fingerprint is a digest of the removed texts: somebody who knows the other texts could try addresses against
        // it.
        let fingerprint = self.erased_fingerprint(key);
        let before = self.clone();
        let cleared = self.cleared(email);
        if cleared == before { before } else { Self { fingerprint, ..cleared } }
    }

    fn cleared(mut self, email: &EmailMatcher) -> Self {
        for text in self.utm.values_mut() {
            text.take_if(|text| email.is_in(text));
        }
        if email.is_in(&self.landing_path) {
            self.landing_path = "/".into();
        }
        if let Some(referrer) = self.referrer.as_mut().filter(|referrer| email.is_in(referrer)) {
            *referrer = host(referrer);
        }
        for map in [&mut self.click_ids, &mut self.tags] {
            if email.is_in(map) {
                *map = "{}".into();
            }
        }
        self
    }

    /// Stores the texts.
    pub async fn save(self, conn: &mut Conn) -> Result<(), Error> {
        sql(format!(
            "update touches set landing_path = $2, referrer = $3, click_ids = $4, tags = $5, fingerprint = $6,
                first_fingerprint = null, {}
            where id = $1",
            utm_assignments(7)
        ))
        .bind(self.id)
        .bind(self.landing_path)
        .bind(self.referrer)
        .bind(self.click_ids)
        .bind(self.tags)
        .bind(self.fingerprint)
        .bind_all(utm_values(&self.utm))
        .execute(conn)
        .await
        .map(|_| ())
    }

    /// Returns the new fingerprint of this touch, whose texts are about to change. The fingerprint is in [`ERASED_RANGE`]. Touches
    /// with equal UTM fields get equal fingerprints: the models count repeats of the same UTM fields as one step. A touch that was
    /// erased before keeps its fingerprint.
    fn erased_fingerprint(&self, key: &ErasureKey) -> i64 {
        if ERASED_RANGE.contains(&self.fingerprint) {
            return self.fingerprint;
        }
        let [a, b, c, d, e, ..] = key.digest(&[&step_key(&self.utm).to_le_bytes()]);
        i64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }
}

/// Begins a statement that reads [`TouchTexts`], and locks their rows.
fn select(rest: &str, conn: &Conn) -> Query {
    let (utm, lock) = (Utm::COLUMN_LIST, conn.for_update());
    sql(format!(
        "select t.id, {utm}, t.landing_path, t.referrer, t.click_ids, t.tags, t.fingerprint from touches t {rest}{lock}"
    ))
}

/// Returns a referrer's host and `/`, as a referrer without a path is stored: `mail.example/inbox/7` → `mail.example/`.
fn host(referrer: &str) -> String {
    format!("{}/", Referrer::split(referrer).0)
}
