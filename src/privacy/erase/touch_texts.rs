use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::shared_values::SharedValues;
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
    /// Reads the touches of a user.
    pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Self>, Error> {
        select("join visitors v on v.id = t.visitor_id where v.user_id = $1").bind(user).fetch_all(conn).await
    }

    /// Reads the touches with these ids, of any visitor.
    pub async fn by_ids(conn: &mut Conn, ids: &[TouchId]) -> Result<Vec<Self>, Error> {
        select(&format!("where t.id in ({})", placeholders(1, ids.len())))
            .bind_all(ids.iter().map(|id| (*id).into()))
            .fetch_all(conn)
            .await
    }

    /// Removes everything that could belong to this user alone, from a touch of the user.
    pub fn without_personal(mut self, shared: &SharedValues, email: Option<&EmailMatcher>, key: &ErasureKey) -> Self {
        self.fingerprint = key.fingerprint(self.utm_digest());
        self.utm.term.take_if(|value| !shared.contains("term", value));
        self.utm.content.take_if(|value| !shared.contains("content", value));
        self.utm.id.take_if(|value| !shared.contains("utm_id", value));
        if !shared.contains("landing_path", &self.landing_path) {
            self.landing_path = "/".into();
        }
        self.referrer = self.referrer.as_deref().map(host);
        self.click_ids = "{}".into();
        self.tags = "{}".into();
        match email {
            Some(email) => self.cleared(email),
            None => self,
        }
    }

    /// Removes the texts that contain the address, from a touch of anyone.
    pub fn without_email(self, email: &EmailMatcher, key: &ErasureKey) -> Self {
        let before = self.clone();
        let mut cleared = self.cleared(email);
        if cleared != before {
            // The old fingerprint is a digest of the removed texts: somebody who knows the other texts could try addresses
            // against it.
            cleared.fingerprint = key.fingerprint(before.utm_digest());
        }
        cleared
    }

    /// Returns a digest of the UTM fields, which the models compare. A touch that was erased before has this digest as its
    /// fingerprint.
    fn utm_digest(&self) -> i64 {
        if ERASED_RANGE.contains(&self.fingerprint) {
            return self.fingerprint;
        }
        step_key(&self.utm).cast_signed()
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

    pub async fn save(self, conn: &mut Conn) -> Result<(), Error> {
        sql(format!(
            "update touches set landing_path = $2, referrer = $3, click_ids = $4, tags = $5, fingerprint = $6, {}
            where id = $1",
            utm_assignments(7)
        ))
        .bind(self.id)
        .bind(self.landing_path)
        .bind(self.referrer)
        .bind(self.click_ids)
        .bind(self.tags)
        .bind(self.fingerprint)
        .bind_all(utm_values(self.utm))
        .execute(conn)
        .await
        .map(|_| ())
    }
}

/// Begins a statement that reads [`TouchTexts`].
fn select(rest: &str) -> Query {
    let utm = Utm::COLUMN_LIST;
    sql(format!(
        "select t.id, {utm}, t.landing_path, t.referrer, t.click_ids, t.tags, t.fingerprint from touches t {rest}"
    ))
}

/// Returns a referrer's host and `/`, as a referrer without a path is stored: `mail.example/inbox/7` → `mail.example/`.
fn host(referrer: &str) -> String {
    format!("{}/", Referrer::split(referrer).0)
}

/// The key of one erasure. The key is never stored, so that texts cannot be tried against the fingerprints afterwards.
pub(super) struct ErasureKey([u8; 16]);

impl ErasureKey {
    /// Makes a random key.
    pub fn new() -> Self {
        Self(Uuid::new_v4().into_bytes())
    }

    /// Returns the fingerprint, in the range [`ERASED_RANGE`], for a digest of UTM fields. Equal digests give equal fingerprints: the
    /// models count repeats of the same UTM fields as one step.
    fn fingerprint(&self, utm_digest: i64) -> i64 {
        let digest = Sha256::new().chain_update(self.0).chain_update(utm_digest.to_le_bytes()).finalize();
        let [a, b, c, d, e, ..] = <[u8; 32]>::from(digest);
        i64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }
}
